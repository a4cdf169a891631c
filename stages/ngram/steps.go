package ngram

import (
	"cmp"
	"slices"
)

// steps counts, for every unit of a probe, the matches over it, as the places where that number changes. It costs memory for the
// distinct ends of matches, never for their number.
type steps struct {
	at      []step
	settled int // at[:settled] ascends without repeats
}

type step struct {
	unit   int32
	change int64
}

// add counts n matches over [start, end).
func (s *steps) add(start, end int32, n int64) {
	s.at = append(s.at, step{start, n}, step{end, -n})
	if len(s.at) > 2*s.settled+64 {
		s.settle()
	}
}

func (s *steps) merge(o *steps) {
	s.at = append(s.at, o.at...)
	if len(s.at) > 2*s.settled+64 {
		s.settle()
	}
}

// settle sums the changes at each place, and drops those that come to nothing: what is left says of every unit the same, however the
// matches were cut.
func (s *steps) settle() {
	if s.settled == len(s.at) {
		return
	}
	slices.SortFunc(s.at, func(a, b step) int { return cmp.Compare(a.unit, b.unit) })
	kept := s.at[:0]
	for rest := s.at; len(rest) > 0; {
		sum := rest[0]
		for rest = rest[1:]; len(rest) > 0 && rest[0].unit == sum.unit; rest = rest[1:] {
			sum.change += rest[0].change
		}
		if sum.change != 0 {
			kept = append(kept, sum)
		}
	}
	s.at, s.settled = kept, len(kept)
}

// highest returns the greatest count over the units of [start, end), where intervals come with ascending starts and ends. The
// steps must be settled.
type highest struct {
	at    []step
	first int
	level int64 // count just before at[first]
}

// over returns the greatest count over [start, end). Starts must not descend from call to call.
func (h *highest) over(start, end int32) int64 {
	for h.first < len(h.at) && h.at[h.first].unit <= start {
		h.level += h.at[h.first].change
		h.first++
	}
	greatest, level := h.level, h.level
	for i := h.first; i < len(h.at) && h.at[i].unit < end; i++ {
		level += h.at[i].change
		greatest = max(greatest, level)
	}
	return greatest
}
