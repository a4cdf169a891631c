package write

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"

	"github.com/zeebo/xxh3"

	"palimpsest/schemas"
)

// Table writes one table whose rows come in ascending order of its key. It is used by one goroutine at a time.
type Table[R any] struct {
	dir   *Dir
	codec *codec

	chunk chunk[R]
	n     int // rows of the chunk

	rows       int64 // rows taken so far
	chunkBytes int64 // bytes of values in the chunk, the batch and the group in hand
	batchBytes int64
	groupBytes int64

	key, lastKey []byte
	encoded      []byte
	digest       *xxh3.Hasher // of the row encodings

	arrow   *arrowFile
	parquet *parquetFile[R]

	err    error // the first error; the table is lost then
	closed bool
}

// A chunk holds copies of rows with all they point to, so that nothing of the caller's is kept after Write.
type chunk[R any] struct {
	rows  []R
	value []reflect.Value   // of the rows, addressable
	cells [][]reflect.Value // what nullable fields of the rows point to
}

func newChunk[R any](c *codec, n int) chunk[R] {
	k := chunk[R]{rows: make([]R, n), value: make([]reflect.Value, n), cells: make([][]reflect.Value, n)}
	for i := range n {
		k.value[i] = reflect.ValueOf(&k.rows[i]).Elem()
		k.cells[i] = c.newCells()
	}
	return k
}

// set copies the row to position i.
func (k *chunk[R]) set(i int, row *R, runID string) {
	k.rows[i] = *row
	for c, cell := range k.cells[i] {
		if !cell.IsValid() {
			continue
		}
		if f := k.value[i].Field(c); !f.IsNil() {
			cell.Set(f.Elem())
			f.Set(cell.Addr())
		}
	}
	k.value[i].Field(0).SetString(runID)
}

// Open starts the two files of the table.
func Open[R any](d *Dir, t schemas.Of[R]) (*Table[R], error) {
	c, err := newCodec(t.Table)
	if err != nil {
		return nil, err
	}
	keys, values, err := d.keyValues(t.Table)
	if err != nil {
		return nil, fmt.Errorf("opening table %s: %w", t.Name, err)
	}
	w := &Table[R]{dir: d, codec: c, chunk: newChunk[R](c, chunkRows), digest: xxh3.New()}
	if w.arrow, err = newArrowFile(d, t.Table, keys, values); err != nil {
		return nil, fmt.Errorf("opening table %s: %w", t.Name, err)
	}
	if w.parquet, err = newParquetFile[R](d, c, keys, values); err != nil {
		w.Discard()
		return nil, fmt.Errorf("opening table %s: %w", t.Name, err)
	}
	return w, nil
}

// Write adds rows, which must follow the rows before in strictly ascending order of the table's key. It sets their run_id. The
// rows and what they point to are the caller's again when it returns. After an error the table is lost: every later call returns
// the same error.
func (w *Table[R]) Write(rows ...R) error {
	if w.closed {
		return fmt.Errorf("table %s: write after close", w.codec.table.Name)
	}
	for i := range rows {
		if w.err != nil {
			return w.err
		}
		if err := w.add(&rows[i]); err != nil {
			w.err = fmt.Errorf("writing table %s, row %d: %w", w.codec.table.Name, w.rows, err)
		}
	}
	return w.err
}

// add takes one row. Boundaries stand at fixed rows, and before rows that would make a chunk, batch or group too large.
func (w *Table[R]) add(row *R) error {
	w.chunk.set(w.n, row, w.dir.runID)
	value := w.chunk.value[w.n]
	size, err := w.codec.check(value)
	if err != nil {
		return err
	}
	w.key = w.codec.appendKey(w.key[:0], value)
	if w.rows > 0 {
		switch c := bytes.Compare(w.lastKey, w.key); {
		case c == 0:
			return fmt.Errorf("a second row with the key %s", w.codec.describeKey(value))
		case c > 0:
			return fmt.Errorf("out of order: the key %s is less than that of the row before", w.codec.describeKey(value))
		}
	}
	w.key, w.lastKey = w.lastKey, w.key

	chunkFull := w.n > 0 && w.chunkBytes+size > chunkBytes
	batchFull := w.batchBytes > 0 && w.batchBytes+size > batchBytes
	groupFull := w.groupBytes > 0 && w.groupBytes+size > groupBytes
	if chunkFull || batchFull || groupFull {
		if err := w.flush(batchFull, groupFull); err != nil {
			return err
		}
		w.chunk.set(0, row, w.dir.runID)
		value = w.chunk.value[0]
	}
	w.encoded = w.codec.appendRow(w.encoded[:0], value)
	if _, err := w.digest.Write(w.encoded); err != nil {
		return err
	}
	w.n++
	w.rows++
	w.chunkBytes += size
	w.batchBytes += size
	w.groupBytes += size
	if size > chunkBytes {
		w.encoded, w.key, w.lastKey = nil, nil, slices.Clone(w.lastKey)
	}
	if w.rows%chunkRows == 0 || size > chunkBytes {
		return w.flush(w.rows%batchRows == 0 || w.batchBytes > batchBytes, w.rows%groupRows == 0 || w.groupBytes > groupBytes)
	}
	return nil
}

// flush hands the chunk to both encoders, and ends the Arrow batch and the Parquet row group if asked to. Arrow is through before
// Parquet begins, so that a huge text is in the buffers of one at a time.
func (w *Table[R]) flush(endBatch, endGroup bool) error {
	w.arrow.append(w.codec, w.chunk.value[:w.n])
	if endBatch {
		w.batchBytes = 0
		if err := w.arrow.endBatch(); err != nil {
			return err
		}
	}
	if err := w.parquet.append(w.chunk.rows[:w.n], w.chunk.value[:w.n]); err != nil {
		return err
	}
	w.n, w.chunkBytes = 0, 0
	if endGroup {
		w.groupBytes = 0
		if err := w.parquet.endGroup(); err != nil {
			return err
		}
	}
	return nil
}

// Close finishes both files, reads them back, compares every row with what was written, and returns the Arrow and the Parquet
// file in this order. On any error, and when the context ends, neither file is left.
func (w *Table[R]) Close(ctx context.Context) ([]Output, error) {
	if w.closed {
		return nil, fmt.Errorf("table %s: closed twice", w.codec.table.Name)
	}
	outputs, err := w.finish(ctx)
	if err != nil {
		w.Discard()
		return nil, err
	}
	w.closed = true
	return outputs, nil
}

func (w *Table[R]) finish(ctx context.Context) ([]Output, error) {
	name := w.codec.table.Name
	if w.err != nil {
		return nil, w.err
	}
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("closing table %s: %w", name, err)
	}
	if err := w.flush(true, true); err != nil {
		return nil, fmt.Errorf("closing table %s: %w", name, err)
	}
	if err := w.arrow.close(); err != nil {
		return nil, fmt.Errorf("closing the Arrow file of table %s: %w", name, err)
	}
	if err := w.parquet.close(); err != nil {
		return nil, fmt.Errorf("closing the Parquet file of table %s: %w", name, err)
	}
	want := summary{rows: w.rows, digest: w.digest.Sum128()}
	var outputs []Output
	for _, f := range []struct {
		format string
		file   *os.File
		read   reader
	}{{Arrow, w.arrow.file, w.arrow.summarise}, {Parquet, w.parquet.file, w.parquet.summarise}} {
		o, err := verify(ctx, output(name, f.format), f.file, want, f.read)
		if err != nil {
			return nil, err
		}
		outputs = append(outputs, o)
	}
	return outputs, nil
}

// Discard closes and removes the table's files, unless Close has finished them. It may be called at any time and twice.
func (w *Table[R]) Discard() {
	if w.closed {
		return
	}
	w.closed = true
	if w.err == nil {
		w.err = errors.New("the table was discarded")
	}
	w.arrow.release()
	for format, f := range map[string]*os.File{Arrow: w.arrow.file, Parquet: w.parquet.osFile()} {
		if f != nil {
			f.Close()
			os.Remove(filepath.Join(w.dir.path, filepath.FromSlash(output(w.codec.table.Name, format).Path)))
		}
	}
}
