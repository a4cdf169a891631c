package write_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"
	"pgregory.net/rapid"

	"palimpsest/schemas"
	"palimpsest/stages/write"
)

// everyTable calls f for each table, as a subtest.
func everyTable(t *testing.T, f func(t *testing.T, suite suite)) {
	suites := []suite{
		of(schemas.Runs), of(schemas.Probes), of(schemas.Overlaps), of(schemas.Spans), of(schemas.SpanSources), of(schemas.Matches),
		of(schemas.Documents), of(schemas.Signatures), of(schemas.Likelihoods), of(schemas.Compressions), of(schemas.Tokens),
		of(schemas.Windows), of(schemas.Extractions), of(schemas.Generations), of(schemas.Canaries), of(schemas.Tunings),
		of(schemas.Evidences), of(schemas.Lineages), of(schemas.Evaluations),
	}
	if len(suites) < len(schemas.All()) {
		t.Errorf("%d tables are tested, the contract has %d", len(suites), len(schemas.All()))
	}
	for _, s := range suites {
		t.Run(s.table.Name, func(t *testing.T) { f(t, s) })
	}
}

// A suite drives the writer of one table without its row type.
type suite struct {
	table *schemas.Table
	// sorted writes rows in order, spooled in any order; both return the outputs.
	sorted, spooled func(*write.Dir, []reflect.Value) ([]write.Output, error)
	// parquet reads a Parquet file.
	parquet func(path string) ([]reflect.Value, error)
}

func of[R any](t schemas.Of[R]) suite {
	return suite{
		table: t.Table,
		sorted: func(d *write.Dir, rows []reflect.Value) ([]write.Output, error) {
			w, err := write.Open(d, t)
			if err != nil {
				return nil, err
			}
			defer w.Discard()
			for _, r := range rows {
				if err := w.Write(r.Interface().(R)); err != nil {
					return nil, err
				}
			}
			return w.Close(context.Background())
		},
		spooled: func(d *write.Dir, rows []reflect.Value) ([]write.Output, error) {
			w, err := write.OpenSpool(d, t)
			if err != nil {
				return nil, err
			}
			defer w.Discard()
			for _, r := range rows {
				if err := w.Write(r.Interface().(R)); err != nil {
					return nil, err
				}
			}
			return w.Close(context.Background())
		},
		parquet: func(path string) ([]reflect.Value, error) {
			rows, err := parquet.ReadFile[R](path)
			var values []reflect.Value
			for _, r := range rows {
				values = append(values, reflect.ValueOf(r))
			}
			return values, err
		},
	}
}

// drawRow draws a row that a table may hold, without a run id.
func drawRow(t *rapid.T, table *schemas.Table) reflect.Value {
	row := reflect.New(table.Row).Elem()
	for i, c := range table.Columns[1:] {
		v := row.Field(i + 1)
		if c.Nullable {
			if rapid.IntRange(0, 2).Draw(t, "null") == 0 {
				continue
			}
			v.Set(reflect.New(v.Type().Elem()))
			v = v.Elem()
		}
		switch c.Type {
		case schemas.String:
			v.SetString(rapid.OneOf(rapid.StringOf(rapid.SampledFrom([]rune("ab\x00\x01ÿ\U0001F600"))), rapid.String()).Draw(t, c.Name))
		case schemas.Int64:
			v.SetInt(rapid.OneOf(rapid.Int64(), rapid.Int64Range(-2, 2)).Draw(t, c.Name))
		case schemas.Float64:
			v.SetFloat(rapid.Float64().Draw(t, c.Name))
		case schemas.Bool:
			v.SetBool(rapid.Bool().Draw(t, c.Name))
		case schemas.Timestamp:
			v.Set(reflect.ValueOf(time.UnixMicro(rapid.Int64Range(-921e13, 921e13).Draw(t, c.Name)).UTC()))
		}
	}
	return row
}

// compareKeys is the order of the contract, column by column, nulls first.
func compareKeys(table *schemas.Table, a, b reflect.Value) int {
	for _, k := range table.Key[slices.Index(table.Key, "run_id")+1:] {
		x, y := a.Field(table.Index(k)), b.Field(table.Index(k))
		if x.Kind() == reflect.Pointer {
			switch {
			case x.IsNil() && y.IsNil():
				continue
			case x.IsNil():
				return -1
			case y.IsNil():
				return 1
			}
			x, y = x.Elem(), y.Elem()
		}
		c := 0
		switch x.Kind() {
		case reflect.String:
			c = strings.Compare(x.String(), y.String())
		case reflect.Int64:
			switch {
			case x.Int() < y.Int():
				c = -1
			case x.Int() > y.Int():
				c = 1
			}
		case reflect.Bool:
			if x.Bool() != y.Bool() {
				c = 1
				if y.Bool() {
					c = -1
				}
			}
		}
		if c != 0 {
			return c
		}
	}
	return 0
}

func TestRoundTrip(t *testing.T) {
	everyTable(t, func(t *testing.T, s suite) {
		rapid.Check(t, func(rt *rapid.T) {
			rows := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) reflect.Value { return drawRow(t, s.table) }), 0, 20).Draw(rt, "rows")
			shuffled := slices.Clone(rows)
			slices.SortStableFunc(rows, func(a, b reflect.Value) int { return compareKeys(s.table, a, b) })
			repeated := len(rows) != len(slices.CompactFunc(slices.Clone(rows),
				func(a, b reflect.Value) bool { return compareKeys(s.table, a, b) == 0 }))

			dir, err := os.MkdirTemp(t.TempDir(), "")
			if err != nil {
				rt.Fatal(err)
			}
			a := write.NewDir(filepath.Join(dir, "a"), "r", map[string]string{"unit": "words"})
			b := write.NewDir(filepath.Join(dir, "b"), "r", map[string]string{"unit": "words"})
			outputs, err := s.sorted(a, rows)
			spooled, spoolErr := s.spooled(b, shuffled)
			if repeated {
				if err == nil || spoolErr == nil || !strings.Contains(err.Error(), "a second row with the key") {
					rt.Fatalf("rows with the same key: %v; spool: %v", err, spoolErr)
				}
				return
			}
			if err != nil || spoolErr != nil {
				rt.Fatal(err, spoolErr)
			}
			if d := cmp.Diff(outputs, spooled); d != "" {
				rt.Fatalf("the spool's files differ:\n%s", d)
			}
			for i := range rows {
				rows[i].Field(0).SetString("r")
			}
			got, err := s.parquet(a.Path(outputs[1]))
			if err != nil {
				rt.Fatal(err)
			}
			compareRows(rt, "Parquet", s.table, rows, got)
			compareRows(rt, "Arrow", s.table, rows, readArrow(rt, s.table, a.Path(outputs[0])))
		})
	})
}

func compareRows(t *rapid.T, format string, table *schemas.Table, want, got []reflect.Value) {
	if len(want) != len(got) {
		t.Fatalf("%s: %d rows, want %d", format, len(got), len(want))
	}
	for i := range want {
		if d := cmp.Diff(want[i].Interface(), got[i].Interface()); d != "" {
			t.Fatalf("%s of %s, row %d:\n%s", format, table.Name, i, d)
		}
	}
}

// readArrow reads an Arrow file into rows by the names of its columns.
func readArrow(t interface{ Fatal(...any) }, table *schemas.Table, path string) []reflect.Value {
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := ipc.NewFileReader(f)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var rows []reflect.Value
	for {
		record, err := r.Read()
		if err == io.EOF {
			return rows
		}
		if err != nil {
			t.Fatal(err)
		}
		for i := range int(record.NumRows()) {
			row := reflect.New(table.Row).Elem()
			for c := range int(record.NumCols()) {
				column := record.Column(c)
				v := row.Field(table.Index(record.ColumnName(c)))
				if column.IsNull(i) {
					continue
				}
				if v.Kind() == reflect.Pointer {
					v.Set(reflect.New(v.Type().Elem()))
					v = v.Elem()
				}
				switch column := column.(type) {
				case *array.String:
					v.SetString(strings.Clone(column.Value(i)))
				case *array.Int64:
					v.SetInt(column.Value(i))
				case *array.Float64:
					v.SetFloat(column.Value(i))
				case *array.Boolean:
					v.SetBool(column.Value(i))
				case *array.Timestamp:
					v.Set(reflect.ValueOf(column.Value(i).ToTime(arrow.Microsecond)))
				default:
					t.Fatal("column", record.ColumnName(c), "has type", column.DataType())
				}
			}
			rows = append(rows, row)
		}
	}
}

func TestEmptyTables(t *testing.T) {
	d := write.NewDir(t.TempDir(), "empty", nil)
	everyTable(t, func(t *testing.T, s suite) {
		outputs, err := s.sorted(d, nil)
		if err != nil {
			t.Fatal(err)
		}
		if rows := readArrow(t, s.table, d.Path(outputs[0])); len(rows) != 0 {
			t.Errorf("%d rows in the Arrow file", len(rows))
		}
		if rows, err := s.parquet(d.Path(outputs[1])); err != nil || len(rows) != 0 {
			t.Errorf("%d rows in the Parquet file, %v", len(rows), err)
		}
	})
}

// Outputs say where the files are and what they hold; nothing else is left in the directory.
func TestOutputs(t *testing.T) {
	root := t.TempDir()
	d := write.NewDir(root, "run", nil)
	s, err := write.OpenSpool(d, schemas.Overlaps)
	if err != nil {
		t.Fatal(err)
	}
	for n := range int64(3) {
		if err := s.Write(schemas.Overlap{ProbeID: "p", N: 10 - n}); err != nil {
			t.Fatal(err)
		}
	}
	outputs, err := s.Close(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	err = filepath.WalkDir(root, func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			rel, _ := filepath.Rel(root, path)
			got = append(got, filepath.ToSlash(rel))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"arrow/overlap/part-00000.arrow", "parquet/overlap/part-00000.parquet"}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("files:\n%s", d)
	}
	for i, o := range outputs {
		b, err := os.ReadFile(d.Path(o))
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(b)
		if o.Path != want[i] || o.Rows != 3 || o.Bytes != int64(len(b)) || o.SHA256 != hex.EncodeToString(sum[:]) || o.Table != "overlap" {
			t.Errorf("output %d: %+v", i, o)
		}
	}
}

func TestMetadata(t *testing.T) {
	d := write.NewDir(t.TempDir(), "nightly", map[string]string{"unit": "words"})
	s := of(schemas.Overlaps)
	outputs, err := s.sorted(d, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"palimpsest.schema_version": schemas.Version,
		"palimpsest.table":          "overlap",
		"palimpsest.run_id":         "nightly",
		"palimpsest.unit":           "words",
		"palimpsest.column_units":   `{"coverage":"fraction","coverage_outside_prompt":"fraction","covered_words":"words","matched_fraction":"fraction","n":"words"}`,
	}
	file, err := os.Open(d.Path(outputs[0]))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	r, err := ipc.NewFileReader(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, r.Schema().Metadata().ToMap()); d != "" {
		t.Errorf("Arrow:\n%s", d)
	}
	p := openParquet(t, d.Path(outputs[1]))
	got := map[string]string{}
	for _, kv := range p.Metadata().KeyValueMetadata {
		got[kv.Key] = kv.Value
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("Parquet:\n%s", d)
	}
	if by := p.Metadata().CreatedBy; by != "palimpsest version "+schemas.Version+"(build )" {
		t.Errorf("created by %q", by)
	}
	if _, err := s.sorted(write.NewDir(t.TempDir(), "r", map[string]string{"table": "x"}), nil); err == nil {
		t.Error("metadata that hides the writer's own was taken")
	}
}

func openParquet(t *testing.T, path string) *parquet.File {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	p, err := parquet.OpenFile(f, info.Size())
	if err != nil {
		t.Fatal(err)
	}
	return p
}
