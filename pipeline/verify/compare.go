package verify

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"math"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"palimpsest/stages/read"
)

// compare checks the two files of a table against each other, and what every row of any table must fulfil. It leaves the table's file
// for those that read it again.
func (v *verifier) compare(ctx context.Context, t *table, arrow, parquet *digested) error {
	where := v.at(t.parquet.Path)
	file, err := v.openParquet(ctx, t, parquet)
	if err != nil {
		return v.fault(where, err)
	}
	if file == nil {
		return nil
	}
	t.file = file
	if n := file.Rows(); n != t.parquet.Rows {
		v.problem(where, "%d rows, and the manifest says %d", n, t.parquet.Rows)
	}
	columns := make([]read.Column, len(t.Columns))
	for i, c := range t.Columns {
		if columns[i], err = file.Column(c.Name); err != nil {
			return v.fault(where, err)
		}
	}
	// A batch holds no more than two row groups, which end at fixed rows and bytes as batches do.
	most := int64(64 << 20)
	for g := range file.Groups() {
		_, held := file.Size(g, columns...)
		most = max(most, 2*min(held, budget)+64<<20)
	}
	twin, err := v.openArrow(t, arrow, most)
	if err != nil {
		if err := v.fault(v.at(t.arrow.Path), err); err != nil {
			return err
		}
	}
	c := &comparison{verifier: v, table: t, where: where, twin: twin}
	for g := range file.Groups() {
		if err := c.group(ctx, file, g, columns); err != nil {
			return v.fault(where, err)
		}
	}
	if c.twin != nil {
		if more, err := c.twin.more(); err != nil {
			return v.fault(v.at(t.arrow.Path), err)
		} else if more {
			v.problem(v.at(t.arrow.Path), "it goes on with row %d, where the Parquet file ends", c.twin.at+c.twin.row)
		}
	}
	return nil
}

// comparison is a table being compared.
type comparison struct {
	*verifier
	table *table
	where string
	twin  *batches // nil when there is nothing to compare with, or no more
	last  []value  // key of the row before; nil before the first
}

// group checks one row group.
func (c *comparison) group(ctx context.Context, file *read.File, index int, columns []read.Column) error {
	g, err := file.Read(ctx, index, columns...)
	if err != nil {
		return err
	}
	defer g.Release()
	decoded := make([]column, len(columns))
	for i := range columns {
		if decoded[i], err = decode(g, columns[i], c.table.Columns[i].Type); err != nil {
			return err
		}
	}
	c.checkRows(g, decoded)
	for row := 0; row < g.Rows() && c.twin != nil; {
		if err := ctx.Err(); err != nil {
			return context.Cause(ctx)
		}
		n, err := c.stretch(g, decoded, row)
		if err != nil {
			if err := c.fault(c.at(c.table.arrow.Path), err); err != nil {
				return err
			}
			c.twin = nil
		}
		row += n
	}
	return nil
}

// stretch compares rows from row on, as many as the batch in hand of the Arrow file has too, and returns how many.
func (c *comparison) stretch(g *read.Group, decoded []column, row int) (n int, err error) {
	if more, err := c.twin.more(); err != nil {
		return 0, err
	} else if !more {
		c.problem(c.at(c.table.arrow.Path), "it ends after %d rows, and the Parquet file goes on", c.twin.at)
		c.twin = nil
		return 0, nil
	}
	n = int(min(int64(g.Rows()-row), c.twin.record.NumRows()-c.twin.row))
	err = guard(func() error {
		for i := range decoded {
			twin := c.twin.record.Column(i)
			for k := range n {
				here, there := decoded[i].at(row+k), arrowValue(twin, int(c.twin.row)+k)
				if !here.equal(there) {
					c.problem(c.where, "row group %d, column %s, row %d: %s, and the Arrow file has %s", g.Index(), c.table.Columns[i].Name,
						g.FirstRow()+int64(row+k), here.describe(decoded[i].Type), there.describe(decoded[i].Type))
					break
				}
			}
		}
		return nil
	})
	if err != nil {
		return 0, fmt.Errorf("batch %d, from row %d on: %w", c.twin.next-1, c.twin.at, err)
	}
	c.twin.row += int64(n)
	return n, nil
}

// checkRows checks what holds for every row of any table: the run's name, order, and values that a table may hold.
func (c *comparison) checkRows(g *read.Group, decoded []column) {
	fail := func(column string, row int, format string, args ...any) {
		c.problem(c.where, "row group %d, column %s, row %d: %s", g.Index(), column, g.FirstRow()+int64(row), fmt.Sprintf(format, args...))
	}
	for i := range decoded {
		x, name := &decoded[i], c.table.Columns[i].Name
		for row := range g.Rows() {
			v := x.at(row)
			switch {
			case v.null && !c.table.Columns[i].Nullable:
				fail(name, row, "null, which it may not be")
			case x.texts != nil && !utf8.Valid(v.text):
				fail(name, row, "a text that is not UTF-8")
			case x.floats != nil && (math.IsNaN(v.float) || math.IsInf(v.float, 0)):
				fail(name, row, "%v is no finite number", v.float)
			case i == 0 && string(v.text) != c.manifest.RunID:
				fail(name, row, "%.100q, and the run is %q", v.text, c.manifest.RunID)
			}
		}
	}
	key := make([]int, len(c.table.Key))
	for i, k := range c.table.Key {
		key[i] = c.table.Index(k)
	}
	for row := range g.Rows() {
		now := make([]value, len(key))
		order := -1
		for i, k := range key {
			now[i] = decoded[k].at(row)
			if order == -1 && c.last != nil {
				if d := c.last[i].compare(now[i]); d != 0 {
					order = 2 * d
				} else if i == len(key)-1 {
					order = 0
				}
			}
		}
		switch {
		case order == 0:
			fail(c.table.Key[0], row, "the key of the row before, once more")
		case order > 0:
			fail(c.table.Key[0], row, "out of order: its key is less than that of the row before")
		}
		c.last = now
	}
	for i := range c.last {
		c.last[i].text = bytes.Clone(c.last[i].text)
	}
}

// equal reports whether two values are the same, floats bit by bit.
func (v value) equal(o value) bool {
	return v.null == o.null && v.whole == o.whole && math.Float64bits(v.float) == math.Float64bits(o.float) && bytes.Equal(v.text, o.text)
}

// compare orders the values of a key, null first.
func (v value) compare(o value) int {
	switch {
	case v.null || o.null:
		return cmp.Compare(truth(!v.null), truth(!o.null))
	case v.text != nil || o.text != nil:
		return bytes.Compare(v.text, o.text)
	}
	return cmp.Compare(v.whole, o.whole)
}

func truth(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// arrowValue returns a value of an Arrow array of a type of the contract.
func arrowValue(a arrow.Array, row int) (v value) {
	if a.IsNull(row) {
		return value{null: true}
	}
	switch a := a.(type) {
	case *array.String:
		v.text = []byte(a.Value(row))
	case *array.Int64:
		v.whole = a.Value(row)
	case *array.Float64:
		v.float = a.Value(row)
	case *array.Boolean:
		v.whole = truth(a.Value(row))
	case *array.Timestamp:
		v.whole = int64(a.Value(row))
	}
	return v
}
