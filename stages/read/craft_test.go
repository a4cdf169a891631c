package read_test

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"

	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"
)

// Files made by hand: pages as bytes, and a footer that says what the test wants.

// page is a data or dictionary page. Zero sizes stand for the true ones.
type page struct {
	header format.PageHeader
	body   []byte // as stored
}

func dataPage(values int, encoding format.Encoding, body []byte) page {
	return page{format.PageHeader{
		Type: format.DataPage, UncompressedPageSize: int32(len(body)), CompressedPageSize: int32(len(body)),
		DataPageHeader: thrift.New(format.DataPageHeader{NumValues: int32(values), Encoding: encoding,
			DefinitionLevelEncoding: format.RLE, RepetitionLevelEncoding: format.RLE}),
	}, body}
}

func dataPageV2(values int, encoding format.Encoding, defs, body []byte) page {
	all := append(bytes.Clone(defs), body...)
	return page{format.PageHeader{
		Type: format.DataPageV2, UncompressedPageSize: int32(len(all)), CompressedPageSize: int32(len(all)),
		DataPageHeaderV2: thrift.New(format.DataPageHeaderV2{NumValues: int32(values), NumRows: int32(values), Encoding: encoding,
			DefinitionLevelsByteLength: int32(len(defs))}),
	}, all}
}

func dictionaryPage(values int, body []byte) page {
	return page{format.PageHeader{
		Type: format.DictionaryPage, UncompressedPageSize: int32(len(body)), CompressedPageSize: int32(len(body)),
		DictionaryPageHeader: thrift.New(format.DictionaryPageHeader{NumValues: int32(values), Encoding: format.Plain}),
	}, body}
}

// compressed marks a page as one that decompresses to that many bytes.
func (p page) compressed(uncompressed int) page {
	p.header.UncompressedPageSize = int32(uncompressed)
	return p
}

func (p page) checksummed(xor uint32) page {
	p.header.CRC = int32(crc32.ChecksumIEEE(p.body) ^ xor)
	return p
}

func (p page) bytes() []byte {
	head, err := thrift.Marshal(new(thrift.CompactProtocol), &p.header)
	must(err)
	return append(head, p.body...)
}

// crafted is a file of one row group with one column "text".
type crafted struct {
	typ      format.Type
	optional bool
	codec    format.CompressionCodec
	rows     int64
	pages    []page
	edit     func(*format.FileMetaData)
}

func (c crafted) bytes() []byte {
	var chunk []byte
	uncompressed := int64(0)
	for _, p := range c.pages {
		b := p.bytes()
		chunk = append(chunk, b...)
		uncompressed += int64(len(b)-len(p.body)) + int64(p.header.UncompressedPageSize)
	}
	repetition := format.Required
	if c.optional {
		repetition = format.Optional
	}
	m := &format.FileMetaData{
		Version: 1,
		Schema: []format.SchemaElement{
			{Name: "root", NumChildren: thrift.New[int32](1)},
			{Name: "text", Type: thrift.New(c.typ), RepetitionType: thrift.New(repetition)},
		},
		NumRows: c.rows,
		RowGroups: []format.RowGroup{{NumRows: c.rows, Columns: []format.ColumnChunk{{MetaData: format.ColumnMetaData{
			Type: c.typ, Codec: c.codec, NumValues: c.rows, DataPageOffset: 4, PathInSchema: []string{"text"},
			TotalCompressedSize: int64(len(chunk)), TotalUncompressedSize: uncompressed,
		}}}}},
	}
	if c.edit != nil {
		c.edit(m)
	}
	footer, err := thrift.Marshal(new(thrift.CompactProtocol), m)
	must(err)
	return withFooter(append([]byte("PAR1"), chunk...), footer)
}

func withFooter(data, footer []byte) []byte {
	data = append(data, footer...)
	data = binary.LittleEndian.AppendUint32(data, uint32(len(footer)))
	return append(data, "PAR1"...)
}

// plain is the PLAIN encoding of texts.
func plain(texts ...string) (b []byte) {
	for _, t := range texts {
		b = binary.LittleEndian.AppendUint32(b, uint32(len(t)))
		b = append(b, t...)
	}
	return b
}

// varints is a run of unsigned varints.
func varints(v ...uint64) (b []byte) {
	for _, x := range v {
		b = binary.AppendUvarint(b, x)
	}
	return b
}

// constants is the DELTA_BINARY_PACKED encoding of n times v.
func constants(n int, v int64) []byte {
	b := varints(128, 4, uint64(n))
	b = binary.AppendVarint(b, v)
	for at := 1; at < n; at += 128 {
		b = append(b, 0, 0, 0, 0, 0) // least difference 0; four miniblocks of no bits
	}
	return b
}
