package likelihood

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"

	"palimpsest/stages/model"
)

// prior asks for the suffixes of the likeliest window and of those that are given back after other prefixes, and fills in prior_log_p
// and prior_lift (arXiv 2602.18733).
func (x *Examiner) prior(ctx context.Context, r *Score, t Text, tokens model.Tokens) error {
	w := &x.questions.Windows
	if len(t.Priors) == 0 || len(r.Windows) == 0 {
		return nil
	}
	if w.Profile == ProfileCooper {
		return errors.New("other prefixes are asked of windows of profile tokens only")
	}
	best := -1
	for i := range r.Windows {
		if v := &r.Windows[i]; defined(v.LogP) && (best < 0 || v.LogP > r.Windows[best].LogP) {
			best = i
		}
	}
	for i := range r.Windows {
		v := &r.Windows[i]
		if i != best && !v.given() {
			continue
		}
		from := i*w.Stride + w.Prefix
		own, suffix := tokens.IDs[i*w.Stride:from], tokens.IDs[from:from+w.Suffix]
		var requests []model.Request
		for _, p := range t.Priors {
			if !slices.Equal(p, own) {
				requests = append(requests, model.Request{IDs: slices.Concat(p, suffix), From: len(p)})
			}
		}
		answers, err := x.ask(ctx, requests)
		if errors.Is(err, model.ErrReencoded) { // the server takes text, and the joint of two texts need not be one of tokens
			r.Notes.Unprimed++
			continue
		}
		if err != nil {
			return fmt.Errorf("window %d after other prefixes: %w", i, err)
		}
		sums := make([]float64, len(answers))
		for k, a := range answers {
			for _, lp := range a.LogProbs[w.Prefix:] {
				sums[k] += lp
			}
		}
		v.PriorLogP = logMeanExp(sums)
	}
	if best >= 0 {
		r.PriorLift = r.Windows[best].LogP - r.Windows[best].PriorLogP
	}
	return nil
}

// logMeanExp is the logarithm of the mean of the values' exponentials.
func logMeanExp(values []float64) float64 {
	if len(values) == 0 {
		return nan
	}
	most := math.Inf(-1)
	for _, v := range values {
		if !defined(v) {
			return nan
		}
		most = max(most, v)
	}
	sum := 0.0
	for _, v := range values {
		sum += math.Exp(v - most)
	}
	return finite(most + math.Log(sum/float64(len(values))))
}
