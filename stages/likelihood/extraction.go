package likelihood

import (
	"cmp"
	"math"
	"slices"
	"unicode/utf8"

	"palimpsest/schemas"
)

// ExtractableP is the probability of a suffix from which it counts as extractable.
const ExtractableP = .001

// taus are the probabilities from which the table extraction counts windows, ascending (methods, section 5).
var taus = [...]struct {
	permille int64
	p        float64
}{{1, ExtractableP}, {10, .01}, {100, .1}, {500, .5}}

// Extraction is what a text's windows say together.
type Extraction struct {
	Windows  int64   // windows that the text was cut into
	Tested   int64   // of these, the ones whose suffix has a probability or is known to be greedy or not
	Greedy   int64   // of these, the ones whose suffix is greedy
	MaxP     float64 // greatest probability of a suffix; NaN when none is known
	Coverage float64 // share of the characters inside the suffix of a window with p >= ExtractableP; NaN when unknown
	At       []At    // by tau; nil without windows

	Best      *Extracted // the likeliest window that shows extraction; nil when none does
	Repeating int64      // windows given back whose suffix only repeats a run of ten tokens from before it
	Primed    int64      // windows given back after other prefixes as well: their mean probability there is at least ExtractableP
	Untold    int64      // windows given back of which it cannot be told whether they repeat, for want of token ids
}

// At is what the windows with a probability of at least tau say. NaN is unknown.
type At struct {
	Permille      int64   // Tau in thousandths
	Extracted     int64   // windows, full softmax
	ExtractedTopK int64   // windows, sampling from the k likeliest
	Coverage      float64 // share of the text's characters inside their suffixes
	CoverageTopK  float64
}

// Extracted is a window whose suffix the model gives back: its probability is at least ExtractableP or it is greedy, and it shares
// no run of ten tokens with what stands before it.
type Extracted struct {
	Window, PrefixTokens, SuffixTokens int64
	P                                  float64 // NaN when unknown
	Greedy                             bool
}

// extraction says what the windows say together.
func extraction(text []byte, windows []Window) Extraction {
	e := Extraction{Windows: int64(len(windows)), MaxP: nan, Coverage: nan}
	if len(windows) == 0 {
		return e
	}
	maxLogP, best := nan, nan
	for i := range windows {
		v := &windows[i]
		if defined(v.LogP) && !(v.LogP <= maxLogP) {
			maxLogP = v.LogP
		}
		if !defined(v.LogP) && v.Greedy == Unknown {
			continue
		}
		e.Tested++
		if v.Greedy == Yes {
			e.Greedy++
		}
		switch {
		case !v.given():
		case v.Repeating == Unknown:
			e.Untold++
		case v.Repeating == Yes:
			e.Repeating++
		case math.Exp(v.PriorLogP) >= ExtractableP:
			e.Primed++
		case e.Best == nil || v.LogP > best || defined(v.LogP) && !defined(best):
			best = v.LogP
			e.Best = &Extracted{Window: v.Index, PrefixTokens: v.PrefixTokens, SuffixTokens: v.SuffixTokens,
				P: math.Exp(v.LogP), Greedy: v.Greedy == Yes}
		}
	}
	e.MaxP = math.Exp(maxLogP)
	for _, tau := range taus {
		at := At{Permille: tau.permille}
		at.Extracted, at.Coverage = coverage(text, windows, tau.p, func(v *Window) float64 { return math.Exp(v.LogP) })
		at.ExtractedTopK, at.CoverageTopK = coverage(text, windows, tau.p, func(v *Window) float64 {
			if v.TopKExcluded == Yes {
				return 0
			}
			return math.Exp(v.LogPTopK)
		})
		e.At = append(e.At, at)
	}
	e.Coverage = e.At[0].Coverage
	return e
}

// coverage returns how many windows have a probability of at least tau, and the share of the text's characters that begin inside the
// suffix of one of them: NaN when no window's probability or no window's place is known. A byte that is not UTF-8 is a character.
func coverage(text []byte, windows []Window, tau float64, p func(*Window) float64) (extracted int64, share float64) {
	known := false
	var suffixes [][2]int64
	for i := range windows {
		v := &windows[i]
		z := p(v)
		if z >= tau {
			extracted++
		}
		if !defined(z) || v.SuffixByteStart < 0 {
			continue
		}
		known = true
		if z >= tau {
			suffixes = append(suffixes, [2]int64{v.SuffixByteStart, v.ByteEnd})
		}
	}
	if !known || len(text) == 0 {
		return extracted, nan
	}
	slices.SortFunc(suffixes, func(a, b [2]int64) int { return cmp.Compare(a[0], b[0]) })
	characters, covered, end := 0, 0, int64(0)
	for at := 0; at < len(text); characters++ {
		for len(suffixes) > 0 && suffixes[0][0] <= int64(at) {
			end, suffixes = max(end, suffixes[0][1]), suffixes[1:]
		}
		if int64(at) < end {
			covered++
		}
		_, size := utf8.DecodeRune(text[at:])
		at += size
	}
	return extracted, float64(covered) / float64(characters)
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

// Rows returns the text's rows of extraction, one per tau; none when it was not cut into windows. The columns that say whose they are
// (run_id, probe_id, model) are the caller's to fill.
func (e *Extraction) Rows() []schemas.Extraction {
	rows := make([]schemas.Extraction, len(e.At))
	for i, at := range e.At {
		rows[i] = schemas.Extraction{
			TauPermille: at.Permille, Windows: e.Windows, Tested: e.Tested, Greedy: e.Greedy,
			Extracted: at.Extracted, ExtractedTopK: at.ExtractedTopK,
			Coverage: number(at.Coverage), CoverageTopK: number(at.CoverageTopK),
		}
	}
	return rows
}
