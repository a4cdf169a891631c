package likelihood

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"palimpsest/stages/model"
)

// Questions says what an engine is asked about each text besides the log-probabilities of its tokens.
type Questions struct {
	Windows      Windows // texts are cut into; the zero value cuts none
	Lowercase    bool    // the text in lower case, for lowercase_ratio
	Permutations int     // orders of a canary's words, for its rank among them
	Seed         uint64  // of the orders
}

// Text is what an Examiner is asked about.
type Text struct {
	Bytes  []byte
	Canary bool      // its permutations are asked
	Priors [][]int64 // other prefixes, of as many tokens as the windows', for prior_lift; nil asks none
}

// Examiner asks an engine about texts and makes scores of what it says. It is used by one goroutine at a time; the engine may be
// shared.
type Examiner struct {
	engine    model.Engine
	questions Questions
	scorer    *Scorer
	alone     bool // windows are asked by themselves: the log-probabilities of the whole text do not hold them
}

// NewExaminer returns an examiner that asks those questions. Windows that do not fit the model's context are an error.
func NewExaminer(e model.Engine, q Questions) (*Examiner, error) {
	x := &Examiner{engine: e, questions: q}
	w := q.Windows
	if err := w.check(); err != nil {
		return nil, err
	}
	if most := e.Facts().Context; most > 0 && w.Prefix+w.Suffix > most {
		return nil, fmt.Errorf("windows of %d tokens and the model's context of %d: shorten prefix and suffix", w.Prefix+w.Suffix, most)
	}
	if x.alone = w.Suffix > 0 && w.Context != ContextText; x.alone {
		w = Windows{}
	}
	var err error
	x.scorer, err = NewScorer(w)
	return x, err
}

// batch is how many windows are asked at once.
const batch = 32

// Examine asks the engine about a text. Beside the text's scores it returns what they were made of, token by token. An error that is an
// *Unusable says that what the model answered of this text cannot be used; any other, that the engine could not answer.
func (x *Examiner) Examine(ctx context.Context, t Text) (*Score, *model.Scored, error) {
	tokens, err := x.tokenize(ctx, t.Bytes)
	if err != nil {
		return nil, nil, err
	}
	top := 0
	if !x.alone {
		top = x.top()
	}
	s, err := model.Long(ctx, x.engine, t.Bytes, tokens, top)
	if err != nil {
		return nil, nil, usable(err)
	}
	r, err := x.scorer.Score(t.Bytes, &s)
	if err != nil {
		return nil, nil, &Unusable{err}
	}
	if x.alone {
		if r.Windows, err = x.windows(ctx, r, t, tokens); err != nil {
			return nil, nil, err
		}
		if err := x.prior(ctx, r, t, tokens); err != nil {
			return nil, nil, err
		}
		r.Extraction = extraction(t.Bytes, r.Windows)
	}
	if x.questions.Lowercase && utf8.Valid(t.Bytes) && r.LogProb < 0 {
		lower, err := x.logProb(ctx, bytes.ToLower(t.Bytes))
		if err != nil {
			return nil, nil, fmt.Errorf("in lower case: %w", err)
		}
		r.LowercaseRatio = lower / r.LogProb
	}
	if t.Canary && x.questions.Permutations > 0 && defined(r.LogProb) {
		if err := x.permute(ctx, r, t.Bytes); err != nil {
			return nil, nil, fmt.Errorf("permuted: %w", err)
		}
	}
	return r, &s, nil
}

// top is how many of the likeliest tokens are asked for: no more than the engine gives.
func (x *Examiner) top() int { return min(x.questions.Windows.TopK, x.engine.Facts().MostTop) }

// Unusable says that what a model answered of one text cannot be used.
type Unusable struct{ err error }

func (e *Unusable) Error() string { return e.err.Error() }
func (e *Unusable) Unwrap() error { return e.err }

// usable tells an answer that breaks the rules, and a text that the engine cannot be asked about, from an engine that gave no answer.
func usable(err error) error {
	if fault, ok := errors.AsType[*model.Fault](err); ok {
		return &Unusable{fault}
	}
	if errors.Is(err, model.ErrReencoded) {
		return &Unusable{err}
	}
	return err
}

func (x *Examiner) tokenize(ctx context.Context, text []byte) (model.Tokens, error) {
	tokens, err := x.engine.Tokenize(ctx, text)
	if err != nil {
		return tokens, usable(fmt.Errorf("tokenizing: %w", err))
	}
	return tokens, nil
}

// logProb returns the log-probability of a text, in nats; NaN where the engine has none.
func (x *Examiner) logProb(ctx context.Context, text []byte) (float64, error) {
	tokens, err := x.tokenize(ctx, text)
	if err != nil {
		return nan, err
	}
	s, err := model.Long(ctx, x.engine, text, tokens, 0)
	if err != nil {
		return nan, usable(err)
	}
	if _, err := s.Check(text); err != nil {
		return nan, &Unusable{err}
	}
	return sumScored(s.LogProbs), nil
}

// sumScored sums log-probabilities, of which the first may be missing.
func sumScored(lps []float64) float64 {
	if len(lps) == 0 {
		return nan
	}
	if !defined(lps[0]) {
		lps = lps[1:]
	}
	sum := 0.0
	for _, lp := range lps {
		sum += lp
	}
	return sum
}

// slice is the tokens of one window, and what is said of them.
type slice struct {
	window Window
	ids    []int64
	text   []byte
}

// windows asks for every window by itself.
func (x *Examiner) windows(ctx context.Context, r *Score, t Text, tokens model.Tokens) ([]Window, error) {
	var all []slice
	var err error
	if x.questions.Windows.Profile == ProfileCooper {
		all, err = x.slices(ctx, t.Bytes)
	} else {
		all = x.questions.Windows.cutTokens(t.Bytes, tokens)
	}
	if err != nil {
		return nil, err
	}
	w := &x.questions.Windows
	windows := make([]Window, 0, len(all))
	for some := range slices.Chunk(all, batch) {
		requests := make([]model.Request, len(some))
		for i, c := range some {
			requests[i] = model.Request{Text: c.text, IDs: c.ids, From: w.Prefix, Top: x.top()}
		}
		answers, err := x.askEach(ctx, requests)
		if err != nil {
			return nil, fmt.Errorf("window %d: %w", len(windows), err)
		}
		for i, c := range some {
			v := c.window
			v.Index = int64(len(windows))
			if answers[i].LogProbs == nil {
				r.Notes.Reencoded++
			} else {
				w.suffix(&v, &answers[i], w.Prefix, w.Prefix+w.Suffix)
			}
			if v.given() {
				v.Repeating = answer(repeats(c.ids, w.Prefix))
			}
			windows = append(windows, v)
		}
	}
	return windows, nil
}

// askEach asks the engine, one request at a time where a server that takes text cannot be asked about some of them: those have no
// values.
func (x *Examiner) askEach(ctx context.Context, requests []model.Request) ([]model.Scored, error) {
	answers, err := x.ask(ctx, requests)
	if !errors.Is(err, model.ErrReencoded) {
		return answers, err
	}
	answers = make([]model.Scored, len(requests))
	for i := range requests {
		one, err := x.ask(ctx, requests[i:i+1])
		switch {
		case err == nil:
			answers[i] = one[0]
		case !errors.Is(err, model.ErrReencoded):
			return nil, err
		}
	}
	return answers, nil
}

// ask asks the engine and checks its answers.
func (x *Examiner) ask(ctx context.Context, requests []model.Request) ([]model.Scored, error) {
	answers, err := x.engine.Score(ctx, requests)
	if err != nil {
		return nil, usable(err)
	}
	for i := range answers {
		s := &answers[i]
		s.TokenIDs = requests[i].IDs
		if len(s.LogProbs) != len(s.TokenIDs) {
			return nil, &Unusable{fmt.Errorf("%d log-probabilities for %d tokens", len(s.LogProbs), len(s.TokenIDs))}
		}
		if _, err := s.Check(requests[i].Text); err != nil {
			return nil, &Unusable{err}
		}
	}
	return answers, nil
}

// cutTokens cuts the tokens of a whole text.
func (w *Windows) cutTokens(text []byte, tokens model.Tokens) (all []slice) {
	for start := 0; start+w.Prefix+w.Suffix <= len(tokens.IDs); start += w.Stride {
		c := slice{window: w.at(text, tokens.Offsets, start), ids: tokens.IDs[start : start+w.Prefix+w.Suffix]}
		if tokens.Offsets != nil {
			c.text = text[c.window.ByteStart:c.window.ByteEnd]
		}
		all = append(all, c)
	}
	return all
}

// slices cuts the text every so many characters and tokenises each slice anew: the tokens of a window are the first of its slice. The
// text is sliced as far as a whole window is left.
func (x *Examiner) slices(ctx context.Context, text []byte) (all []slice, err error) {
	w := &x.questions.Windows
	needed := w.Prefix + w.Suffix
	length := 8 * needed // bytes that are tokenised, of which the last tokens may come out otherwise than in a longer slice
	for start := 0; start < len(text); {
		end := min(start+length, len(text))
		for back := 0; back < utf8.UTFMax && end < len(text) && !utf8.RuneStart(text[end]); back++ {
			end--
		}
		tokens, err := x.tokenize(ctx, text[start:end])
		if err != nil {
			return nil, fmt.Errorf("from byte %d: %w", start, err)
		}
		whole := end == len(text)
		switch {
		case !whole && len(tokens.IDs) < needed+needed/4+4:
			length *= 2
			continue
		case len(tokens.IDs) < needed:
			return all, nil
		}
		v := w.at(text[start:], tokens.Offsets, 0)
		c := slice{window: v, ids: tokens.IDs[:needed]}
		if tokens.Offsets != nil {
			if needed == len(tokens.IDs) {
				c.window.ByteEnd = int64(len(text) - start)
			}
			c.text = text[start : start+int(c.window.ByteEnd)]
			c.window.ByteStart, c.window.SuffixByteStart, c.window.ByteEnd =
				int64(start), v.SuffixByteStart+int64(start), c.window.ByteEnd+int64(start)
		}
		all = append(all, c)
		for range w.Stride {
			if start < len(text) {
				_, size := utf8.DecodeRune(text[start:])
				start += size
			}
		}
	}
	return all, nil
}

// repeats reports whether the tokens from that one on hold a run of ten that also stands wholly before it.
func repeats(ids []int64, from int) bool {
	for i := from; i+copiedRun <= len(ids); i++ {
		for k := 0; k+copiedRun <= from; k++ {
			if slices.Equal(ids[i:i+copiedRun], ids[k:k+copiedRun]) {
				return true
			}
		}
	}
	return false
}
