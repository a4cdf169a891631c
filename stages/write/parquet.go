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
	"strings"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
	"github.com/zeebo/xxh3"

	"palimpsest/schemas"
)

// parquetFile is a Parquet file in the making.
//
// The library puts the smallest and the greatest value of a page and of a column chunk, whole, into the page's header (four
// times), the column index and the footer. One text of 5 MB is then a header that Arrow's C++ reader refuses, and one of 200 MB a
// footer that nobody reads. So statistics of strings are off, and since the library then indexes their pages with empty bounds,
// which a reader would believe and skip the pages, the footer is rewritten at the end without the string columns' page indexes.
// The string columns of the key get bounds of their own there, where they are short: with them a reader finds the row groups
// of a probe. Null counts of the column chunks are exact; the count in the headers of string pages is 0 and means nothing.
type parquetFile[R any] struct {
	file   *os.File
	buffer *bufio.Writer
	codec  *codec
	writer *parquet.GenericWriter[R]

	groups [][]bounds // by row group and column of the key
	now    []bounds   // of the row group in hand
	rows   int64      // of it
}

// bounds are the least and the greatest string of a column chunk.
type bounds struct {
	some     bool
	min, max string
}

// maxBound is the longest string that is written as a bound.
const maxBound = 256

func newParquetFile[R any](d *Dir, c *codec, keys, values []string) (*parquetFile[R], error) {
	file, err := d.create(output(c.table.Name, Parquet).Path)
	if err != nil {
		return nil, err
	}
	p := &parquetFile[R]{file: file, buffer: bufio.NewWriterSize(file, 1<<18), codec: c, now: make([]bounds, len(c.keys))}
	options := []parquet.WriterOption{
		parquet.DataPageVersion(1),
		parquet.Compression(&zstd.Codec{Level: zstd.SpeedDefault}),
		// The default names the version of the library.
		parquet.CreatedBy("palimpsest", schemas.Version, ""),
		parquet.DefaultEncodingFor(parquet.ByteArray, &parquet.Plain),
	}
	for i := range keys {
		options = append(options, parquet.KeyValueMetadata(keys[i], values[i]))
	}
	var sorting []parquet.SortingColumn
	for _, k := range c.table.Key {
		sorting = append(sorting, parquet.NullsFirst(parquet.Ascending(k)))
	}
	options = append(options, parquet.SortingWriterConfig(parquet.SortingColumns(sorting...)))
	for _, f := range c.fields {
		if f.Type == schemas.String {
			options = append(options, parquet.SkipPageBounds(f.Name), parquet.SkipPageStatistics(f.Name))
		}
	}
	p.writer = parquet.NewGenericWriter[R](p.buffer, options...)
	return p, nil
}

// osFile returns the file, or nil if there is none yet.
func (p *parquetFile[R]) osFile() *os.File {
	if p == nil {
		return nil
	}
	return p.file
}

func (p *parquetFile[R]) append(rows []R, values []reflect.Value) error {
	if len(rows) == 0 {
		return nil
	}
	for i, k := range p.codec.keys {
		f := &p.codec.fields[k]
		if f.Type != schemas.String {
			continue
		}
		b := &p.now[i]
		for _, row := range values {
			if v, ok := f.value(row); ok {
				b.add(v.String())
			}
		}
	}
	p.rows += int64(len(rows))
	if n, err := p.writer.Write(rows); err != nil {
		return err
	} else if n != len(rows) {
		return fmt.Errorf("%w: %d of %d rows", io.ErrShortWrite, n, len(rows))
	}
	return nil
}

func (b *bounds) add(s string) {
	switch {
	case !b.some:
		*b = bounds{true, s, s}
	case s < b.min:
		b.min = s
	case s > b.max:
		b.max = s
	}
}

func (p *parquetFile[R]) endGroup() error {
	if p.rows == 0 {
		return nil
	}
	for i := range p.now {
		// The caller's strings may be parts of whole documents.
		p.now[i].min, p.now[i].max = strings.Clone(p.now[i].min), strings.Clone(p.now[i].max)
		if len(p.now[i].min) > maxBound || len(p.now[i].max) > maxBound {
			p.now[i] = bounds{}
		}
	}
	p.groups = append(p.groups, p.now)
	p.now, p.rows = make([]bounds, len(p.codec.keys)), 0
	return p.writer.Flush()
}

func (p *parquetFile[R]) close() error {
	if err := p.writer.Close(); err != nil {
		return err
	}
	if err := p.buffer.Flush(); err != nil {
		return err
	}
	return p.rewriteFooter()
}

// rewriteFooter replaces the footer by one without page indexes of strings, and with the bounds of the key.
func (p *parquetFile[R]) rewriteFooter() error {
	info, err := p.file.Stat()
	if err != nil {
		return err
	}
	f, err := parquet.OpenFile(p.file, info.Size(), parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return fmt.Errorf("reading the footer back: %w", err)
	}
	footer := f.Metadata()
	if len(footer.RowGroups) != len(p.groups) {
		return fmt.Errorf("the footer has %d row groups, %d were written", len(footer.RowGroups), len(p.groups))
	}
	for g := range footer.RowGroups {
		columns := footer.RowGroups[g].Columns
		for i, f := range p.codec.fields {
			if f.Type == schemas.String {
				columns[i].ColumnIndexOffset, columns[i].ColumnIndexLength = 0, 0
			}
		}
		for i, k := range p.codec.keys {
			if b := p.groups[g][i]; b.some {
				s := &columns[k].MetaData.Statistics
				s.MinValue, s.MaxValue = []byte(b.min), []byte(b.max)
			}
		}
	}
	return ReplaceFooter(p.file, info.Size(), footer)
}

// ReplaceFooter writes the footer over the one at the end of a Parquet file of that size. The library writes whole strings, however
// long, as bounds into footer and page index, and empty ones when it is told not to, which readers would believe.
func ReplaceFooter(file *os.File, size int64, footer *format.FileMetaData) error {
	var tail [8]byte
	if _, err := file.ReadAt(tail[:], size-8); err != nil {
		return err
	}
	start := size - 8 - int64(binary.LittleEndian.Uint32(tail[:]))
	if start < 4 {
		return errors.New("the footer's length is wrong")
	}
	b, err := thrift.Marshal(new(thrift.CompactProtocol), footer)
	if err != nil {
		return fmt.Errorf("encoding the footer: %w", err)
	}
	b = binary.LittleEndian.AppendUint32(b, uint32(len(b)))
	b = append(b, "PAR1"...)
	if err := file.Truncate(start); err != nil {
		return err
	}
	_, err = file.WriteAt(b, start)
	return err
}

// summarise reads the file back, some rows at a time.
func (p *parquetFile[R]) summarise(ctx context.Context, file *os.File) (s summary, err error) {
	info, err := file.Stat()
	if err != nil {
		return s, err
	}
	f, err := parquet.OpenFile(file, info.Size(), parquet.SkipBloomFilters(true))
	if err != nil {
		return s, err
	}
	r := parquet.NewGenericReader[R](f)
	defer r.Close()
	digest := xxh3.New()
	rows := make([]R, chunkRows)
	var encoded []byte
	for {
		if err := ctx.Err(); err != nil {
			return s, err
		}
		n, err := r.Read(rows)
		for i := range rows[:n] {
			encoded = p.codec.appendRow(encoded[:0], reflect.ValueOf(&rows[i]).Elem())
			if _, err := digest.Write(encoded); err != nil {
				return s, err
			}
			rows[i] = *new(R) // a huge text shall not wait for the next rows
		}
		if cap(encoded) > chunkBytes {
			encoded = nil
		}
		s.rows += int64(n)
		if errors.Is(err, io.EOF) {
			s.digest = digest.Sum128()
			return s, nil
		}
		if err != nil {
			return s, fmt.Errorf("row %d: %w", s.rows, err)
		}
	}
}
