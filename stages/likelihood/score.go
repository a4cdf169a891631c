// Package likelihood turns what a model said of a text, token by token, into scores and extraction windows (methods, sections 4
// and 5).
//
// The per-token values come from anywhere: Columns reads them from Parquet, an engine of package model computes or asks for them.
// Whatever their origin they pass model.Scored.Check before a number is made of them. A Scorer then makes one Score per text, and
// Compare adds what needs a second model. A value that is undefined is NaN here and null in the tables; it is never replaced by a
// stand-in. Sums run in the order of the tokens, so that equal values give equal bytes.
package likelihood

import (
	"math"
	"slices"

	"palimpsest/schemas"
	"palimpsest/stages/baseline"
	"palimpsest/stages/model"
)

// MinKShare is the share of the least likely tokens that min_k and min_k_pp take the mean of.
const MinKShare = .2

// Score is what the scores of one text under one model are (methods, section 4). NaN is an undefined value, and -1 an undefined
// number of bytes. It holds nothing per token.
type Score struct {
	TextBytes    int64 // length of the whole text
	Tokens       int64
	ScoredTokens int64 // tokens with a log-probability
	BOS          bool  // the first token has one
	Bytes        int64 // bytes of the scored tokens; -1 when the first token is not scored and its length is unknown

	Compressed *baseline.Sizes // of these bytes; nil when they are unknown or none, or LogProb is

	LogProb     float64 // nats; NaN when nothing was scored, or when a token other than the first has no log-probability
	BitsPerByte float64
	Perplexity  float64
	MinK        float64 // nats
	MinKPP      float64 // standard deviations; NaN without moments
	ZlibRatio   float64

	// These need an engine that can be asked again: from columns they are undefined.
	LowercaseRatio  float64
	PriorLift       float64 // nats; of the likeliest window
	Permutations    int64   // orders of the words that were scored
	PermutationRank int64   // among them, 1 for likelier than all; 0 without

	ReferenceLogRatio float64 // nats per byte; NaN until Compare
	MemorizedBits     float64 // bits; NaN until Compare

	// Sums over the two byte ranges that two models can be compared on: the whole text, and the text after the first token.
	whole      float64 // nats; NaN without BOS or with a gap
	afterFirst float64 // nats; NaN with a gap or without offsets
	firstEnd   int64   // byte at which the second token begins, when afterFirst is defined

	Extraction Extraction
	Windows    []Window // for the windows table; what the judgement needs is in Extraction
	Notes      model.Notes
}

// Scorer makes scores. It keeps buffers between texts, so it is used by one goroutine at a time.
type Scorer struct {
	windows Windows
	values  []float64
	runs    runIndex
	measure baseline.Measurer
}

// NewScorer returns a scorer that cuts texts into those windows; the zero Windows cuts none.
func NewScorer(w Windows) (*Scorer, error) {
	if err := w.check(); err != nil {
		return nil, err
	}
	return &Scorer{windows: w}, nil
}

// Score checks what a model said of text and makes the text's scores of it. It changes s as Scored.Check says.
func (c *Scorer) Score(text []byte, s *model.Scored) (*Score, error) {
	notes, err := s.Check(text)
	if err != nil {
		return nil, err
	}
	r := &Score{
		TextBytes: int64(len(text)), Tokens: int64(len(s.LogProbs)), Bytes: -1,
		LogProb: nan, BitsPerByte: nan, Perplexity: nan, MinK: nan, MinKPP: nan, ZlibRatio: nan,
		LowercaseRatio: nan, PriorLift: nan, ReferenceLogRatio: nan, MemorizedBits: nan, whole: nan, afterFirst: nan,
		Notes: notes,
	}
	r.BOS = r.Tokens > 0 && defined(s.LogProbs[0])
	gap := false // a token other than the first without a log-probability
	for t, lp := range s.LogProbs {
		if defined(lp) {
			r.ScoredTokens++
		} else if t > 0 {
			gap = true
		}
	}
	from := int64(-1) // byte at which the scored tokens begin
	switch {
	case r.BOS:
		from = 0
	case r.ScoredTokens > 0 && s.Offsets != nil:
		from = s.Offsets[1]
	}
	if from >= 0 {
		r.Bytes = r.TextBytes - from
	}
	if r.ScoredTokens > 0 && !gap {
		c.sums(r, s)
		if r.Bytes > 0 {
			if err := c.perByte(r, text[from:]); err != nil {
				return nil, err
			}
		}
	}
	r.Windows = c.cut(text, s)
	r.Extraction = extraction(text, r.Windows)
	return r, nil
}

// sums fills in what rests on the log-probabilities alone. No token but the first lacks one.
func (c *Scorer) sums(r *Score, s *model.Scored) {
	first := int(r.Tokens - r.ScoredTokens)
	sum := 0.0
	for _, lp := range s.LogProbs[first:] {
		sum += lp
	}
	r.LogProb = sum
	r.Perplexity = finite(math.Exp(-sum / float64(r.ScoredTokens)))
	if r.BOS {
		r.whole = sum
	}
	if r.Tokens > 1 && s.Offsets != nil {
		r.afterFirst, r.firstEnd = sum, s.Offsets[1]
		if r.BOS {
			r.afterFirst = 0
			for _, lp := range s.LogProbs[1:] {
				r.afterFirst += lp
			}
		}
	}
	c.values = append(c.values[:0], s.LogProbs[first:]...)
	r.MinK = meanOfLowest(c.values, MinKShare)
	if s.Means != nil && s.Deviations != nil {
		r.MinKPP = c.minKPP(s, first)
	}
}

// minKPP is the mean of the lowest standardised log-probabilities. A token whose deviation is 0 has none and is left out: every
// token of the vocabulary is then equally likely. One unknown moment leaves the score undefined.
func (c *Scorer) minKPP(s *model.Scored, first int) float64 {
	c.values = c.values[:0]
	for t := first; t < len(s.LogProbs); t++ {
		mean, deviation := s.Means[t], s.Deviations[t]
		if !defined(mean) || !defined(deviation) {
			return nan
		}
		if deviation > 0 {
			c.values = append(c.values, (s.LogProbs[t]-mean)/deviation)
		}
	}
	return meanOfLowest(c.values, MinKShare)
}

// meanOfLowest is the mean of the max(1, floor(n*share)) lowest values, NaN without values. It sorts the values.
func meanOfLowest(values []float64, share float64) float64 {
	if len(values) == 0 {
		return nan
	}
	slices.Sort(values)
	m := max(1, int(float64(len(values))*share))
	sum := 0.0
	for _, v := range values[:m] {
		sum += v
	}
	return finite(sum / float64(m))
}

// perByte fills in what compares the log-probability with the bytes that were scored, of which there is at least one.
func (c *Scorer) perByte(r *Score, scored []byte) error {
	bits := -r.LogProb / math.Ln2
	r.BitsPerByte = bits / float64(r.Bytes)
	sizes, err := c.measure.Measure(scored)
	if err != nil {
		return err
	}
	r.Compressed = &sizes
	r.ZlibRatio = bits / (8 * float64(sizes.Zlib))
	return nil
}

// Compare fills in the target's scores against the reference's of the same text: reference_log_ratio and memorized_bits. Where the two
// cannot be compared they stay undefined.
func Compare(target, reference *Score) {
	target.ReferenceLogRatio, target.MemorizedBits = nan, nan
	t, r, bytes, ok := common(target, reference)
	if !ok {
		return
	}
	if bytes > 0 {
		target.ReferenceLogRatio = (t - r) / float64(bytes)
	}
	target.MemorizedBits = memorizedBits(t, r)
}

// Delta returns how much more probable the text is under one model than under another, in nats, and over how many bytes. It reports
// false where the two cannot be compared.
func Delta(a, b *Score) (nats float64, bytes int64, ok bool) {
	x, y, bytes, ok := common(a, b)
	return x - y, bytes, ok
}

// common returns two models' log-probabilities of the same bytes of a text, and how many these are: of the whole text when both models
// scored the first token, else of the text after the first token when both say where that ends and agree.
func common(a, b *Score) (ofA, ofB float64, bytes int64, ok bool) {
	if a.TextBytes != b.TextBytes {
		return nan, nan, 0, false
	}
	ofA, ofB, bytes = a.whole, b.whole, a.TextBytes
	if !defined(ofA) || !defined(ofB) {
		if a.firstEnd != b.firstEnd {
			return nan, nan, 0, false
		}
		ofA, ofB, bytes = a.afterFirst, b.afterFirst, a.TextBytes-a.firstEnd
	}
	return ofA, ofB, bytes, defined(ofA) && defined(ofB)
}

// memorizedBits is log2 max(P, Pref) - log2 Pref of log-probabilities in nats (Morris et al., arXiv 2505.24832).
func memorizedBits(target, reference float64) float64 {
	return (max(target, reference) - reference) / math.Ln2
}

// Row returns the score's row of likelihood. The columns that say whose it is (run_id, probe_id, control, control_group, model,
// role, engine) are the caller's to fill.
func (s *Score) Row() schemas.Likelihood {
	row := schemas.Likelihood{
		Tokens: s.Tokens, ScoredTokens: s.ScoredTokens, BOS: s.BOS, Bytes: count(s.Bytes),
		LogProb: number(s.LogProb), BitsPerByte: number(s.BitsPerByte), Perplexity: number(s.Perplexity),
		MinK: number(s.MinK), MinKPP: number(s.MinKPP), ZlibRatio: number(s.ZlibRatio),
		LowercaseRatio: number(s.LowercaseRatio), ReferenceLogRatio: number(s.ReferenceLogRatio),
		MemorizedBits: number(s.MemorizedBits), PriorLift: number(s.PriorLift),
	}
	if c := s.Compressed; c != nil {
		row.ZlibBytes, row.ZlibImplementation = &c.Zlib, new(baseline.ZlibImplementation)
		row.ZstdBytes, row.ZstdImplementation = &c.Zstd, new(baseline.ZstdImplementation)
		row.XZBytes, row.XZImplementation = &c.XZ, new(baseline.XZImplementation)
	}
	return row
}

var nan = math.NaN()

func defined(v float64) bool { return !math.IsNaN(v) }

// finite makes an overflow undefined.
func finite(v float64) float64 {
	if math.IsInf(v, 0) {
		return nan
	}
	return v
}

// number is the nullable form of a value.
func number(v float64) *float64 {
	if !defined(v) {
		return nil
	}
	return &v
}

// count is the nullable form of a number of bytes or an offset.
func count(n int64) *int64 {
	if n < 0 {
		return nil
	}
	return &n
}
