package ngram

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math/bits"
	"slices"

	"palimpsest/stages/fold"
	"palimpsest/stages/words"
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
	room     int            // bytes for what is remembered
	document *fold.Document // the one at hand
	text     []byte         // its searched bytes
	sieve    sieve
	grown    int // places since the last look at whether the run was stopped
	stopped  bool

	matches  []match      // of the document, but for those within its passages
	passages []occurrence // of the document, as they come
	memory   memory

	words   words.Normaliser
	summary summary  // of the document at hand
	single  []match  // of one probe
	solved  []match  // of a passage
	joined  []match  // of one probe
	wanted  []int32  // the effects whose spans take the document for a source
	cursors []cursor // in the passages
	held    []held   // of one probe
	events  []event
	joints  []joint
	settle  func(probe int32) fold.Overlap
}

// Matcher looks for the probes in documents. States that one goroutine fills share it: it remembers what documents have in common.
type Matcher matcher

// NewMatcher returns a matcher that has seen nothing. What it remembers takes about so many bytes of room at most, and as many in a state.
func NewMatcher(x *Index, room int64) *Matcher {
	m := &matcher{Index: x, room: int(room)}
	m.settle = m.settleProbe
	m.forget()
	return (*Matcher)(m)
}

// stopEvery is the number of places between two looks at whether the run was stopped: text that repeats itself has many.
const stopEvery = 1 << 14

// find finds the passages of the document at hand, whose searched bytes are text, and its own matches, both valid until the next call. Of a
// document that is stopped they are not all.
func (m *matcher) find(text []byte) {
	m.matches, m.passages, m.stopped = m.matches[:0], m.passages[:0], false
	last := len(text) - m.Gram
	done, visited := 0, -1 // grams before done lie within a passage; the last gram that was visited
	for base := 0; base <= last && !m.stopped; {
		n := min((last-base)/m.Stride+1, batch)
		m.hash(text[base:], n)
		for _, j := range m.sieve.sift(m.Index, n) {
			at := base + int(j)*m.Stride
			if at < done {
				continue
			}
			h := m.sieve.hashes[j]
			if o, ok := m.recall(text, at, h, visited); ok {
				m.passages = append(m.passages, o)
				done = o.end() - m.Gram + 1
			} else if e := m.Index.find(h, text[at:]); e != 0 {
				m.visit(text, at, h, e)
				visited = at
			}
		}
		base += n * m.Stride
	}
	if len(m.passages) == 0 {
		return
	}
	for _, o := range m.passages {
		m.straddle(text, o)
	}
	m.matches = slices.DeleteFunc(m.matches, m.passed)
	slices.SortFunc(m.matches, inProbeOrder)
	m.matches = slices.Compact(m.matches)
}

// hash hashes the first n grams of text, a stride from one to the next.
func (m *matcher) hash(text []byte, n int) {
	hashes := m.sieve.hashes[:n]
	stride := m.Stride
	if m.Gram == 32 {
		for j := range hashes {
			hashes[j] = hash32((*[32]byte)(text))
			if j+1 < n {
				text = text[stride:]
			}
		}
		return
	}
	for j := range hashes {
		hashes[j] = hash(text[j*stride:], m.Gram)
	}
}

// visit adds the matches around text[at:], whose gram has hash h and entry e, that have not been met at an earlier gram.
func (m *matcher) visit(text []byte, at int, h, e uint64) {
	if e&listBit == 0 {
		m.grow(text, at, int(e&valueMask)-1)
		return
	}
	list := m.list(e, h)
	for list = list[1 : 1+list[0]]; len(list) > 0 && !m.stopped; {
		if list[0]&alone != 0 {
			m.grow(text, at, int(list[0]&^alone))
			list = list[1:]
			continue
		}
		n := list[0]
		for _, place := range list[1 : 1+n] {
			if !m.grow(text, at, int(place)) || m.stopped {
				break // and so do the others of the group
			}
		}
		list = list[1+n:]
	}
}

// grow adds the match around an equal gram at text[at:] and at that place of the probes, if it is long enough. It returns false, and
// adds nothing, when an earlier gram of the text that is looked up lies within the match at an indexed place.
func (m *matcher) grow(text []byte, at, place int) bool {
	if m.grown++; m.grown%stopEvery == 0 && m.document.Stopped() {
		m.stopped = true
	}
	t := m.texts
	probe := t.probeAt(place)
	low, high := int(t.start[probe]), int(t.start[probe+1])
	period := m.period()
	before := min(period, at, place-low)
	left := commonSuffix(text[at-before:at], t.buf[place-before:place])
	if left == period {
		return false
	}
	end := at + m.Gram
	right := commonPrefix(text[end:], t.buf[place+m.Gram:high])
	if x, ok := m.match(text, probe, at-left, end+right, place-at); ok {
		m.matches = append(m.matches, x)
	}
	return true
}

// around returns the match around text[at:] and that place of the probes; false when it is not long enough.
func (m *matcher) around(text []byte, at, place int) (match, bool) {
	t := m.texts
	probe := t.probeAt(place)
	low, high := int(t.start[probe]), int(t.start[probe+1])
	before := min(at, place-low)
	left := commonSuffix(text[at-before:at], t.buf[place-before:place])
	right := commonPrefix(text[at:], t.buf[place:high])
	return m.match(text, probe, at-left, at+right, place-at)
}

// match returns what text[from:to] and the probe share, a stretch that cannot grow and stands so many bytes further on in the texts of the
// probes; false when it is not long enough.
func (m *matcher) match(text []byte, probe, from, to, further int) (match, bool) {
	if to-from < m.least {
		return match{}, false
	}
	units := int32(to - from)
	if m.config.Unit != fold.Bytes { // cut to whole words
		first := bytes.IndexByte(text[from:to], ' ')
		final := bytes.LastIndexByte(text[from:to], ' ')
		if final-first-1 < m.config.MinBytes {
			return match{}, false
		}
		from, to = from+first+1, from+final
		units = int32(bytes.Count(text[from:to], blank) + 1)
		if int(units) < m.config.MinWords {
			return match{}, false
		}
	}
	unit := m.texts.unitAt(probe, from+further)
	return match{int32(probe), unit, unit + units, int64(from), int64(to)}, true
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
	for ; i >= 8; i -= 8 {
		if x := binary.LittleEndian.Uint64(a[i-8:]) ^ binary.LittleEndian.Uint64(b[i-8:]); x != 0 {
			return len(a) - i + bits.LeadingZeros64(x)/8
		}
	}
	for i > 0 && a[i-1] == b[i-1] {
		i--
	}
	return len(a) - i
}

// ofProbe returns the matches of one probe, among matches in order of probe.
func ofProbe(matches []match, probe int32) []match {
	search := func(probe int32) int {
		i, _ := slices.BinarySearchFunc(matches, probe, func(x match, probe int32) int { return cmp.Compare(x.probe, probe) })
		return i
	}
	return matches[search(probe):search(probe+1)]
}
