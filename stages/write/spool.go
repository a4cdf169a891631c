package write

import (
	"context"
	"fmt"
	"reflect"
	"sync"

	"palimpsest/schemas"
)

// Spool writes one table whose rows come in any order. Rows are kept encoded, sorted by key in memory and written to disk as
// sorted runs, all in one file of the directory, and merged at the end. It is safe for concurrent use.
type Spool[R any] struct {
	dir   *Dir
	of    schemas.Of[R]
	codec *codec

	mu     sync.Mutex
	sorter *Sorter
	err    error
	closed bool

	scratch sync.Pool // *[]byte
	combine func(into, more *R)
}

// OpenSpool starts a spool for the table. The table's own files are made when it closes.
func OpenSpool[R any](d *Dir, t schemas.Of[R]) (*Spool[R], error) {
	c, err := newCodec(t.Table)
	if err != nil {
		return nil, err
	}
	return &Spool[R]{dir: d, of: t, codec: c, sorter: NewSorter(d, "spool/"+t.Name),
		scratch: sync.Pool{New: func() any { return new([]byte) }}}, nil
}

// Write adds rows in any order; their run_id is set later. The rows and what they point to are the caller's again when it
// returns. After an error the spool is lost: every later call returns the same error.
func (s *Spool[R]) Write(rows ...R) error {
	scratch := s.scratch.Get().(*[]byte)
	defer s.scratch.Put(scratch)
	for i := range rows {
		if err := s.add(&rows[i], scratch); err != nil {
			return err
		}
	}
	return nil
}

func (s *Spool[R]) add(row *R, scratch *[]byte) error {
	key, err := s.encode(row, scratch)

	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(); err != nil {
		return err
	}
	if s.err = err; err == nil {
		s.err = s.insert(*scratch, key)
	}
	if cap(*scratch) > s.sorter.budget {
		*scratch = nil // one huge row shall not stay in the pool
	}
	return s.err
}

// encode checks the row and fills scratch with its key, whose length it returns, and the row.
func (s *Spool[R]) encode(row *R, scratch *[]byte) (key int, err error) {
	value := reflect.ValueOf(row).Elem()
	if _, err := s.codec.check(value); err != nil {
		return 0, fmt.Errorf("writing table %s, row with %s: %w", s.of.Name, s.codec.describeKey(value), err)
	}
	*scratch = s.codec.appendKey((*scratch)[:0], value)
	key = len(*scratch)
	*scratch = s.codec.appendRow(*scratch, value)
	return key, nil
}

// insert takes in an encoded row, whose first bytes are the key.
func (s *Spool[R]) insert(row []byte, key int) error { return s.sorter.Add(row[:key], row[key:]) }

// Insert takes in an encoded row that Each of another spool of the same table gave.
func (s *Spool[R]) Insert(key, row []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(); err != nil {
		return err
	}
	s.err = s.sorter.Add(key, row)
	return s.err
}

// Each ends the spool without a table: it calls yield with the encoded rows in the order of their keys, for Insert of another spool.
func (s *Spool[R]) Each(ctx context.Context, yield func(key, row []byte) error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(); err != nil {
		return err
	}
	s.closed = true
	defer s.sorter.Discard()
	return s.sorter.Each(ctx, yield)
}

// replay writes the rows to the table in the order of their keys.
func (s *Spool[R]) replay(ctx context.Context, table *Table[R]) error {
	c := combiner[R]{spool: s, table: table, cells: s.codec.newCells(), moreCells: s.codec.newCells()}
	if err := s.sorter.Each(ctx, c.add); err != nil {
		return err
	}
	return c.flush()
}

// Close sorts the rows, writes the table and verifies it like Table.Close. The spool's own file is removed in any case.
func (s *Spool[R]) Close(ctx context.Context) ([]Output, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, fmt.Errorf("table %s: closed twice", s.of.Name)
	}
	s.closed = true
	defer s.sorter.Discard()
	if s.err != nil {
		return nil, s.err
	}
	table, err := Open(s.dir, s.of)
	if err != nil {
		return nil, err
	}
	defer table.Discard()
	if err := s.replay(ctx, table); err != nil {
		return nil, err
	}
	return table.Close(ctx)
}

// Discard removes what the spool has on disk, unless Close has. It may be called at any time and twice.
func (s *Spool[R]) Discard() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.sorter.Discard()
}
