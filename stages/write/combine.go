package write

import (
	"bytes"
	"reflect"
)

// Combine has rows with equal keys put together instead of refused: fn adds the second to the first. It must be commutative and
// associative, and is set before the first row is written. What more points to is not kept.
func (s *Spool[R]) Combine(fn func(into, more *R)) { s.combine = fn }

// combiner writes rows that come in the order of their keys, those with equal keys as one if the spool combines.
type combiner[R any] struct {
	spool            *Spool[R]
	table            *Table[R]
	cells, moreCells []reflect.Value

	held bool // row, with key, is not written yet
	key  []byte
	row  R
}

func (c *combiner[R]) add(key, encoded []byte) error {
	if c.held && c.spool.combine != nil && bytes.Equal(key, c.key) {
		var more R
		if err := c.spool.codec.decodeRow(encoded, reflect.ValueOf(&more).Elem(), c.moreCells); err != nil {
			return err
		}
		c.spool.combine(&c.row, &more)
		return nil
	}
	if err := c.flush(); err != nil {
		return err
	}
	c.held, c.key = true, append(c.key[:0], key...)
	return c.spool.codec.decodeRow(encoded, reflect.ValueOf(&c.row).Elem(), c.cells)
}

func (c *combiner[R]) flush() error {
	if !c.held {
		return nil
	}
	c.held = false
	return c.table.Write(c.row)
}
