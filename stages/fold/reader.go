package fold

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strings"
)

// Reader reads what a Writer wrote. After the first error everything that is read is empty, and Err tells the error: it need not be looked
// at before the end, but before what was read is used. What is read takes memory in proportion to the record, whatever the record holds.
type Reader struct {
	rest    []byte
	size    int
	strings []string
	refs    []*Ref
	err     error
}

// Reset begins the record, which must not change before the last value is read. Strings and references outlive it.
func (r *Reader) Reset(record []byte) {
	clear(r.strings)
	clear(r.refs)
	r.rest, r.size, r.strings, r.refs, r.err = record, len(record), r.strings[:0], r.refs[:0], nil
}

// Err returns the first error.
func (r *Reader) Err() error { return r.err }

// Close returns the first error. That something is left of the record is one.
func (r *Reader) Close() error {
	if r.err == nil && len(r.rest) > 0 {
		r.Fail(fmt.Errorf("%d bytes after the end", len(r.rest)))
	}
	return r.err
}

// Fail makes err the error if it is the first one.
func (r *Reader) Fail(err error) {
	if r.err == nil {
		r.err = fmt.Errorf("record, at byte %d of %d: %w", r.size-len(r.rest), r.size, err)
		r.rest = nil
	}
}

var (
	errShort  = errors.New("it ends too soon")
	errVarint = errors.New("no number")
)

// Uvarint reads a number from 0 up to most.
func (r *Reader) Uvarint(most int64) int64 {
	n, size := binary.Uvarint(r.rest)
	switch {
	case size <= 0:
		r.Fail(errVarint)
		return 0
	case n > uint64(most):
		r.Fail(fmt.Errorf("%d where at most %d may be", n, most))
		return 0
	}
	r.rest = r.rest[size:]
	return int64(n)
}

// Varint reads a number of either sign.
func (r *Reader) Varint() int64 {
	n, size := binary.Varint(r.rest)
	if size <= 0 {
		r.Fail(errVarint)
		return 0
	}
	r.rest = r.rest[size:]
	return n
}

// Float reads a number.
func (r *Reader) Float() float64 {
	if len(r.rest) < 8 {
		r.Fail(errShort)
		return 0
	}
	f := math.Float64frombits(binary.LittleEndian.Uint64(r.rest))
	r.rest = r.rest[8:]
	return f
}

// Len reads the number of values that follow, most at most, each of at least one byte.
func (r *Reader) Len(most int) int {
	n := r.Uvarint(int64(most))
	if n > int64(len(r.rest)) {
		r.Fail(errShort)
		return 0
	}
	return int(n)
}

// String reads a string.
func (r *Reader) String() string {
	n := r.Uvarint(int64(len(r.strings)))
	if r.err != nil {
		return ""
	}
	if n < int64(len(r.strings)) {
		return r.strings[n]
	}
	size := r.Len(math.MaxInt)
	s := string(r.rest[:size])
	r.rest = r.rest[size:]
	r.strings = append(r.strings, s)
	return s
}

func (r *Reader) optional() *string {
	if r.Uvarint(1) == 0 {
		return nil
	}
	s := r.String()
	return &s
}

// Digest reads a string that is the digest of a text, or empty.
func (r *Reader) Digest() string {
	s := r.String()
	if s != "" && (len(s) != hex.EncodedLen(sha256.Size) || strings.Trim(s, "0123456789abcdef") != "") {
		r.Fail(errors.New("no digest"))
		return ""
	}
	return s
}

// Ref reads the reference of a document; nil after an error.
func (r *Reader) Ref() *Ref {
	n := r.Uvarint(int64(len(r.refs)))
	if r.err != nil {
		return nil
	}
	if n < int64(len(r.refs)) {
		return r.refs[n]
	}
	id, uri := r.String(), r.String()
	ref := NewRef(id, uri, r.Uvarint(math.MaxInt64))
	for _, s := range ref.declared() {
		*s = r.optional()
	}
	if id == "" {
		r.Fail(errors.New("a document without an id"))
	}
	if r.err != nil {
		return nil
	}
	r.refs = append(r.refs, &ref)
	return &ref
}
