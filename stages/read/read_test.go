package read_test

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"
	"go.uber.org/goleak"

	"palimpsest/stages/read"
)

func TestMain(m *testing.M) {
	if childMain() {
		return
	}
	// The decoder of zstd keeps no goroutines; the pools of gocloud's openers do not either.
	goleak.VerifyTestMain(m)
}

var codecs = map[string]compress.Codec{
	"none": &parquet.Uncompressed, "snappy": &parquet.Snappy, "gzip": &parquet.Gzip, "brotli": &parquet.Brotli, "zstd": &parquet.Zstd,
	"lz4_raw": &parquet.Lz4Raw,
}

// TestReadsEverythingThatParquetGoWrites compares with the model that the file was written from.
func TestReadsEverythingThatParquetGoWrites(t *testing.T) {
	data := newTable(allFields(), 333, 1)
	for name, codec := range codecs {
		for version := 1; version <= 2; version++ {
			for _, l := range []layout{
				{codec: codec, version: version, pageBytes: 1 << 20},
				{codec: codec, version: version, pageBytes: 100, groupRows: 100},
			} {
				t.Run(fmt.Sprintf("%s/v%d/groups_of_%d", name, version, l.groupRows), func(t *testing.T) {
					compare(t, data, mustOpen(t, data.write(l)))
				})
			}
		}
	}
}

func TestSmallTables(t *testing.T) {
	for _, rows := range []int{0, 1, 2, 7, 8, 9} {
		t.Run(fmt.Sprint(rows), func(t *testing.T) {
			for seed := range uint64(5) {
				data := newTable(allFields(), rows, seed)
				compare(t, data, mustOpen(t, data.write(layout{codec: &parquet.Zstd, version: 1 + int(seed&1), pageBytes: 64, groupRows: 3})))
			}
		})
	}
}

// compare reads every column of every group in every way and compares with the table.
func compare(t *testing.T, data table, f *read.File) {
	t.Helper()
	if f.Rows() != int64(len(data.rows)) || len(f.Columns()) != len(data.fields) {
		t.Fatalf("%d rows, %d columns; want %d, %d", f.Rows(), len(f.Columns()), len(data.rows), len(data.fields))
	}
	var columns []read.Column
	for _, fd := range data.fields {
		c := mustColumn(t, f, fd.name)
		if c.Depth != fd.depth || c.Path != fd.name {
			t.Fatalf("column %s: %+v", fd.name, c)
		}
		columns = append(columns, c)
	}
	next := int64(0)
	for i := range f.Groups() {
		g, err := f.Read(t.Context(), i, columns...)
		if err != nil {
			t.Fatal(err)
		}
		if g.FirstRow() != next {
			t.Fatalf("group %d begins at %d, want %d", i, g.FirstRow(), next)
		}
		next += f.GroupRows(i)
		for j, c := range columns {
			want := make([]cell, g.Rows())
			for r := range want {
				want[r] = data.rows[g.FirstRow()+int64(r)][j]
			}
			compareColumn(t, g, c, want)
		}
		if len(g.Digests()) != len(columns) || len(g.Digests()[0].SHA256) != 64 {
			t.Errorf("digests %+v", g.Digests())
		}
		g.Release()
		g.Release()
	}
	if next != f.Rows() {
		t.Errorf("groups have %d rows, the file %d", next, f.Rows())
	}
}

func compareColumn(t *testing.T, g *read.Group, c read.Column, want []cell) {
	t.Helper()
	check := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatalf("%s: %v", c.Path, err)
		}
	}
	switch c.Kind {
	case read.Bytes:
		n := 0
		check(g.Each(c, func(row int, text []byte, ok bool) error {
			if row != n {
				t.Fatalf("%s: row %d after %d", c.Path, row, n-1)
			}
			n++
			return sameText(want[row], text, ok)
		}))
		b, err := g.Bytes(c)
		check(err)
		if n != len(want) {
			t.Fatalf("%s: %d rows, want %d", c.Path, n, len(want))
		}
		for r := range want {
			v, ok := b.Value(r)
			check(sameText(want[r], v, ok))
		}
	case read.Int, read.Bool:
		v, err := g.Ints(c)
		check(err)
		check(sameNumbers(v, c.Depth, want, func(p parquet.Value) int64 {
			switch p.Kind() {
			case parquet.Boolean:
				return map[bool]int64{true: 1}[p.Boolean()]
			case parquet.Int32:
				return int64(p.Int32())
			}
			return p.Int64()
		}))
		if c.Kind == read.Int {
			_, err := g.Floats(c)
			check(err)
		}
	case read.Float:
		v, err := g.Floats(c)
		check(err)
		check(sameNumbers(v, c.Depth, want, func(p parquet.Value) float64 {
			if p.Kind() == parquet.Float {
				return float64(p.Float())
			}
			return p.Double()
		}))
	}
}

func sameText(want cell, got []byte, ok bool) error {
	if want == nil {
		if ok {
			return fmt.Errorf("got %q, want null", got)
		}
		return nil
	}
	if w := want.(parquet.Value).ByteArray(); !ok || !bytes.Equal(got, w) {
		return fmt.Errorf("got %q %v, want %q", got, ok, w)
	}
	return nil
}

func sameNumbers[T int64 | float64](v *read.Values[T], depth int, want []cell, number func(parquet.Value) T) error {
	for r, w := range want {
		values, nulls, ok := v.Row(r)
		if ok != (w != nil) {
			return fmt.Errorf("row %d: %v %v, want %v", r, values, ok, w)
		}
		if !ok {
			continue
		}
		flat := list{w}
		if depth > 0 {
			flat = w.(list)
		}
		if depth == 2 {
			lens := v.Lens(r)
			if len(lens) != len(flat) {
				return fmt.Errorf("row %d: inner lists %v, want %v", r, lens, flat)
			}
			var all list
			for i, e := range flat {
				inner, _ := e.(list)
				if lens[i] != len(inner) {
					return fmt.Errorf("row %d: inner lists %v, want %v", r, lens, flat)
				}
				all = append(all, inner...)
			}
			flat = all
		}
		if len(values) != len(flat) || nulls != nil && len(nulls) != len(flat) {
			return fmt.Errorf("row %d: %v, want %v", r, values, flat)
		}
		for i, e := range flat {
			null := nulls != nil && nulls[i]
			if null != (e == nil) || null && values[i] != 0 || !null && math.Float64bits(float64(values[i])) != math.Float64bits(float64(number(e.(parquet.Value)))) {
				return fmt.Errorf("row %d: value %d is %v, null %v, want %v", r, i, values[i], null, e)
			}
		}
	}
	return nil
}

func TestWrongColumns(t *testing.T) {
	data := newTable(allFields(), 20, 3)
	f := mustOpen(t, data.write(layout{version: 1}))
	_, err := f.Column("texts")
	want := "mem://test/o.parquet: column texts: wrong column: the file has no such column; it has bool_plain_false, "
	if !errors.Is(err, read.ErrColumn) || len(err.Error()) < len(want) || err.Error()[:len(want)] != want {
		t.Errorf("got %v", err)
	}
	id, numbers := mustColumn(t, f, "id"), mustColumn(t, f, "log_probs")
	g, err := f.Read(t.Context(), 0, id, numbers)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Release()
	_, ints := g.Ints(numbers)
	_, floats := g.Floats(id)
	_, unread := g.Ints(mustColumn(t, f, "required_number"))
	_, other := mustOpen(t, data.write(layout{version: 1})).Read(t.Context(), 0, id)
	for _, c := range []struct {
		err  error
		want string
	}{
		{g.Each(numbers, nil), "mem://test/o.parquet: row group 0, column log_probs: wrong column: it is list of DOUBLE, wanted text"},
		{ints, "mem://test/o.parquet: row group 0, column log_probs: wrong column: it is list of DOUBLE, wanted whole numbers"},
		{floats, "mem://test/o.parquet: row group 0, column id: wrong column: it is BYTE_ARRAY, wanted floating-point numbers"},
		{unread, "mem://test/o.parquet: row group 0, column required_number: wrong column: it was not read with the row group, or the row group was released"},
		{other, "mem://test/o.parquet: row group 0, column id: wrong column: it was looked up in another file"},
	} {
		if !errors.Is(c.err, read.ErrColumn) || c.err.Error() != c.want {
			t.Errorf("got  %v\nwant %s", c.err, c.want)
		}
	}
}

func TestEachStopsAtTheCallersError(t *testing.T) {
	f := mustOpen(t, newTable(allFields(), 50, 4).write(layout{version: 2}))
	id := mustColumn(t, f, "id")
	g, err := f.Read(t.Context(), 0, id)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Release()
	stop, n := errors.New("stop"), 0
	if err := g.Each(id, func(int, []byte, bool) error { n++; return stop }); err != stop || n != 1 {
		t.Errorf("%v after %d rows", err, n)
	}
}
