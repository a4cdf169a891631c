package match

import (
	"errors"
	"fmt"
	"iter"

	"palimpsest/stages/fold"
)

// Touched yields the probes that documents are listed of, in order.
func (s *State) Touched() iter.Seq[int32] {
	return func(yield func(int32) bool) {
		for probe, l := range s.probes.All() {
			if !l.empty() && !yield(probe) {
				return
			}
		}
	}
}

// empty reports whether no document is listed. One that equals the probe, and has no match with it, is not where nothing is to be listed.
func (l *listed) empty() bool {
	return len(l.duplicates) == 0 && len(l.others) == 0 && l.best.Ref == nil
}

// Forget drops what is known of a probe.
func (s *State) Forget(probe int32) { s.probes.Forget(probe) }

// What is known of a pair, as bits.
const (
	bitExact = 1 << iota
	bitExactWords
	bitNear
	bitQualifying
	bitCompared

	bits = iota
)

// Encode writes what is known of a probe. Rows of documents are not of it.
func (s *State) Encode(w *fold.Writer, probe int32) {
	l := s.probes.Get(probe)
	if l == nil {
		l = new(listed)
	}
	best := []pair{l.best}
	if l.best.Ref == nil {
		best = nil
	}
	for _, all := range [][]pair{best, l.duplicates, l.others} {
		w.Uvarint(int64(len(all)))
		for i := range all {
			all[i].encode(w)
		}
	}
}

func (p *pair) encode(w *fold.Writer) {
	known := int64(0)
	for bit, is := range []bool{p.Exact, p.ExactWords, p.Near, p.Qualifying, p.near != nil} {
		if is {
			known |= 1 << bit
		}
	}
	w.Ref(p.Ref)
	w.Uvarint(known)
	w.Uvarint(p.units)
	if p.Near {
		w.Float(p.Jaccard)
	}
	if p.Qualifying {
		w.Uvarint(p.ProbeCovered)
		w.Uvarint(p.DocCovered)
		w.Uvarint(p.Longest)
	}
	if p.near != nil {
		w.Float(p.near.recall)
		w.Uvarint(p.near.outside)
	}
}

// Decode takes in what another state wrote of a probe, which has to be one of the run's. After an error, which the reader keeps, nothing is
// taken in.
func (s *State) Decode(r *fold.Reader, probe int32) {
	l := new(listed)
	for range r.Len(1) {
		if l.best = s.decodePair(r, probe); !l.best.Qualifying || l.best.near != nil {
			r.Fail(errors.New("match: the best document holds nothing of the probe, or was compared with it"))
		}
	}
	l.duplicates = s.decodePairs(r, probe, "duplicates", closer, func(p *pair) bool { return p.equal() || p.Near })
	l.others = s.decodePairs(r, probe, "other documents", better, func(p *pair) bool {
		return !p.equal() && !p.Near && p.Qualifying && s.config.holds(probe, p.ProbeCovered)
	})
	if r.Err() == nil && !l.empty() {
		s.merge(probe, l)
	}
}

// decodePairs reads a list of documents that belong there, in that order.
func (s *State) decodePairs(
	r *fold.Reader, probe int32, name string, order func(a, b *pair) int, belongs func(*pair) bool,
) (list []pair) {
	for i := range r.Len(s.config.Max) {
		p := s.decodePair(r, probe)
		if r.Err() != nil {
			return nil
		}
		if !belongs(&p) || i > 0 && order(&list[i-1], &p) >= 0 {
			r.Fail(fmt.Errorf("match: the list of %s", name))
			return nil
		}
		list = append(list, p)
	}
	return list
}

func (s *State) decodePair(r *fold.Reader, probe int32) pair {
	p := pair{Ref: r.Ref(), Hit: fold.Hit{Probe: probe}}
	known := r.Uvarint(1<<bits - 1)
	p.Exact, p.ExactWords, p.Near, p.Qualifying = known&bitExact > 0, known&bitExactWords > 0, known&bitNear > 0, known&bitQualifying > 0
	p.units = r.Uvarint(fold.MostCounted)
	if p.Near {
		if p.Jaccard = r.Float(); !(p.Jaccard > 0 && p.Jaccard <= 1) {
			r.Fail(fmt.Errorf("match: similarity %v", p.Jaccard))
		}
	}
	if p.Qualifying {
		if !s.config.Searched {
			r.Fail(errors.New("match: overlap of a probe that was not searched for"))
			return p
		}
		p.ProbeCovered, p.DocCovered, p.Longest = r.Uvarint(s.config.Units(int(probe))), r.Uvarint(p.units), r.Uvarint(fold.MostCounted)
		if p.ProbeCovered == 0 || p.DocCovered == 0 || p.Longest == 0 || p.Longest > p.ProbeCovered || p.Longest > p.DocCovered {
			r.Fail(errors.New("match: the overlap of a document"))
			return p
		}
	}
	if known&bitCompared > 0 {
		p.near = &near{recall: r.Float(), outside: r.Uvarint(fold.MostCounted)}
		if s.config.Compared == nil || !(p.near.recall >= 0 && p.near.recall <= 1) {
			r.Fail(fmt.Errorf("match: near-verbatim recall %v", p.near.recall))
		}
	}
	return p
}
