package read_test

import (
	"errors"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go/format"

	"palimpsest/stages/read"
)

// untyped is a file as pyarrow writes a column of type null: stored as INT32 of the logical type UNKNOWN.
func untyped(p page) []byte {
	return crafted{typ: format.Int32, optional: true, rows: 5, pages: []page{p}, edit: func(m *format.FileMetaData) {
		m.Schema[1].LogicalType = format.LogicalType{Value: new(format.NullType)}
	}}.bytes()
}

// TestColumnWithoutType: an empty partition's column of type null reads as a column of nulls of any kind.
func TestColumnWithoutType(t *testing.T) {
	for name, p := range map[string]page{
		"v1": dataPage(5, format.Plain, append([]byte{2, 0, 0, 0}, 5<<1, 0)),
		"v2": dataPageV2(5, format.RLEDictionary, []byte{5 << 1, 0}, nil),
	} {
		t.Run(name, func(t *testing.T) {
			f := mustOpen(t, untyped(p))
			c := mustColumn(t, f, "text")
			if c.Kind != read.Bytes || c.Depth != 0 || !c.Is(read.Int) || !c.Is(read.Float) || !c.Is(read.Bool) {
				t.Errorf("got %+v", c)
			}
			g, err := f.Read(t.Context(), 0, c)
			if err != nil {
				t.Fatal(err)
			}
			defer g.Release()
			rows := 0
			if err := g.Each(c, func(_ int, text []byte, ok bool) error {
				if rows++; ok {
					t.Errorf("got %q", text)
				}
				return nil
			}); err != nil || rows != 5 {
				t.Errorf("%d rows, %v", rows, err)
			}
			b, err := g.Bytes(c)
			if err != nil {
				t.Fatal(err)
			}
			ints, err := g.Ints(c)
			if err != nil {
				t.Fatal(err)
			}
			floats, err := g.Floats(c)
			if err != nil {
				t.Fatal(err)
			}
			for i := range 5 {
				_, text := b.Value(i)
				_, _, whole := ints.Row(i)
				_, _, float := floats.Row(i)
				if text || whole || float {
					t.Errorf("row %d is not null: %v %v %v", i, text, whole, float)
				}
			}
		})
	}
}

func TestValuesInColumnWithoutType(t *testing.T) {
	f := mustOpen(t, untyped(dataPageV2(5, format.Plain, []byte{5 << 1, 1}, make([]byte, 20))))
	c := mustColumn(t, f, "text")
	g, err := f.Read(t.Context(), 0, c)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Release()
	err = g.Each(c, func(int, []byte, bool) error { return nil })
	_, ints := g.Ints(c)
	for _, err := range []error{err, ints} {
		if !errors.Is(err, read.ErrCorrupt) || !strings.Contains(err.Error(), "whose type is null") {
			t.Errorf("got %v", err)
		}
	}
}
