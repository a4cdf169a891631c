package read_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"

	"palimpsest/stages/read"
	"palimpsest/stages/store"
)

// textFile is a file of groups row groups with one text each.
func textFile(groups, size int) []byte {
	var b bytes.Buffer
	w := parquet.NewGenericWriter[document](&b)
	for i := range groups {
		_, err := w.Write([]document{{fmt.Sprintf("%d %s", i, strings.Repeat("x", size))}})
		must(err)
		must(w.Flush())
	}
	must(w.Close())
	return b.Bytes()
}

// source returns a source with that budget and one file in it.
func source(t *testing.T, data []byte, budget int64) (*read.Source, *read.File) {
	t.Helper()
	s, o := stored(t, data)
	source := read.NewSource(s, budget)
	f, err := source.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return source, f
}

func parts(t *testing.T, f *read.File) (all []read.Part, largest int64) {
	t.Helper()
	c := mustColumn(t, f, "text")
	for i := range f.Groups() {
		_, memory := f.Size(i, c)
		largest = max(largest, memory)
		all = append(all, read.Part{File: f, Group: i, Columns: []read.Column{c}})
	}
	return all, largest
}

// TestAheadWithLittleMemory: with memory for barely one group, many workers still come through, and never hold more than is given.
func TestAheadWithLittleMemory(t *testing.T) {
	data := textFile(60, 1000)
	_, f := source(t, data, 1<<30)
	_, largest := parts(t, f)
	for _, budget := range []int64{largest, largest + largest/2, 3 * largest} {
		s, f := source(t, data, budget)
		all, _ := parts(t, f)
		a := s.Ahead(t.Context(), all, 8)
		var mu sync.Mutex
		var wg sync.WaitGroup
		seen, held, most := map[int]bool{}, int64(0), int64(0)
		for range 4 {
			wg.Go(func() {
				for {
					i, g, err := a.Next(t.Context())
					if err == io.EOF {
						return
					}
					if err != nil {
						t.Error(err)
						return
					}
					_, memory := f.Size(g.Index(), all[i].Columns...)
					mu.Lock()
					held += memory
					most = max(most, held)
					mu.Unlock()
					want := fmt.Sprintf("%d ", i)
					if err := g.Each(all[i].Columns[0], func(_ int, text []byte, _ bool) error {
						if !strings.HasPrefix(string(text), want) {
							t.Errorf("part %d holds %.10q", i, text)
						}
						return nil
					}); err != nil {
						t.Error(err)
					}
					mu.Lock()
					seen[i] = true
					held -= memory
					mu.Unlock()
					g.Release()
				}
			})
		}
		wg.Wait()
		a.Close()
		if len(seen) != len(all) || most > budget {
			t.Errorf("budget %d: %d of %d parts, %d bytes held", budget, len(seen), len(all), most)
		}
	}
}

func TestAheadKeepsTheOrderOfThePlan(t *testing.T) {
	s, f := source(t, textFile(30, 100), 1<<30)
	all, _ := parts(t, f)
	a := s.Ahead(t.Context(), all, 5)
	defer a.Close()
	for want := range all {
		i, g, err := a.Next(t.Context())
		if err != nil || i != want || g.Index() != want {
			t.Fatalf("part %d: %v, want %d", i, err, want)
		}
		g.Release()
	}
	if i, g, err := a.Next(t.Context()); i != -1 || g != nil || err != io.EOF {
		t.Errorf("after the last: %d, %v, %v", i, g, err)
	}
}

// TestAheadGoesOnAfterAnError: a part that cannot be read is delivered with its error, and the others come all the same.
func TestAheadGoesOnAfterAnError(t *testing.T) {
	s, f := source(t, textFile(6, 100), 1<<30)
	all, _ := parts(t, f)
	all[2].Group = 99
	a := s.Ahead(t.Context(), all, 2)
	defer a.Close()
	good := 0
	for want := range all {
		i, g, err := a.Next(t.Context())
		if i != want || (err != nil) != (want == 2) {
			t.Fatalf("part %d: %v", i, err)
		}
		if err == nil {
			good++
			g.Release()
		}
	}
	if good != 5 {
		t.Errorf("%d parts", good)
	}
}

func TestAheadStops(t *testing.T) {
	why := errors.New("preempted")
	t.Run("when its context ends", func(t *testing.T) {
		s, f := source(t, textFile(20, 1000), 200<<10) // a few groups at a time
		all, _ := parts(t, f)
		ctx, cancel := context.WithCancelCause(t.Context())
		a := s.Ahead(ctx, all, 4)
		_, g, err := a.Next(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		cancel(why)
		for err == nil || errors.As(err, new(*read.Error)) {
			var more *read.Group
			if _, more, err = a.Next(t.Context()); more != nil {
				more.Release()
			}
		}
		if !errors.Is(err, why) {
			t.Errorf("a reading that was stopped looks like one that ended: %v", err)
		}
		g.Release()
		a.Close()
		all2, _ := parts(t, f)
		// All memory came back.
		for _, p := range all2 {
			g, err := p.File.Read(t.Context(), p.Group, p.Columns...)
			if err != nil {
				t.Fatal(err)
			}
			g.Release()
		}
	})
	t.Run("when it is closed early", func(t *testing.T) {
		s, f := source(t, textFile(20, 1000), 1<<30)
		all, _ := parts(t, f)
		a := s.Ahead(t.Context(), all, 4)
		time.Sleep(time.Millisecond)
		a.Close()
	})
}

func TestMemoryIsWaitedFor(t *testing.T) {
	data := textFile(2, 1000)
	_, f := source(t, data, 1<<30)
	_, largest := parts(t, f)
	_, f = source(t, data, largest+largest/2)
	all, _ := parts(t, f)
	g, err := f.Read(t.Context(), 0, all[0].Columns...)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := f.Read(ctx, 1, all[1].Columns...); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a second group beyond the budget: %v", err)
	}
	g.Release()
	g, err = f.Read(t.Context(), 1, all[1].Columns...)
	if err != nil {
		t.Fatal(err)
	}
	g.Release()
	if _, err := g.Bytes(all[1].Columns[0]); !errors.Is(err, read.ErrColumn) {
		t.Errorf("a released group: %v", err)
	}
}

func TestObjectChangedMidRun(t *testing.T) {
	s := store.New()
	defer s.Close()
	b, err := s.Bucket(t.Context(), "mem://test")
	must(err)
	must(b.WriteAll(t.Context(), "o.parquet", textFile(2, 100), nil))
	objects, err := s.List(t.Context(), []string{"mem://test/"})
	must(err)
	f, err := read.NewSource(s, 1<<30).Open(t.Context(), objects[0])
	must(err)
	must(b.WriteAll(t.Context(), "o.parquet", textFile(2, 100), nil))
	_, err = f.Read(t.Context(), 1, mustColumn(t, f, "text"))
	if !errors.Is(err, store.ErrChanged) || !strings.HasPrefix(err.Error(), "mem://test/o.parquet: row group 1: read mem://test/o.parquet: changed since it was listed") {
		t.Errorf("got %v", err)
	}
}

// TestRequests: a footer takes one request, a row group one for neighbouring columns.
func TestRequests(t *testing.T) {
	data := newTable(allFields(), 500, 3).write(layout{version: 1, codec: &parquet.Zstd})
	s := store.New()
	defer s.Close()
	b, err := s.Bucket(t.Context(), "mem://test")
	must(err)
	must(b.WriteAll(t.Context(), "o.parquet", data, nil))
	objects, err := s.List(t.Context(), []string{"mem://test/"})
	must(err)
	src := read.NewSource(s, 1<<30)
	reads := func(do func()) int64 {
		before := s.Stats().Requests
		do()
		return (s.Stats().Requests - before) / 2 // mem: each read is followed by a look-up
	}
	var f *read.File
	if n := reads(func() { f, err = src.Open(t.Context(), objects[0]); must(err) }); n != 1 {
		t.Errorf("%d requests for the footer", n)
	}
	if n := reads(func() { _, err = src.Open(t.Context(), objects[0]); must(err) }); n != 0 {
		t.Errorf("%d requests for the same footer again", n)
	}
	var columns []read.Column
	for _, name := range f.Columns() {
		columns = append(columns, mustColumn(t, f, name))
	}
	if n := reads(func() {
		g, err := f.Read(t.Context(), 0, columns...)
		must(err)
		g.Release()
	}); n != 1 {
		t.Errorf("%d requests for all columns", n)
	}
}

// TestListNames: lists are found by the name of their column, however the writer named what lies within.
func TestListNames(t *testing.T) {
	number := parquet.Optional(parquet.Leaf(parquet.DoubleType))
	group := func(name string, n parquet.Node) parquet.Node { return parquet.Group{name: n} }
	for _, c := range []struct {
		name     string
		node     parquet.Node
		path     string
		physical string
		depth    int
	}{
		{"standard", parquet.Optional(parquet.List(number)), "x", "x.list.element", 1},
		{"arrow", parquet.Optional(group("list", parquet.Repeated(group("item", number)))), "x", "x.list.item", 1},
		{"hive", parquet.Optional(group("bag", parquet.Repeated(group("array_element", number)))), "x", "x.bag.array_element", 1},
		{"avro", parquet.Optional(group("array", parquet.Repeated(parquet.Leaf(parquet.DoubleType)))), "x", "x.array", 1},
		{"bare", parquet.Repeated(parquet.Leaf(parquet.DoubleType)), "x", "x", 1},
		{"list of structs", parquet.List(group("value", number)), "x.value", "x.list.element.value", 1},
		{"struct of list", group("tags", parquet.List(number)), "x.tags", "x.tags.list.element", 1},
		{"struct", parquet.Optional(group("lang", number)), "x.lang", "x.lang", 0},
		{"struct named list", group("list", number), "x.list", "x.list", 0},
		{"lists of lists", parquet.List(parquet.List(number)), "x", "x.list.element.list.element", 2},
	} {
		t.Run(c.name, func(t *testing.T) {
			schema := parquet.NewSchema("root", parquet.Group{"x": c.node})
			var b bytes.Buffer
			w := parquet.NewWriter(&b, schema)
			must(w.Close())
			f := mustOpen(t, b.Bytes())
			for _, path := range []string{c.path, c.physical} {
				col, err := f.Column(path)
				if err != nil {
					t.Fatal(err)
				}
				if col.Path != c.path || col.Depth != c.depth || col.Kind != read.Float {
					t.Errorf("%s: %+v", path, col)
				}
			}
			if got := strings.Join(f.Columns(), " "); got != c.path {
				t.Errorf("columns %s", got)
			}
		})
	}
}

func TestColumnsThatAreNotRead(t *testing.T) {
	for _, c := range []struct {
		name string
		node parquet.Node
		want string
	}{
		{"decimal", parquet.Decimal(2, 9, parquet.Int32Type), "it holds decimal numbers (INT32), which are not read"},
		{"int96", parquet.Leaf(parquet.Int96Type), "it holds INT96 times"},
		{"deep", parquet.Repeated(parquet.Group{"a": parquet.Repeated(parquet.Group{"b": parquet.Repeated(parquet.Leaf(parquet.Int32Type))})}), "nested deeper than two levels"},
	} {
		var b bytes.Buffer
		w := parquet.NewWriter(&b, parquet.NewSchema("root", parquet.Group{"x": c.node}))
		must(w.Close())
		f := mustOpen(t, b.Bytes())
		_, err := f.Column(f.Columns()[0])
		if !errors.Is(err, read.ErrColumn) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v", c.name, err)
		}
	}
}

// TestNumbersOfOddTypes: unsigned numbers keep their value, half-precision ones are widened.
func TestNumbersOfOddTypes(t *testing.T) {
	schema := parquet.NewSchema("root", parquet.Group{
		"u32": parquet.Uint(32), "i8": parquet.Int(8), "u64": parquet.Uint(64)})
	var b bytes.Buffer
	w := parquet.NewWriter(&b, schema)
	row := parquet.Row{parquet.Int32Value(-3).Level(0, 0, 0), parquet.Int32Value(-1).Level(0, 0, 1), parquet.Int64Value(-1).Level(0, 0, 2)}
	_, err := w.WriteRows([]parquet.Row{row})
	must(err)
	must(w.Close())
	f := mustOpen(t, b.Bytes())
	first := func(name string) (int64, error) {
		c := mustColumn(t, f, name)
		g, err := f.Read(t.Context(), 0, c)
		must(err)
		defer g.Release()
		v, err := g.Ints(c)
		if err != nil {
			return 0, err
		}
		x, _, _ := v.Row(0)
		return x[0], nil
	}
	if x, err := first("u32"); x != 1<<32-1 || err != nil {
		t.Errorf("u32: %d, %v", x, err)
	}
	if x, err := first("i8"); x != -3 || err != nil {
		t.Errorf("i8: %d, %v", x, err)
	}
	if _, err := first("u64"); !errors.Is(err, read.ErrUnsupported) || !strings.Contains(err.Error(), "18446744073709551615") {
		t.Errorf("u64: %v", err)
	}

	f = mustOpen(t, crafted{typ: format.FixedLenByteArray, rows: 4, edit: func(m *format.FileMetaData) {
		m.Schema[1].TypeLength.V, m.Schema[1].TypeLength.Valid = 2, true
		m.Schema[1].LogicalType.Value = new(format.Float16Type)
	}, pages: []page{dataPage(4, format.Plain, []byte{0, 0x3c, 0, 0xc0, 1, 0, 0xff, 0x7b})}}.bytes())
	c := mustColumn(t, f, "text")
	g, err := f.Read(t.Context(), 0, c)
	must(err)
	defer g.Release()
	v, err := g.Floats(c)
	must(err)
	for i, want := range []float64{1, -2, 1.0 / (1 << 24), 65504} {
		if x, _, _ := v.Row(i); x[0] != want {
			t.Errorf("float16 %d: %v, want %v", i, x[0], want)
		}
	}
}

func TestLimit(t *testing.T) {
	s, f := source(t, textFile(2, 1000), 1<<20)
	g, err := f.Read(t.Context(), 0, mustColumn(t, f, "text"))
	if err != nil {
		t.Fatal(err)
	}
	if s.Limit(1<<10) == nil || s.Limit(1<<21) == nil || s.Limit(-1) == nil {
		t.Error("no error for less than is held, more than there is, or less than nothing")
	}
	g.Release()
	if err := s.Limit(1 << 10); err != nil {
		t.Fatal(err)
	}
	if _, err := f.Read(t.Context(), 0, mustColumn(t, f, "text")); !errors.Is(err, read.ErrTooLarge) {
		t.Errorf("a group above the limit: %v", err)
	}
}
