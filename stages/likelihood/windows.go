package likelihood

import (
	"fmt"
	"math"
	"slices"
	"unicode/utf8"

	"palimpsest/schemas"
	"palimpsest/stages/model"
)

// Windows says how a text is cut into extraction windows (methods, section 5): prefix + suffix consecutive tokens, a new window
// every stride tokens. BOS is not among the tokens. The zero value cuts no windows.
type Windows struct {
	Prefix int // tokens
	Suffix int // tokens
	Stride int // tokens
	TopK   int // tokens kept by the sampling that log_p_top_k is of

	// Context says what the suffix may be conditioned on: ContextWindow (also when empty) or ContextText.
	Context string
}

const (
	// ContextWindow asks for the suffix's probability after the window's prefix alone. Log-probabilities of a whole text hold
	// it for the window that begins the text; for a later one they are conditioned on more, and its values are null.
	ContextWindow = "window"
	// ContextText takes the suffix's probability after all text before it.
	ContextText = "text"
)

// ExtractableP is the probability of a suffix from which it counts as extractable.
const ExtractableP = .001

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
		return nil
	}
	return fmt.Errorf("windows in context %q: %s or %s is expected", w.Context, ContextWindow, ContextText)
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
}

// Answer is yes, no or unknown.
type Answer int8

// The answers.
const (
	Unknown Answer = iota
	No
	Yes
)

func (a Answer) pointer() *bool {
	if a == Unknown {
		return nil
	}
	yes := a == Yes
	return &yes
}

// Extraction is what a text's windows say together.
type Extraction struct {
	Windows  int64   // windows that the text was cut into
	Tested   int64   // of these, the ones whose suffix has a probability or is known to be greedy or not
	MaxP     float64 // greatest probability of a suffix; NaN when none is known
	Coverage float64 // share of the characters inside the suffix of a window with p >= ExtractableP; NaN when unknown

	Best      *Extracted // the likeliest window that shows extraction; nil when none does
	Repeating int64      // windows likely or greedy enough whose suffix only repeats a run of ten tokens from before it
	Untold    int64      // windows likely or greedy enough of which that cannot be told, for want of token ids
}

// Extracted is a window whose suffix the model gives back: its probability is at least ExtractableP or it is greedy, and it shares
// no run of ten tokens with what stands before it.
type Extracted struct {
	Window, PrefixTokens, SuffixTokens int64
	P                                  float64 // NaN when unknown
	Greedy                             bool
}

// extract cuts the text into windows and fills in what they say.
func (c *Scorer) extract(r *Score, text []byte, s *model.Scored) {
	w := &c.windows
	r.Extraction = Extraction{MaxP: nan, Coverage: nan}
	n := len(s.LogProbs)
	if w.Suffix == 0 || n < w.Prefix+w.Suffix {
		return
	}
	e := &r.Extraction
	c.runs.reset(s.TokenIDs)
	r.Windows = make([]Window, 0, (n-w.Prefix-w.Suffix)/w.Stride+1)
	maxLogP, best := nan, nan
	for start := 0; start+w.Prefix+w.Suffix <= n; start += w.Stride {
		v := w.window(text, s, start)
		v.Index = int64(len(r.Windows))
		r.Windows = append(r.Windows, v)
		if defined(v.LogP) && !(v.LogP <= maxLogP) {
			maxLogP = v.LogP
		}
		if !defined(v.LogP) && v.Greedy == Unknown {
			continue
		}
		e.Tested++
		if !(math.Exp(v.LogP) >= ExtractableP) && v.Greedy != Yes {
			continue
		}
		suffix := start + w.Prefix
		switch {
		case s.TokenIDs == nil:
			e.Untold++
		case c.runs.repeats(suffix, suffix+w.Suffix):
			e.Repeating++
		case e.Best == nil || v.LogP > best || defined(v.LogP) && !defined(best):
			best = v.LogP
			e.Best = &Extracted{Window: v.Index, PrefixTokens: v.PrefixTokens, SuffixTokens: v.SuffixTokens,
				P: math.Exp(v.LogP), Greedy: v.Greedy == Yes}
		}
	}
	e.Windows = int64(len(r.Windows))
	e.MaxP = math.Exp(maxLogP)
	e.Coverage = coverage(text, r.Windows)
}

// window returns the window that begins at that token.
func (w *Windows) window(text []byte, s *model.Scored, start int) Window {
	from, to := start+w.Prefix, start+w.Prefix+w.Suffix
	v := Window{PrefixTokens: int64(w.Prefix), SuffixTokens: int64(w.Suffix), ByteStart: -1, SuffixByteStart: -1, ByteEnd: -1,
		LogP: nan, LogPTopK: nan}
	if s.Offsets != nil {
		v.ByteStart, v.SuffixByteStart, v.ByteEnd = s.Offsets[start], s.Offsets[from], byteEnd(text, s.Offsets, to-1)
	}
	if w.Context == ContextText {
		v.PrefixTokens = int64(from)
	} else if start > 0 {
		return v
	}
	v.LogP = 0
	for _, lp := range s.LogProbs[from:to] {
		v.LogP += lp
	}
	v.LogPTopK, v.TopKExcluded = w.topK(s, from, to)
	v.Greedy = greedy(s, from, to)
	return v
}

// byteEnd returns the byte after token t.
func byteEnd(text []byte, offsets []int64, t int) int64 {
	if t+1 < len(offsets) {
		return offsets[t+1]
	}
	return int64(len(text))
}

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

// Draws is the number of samples after which a suffix of log-probability logP was seen at least once with probability p: ceil(ln(1-p)
// / ln(1-p_z)). It reports false when p_z is 0 or the number exceeds 2^53.
func Draws(logP, p float64) (int64, bool) {
	z := math.Exp(logP)
	if z >= 1 {
		return 1, true
	}
	if !(z > 0) {
		return 0, false
	}
	n := math.Ceil(math.Log1p(-p) / math.Log1p(-z))
	if !(n <= 1<<53) {
		return 0, false
	}
	return max(1, int64(n)), true
}

// coverage is the share of the text's characters that begin inside the suffix of a window with p >= ExtractableP: NaN when no
// window's probability or no window's place is known. A byte that is not UTF-8 is a character.
func coverage(text []byte, windows []Window) float64 {
	known := false
	characters, covered := 0, 0
	at := 0 // bytes of the text that are counted
	for i := range windows {
		v := &windows[i]
		if !defined(v.LogP) || v.SuffixByteStart < 0 {
			continue
		}
		known = true
		if math.Exp(v.LogP) < ExtractableP {
			continue
		}
		// Windows come in order of their start and of their end, so what lies before this suffix is settled.
		for at < int(v.ByteEnd) {
			if at >= int(v.SuffixByteStart) {
				covered++
			}
			_, size := utf8.DecodeRune(text[at:])
			characters++
			at += size
		}
	}
	characters += utf8.RuneCount(text[at:])
	if !known || characters == 0 {
		return nan
	}
	return float64(covered) / float64(characters)
}

// Row returns the window's row of windows. The columns that say whose it is (run_id, probe_id, model) are the caller's to fill.
func (v *Window) Row() schemas.Window {
	row := schemas.Window{
		WindowIndex: v.Index, PrefixTokens: v.PrefixTokens, SuffixTokens: v.SuffixTokens,
		ByteStart: count(v.ByteStart), SuffixByteStart: count(v.SuffixByteStart), ByteEnd: count(v.ByteEnd),
		LogP: number(v.LogP), LogPTopK: number(v.LogPTopK), TopKExcluded: v.TopKExcluded.pointer(), Greedy: v.Greedy.pointer(),
	}
	if n, ok := Draws(v.LogP, .5); ok {
		row.DrawsForP50 = &n
	}
	if n, ok := Draws(v.LogP, .9); ok {
		row.DrawsForP90 = &n
	}
	return row
}
