package ingest

import (
	"bufio"
	"cmp"
	"fmt"
	"os"
	"slices"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress/zstd"

	"palimpsest/schemas"
	"palimpsest/stages/write"
)

const (
	groupRows  = 1 << 17  // rows of a row group
	groupBytes = 64 << 20 // bytes of values before which a row group ends; a longer text is one of its own
)

// parquetFile is the output: string columns, zstd, data pages version 1, the widest set of readers. It has no statistics of
// strings: the library would put whole texts into headers and footer, or bounds into the page index that are wrong.
type parquetFile struct {
	file   *os.File
	buffer *bufio.Writer
	writer *parquet.GenericWriter[any]

	row        parquet.Row
	rows       int64
	bytes      int64 // of text
	groupRows  int64
	groupBytes int64
}

// columnOrder is a group whose columns stand in the order of their names in the list, not of the alphabet.
type columnOrder struct {
	parquet.Group
	names []string
}

func (o columnOrder) Fields() []parquet.Field {
	fields := o.Group.Fields()
	slices.SortFunc(fields, func(a, b parquet.Field) int {
		return cmp.Compare(slices.Index(o.names, a.Name()), slices.Index(o.names, b.Name()))
	})
	return fields
}

func newParquetFile(file *os.File, columns []string) *parquetFile {
	order := columnOrder{parquet.Group{}, append([]string{"id", "text"}, columns...)}
	for i, name := range order.names {
		order.Group[name] = parquet.String()
		if i >= 2 {
			order.Group[name] = parquet.Optional(parquet.String())
		}
	}
	p := &parquetFile{file: file, buffer: bufio.NewWriterSize(file, 1<<18)}
	options := []parquet.WriterOption{
		parquet.NewSchema("ingest", order),
		parquet.DataPageVersion(1),
		parquet.Compression(&zstd.Codec{Level: zstd.SpeedDefault}),
		parquet.CreatedBy("palimpsest", schemas.Version, ""), // the default names the version of the library
		parquet.DefaultEncodingFor(parquet.ByteArray, &parquet.Plain),
	}
	for _, name := range order.names {
		options = append(options, parquet.SkipPageBounds(name), parquet.SkipPageStatistics(name))
	}
	p.writer = parquet.NewGenericWriter[any](p.buffer, options...)
	return p
}

// write adds a row. Its bytes are the caller's again when it returns.
func (p *parquetFile) write(id, text []byte, columns []value) error {
	size := int64(len(id) + len(text))
	p.row = append(p.row[:0], parquet.ByteArrayValue(id).Level(0, 0, 0), parquet.ByteArrayValue(text).Level(0, 0, 1))
	for i, c := range columns {
		if !c.some {
			p.row = append(p.row, parquet.NullValue().Level(0, 0, i+2))
			continue
		}
		size += int64(len(c.text))
		p.row = append(p.row, parquet.ByteArrayValue(c.text).Level(0, 1, i+2))
	}
	if p.groupRows == groupRows || p.groupRows > 0 && p.groupBytes+size > groupBytes {
		if err := p.writer.Flush(); err != nil {
			return err
		}
		p.groupRows, p.groupBytes = 0, 0
	}
	if _, err := p.writer.WriteRows([]parquet.Row{p.row}); err != nil {
		return err
	}
	p.rows++
	p.groupRows++
	p.groupBytes += size
	p.bytes += int64(len(text))
	return nil
}

// close finishes the file, without closing the descriptor.
func (p *parquetFile) close() error {
	if err := p.writer.Close(); err != nil {
		return err
	}
	if err := p.buffer.Flush(); err != nil {
		return err
	}
	return p.dropIndexes()
}

// dropIndexes writes the footer anew without page indexes, whose bounds are empty strings that a reader would believe.
func (p *parquetFile) dropIndexes() error {
	info, err := p.file.Stat()
	if err != nil {
		return err
	}
	f, err := parquet.OpenFile(p.file, info.Size(), parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
	if err != nil {
		return fmt.Errorf("reading the footer back: %w", err)
	}
	if f.NumRows() != p.rows {
		return fmt.Errorf("reading the footer back: %d rows, and %d were written", f.NumRows(), p.rows)
	}
	footer := f.Metadata()
	for g := range footer.RowGroups {
		for c := range footer.RowGroups[g].Columns {
			column := &footer.RowGroups[g].Columns[c]
			column.ColumnIndexOffset, column.ColumnIndexLength = 0, 0
			column.OffsetIndexOffset, column.OffsetIndexLength = 0, 0
		}
	}
	return write.ReplaceFooter(p.file, info.Size(), footer)
}
