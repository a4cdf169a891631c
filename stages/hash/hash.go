// Package hash counts the corpus documents that equal a probe, byte for byte and word for word, and those that nearly do (methods,
// section 3). It is a fold over documents (package fold), and costs next to nothing on a document that resembles no probe.
//
// # Equal documents
//
// A glance at the length of a text and a few of its bytes, looked up in a bit table of the probes' own, lets nearly every document
// go. XXH3-64 of the text or of its normalised stream then proposes probes, and bytes or the SHA-256 of the words decide.
//
// # Near-duplicates
//
// The shingles of a text are the runs of five words in it, as a set; a text of fewer than five words has one, all its words; a text
// without words has none and is near nothing. A document is a near-duplicate of a probe when the Jaccard similarity of their
// sets, shared shingles over different shingles of both, reaches the threshold. It is computed exactly, and no such pair is missed: two
// conditions that every one of them meets let other documents go early.
//
// At least a share J of the document's shingles must be the probe's, so at most 1-J of them may be foreign to all probes. The walk
// counts foreign shingles from the beginning of the document, by a bit table of the probes' shingles, and ends at the first too
// many: after a fifth of a document that resembles nothing when the threshold is .8, sooner when the document is longer than the
// probes. Of foreign shingles that repeat one counts, by bits in a second table: fewer may be counted than there are, never
// more.
//
// What comes through (near-duplicates, boilerplate, text that repeats itself) is treated exactly. Prefix filter (Chaudhuri, Ganti,
// Kaushik: A Primitive Operator for Similarity Joins, ICDE 2006; Bayardo, Ma, Srikant, WWW 2007): where shingles stand in one order
// for all, two near sets share one of the first m - ceil(J*m) + 1 of each, m their sizes. The order is by rarity among the
// probes, so that boilerplate proposes few. Proposed pairs are compared shingle by shingle. Where the hashes of shingles are equal their
// bytes are compared, in the index and in the document: a hash decides nothing.
//
// A document that equals a probe in its words has Jaccard similarity 1, and is among its near-duplicates.
package hash

import (
	"bytes"

	"palimpsest/stages/fold"
	"palimpsest/stages/words"
)

// Index finds the probes that a document may equal or resemble. It does not change once built, and any number of states share it.
type Index struct {
	probes  []*fold.Probe
	sums    []Sums
	byText  *equals
	byWords *equals // of probes with words
	near    *near   // nil when near-duplicates are not looked for
}

// Sums identify a text.
type Sums struct {
	SHA256      string // of the bytes
	WordsSHA256 string // of the words' keys joined by one space; "" without words
	Words       int64
}

// NewIndex builds the index of the probes. nearDuplicate is the least Jaccard similarity of near-duplicates, above 0 and at most 1;
// with 0 none are looked for.
func NewIndex(probes []*fold.Probe, nearDuplicate float64) (*Index, error) {
	x := &Index{probes: probes, byText: newEquals(len(probes)), byWords: newEquals(len(probes))}
	if nearDuplicate > 0 {
		x.near = newNear(nearDuplicate, probes)
	}
	var n words.Normaliser
	for i, p := range probes {
		stream, count := n.Stream(p.Text)
		sums := Sums{fold.SHA256(p.Text), fold.WordsSHA256(stream), count}
		x.sums = append(x.sums, sums)
		x.byText.add(p.Text, i)
		if count > 0 {
			x.byWords.add(stream, i)
		}
		if x.near != nil && count >= shingleWords {
			if err := x.near.add(i, p.ID, stream, sums.WordsSHA256); err != nil {
				return nil, err
			}
		}
	}
	x.byText.sort()
	x.byWords.sort()
	if x.near != nil {
		x.near.build()
	}
	return x, nil
}

// Sums returns the sums of probe i.
func (x *Index) Sums(i int) Sums { return x.sums[i] }

// Counts are the documents that equal a probe or nearly do. Those with the same bytes have the same words too, and those with the
// same words are near-duplicates: they count as all of it, unless there are no words.
type Counts struct{ Exact, ExactWords, Near int64 }

// State is the fold.
type State struct {
	index  *Index
	search search
	counts fold.Table[Counts]
}

var _ fold.Fold[*State] = (*State)(nil)

// NewState returns the state of no documents.
func NewState(x *Index) *State {
	return &State{index: x, search: search{near: x.near}}
}

// Add takes in one document.
func (s *State) Add(d *fold.Document) {
	x := s.index
	for _, e := range x.byText.propose(d.Text) {
		if p := x.probes[e.probe]; bytes.Equal(p.Text, d.Text) && !d.Is(p) {
			d.Hit(e.probe).Exact = true
			s.count(e.probe, Counts{Exact: 1})
		}
	}
	if d.Words == 0 {
		return
	}
	for _, e := range x.byWords.propose(d.Stream) {
		if x.sums[e.probe].WordsSHA256 == d.WordsSHA256() && !d.Is(x.probes[e.probe]) {
			d.Hit(e.probe).ExactWords = true
			s.count(e.probe, Counts{ExactWords: 1})
			if x.near != nil && d.Words < shingleWords { // the one shingle of so short a text is all its words
				s.addNear(d, e.probe, 1)
			}
		}
	}
	if x.near == nil || d.Words < shingleWords {
		return
	}
	for _, a := range s.search.nearTo(d) {
		for _, probe := range x.near.members[a.text] {
			if !d.Is(x.probes[probe]) {
				s.addNear(d, probe, a.jaccard)
			}
		}
	}
}

func (s *State) addNear(d *fold.Document, probe int32, jaccard float64) {
	h := d.Hit(probe)
	h.Near, h.Jaccard = true, jaccard
	s.count(probe, Counts{Near: 1})
}

func (s *State) count(probe int32, n Counts) {
	c := s.counts.At(probe)
	c.Exact += n.Exact
	c.ExactWords += n.ExactWords
	c.Near += n.Near
}

// Merge takes in the state of other documents.
func (s *State) Merge(o *State) {
	for probe, n := range o.counts.All() {
		s.count(probe, *n)
	}
	o.counts = fold.Table[Counts]{}
}

// Finish lets go of the index. The state takes no more documents.
func (s *State) Finish() { s.index, s.search = nil, search{} }

// Counts returns what was counted for probe i.
func (s *State) Counts(i int) Counts {
	if n := s.counts.Get(int32(i)); n != nil {
		return *n
	}
	return Counts{}
}
