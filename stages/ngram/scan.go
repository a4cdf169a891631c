package ngram

import (
	"bytes"
	"encoding/binary"
	"math/bits"

	"palimpsest/stages/fold"
)

// match is an interval that a probe and the document at hand share and that cannot grow.
type match struct {
	probe      int32
	start, end int32 // in the probe, in units
	from, to   int64 // in the document, in bytes of the searched stream, without the spaces around
}

// matcher finds the matches of one document after the other, reusing its buffers.
type matcher struct {
	*Index
	matches []match
}

// stopEvery is the number of places between two looks at whether the run was stopped: text that repeats itself has many.
const stopEvery = 1 << 14

// batch is the number of grams whose gate bits are loaded before the first is looked at, so that the loads overlap.
const batch = 64

// find returns the matches of document d, whose searched bytes are text, valid until the next call, in no particular order. Of a
// document that is stopped they are not all.
func (m *matcher) find(text []byte, d *fold.Document) []match {
	m.matches = m.matches[:0]
	grown := 0
	var hashes [batch]uint64
	last := len(text) - m.gram
	for base := 0; base <= last; {
		n := min((last-base)/m.stride+1, batch)
		for j, at := 0, base; j < n; j, at = j+1, at+m.stride {
			hashes[j] = hash(text[at:], m.gram)
		}
		var pass uint64
		for j := range n {
			bit := m.gateBit(hashes[j])
			pass |= m.gate[bit/64] >> (bit % 64) & 1 << j
		}
		for ; pass != 0; pass &= pass - 1 {
			j := bits.TrailingZeros64(pass)
			at := base + j*m.stride
			for place := m.Index.find(hashes[j], text[at:]); place != 0; place = m.before[place-1] {
				m.grow(text, at, int(place)-1, d)
				if grown++; grown%stopEvery == 0 && d.Stopped() {
					return m.matches
				}
			}
		}
		base += n * m.stride
	}
	return m.matches
}

// grow adds the match around an equal gram at text[at:] and at that place of the probes, if it is long enough and this gram is
// the first of its looked-up ones.
func (m *matcher) grow(text []byte, at, place int, d *fold.Document) {
	t := m.texts
	probe := t.probeAt(place)
	low, high := int(t.start[probe]), int(t.start[probe+1])
	before := min(m.stride, at, place-low)
	left := commonSuffix(text[at-before:at], t.buf[place-before:place])
	if left == m.stride {
		return // the gram a stride before lies within the match too
	}
	end := at + m.gram
	right := commonPrefix(text[end:], t.buf[place+m.gram:high])
	from, to := at-left, end+right
	if to-from < m.least {
		return
	}
	if !m.config.Bytes { // cut to whole words
		first := bytes.IndexByte(text[from:to], ' ')
		final := bytes.LastIndexByte(text[from:to], ' ')
		if final-first-1 < m.config.MinBytes {
			return
		}
		from, to = from+first+1, from+final
	}
	start := place + (from - at)
	unit := t.unitAt(probe, start)
	units := int32(to - from)
	if !m.config.Bytes {
		units = int32(bytes.Count(text[from:to], blank) + 1)
		if int(units) < m.config.MinWords {
			return
		}
	}
	if d.Is(t.probes[probe]) {
		return
	}
	m.matches = append(m.matches, match{int32(probe), unit, unit + units, int64(from), int64(to)})
}

// commonPrefix returns the number of equal bytes at the beginning of a and b.
func commonPrefix(a, b []byte) int {
	n := min(len(a), len(b))
	a, b = a[:n], b[:n]
	i := 0
	for ; i+8 <= n; i += 8 {
		if x := binary.LittleEndian.Uint64(a[i:]) ^ binary.LittleEndian.Uint64(b[i:]); x != 0 {
			return i + bits.TrailingZeros64(x)/8
		}
	}
	for i < n && a[i] == b[i] {
		i++
	}
	return i
}

// commonSuffix returns the number of equal bytes at the end of a and b, which have the same length.
func commonSuffix(a, b []byte) int {
	i := len(a)
	for i > 0 && a[i-1] == b[i-1] {
		i--
	}
	return len(a) - i
}
