package read

import (
	"encoding/binary"
	"fmt"

	"github.com/parquet-go/parquet-go/format"
)

// byteValues yields the byte strings of one page in order.
type byteValues struct {
	encoding format.Encoding
	fixed    int    // length of a value of fixed length, or 0
	rest     []byte // encoded values not yet read; of delta encodings the bytes of the strings

	index  []uint32 // dictionary
	starts []uint32
	dict   []byte

	prefixes, lengths []int64 // delta encodings
	last              []byte  // DELTA_BYTE_ARRAY: the value before, built upon in place
}

// byteValues starts on the page in hand. It also returns how many bytes all its values have together.
func (p *pages) byteValues(v *byteValues) (total int64, err error) {
	v.encoding, v.rest, v.fixed = p.encoding, p.values, 0
	if p.leaf.null {
		return 0, nil // there are none
	}
	if p.leaf.typ == format.FixedLenByteArray {
		v.fixed = p.leaf.length
	}
	switch p.encoding {
	case format.Plain:
		if v.fixed > 0 && int64(p.valid)*int64(v.fixed) > int64(len(v.rest)) {
			return 0, corrupt("the page ends within its values")
		}
		return int64(len(v.rest)), nil
	case format.RLEDictionary:
		if v.index, err = p.indexes(); err != nil {
			return 0, err
		}
		v.dict, v.starts = p.dictionary.data, p.dictionary.starts
		if v.fixed > 0 {
			return int64(p.valid) * int64(v.fixed), nil
		}
		for _, x := range v.index {
			total += int64(binary.LittleEndian.Uint32(v.dict[v.starts[x]-4:]))
		}
		return total, nil
	case format.DeltaLengthByteArray:
		if v.fixed == 0 {
			return p.deltaLengths(v)
		}
	case format.DeltaByteArray:
		return p.deltaBytes(v)
	case format.ByteStreamSplit:
		if v.fixed > 0 {
			v.rest, err = p.unsplit(v.fixed)
			v.encoding = format.Plain
			return int64(len(v.rest)), err
		}
	}
	return 0, unsupported("encoding %s of %s", p.encoding, p.leaf.typ)
}

func (p *pages) deltaLengths(v *byteValues) (total int64, err error) {
	p.numbers = grow(p.numbers, p.valid)
	used, total, err := lengths(p.numbers, p.values)
	if err != nil {
		return 0, err
	}
	v.lengths, v.rest = p.numbers, p.values[used:]
	if total > int64(len(v.rest)) {
		return 0, corrupt("values of %d bytes in all where the page has %d", total, len(v.rest))
	}
	return total, nil
}

func (p *pages) deltaBytes(v *byteValues) (total int64, err error) {
	p.numbers = grow(p.numbers, 2*p.valid)
	v.prefixes, v.lengths = p.numbers[:p.valid], p.numbers[p.valid:]
	used, prefixes, err := lengths(v.prefixes, p.values)
	if err != nil {
		return 0, err
	}
	more, suffixes, err := lengths(v.lengths, p.values[used:])
	if err != nil {
		return 0, err
	}
	v.rest, v.last = p.values[used+more:], v.last[:0]
	if suffixes > int64(len(v.rest)) {
		return 0, corrupt("values of %d bytes in all where the page has %d", suffixes, len(v.rest))
	}
	return prefixes + suffixes, nil
}

// next returns the next value. It is valid until the next call, and as long as the page is.
func (v *byteValues) next() ([]byte, error) {
	switch v.encoding {
	case format.Plain:
		n := v.fixed
		if n == 0 {
			if len(v.rest) < 4 {
				return nil, corrupt("the page ends within its values")
			}
			// Compared before it becomes an int, which may have 32 bits.
			length := binary.LittleEndian.Uint32(v.rest)
			if v.rest = v.rest[4:]; uint64(length) > uint64(len(v.rest)) {
				return nil, corrupt("a value of %d bytes where the page has %d left", length, len(v.rest))
			}
			n = int(length)
		}
		text := v.rest[:n:n]
		v.rest = v.rest[n:]
		return text, nil
	case format.RLEDictionary:
		x := v.index[0]
		v.index = v.index[1:]
		if n := v.fixed; n > 0 {
			return v.dict[int(x)*n : int(x+1)*n : int(x+1)*n], nil
		}
		at := int(v.starts[x])
		end := at + int(binary.LittleEndian.Uint32(v.dict[at-4:]))
		return v.dict[at:end:end], nil
	case format.DeltaByteArray:
		prefix, n := int(v.prefixes[0]), int(v.lengths[0])
		if prefix > len(v.last) {
			return nil, corrupt("a value shares %d bytes with one of %d", prefix, len(v.last))
		}
		v.last = append(v.last[:prefix], v.rest[:n]...)
		v.rest, v.prefixes, v.lengths = v.rest[n:], v.prefixes[1:], v.lengths[1:]
		if v.fixed > 0 && len(v.last) != v.fixed {
			return nil, corrupt("a value of %d bytes where all have %d", len(v.last), v.fixed)
		}
		return v.last, nil
	default: // DELTA_LENGTH_BYTE_ARRAY
		n := int(v.lengths[0])
		text := v.rest[:n:n]
		v.rest, v.lengths = v.rest[n:], v.lengths[1:]
		return text, nil
	}
}

// largestExpansion bounds what the values of a column may add up to, however small its pages are: a dictionary entry of a megabyte
// that is used a million times, or a value that shares a megabyte with each of a million others, takes the format a few bytes. They
// take no memory here, but the time of whoever works through them.
func (g *Group) largestExpansion(c *chunk) int64 {
	return max(g.file.source.budget, saturate(c.meta.uncompressed, 64))
}

// Each calls fn for every row of a column of text, in order. text is valid only during the call; ok is false for null. Each stops
// at the first error of fn and returns it as it is. It holds one page decompressed at a time.
func (g *Group) Each(c Column, fn func(row int, text []byte, ok bool) error) error {
	k, err := g.chunk(c, true, Bytes)
	if err != nil {
		return err
	}
	p := g.pages(k)
	defer p.close()
	var v byteValues
	row, total := 0, int64(0)
	for {
		more, err := p.next()
		if err != nil || !more {
			return g.fail(k, -1, err)
		}
		size, err := p.byteValues(&v)
		if err != nil {
			return g.fail(k, int64(row), fmt.Errorf("page %d: %w", p.number-1, err))
		}
		if total += size; total > g.largestExpansion(k) {
			return g.fail(k, int64(row), expansion(total, g.largestExpansion(k)))
		}
		for i := range p.n {
			if p.defs != nil && int(p.defs[i]) != p.leaf.maxDef {
				if err := fn(row, nil, false); err != nil {
					return err
				}
				row++
				continue
			}
			text, err := v.next()
			if err != nil {
				return g.fail(k, int64(row), fmt.Errorf("page %d: %w", p.number-1, err))
			}
			if err := fn(row, text, true); err != nil {
				return err
			}
			row++
		}
	}
}

func expansion(total, limit int64) error {
	return fmt.Errorf("%w: its values add up to %s or more, the limit is %s: raise resources.memory, or write smaller row groups",
		ErrTooLarge, bytesOf(total), bytesOf(limit))
}

// ByteColumn is a column of byte strings, decoded whole.
type ByteColumn struct {
	rows [][]byte // nil for null; they lie in the pages, which are kept
}

// Value returns the value of a row; ok is false for null. It is valid until the group is released.
func (b *ByteColumn) Value(row int) (value []byte, ok bool) {
	return b.rows[row], b.rows[row] != nil
}

// Bytes decodes a column of byte strings whole, for access by row.
func (g *Group) Bytes(c Column) (*ByteColumn, error) {
	k, err := g.chunk(c, true, Bytes)
	if err != nil {
		return nil, err
	}
	p := g.pages(k)
	p.keep = true
	b := &ByteColumn{rows: make([][]byte, 0, g.rows)}
	var v byteValues
	var expanded []byte // values that lie in no page
	total := int64(0)
	for {
		more, err := p.next()
		if err != nil {
			return nil, g.fail(k, -1, err)
		}
		if !more {
			return b, nil
		}
		size, err := p.byteValues(&v)
		if err != nil {
			return nil, g.fail(k, int64(len(b.rows)), fmt.Errorf("page %d: %w", p.number-1, err))
		}
		if v.encoding == format.DeltaByteArray {
			// The format bounds these by nothing; what they may take was reserved when the group was read.
			if total += size; total > decoded(k.meta, Bytes) {
				return nil, g.fail(k, int64(len(b.rows)), expansion(total, decoded(k.meta, Bytes)))
			}
			expanded = make([]byte, 0, size)
		}
		for i := range p.n {
			if p.defs != nil && int(p.defs[i]) != p.leaf.maxDef {
				b.rows = append(b.rows, nil)
				continue
			}
			text, err := v.next()
			if err != nil {
				return nil, g.fail(k, int64(len(b.rows)), fmt.Errorf("page %d: %w", p.number-1, err))
			}
			if v.encoding == format.DeltaByteArray {
				at := len(expanded)
				expanded = append(expanded, text...)
				text = expanded[at:len(expanded):len(expanded)]
			}
			if text == nil {
				text = []byte{}
			}
			b.rows = append(b.rows, text)
		}
	}
}
