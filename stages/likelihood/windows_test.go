package likelihood_test

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"palimpsest/stages/likelihood"
	"palimpsest/stages/model"
)

func logs(p ...float64) []float64 {
	out := make([]float64, len(p))
	for i, v := range p {
		out[i] = math.Log(v)
	}
	return out
}

// The table of methods.md, section 5.
func TestDraws(t *testing.T) {
	targets := []float64{.1, .5, .9, .99, .999}
	for _, c := range []struct {
		p    float64
		want [5]int64
	}{
		{.162, [5]int64{1, 4, 14, 27, 40}},
		{.001, [5]int64{106, 693, 2302, 4603, 6905}},
		{.5, [5]int64{1, 1, 4, 7, 10}},
		{1, [5]int64{1, 1, 1, 1, 1}},
	} {
		for i, target := range targets {
			if n, ok := likelihood.Draws(math.Log(c.p), target); !ok || n != c.want[i] {
				t.Errorf("p_z %g: %d draws for p = %g (%v), want %d", c.p, n, target, ok, c.want[i])
			}
		}
	}
	for _, logP := range []float64{math.Inf(-1), -800, math.Log(1e-17), math.NaN()} {
		if n, ok := likelihood.Draws(logP, .5); ok {
			t.Errorf("log p %g: %d draws, want null", logP, n)
		}
	}
	if n, ok := likelihood.Draws(math.Log(1e-15), .5); !ok || n < 693147180559900 || n > 693147180560000 {
		t.Errorf("p_z 1e-15: %d draws, %v", n, ok)
	}
}

// topKSteps are the worked steps of methods.md, section 5.
func topKSteps() model.Scored {
	return model.Scored{
		LogProbs:    logs(.5, .35, .15),
		TokenIDs:    []int64{0, 1, 2},
		Ranks:       []int64{1, 2, 3},
		TopIDs:      [][]int64{{0, 1, 2, 3}, {0, 1, 2, 3}, {0, 1, 2, 3}},
		TopLogProbs: [][]float64{logs(.5, .3, .1, .1), logs(.4, .35, .15, .1), logs(.6, .2, .15, .05)},
	}
}

func TestTopK(t *testing.T) {
	one := func(s model.Scored, k int) likelihood.Window {
		t.Helper()
		return score(t, "abc", s, likelihood.Windows{Suffix: len(s.LogProbs), Stride: 1, TopK: k}).Windows[0]
	}
	for _, c := range []struct {
		k    int
		want float64
		out  likelihood.Answer
	}{{1, nan, likelihood.Yes}, {2, nan, likelihood.Yes}, {3, math.Log(.0307017544), likelihood.No}, {4,
		math.Log(.02625), likelihood.No},
		{5, math.Log(.02625), likelihood.No}} {
		v := one(topKSteps(), c.k)
		if math.Abs(math.Exp(v.LogPTopK)-math.Exp(c.want)) > 1e-9 || math.IsNaN(v.LogPTopK) != math.IsNaN(c.want) || v.TopKExcluded != c.out {
			t.Errorf("k=%d: %v, excluded %v; want %v, %v", c.k, v.LogPTopK, v.TopKExcluded, c.want, c.out)
		}
		s := topKSteps()
		s.TokenIDs, s.TopIDs = nil, nil // told by the log-probabilities alone
		if w := one(s, c.k); w.TopKExcluded != v.TopKExcluded || !near(w.LogPTopK, v.LogPTopK) {
			t.Errorf("k=%d without ids: %+v, want %+v", c.k, w, v)
		}
		check(t, "log_p", v.LogP, math.Log(.02625))
	}

	// k = 3 at the first step keeps the tie at .1: four tokens, of mass 1.
	tie := model.Scored{LogProbs: logs(.1), TokenIDs: []int64{3}, TopIDs: [][]int64{{0, 1, 2, 3}},
		TopLogProbs: [][]float64{logs(.5, .3, .1, .1)}}
	check(t, "a tie at the k-th", one(tie, 3).LogPTopK, math.Log(.1))

	short := model.Scored{LogProbs: logs(.5), TokenIDs: []int64{0}, TopIDs: [][]int64{{0, 1}},
		TopLogProbs: [][]float64{logs(.5, .2)}}
	if v := one(short, 3); v.TopKExcluded != likelihood.Unknown || !math.IsNaN(v.LogPTopK) {
		t.Errorf("two entries of three: %+v", v)
	}
	if v := one(short, 2); v.TopKExcluded != likelihood.No {
		t.Errorf("two entries of two: %+v", v)
	}
	if row := one(topKSteps(), 2); row.Row().LogPTopK != nil || !*row.Row().TopKExcluded {
		t.Errorf("an excluded token is stored as null with a flag, got %+v", row.Row())
	}
	unknown := one(short, 3)
	if row := unknown.Row(); row.LogPTopK != nil || row.TopKExcluded != nil {
		t.Errorf("got %+v", row)
	}
}

func ids(n int) []int64 {
	out := make([]int64, n)
	for i := range out {
		out[i] = int64(i)
	}
	return out
}

func TestWindowsOfColumns(t *testing.T) {
	text := strings.Repeat("é", 10) // a token a character, two bytes each
	s := model.Scored{
		LogProbs: []float64{nan, -1, -.5, -.25, -.125, -.5, -3, -3, -4, -4},
		TokenIDs: ids(10), Offsets: []int64{0, 2, 4, 6, 8, 10, 12, 14, 16, 18},
		Ranks: []int64{0, 2, 1, 1, 1, 1, 3, 3, 3, 3},
	}
	w := likelihood.Windows{Prefix: 2, Suffix: 3, Stride: 2, TopK: 40}
	r := score(t, text, s, w)
	if len(r.Windows) != 3 {
		t.Fatalf("%d windows, want 3", len(r.Windows))
	}
	first := r.Windows[0].Row()
	if *first.LogP != -.875 || !*first.Greedy || *first.ByteStart != 0 || *first.SuffixByteStart != 4 || *first.ByteEnd != 10 ||
		first.PrefixTokens != 2 || first.SuffixTokens != 3 || first.LogPTopK != nil || *first.DrawsForP50 != 2 || *first.DrawsForP90 != 5 {
		t.Errorf("the first window: %+v", first)
	}
	// Later windows exist, but the columns hold their suffix only after a longer prefix.
	for i, v := range r.Windows[1:] {
		row := v.Row()
		if row.WindowIndex != int64(i+1) || *row.ByteStart != int64(4*(i+1)) || row.LogP != nil || row.Greedy != nil || row.DrawsForP50 != nil ||
			row.TopKExcluded != nil || row.PrefixTokens != 2 {
			t.Errorf("window %d: %+v", i+1, row)
		}
	}
	e := r.Extraction
	if e.Windows != 3 || e.Tested != 1 || e.Best == nil || e.Best.Window != 0 || !e.Best.Greedy || e.Coverage != .3 {
		t.Errorf("got %+v, best %+v", e, e.Best)
	}
	check(t, "max_p", e.MaxP, math.Exp(-.875))

	w.Context = likelihood.ContextText
	r = score(t, text, s, w)
	if v := r.Windows[2]; v.PrefixTokens != 6 || v.LogP != -10 || v.Greedy != likelihood.No {
		t.Errorf("the last window given all text before it: %+v", v)
	}
	if e := r.Extraction; e.Tested != 3 || math.Abs(e.Coverage-.5) > 1e-12 { // suffixes [2,5) and [4,7)
		t.Errorf("got %+v", e)
	}

	short := score(t, text, s, likelihood.Windows{Prefix: 8, Suffix: 3, Stride: 1, TopK: 40})
	if e := short.Extraction; e.Windows != 0 || !math.IsNaN(e.MaxP) || !math.IsNaN(e.Coverage) || e.Best != nil {
		t.Errorf("a text shorter than a window: %+v", e)
	}
	s.Offsets = nil
	if e := score(t, text, s, w).Extraction; !math.IsNaN(e.Coverage) || e.Best == nil {
		t.Errorf("without offsets the coverage is null and the window stands: %+v", e)
	}
}

func TestSuffixThatRepeatsItsPrefix(t *testing.T) {
	n := 40
	lps := make([]float64, n) // certain throughout
	w := likelihood.Windows{Prefix: 20, Suffix: 20, Stride: 1, TopK: 40}
	text := strings.Repeat("x", n)
	repeat := func(run int) *likelihood.Score {
		tokens := ids(n)
		copy(tokens[25:25+run], tokens[3:3+run])
		return score(t, text, model.Scored{LogProbs: append([]float64(nil), lps...), TokenIDs: tokens}, w)
	}
	if e := repeat(9).Extraction; e.Best == nil || e.Repeating != 0 {
		t.Errorf("a run of nine: %+v", e)
	}
	if e := repeat(10).Extraction; e.Best != nil || e.Repeating != 1 {
		t.Errorf("a run of ten: %+v", e)
	}
	if e := score(t, text, model.Scored{LogProbs: lps}, w).Extraction; e.Best != nil || e.Untold != 1 {
		t.Errorf("without token ids: %+v", e)
	}
}

func TestWindowsAreChecked(t *testing.T) {
	for _, w := range []likelihood.Windows{
		{Prefix: -1, Suffix: 1, Stride: 1, TopK: 1}, {Suffix: 0, Stride: 1, TopK: 1}, {Suffix: 1, TopK: 1}, {Suffix: 1, Stride: 1},
		{Suffix: 1, Stride: 1, TopK: 1, Context: "all"},
	} {
		if _, err := likelihood.NewScorer(w); err == nil {
			t.Errorf("%+v was accepted", w)
		}
	}
}

// Coverage and repetition against the plainest reading of their definitions.
func TestWindowsAgainstOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 50).Draw(t, "n")
		runes := rapid.SliceOfN(rapid.SampledFrom([]string{"a", "é", "漢", "\xff"}), n, n).Draw(t, "runes")
		lps := rapid.SliceOfN(rapid.SampledFrom([]float64{0, -.1, -2, -6}), n, n).Draw(t, "lps")
		tokens := rapid.SliceOfN(rapid.Int64Range(0, 1), n, n).Draw(t, "tokens")
		w := likelihood.Windows{Prefix: rapid.IntRange(0, 14).Draw(t, "prefix"), Suffix: rapid.IntRange(1, 14).Draw(t, "suffix"),
			Stride: rapid.IntRange(1, 4).Draw(t, "stride"), TopK: 1, Context: likelihood.ContextText}
		text := strings.Join(runes, "")
		offsets := make([]int64, n)
		for i := range n - 1 {
			offsets[i+1] = offsets[i] + int64(len(runes[i]))
		}
		covered := make([]bool, n)
		tested, repeating := int64(0), int64(0)
		for start := 0; start+w.Prefix+w.Suffix <= n; start += w.Stride {
			from, to := start+w.Prefix, start+w.Prefix+w.Suffix
			sum := 0.0
			for _, lp := range lps[from:to] {
				sum += lp
			}
			tested++
			if math.Exp(sum) < .001 {
				continue
			}
			for i := from; i < to; i++ {
				covered[i] = true
			}
			if sharesRun(tokens[:from], tokens[from:to], 10) {
				repeating++
			}
		}
		c, err := likelihood.NewScorer(w)
		if err != nil {
			t.Fatal(err)
		}
		r, err := c.Score([]byte(text), &model.Scored{LogProbs: lps, TokenIDs: tokens, Offsets: offsets})
		if err != nil {
			t.Fatal(err)
		}
		e := r.Extraction
		want := 0.0
		for _, c := range covered {
			if c {
				want++
			}
		}
		want /= float64(n)
		if tested == 0 {
			want = nan
		}
		if e.Tested != tested || e.Repeating != repeating || !near(e.Coverage, want) {
			t.Fatalf("tested %d, repeating %d, coverage %v; want %d, %d, %v", e.Tested, e.Repeating, e.Coverage, tested, repeating, want)
		}
	})
}

func sharesRun(a, b []int64, n int) bool {
	for i := 0; i+n <= len(a); i++ {
	next:
		for j := 0; j+n <= len(b); j++ {
			for k := range n {
				if a[i+k] != b[j+k] {
					continue next
				}
			}
			return true
		}
	}
	return false
}
