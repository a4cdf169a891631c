package write

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"reflect"
	"slices"
	"sync"

	"palimpsest/schemas"
)

const (
	// spoolBytes is how much a spool keeps in memory before it writes a sorted run to disk.
	spoolBytes = 8 << 20
	// maxRuns is how many runs are merged at a time, each through a buffer of 64 KiB.
	maxRuns = 256
)

// Spool writes one table whose rows come in any order. Rows are kept encoded, sorted by key in memory and written to disk as
// sorted runs, all in one file of the directory, and merged at the end. It is safe for concurrent use.
type Spool[R any] struct {
	dir   *Dir
	of    schemas.Of[R]
	codec *codec

	mu sync.Mutex
	buffer
	file   *os.File
	size   int64
	runs   []run
	budget int // of the buffer, in bytes
	fan    int
	err    error
	closed bool

	scratch sync.Pool // *[]byte
	combine func(into, more *R)
}

// buffer holds rows in memory.
type buffer struct {
	arena   []byte  // keys and rows, encoded
	entries []entry // where they stand in the arena
}

// entry is a row of the arena: its key, then the row, from offset.
type entry struct{ offset, key, row int }

const entryBytes = 24

// full reports whether another row would take the buffer beyond the budget. An empty one takes any row.
func (b *buffer) full(row []byte, budget int) bool {
	used := len(b.arena) + len(b.entries)*entryBytes
	return used > 0 && used+len(row)+entryBytes > budget
}

// add takes in an encoded row, whose first bytes are the key.
func (b *buffer) add(row []byte, key int) {
	b.entries = append(b.entries, entry{len(b.arena), key, len(row) - key})
	b.arena = append(b.arena, row...)
}

// sort puts the entries in the order of their keys. Equal keys are an error of the table that follows, so their order is free.
func (b *buffer) sort() {
	slices.SortFunc(b.entries, func(x, y entry) int {
		return bytes.Compare(b.arena[x.offset:x.offset+x.key], b.arena[y.offset:y.offset+y.key])
	})
}

// reset empties the buffer. It keeps the memory, unless one huge row took much more than the budget.
func (b *buffer) reset(budget int) {
	b.entries, b.arena = b.entries[:0], b.arena[:0]
	if cap(b.arena) > 2*budget {
		b.arena = nil
	}
}

// run is a sorted run on disk.
type run struct{ offset, size int64 }

// OpenSpool starts a spool for the table. The table's own files are made when it closes.
func OpenSpool[R any](d *Dir, t schemas.Of[R]) (*Spool[R], error) {
	c, err := newCodec(t.Table)
	if err != nil {
		return nil, err
	}
	return &Spool[R]{dir: d, of: t, codec: c, budget: spoolBytes, fan: maxRuns,
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
	if cap(*scratch) > s.budget {
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

// insert takes in an encoded row, after what is in memory has gone to disk if it must.
func (s *Spool[R]) insert(row []byte, key int) error {
	if s.full(row, s.budget) {
		if err := s.spill(); err != nil {
			return err
		}
	}
	s.buffer.add(row, key)
	return nil
}

// spill writes what is in memory to disk as one sorted run.
func (s *Spool[R]) spill() error {
	r, err := s.writeRun(&s.buffer)
	if err != nil {
		return err
	}
	s.runs = append(s.runs, r)
	s.reset(s.budget)
	return nil
}

// writeRun sorts the rows of b and appends them to the file as one run.
func (s *Spool[R]) writeRun(b *buffer) (run, error) {
	if s.file == nil {
		f, err := s.dir.create("spool/" + s.of.Name)
		if err != nil {
			return run{}, fmt.Errorf("spooling table %s: %w", s.of.Name, err)
		}
		s.file = f
	}
	b.sort()
	w := newRunWriter(s.file, s.size)
	for _, e := range b.entries {
		key := b.arena[e.offset : e.offset+e.key]
		if err := w.add(key, b.arena[e.offset+e.key:e.offset+e.key+e.row]); err != nil {
			return run{}, fmt.Errorf("spooling table %s: %w", s.of.Name, err)
		}
	}
	return s.endRun(w)
}

func (s *Spool[R]) endRun(w *runWriter) (run, error) {
	if err := w.buffer.Flush(); err != nil {
		return run{}, fmt.Errorf("spooling table %s: %w", s.of.Name, err)
	}
	r := run{s.size, w.size}
	s.size += w.size
	return r, nil
}

// Close sorts the rows, writes the table and verifies it like Table.Close. The spool's own file is removed in any case.
func (s *Spool[R]) Close(ctx context.Context) ([]Output, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, fmt.Errorf("table %s: closed twice", s.of.Name)
	}
	s.closed = true
	defer s.remove()
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

// replay writes the rows to the table in the order of their keys.
func (s *Spool[R]) replay(ctx context.Context, table *Table[R]) error {
	c := combiner[R]{spool: s, table: table, cells: s.codec.newCells(), moreCells: s.codec.newCells()}
	n := 0
	write := func(key, encoded []byte) error {
		if n++; n%chunkRows == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		return c.add(key, encoded)
	}
	if len(s.runs) == 0 {
		s.sort()
		for _, e := range s.entries {
			if err := write(s.arena[e.offset:e.offset+e.key], s.arena[e.offset+e.key:e.offset+e.key+e.row]); err != nil {
				return err
			}
		}
		return c.flush()
	}
	if len(s.entries) > 0 {
		if err := s.spill(); err != nil {
			return err
		}
	}
	s.arena, s.entries = nil, nil
	for len(s.runs) > s.fan {
		w := newRunWriter(s.file, s.size)
		add := func(key, row []byte) error {
			if n++; n%chunkRows == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			return w.add(key, row)
		}
		if err := merge(s.file, s.runs[:s.fan], add); err != nil {
			return fmt.Errorf("sorting table %s: %w", s.of.Name, err)
		}
		merged, err := s.endRun(w)
		if err != nil {
			return err
		}
		s.runs = append(slices.Clone(s.runs[s.fan:]), merged)
	}
	if err := merge(s.file, s.runs, write); err != nil {
		return fmt.Errorf("sorting table %s: %w", s.of.Name, err)
	}
	return c.flush()
}

// Discard removes what the spool has on disk, unless Close has. It may be called at any time and twice.
func (s *Spool[R]) Discard() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.remove()
}

func (s *Spool[R]) remove() {
	s.arena, s.entries = nil, nil
	if s.file != nil {
		s.file.Close()
		os.Remove(s.file.Name())
		s.file = nil
	}
}

// runWriter writes one run: for every row the lengths of key and row as varints, the key and the row.
type runWriter struct {
	buffer *bufio.Writer
	size   int64
	head   []byte
}

func newRunWriter(f *os.File, offset int64) *runWriter {
	return &runWriter{buffer: bufio.NewWriterSize(io.NewOffsetWriter(f, offset), 1<<18)}
}

func (w *runWriter) add(key, row []byte) error {
	w.head = binary.AppendUvarint(w.head[:0], uint64(len(key)))
	w.head = binary.AppendUvarint(w.head, uint64(len(row)))
	for _, b := range [3][]byte{w.head, key, row} {
		n, err := w.buffer.Write(b)
		w.size += int64(n)
		if err != nil {
			return err
		}
	}
	return nil
}
