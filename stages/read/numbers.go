package read

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/parquet-go/parquet-go/format"
)

// Ints decodes a column of whole numbers or truth values (0 and 1), or of lists of them.
func (g *Group) Ints(c Column) (*Values[int64], error) {
	return decode[int64](g, c, Int, Bool)
}

// Floats decodes a column of floating-point or whole numbers, or of lists of them.
func (g *Group) Floats(c Column) (*Values[float64], error) {
	return decode[float64](g, c, Float, Int)
}

func decode[T int64 | float64](g *Group, c Column, kinds ...Kind) (*Values[T], error) {
	k, err := g.chunk(c, false, kinds...)
	if err != nil {
		return nil, err
	}
	p := g.pages(k)
	defer p.close()
	a := &assembler[T]{leaf: k.column.leaf, groupRows: g.rows}
	a.v.values = make([]T, 0, k.meta.values)
	var dictionary []T
	for {
		more, err := p.next()
		if err != nil {
			return nil, g.fail(k, -1, err)
		}
		if !more {
			break
		}
		if dictionary, err = a.add(p, dictionary); err != nil {
			return nil, g.fail(k, max(int64(a.v.rows)-1, 0), fmt.Errorf("page %d: %w", p.number-1, err))
		}
	}
	if err := a.end(); err != nil {
		return nil, g.fail(k, -1, err)
	}
	return &a.v, nil
}

// pageNumbers decodes the values of the page in hand into all of dst. It keeps the decoded dictionary between pages.
func pageNumbers[T int64 | float64](p *pages, dst, dictionary []T) ([]T, error) {
	if p.leaf.null {
		return dictionary, nil // there are none
	}
	switch p.encoding {
	case format.Plain:
		return dictionary, plainNumbers(p.leaf, dst, p.values)
	case format.RLEDictionary:
		index, err := p.indexes()
		if err != nil {
			return nil, err
		}
		if dictionary == nil && p.dictionary.n > 0 {
			dictionary = make([]T, p.dictionary.n)
			if err := plainNumbers(p.leaf, dictionary, p.dictionary.data); err != nil {
				return nil, fmt.Errorf("dictionary: %w", err)
			}
		}
		for i, x := range index {
			dst[i] = dictionary[x]
		}
		return dictionary, nil
	case format.DeltaBinaryPacked:
		if p.leaf.typ == format.Int32 || p.leaf.typ == format.Int64 {
			return dictionary, deltaNumbers(p, dst)
		}
	case format.RLE:
		if p.leaf.typ == format.Boolean {
			return dictionary, runNumbers(p, dst)
		}
	case format.ByteStreamSplit:
		if width := plainWidth(p.leaf); width > 0 {
			data, err := p.unsplit(width)
			if err == nil {
				err = plainNumbers(p.leaf, dst, data)
			}
			return dictionary, err
		}
	}
	return nil, unsupported("encoding %s of %s", p.encoding, p.leaf.typ)
}

// plainWidth returns the bytes of a number, or 0 for truth values.
func plainWidth(l *leaf) int {
	switch l.typ {
	case format.Int32, format.Float:
		return 4
	case format.Int64, format.Double:
		return 8
	case format.FixedLenByteArray:
		return l.length // float16
	}
	return 0
}

// plainNumbers decodes PLAIN.
func plainNumbers[T int64 | float64](l *leaf, dst []T, src []byte) error {
	width := plainWidth(l)
	if width == 0 && len(dst) > 8*len(src) || width > 0 && len(dst) > len(src)/width {
		return corrupt("%d values in %d bytes", len(dst), len(src))
	}
	switch l.typ {
	case format.Boolean:
		for i := range dst {
			dst[i] = T(src[i>>3] >> (i & 7) & 1)
		}
	case format.Int32:
		for i := range dst {
			x := binary.LittleEndian.Uint32(src[4*i:])
			if l.unsigned {
				dst[i] = T(x)
			} else {
				dst[i] = T(int32(x))
			}
		}
	case format.Int64:
		for i := range dst {
			x := int64(binary.LittleEndian.Uint64(src[8*i:]))
			if l.unsigned && x < 0 {
				return unsupported("number %d above 2^63-1", uint64(x))
			}
			dst[i] = T(x)
		}
	case format.Float:
		for i := range dst {
			dst[i] = T(math.Float32frombits(binary.LittleEndian.Uint32(src[4*i:])))
		}
	case format.Double:
		for i := range dst {
			dst[i] = T(math.Float64frombits(binary.LittleEndian.Uint64(src[8*i:])))
		}
	default:
		for i := range dst {
			dst[i] = T(halfFloat(binary.LittleEndian.Uint16(src[2*i:])))
		}
	}
	return nil
}

// halfFloat returns the value of an IEEE 754 binary16.
func halfFloat(h uint16) float64 {
	exponent, fraction := int(h>>10&31), float64(h&1023)
	var v float64
	switch exponent {
	case 0:
		v = math.Ldexp(fraction, -24)
	case 31:
		if v = math.Inf(1); fraction != 0 {
			v = math.NaN()
		}
	default:
		v = math.Ldexp(1024+fraction, exponent-25)
	}
	if h>>15 != 0 {
		v = -v
	}
	return v
}

func deltaNumbers[T int64 | float64](p *pages, dst []T) error {
	whole, ok := any(dst).([]int64)
	if !ok {
		p.numbers = grow(p.numbers, len(dst))
		whole = p.numbers
	}
	if _, err := delta(whole, p.values); err != nil {
		return err
	}
	for i, x := range whole {
		switch {
		case p.leaf.typ == format.Int32 && p.leaf.unsigned:
			x = int64(uint32(x))
		case p.leaf.typ == format.Int32:
			x = int64(int32(x)) // sums wrap around at the width of the type
		case p.leaf.unsigned && x < 0:
			return unsupported("number %d above 2^63-1", uint64(x))
		}
		dst[i] = T(x)
	}
	return nil
}

func runNumbers[T int64 | float64](p *pages, dst []T) error {
	if len(dst) == 0 {
		return nil
	}
	if len(p.values) < 4 || uint64(binary.LittleEndian.Uint32(p.values)) > uint64(len(p.values)-4) {
		return corrupt("the page ends within its values")
	}
	p.index = grow(p.index, len(dst))
	n := binary.LittleEndian.Uint32(p.values)
	if _, err := hybrid(p.index, p.values[4:4+n], 1); err != nil {
		return err
	}
	for i, x := range p.index {
		dst[i] = T(x & 1)
	}
	return nil
}

// unsplit undoes BYTE_STREAM_SPLIT of values of width bytes: the first bytes of all values come first, then the second ones.
func (p *pages) unsplit(width int) ([]byte, error) {
	n := p.valid
	if len(p.values) < n*width {
		return nil, corrupt("%d values of %d bytes in %d bytes", n, width, len(p.values))
	}
	if p.keep {
		p.split = nil
	}
	p.split = grow(p.split, n*width)
	for b := range width {
		stream := p.values[b*n : (b+1)*n]
		for i, x := range stream {
			p.split[i*width+b] = x
		}
	}
	return p.split, nil
}
