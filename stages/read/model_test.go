package read_test

import (
	"bytes"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"
	"github.com/parquet-go/parquet-go/encoding"

	"palimpsest/stages/read"
	"palimpsest/stages/store"
)

// The tests write files from a model of rows, with parquet-go as the writer, and compare what is read with the model.

// cell is nil for null, a parquet.Value, or a list.
type cell any
type list []cell

// field is a column of the model.
type field struct {
	name     string
	node     parquet.Node // of a value, required
	optional bool
	depth    int // lists around the value; lists and elements are nullable then
	make     func(r *rand.Rand) parquet.Value
}

func (f field) schema() parquet.Node {
	n := f.node
	if f.optional || f.depth > 0 {
		n = parquet.Optional(n)
	}
	for range f.depth {
		n = parquet.Optional(parquet.List(n))
	}
	return n
}

// generate makes a cell of the field.
func (f field) generate(r *rand.Rand, depth int) cell {
	if (f.optional || depth < f.depth || depth > 0) && r.IntN(8) == 0 {
		return nil
	}
	if depth == 0 {
		return f.make(r)
	}
	l := list{}
	for range r.IntN(6) {
		l = append(l, f.generate(r, depth-1))
	}
	return l
}

// cell makes a cell for a row: a value, or a list as deep as the field.
func (f field) cell(r *rand.Rand) cell {
	if f.depth == 0 {
		if f.optional && r.IntN(8) == 0 {
			return nil
		}
		return f.make(r)
	}
	return f.generate(r, f.depth)
}

// shred appends the values of a cell to a column, with their levels (Dremel). def is the level of what is known to exist.
func (f field) shred(out []parquet.Value, c cell, depth, rep, def, column int) []parquet.Value {
	optional := f.optional || f.depth > 0
	if c == nil {
		return append(out, parquet.NullValue().Level(rep, def, column))
	}
	if optional {
		def++
	}
	if depth == 0 {
		return append(out, c.(parquet.Value).Level(rep, def, column))
	}
	l := c.(list)
	if len(l) == 0 {
		return append(out, parquet.NullValue().Level(rep, def, column))
	}
	for i, e := range l {
		if i > 0 {
			rep = f.depth - depth + 1
		}
		out = f.shred(out, e, depth-1, rep, def+1, column)
	}
	return out
}

// table is rows of cells.
type table struct {
	fields []field
	rows   [][]cell
}

func newTable(fields []field, rows int, seed uint64) table {
	r := rand.New(rand.NewPCG(seed, 1))
	t := table{fields: fields}
	for range rows {
		row := make([]cell, len(fields))
		for i, f := range fields {
			row[i] = f.cell(r)
		}
		t.rows = append(t.rows, row)
	}
	return t
}

// layout says how a table is written.
type layout struct {
	codec     compress.Codec
	version   int
	pageBytes int
	groupRows int
}

func (t table) write(l layout) []byte {
	group := parquet.Group{}
	for _, f := range t.fields {
		group[f.name] = f.schema()
	}
	if l.codec == nil {
		l.codec = &parquet.Uncompressed
	}
	schema := parquet.NewSchema("table", group)
	var b bytes.Buffer
	w := parquet.NewWriter(&b, schema, parquet.Compression(l.codec), parquet.DataPageVersion(l.version), parquet.PageBufferSize(max(l.pageBytes, 64)))
	columns := map[string]int{}
	for i, path := range schema.Columns() {
		columns[path[0]] = i
	}
	for i, row := range t.rows {
		if l.groupRows > 0 && i > 0 && i%l.groupRows == 0 {
			must(w.Flush())
		}
		values := make([][]parquet.Value, len(columns))
		for j, f := range t.fields {
			values[columns[f.name]] = f.shred(nil, row[j], f.depth, 0, 0, columns[f.name])
		}
		var flat parquet.Row
		for _, v := range values {
			flat = append(flat, v...)
		}
		_, err := w.WriteRows([]parquet.Row{flat})
		must(err)
	}
	must(w.Close())
	return b.Bytes()
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}

// text returns a generator of texts of up to n bytes, some of them empty, many of them alike at the front.
func text(n int) func(r *rand.Rand) parquet.Value {
	return func(r *rand.Rand) parquet.Value {
		s := strings.Repeat("the quick brown fox ", r.IntN(3))
		for range r.IntN(n) {
			s += string(rune('a' + r.IntN(26)))
		}
		return parquet.ByteArrayValue([]byte(s[:min(len(s), r.IntN(n+1))]))
	}
}

func fewTexts(r *rand.Rand) parquet.Value {
	return parquet.ByteArrayValue([]byte([]string{"", "en", "de", "a longer one"}[r.IntN(4)]))
}

func double(r *rand.Rand) parquet.Value {
	return parquet.DoubleValue([]float64{-r.ExpFloat64(), 0, math.Inf(-1), -9999}[min(r.IntN(12), 3)])
}

func number32(r *rand.Rand) parquet.Value {
	return parquet.Int32Value([]int32{int32(r.Uint32()), math.MinInt32, math.MaxInt32, 7, 8, 9}[r.IntN(6)])
}

func number64(r *rand.Rand) parquet.Value {
	return parquet.Int64Value([]int64{int64(r.Uint64()), math.MinInt64, math.MaxInt64, 7, 8, 9}[r.IntN(6)])
}

func encoded(t parquet.Type, e encoding.Encoding) parquet.Node {
	return parquet.Encoded(parquet.Leaf(t), e)
}

// allFields holds a column for every type, encoding and nesting that parquet-go writes.
func allFields() []field {
	fields := []field{
		{name: "id", node: encoded(parquet.ByteArrayType, &parquet.DeltaLengthByteArray), make: text(9)},
		{name: "log_probs", node: encoded(parquet.DoubleType, &parquet.Plain), depth: 1, make: double},
		{name: "log_probs_split", node: encoded(parquet.DoubleType, &parquet.ByteStreamSplit), depth: 1, make: double},
		{name: "token_ids", node: encoded(parquet.Int32Type, &parquet.DeltaBinaryPacked), depth: 1, make: number32},
		{name: "token_ids_dict", node: encoded(parquet.Int64Type, &parquet.RLEDictionary), depth: 1, make: number64},
		{name: "flags", node: encoded(parquet.BooleanType, &parquet.Plain), depth: 1, make: func(r *rand.Rand) parquet.Value { return parquet.BooleanValue(r.IntN(2) == 0) }},
		{name: "top", node: encoded(parquet.FloatType, &parquet.Plain), depth: 2, make: func(r *rand.Rand) parquet.Value { return parquet.FloatValue(float32(r.NormFloat64())) }},
		{name: "top_ids", node: encoded(parquet.Int64Type, &parquet.DeltaBinaryPacked), depth: 2, make: number64},
		{name: "required_number", node: encoded(parquet.Int64Type, &parquet.Plain), make: number64},
	}
	for _, o := range []bool{false, true} {
		for name, e := range map[string]encoding.Encoding{"plain": &parquet.Plain, "dict": &parquet.RLEDictionary,
			"delta_length": &parquet.DeltaLengthByteArray, "delta": &parquet.DeltaByteArray} {
			make := text(40)
			if name == "dict" {
				make = fewTexts
			}
			fields = append(fields, field{name: fmt.Sprint("text_", name, "_", o), node: encoded(parquet.ByteArrayType, e), optional: o, make: make})
		}
		for name, e := range map[string]encoding.Encoding{"plain": &parquet.Plain, "delta": &parquet.DeltaByteArray, "dict": &parquet.RLEDictionary} {
			fields = append(fields, field{name: fmt.Sprint("fixed_", name, "_", o), node: encoded(parquet.FixedLenByteArrayType(3), e), optional: o,
				make: func(r *rand.Rand) parquet.Value {
					return parquet.FixedLenByteArrayValue([]byte{byte(r.IntN(3)), 'b', byte(r.IntN(9))})
				}})
		}
		for name, e := range map[string]encoding.Encoding{"plain": &parquet.Plain, "dict": &parquet.RLEDictionary, "delta": &parquet.DeltaBinaryPacked} {
			fields = append(fields, field{name: fmt.Sprint("int32_", name, "_", o), node: encoded(parquet.Int32Type, e), optional: o, make: number32})
			fields = append(fields, field{name: fmt.Sprint("int64_", name, "_", o), node: encoded(parquet.Int64Type, e), optional: o, make: number64})
		}
		for name, e := range map[string]encoding.Encoding{"plain": &parquet.Plain, "dict": &parquet.RLEDictionary, "split": &parquet.ByteStreamSplit} {
			fields = append(fields, field{name: fmt.Sprint("float_", name, "_", o), node: encoded(parquet.FloatType, e), optional: o,
				make: func(r *rand.Rand) parquet.Value { return parquet.FloatValue(float32(r.IntN(9)) / 7) }})
			fields = append(fields, field{name: fmt.Sprint("double_", name, "_", o), node: encoded(parquet.DoubleType, e), optional: o, make: double})
		}
		for name, e := range map[string]encoding.Encoding{"plain": &parquet.Plain, "rle": &parquet.RLE} {
			fields = append(fields, field{name: fmt.Sprint("bool_", name, "_", o), node: encoded(parquet.BooleanType, e), optional: o,
				make: func(r *rand.Rand) parquet.Value { return parquet.BooleanValue(r.IntN(9) > 0) }})
		}
	}
	slices.SortFunc(fields, func(a, b field) int { return strings.Compare(a.name, b.name) })
	return fields
}

// stored puts a file into a store in memory.
func stored(t testing.TB, data []byte) (*store.Store, store.Object) {
	t.Helper()
	s := store.New()
	t.Cleanup(func() { s.Close() })
	ctx := context.Background()
	b, err := s.Bucket(ctx, "mem://test")
	if err != nil {
		t.Fatal(err)
	}
	if err := b.WriteAll(ctx, "o.parquet", data, nil); err != nil {
		t.Fatal(err)
	}
	objects, err := s.List(ctx, []string{"mem://test/o.parquet"})
	if err != nil {
		t.Fatal(err)
	}
	return s, objects[0]
}

// open puts a file into a store in memory and opens it.
func open(t testing.TB, data []byte, budget int64) (*read.File, error) {
	t.Helper()
	s, o := stored(t, data)
	return read.NewSource(s, budget).Open(context.Background(), o)
}

func mustOpen(t testing.TB, data []byte) *read.File {
	t.Helper()
	f, err := open(t, data, 1<<30)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func mustColumn(t testing.TB, f *read.File, path string) read.Column {
	t.Helper()
	c, err := f.Column(path)
	if err != nil {
		t.Fatal(err)
	}
	return c
}
