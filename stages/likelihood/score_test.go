package likelihood_test

import (
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"palimpsest/stages/baseline"
	"palimpsest/stages/likelihood"
	"palimpsest/stages/model"
)

var nan = math.NaN()

// near compares with the tolerance of methods.md, 1e-6 relative. NaN equals NaN.
func near(a, b float64) bool {
	if math.IsNaN(a) || math.IsNaN(b) {
		return math.IsNaN(a) && math.IsNaN(b)
	}
	return math.Abs(a-b) <= 1e-6*max(math.Abs(a), math.Abs(b), 1e-300)
}

func score(t testing.TB, text string, s model.Scored, w likelihood.Windows) *likelihood.Score {
	t.Helper()
	c, err := likelihood.NewScorer(w)
	if err != nil {
		t.Fatal(err)
	}
	r, err := c.Score([]byte(text), &s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func check(t *testing.T, what string, got, want float64) {
	t.Helper()
	if !near(got, want) {
		t.Errorf("%s = %v, want %v", what, got, want)
	}
}

// worked is the worked example of methods.md, section 4.
var worked = []float64{-.1, -2, -.5, -4, -.05, -1, -3, -.2, -.7, -6}

func TestScoresOfAText(t *testing.T) {
	text := "Colorless green ideas sleep furiously."
	r := score(t, text, model.Scored{LogProbs: append([]float64(nil), worked...)}, likelihood.Windows{})
	check(t, "log_prob", r.LogProb, -17.55)
	check(t, "perplexity", r.Perplexity, math.Exp(1.755))
	check(t, "min_k", r.MinK, -5)
	check(t, "bits_per_byte", r.BitsPerByte, 17.55/math.Ln2/38)
	check(t, "zlib_ratio", r.ZlibRatio, 17.55/math.Ln2/8/50)
	check(t, "min_k_pp", r.MinKPP, nan)
	if !r.BOS || r.Tokens != 10 || r.ScoredTokens != 10 || r.Bytes != 38 || r.Compressed == nil || r.Compressed.Zlib != 50 {
		t.Errorf("got %+v", r)
	}
	row := r.Row()
	if row.MinKPP != nil || row.LowercaseRatio != nil || row.PriorLift != nil || row.ReferenceLogRatio != nil ||
		row.MemorizedBits != nil {
		t.Errorf("a score that columns do not give is not null: %+v", row)
	}
	if row.ZlibImplementation == nil || *row.ZlibImplementation != baseline.ZlibImplementation || *row.ZlibBytes != 50 ||
		*row.ZstdImplementation != baseline.ZstdImplementation || *row.ZstdBytes != 47 ||
		*row.XZImplementation != baseline.XZImplementation || *row.XZBytes != 88 || *row.Bytes != 38 {
		t.Errorf("got %+v", row)
	}
}

func TestFirstTokenWithoutBOS(t *testing.T) {
	text := "The cat sat"
	lps := []float64{nan, -2, -3}
	r := score(t, text, model.Scored{LogProbs: lps, Offsets: []int64{0, 3, 7}}, likelihood.Windows{})
	check(t, "log_prob", r.LogProb, -5)
	check(t, "bits_per_byte", r.BitsPerByte, 5/math.Ln2/8)
	if r.BOS || r.ScoredTokens != 2 || r.Bytes != 8 || r.Compressed == nil {
		t.Errorf("got %+v", r)
	}
	r = score(t, text, model.Scored{LogProbs: lps}, likelihood.Windows{})
	check(t, "log_prob", r.LogProb, -5)
	check(t, "perplexity", r.Perplexity, math.Exp(2.5))
	check(t, "bits_per_byte without offsets", r.BitsPerByte, nan)
	if row := r.Row(); row.Bytes != nil || row.ZlibBytes != nil || row.ZlibRatio != nil || row.ZlibImplementation != nil ||
		row.ZstdBytes != nil || row.XZBytes != nil {
		t.Errorf("without offsets the scored bytes are unknown, got %+v", row)
	}
}

func TestGapMakesSumsNull(t *testing.T) {
	for name, lps := range map[string][]float64{
		"null":        {-1, nan, -3},
		"vLLM clamp":  {-1, -9999, -3},
		"minus inf":   {-1, math.Inf(-1), -3},
		"below clamp": {-1, -1e5, -3},
		"no BOS":      {nan, -2, nan},
	} {
		r := score(t, "abc", model.Scored{LogProbs: lps, Offsets: []int64{0, 1, 2}, Means: []float64{-1, -1, -1},
			Deviations: []float64{1, 1, 1}}, likelihood.Windows{})
		row := r.Row()
		if row.LogProb != nil || row.BitsPerByte != nil || row.Perplexity != nil || row.MinK != nil || row.MinKPP != nil ||
			row.ZlibRatio != nil {
			t.Errorf("%s: a sum that leaves a token out was given: %+v", name, row)
		}
		if r.Tokens != 3 || r.ScoredTokens >= 3 || r.Bytes < 0 {
			t.Errorf("%s: got %+v", name, row)
		}
	}
	if r := score(t, "abc", model.Scored{LogProbs: []float64{-1, -9999, math.Inf(-1)}},
		likelihood.Windows{}); r.Notes.Clamped != 2 {
		t.Errorf("%d clamps noted, want 2", r.Notes.Clamped)
	}
}

func TestNothingScored(t *testing.T) {
	for _, lps := range [][]float64{nil, {nan}} {
		text := strings.Repeat("a", len(lps))
		r := score(t, text, model.Scored{LogProbs: lps}, likelihood.Windows{})
		if row := r.Row(); row.LogProb != nil || row.Perplexity != nil || row.MinK != nil || row.ScoredTokens != 0 || row.BOS {
			t.Errorf("%v: got %+v", lps, row)
		}
	}
}

// The worked steps of methods.md, section 4: distributions of three tokens, and the tokens that came.
func TestMinKPlusPlus(t *testing.T) {
	steps := [][]float64{{.7, .2, .1}, {.5, .3, .2}, {.9, .05, .05}, {.25, .5, .25}, {.6, .3, .1}}
	tokens := []int{0, 2, 1, 1, 2}
	var s model.Scored
	for i, step := range steps {
		mean, square := 0.0, 0.0
		for _, p := range step {
			mean += p * math.Log(p)
			square += p * math.Log(p) * math.Log(p)
		}
		s.LogProbs = append(s.LogProbs, math.Log(step[tokens[i]]))
		s.Means = append(s.Means, mean)
		s.Deviations = append(s.Deviations, math.Sqrt(square-mean*mean))
	}
	r := score(t, "abcde", s, likelihood.Windows{})
	check(t, "min_k_pp", r.MinKPP, -3)
	for i, want := range []float64{.633092, -1.590008, -3, 1, -2.501457} {
		one := model.Scored{LogProbs: s.LogProbs[i : i+1], Means: s.Means[i : i+1], Deviations: s.Deviations[i : i+1]}
		if got := score(t, "a", one, likelihood.Windows{}).MinKPP; math.Abs(got-want) > 1e-6 {
			t.Errorf("z of step %d = %v, want %v", i, got, want)
		}
	}

	// A token whose deviation is 0 is left out; with none left the score is null, as it is without all moments.
	s.Deviations[2] = 0
	if got := score(t, "abcde", s, likelihood.Windows{}).MinKPP; math.Abs(got - -2.501457) > 1e-6 {
		t.Errorf("min_k_pp without step 2 = %v", got)
	}
	s.Means[1] = nan
	check(t, "min_k_pp without a moment", score(t, "abcde", s, likelihood.Windows{}).MinKPP, nan)
	check(t, "min_k_pp of equal likelihoods", score(t, "a", model.Scored{LogProbs: []float64{-1}, Means: []float64{-1},
		Deviations: []float64{0}}, likelihood.Windows{}).MinKPP, nan)
}

func TestMemorizedBits(t *testing.T) {
	for _, c := range []struct{ target, reference, bits float64 }{
		{-10, -60, 72.134752}, {-60, -10, 0}, {-35.5, -40.25, 6.852801},
	} {
		target := score(t, "abcdefghij", model.Scored{LogProbs: []float64{c.target}}, likelihood.Windows{})
		reference := score(t, "abcdefghij", model.Scored{LogProbs: []float64{c.reference / 2, c.reference / 2}}, likelihood.Windows{})
		likelihood.Compare(target, reference)
		check(t, "memorized_bits", target.MemorizedBits, c.bits)
		check(t, "reference_log_ratio", target.ReferenceLogRatio, (c.target-c.reference)/10)
	}
}

func TestCompareNeedsTheSameBytes(t *testing.T) {
	text := "The cat sat"
	with := func(lps []float64, offsets ...int64) *likelihood.Score {
		return score(t, text, model.Scored{LogProbs: lps, Offsets: offsets}, likelihood.Windows{})
	}
	for _, c := range []struct {
		name              string
		target, reference *likelihood.Score
		ratio             float64
	}{
		{"both with BOS, other tokens", with([]float64{-1, -2}), with([]float64{-3, -4, -5}), 9. / 11},
		{"both without BOS, same first token", with([]float64{nan, -2, -3}, 0, 3, 7), with([]float64{nan, -9}, 0, 3), 4. / 8},
		{"without BOS, other first token", with([]float64{nan, -2, -3}, 0, 3, 7), with([]float64{nan, -9}, 0, 4), nan},
		{"one with BOS, same first token", with([]float64{-7, -2, -3}, 0, 3, 7), with([]float64{nan, -9}, 0, 3), 4. / 8},
		{"one with BOS, no offsets", with([]float64{-7, -2, -3}), with([]float64{nan, -9}, 0, 3), nan},
		{"without BOS and offsets", with([]float64{nan, -2, -3}), with([]float64{nan, -2, -3}), nan},
		{"a gap", with([]float64{-7, nan, -3}), with([]float64{-1, -1, -1}), nan},
	} {
		likelihood.Compare(c.target, c.reference)
		check(t, c.name, c.target.ReferenceLogRatio, c.ratio)
		if math.IsNaN(c.ratio) != math.IsNaN(c.target.MemorizedBits) {
			t.Errorf("%s: memorized_bits = %v", c.name, c.target.MemorizedBits)
		}
	}
}

func TestCheckRefuses(t *testing.T) {
	for _, c := range []struct {
		name string
		s    model.Scored
		want string
	}{
		{"nothing", model.Scored{}, "no log-probabilities for a text of 2 bytes"},
		{"losses", model.Scored{LogProbs: []float64{-1, .5}}, "token 1: log-probability 0.5 is above 0"},
		{"infinity", model.Scored{LogProbs: []float64{math.Inf(1)}}, "token 0: log-probability +Inf is above 0"},
		{"short list", model.Scored{LogProbs: []float64{-1, -2}, TokenIDs: []int64{1}}, "1 token ids for 2 log-probabilities"},
		{"empty list", model.Scored{LogProbs: []float64{-1}, Ranks: []int64{}}, "0 ranks for 1 log-probabilities"},
		{"rank from 0", model.Scored{LogProbs: []float64{-1}, Ranks: []int64{0}}, "ranks count from 1"},
		{"deviation", model.Scored{LogProbs: []float64{-1}, Deviations: []float64{-1}}, "deviation -1"},
		{"mean", model.Scored{LogProbs: []float64{-1}, Means: []float64{math.Inf(-1)}}, "mean -Inf"},
		{"top not descending", model.Scored{LogProbs: []float64{-3}, TopLogProbs: [][]float64{{-2, -1}}}, "do not descend"},
		{"top mass", model.Scored{LogProbs: []float64{-3}, TopLogProbs: [][]float64{{-.1, -.1}}}, "add up to 1.8"},
		{"top NaN", model.Scored{LogProbs: []float64{-3}, TopLogProbs: [][]float64{{nan}}}, "has no log-probability"},
		{"top lists differ", model.Scored{LogProbs: []float64{-3}, TopLogProbs: [][]float64{{-1}}, TopIDs: [][]int64{{1, 2}}},
			"2 top ids for 1"},
		{"above the likeliest", model.Scored{LogProbs: []float64{-1}, TopLogProbs: [][]float64{{-2}}}, "shifted by one token?"},
		{"rank 1 elsewhere", model.Scored{LogProbs: []float64{-3}, Ranks: []int64{1}, TopLogProbs: [][]float64{{-2}}},
			"shifted by one token?"},
	} {
		_, err := c.s.Check([]byte("ab"))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
}

func TestCheckMends(t *testing.T) {
	s := model.Scored{LogProbs: []float64{5e-7, -9999, -1}, Ranks: []int64{1, 0, 3}}
	notes, err := s.Check([]byte("abc"))
	if err != nil || notes.Clamped != 1 || s.LogProbs[0] != 0 || !math.IsNaN(s.LogProbs[1]) {
		t.Errorf("got %+v, %+v, %v", s, notes, err)
	}
	for name, c := range map[string]struct {
		text    string
		offsets []int64
		bad     bool
	}{
		"in order":            {"abc", []int64{0, 1, 2}, false},
		"a token of no bytes": {"abc", []int64{0, 1, 1}, false},
		"at the end":          {"abc", []int64{0, 1, 3}, false},
		"past the text":       {"abc", []int64{0, 1, 4}, true},
		"decreasing":          {"abc", []int64{0, 2, 1}, true},
		"negative":            {"abc", []int64{-1, 1, 2}, true},
		"replaced bytes":      {"a\uFFFDc", []int64{0, 1, 2}, true},
	} {
		s := model.Scored{LogProbs: []float64{-1, -1, -1}, Offsets: c.offsets}
		notes, err := s.Check([]byte(c.text))
		if err != nil || notes.BadOffsets != c.bad || (s.Offsets == nil) != c.bad {
			t.Errorf("%s: %+v, %v, offsets %v", name, notes, err, s.Offsets)
		}
	}
}

func TestTokenRows(t *testing.T) {
	s := model.Scored{LogProbs: []float64{nan, -1.5}, TokenIDs: []int64{7, 8}, Offsets: []int64{0, 3}, Ranks: []int64{0, 2}}
	ref := model.Scored{LogProbs: []float64{nan, -4}, TokenIDs: []int64{7, 8}}
	rows := likelihood.TokenRows([]byte("The cat"), &s, &ref)
	if len(rows) != 2 || rows[0].LogProb != nil || rows[0].Rank != nil || *rows[0].ByteEnd != 3 || *rows[1].ByteStart != 3 ||
		*rows[1].ByteEnd != 7 || *rows[1].TokenID != 8 || *rows[1].Rank != 2 || *rows[1].LogProb != -1.5 || *rows[1].ReferenceLogProb != -4 {
		t.Errorf("got %+v", rows)
	}
	ref.TokenIDs = []int64{7, 9}
	if rows := likelihood.TokenRows([]byte("The cat"), &s, &ref); rows[1].ReferenceLogProb != nil {
		t.Error("the reference's value was given for other tokens")
	}
}

// A scorer keeps buffers; what it scored before must not show.
func TestScorerHasNoMemory(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringN(1, 40, -1).Draw(t, "text")
		lps := rapid.SliceOfN(rapid.Float64Range(-20, 0), 1, 60).Draw(t, "lps")
		w := likelihood.Windows{Prefix: 2, Suffix: 3, Stride: 2, TopK: 2, Context: likelihood.ContextText}
		fresh, _ := likelihood.NewScorer(w)
		used, _ := likelihood.NewScorer(w)
		other := model.Scored{LogProbs: []float64{-1, -2, -3, -.1, -5}, TokenIDs: []int64{1, 1, 1, 1, 1}}
		if _, err := used.Score([]byte("another text"), &other); err != nil {
			t.Fatal(err)
		}
		a, err := fresh.Score([]byte(text), &model.Scored{LogProbs: append([]float64(nil), lps...)})
		if err != nil {
			t.Fatal(err)
		}
		b, err := used.Score([]byte(text), &model.Scored{LogProbs: append([]float64(nil), lps...)})
		if err != nil {
			t.Fatal(err)
		}
		if *a.Compressed != *b.Compressed || a.MinK != b.MinK || a.LogProb != b.LogProb || a.Extraction.MaxP != b.Extraction.MaxP &&
			!(math.IsNaN(a.Extraction.MaxP) && math.IsNaN(b.Extraction.MaxP)) {
			t.Fatalf("%+v\n%+v", a, b)
		}
	})
}

// Whatever the lists hold: an error or a score, never a panic; and what passes the check gives probabilities.
func FuzzScore(f *testing.F) {
	f.Add("The cat sat", []byte{1, 2, 3, 200, 5, 6}, uint8(0xff), uint8(3))
	f.Add("a\uFFFDb", []byte{0, 0, 9}, uint8(1), uint8(0))
	f.Add("", []byte{}, uint8(2), uint8(9))
	f.Fuzz(func(t *testing.T, text string, data []byte, have, shape uint8) {
		at := 0
		next := func() int {
			if len(data) == 0 {
				return 0
			}
			at++
			return int(data[at%len(data)]) + at/len(data)
		}
		n := len(data) + int(shape&1)
		floats := func() []float64 {
			special := []float64{nan, math.Inf(-1), -9999, 0, 1e-7}
			out := make([]float64, 0, n)
			for range n {
				if v := next(); v%16 == 15 {
					out = append(out, special[v/16%len(special)])
				} else {
					out = append(out, -float64(v)/8)
				}
			}
			return out
		}
		ints := func() []int64 {
			out := make([]int64, 0, n)
			for range n {
				out = append(out, int64(next()%9)-1)
			}
			return out
		}
		s := model.Scored{LogProbs: floats()}
		if have&1 != 0 {
			s.TokenIDs = ints()
		}
		if have&2 != 0 {
			s.Offsets = ints()
		}
		if have&4 != 0 {
			s.Ranks = ints()
		}
		if have&8 != 0 {
			s.Means, s.Deviations = floats(), floats()
			for i := range s.Deviations {
				s.Deviations[i] = -s.Deviations[i]
			}
		}
		if have&16 != 0 {
			s.TopLogProbs = make([][]float64, n)
			s.TopIDs = make([][]int64, n)
			for i := range n {
				for j := range next() % 4 {
					s.TopLogProbs[i] = append(s.TopLogProbs[i], -float64(i%3)-float64(j))
					s.TopIDs[i] = append(s.TopIDs[i], int64(next()))
				}
			}
		}
		w := likelihood.Windows{Prefix: int(shape >> 1 & 3), Suffix: 1 + int(shape>>3&3), Stride: 1 + int(shape>>5), TopK: 2}
		if have&32 != 0 {
			w.Context = likelihood.ContextText
		}
		c, err := likelihood.NewScorer(w)
		if err != nil {
			t.Fatal(err)
		}
		r, err := c.Score([]byte(text), &s)
		if err != nil {
			return
		}
		row := r.Row()
		for _, v := range []*float64{row.LogProb, row.BitsPerByte, row.Perplexity, row.MinK, row.MinKPP, row.ZlibRatio} {
			if v != nil && (math.IsNaN(*v) || math.IsInf(*v, 0)) {
				t.Errorf("a score is %v", *v)
			}
		}
		if e := r.Extraction; e.MaxP > 1 || e.Coverage > 1 {
			t.Errorf("got %+v", e)
		}
		likelihood.TokenRows([]byte(text), &s, &s)
		for i := range r.Windows {
			r.Windows[i].Row()
		}
	})
}
