// Package hash counts the corpus documents that equal a probe: byte for byte, and word for word (methods, section 3). It is a
// fold over documents (package fold).
//
// Cheap fingerprints propose: XXH3-64 of the text and of its normalised stream, looked up among the probes' own. For the few
// documents that are proposed, bytes or the SHA-256 of the words decide. Near-duplicates will be a third relation of the same
// fold, proposed by shingles and judged by the exact Jaccard similarity.
package hash

import (
	"bytes"

	"github.com/zeebo/xxh3"

	"palimpsest/stages/fold"
	"palimpsest/stages/words"
)

// Index finds the probes that a document may equal. It does not change once built, and any number of states share it.
type Index struct {
	probes  []*fold.Probe
	sums    []Sums
	byText  map[uint64][]int32
	byWords map[uint64][]int32
}

// Sums identify a text.
type Sums struct {
	SHA256      string // of the bytes
	WordsSHA256 string // of the words' keys joined by one space; "" without words
	Words       int64
}

// NewIndex builds the index of the probes.
func NewIndex(probes []*fold.Probe) *Index {
	x := &Index{probes: probes, byText: make(map[uint64][]int32), byWords: make(map[uint64][]int32)}
	var n words.Normaliser
	for i, p := range probes {
		stream, count := n.Stream(p.Text)
		x.sums = append(x.sums, Sums{fold.SHA256(p.Text), fold.WordsSHA256(stream), count})
		text := xxh3.Hash(p.Text)
		x.byText[text] = append(x.byText[text], int32(i))
		if count > 0 {
			w := xxh3.Hash(stream)
			x.byWords[w] = append(x.byWords[w], int32(i))
		}
	}
	return x
}

// Sums returns the sums of probe i.
func (x *Index) Sums(i int) Sums { return x.sums[i] }

// Counts are the documents that equal a probe. Those with the same bytes have the same words too, and count as both, unless
// there are no words.
type Counts struct{ Exact, ExactWords int64 }

// State is the fold.
type State struct {
	index  *Index
	counts map[int32]Counts
}

var _ fold.Fold[*State] = (*State)(nil)

// NewState returns the state of no documents.
func NewState(x *Index) *State { return &State{index: x, counts: make(map[int32]Counts)} }

// Add takes in one document.
func (s *State) Add(d *fold.Document) {
	x := s.index
	for _, i := range x.byText[xxh3.Hash(d.Text)] {
		if p := x.probes[i]; bytes.Equal(p.Text, d.Text) && !d.Is(p) {
			d.Hit(i).Exact = true
			c := s.counts[i]
			c.Exact++
			s.counts[i] = c
		}
	}
	if d.Words == 0 {
		return
	}
	for _, i := range x.byWords[xxh3.Hash(d.Stream)] {
		if x.sums[i].WordsSHA256 == d.WordsSHA256() && !d.Is(x.probes[i]) {
			d.Hit(i).ExactWords = true
			c := s.counts[i]
			c.ExactWords++
			s.counts[i] = c
		}
	}
}

// Merge takes in the state of other documents.
func (s *State) Merge(o *State) {
	for i, c := range o.counts {
		mine := s.counts[i]
		mine.Exact += c.Exact
		mine.ExactWords += c.ExactWords
		s.counts[i] = mine
	}
	o.counts = nil
}

// Counts returns what was counted for probe i.
func (s *State) Counts(i int) Counts { return s.counts[int32(i)] }
