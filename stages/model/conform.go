package model

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// The checks of Conform, in the order in which they are made.
const (
	CheckCount    = "count"    // one value per token; a text near the context's length comes back whole
	CheckIdentity = "identity" // the tokens that come back are those that were sent
	CheckShift    = "shift"    // a token's value is its own: it changes when the token does, the one before it does not
	CheckPrefix   = "prefix"   // what two texts share at their beginning is scored alike
	CheckRepeat   = "repeat"   // the same text twice gives the same values
	CheckRange    = "range"    // values are natural logarithms of probabilities, and all are there
	CheckClamp    = "clamp"    // unlikely tokens have values, too
	CheckBoundary = "boundary" // tokens stay as they were sent where a tokenizer would merge two of them
)

// Check is the outcome of one check, kept with the run.
type Check struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail"` // what was compared; what was wrong and what to do about it when it failed
}

const (
	toleranceRepeat = 2e-2 // nats: half-precision caches and other batches move values by .0035 (llama.cpp) to .02
	leastChange     = 1e-6 // nats: another token has another value
	longProbe       = 1024 // tokens of the longest text that Conform sends
	wholeVocabulary = 4096 // vocabularies up to this size are asked for whole
)

// The texts: plain English in which only the last word differs, and something unlikely. The values of neither matter.
const (
	opening  = "The quick brown fox jumps over the lazy dog, and in the evening both of them are very"
	unlikely = "tired zebra 7 quantum of;;the parsley }} Wednesday xyzzy under 93 because"
)

var endings = []string{" tired", " happy", " green", " much"}

// ErrUnfit says that an engine failed a check of Conform.
var ErrUnfit = errors.New("the model's values cannot be used")

// Conform asks an engine what every scorer must prove before its values are used and returns the checks that were made, in order. The
// error is ErrUnfit and names the checks that failed; it is another one, and the checks are incomplete, when the engine did not answer.
// It asks for about a dozen short texts and a long one. Values must not come from a cache of answers; requests say so.
func Conform(ctx context.Context, engine Engine) ([]Check, error) {
	c := conformer{ctx: ctx, engine: engine, facts: engine.Facts()}
	for _, step := range []func() error{c.sameOpening, c.repeated, c.ranges, c.clamped, c.long, c.boundary} {
		err := step()
		if fault, ok := errors.AsType[*Fault](err); ok {
			c.fail(fault.Check, "%s", fault.Detail)
		} else if err != nil {
			return c.checks, fmt.Errorf("conformance of the engine: %w", err)
		}
	}
	c.order()
	var wrong []string
	for _, k := range c.checks {
		if !k.OK {
			wrong = append(wrong, k.Name+": "+k.Detail)
		}
	}
	if wrong != nil {
		return c.checks, fmt.Errorf("conformance of the engine: %w: %s", ErrUnfit, strings.Join(wrong, "; "))
	}
	return c.checks, nil
}

type conformer struct {
	ctx    context.Context
	engine Engine
	facts  Facts
	checks []Check

	tokens [][]int64 // of opening with each ending
	scored []Scored
}

func (c *conformer) pass(name, format string, args ...any) {
	c.checks = append(c.checks, Check{name, true, fmt.Sprintf(format, args...)})
}

func (c *conformer) fail(name, format string, args ...any) {
	c.checks = append(c.checks, Check{name, false, fmt.Sprintf(format, args...)})
}

// order sorts the checks by their constants' order and keeps one of each name, one that failed if there is any: a check that passed on
// one text may fail on another.
func (c *conformer) order() {
	names := []string{CheckCount, CheckIdentity, CheckShift, CheckPrefix, CheckRepeat, CheckRange, CheckClamp, CheckBoundary}
	var kept []Check
	for _, name := range names {
		var last *Check
		for i := range c.checks {
			if k := &c.checks[i]; k.Name == name && (last == nil || last.OK) {
				last = k
			}
		}
		if last != nil {
			kept = append(kept, *last)
		}
	}
	c.checks = kept
}

// tokenize returns the tokens of a text.
func (c *conformer) tokenize(text string) ([]int64, error) {
	tokens, err := c.engine.Tokenize(c.ctx, []byte(text))
	if err != nil {
		return nil, err
	}
	if len(tokens.IDs) == 0 {
		return nil, Faultf(CheckCount, "no tokens for a text of %d bytes", len(text))
	}
	if tokens.Offsets != nil && (len(tokens.Offsets) != len(tokens.IDs) || !offsetsLieIn([]byte(text), tokens.Offsets)) {
		return nil, Faultf(CheckIdentity, "the byte offsets of %q do not lie in it in order", text)
	}
	return tokens.IDs, nil
}

// score returns the answers to the requests, with a value for each of their tokens, mended as Scored.Check does.
func (c *conformer) score(requests ...Request) ([]Scored, error) {
	for i := range requests {
		requests[i].Fresh = true
	}
	scored, err := c.engine.Score(c.ctx, requests)
	if err != nil {
		return nil, err
	}
	if len(scored) != len(requests) {
		return nil, Faultf(CheckCount, "%d answers to %d requests", len(scored), len(requests))
	}
	for i := range scored {
		s, r := &scored[i], &requests[i]
		if got, want := len(s.LogProbs), len(r.IDs); got != want {
			return nil, Faultf(CheckCount, "%d log-probabilities for %d tokens: the engine does not score what it is sent", got, want)
		}
		if s.TokenIDs != nil && !slices.Equal(s.TokenIDs, r.IDs) {
			return nil, Faultf(CheckIdentity, "the tokens of %q came back as other tokens", r.Text)
		}
		notes, err := s.Check(r.Text)
		if err != nil {
			return nil, Faultf(CheckRange, "%q: %v", r.Text, err)
		}
		if notes.Clamped > 0 {
			return nil, Faultf(CheckClamp, "%d of %d tokens of %q stand at the engine's clamp instead of a value",
				notes.Clamped, len(s.LogProbs), r.Text)
		}
	}
	return scored, nil
}

// sameOpening scores texts that share all but their last word, one after the other, and compares them.
func (c *conformer) sameOpening() error {
	for _, end := range endings {
		text := opening + end
		ids, err := c.tokenize(text)
		if err != nil {
			return err
		}
		top := 0
		if c.tokens == nil {
			top = c.top()
		}
		s, err := c.score(Request{Text: []byte(text), IDs: ids, Top: top})
		if err != nil {
			return err
		}
		c.tokens = append(c.tokens, ids)
		c.scored = append(c.scored, s[0])
	}
	c.pass(CheckCount, "%d values for %d tokens", len(c.scored[0].LogProbs), len(c.tokens[0]))
	if c.scored[0].TokenIDs != nil {
		c.pass(CheckIdentity, "the tokens of %d texts came back", len(endings))
	} else {
		c.pass(CheckIdentity, "the engine does not say tokens; their number is right")
	}
	return c.compare()
}

// compare looks at the first token in which the texts differ: its own value alone tells them apart.
func (c *conformer) compare() error {
	first := c.tokens[0]
	differs := false
	worst, before := 0.0, 0.0 // of the common beginning, and of its last token
	for k := 1; k < len(c.tokens); k++ {
		n := shared(first, c.tokens[k])
		if n < 4 || n == len(first) || n == len(c.tokens[k]) {
			return fmt.Errorf("the tokenizer gives %q and %q no common beginning of some tokens followed by different ones",
				opening+endings[0], opening+endings[k])
		}
		a, b := c.scored[0].LogProbs, c.scored[k].LogProbs
		differs = differs || apart(a[n], b[n]) > leastChange
		before = max(before, apart(a[n-1], b[n-1]))
		for t := range n - 1 {
			worst = max(worst, apart(a[t], b[t]))
		}
	}
	switch {
	case worst > toleranceRepeat: // nothing can be said of the shift then
		return Faultf(CheckPrefix, "the values of a common beginning are %.4g apart in two texts, above %g; the server's answers change from "+
			"request to request", worst, toleranceRepeat)
	case before > toleranceRepeat:
		return Faultf(CheckShift, "the last token that two texts share has values %.4g apart, as the differing token after it should; the "+
			"values are those of the next position", before)
	case !differs:
		return Faultf(CheckShift, "texts that differ in their last word have the same values at it; the values are those of the position before")
	}
	c.pass(CheckShift, "another last word changes its own value and no other")
	c.pass(CheckPrefix, "the values of a common beginning are at most %.2g apart", worst)
	return nil
}

// repeated scores the first text again, after others that share its beginning: a cache of attention states is then in use.
func (c *conformer) repeated() error {
	if len(c.scored) != len(endings) {
		return nil // the texts could not be scored once
	}
	text := []byte(opening + endings[0])
	again, err := c.score(Request{Text: text, IDs: c.tokens[0]})
	if err != nil {
		return err
	}
	worst := 0.0
	for t, lp := range again[0].LogProbs {
		worst = max(worst, apart(lp, c.scored[0].LogProbs[t]))
	}
	if worst > toleranceRepeat {
		return Faultf(CheckRepeat, "the same text has values %g apart when it is sent again, above %g; turn the server's prefix cache off",
			worst, toleranceRepeat)
	}
	c.pass(CheckRepeat, "the same text sent twice has values at most %.2g apart", worst)
	return nil
}

// top is how many of the likeliest tokens are asked for with the first text: all of a small vocabulary.
func (c *conformer) top() int {
	if v := c.facts.Vocabulary; v > 0 && v <= wholeVocabulary && c.facts.MostTop >= v {
		return v
	}
	return min(c.facts.MostTop, 20)
}

// ranges looks at the values of the first text.
func (c *conformer) ranges() error {
	if len(c.scored) == 0 {
		return nil
	}
	top, ids, s := c.top(), c.tokens[0], c.scored[0]
	for t, lp := range s.LogProbs {
		if math.IsNaN(lp) && (t > 0 || c.facts.BOS) {
			return Faultf(CheckRange, "token %d of %d has no value", t, len(ids))
		}
	}
	if top == 0 || s.TopLogProbs == nil {
		c.pass(CheckRange, "no value is above 0; the likeliest tokens are not given")
		return nil
	}
	for t, entries := range s.TopLogProbs {
		if len(entries) > 0 && math.IsInf(entries[0], 0) {
			return Faultf(CheckRange, "the likeliest token at %d has value %g", t, entries[0])
		}
		mass := 0.0
		for _, lp := range entries {
			mass += math.Exp(lp)
		}
		if top == c.facts.Vocabulary && len(entries) == top && math.Abs(mass-1) > toleranceTop {
			return Faultf(CheckRange, "the probabilities of the whole vocabulary at token %d add up to %g", t, mass)
		}
	}
	c.pass(CheckRange, "no value is above 0 or its position's likeliest; the %d likeliest descend and add up to at most 1", top)
	return nil
}

// clamped scores what no model expects.
func (c *conformer) clamped() error {
	ids, err := c.tokenize(unlikely)
	if err != nil {
		return err
	}
	scored, err := c.score(Request{Text: []byte(unlikely), IDs: ids})
	if err != nil {
		return err
	}
	lowest := slices.MinFunc(scored[0].LogProbs, func(a, b float64) int {
		if math.IsNaN(a) || a > b {
			return 1
		}
		return -1
	})
	c.pass(CheckClamp, "the least likely token has %.4g", lowest)
	return nil
}

// long scores a text near the length of the context, or of longProbe tokens: servers exist that cut a long prompt and say nothing.
func (c *conformer) long() error {
	if len(c.tokens) == 0 {
		return nil
	}
	want := longProbe
	if c.facts.Context > 0 {
		want = min(want, c.facts.Context)
	}
	sentence := opening + endings[0] + "."
	text := sentence
	ids, err := c.tokenize(text)
	if err != nil || len(ids) > want {
		return err // shorter contexts than a sentence have been filled by the texts before
	}
	for {
		more, err := c.tokenize(text + " " + sentence)
		if err != nil {
			return err
		}
		if len(more) > want || len(more) <= len(ids) {
			break
		}
		text, ids = text+" "+sentence, more
	}
	// The last tokens suffice: an engine that asks for each token by itself asks for them alone.
	if _, err := c.score(Request{Text: []byte(text), IDs: ids, From: max(len(ids)-4, 0)}); err != nil {
		if fault, ok := errors.AsType[*Fault](err); ok && fault.Check == CheckCount {
			return Faultf(CheckCount, "of a text of %d tokens: %s; long prompts are truncated", len(ids), fault.Detail)
		}
		return err
	}
	return nil
}

// boundary sends tokens that no tokenizer gives for their text: a word cut in two, as the border between prefix and suffix of a window
// cuts it.
func (c *conformer) boundary() error {
	head, tail := "It is the memor", "ization of the text"
	var ids []int64
	for _, part := range []string{head, tail} {
		tokens, err := c.tokenize(part)
		if err != nil {
			return err
		}
		ids = append(ids, tokens...)
	}
	whole, err := c.tokenize(head + tail)
	if err != nil {
		return err
	}
	if slices.Equal(ids, whole) {
		// Some words are cut at this very place. Cut into bytes, every word is merged by a tokenizer that merges at all.
		ids = ids[:0]
		for _, b := range []byte(head + tail) {
			tokens, err := c.tokenize(string(b))
			if err != nil {
				return err
			}
			ids = append(ids, tokens...)
		}
	}
	_, err = c.score(Request{Text: []byte(head + tail), IDs: ids})
	fault, isFault := errors.AsType[*Fault](err)
	switch {
	case errors.Is(err, ErrReencoded):
		c.pass(CheckBoundary, "the engine takes text: tokens that their text does not encode to are refused")
	case isFault && (fault.Check == CheckIdentity || fault.Check == CheckCount):
		return Faultf(CheckBoundary, "a word sent as two tokens was merged (%s); the engine encodes anew what it is sent", fault.Detail)
	case err != nil:
		return err
	default:
		c.pass(CheckBoundary, "a word sent in pieces came back in pieces")
	}
	return nil
}

// shared returns how many tokens a and b begin with in common.
func shared(a, b []int64) int {
	n := 0
	for n < len(a) && n < len(b) && a[n] == b[n] {
		n++
	}
	return n
}

// apart is the distance of two values; two that are both unknown are equal.
func apart(a, b float64) float64 {
	switch {
	case math.IsNaN(a) && math.IsNaN(b) || a == b:
		return 0
	case math.IsNaN(a) || math.IsNaN(b):
		return math.Inf(1)
	}
	return math.Abs(a - b)
}
