package server

import (
	"cmp"
	"math"
	"slices"

	"palimpsest/stages/model"
)

// entry is a token and its log-probability, nats.
type entry struct {
	id int64
	lp float64
}

// likeliest sorts entries, of equal ones the smallest id first, and returns the first n with all that tie with the last, as two lists.
func likeliest(entries []entry, n int) ([]int64, []float64) {
	slices.SortFunc(entries, func(a, b entry) int {
		if c := cmp.Compare(b.lp, a.lp); c != 0 {
			return c
		}
		return cmp.Compare(a.id, b.id)
	})
	if n < len(entries) {
		for n > 0 && n < len(entries) && entries[n].lp == entries[n-1].lp {
			n++
		}
		entries = entries[:n]
	}
	ids, lps := make([]int64, len(entries)), make([]float64, len(entries))
	for i, e := range entries {
		ids[i], lps[i] = e.id, e.lp
	}
	return ids, lps
}

// blank returns an answer to n tokens in which nothing is known but the tokens.
func blank(ids []int64) model.Scored {
	s := model.Scored{LogProbs: make([]float64, len(ids)), TokenIDs: slices.Clone(ids)}
	for i := range s.LogProbs {
		s.LogProbs[i] = math.NaN()
	}
	return s
}

// missing is the fault of a position that has no value where it must have one.
func missing(t, n int) error {
	return model.Faultf(model.CheckCount, "token %d of %d has no log-probability", t, n)
}

// short is the fault of an answer to too few tokens, or too many.
func short(got, want int, hint string) error {
	if got < want {
		return model.Faultf(model.CheckCount, "values for %d of the prompt's %d tokens: the server truncates the prompt%s", got, want, hint)
	}
	return model.Faultf(model.CheckCount, "values for %d tokens, %d were sent%s", got, want, hint)
}
