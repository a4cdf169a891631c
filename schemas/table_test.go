package schemas_test

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"palimpsest/schemas"
)

var update = flag.Bool("update", false, "write the files of testdata anew")

// The whole contract stands in a file, so that a change of it is a change that can be seen. Columns may be added; whoever removes
// or changes one raises the major version.
func TestContract(t *testing.T) {
	var b strings.Builder
	b.WriteString("version " + schemas.Version + "\n")
	for _, table := range schemas.All() {
		b.WriteString("\n" + table.Text())
	}
	golden(t, "contract.txt", b.String())
}

// golden compares with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.MkdirAll("testdata", 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(strings.Split(string(want), "\n"), strings.Split(got, "\n")); d != "" {
		t.Errorf("it differs from %s; if that is meant, run go test ./schemas -update\n%s", path, d)
	}
}

var snakeCase = regexp.MustCompile(`^[a-z][a-z0-9]*(_[a-z0-9]+)*$`)

// Row types, Arrow and Parquet schemas say the same.
func TestRowsAreColumns(t *testing.T) {
	names := map[string]bool{}
	for _, table := range schemas.All() {
		t.Run(table.Name, func(t *testing.T) {
			if names[table.Name] || !snakeCase.MatchString(table.Name) {
				t.Errorf("the name %q is bad or taken", table.Name)
			}
			names[table.Name] = true
			if got, ok := schemas.Lookup(table.Name); !ok || got != table {
				t.Error("Lookup does not find it")
			}
			if table.Row.NumField() != len(table.Columns) {
				t.Fatalf("%d fields, %d columns", table.Row.NumField(), len(table.Columns))
			}
			arrowSchema := table.Arrow(arrow.Metadata{})
			parquetSchema := parquet.NewSchema(table.Name, parquet.SchemaOf(reflect.New(table.Row).Interface()))
			fields := parquetSchema.Fields()
			if len(fields) != len(table.Columns) || arrowSchema.NumFields() != len(table.Columns) {
				t.Fatalf("%d columns, %d in Parquet, %d in Arrow", len(table.Columns), len(fields), arrowSchema.NumFields())
			}
			seen := map[string]bool{}
			for i, c := range table.Columns {
				if seen[c.Name] || !snakeCase.MatchString(c.Name) {
					t.Errorf("the name %q is bad or taken", c.Name)
				}
				seen[c.Name] = true
				if table.Index(c.Name) != i {
					t.Errorf("%s: Index is %d, want %d", c.Name, table.Index(c.Name), i)
				}
				if f := arrowSchema.Field(i); f.Name != c.Name || f.Nullable != c.Nullable || arrowName(f.Type) != c.Type {
					t.Errorf("%s: Arrow has %v", c.Name, f)
				}
				p := fields[i]
				if p.Name() != c.Name || p.Optional() != c.Nullable || p.Repeated() || !p.Leaf() || parquetName(p.Type()) != c.Type {
					t.Errorf("%s: Parquet has %v, %v", c.Name, p.Name(), p)
				}
			}
			if first := table.Columns[0]; first.Name != "run_id" || first.Nullable || first.Type != schemas.String {
				t.Errorf("the first column is %v", first)
			}
			if len(table.Key) == 0 || len(slices.Compact(slices.Sorted(slices.Values(table.Key)))) != len(table.Key) {
				t.Errorf("key %v", table.Key)
			}
			for _, k := range table.Key {
				if c := table.Columns[table.Index(k)]; c.Type == schemas.Float64 {
					t.Errorf("column %s of the key is a float", k)
				}
			}
		})
	}
}

func arrowName(t arrow.DataType) schemas.Type {
	switch t := t.(type) {
	case *arrow.StringType:
		return schemas.String
	case *arrow.Int64Type:
		return schemas.Int64
	case *arrow.Float64Type:
		return schemas.Float64
	case *arrow.BooleanType:
		return schemas.Bool
	case *arrow.TimestampType:
		if t.Unit == arrow.Microsecond && t.TimeZone == "UTC" {
			return schemas.Timestamp
		}
	}
	return ""
}

func parquetName(t parquet.Type) schemas.Type {
	logical := ""
	if l := t.LogicalType(); l != nil {
		logical = l.String()
	}
	switch {
	case t.Kind() == parquet.ByteArray && logical == "STRING":
		return schemas.String
	case t.Kind() == parquet.Int64 && (logical == "" || logical == "INT(64,true)"):
		return schemas.Int64
	case t.Kind() == parquet.Double && logical == "":
		return schemas.Float64
	case t.Kind() == parquet.Boolean && logical == "":
		return schemas.Bool
	case t.Kind() == parquet.Int64 && logical == "TIMESTAMP(isAdjustedToUTC=true,unit=MICROS)":
		return schemas.Timestamp
	}
	return schemas.Type(logical)
}

// Every column that the design names is there, in its order; what the contract has besides is listed here.
func TestDesign(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "shared", "design.md"))
	if err != nil {
		t.Skip("the design is not beside the repository: ", err)
	}
	added := map[string]bool{"probes.searchable": true, "windows.top_k_excluded": true, "evaluation.model": true,
		"evaluation.blind_difference_low": true, "evaluation.beats_blind": true,
		"likelihood.zstd_bytes": true, "likelihood.zstd_implementation": true, "likelihood.xz_bytes": true,
		"likelihood.xz_implementation": true, "span_sources.reservation": true, "span_sources.reservation_rule": true,
		"matches.reservation": true, "matches.reservation_rule": true}
	found := 0
	brackets := regexp.MustCompile(`\([^)]*\)`)
	for _, line := range strings.Split(string(text), "\n") {
		cells := strings.Split(line, "|")
		if len(cells) != 5 || !strings.HasPrefix(line, "| `") {
			continue
		}
		name := strings.Trim(cells[1], " `")
		table, ok := schemas.Lookup(name)
		if !ok {
			t.Errorf("no table %s", name)
			continue
		}
		found++
		want := []string{"run_id"}
		for _, c := range strings.Split(brackets.ReplaceAllString(cells[3], ""), ",") {
			want = append(want, strings.TrimSpace(c))
		}
		var got []string
		for _, c := range table.Columns {
			if !added[name+"."+c.Name] {
				got = append(got, c.Name)
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s:\n%s", name, d)
		}
	}
	besides := map[string]bool{"signatures": true, "compression": true, "extraction": true, "generations": true, "canaries": true,
		"tuning": true} // tables
	if found+len(besides) != len(schemas.All()) {
		t.Errorf("the design has %d of the %d tables", found, len(schemas.All()))
	}
}

func TestJSON(t *testing.T) {
	b, err := schemas.JSON(schemas.All())
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Version string
		Tables  []schemas.Table
	}
	if err := json.Unmarshal(b, &got); err != nil {
		t.Fatal(err)
	}
	if got.Version != schemas.Version || len(got.Tables) != len(schemas.All()) {
		t.Fatalf("version %s, %d tables", got.Version, len(got.Tables))
	}
	for i, table := range schemas.All() {
		want := *table
		want.Row = nil
		if d := cmp.Diff(want, got.Tables[i]); d != "" {
			t.Errorf("%s:\n%s", table.Name, d)
		}
	}
}
