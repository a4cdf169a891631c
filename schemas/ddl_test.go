package schemas_test

import (
	"strings"
	"testing"
	"unicode/utf8"

	"palimpsest/schemas"
)

// What creates the tables stands in a file for each warehouse. The interop suite has DuckDB carry it out and load a run, and parses the
// others.
func TestDDL(t *testing.T) {
	for _, dialect := range schemas.Dialects {
		var b strings.Builder
		for _, table := range schemas.All() {
			ddl, err := table.DDL(dialect)
			if err != nil {
				t.Fatal(err)
			}
			b.WriteString(ddl + "\n")
		}
		golden(t, dialect+".sql", b.String())
	}
	if _, err := schemas.Runs.DDL("sqlite"); err == nil {
		t.Error("a dialect that is not known gives no error")
	}
}

// BigQuery takes descriptions of columns up to 1,024 characters, and the others more.
func TestDocsFit(t *testing.T) {
	for _, table := range schemas.All() {
		for _, c := range table.Columns {
			if n := utf8.RuneCountInString(c.Doc) + len(c.Unit) + 3; n > 1024 {
				t.Errorf("%s.%s: its meaning takes %d characters", table.Name, c.Name, n)
			}
		}
	}
}
