package likelihood_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"palimpsest/stages/likelihood"
	"palimpsest/stages/model"
	"palimpsest/stages/model/modeltest"
)

// suffixLogP is the log-probability of a suffix after a prefix, worked out from the model.
func suffixLogP(prefix, suffix []byte) float64 {
	sum := 0.0
	text := slices.Clone(prefix)
	for _, b := range suffix {
		sum += modeltest.LogProbs(text)[b]
		text = append(text, b)
	}
	return sum
}

func examine(t testing.TB, e model.Engine, q likelihood.Questions, text likelihood.Text) *likelihood.Score {
	t.Helper()
	x, err := likelihood.NewExaminer(e, q)
	if err != nil {
		t.Fatal(err)
	}
	r, _, err := x.Examine(context.Background(), text)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Each window is asked by itself: its suffix's probability is that after its own prefix, not after the text before it.
func TestExamineWindows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := []byte(rapid.StringMatching(`[a-f]{0,40}`).Draw(t, "text"))
		w := likelihood.Windows{Prefix: rapid.IntRange(0, 5).Draw(t, "prefix"), Suffix: rapid.IntRange(1, 6).Draw(t, "suffix"),
			Stride: rapid.IntRange(1, 7).Draw(t, "stride"), TopK: rapid.IntRange(1, 256).Draw(t, "top k")}
		x, err := likelihood.NewExaminer(&modeltest.Engine{}, likelihood.Questions{Windows: w})
		if err != nil {
			t.Fatal(err)
		}
		r, _, err := x.Examine(context.Background(), likelihood.Text{Bytes: text})
		if err != nil {
			t.Fatal(err)
		}
		n := 0
		for start := 0; start+w.Prefix+w.Suffix <= len(text); start += w.Stride {
			from, to := start+w.Prefix, start+w.Prefix+w.Suffix
			v := r.Windows[n]
			if want := suffixLogP(text[start:from], text[from:to]); math.Abs(v.LogP-want) > 1e-12 {
				t.Fatalf("window %d: log p %v, want %v", n, v.LogP, want)
			}
			if want := topKLogP(text[start:from], text[from:to], w.TopK); !near(v.LogPTopK, want) ||
				(v.TopKExcluded == likelihood.Yes) != math.IsNaN(want) {
				t.Fatalf("window %d: top k %v (excluded %v), want %v", n, v.LogPTopK, v.TopKExcluded, want)
			}
			if v.ByteStart != int64(start) || v.SuffixByteStart != int64(from) || v.ByteEnd != int64(to) || v.Index != int64(n) {
				t.Fatalf("window %d stands at %+v", n, v)
			}
			n++
		}
		if len(r.Windows) != n {
			t.Fatalf("%d windows, want %d", len(r.Windows), n)
		}
	})
}

// topKLogP samples from the k likeliest, ties kept; NaN when a byte is not among them.
func topKLogP(prefix, suffix []byte, k int) float64 {
	sum := 0.0
	text := slices.Clone(prefix)
	for _, b := range suffix {
		lps := modeltest.LogProbs(text)
		sorted := slices.Sorted(slices.Values(lps))
		least := sorted[len(sorted)-k]
		if lps[b] < least {
			return math.NaN()
		}
		mass := 0.0
		for _, v := range lps {
			if v >= least {
				mass += math.Exp(v)
			}
		}
		sum += lps[b] - math.Log(mass)
		text = append(text, b)
	}
	return sum
}

func TestExamineLowercase(t *testing.T) {
	r := examine(t, &modeltest.Engine{}, likelihood.Questions{Lowercase: true}, likelihood.Text{Bytes: []byte("The Cat")})
	check(t, "log_prob", r.LogProb, suffixLogP(nil, []byte("The Cat")))
	check(t, "lowercase_ratio", r.LowercaseRatio, suffixLogP(nil, []byte("the cat"))/suffixLogP(nil, []byte("The Cat")))
	if r := examine(t, &modeltest.Engine{}, likelihood.Questions{Lowercase: true},
		likelihood.Text{Bytes: []byte("A\xff")}); !math.IsNaN(r.LowercaseRatio) {
		t.Errorf("a text that is not UTF-8 has no lower case, got %v", r.LowercaseRatio)
	}
}

// prior_lift is that of the likeliest window, and a window that other prefixes give back too shows no extraction.
func TestExaminePrior(t *testing.T) {
	text := []byte("xyabcdefgh..zq")
	w := likelihood.Windows{Prefix: 2, Suffix: 4, Stride: 1, TopK: 1}
	others := [][]byte{[]byte(".0"), []byte(".a")}
	var ids [][]int64
	for i := range others {
		ids = append(ids, []int64{int64(others[i][0]), int64(others[i][1])})
	}
	r := examine(t, &modeltest.Engine{}, likelihood.Questions{Windows: w}, likelihood.Text{Bytes: text, Priors: ids})
	best := 0
	for i, v := range r.Windows {
		if v.LogP > r.Windows[best].LogP {
			best = i
		}
		given := math.Exp(v.LogP) >= .001 || v.Greedy == likelihood.Yes
		suffix := text[i+2 : i+6]
		want := math.Log((math.Exp(suffixLogP(others[0], suffix)) + math.Exp(suffixLogP(others[1], suffix))) / 2)
		if given && !near(v.PriorLogP, want) {
			t.Errorf("window %d: prior %v, want %v", i, v.PriorLogP, want)
		}
	}
	check(t, "prior_lift", r.PriorLift, r.Windows[best].LogP-r.Windows[best].PriorLogP)
	primed := int64(0)
	for _, v := range r.Windows {
		if math.Exp(v.LogP) >= .001 && math.Exp(v.PriorLogP) >= .001 {
			primed++
		}
	}
	if primed == 0 || r.Extraction.Primed != primed {
		t.Errorf("%d windows that other prefixes give back as well, want %d above 0", r.Extraction.Primed, primed)
	}
}

func TestExamineCooper(t *testing.T) {
	text := []byte("aé" + strings.Repeat("bcdefghij", 5))
	w := likelihood.Windows{Prefix: 4, Suffix: 3, Stride: 2, TopK: 5, Profile: likelihood.ProfileCooper}
	r := examine(t, &modeltest.Engine{}, likelihood.Questions{Windows: w}, likelihood.Text{Bytes: text})
	if got := r.Windows[1]; got.ByteStart != 3 || got.SuffixByteStart != 7 || got.ByteEnd != 10 { // two characters are three bytes
		t.Errorf("the second window stands at %+v", got)
	}
	last := r.Windows[len(r.Windows)-1]
	if left := int64(len(text)) - last.ByteEnd; left < 0 || left >= 2 {
		t.Errorf("%d bytes are left after the last window", left)
	}
	for _, v := range r.Windows {
		if want := suffixLogP(text[v.ByteStart:v.SuffixByteStart], text[v.SuffixByteStart:v.ByteEnd]); math.Abs(v.LogP-want) > 1e-12 {
			t.Errorf("window %d: %v, want %v", v.Index, v.LogP, want)
		}
	}
}

// A text longer than the context is scored whole, each token once.
func TestExamineLongText(t *testing.T) {
	e := &modeltest.Engine{Context: 16}
	text := []byte(strings.Repeat("abcdefg", 20))
	r := examine(t, e, likelihood.Questions{}, likelihood.Text{Bytes: text})
	if r.ScoredTokens != 140 || e.Asked.Load() != 140 || r.Bytes != 140 {
		t.Errorf("%d tokens scored, %d asked for, %d bytes; want 140", r.ScoredTokens, e.Asked.Load(), r.Bytes)
	}
	if _, err := likelihood.NewExaminer(e, likelihood.Questions{Windows: likelihood.Windows{Prefix: 10, Suffix: 7, Stride: 1, TopK: 1}}); err == nil {
		t.Error("windows longer than the context are taken")
	}
}

func TestExaminePermutations(t *testing.T) {
	text := "The a of b."
	r := examine(t, &modeltest.Engine{}, likelihood.Questions{Permutations: 1000}, likelihood.Text{Bytes: []byte(text), Canary: true})
	if r.Permutations != 23 { // four words, 4! - 1
		t.Fatalf("%d permutations, want 23", r.Permutations)
	}
	rank := int64(1)
	for o := range likelihood.Orders(text, 1000, 0) {
		if suffixLogP(nil, []byte(o)) >= suffixLogP(nil, []byte(text)) {
			rank++
		}
	}
	if r.PermutationRank != rank {
		t.Errorf("rank %d, want %d", r.PermutationRank, rank)
	}
	if r := examine(t, &modeltest.Engine{}, likelihood.Questions{Permutations: 9}, likelihood.Text{Bytes: []byte(text)}); r.Permutations != 0 {
		t.Error("a text that is no canary was permuted")
	}
}

func TestOrders(t *testing.T) {
	if got, want := slices.Collect(likelihood.Orders("The cat sat.", 10, 1)), []string{"Cat sat the.", "Cat the sat.", "Sat cat the.", "Sat the cat.",
		"The sat cat."}; !slices.Equal(slices.Sorted(slices.Values(got)), want) {
		t.Errorf("all orders: %q", got)
	}
	long := "one two three four five six seven eight nine ten!"
	orders := func(seed uint64) []string { return slices.Collect(likelihood.Orders(long, 64, seed)) }
	a, b, c := orders(1), orders(1), orders(2)
	if len(a) != 64 || !slices.Equal(a, b) || slices.Equal(a, c) {
		t.Errorf("%d orders; equal seeds must give equal ones, and others other ones", len(a))
	}
	seen := map[string]bool{long: true}
	for _, o := range a {
		if seen[o] || !strings.HasSuffix(o, "!") || len(o) != len(long) {
			t.Errorf("order %q", o)
		}
		seen[o] = true
	}
	for _, same := range []string{"", "word", "word word word", "..."} {
		if got := slices.Collect(likelihood.Orders(same, 5, 1)); got != nil {
			t.Errorf("%q has the orders %q", same, got)
		}
	}
	if got := slices.Collect(likelihood.Orders(strings.Repeat("a ", 30)+"b", 100, 1)); len(got) != 30 {
		t.Errorf("thirty words alike and one other: %d orders, want 30", len(got))
	}
}

func TestExamineFaults(t *testing.T) {
	for name, edit := range map[string]func(*model.Scored){
		"short":    func(s *model.Scored) { s.LogProbs = s.LogProbs[:1] },
		"positive": func(s *model.Scored) { s.LogProbs[0] = 1 },
	} {
		x, err := likelihood.NewExaminer(&modeltest.Engine{Edit: edit}, likelihood.Questions{})
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = x.Examine(context.Background(), likelihood.Text{Bytes: []byte("abc")})
		if bad := (*likelihood.Unusable)(nil); !errors.As(err, &bad) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
