package report

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/parquet-go/parquet-go"

	"palimpsest/schemas"
	"palimpsest/stages/store"
	"palimpsest/stages/write"
)

const (
	batchRows  = 256
	readBuffer = 256 << 10 // bytes asked of the store at a time, for each column
	maxFooter  = 64 << 20
)

// cursor goes through the rows of a table in their order, some at a time. A nil cursor has no rows: its table is absent.
type cursor[R any] struct {
	uri    string
	key    probeOf[R]
	reader *parquet.GenericReader[R]
	batch  []R
	rest   []R // of the batch
	end    bool
}

// probeOf returns the probe that a row is of, and whether any row after it can be of a probe.
type probeOf[R any] func(*R) (id string, more bool)

// open returns a cursor over a table, or nil when the run has none.
func open[R any](ctx context.Context, in Input, t schemas.Of[R], key probeOf[R]) (*cursor[R], error) {
	file, uri, err := openFile(ctx, in, t.Name)
	if file == nil || err != nil {
		return nil, err
	}
	c := &cursor[R]{uri: uri, key: key, batch: make([]R, batchRows)}
	err = guard(uri, func() error {
		c.reader = parquet.NewGenericReader[R](file)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return c, nil
}

// openFile opens the Parquet file of a table; nil when the run has none.
func openFile(ctx context.Context, in Input, table string) (*parquet.File, string, error) {
	i := slices.IndexFunc(in.Outputs, func(o write.Output) bool { return o.Table == table && o.Format == write.Parquet })
	if i < 0 {
		return nil, "", nil
	}
	uri := below(in.RunURL, in.Outputs[i].Path)
	r, err := in.Store.Open(ctx, store.Object{URI: uri})
	if err != nil {
		return nil, "", err
	}
	at := r.At(ctx)
	if err := checkFooter(at, r.Object().Size); err != nil {
		return nil, "", fmt.Errorf("read %s: %w: the run's files are damaged, run it again under another id", uri, err)
	}
	var file *parquet.File
	err = guard(uri, func() (err error) {
		file, err = parquet.OpenFile(at, r.Object().Size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true),
			parquet.ReadBufferSize(readBuffer))
		return err
	})
	return file, uri, err
}

// below returns the URL of a file below the run's, whose parameters stay at the end.
func below(runURL, path string) string {
	base, params, _ := strings.Cut(runURL, "?")
	if params != "" {
		params = "?" + params
	}
	return strings.TrimSuffix(base, "/") + "/" + path + params
}

// guard names the file in errors, and turns the panics by which the library answers damaged pages into errors.
func guard(uri string, f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("read %s: damaged page: %v", uri, r)
		}
	}()
	if err := f(); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("read %s: %w", uri, err)
	} else if err != nil {
		return err
	}
	return nil
}

// peek returns the next row without passing it; nil after the last. The row is valid until next.
func (c *cursor[R]) peek() (*R, error) {
	if c == nil || c.end {
		return nil, nil
	}
	if len(c.rest) == 0 {
		clear(c.batch)
		n := 0
		err := guard(c.uri, func() (err error) {
			n, err = c.reader.Read(c.batch)
			return err
		})
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		if n == 0 {
			c.end = true
			return nil, nil
		}
		c.rest = c.batch[:n]
	}
	return &c.rest[0], nil
}

// next passes the row that peek returned.
func (c *cursor[R]) next() { c.rest = c.rest[1:] }

// each calls f with every row of the probe. Rows of probes before it are passed over.
func (c *cursor[R]) each(probe string, f func(*R)) error {
	for {
		row, err := c.peek()
		if err != nil || row == nil {
			return err
		}
		switch at, more := c.key(row); {
		case !more || at > probe:
			return nil
		case at == probe:
			f(row)
		}
		c.next()
	}
}

// all calls f with every row that is left.
func (c *cursor[R]) all(f func(*R)) error {
	for {
		row, err := c.peek()
		if err != nil || row == nil {
			return err
		}
		f(row)
		c.next()
	}
}

func (c *cursor[R]) close() {
	if c != nil {
		_ = c.reader.Close() // it was only read
	}
}

// checkFooter keeps the library from allocating whatever a damaged file claims.
func checkFooter(at io.ReaderAt, size int64) error {
	var tail [8]byte
	if size < 12 {
		return fmt.Errorf("%d bytes are no Parquet file", size)
	}
	if _, err := at.ReadAt(tail[:], size-8); err != nil {
		return err
	}
	if n := int64(binary.LittleEndian.Uint32(tail[:])); string(tail[4:]) != "PAR1" || n > min(size-12, maxFooter) {
		return errors.New("not a Parquet file")
	}
	return nil
}
