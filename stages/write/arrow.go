package write

import (
	"bufio"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"reflect"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/zeebo/xxh3"

	"palimpsest/schemas"
)

// arrowFile is an Arrow IPC file in the making: record batches compressed with zstd.
type arrowFile struct {
	file    *os.File
	buffer  *bufio.Writer
	table   *schemas.Table
	schema  *arrow.Schema
	writer  *ipc.FileWriter
	builder *array.RecordBuilder
	rows    int // of the batch in hand
	largest int // bytes of the largest batch, uncompressed
}

func newArrowFile(d *Dir, t *schemas.Table, keys, values []string) (*arrowFile, error) {
	file, err := d.create(output(t.Name, Arrow).Path)
	if err != nil {
		return nil, err
	}
	a := &arrowFile{file: file, buffer: bufio.NewWriterSize(file, 1<<18), table: t, schema: t.Arrow(arrow.NewMetadata(keys, values))}
	memory := memory.NewGoAllocator()
	a.builder = array.NewRecordBuilder(memory, a.schema)
	a.writer, err = ipc.NewFileWriter(&positionWriter{w: a.buffer}, ipc.WithSchema(a.schema), ipc.WithZstd(), ipc.WithAllocator(memory))
	if err != nil {
		file.Close()
		os.Remove(file.Name())
		return nil, err
	}
	return a, nil
}

// positionWriter is the part of an io.WriteSeeker that the IPC writer uses: it asks where it stands and never moves.
type positionWriter struct {
	w        io.Writer
	position int64
}

func (p *positionWriter) Write(b []byte) (int, error) {
	n, err := p.w.Write(b)
	p.position += int64(n)
	return n, err
}

func (p *positionWriter) Seek(offset int64, whence int) (int64, error) {
	if offset != 0 || whence != io.SeekCurrent {
		return 0, errors.New("seek in a file that is written from start to end")
	}
	return p.position, nil
}

// append adds rows to the batch, a column at a time.
func (a *arrowFile) append(c *codec, rows []reflect.Value) {
	for i := range c.fields {
		f := &c.fields[i]
		switch b := a.builder.Field(i).(type) {
		case *array.StringBuilder:
			for _, row := range rows {
				if v, ok := f.value(row); ok {
					b.Append(v.String())
				} else {
					b.AppendNull()
				}
			}
		case *array.Int64Builder:
			for _, row := range rows {
				if v, ok := f.value(row); ok {
					b.Append(v.Int())
				} else {
					b.AppendNull()
				}
			}
		case *array.Float64Builder:
			for _, row := range rows {
				if v, ok := f.value(row); ok {
					b.Append(v.Float())
				} else {
					b.AppendNull()
				}
			}
		case *array.BooleanBuilder:
			for _, row := range rows {
				if v, ok := f.value(row); ok {
					b.Append(v.Bool())
				} else {
					b.AppendNull()
				}
			}
		case *array.TimestampBuilder:
			for _, row := range rows {
				if v, ok := f.value(row); ok {
					b.Append(arrow.Timestamp(timeOf(v).UnixMicro()))
				} else {
					b.AppendNull()
				}
			}
		}
	}
	a.rows += len(rows)
}

func (a *arrowFile) endBatch() error {
	if a.rows == 0 {
		return nil
	}
	a.rows = 0
	record := a.builder.NewRecord()
	defer record.Release()
	size := 0
	for _, column := range record.Columns() {
		for _, b := range column.Data().Buffers() {
			if b != nil {
				size += b.Len()
			}
		}
	}
	a.largest = max(a.largest, size)
	return a.writer.Write(record)
}

func (a *arrowFile) close() error {
	if err := a.writer.Close(); err != nil {
		return err
	}
	a.release()
	return a.buffer.Flush()
}

func (a *arrowFile) release() {
	if a.builder != nil {
		a.builder.Release()
		a.builder = nil
	}
}

// summarise reads the file back, a batch at a time.
func (a *arrowFile) summarise(ctx context.Context, file *os.File) (summary, error) {
	var s summary
	allocator := limitedAllocator{memory.NewGoAllocator(), a.largest + 1<<20}
	r, err := ipc.NewFileReader(file, ipc.WithAllocator(allocator))
	if err != nil {
		return s, err
	}
	defer r.Close()
	if !r.Schema().Equal(a.schema) {
		return s, fmt.Errorf("the schema reads back as %v", r.Schema())
	}
	digest := xxh3.New()
	var encoded []byte
	for i := range r.NumRecords() {
		if err := ctx.Err(); err != nil {
			return s, err
		}
		record, err := r.RecordAt(i)
		if err != nil {
			return s, fmt.Errorf("batch %d: %w", i, err)
		}
		for row := range int(record.NumRows()) {
			encoded = appendRecordRow(encoded[:0], a.table, record, row)
			if _, err := digest.Write(encoded); err != nil {
				return s, err
			}
		}
		if cap(encoded) > chunkBytes {
			encoded = nil
		}
		s.rows += record.NumRows()
		record.Release()
	}
	s.digest = digest.Sum128()
	return s, nil
}

// limitedAllocator refuses what no batch of the file can need: the reader believes any length that a damaged file states, and
// memory that runs out cannot be recovered from. Its panic ends in guarded.
type limitedAllocator struct {
	memory.Allocator
	limit int
}

func (a limitedAllocator) Allocate(size int) []byte {
	a.check(size)
	return a.Allocator.Allocate(size)
}

func (a limitedAllocator) Reallocate(size int, b []byte) []byte {
	a.check(size)
	return a.Allocator.Reallocate(size, b)
}

func (a limitedAllocator) check(size int) {
	if size < 0 || size > a.limit {
		panic(fmt.Sprintf("a length of %d, no batch has more than %d bytes", size, a.limit))
	}
}

// appendRecordRow appends the row encoding of a row of a record batch.
func appendRecordRow(dst []byte, t *schemas.Table, record arrow.Record, row int) []byte {
	for i := range t.Columns {
		column := record.Column(i)
		if t.Columns[i].Nullable {
			dst = appendPresent(dst, column.IsValid(row))
			if column.IsNull(row) {
				continue
			}
		}
		switch column := column.(type) {
		case *array.String:
			dst = appendString(dst, column.Value(row))
		case *array.Int64:
			dst = binary.AppendVarint(dst, column.Value(row))
		case *array.Float64:
			dst = appendFloat(dst, column.Value(row))
		case *array.Boolean:
			dst = appendPresent(dst, column.Value(row))
		case *array.Timestamp:
			dst = binary.AppendVarint(dst, int64(column.Value(row)))
		}
	}
	return dst
}
