package llama_test

import (
	"bytes"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/parquet-go/parquet-go"

	"palimpsest/stages/llama"
	"palimpsest/stages/model"
)

var testbed = filepath.Join("..", "..", "..", "shared", "testbed")

// open opens a model, or skips the test where it is not.
func open(t testing.TB, path string, o llama.Options) *llama.Engine {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Skipf("the model is not here: %v", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	e, err := llama.Open(t.Context(), f, info.Size(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

func openTestbed(t testing.TB, o llama.Options) *llama.Engine {
	return open(t, filepath.Join(testbed, "target.gguf"), o)
}

// reference is what PyTorch computed for a text of the testbed.
type reference struct {
	ID         string    `parquet:"id,optional"`
	IDs        []int64   `parquet:"token_ids,list,optional"`
	Offsets    []int64   `parquet:"byte_off,list,optional"`
	LogProbs   []float64 `parquet:"logprob,list,optional"`
	Ranks      []int64   `parquet:"rank,list,optional"`
	Means      []float64 `parquet:"mu,list,optional"`
	Deviations []float64 `parquet:"sd,list,optional"`
}

func rows[T any](t testing.TB, file string) []T {
	t.Helper()
	rows, err := parquet.ReadFile[T](filepath.Join(testbed, file))
	if err != nil {
		t.Skipf("the testbed is not here: %v", err)
	}
	return rows
}

// some leaves out what would take long: of short tests all but every sixteenth row.
func some[T any](all []T) []T {
	step := every
	if testing.Short() {
		step = 16
	}
	var kept []T
	for i := 0; i < len(all); i += step {
		kept = append(kept, all[i])
	}
	return kept
}

// likeliest are the testbed's five likeliest tokens at every place of a text: lists of lists, spelt out.
type likeliest struct {
	ID     string `parquet:"id,optional"`
	TopIDs []struct {
		List []struct {
			Element int64 `parquet:"element,optional"`
		} `parquet:"list"`
	} `parquet:"top_ids,list,optional"`
}

// The engine says of the testbed's tokens what PyTorch says, to the rounding of float32 sums in another order.
func TestTestbed(t *testing.T) {
	e := openTestbed(t, llama.Options{})
	want := some(rows[reference](t, "token_logprobs.parquet"))
	top := some(rows[likeliest](t, "token_logprobs.parquet"))
	requests := make([]model.Request, len(want))
	for i, r := range want {
		requests[i] = model.Request{IDs: r.IDs, Top: 5}
	}
	got, err := e.Score(t.Context(), requests)
	if err != nil {
		t.Fatal(err)
	}
	var sum, worst, worstMean, worstDeviation float64
	n, otherRanks, otherTops := 0, 0, 0
	for i, r := range want {
		g := got[i]
		if _, err := g.Check(nil); err != nil {
			t.Fatalf("%s: %v", r.ID, err)
		}
		for j, lp := range r.LogProbs {
			d := math.Abs(g.LogProbs[j] - lp)
			sum, worst, n = sum+d, max(worst, d), n+1
			worstMean = max(worstMean, math.Abs(g.Means[j]-r.Means[j]))
			worstDeviation = max(worstDeviation, math.Abs(g.Deviations[j]-r.Deviations[j]))
			if g.Ranks[j] != r.Ranks[j] {
				otherRanks++
			}
			if len(top[i].TopIDs[j].List) != 5 {
				t.Fatalf("%s: %d likeliest tokens were read", r.ID, len(top[i].TopIDs[j].List))
			}
			for k, v := range top[i].TopIDs[j].List {
				if g.TopIDs[j][k] != v.Element {
					otherTops++
				}
			}
		}
	}
	t.Logf("%d tokens: log-probabilities differ by %.2g on average and %.2g at most, means by %.2g, deviations by %.2g; %d other ranks, "+
		"%d others of the five likeliest", n, sum/float64(n), worst, worstMean, worstDeviation, otherRanks, otherTops)
	if sum/float64(n) > 2e-5 || worst > 2e-4 || worstMean > 2e-4 || worstDeviation > 2e-4 {
		t.Error("the values are not PyTorch's")
	}
	if otherRanks > n/5000 || otherTops > n/1000 { // ties to the last bits of float32, which change two places
		t.Errorf("%d ranks and %d of the likeliest of %d tokens are not PyTorch's", otherRanks, otherTops, n)
	}
}

// The texts' tokens and offsets are those of the testbed, but for texts that were cut or edited within a token.
func TestTestbedTokens(t *testing.T) {
	e := openTestbed(t, llama.Options{})
	type text struct {
		ID   string `parquet:"id,optional"`
		Text string `parquet:"text,optional"`
	}
	texts, want := rows[text](t, "ground_truth.parquet"), rows[reference](t, "token_logprobs.parquet")
	same := 0
	for i, r := range texts {
		got, err := e.Tokenize(t.Context(), []byte(r.Text))
		if err != nil {
			t.Fatal(err)
		}
		if slices.Equal(got.IDs, want[i].IDs) {
			same++
			if !slices.Equal(got.Offsets, want[i].Offsets) {
				t.Errorf("%s: offsets %d, want %d", r.ID, got.Offsets, want[i].Offsets)
			}
		}
	}
	if same != 1458 || len(texts) != 1480 {
		t.Errorf("%d of %d texts have the testbed's tokens, want 1458 of 1480", same, len(texts))
	}
}

// Greedy continuations are PyTorch's up to the end of the document, which the testbed ran past.
func TestTestbedGenerations(t *testing.T) {
	e := openTestbed(t, llama.Options{})
	type generation struct {
		ID     string    `parquet:"gen_id,optional"`
		Kind   string    `parquet:"kind,optional"`
		Prompt []int64   `parquet:"prompt_ids,list,optional"`
		IDs    []int64   `parquet:"ids,list,optional"`
		Probs  []float64 `parquet:"logprob,list,optional"`
	}
	var want []generation
	var prompts []model.Prompt
	for _, g := range some(rows[generation](t, "generations.parquet")) {
		if g.Kind == "greedy" {
			want = append(want, g)
			prompts = append(prompts, model.Prompt{IDs: g.Prompt, Length: len(g.IDs), TopK: 1})
		}
	}
	got, err := e.Generate(t.Context(), prompts)
	if err != nil {
		t.Fatal(err)
	}
	tokens := 0
	for i, g := range want {
		ids := g.IDs
		end := slices.Index(ids, 0)
		if end >= 0 {
			ids = ids[:end]
		}
		tokens += len(ids)
		if !slices.Equal(got[i].IDs, ids) || got[i].Ended != (end >= 0) {
			t.Errorf("%s: %d, want %d", g.ID, got[i].IDs, ids)
			continue
		}
		for j := range ids {
			if d := math.Abs(got[i].LogProbs[j] - g.Probs[j]); d > 1e-3 {
				t.Errorf("%s: token %d: log-probability %g, want %g", g.ID, j, got[i].LogProbs[j], g.Probs[j])
			}
		}
	}
	t.Logf("%d continuations, %d tokens", len(want), tokens)
}

// An engine's facts are those that the testbed states.
func TestFacts(t *testing.T) {
	e := openTestbed(t, llama.Options{})
	f := e.Facts()
	if f.ModelSHA256 != "8789814d67d51c25dc54865d6201705c22c3de742861b9a19458793f7f95e17f" || f.Parameters != 2164416 || f.Context != 1024 ||
		f.Vocabulary != 2048 || !f.BOS || f.Model != "memlm-testbed" {
		t.Errorf("facts: %+v", f)
	}
	raw, err := os.ReadFile(filepath.Join(testbed, "target.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	again, err := llama.Open(t.Context(), bytes.NewReader(raw), int64(len(raw)), llama.Options{Context: 100})
	if err != nil {
		t.Fatal(err)
	}
	if again.Facts().Context != 100 || again.Facts().ModelSHA256 != f.ModelSHA256 {
		t.Errorf("facts: %+v", again.Facts())
	}
}
