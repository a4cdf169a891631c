package read

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"

	"github.com/parquet-go/parquet-go/format"
)

// pageHeader is what reading needs of the Thrift struct PageHeader.
type pageHeader struct {
	typ                      format.PageType
	uncompressed, compressed int32
	crc                      uint32
	hasCRC                   bool

	values             int32
	encoding           format.Encoding
	defEnc, repEnc     format.Encoding // v1
	defBytes, repBytes int32           // v2
	plain              bool            // v2: the values are not compressed
	described          bool            // the struct that belongs to the type was there
}

func parsePageHeader(c *compact) pageHeader {
	h := pageHeader{typ: -1, uncompressed: -1, compressed: -1}
	var has [9]bool
	c.structure(tStruct, func(id int16, typ byte) {
		if id >= 0 && int(id) < len(has) {
			has[id] = true
		}
		switch id {
		case 1:
			h.typ = format.PageType(c.int32(typ))
		case 2:
			h.uncompressed = c.int32(typ)
		case 3:
			h.compressed = c.int32(typ)
		case 4:
			h.crc, h.hasCRC = uint32(c.int32(typ)), true
		case 5, 7:
			h.parseValues(c, typ)
		case 8:
			h.parseV2(c, typ)
		default:
			c.skip(typ)
		}
	})
	switch h.typ {
	case format.DataPage:
		h.described = has[5]
	case format.DictionaryPage:
		h.described = has[7]
	case format.DataPageV2:
		h.described = has[8]
	default:
		h.described = true
	}
	return h
}

// parseValues reads DataPageHeader and DictionaryPageHeader, which begin alike.
func (h *pageHeader) parseValues(c *compact, typ byte) {
	c.structure(typ, func(id int16, typ byte) {
		switch id {
		case 1:
			h.values = c.int32(typ)
		case 2:
			h.encoding = format.Encoding(c.int32(typ))
		case 3:
			if typ == tTrue || typ == tFalse {
				return // whether a dictionary is sorted
			}
			h.defEnc = format.Encoding(c.int32(typ))
		case 4:
			h.repEnc = format.Encoding(c.int32(typ))
		default:
			c.skip(typ)
		}
	})
}

func (h *pageHeader) parseV2(c *compact, typ byte) {
	c.structure(typ, func(id int16, typ byte) {
		switch id {
		case 1:
			h.values = c.int32(typ)
		case 4:
			h.encoding = format.Encoding(c.int32(typ))
		case 5:
			h.defBytes = c.int32(typ)
		case 6:
			h.repBytes = c.int32(typ)
		case 7:
			h.plain = !c.bool(typ)
		default:
			c.skip(typ)
		}
	})
}

// pages reads the data pages of one column chunk, one at a time.
//
// It decompresses each page by itself under the bounds of the footer, and decodes levels and values with the decoders of this
// package. See the package comment for why.
type pages struct {
	chunk *chunk
	leaf  *leaf
	rest  []byte // pages not yet read
	keep  bool   // decompressed pages are not given back: values stay in them

	number int   // of the page in hand, from 0, dictionaries counted
	seen   int64 // values of the pages so far
	left   int64 // bytes that further pages may decompress to

	// The page in hand.
	n        int             // values, nulls and empty lists counted
	defs     []byte          // definition levels; nil when all are the highest
	reps     []byte          // repetition levels; nil without lists
	valid    int             // values that are there
	encoding format.Encoding // of values
	values   []byte          // encoded values
	body     []byte          // buffer behind values, to be given back; nil when values lie in the chunk

	dictionary struct {
		loaded bool
		n      int
		data   []byte   // PLAIN values
		starts []uint32 // of each value in data, after the length; byte arrays only
		body   []byte
	}

	defBuf, repBuf []byte
	index          []uint32
	numbers        []int64
	split          []byte
}

// close gives the buffers back.
func (p *pages) close() {
	p.free(&p.body)
	p.free(&p.dictionary.body)
}

// free gives a buffer back, unless values stay in it.
func (p *pages) free(buffer *[]byte) {
	if !p.keep {
		putBuffer(*buffer)
	}
	*buffer = nil
}

// next reads the next data page. It returns false at the end of the chunk, after checking that all values were there. It recovers
// from panics: they can only come from the libraries that decompress.
func (p *pages) next() (more bool, err error) {
	defer func() {
		if r := recover(); r != nil {
			more, err = false, corrupt("page %d: decoding failed: %v", p.number, r)
		}
	}()
	for len(p.rest) > 0 {
		data, err := p.page()
		p.number++
		if err != nil {
			return false, fmt.Errorf("page %d: %w", p.number-1, err)
		}
		if data {
			return true, nil
		}
	}
	if p.seen != p.chunk.meta.values {
		return false, corrupt("its pages hold %d values, the footer says %d", p.seen, p.chunk.meta.values)
	}
	return false, nil
}

// page reads one page of any type, and reports whether it is a data page with values.
func (p *pages) page() (data bool, err error) {
	c := compact{rest: p.rest}
	h := parsePageHeader(&c)
	if c.err != nil {
		return false, fmt.Errorf("page header: %w", c.err)
	}
	if h.compressed < 0 || h.uncompressed < 0 || int(h.compressed) > len(c.rest) {
		return false, corrupt("page header: %d bytes, %d decompressed, where %d are left of the column chunk", h.compressed,
			h.uncompressed, len(c.rest))
	}
	stored := c.rest[:h.compressed:h.compressed]
	p.rest = c.rest[h.compressed:]
	if p.left -= int64(h.uncompressed); p.left < 0 {
		return false, corrupt("page header: pages decompress to more than the footer says")
	}
	if h.hasCRC {
		if sum := crc32.ChecksumIEEE(stored); sum != h.crc {
			return false, corrupt("checksum %08x of the page is not the %08x of its header", sum, h.crc)
		}
	}
	if !h.described {
		return false, corrupt("page header: nothing that belongs to a %s", h.typ)
	}
	switch h.typ {
	case format.DictionaryPage:
		return false, p.loadDictionary(&h, stored)
	case format.DataPage, format.DataPageV2:
		return true, p.loadData(&h, stored)
	case format.IndexPage:
		return false, nil
	}
	return false, corrupt("page header: unknown page type %d", h.typ)
}

// expand returns a page's bytes decompressed, the first lead of which are not compressed, and the buffer that holds them, which is
// nil when they are the stored ones.
func (p *pages) expand(h *pageHeader, stored []byte, lead int) (data, buffer []byte, err error) {
	size := int(h.uncompressed)
	if lead > size || lead > len(stored) {
		return nil, nil, corrupt("levels of %d bytes in a page of %d, %d decompressed", lead, len(stored), size)
	}
	if p.chunk.meta.codec == format.Uncompressed || h.plain {
		if len(stored) != size {
			return nil, nil, corrupt("%d bytes in a page of %d that is not compressed", len(stored), size)
		}
		return stored, nil, nil
	}
	data = getBuffer(size)
	copy(data, stored[:lead])
	// Writers leave the body of a page without values out, whatever the codec would make of nothing.
	if size > lead {
		if err := inflate(p.chunk.meta.codec, data[lead:size:size], stored[lead:]); err != nil {
			putBuffer(data)
			return nil, nil, err
		}
	}
	return data, data, nil
}

// plainDictionary is what RLE_DICTIONARY was called in data pages, and PLAIN in dictionaries, by the first writers.
const plainDictionary format.Encoding = 2

func (p *pages) loadDictionary(h *pageHeader, stored []byte) error {
	if p.seen > 0 {
		return corrupt("a dictionary after data")
	}
	if h.encoding != format.Plain && h.encoding != plainDictionary {
		return unsupported("a dictionary with encoding %s", h.encoding)
	}
	data, buffer, err := p.expand(h, stored, 0)
	if err != nil {
		return err
	}
	d := &p.dictionary
	p.free(&d.body)
	d.loaded, d.n, d.data, d.body, d.starts = true, int(h.values), data, buffer, d.starts[:0]
	var least int // bytes of a value
	switch p.leaf.typ {
	case format.Int32, format.Float, format.ByteArray:
		least = 4
	case format.Int64, format.Double:
		least = 8
	case format.FixedLenByteArray:
		least = p.leaf.length
	default:
		return corrupt("a dictionary of %s", p.leaf.typ)
	}
	if d.n < 0 || int64(d.n)*int64(least) > int64(len(data)) {
		return corrupt("a dictionary of %d values in %d bytes", d.n, len(data))
	}
	if p.leaf.typ != format.ByteArray {
		return nil
	}
	at := 0
	for i := range d.n {
		if len(data)-at < 4 {
			return corrupt("value %d of the dictionary lies outside", i)
		}
		n := int(binary.LittleEndian.Uint32(data[at:]))
		if at += 4; n > len(data)-at {
			return corrupt("value %d of the dictionary lies outside", i)
		}
		d.starts = append(d.starts, uint32(at))
		at += n
	}
	return nil
}

func (p *pages) loadData(h *pageHeader, stored []byte) error {
	p.n = int(h.values)
	if h.values < 0 || int64(p.n) > p.chunk.meta.values-p.seen {
		return corrupt("page header: %d values where %d are left of the %d that the footer says", h.values,
			p.chunk.meta.values-p.seen, p.chunk.meta.values)
	}
	lead := 0
	if h.typ == format.DataPageV2 {
		if h.defBytes < 0 || h.repBytes < 0 {
			return corrupt("page header: levels of %d and %d bytes", h.repBytes, h.defBytes)
		}
		lead = int(h.defBytes) + int(h.repBytes)
	}
	p.free(&p.body)
	data, buffer, err := p.expand(h, stored, lead)
	if err != nil {
		return err
	}
	p.body = buffer
	if h.typ == format.DataPageV2 {
		err = p.levelsV2(h, data)
		p.values = data[lead:]
	} else {
		p.values, err = p.levelsV1(h, data)
	}
	if p.encoding = h.encoding; p.encoding == plainDictionary {
		p.encoding = format.RLEDictionary
	}
	p.seen += int64(p.n)
	if err == nil && p.leaf.null && p.valid > 0 {
		return corrupt("%d values in a column whose type is null", p.valid)
	}
	return err
}
