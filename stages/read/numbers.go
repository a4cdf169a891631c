package read

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/parquet-go/parquet-go/format"
)

// Values are the numbers of a column, decoded whole. A row is null or a list of values; a scalar is a list of one. Lists of lists
// are held as one list with the lengths of its parts.
type Values[T int64 | float64] struct {
	values []T
	nulls  []bool  // by value; nil when none is null
	ends   []int64 // of each row in values; nil for scalars
	absent []bool  // by row; nil when none is null
	parts  []int64 // lengths of inner lists
	inner  []int64 // end of each row in parts
	rows   int
}

// Len returns the number of rows.
func (v *Values[T]) Len() int { return v.rows }

// Row returns the values of a row. ok is false when the row itself is null. null marks the values that are null, which are 0 in
// values; it is nil when there are none in the column. The slices are valid until the group is released.
func (v *Values[T]) Row(i int) (values []T, null []bool, ok bool) {
	if v.absent != nil && v.absent[i] {
		return nil, nil, false
	}
	from, to := int64(i), int64(i+1)
	if v.ends != nil {
		from, to = 0, v.ends[i]
		if i > 0 {
			from = v.ends[i-1]
		}
	}
	if v.nulls != nil {
		null = v.nulls[from:to:to]
	}
	return v.values[from:to:to], null, true
}

// Lens returns the lengths of the inner lists of a row of a list of lists. An inner list that is null counts as an empty one. It
// returns nil for other columns.
func (v *Values[T]) Lens(i int) []int {
	if v.inner == nil {
		return nil
	}
	from := int64(0)
	if i > 0 {
		from = v.inner[i-1]
	}
	lens := make([]int, 0, v.inner[i]-from)
	for _, n := range v.parts[from:v.inner[i]] {
		lens = append(lens, int(n))
	}
	return lens
}

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
	switch p.encoding {
	case format.Plain:
		return dictionary, plainNumbers(p.leaf, dst, p.values)
	case format.PlainDictionary, format.RLEDictionary:
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

// assembler puts values and levels together to rows
// (Dremel: https://github.com/apache/parquet-format#nested-encoding).
type assembler[T int64 | float64] struct {
	leaf      *leaf
	groupRows int
	v         Values[T]
	open      bool // the row in hand may be continued: its last entry was an element
	openInner bool // the same for the inner list in hand
}

// add takes the page in hand. It returns the dictionary decoded, to be given to the next call.
func (a *assembler[T]) add(p *pages, dictionary []T) ([]T, error) {
	v := &a.v
	slots := p.n // values of the page, those counted that are null
	if a.leaf.maxRep > 0 {
		var err error
		if slots, err = a.addLevels(p); err != nil {
			return dictionary, err
		}
	} else {
		v.rows += p.n
		v.absent = appendNulls(v.absent, v.rows, p)
	}
	if slots < p.valid {
		return dictionary, corrupt("%d values where levels have room for %d", p.valid, slots)
	}
	at := len(v.values)
	v.values = slices.Grow(v.values, slots)[:at+slots]
	page := v.values[at:]
	dictionary, err := pageNumbers(p, page[:p.valid], dictionary)
	if err != nil || slots == p.valid {
		return dictionary, err
	}
	// Nulls are moved in between, from the end so that no value is overwritten before it was moved.
	nulls := v.absent
	if a.leaf.maxRep > 0 {
		nulls = v.nulls
	}
	from := p.valid
	for i := slots - 1; i >= 0; i-- {
		if nulls[at+i] {
			page[i] = 0
		} else if from--; from >= 0 {
			page[i] = page[from]
		}
	}
	return dictionary, nil
}

// appendNulls appends, for each value of a page of scalars, whether it is null. nulls stays nil as long as none is; rows counts the
// rows of the page too.
func appendNulls(nulls []bool, rows int, p *pages) []bool {
	if nulls == nil {
		if p.valid == p.n {
			return nil
		}
		nulls = make([]bool, rows-p.n, rows)
	}
	if p.defs == nil {
		return append(nulls, make([]bool, p.n)...)
	}
	for _, def := range p.defs {
		nulls = append(nulls, int(def) != p.leaf.maxDef)
	}
	return nulls
}

// addLevels takes the levels of a page of lists, and returns how many values they have room for.
func (a *assembler[T]) addLevels(p *pages) (slots int, err error) {
	v, l := &a.v, a.leaf
	base := len(v.values)
	for i := range p.n {
		def, rep := l.maxDef, int(p.reps[i])
		if p.defs != nil {
			def = int(p.defs[i])
		}
		outer := def >= l.elementDef[0] // an element of the outer list exists
		if rep == 0 {
			if err := a.begin(def, base+slots); err != nil {
				return 0, err
			}
		} else if !a.open || !outer {
			return 0, corrupt("levels continue a list that has no elements")
		}
		if a.open = outer; !outer {
			continue
		}
		if l.maxRep == 2 {
			inner := def >= l.elementDef[1]
			if rep < 2 {
				v.parts = append(v.parts, 0)
			} else if !a.openInner || !inner {
				return 0, corrupt("levels continue a list that has no elements")
			}
			if a.openInner = inner; !inner {
				continue
			}
			v.parts[len(v.parts)-1]++
		}
		null := def != l.maxDef
		if null && v.nulls == nil {
			v.nulls = make([]bool, base+slots, cap(v.values))
		}
		if v.nulls != nil {
			v.nulls = append(v.nulls, null)
		}
		slots++
	}
	return slots, nil
}

// begin ends the row in hand and begins another. values is how many values all rows before have.
func (a *assembler[T]) begin(def, values int) error {
	v := &a.v
	if v.rows == a.groupRows {
		return corrupt("more than the %d rows that the footer says", a.groupRows)
	}
	a.seal(values)
	v.rows++
	if null := def < a.leaf.elementDef[0]-1; null || v.absent != nil {
		if v.absent == nil {
			v.absent = make([]bool, v.rows-1, v.rows)
		}
		v.absent = append(v.absent, null)
	}
	return nil
}

// seal ends the row in hand.
func (a *assembler[T]) seal(values int) {
	v := &a.v
	if v.rows == 0 {
		return
	}
	v.ends = append(v.ends, int64(values))
	if a.leaf.maxRep == 2 {
		v.inner = append(v.inner, int64(len(v.parts)))
	}
}

func (a *assembler[T]) end() error {
	if a.leaf.maxRep > 0 {
		a.seal(len(a.v.values))
	}
	if a.v.rows != a.groupRows {
		return corrupt("its pages hold %d rows, the footer says %d", a.v.rows, a.groupRows)
	}
	return nil
}
