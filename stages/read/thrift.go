package read

// Footers and page headers are Thrift structs in the compact protocol
// (https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md). They are read here field by field, and not by
// a general decoder, because that is what makes hostile ones harmless: nesting is bounded (a general decoder recurses without end
// into fields it does not know), and memory is given only to elements that are there, not to a number of elements that is claimed.

import "encoding/binary"

// Types of the compact protocol.
const (
	tTrue   = 1
	tFalse  = 2
	tByte   = 3
	tInt16  = 4
	tInt32  = 5
	tInt64  = 6
	tDouble = 7
	tBinary = 8
	tList   = 9
	tSet    = 10
	tMap    = 11
	tStruct = 12
)

// maxNesting is far above the six levels of the Parquet footer.
const maxNesting = 32

// compact reads values from the front of rest. The first failure sticks, and everything after it is zero, so that only whole
// structs need a check.
type compact struct {
	rest  []byte
	depth int
	err   error
}

func (c *compact) fail(format string, args ...any) {
	if c.err == nil {
		c.err = corrupt(format, args...)
	}
	c.rest = nil
}

func (c *compact) take(n uint64) []byte {
	if n > uint64(len(c.rest)) {
		c.fail("it ends within a value")
		return nil
	}
	p := c.rest[:n:n]
	c.rest = c.rest[n:]
	return p
}

func (c *compact) byte() byte {
	if p := c.take(1); p != nil {
		return p[0]
	}
	return 0
}

func (c *compact) uvarint() uint64 {
	v, n := binary.Uvarint(c.rest)
	if n <= 0 {
		c.fail("it ends within a number")
		return 0
	}
	c.rest = c.rest[n:]
	return v
}

func (c *compact) zigzag() int64 {
	v := c.uvarint()
	return int64(v>>1) ^ -int64(v&1)
}

// integer reads a whole number of the given type.
func (c *compact) integer(typ byte) int64 {
	switch typ {
	case tByte:
		return int64(int8(c.byte()))
	case tInt16, tInt32, tInt64:
		return c.zigzag()
	}
	c.fail("a field has type %d where a whole number belongs", typ)
	return 0
}

// int32 reads a whole number that must fit 32 bits.
func (c *compact) int32(typ byte) int32 {
	v := c.integer(typ)
	if int64(int32(v)) != v {
		c.fail("number %d does not fit 32 bits", v)
	}
	return int32(v)
}

func (c *compact) bool(typ byte) bool {
	if typ != tTrue && typ != tFalse {
		c.fail("a field has type %d where a truth value belongs", typ)
	}
	return typ == tTrue
}

func (c *compact) binary(typ byte) []byte {
	if typ != tBinary {
		c.fail("a field has type %d where text belongs", typ)
		return nil
	}
	return c.take(c.uvarint())
}

// structure calls field for every field of a struct. field must read the field's value, or skip it.
func (c *compact) structure(typ byte, field func(id int16, typ byte)) {
	if typ != tStruct {
		c.fail("a field has type %d where a struct belongs", typ)
		return
	}
	if c.depth++; c.depth > maxNesting {
		c.fail("it is nested deeper than %d levels", maxNesting)
	}
	id := int16(0)
	for c.err == nil {
		head := c.byte()
		if head == 0 {
			break
		}
		if delta := int16(head >> 4); delta != 0 {
			id += delta
		} else {
			id = int16(c.zigzag())
		}
		field(id, head&15)
	}
	c.depth--
}

// list calls element for every element of a list. element must read it, or skip it.
func (c *compact) list(typ byte, element func(typ byte)) {
	if typ != tList && typ != tSet {
		c.fail("a field has type %d where a list belongs", typ)
		return
	}
	head := c.byte()
	n := uint64(head >> 4)
	if n == 15 {
		n = c.uvarint()
	}
	// Every element takes a byte at least.
	if n > uint64(len(c.rest)) {
		c.fail("a list claims %d elements in %d bytes", n, len(c.rest))
		return
	}
	if c.depth++; c.depth > maxNesting {
		c.fail("it is nested deeper than %d levels", maxNesting)
	}
	for i := uint64(0); i < n && c.err == nil; i++ {
		element(head & 15)
	}
	c.depth--
}

// skip passes over the value of a field.
func (c *compact) skip(typ byte) {
	if typ != tTrue && typ != tFalse {
		c.skipElement(typ)
	}
}

// skipElement passes over an element of a list, where a truth value takes a byte.
func (c *compact) skipElement(typ byte) {
	switch typ {
	case tTrue, tFalse, tByte:
		c.take(1)
	case tInt16, tInt32, tInt64:
		c.uvarint()
	case tDouble:
		c.take(8)
	case tBinary:
		c.take(c.uvarint())
	case tList, tSet:
		c.list(typ, c.skipElement)
	case tMap:
		c.skipMap()
	case tStruct:
		c.structure(typ, func(_ int16, typ byte) { c.skip(typ) })
	default:
		c.fail("unknown type %d of a field", typ)
	}
}

func (c *compact) skipMap() {
	n := c.uvarint()
	if n == 0 {
		return
	}
	types := c.byte()
	if n > uint64(len(c.rest)) {
		c.fail("a map claims %d entries in %d bytes", n, len(c.rest))
		return
	}
	if c.depth++; c.depth > maxNesting {
		c.fail("it is nested deeper than %d levels", maxNesting)
	}
	for i := uint64(0); i < n && c.err == nil; i++ {
		c.skipElement(types >> 4)
		c.skipElement(types & 15)
	}
	c.depth--
}
