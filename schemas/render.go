package schemas

import (
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"
)

// Text returns the table for a reader: what a row is, the key, and a line a column with name, type, whether it can be null,
// unit and meaning.
func (t *Table) Text() string {
	rows := [][]string{{"column", "type", "null", "unit", "meaning"}}
	for _, c := range t.Columns {
		null, unit := "", c.Unit
		if c.Nullable {
			null = "null"
		}
		if unit == "" {
			unit = "-"
		}
		rows = append(rows, []string{c.Name, string(c.Type), null, unit, c.Doc})
	}
	width := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			width[i] = max(width[i], utf8.RuneCountInString(cell))
		}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "%s: a row is %s; sorted by %s\n", t.Name, t.Doc, strings.Join(t.Key, ", "))
	for _, row := range rows {
		last := len(row) - 1
		for i, cell := range row[:last] {
			fmt.Fprintf(&b, "  %-*s", width[i], cell)
		}
		fmt.Fprintf(&b, "  %s\n", row[last])
	}
	return b.String()
}

// JSON returns the tables, with the version of the contract, as indented JSON.
func JSON(tables []*Table) ([]byte, error) {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	err := e.Encode(struct {
		Version string   `json:"version"`
		Tables  []*Table `json:"tables"`
	}{Version, tables})
	return []byte(b.String()), err
}
