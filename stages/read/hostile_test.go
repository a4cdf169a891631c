package read_test

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/format"
	"github.com/pierrec/lz4/v4"

	"palimpsest/stages/read"
)

const hostileBudget = 64 << 20

// readAll opens the file and reads every column of it in every way, with a small budget. It returns the first error.
func readAll(t testing.TB, data []byte) error {
	f, err := open(t, data, hostileBudget)
	if err != nil {
		return err
	}
	for i := range f.Groups() {
		for _, name := range f.Columns() {
			c, err := f.Column(name)
			if err == nil {
				err = readColumn(t, f, i, c)
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func readColumn(t testing.TB, f *read.File, group int, c read.Column) error {
	g, err := f.Read(t.Context(), group, c)
	if err != nil {
		return err
	}
	defer g.Release()
	var bytesErr error
	switch c.Kind {
	case read.Bytes:
		if c.Depth > 0 {
			return nil
		}
		n := 0
		err = g.Each(c, func(row int, text []byte, ok bool) error { n += len(text); return nil })
		_, bytesErr = g.Bytes(c)
	case read.Float:
		_, err = g.Floats(c)
	default:
		_, err = g.Ints(c)
	}
	return errors.Join(err, bytesErr)
}

// clean reports whether an error names the object, the row group where one was being read, and a cause, on one line each.
func clean(err error) bool {
	if err == nil {
		return true
	}
	var e *read.Error
	if !errors.As(err, &e) || e.Object != "mem://test/o.parquet" {
		return false
	}
	for line := range strings.SplitSeq(err.Error(), "\n") { // of errors.Join
		if !strings.HasPrefix(line, "mem://test/o.parquet: ") {
			return false
		}
	}
	return errors.Is(err, read.ErrCorrupt) || errors.Is(err, read.ErrTooLarge) || errors.Is(err, read.ErrUnsupported) ||
		errors.Is(err, read.ErrColumn)
}

func squeeze(codec format.CompressionCodec, data []byte) []byte {
	var b bytes.Buffer
	switch codec {
	case format.Zstd:
		w, err := zstd.NewWriter(&b)
		must(err)
		_, err = w.Write(data)
		must(err)
		must(w.Close())
	case format.Gzip:
		w := gzip.NewWriter(&b)
		_, err := w.Write(data)
		must(err)
		must(w.Close())
	case format.Brotli:
		w := brotli.NewWriter(&b)
		_, err := w.Write(data)
		must(err)
		must(w.Close())
	case format.Snappy:
		return snappy.Encode(nil, data)
	case format.Lz4Raw, format.Lz4:
		out := make([]byte, lz4.CompressBlockBound(len(data)))
		n, err := lz4.CompressBlock(data, out, nil)
		must(err)
		return out[:n]
	}
	return b.Bytes()
}

var compressing = []format.CompressionCodec{format.Zstd, format.Gzip, format.Brotli, format.Snappy, format.Lz4Raw, format.Lz4}

// TestBombs: pages that decompress to far more than their header says, or to less.
func TestBombs(t *testing.T) {
	bomb := make([]byte, 64<<20)
	for _, codec := range compressing {
		for _, size := range []int{1000, 1 << 20} {
			body := squeeze(codec, bomb)
			err := readAll(t, crafted{codec: codec, typ: format.ByteArray, rows: 250,
				pages: []page{dataPage(250, format.Plain, body).compressed(size)},
				edit: func(m *format.FileMetaData) {
					m.RowGroups[0].Columns[0].MetaData.TotalUncompressedSize = int64(max(size, len(body))) + 100
				}}.bytes())
			if !errors.Is(err, read.ErrCorrupt) || !clean(err) || !strings.Contains(err.Error(), "decompression") {
				t.Errorf("%s, %d bytes: got %v", codec, size, err)
			}
		}
		body := squeeze(codec, plain("abc", strings.Repeat("x", 500)))
		err := readAll(t, crafted{codec: codec, typ: format.ByteArray, rows: 2,
			pages: []page{dataPage(2, format.Plain, body).compressed(2000)}}.bytes())
		if !errors.Is(err, read.ErrCorrupt) || !clean(err) {
			t.Errorf("%s, too few bytes: got %v", codec, err)
		}
	}
}

func TestHostileFooters(t *testing.T) {
	nested := bytes.Repeat([]byte{0x1c}, 1<<20) // a struct in a struct in a struct ...
	names := bytes.Repeat([]byte{0x19, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x07}, 1000)
	for _, c := range []struct {
		name string
		data []byte
		want string
	}{
		{"empty", nil, "not a Parquet file: 0 bytes"},
		{"short", []byte("PAR1PAR1"), "not a Parquet file: 8 bytes"},
		{"text", []byte("id,text\n1,hello\n"), `not a Parquet file, or cut short: it ends in "llo\n"`},
		{"length beyond the file", []byte("PAR1\xff\xff\xff\x7fPAR1"), "footer: 2147483647 bytes in an object of 12"},
		{"encrypted", []byte("PAR1\x00\x00\x00\x00PARE"), "encrypted"},
		{"empty footer", withFooter([]byte("PAR1"), nil), "footer: corrupt data"},
		{"nested", withFooter([]byte("PAR1"), nested), "nested deeper than 32 levels"},
		{"claims", withFooter([]byte("PAR1"), names), "a list claims 2147483647 elements"},
		{"large footer", withFooter([]byte("PAR1"), make([]byte, 8<<20)), "a footer of 8192 KiB, the limit is 4096 KiB"},
	} {
		err := readAll(t, c.data)
		if err == nil || !clean(err) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, want %s", c.name, err, c.want)
		}
	}
}

func TestLyingFooters(t *testing.T) {
	meta := func(edit func(m *format.ColumnMetaData)) func(*format.FileMetaData) {
		return func(m *format.FileMetaData) { edit(&m.RowGroups[0].Columns[0].MetaData) }
	}
	body := plain("one", "two")
	for _, c := range []struct {
		name string
		edit func(*format.FileMetaData)
		want string
	}{
		{"values", meta(func(m *format.ColumnMetaData) { m.NumValues = 3 }), "3 values in 2 rows"},
		{"negative size", meta(func(m *format.ColumnMetaData) { m.TotalCompressedSize = -1 }), "negative"},
		{"offset", meta(func(m *format.ColumnMetaData) { m.DataPageOffset = 1 << 40 }), "bytes 1099511627776 to"},
		{"size", meta(func(m *format.ColumnMetaData) { m.TotalCompressedSize = 1 << 40 }), "of an object of"},
		{"overflow", meta(func(m *format.ColumnMetaData) { m.TotalCompressedSize = 1<<63 - 1 }), "of an object of"},
		{"type", meta(func(m *format.ColumnMetaData) { m.Type = format.Int64 }), "stored as INT64, the schema says BYTE_ARRAY"},
		{"memory", meta(func(m *format.ColumnMetaData) { m.TotalUncompressedSize = 1 << 40 }),
			"row group 0: too large for the memory given to reading: it needs 1024 GiB, the limit is 64 MiB: raise resources.memory"},
		{"memory overflow", meta(func(m *format.ColumnMetaData) { m.TotalUncompressedSize = 1<<63 - 1 }), "too large"},
		{"rows", func(m *format.FileMetaData) { m.NumRows = 5 }, "the file claims 5 rows, its row groups 2"},
		{"more rows", func(m *format.FileMetaData) {
			m.NumRows, m.RowGroups[0].NumRows, m.RowGroups[0].Columns[0].MetaData.NumValues = 3, 3, 3
		}, "row group 0, column text: corrupt data: its pages hold 2 values, the footer says 3"},
		{"fewer rows", func(m *format.FileMetaData) {
			m.NumRows, m.RowGroups[0].NumRows, m.RowGroups[0].Columns[0].MetaData.NumValues = 1, 1, 1
		}, "row group 0, column text: page 0: corrupt data: page header: 2 values where 1 are left"},
		{"many rows", func(m *format.FileMetaData) {
			m.NumRows, m.RowGroups[0].NumRows, m.RowGroups[0].Columns[0].MetaData.NumValues = 1<<40, 1<<40, 1<<40
		}, "too large"},
		{"row overflow", func(m *format.FileMetaData) {
			g := m.RowGroups[0]
			g.NumRows = 1<<63 - 1
			m.RowGroups = append(m.RowGroups, g)
		}, "footer"},
		{"columns", func(m *format.FileMetaData) { m.RowGroups[0].Columns = nil }, "row group 0 has 0 columns, the schema 1"},
		{"children", func(m *format.FileMetaData) { m.Schema[0].NumChildren.V = 1000 }, "claims 1000 children"},
		{"no root", func(m *format.FileMetaData) { m.Schema = nil }, "no root"},
		{"orphan", func(m *format.FileMetaData) { m.Schema[0].NumChildren.V = 0 }, "belong to no group"},
		{"other file", func(m *format.FileMetaData) { m.RowGroups[0].Columns[0].FilePath = "x" }, "it lies in another file"},
		{"codec", meta(func(m *format.ColumnMetaData) { m.Codec = format.LZO }), "not supported: compression LZO"},
		{"chunk cut at a page", meta(func(m *format.ColumnMetaData) {
			m.TotalCompressedSize = int64(len(dataPage(2, format.Plain, body).bytes()))
		}), ""}, // the only page is whole
	} {
		data := crafted{typ: format.ByteArray, rows: 2, pages: []page{dataPage(2, format.Plain, body)}, edit: c.edit}.bytes()
		err := readAll(t, data)
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.want != "" && (err == nil || !clean(err) || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: got %v, want %s", c.name, err, c.want)
		}
	}
}

// TestChunkCutAtAPage: without a count of values, rows would be missing in silence.
func TestChunkCutAtAPage(t *testing.T) {
	first, second := dataPage(1, format.Plain, plain("one")), dataPage(1, format.Plain, plain("two"))
	err := readAll(t, crafted{typ: format.ByteArray, rows: 2, pages: []page{first, second}, edit: func(m *format.FileMetaData) {
		m.RowGroups[0].Columns[0].MetaData.TotalCompressedSize = int64(len(first.bytes()))
	}}.bytes())
	if err == nil || !strings.HasPrefix(err.Error(),
		"mem://test/o.parquet: row group 0, column text: corrupt data: its pages hold 1 values, the footer says 2") {
		t.Errorf("got %v", err)
	}
}

func TestHostilePages(t *testing.T) {
	const many = 100_000
	long := strings.Repeat("x", 1<<20)
	valid := []byte{2 << 1, 1} // two values that are there
	levels := func(b []byte) []byte { return append(binary.LittleEndian.AppendUint32(nil, uint32(len(b))), b...) }
	for _, c := range []struct {
		name string
		file crafted
		want string
	}{
		{"negative values", crafted{rows: 2, pages: []page{dataPage(-1, format.Plain, nil)}}, "-1 values where 2 are left"},
		{"most values", crafted{rows: 2, pages: []page{dataPage(1<<31-1, format.Plain, nil)}}, "2147483647 values where 2 are left"},
		{"no values", crafted{rows: 2, pages: []page{dataPage(2, format.Plain, nil)}}, "row 0: page 0: corrupt data: the page ends within its values"},
		{"long value", crafted{rows: 2, pages: []page{dataPage(2, format.Plain, append(plain("one"), 0xff, 0xff, 0xff, 0xff))}},
			"row 1: page 0: corrupt data: a value of 4294967295 bytes where the page has 0 left"},
		{"no header", crafted{rows: 2, pages: []page{{format.PageHeader{Type: format.DataPage}, nil}}}, "nothing that belongs to a DATA_PAGE"},
		{"page type", crafted{rows: 2, pages: []page{{format.PageHeader{Type: 9}, nil}}}, "unknown page type 9"},
		{"index page is passed over", crafted{rows: 1, pages: []page{{format.PageHeader{Type: format.IndexPage}, nil}, dataPage(1, format.Plain, plain("x"))}}, ""},
		{"size", crafted{rows: 2, pages: []page{dataPage(2, format.Plain, plain("one", "two")).compressed(1000)}}, "that is not compressed"},
		{"checksum", crafted{rows: 2, pages: []page{dataPage(2, format.Plain, plain("one", "two")).checksummed(1)}}, "checksum"},
		{"right checksum", crafted{rows: 2, pages: []page{dataPage(2, format.Plain, plain("one", "two")).checksummed(0)}}, ""},
		{"encoding", crafted{rows: 2, pages: []page{dataPage(2, format.ByteStreamSplit, plain("one", "two"))}}, "not supported: encoding BYTE_STREAM_SPLIT of BYTE_ARRAY"},
		{"unknown encoding", crafted{rows: 2, pages: []page{dataPage(2, 77, plain("one", "two"))}}, "not supported: encoding"},
		{"no dictionary", crafted{rows: 2, pages: []page{dataPage(2, format.RLEDictionary, []byte{1, 2 << 1, 0})}}, "a dictionary that is not there"},
		{"dictionary count", crafted{rows: 2, pages: []page{dictionaryPage(1<<31-1, plain("a"))}}, "a dictionary of 2147483647 values in 5 bytes"},
		{"dictionary value", crafted{rows: 2, pages: []page{dictionaryPage(1, []byte{9, 0, 0, 0, 'a'})}}, "value 0 of the dictionary lies outside"},
		{"dictionary after data", crafted{rows: 2, pages: []page{dataPage(1, format.Plain, plain("a")), dictionaryPage(1, plain("a"))}}, "a dictionary after data"},
		{"index", crafted{rows: 2, pages: []page{dictionaryPage(1, plain("a")), dataPage(2, format.RLEDictionary, []byte{1, 2 << 1, 1})}}, "index 1 into a dictionary of 1 values"},
		{"index width", crafted{rows: 2, pages: []page{dictionaryPage(1, plain("a")), dataPage(2, format.RLEDictionary, []byte{33, 2 << 1, 1})}}, "indexes of 33 bits"},
		{"index of no bits", crafted{rows: 2, pages: []page{dictionaryPage(1, plain("a")), dataPage(2, format.RLEDictionary, []byte{0})}}, ""},
		{"indexes end", crafted{rows: 2, pages: []page{dictionaryPage(1, plain("a")), dataPage(2, format.RLEDictionary, []byte{1, 1 << 1, 0})}}, "end 1 values early"},
		{"empty runs", crafted{rows: 2, pages: []page{dictionaryPage(1, plain("a")), dataPage(2, format.RLEDictionary, []byte{1, 0, 0, 0, 0})}}, "an encoded run is empty"},
		{"empty packed runs", crafted{rows: 2, pages: []page{dictionaryPage(1, plain("a")), dataPage(2, format.RLEDictionary, []byte{1, 1, 1, 1})}}, "an encoded run is empty"},
		{"dictionary bomb", crafted{rows: many, pages: []page{dictionaryPage(1, plain(long)),
			dataPage(many, format.RLEDictionary, append([]byte{1}, append(varints(many<<1), 0)...))}}, "too large"},
		{"delta bomb", crafted{rows: many, pages: []page{dataPage(many, format.DeltaByteArray, append(append(
			// The first shares nothing and is long; all others share all of it.
			deltas(0, 1<<20, many), deltas(1<<20, 0, many)...), long...))}}, "too large"},
		{"delta prefix", crafted{rows: 2, pages: []page{dataPage(2, format.DeltaByteArray, append(append(constants(2, 3), constants(2, 1)...), "ab"...))}},
			"row 0: page 0: corrupt data: a value shares 3 bytes with one of 0"},
		{"delta lengths", crafted{rows: 2, pages: []page{dataPage(2, format.DeltaLengthByteArray, append(constants(2, 3), "abc"...))}}, "values of 6 bytes in all where the page has 3"},
		{"delta negative", crafted{rows: 2, pages: []page{dataPage(2, format.DeltaLengthByteArray, append(constants(2, -3), "abc"...))}}, "a byte string of length -3"},
		{"delta count", crafted{rows: 2, pages: []page{dataPage(2, format.DeltaLengthByteArray, varints(128, 4, 1<<40, 0))}}, "1099511627776 delta-encoded numbers where the page has 2"},
		{"delta blocks", crafted{rows: 2, pages: []page{dataPage(2, format.DeltaLengthByteArray, varints(0, 0, 2, 0))}}, "in blocks of 0 values and 0 miniblocks"},
		{"delta widths", crafted{rows: 2, pages: []page{dataPage(2, format.DeltaLengthByteArray, append(varints(128, 4, 2, 0, 0), 255, 255, 255, 255))}}, "numbers of 255 bits"},
		{"delta ends", crafted{rows: 2, pages: []page{dataPage(2, format.DeltaLengthByteArray, append(varints(128, 4, 2, 0, 0), 64, 0, 0, 0))}}, "end early"},
		{"levels", crafted{rows: 2, optional: true, pages: []page{dataPage(2, format.Plain, []byte{200, 0, 0, 0})}}, "levels of 200 bytes in a page of 4"},
		{"no levels", crafted{rows: 2, optional: true, pages: []page{dataPage(2, format.Plain, nil)}}, "the page ends within its levels"},
		{"level", crafted{rows: 2, optional: true, pages: []page{dataPage(2, format.Plain, levels([]byte{2 << 1, 3}))}}, "level 3 where 1 is the highest"},
		{"more values than data", crafted{rows: 2, optional: true, pages: []page{dataPage(2, format.Plain, append(levels(valid), plain("one")...))}},
			"row 1: page 0: corrupt data: the page ends within its values"},
		{"v2 levels", crafted{rows: 2, optional: true, pages: []page{func() page {
			p := dataPageV2(2, format.Plain, valid, plain("one", "two"))
			p.header.DataPageHeaderV2.V.DefinitionLevelsByteLength = 1 << 30
			return p
		}()}}, "levels of 1073741824 bytes in a page of 16"},
		{"v2 negative", crafted{rows: 2, optional: true, pages: []page{func() page {
			p := dataPageV2(2, format.Plain, valid, plain("one", "two"))
			p.header.DataPageHeaderV2.V.RepetitionLevelsByteLength = -5
			return p
		}()}}, "levels of -5 and 2 bytes"},
		{"v2", crafted{rows: 2, optional: true, pages: []page{dataPageV2(2, format.Plain, valid, plain("one", "two"))}}, ""},
		{"v2 without values, as Spark writes it", crafted{rows: 2, optional: true, codec: format.Snappy,
			pages: []page{dataPageV2(2, format.Plain, []byte{2 << 1, 0}, nil)}}, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.file.typ = format.ByteArray
			for _, p := range c.file.pages {
				if h := p.header.DataPageHeader; h.Valid && h.V.Encoding == format.DeltaByteArray {
					c.file.edit = func(m *format.FileMetaData) {
						m.RowGroups[0].Columns[0].MetaData.Encoding = []format.Encoding{format.DeltaByteArray}
					}
				}
			}
			err := readAll(t, c.file.bytes())
			switch {
			case c.want == "" && err != nil:
				t.Error(err)
			case c.want != "" && (err == nil || !clean(err) || !strings.Contains(err.Error(), c.want)):
				t.Errorf("got  %v\nwant %s", err, c.want)
			case err != nil && !strings.Contains(err.Error(), "row group 0, column text"):
				t.Errorf("%v does not name row group and column", err)
			}
		})
	}
}

// deltas is the DELTA_BINARY_PACKED encoding of one number and n-1 times another.
func deltas(first, rest int64, n int) []byte {
	b := binary.AppendVarint(varints(128, 4, uint64(n)), first)
	// The second number is reached by the least difference of the first block, whose other differences take it back.
	least, up := rest-first, uint64(0)
	if least > 0 {
		least, up = 0, uint64(least)
	}
	b = binary.AppendVarint(b, least)
	b = append(b, 32, 32, 32, 32)
	down := uint64(-least)
	for i := 1; i <= 128; i++ {
		d := down
		if i == 1 {
			d = up
		}
		b = binary.LittleEndian.AppendUint32(b, uint32(d))
	}
	for at := 129; at < n; at += 128 {
		b = append(b, 0, 0, 0, 0, 0)
	}
	return b
}

// TestLegacyLZ4 reads both forms that were written under this codec: Hadoop's frames and bare blocks.
func TestLegacyLZ4(t *testing.T) {
	body := plain("one", strings.Repeat("two ", 100))
	block := squeeze(format.Lz4Raw, body)
	half := len(body) / 2
	first, second := squeeze(format.Lz4Raw, body[:half]), squeeze(format.Lz4Raw, body[half:])
	be := binary.BigEndian.AppendUint32
	frame := append(be(be(nil, uint32(len(body))), uint32(len(block))), block...)
	var split []byte
	if len(first) > 0 && len(second) > 0 {
		split = append(be(be(nil, uint32(len(body))), uint32(len(first))), first...)
		split = append(be(split, uint32(len(second))), second...)
	}
	for name, stored := range map[string][]byte{"bare": block, "frame": frame, "two blocks": split} {
		if stored == nil {
			continue
		}
		f := mustOpen(t, crafted{typ: format.ByteArray, codec: format.Lz4, rows: 2,
			pages: []page{dataPage(2, format.Plain, stored).compressed(len(body))}}.bytes())
		c := mustColumn(t, f, "text")
		g, err := f.Read(t.Context(), 0, c)
		if err != nil {
			t.Fatal(err)
		}
		b, err := g.Bytes(c)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		one, _ := b.Value(0)
		two, _ := b.Value(1)
		if string(one) != "one" || string(two) != strings.Repeat("two ", 100) {
			t.Errorf("%s: %q %q", name, one, two)
		}
		g.Release()
	}
}
