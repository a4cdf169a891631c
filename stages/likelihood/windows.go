package likelihood

import (
	"fmt"
	"math"

	"palimpsest/schemas"
	"palimpsest/stages/model"
)

// Windows says how a text is cut into extraction windows (methods, section 5): prefix + suffix consecutive tokens, a new window
// every stride. BOS is not among the tokens. The zero value cuts no windows.
type Windows struct {
	Prefix int // tokens
	Suffix int // tokens
	Stride int // tokens; in ProfileCooper characters
	TopK   int // tokens kept by the sampling that log_p_top_k is of

	// Profile says where windows begin: ProfileTokens (also when empty) or ProfileCooper.
	Profile string
	// Context says what the suffix may be conditioned on: ContextWindow (also when empty) or ContextText.
	Context string
}

const (
	// ProfileTokens cuts the tokens of the whole text, a window every Stride tokens.
	ProfileTokens = "tokens"
	// ProfileCooper cuts the text itself every Stride characters and tokenises each slice anew (Cooper et al., arXiv 2505.12546). It
	// needs an engine that tokenises.
	ProfileCooper = "cooper"

	// ContextWindow asks for the suffix's probability after the window's prefix alone. Log-probabilities of a whole text hold
	// it for the window that begins the text; for a later one they are conditioned on more, and its values are null. An engine is
	// asked for each window by itself.
	ContextWindow = "window"
	// ContextText takes the suffix's probability after all text before it.
	ContextText = "text"
)

// copiedRun is the number of consecutive tokens that a suffix must share with what stands before it to count as copied from
// there: repeating its context is no sign of memory.
const copiedRun = 10

func (w *Windows) check() error {
	if *w == (Windows{}) {
		return nil
	}
	if w.Prefix < 0 || w.Suffix < 1 || w.Stride < 1 || w.TopK < 1 {
		return fmt.Errorf("windows of prefix %d, suffix %d, stride %d, top_k %d: prefix must be at least 0 and the others at least 1",
			w.Prefix, w.Suffix, w.Stride, w.TopK)
	}
	switch w.Context {
	case "", ContextWindow, ContextText:
	default:
		return fmt.Errorf("windows in context %q: %s or %s is expected", w.Context, ContextWindow, ContextText)
	}
	switch w.Profile {
	case "", ProfileTokens:
	case ProfileCooper:
		if w.Context == ContextText {
			return fmt.Errorf("windows of profile %s are cut from the text anew, so their context is %s", ProfileCooper, ContextWindow)
		}
	default:
		return fmt.Errorf("windows of profile %q: %s or %s is expected", w.Profile, ProfileTokens, ProfileCooper)
	}
	return nil
}

// Window is one extraction window. NaN is an undefined value, -1 an undefined offset.
type Window struct {
	Index           int64
	PrefixTokens    int64 // tokens that the suffix is conditioned on
	SuffixTokens    int64
	ByteStart       int64 // first byte of the window's own prefix
	SuffixByteStart int64
	ByteEnd         int64
	LogP            float64 // nats, full softmax
	LogPTopK        float64 // nats, sampling from the TopK likeliest
	TopKExcluded    Answer  // whether a suffix token is not among them
	Greedy          Answer  // whether every suffix token is the model's first choice
	PriorLogP       float64 // nats: log of the mean probability after other prefixes; NaN when it was not asked

	// Repeating says whether the suffix shares a run of ten tokens with what it is conditioned on. It is looked for, and else Unknown,
	// in windows that the model gives back.
	Repeating Answer
}

// Answer is yes, no or unknown.
type Answer int8

// The answers.
const (
	Unknown Answer = iota
	No
	Yes
)

func answer(yes bool) Answer {
	if yes {
		return Yes
	}
	return No
}

func (a Answer) pointer() *bool {
	if a == Unknown {
		return nil
	}
	yes := a == Yes
	return &yes
}

// given reports whether the model gives the suffix back: its probability is at least ExtractableP, or it is greedy.
func (v *Window) given() bool { return math.Exp(v.LogP) >= ExtractableP || v.Greedy == Yes }

// cut cuts a text into windows by the log-probabilities of the whole text.
func (c *Scorer) cut(text []byte, s *model.Scored) []Window {
	w := &c.windows
	n := len(s.LogProbs)
	if w.Suffix == 0 || n < w.Prefix+w.Suffix {
		return nil
	}
	c.runs.reset(s.TokenIDs)
	windows := make([]Window, 0, (n-w.Prefix-w.Suffix)/w.Stride+1)
	for start := 0; start+w.Prefix+w.Suffix <= n; start += w.Stride {
		from, to := start+w.Prefix, start+w.Prefix+w.Suffix
		v := w.at(text, s.Offsets, start)
		v.Index = int64(len(windows))
		if w.Context == ContextText {
			v.PrefixTokens = int64(from)
		}
		if w.Context == ContextText || start == 0 {
			w.suffix(&v, s, from, to)
		}
		if v.given() && s.TokenIDs != nil {
			v.Repeating = answer(c.runs.repeats(from, to))
		}
		windows = append(windows, v)
	}
	return windows
}

// at returns the window that begins at that token of the text, of whose suffix nothing is known yet.
func (w *Windows) at(text []byte, offsets []int64, start int) Window {
	v := Window{PrefixTokens: int64(w.Prefix), SuffixTokens: int64(w.Suffix), ByteStart: -1, SuffixByteStart: -1, ByteEnd: -1,
		LogP: nan, LogPTopK: nan, PriorLogP: nan}
	if offsets != nil {
		from, to := start+w.Prefix, start+w.Prefix+w.Suffix
		v.ByteStart, v.SuffixByteStart, v.ByteEnd = offsets[start], offsets[from], byteEnd(text, offsets, to-1)
	}
	return v
}

// suffix fills in what a model said of the suffix, which is tokens [from, to) of s.
func (w *Windows) suffix(v *Window, s *model.Scored, from, to int) {
	v.LogP = 0
	for _, lp := range s.LogProbs[from:to] {
		v.LogP += lp
	}
	v.LogPTopK, v.TopKExcluded = w.topK(s, from, to)
	v.Greedy = greedy(s, from, to)
}

// byteEnd returns the byte after token t.
func byteEnd(text []byte, offsets []int64, t int) int64 {
	if t+1 < len(offsets) {
		return offsets[t+1]
	}
	return int64(len(text))
}

// Row returns the window's row of windows. The columns that say whose it is (run_id, probe_id, model) are the caller's to fill.
func (v *Window) Row() schemas.Window {
	row := schemas.Window{
		WindowIndex: v.Index, PrefixTokens: v.PrefixTokens, SuffixTokens: v.SuffixTokens,
		ByteStart: count(v.ByteStart), SuffixByteStart: count(v.SuffixByteStart), ByteEnd: count(v.ByteEnd),
		LogP: number(v.LogP), LogPTopK: number(v.LogPTopK), TopKExcluded: v.TopKExcluded.pointer(), Greedy: v.Greedy.pointer(),
		PriorLogP: number(v.PriorLogP),
	}
	if n, ok := Draws(v.LogP, .5); ok {
		row.DrawsForP50 = &n
	}
	if n, ok := Draws(v.LogP, .9); ok {
		row.DrawsForP90 = &n
	}
	return row
}
