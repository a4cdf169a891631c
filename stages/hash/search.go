package hash

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"math/bits"
	"slices"

	"palimpsest/stages/fold"
)

// search looks for the near-duplicates of one document after the other, reusing its buffers.
type search struct {
	*near
	missed   []uint64 // bits of the hashes that the gate did not pass
	foreign  []shingle
	known    []uint32
	proposed []uint64 // bits of the texts that were proposed
	texts    []int32
	found    []alike
	compared int // since the last look at whether the run was stopped
}

// alike is a text near the document.
type alike struct {
	text    int32
	jaccard float64
}

// limits are what a document near some probe cannot exceed.
type limits struct {
	foreign  int // distinct shingles that no probe has
	distinct int // distinct shingles
	known    int // least number of shingles that some probe has
}

// stopEvery is the number of shingles between two looks at whether the run was stopped.
const stopEvery = 1 << 14

// nearTo returns the texts near document d, valid until the next call. Of a document that is stopped they are not all.
func (s *search) nearTo(d *fold.Document) []alike {
	s.found = s.found[:0]
	limits, ok := s.limits(int(d.Words) - shingleWords + 1)
	if ok && s.walk(d, limits) && s.collect(d, limits) {
		s.propose()
		s.judge(d)
	}
	return s.found
}

// limits returns the limits of a document with n shingles, and false when n is too few to be near any probe. Of a document D near
// a text P a share J at least is P's, so at most (1-J)|D| is foreign; and |D| and |P| with what they share make up at most |P|/J
// shingles, so at most |P|/J - |P| is foreign. |P| is at most |D|/J, and |D| at most n: the greatest text that small decides.
func (s *search) limits(n int) (l limits, ok bool) {
	i, _ := slices.BinarySearchFunc(s.sizes, n, func(size, n int) int {
		if s.bound.least(size) > n {
			return 1
		}
		return -1
	})
	if i == 0 {
		return l, false
	}
	greatest := s.sizes[i-1]
	most := s.bound.most(greatest)
	return limits{foreign: min(n-s.bound.least(n), most-greatest), distinct: most, known: s.bound.least(s.sizes[0])}, true
}

// walk goes through the document's shingles until more of them are foreign than the limit, and reports whether it came to the end.
// It counts the bits that hashes set which the gate does not pass: no more than there are distinct foreign shingles.
func (s *search) walk(d *fold.Document, l limits) bool {
	size := 1 << bits.Len(uint(l.foreign)/8) // eight bits and more for each that may be set: few are lost to collisions
	if size > len(s.missed) {
		s.missed = make([]uint64, size)
	}
	missed, mask := s.missed[:size], uint64(size-1)
	clear(missed)
	stream, table, gateSize := d.Stream, s.gate.table, s.gate.size
	var hash uint64
	var last [shingleWords - 1]uint64
	at := 1
	for i := range last {
		last[i], at = hashWord(stream, at)
		hash = roll(hash, 0, last[i])
	}
	out, h1, h2, h3, h4 := uint64(0), last[0], last[1], last[2], last[3]
	left, walked, fast := l.foreign, 0, len(stream)-8
	foreign := uint64(0)
	for at < len(stream) {
		// What hashWord does, where the word ends within eight bytes.
		var h, b uint64
		if at <= fast {
			x := binary.LittleEndian.Uint64(stream[at:])
			if b = blanks(x); b != 0 {
				h = mix(wordSeed ^ upToBlank(x, b))
				at += bits.TrailingZeros64(b)/8 + 1
			}
		}
		if b == 0 {
			h, at = hashWord(stream, at)
		}
		hash = roll(hash, out, h)
		out, h1, h2, h3, h4 = h1, h2, h3, h4, h
		bit, _ := bits.Mul64(hash, gateSize)
		miss := ^(table[bit/64] >> (bit % 64)) & 1
		seen := &missed[hash/64&mask]
		left -= int(miss &^ (*seen >> (hash % 64)))
		if left < 0 {
			return false
		}
		*seen |= miss << (hash % 64)
		foreign += miss
		if walked++; walked%stopEvery == 0 && d.Stopped() {
			return false
		}
	}
	return walked-int(foreign) >= l.known
}

// collect makes the sets of the document's shingles, the probes' and the foreign ones, and reports whether they keep within the
// limits. It takes memory for the limits, not for the document.
func (s *search) collect(d *fold.Document, l limits) bool {
	const first = 1 << 10
	s.known, s.foreign = s.known[:0], s.foreign[:0]
	settleKnown, settleForeign := first, first
	it := newShingler(d.Stream)
	for sh, ok := it.next(); ok; sh, ok = it.next() {
		number := -1
		if s.gate.passes(sh.hash) {
			_, number = s.near.find(sh.hash, d.Stream[sh.from:sh.to])
		}
		if number < 0 {
			if s.foreign = append(s.foreign, sh); len(s.foreign) >= settleForeign {
				if s.settleForeign(d.Stream); len(s.foreign) > l.foreign {
					return false
				}
				settleForeign = 2*len(s.foreign) + first
			}
		} else if s.known = append(s.known, uint32(number)); len(s.known) >= settleKnown {
			if s.settleKnown(); len(s.known) > l.distinct {
				return false
			}
			settleKnown = 2*len(s.known) + first
		}
		if it.words%stopEvery == 0 && d.Stopped() {
			return false
		}
	}
	s.settleKnown()
	s.settleForeign(d.Stream)
	return len(s.foreign) <= l.foreign && len(s.foreign)+len(s.known) <= l.distinct
}

func (s *search) settleKnown() {
	slices.Sort(s.known)
	s.known = slices.Compact(s.known)
}

func (s *search) settleForeign(stream []byte) {
	slices.SortFunc(s.foreign, func(a, b shingle) int {
		if a.hash != b.hash {
			return cmp.Compare(a.hash, b.hash)
		}
		return bytes.Compare(stream[a.from:a.to], stream[b.from:b.to])
	})
	s.foreign = slices.CompactFunc(s.foreign, func(a, b shingle) bool {
		return a.hash == b.hash && bytes.Equal(stream[a.from:a.to], stream[b.from:b.to])
	})
}

// propose finds the texts that share a shingle of the document's prefix with it in their own. Foreign shingles come first in the
// order of rarity: no text has them.
func (s *search) propose() {
	size := len(s.foreign) + len(s.known)
	prefix := size - s.bound.least(size) + 1 - len(s.foreign)
	if s.proposed == nil {
		s.proposed = make([]uint64, len(s.members)/64+1)
	}
	s.texts = s.texts[:0]
	for _, n := range s.known[:max(min(prefix, len(s.known)), 0)] {
		for _, text := range s.withPrefix(n) {
			if s.proposed[text/64]>>(text%64)&1 == 0 {
				s.proposed[text/64] |= 1 << (text % 64)
				s.texts = append(s.texts, int32(text))
			}
		}
	}
	for _, text := range s.texts {
		s.proposed[text/64] = 0
	}
}

// judge finds those of the proposed texts that are near the document.
func (s *search) judge(d *fold.Document) {
	size := len(s.foreign) + len(s.known)
	for _, text := range s.texts {
		set := s.set(text)
		shared := intersection(s.known, set, s.bound.shared(size, len(set)))
		if j := float64(shared) / float64(size+len(set)-shared); j >= s.threshold {
			s.found = append(s.found, alike{text, j})
		}
		if s.compared += len(s.known) + len(set); s.compared >= stopEvery {
			if s.compared = 0; d.Stopped() {
				return
			}
		}
	}
}

// intersection returns the number of values that two ascending lists share, and 0 when it is less than least.
func intersection(a, b []uint32, least int) (shared int) {
	spareA, spareB := len(a)-least, len(b)-least // values of each that need not be shared
	for spareA >= 0 && spareB >= 0 {
		switch {
		case len(a) == 0 || len(b) == 0:
			return shared // what is left of the other was to spare
		case a[0] == b[0]:
			a, b = a[1:], b[1:]
			shared++
		case a[0] < b[0]:
			a = a[1:]
			spareA--
		default:
			b = b[1:]
			spareB--
		}
	}
	return 0
}
