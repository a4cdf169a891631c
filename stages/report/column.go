package report

import (
	"errors"
	"fmt"
	"io"

	"github.com/parquet-go/parquet-go"
)

// columnCursor goes through the values of one flat column of a file, so that the long texts beside it are not read.
type columnCursor struct {
	uri    string
	column int
	groups []parquet.RowGroup // still to come
	pages  parquet.Pages      // of the row group in hand
	page   parquet.Page
	values parquet.ValueReader // of the page in hand
	buffer []parquet.Value
	rest   []parquet.Value
}

func newColumnCursor(file *parquet.File, uri string, column int) (*columnCursor, error) {
	c := &columnCursor{uri: uri, column: column, groups: file.RowGroups(), buffer: make([]parquet.Value, batchRows)}
	for _, g := range c.groups {
		if column >= len(g.ColumnChunks()) {
			return nil, fmt.Errorf("read %s: no column %d: the run was made by another version of the program", uri, column)
		}
	}
	return c, nil
}

// next returns the value of the next row, and false after the last. It is valid until the next call.
func (c *columnCursor) next() (v parquet.Value, ok bool, err error) {
	for len(c.rest) == 0 {
		if more, err := c.fill(); err != nil || !more {
			return v, false, err
		}
	}
	v, c.rest = c.rest[0], c.rest[1:]
	return v, true, nil
}

// fill reads some values, opens a page or opens a row group, and reports whether there was anything to do.
func (c *columnCursor) fill() (more bool, err error) {
	switch {
	case c.values != nil:
		n := 0
		err := guard(c.uri, func() (err error) {
			n, err = c.values.ReadValues(c.buffer)
			return err
		})
		c.rest = c.buffer[:n]
		if errors.Is(err, io.EOF) || err == nil && n == 0 {
			c.values, err = nil, nil
		}
		return true, err
	case c.pages != nil:
		parquet.Release(c.page)
		c.page = nil
		err := guard(c.uri, func() (err error) {
			c.page, err = c.pages.ReadPage()
			return err
		})
		if errors.Is(err, io.EOF) {
			err, c.pages = c.pages.Close(), nil
			return true, err
		}
		if err == nil {
			c.values = c.page.Values()
		}
		return true, err
	case len(c.groups) > 0:
		c.pages, c.groups = c.groups[0].ColumnChunks()[c.column].Pages(), c.groups[1:]
		return true, nil
	}
	return false, nil
}

func (c *columnCursor) close() {
	if c == nil {
		return
	}
	parquet.Release(c.page)
	if c.pages != nil {
		c.pages.Close()
	}
}
