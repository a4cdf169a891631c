package write

import "fmt"

// batchBudget is how much a batch keeps in memory before it writes a sorted run to disk.
const batchBudget = 4 << 20

// Batch gathers rows that go into a spool's table all together or not at all: those of one row group, which may turn out to be corrupt
// at its last page. A few MiB stay in memory; the rest goes to the spool's file, as runs that count only once the batch is
// committed. It is used by one goroutine at a time.
type Batch[R any] struct {
	spool  *Spool[R]
	rows   buffer
	runs   []run
	budget int // of rows, in bytes

	scratch []byte
}

// Batch returns an empty batch of the spool.
func (s *Spool[R]) Batch() *Batch[R] { return &Batch[R]{spool: s, budget: batchBudget} }

// Write adds a row. The row and what it points to are the caller's again when it returns.
func (b *Batch[R]) Write(row *R) error {
	key, err := b.spool.encode(row, &b.scratch)
	if err != nil {
		return err
	}
	if b.rows.full(len(b.scratch), b.budget) {
		if err := b.spill(); err != nil {
			return err
		}
	}
	b.rows.add(b.scratch, key)
	if cap(b.scratch) > b.budget {
		b.scratch = nil
	}
	return nil
}

func (b *Batch[R]) spill() error {
	s := b.spool
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(); err != nil {
		return err
	}
	r, err := s.sorter.writeRun(&b.rows)
	if err != nil {
		s.err = err
		return err
	}
	b.runs = append(b.runs, r)
	b.rows.reset(b.budget)
	return nil
}

// Commit makes the batch's rows part of the table, and empties the batch.
func (b *Batch[R]) Commit() error {
	s := b.spool
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(); err != nil {
		return err
	}
	s.sorter.runs = append(s.sorter.runs, b.runs...)
	for _, e := range b.rows.entries {
		if s.err = s.insert(b.rows.arena[e.offset:e.offset+e.key+e.row], e.key); s.err != nil {
			return s.err
		}
	}
	b.Reset()
	return nil
}

// Reset empties the batch: its rows will not be in the table.
func (b *Batch[R]) Reset() {
	b.rows.reset(b.budget)
	b.runs = b.runs[:0]
}

// usable reports why no more rows can be taken in.
func (s *Spool[R]) usable() error {
	if s.closed && s.err == nil {
		return fmt.Errorf("table %s: write after close", s.of.Name)
	}
	return s.err
}
