package verify

import (
	"context"
	"reflect"

	"palimpsest/schemas"
	"palimpsest/stages/read"
)

// cursor goes through the rows of a table in their order, reading some of its columns. A nil cursor has no rows: its table is absent.
type cursor[R any] struct {
	v       *verifier
	where   string
	table   *table
	fields  []int // of R, which are the table's columns
	columns []read.Column
	group   int // the next to read
	n       int // rows of the group in hand
	decoded []column
	held    *read.Group
	i       int   // the next of the group in hand
	at      int64 // row of the table of the one in hand
	row     R
	have    bool
}

// rowsOf returns a cursor over the named columns of a table; nil when the run has no such table.
func rowsOf[R any](v *verifier, of schemas.Of[R], names ...string) (*cursor[R], error) {
	t := v.tables[of.Name]
	if t == nil {
		return nil, nil
	}
	c := &cursor[R]{v: v, where: v.at(t.parquet.Path), table: t, at: -1}
	for _, n := range names {
		x, err := t.file.Column(n)
		if err != nil {
			return nil, err
		}
		c.columns, c.fields = append(c.columns, x), append(c.fields, t.Index(n))
	}
	c.decoded = make([]column, len(c.columns))
	return c, nil
}

// peek returns the row in hand; nil after the last. It is valid until advance is called, and its strings for ever.
func (c *cursor[R]) peek(ctx context.Context) (*R, error) {
	if c == nil {
		return nil, nil
	}
	for !c.have {
		if c.i < c.n {
			c.fill()
			break
		}
		c.close()
		if c.group == c.table.file.Groups() {
			return nil, nil
		}
		g, err := c.table.file.Read(ctx, c.group, c.columns...)
		if err != nil {
			return nil, err
		}
		c.group, c.held, c.i, c.n = c.group+1, g, 0, g.Rows()
		for i, x := range c.columns {
			if c.decoded[i], err = decode(g, x, c.table.Columns[c.fields[i]].Type); err != nil {
				return nil, err
			}
		}
	}
	return &c.row, nil
}

func (c *cursor[R]) fill() {
	row := reflect.ValueOf(&c.row).Elem()
	for i := range c.decoded {
		f, x := row.Field(c.fields[i]), c.decoded[i].at(c.i)
		if f.Kind() == reflect.Pointer {
			if x.null {
				f.SetZero()
				continue
			}
			f.Set(reflect.New(f.Type().Elem()))
			f = f.Elem()
		}
		switch c.decoded[i].Type {
		case schemas.String:
			f.SetString(string(x.text))
		case schemas.Int64:
			f.SetInt(x.whole)
		case schemas.Float64:
			f.SetFloat(x.float)
		case schemas.Bool:
			f.SetBool(x.whole != 0)
		}
	}
	c.i, c.at, c.have = c.i+1, c.at+1, true
}

// advance passes the row that peek returned.
func (c *cursor[R]) advance() { c.have = false }

// each calls f with every row that is left.
func (c *cursor[R]) each(ctx context.Context, f func(*R) error) error {
	for {
		row, err := c.peek(ctx)
		if err != nil || row == nil {
			return err
		}
		if err := f(row); err != nil {
			return err
		}
		c.advance()
	}
}

// of calls f with every row of the probe, where the rows are in order of the probe that id returns. Rows of none, which come before it,
// are problems.
func (c *cursor[R]) of(ctx context.Context, probe string, id func(*R) string, f func(*R)) error {
	for {
		row, err := c.peek(ctx)
		if err != nil || row == nil {
			return err
		}
		switch at := id(row); {
		case at > probe:
			return nil
		case at < probe:
			c.problem("probe_id", "table probes has no probe %.100q", at)
		default:
			f(row)
		}
		c.advance()
	}
}

// rest makes problems of the rows that are left, which are of no probe.
func (c *cursor[R]) rest(ctx context.Context, id func(*R) string) error {
	return c.each(ctx, func(row *R) error {
		c.problem("probe_id", "table probes has no probe %.100q", id(row))
		return nil
	})
}

// problem notes something about the row in hand.
func (c *cursor[R]) problem(column, format string, args ...any) {
	c.v.problem(c.where, "row group %d, column %s, row %d: "+format, append([]any{c.group - 1, column, c.at}, args...)...)
}

// close lets go of the row group in hand. It may be called at any time and twice.
func (c *cursor[R]) close() {
	if c != nil && c.held != nil {
		c.held.Release()
		c.held, c.i, c.n = nil, 0, 0
	}
}
