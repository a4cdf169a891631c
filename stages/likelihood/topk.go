package likelihood

import (
	"math"
	"slices"

	"palimpsest/stages/model"
)

func greedy(s *model.Scored, from, to int) Answer {
	if s.Ranks == nil {
		return Unknown
	}
	a := Yes
	for _, rank := range s.Ranks[from:to] {
		if rank > 1 {
			return No
		}
		if rank == 0 {
			a = Unknown
		}
	}
	return a
}

// topK returns the log-probability of the tokens when each is sampled from the TopK likeliest alone, ties at the k-th kept, and
// whether one of them is not among those. Where that is so, or cannot be known, the log-probability is NaN.
func (w *Windows) topK(s *model.Scored, from, to int) (float64, Answer) {
	if s.TopLogProbs == nil {
		return nan, Unknown
	}
	sum, known := 0.0, true
	for t := from; t < to; t++ {
		lp, kept := w.kept(s, t)
		switch kept {
		case No:
			return nan, Yes
		case Unknown:
			known = false
		default:
			sum += lp
		}
	}
	if !known {
		return nan, Unknown
	}
	return sum, No
}

// wholeMass is the share of the probability from which a list shorter than k is taken for all that matters: what it leaves out
// moves the logarithm of its mass by less than 1e-6.
const wholeMass = 1 - 1e-6

// kept returns whether token t is among the k likeliest, and its log-probability relative to their mass.
func (w *Windows) kept(s *model.Scored, t int) (float64, Answer) {
	lp, top := s.LogProbs[t], s.TopLogProbs[t]
	if !defined(lp) || len(top) == 0 {
		return nan, Unknown
	}
	n := min(w.TopK, len(top))
	for n < len(top) && top[n] >= top[n-1] { // a tie with the k-th
		n++
	}
	mass := 0.0
	for _, v := range top[:n] {
		mass += math.Exp(v)
	}
	relative := min(lp-math.Log(mass), 0)
	last := top[n-1]
	listed := lp >= last
	if s.TokenIDs != nil && s.TopIDs != nil {
		listed = slices.Contains(s.TopIDs[t][:n], s.TokenIDs[t])
	}
	switch {
	case len(top) < w.TopK && mass < wholeMass:
		return nan, Unknown // the list ends before the k-th
	case listed:
		return relative, Yes
	case n == len(top) && (len(top) < w.TopK || lp >= last):
		return nan, Unknown // it may stand below the end of the list, or tie with its last entry
	}
	return nan, No
}
