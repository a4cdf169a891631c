package hash

import (
	"fmt"
	"iter"

	"palimpsest/stages/fold"
)

// NewMerged returns a state that takes no documents itself, but what other states hold: it needs no index.
func NewMerged() *State { return new(State) }

// Touched yields the probes that some document equals or resembles, in order.
func (s *State) Touched() iter.Seq[int32] { return s.counts.Probes() }

// Forget drops what is known of a probe.
func (s *State) Forget(probe int32) { s.counts.Forget(probe) }

// Encode writes what is known of a probe.
func (s *State) Encode(w *fold.Writer, probe int32) {
	n := s.Counts(int(probe))
	w.Uvarint(n.Exact)
	w.Uvarint(n.ExactWords)
	w.Uvarint(n.Near)
}

// Decode takes in what another state wrote of a probe. After an error, which the reader keeps, nothing is taken in.
func (s *State) Decode(r *fold.Reader, probe int32) {
	n := Counts{Exact: r.Uvarint(fold.MostCounted), ExactWords: r.Uvarint(fold.MostCounted), Near: r.Uvarint(fold.MostCounted)}
	if n.Exact > n.ExactWords && n.ExactWords > 0 || n.ExactWords > n.Near && n.Near > 0 {
		r.Fail(fmt.Errorf("hash: %d documents with the probe's bytes, %d with its words, %d near it", n.Exact, n.ExactWords, n.Near))
	}
	if r.Err() == nil && n != (Counts{}) {
		s.count(probe, n)
	}
}
