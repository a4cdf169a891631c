package verify

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/ipc"
	"github.com/apache/arrow/go/v17/arrow/memory"
	flatbuffers "github.com/google/flatbuffers/go"
)

// batches goes through the record batches of an Arrow file.
type batches struct {
	reader *ipc.FileReader
	next   int
	record arrow.Record // the batch in hand; nil before the first
	row    int64        // of it, the first that was not compared
	at     int64        // row of the table that the batch begins with
}

// openArrow opens the Arrow file of a table and checks its schema and metadata. No batch may take more than that memory.
func (v *verifier) openArrow(t *table, at *digested, most int64) (*batches, error) {
	where := v.at(t.arrow.Path)
	b := new(batches)
	err := guard(func() (err error) {
		if err := walkFooter(at, at.size, len(t.Columns)); err != nil {
			return err
		}
		b.reader, err = ipc.NewFileReader(io.NewSectionReader(at, 0, at.size), ipc.WithAllocator(limited{memory.NewGoAllocator(), most}))
		return err
	})
	if err != nil {
		return nil, err
	}
	if got, want := b.reader.Schema(), t.Arrow(arrow.Metadata{}); !got.Equal(want) {
		v.problem(where, "its schema is not that of table %s: %v", t.Name, got.Fields())
		return nil, nil
	}
	m := b.reader.Schema().Metadata()
	found := make(map[string]string)
	for i, k := range m.Keys() {
		if _, twice := found[k]; twice {
			v.problem(where, "its metadata have the key %s twice", k)
		}
		found[k] = m.Values()[i]
	}
	v.checkMetadata(where, t, found)
	return b, nil
}

// more makes sure that there are rows to compare, and reports whether there are.
func (b *batches) more() (bool, error) {
	for b.record == nil || b.row == b.record.NumRows() {
		if b.record != nil {
			b.at += b.record.NumRows()
			b.record.Release()
			b.record, b.row = nil, 0
		}
		if b.next == b.reader.NumRecords() {
			return false, nil
		}
		err := guard(func() (err error) {
			b.record, err = b.reader.RecordAt(b.next)
			return err
		})
		if err != nil {
			return false, fmt.Errorf("batch %d, row %d: %w", b.next, b.at, err)
		}
		b.next++
	}
	return true, nil
}

// limited refuses memory that no batch of the file can need. The library believes any length that a file states, and memory that runs
// out cannot be recovered from; the panic ends in guard.
type limited struct {
	memory.Allocator
	most int64
}

func (a limited) Allocate(size int) []byte {
	a.check(size)
	return a.Allocator.Allocate(size)
}

func (a limited) Reallocate(size int, b []byte) []byte {
	a.check(size)
	return a.Allocator.Reallocate(size, b)
}

func (a limited) check(size int) {
	if size < 0 || int64(size) > a.most {
		panic(fmt.Sprintf("a length of %d, where no batch takes more than %d bytes", size, a.most))
	}
}

const (
	arrowMagic  = "ARROW1"
	arrowAround = len(arrowMagic)*2 + 2 + 4 // magic, padding, length of the footer, magic
	mostMeta    = 100                       // entries of metadata
	mostFooter  = 64 << 20                  // bytes
)

// Slots of the tables of https://github.com/apache/arrow/blob/main/format/File.fbs and Schema.fbs, as offsets into their vtables.
const (
	footerSchema       = 6
	footerDictionaries = 8
	schemaFields       = 6
	schemaMetadata     = 8
	fieldDictionary    = 12
	fieldChildren      = 14
	fieldMetadata      = 16
)

// walkFooter looks at the lengths in the footer of an Arrow file that the library would allocate by without asking its allocator. Its
// panics, of positions outside the footer, are for guard.
func walkFooter(at io.ReaderAt, size int64, columns int) error {
	if size < int64(arrowAround) {
		return fmt.Errorf("%d bytes are no Arrow file", size)
	}
	head := make([]byte, len(arrowMagic)+2)
	if _, err := at.ReadAt(head, 0); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	tail := make([]byte, 4+len(arrowMagic))
	if _, err := at.ReadAt(tail, size-int64(len(tail))); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if string(head) != arrowMagic+"\x00\x00" || string(tail[4:]) != arrowMagic {
		return errors.New("no Arrow file, or cut short")
	}
	n := int64(flatbuffers.GetUint32(tail))
	if n < 8 || n > min(size-int64(arrowAround), mostFooter) {
		return fmt.Errorf("a footer of %d bytes in a file of %d", n, size)
	}
	footer := make([]byte, n)
	if _, err := at.ReadAt(footer, size-int64(len(tail))-n); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	root := flatbuffers.Table{Bytes: footer, Pos: flatbuffers.GetUOffsetT(footer)}
	if root.Offset(footerSchema) == 0 {
		return errors.New("a footer without schema")
	}
	if lengthOf(&root, footerDictionaries) != 0 {
		return errors.New("dictionaries, which no table has")
	}
	schema := inner(&root, footerSchema)
	if n := lengthOf(&schema, schemaFields); n != columns {
		return fmt.Errorf("%d columns, where the table has %d", n, columns)
	}
	if n := lengthOf(&schema, schemaMetadata); n > mostMeta {
		return fmt.Errorf("%d entries of metadata", n)
	}
	fields := schema.Vector(flatbuffers.UOffsetT(schema.Offset(schemaFields)))
	for i := range columns {
		f := flatbuffers.Table{Bytes: footer, Pos: schema.Indirect(fields + flatbuffers.UOffsetT(i)*flatbuffers.SizeUOffsetT)}
		if f.Offset(fieldDictionary) != 0 || lengthOf(&f, fieldChildren) != 0 || lengthOf(&f, fieldMetadata) != 0 {
			return fmt.Errorf("column %d has a dictionary, children or metadata, as none of the table has", i)
		}
	}
	return nil
}

// lengthOf returns the length of the vector in a slot of a table; 0 where it is absent.
func lengthOf(t *flatbuffers.Table, slot flatbuffers.VOffsetT) int {
	if o := t.Offset(slot); o != 0 {
		return t.VectorLen(flatbuffers.UOffsetT(o))
	}
	return 0
}

// inner returns the table in a slot of another.
func inner(t *flatbuffers.Table, slot flatbuffers.VOffsetT) flatbuffers.Table {
	return flatbuffers.Table{Bytes: t.Bytes, Pos: t.Indirect(t.Pos + flatbuffers.UOffsetT(t.Offset(slot)))}
}

// equalMetadata reports how two sets of metadata differ; "" when they do not.
func equalMetadata(found, want map[string]string) string {
	if maps.Equal(found, want) {
		return ""
	}
	for _, k := range slices.Sorted(maps.Keys(want)) {
		w := want[k]
		if f, ok := found[k]; !ok {
			return "its metadata lack " + k
		} else if f != w {
			return fmt.Sprintf("its metadata say %s is %.100q, and the run says %.100q", k, f, w)
		}
	}
	for _, k := range slices.Sorted(maps.Keys(found)) {
		if _, ok := want[k]; !ok {
			return fmt.Sprintf("its metadata have %.100q, which the run does not", k)
		}
	}
	return ""
}
