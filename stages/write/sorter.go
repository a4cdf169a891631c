package write

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"slices"
)

const (
	// spoolBytes is how much a sorter keeps in memory before it writes a sorted run to disk.
	spoolBytes = 8 << 20
	// maxRuns is how many runs are merged at a time, each through a buffer of 64 KiB.
	maxRuns = 256
)

// Sorter takes records in any order and gives them back in the order of their keys. They are kept sorted in memory and written to disk
// as sorted runs, all in one file of the directory, and merged at the end, so that memory stays bounded whatever there is of them.
// It is used by one goroutine at a time.
type Sorter struct {
	dir  *Dir
	name string // of the file

	buffer
	file   *os.File
	size   int64
	runs   []run
	budget int // of the buffer, in bytes
	fan    int
}

// NewSorter returns a sorter whose file in the directory, if it needs one, has that name.
func NewSorter(d *Dir, name string) *Sorter {
	return &Sorter{dir: d, name: name, budget: spoolBytes, fan: maxRuns}
}

// Add takes in a record. Key and value are the caller's again when it returns.
func (s *Sorter) Add(key, value []byte) error {
	if s.full(len(key)+len(value), s.budget) {
		if err := s.spill(); err != nil {
			return err
		}
	}
	s.entries = append(s.entries, entry{len(s.arena), len(key), len(value)})
	s.arena = append(append(s.arena, key...), value...)
	return nil
}

// spill writes what is in memory to disk as one sorted run.
func (s *Sorter) spill() error {
	r, err := s.writeRun(&s.buffer)
	if err != nil {
		return err
	}
	s.runs = append(s.runs, r)
	s.reset(s.budget)
	return nil
}

// writeRun sorts the rows of b and appends them to the file as one run.
func (s *Sorter) writeRun(b *buffer) (run, error) {
	if s.file == nil {
		f, err := s.dir.create(s.name)
		if err != nil {
			return run{}, fmt.Errorf("sorting %s: %w", s.name, err)
		}
		s.file = f
	}
	b.sort()
	w := newRunWriter(s.file, s.size)
	for _, e := range b.entries {
		key := b.arena[e.offset : e.offset+e.key]
		if err := w.add(key, b.arena[e.offset+e.key:e.offset+e.key+e.row]); err != nil {
			return run{}, fmt.Errorf("sorting %s: %w", s.name, err)
		}
	}
	return s.endRun(w)
}

func (s *Sorter) endRun(w *runWriter) (run, error) {
	if err := w.buffer.Flush(); err != nil {
		return run{}, fmt.Errorf("sorting %s: %w", s.name, err)
	}
	r := run{s.size, w.size}
	s.size += w.size
	return r, nil
}

// Each calls yield with the records in the order of their keys, those with equal keys in any order; both are valid only during the
// call. The sorter takes no more records then.
func (s *Sorter) Each(ctx context.Context, yield func(key, value []byte) error) error {
	n := 0
	paced := func(next func(key, value []byte) error) func(key, value []byte) error {
		return func(key, value []byte) error {
			if n++; n%chunkRows == 0 && ctx.Err() != nil {
				return ctx.Err()
			}
			return next(key, value)
		}
	}
	if len(s.runs) == 0 {
		s.sort()
		give := paced(yield)
		for _, e := range s.entries {
			if err := give(s.arena[e.offset:e.offset+e.key], s.arena[e.offset+e.key:e.offset+e.key+e.row]); err != nil {
				return err
			}
		}
		return nil
	}
	if len(s.entries) > 0 {
		if err := s.spill(); err != nil {
			return err
		}
	}
	s.arena, s.entries = nil, nil
	for len(s.runs) > s.fan {
		w := newRunWriter(s.file, s.size)
		if err := merge(s.file, s.runs[:s.fan], paced(w.add)); err != nil {
			return fmt.Errorf("sorting %s: %w", s.name, err)
		}
		merged, err := s.endRun(w)
		if err != nil {
			return err
		}
		s.runs = append(slices.Clone(s.runs[s.fan:]), merged)
	}
	if err := merge(s.file, s.runs, paced(yield)); err != nil {
		return fmt.Errorf("sorting %s: %w", s.name, err)
	}
	return nil
}

// Discard removes what the sorter has in memory and on disk.
func (s *Sorter) Discard() {
	s.arena, s.entries = nil, nil
	if s.file != nil {
		s.file.Close()
		os.Remove(s.file.Name())
		s.file = nil
	}
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
func (b *buffer) full(row, budget int) bool {
	used := len(b.arena) + len(b.entries)*entryBytes
	return used > 0 && used+row+entryBytes > budget
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
