package model

import (
	"bytes"
	"fmt"
	"math"
)

// Scored is what a model said of one text, token by token; a beginning-of-sequence token is not among the tokens. LogProbs is
// required, the other slices are nil when unknown, and all have one entry per token.
type Scored struct {
	LogProbs    []float64   // nats; NaN where the engine gave none: the first token without BOS, or a clamp
	TokenIDs    []int64     // in the model's vocabulary
	Offsets     []int64     // byte of the token's first byte in the text
	Ranks       []int64     // among the vocabulary, 1 for the likeliest; 0 only where there is no log-probability
	Means       []float64   // of log p over the whole vocabulary under p, nats: minus the entropy; NaN where unknown
	Deviations  []float64   // standard deviation of log p over the whole vocabulary under p, nats; NaN where unknown
	TopIDs      [][]int64   // the likeliest tokens, likeliest first; as many as the engine gave
	TopLogProbs [][]float64 // their log-probabilities, nats, descending

	// Cut says that the tokens were cut from the text at hand, so that the U+FFFD in it are its own.
	Cut bool
}

// Notes say what of a text's values could not be used. They are no errors: the scores that would need the values are null.
type Notes struct {
	Clamped    int64 // log-probabilities that stood at an engine's clamp (-9999 or below, or minus infinity)
	Reencoded  int64 // windows of the text that a server was not asked about, since their text does not encode to their tokens
	Unprimed   int64 // windows of the text that a server was not asked about after other prefixes, for the same reason
	BadOffsets bool  // token offsets were given but do not lie in the text in order, so nothing was derived from them
}

const (
	clamp        = -9999 // vLLM writes it for minus infinity
	roundingLP   = 1e-6  // a log-probability this far above 0 is a rounded 0: softmax in float32 is not exact
	agreementLP  = 1e-3  // a token's own log-probability and its entry among the likeliest are one number, rounded twice at most
	toleranceTop = 1e-3  // how far the likeliest tokens' probabilities may add up beyond 1
)

// replacement is U+FFFD, which stands in a text for token bytes that are not UTF-8.
var replacement = []byte("\uFFFD")

// Check makes s ready to be scored as the tokens of text, or says what is wrong with it. A clamp becomes NaN, a log-probability
// above 0 by no more than 1e-6 becomes 0. Offsets become nil when they decrease, leave the text, or cannot be trusted because
// the text holds U+FFFD and may not be what was cut: they then usually count the bytes that the tokenizer gave, of which the text holds
// a replacement.
//
// Everything else that no model can have said is an error: lists of unequal length, no tokens for a text, a log-probability above
// 0, a rank below 1, likeliest tokens that do not descend or add up to more than 1, and a token likelier than the likeliest or of
// rank 1 and less likely (the values are then those of other positions).
func (s *Scored) Check(text []byte) (Notes, error) {
	var notes Notes
	n := len(s.LogProbs)
	if n == 0 && len(text) > 0 {
		return notes, fmt.Errorf("no log-probabilities for a text of %d bytes", len(text))
	}
	for _, l := range []struct {
		name string
		have bool
		n    int
	}{
		{"token ids", s.TokenIDs != nil, len(s.TokenIDs)},
		{"byte offsets", s.Offsets != nil, len(s.Offsets)},
		{"ranks", s.Ranks != nil, len(s.Ranks)},
		{"means", s.Means != nil, len(s.Means)},
		{"deviations", s.Deviations != nil, len(s.Deviations)},
		{"top ids", s.TopIDs != nil, len(s.TopIDs)},
		{"top log-probabilities", s.TopLogProbs != nil, len(s.TopLogProbs)},
	} {
		if l.have && l.n != n {
			return notes, fmt.Errorf("%d %s for %d log-probabilities; every list must have one entry per token", l.n, l.name, n)
		}
	}
	for t := range n {
		clamped, err := s.checkToken(t)
		if err != nil {
			return notes, fmt.Errorf("token %d: %w", t, err)
		}
		if clamped {
			notes.Clamped++
		}
	}
	if s.Offsets != nil && (!offsetsLieIn(text, s.Offsets) || !s.Cut && bytes.Contains(text, replacement)) {
		s.Offsets = nil
		notes.BadOffsets = true
	}
	return notes, nil
}

// checkToken checks and mends the values of one token. It reports whether the log-probability was a clamp.
func (s *Scored) checkToken(t int) (clamped bool, err error) {
	lp := s.LogProbs[t]
	switch {
	case lp > roundingLP:
		return false, fmt.Errorf("log-probability %g is above 0; natural logarithms of probabilities are expected, not losses", lp)
	case lp > 0:
		s.LogProbs[t] = 0
	case lp <= clamp:
		s.LogProbs[t] = math.NaN()
		clamped = true
	}
	lp = s.LogProbs[t]
	if s.Ranks != nil {
		if r := s.Ranks[t]; r < 0 || r == 0 && !math.IsNaN(lp) {
			return clamped, fmt.Errorf("rank %d; ranks count from 1 for the likeliest token", r)
		}
	}
	if s.Means != nil && math.IsInf(s.Means[t], 0) {
		return clamped, fmt.Errorf("mean %g of the log-probabilities", s.Means[t])
	}
	if s.Deviations != nil {
		if d := s.Deviations[t]; d < 0 || math.IsInf(d, 0) {
			return clamped, fmt.Errorf("deviation %g of the log-probabilities", d)
		}
	}
	if s.TopIDs != nil && s.TopLogProbs != nil && len(s.TopIDs[t]) != len(s.TopLogProbs[t]) {
		return clamped, fmt.Errorf("%d top ids for %d top log-probabilities", len(s.TopIDs[t]), len(s.TopLogProbs[t]))
	}
	if s.TopLogProbs == nil {
		return clamped, nil
	}
	return clamped, s.checkTop(t, lp)
}

func (s *Scored) checkTop(t int, lp float64) error {
	top := s.TopLogProbs[t]
	mass := 0.0
	for j, v := range top {
		switch {
		case math.IsNaN(v):
			return fmt.Errorf("entry %d of the likeliest tokens has no log-probability", j)
		case v > roundingLP:
			return fmt.Errorf("entry %d of the likeliest tokens has log-probability %g, above 0", j, v)
		case j > 0 && v > top[j-1]+roundingLP:
			return fmt.Errorf("the likeliest tokens do not descend: entry %d has %g after %g", j, v, top[j-1])
		}
		mass += math.Exp(v)
	}
	if mass > 1+toleranceTop {
		return fmt.Errorf("the probabilities of the likeliest tokens add up to %g", mass)
	}
	if len(top) == 0 || math.IsNaN(lp) {
		return nil
	}
	if lp > top[0]+agreementLP {
		return fmt.Errorf("log-probability %g is above the likeliest token's %g; are the lists shifted by one token?", lp, top[0])
	}
	if s.Ranks != nil && s.Ranks[t] == 1 && lp < top[0]-agreementLP {
		return fmt.Errorf("rank 1 with log-probability %g, but the likeliest token has %g; are the lists shifted by one token?", lp, top[0])
	}
	return nil
}

// offsetsLieIn reports whether the offsets can be those of tokens of the text.
func offsetsLieIn(text []byte, offsets []int64) bool {
	last := int64(0)
	for _, o := range offsets {
		if o < last || o > int64(len(text)) {
			return false
		}
		last = o
	}
	return true
}
