//go:build llamacpp

package llamacpp_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/parquet-go/parquet-go"

	"palimpsest/stages/llamacpp"
	"palimpsest/stages/model"
)

var testbed = filepath.Join("..", "..", "..", "shared", "testbed")

// libraries is the folder that .ci/llama/run.sh fills.
const libraries = "PALIMPSEST_LLAMACPP"

func openTestbed(t testing.TB) model.Engine {
	t.Helper()
	folder := os.Getenv(libraries)
	if folder == "" {
		t.Skipf("llama.cpp's libraries are not here: %s names no folder (make llamacpp)", libraries)
	}
	path := filepath.Join(testbed, "target.gguf")
	if _, err := os.Stat(path); err != nil {
		t.Skipf("the testbed is not here: %v", err)
	}
	e, err := llamacpp.Open(t.Context(), llamacpp.Options{Model: path, Libraries: folder, Threads: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

type tokenRow struct {
	ID      string      `parquet:"id,optional"`
	IDs     []int64     `parquet:"token_ids,list,optional"`
	LP      []float64   `parquet:"logprob,list,optional"`
	Rank    []int64     `parquet:"rank,list,optional"`
	Mu      []float64   `parquet:"mu,list,optional"`
	SD      []float64   `parquet:"sd,list,optional"`
	TopIDs  [][]int64   `parquet:"top_ids,list,optional"`
	TopLPs  [][]float64 `parquet:"top_logprobs,list,optional"`
	Offsets []int64     `parquet:"byte_off,list,optional"`
}

type textRow struct {
	ID   string  `parquet:"id,optional"`
	Text string  `parquet:"text,optional"`
	IDs  []int64 `parquet:"ids,list,optional"`
}

func readRows[T any](t testing.TB, name string) []T {
	t.Helper()
	rows, err := parquet.ReadFile[T](filepath.Join(testbed, name))
	if err != nil {
		t.Skipf("the testbed is not here: %v", err)
	}
	return rows
}

// The engine says what PyTorch said of the testbed's tokens.
func TestTestbed(t *testing.T) {
	e := openTestbed(t)
	var rows []tokenRow // every fourth, so that each kind is among them
	for i, r := range readRows[tokenRow](t, "token_logprobs.parquet") {
		if i%4 == 0 {
			rows = append(rows, r)
		}
	}
	requests := make([]model.Request, len(rows))
	for i, r := range rows {
		requests[i] = model.Request{IDs: r.IDs, Top: 5}
	}
	scored, err := e.Score(t.Context(), requests)
	if err != nil {
		t.Fatal(err)
	}
	var sum, most, mean, deviation float64
	n, ranks, tops := 0, 0, 0
	for i, s := range scored {
		if notes, err := s.Check(nil); err != nil || notes != (model.Notes{}) {
			t.Fatalf("%s: %v, notes %+v", rows[i].ID, err, notes)
		}
		for k := range s.LogProbs {
			d := math.Abs(s.LogProbs[k] - rows[i].LP[k])
			sum, most = sum+d, max(most, d)
			mean = max(mean, math.Abs(s.Means[k]-rows[i].Mu[k]))
			deviation = max(deviation, math.Abs(s.Deviations[k]-rows[i].SD[k]))
			n++
			if s.Ranks[k] != rows[i].Rank[k] {
				ranks++
			}
			if !slices.Equal(s.TopIDs[k][:5], rows[i].TopIDs[k]) {
				tops++
			}
		}
	}
	t.Logf("%d tokens: log-probabilities differ by %.1e on average, %.1e at most; means by %.1e, deviations by %.1e; %d ranks, %d lists "+
		"of the likeliest", n, sum/float64(n), most, mean, deviation, ranks, tops)
	if n < 20000 || sum/float64(n) > 1e-3 || most > 1e-2 || mean > 1e-2 || deviation > 1e-2 || ranks > 25 || tops > 25 {
		t.Error("that is more than rounding")
	}
}

// llama.cpp's tokenizer gives the testbed's tokens, at their places, where their bytes are the text.
func TestTokenize(t *testing.T) {
	e := openTestbed(t)
	tokens := readRows[tokenRow](t, "token_logprobs.parquet")
	equal := 0
	for i, r := range readRows[textRow](t, "ground_truth.parquet") {
		got, err := e.Tokenize(t.Context(), []byte(r.Text))
		if err != nil {
			t.Fatal(err)
		}
		if slices.Equal(got.IDs, r.IDs) {
			equal++
			if !slices.Equal(got.Offsets, tokens[i].Offsets) {
				t.Errorf("%s: offsets %v, want %v", r.ID, got.Offsets, tokens[i].Offsets)
			}
		}
	}
	if equal != 1458 {
		t.Errorf("%d rows have the testbed's tokens, want 1458", equal)
	}
	for text, known := range map[string]bool{"": true, "a\x00b": true, "\x00": true, "a\xffb": false} {
		got, err := e.Tokenize(t.Context(), []byte(text))
		if err != nil || (got.Offsets != nil) != known {
			t.Errorf("%q: tokens %v, error %v", text, got, err)
		}
	}
}

type generationRow struct {
	ID      string    `parquet:"gen_id,optional"`
	Kind    string    `parquet:"kind,optional"`
	Prompt  []int64   `parquet:"prompt_ids,list,optional"`
	IDs     []int64   `parquet:"ids,list,optional"`
	LogProb []float64 `parquet:"logprob,list,optional"`
}

// Greedy continuations are those that PyTorch made, to the first end of a document, where the testbed's run on.
func TestGreedy(t *testing.T) {
	e := openTestbed(t)
	var prompts []model.Prompt
	var want []generationRow
	for _, r := range readRows[generationRow](t, "generations.parquet") {
		if r.Kind == "greedy" && len(want) < 60 {
			want = append(want, r)
			prompts = append(prompts, model.Prompt{IDs: r.Prompt, Length: len(r.IDs), TopK: 1})
		}
	}
	got, err := e.Generate(t.Context(), prompts)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range got {
		end := slices.Index(want[i].IDs, 0)
		if c.Ended != (end >= 0) {
			t.Errorf("%s: ended %t", want[i].ID, c.Ended)
		}
		if end < 0 {
			end = len(want[i].IDs)
		}
		if !slices.Equal(c.IDs, want[i].IDs[:end]) {
			t.Errorf("%s: %v, want %v", want[i].ID, c.IDs, want[i].IDs[:end])
			continue
		}
		for k, lp := range c.LogProbs {
			if math.Abs(lp-want[i].LogProb[k]) > 1e-3 {
				t.Errorf("%s: token %d has log-probability %g, want %g", want[i].ID, k, lp, want[i].LogProb[k])
			}
		}
	}
}

// Draws depend on the seed and on nothing else, and stay among the likeliest.
func TestDraws(t *testing.T) {
	e := openTestbed(t)
	prompt := func(seed uint64, k int) model.Prompt {
		return model.Prompt{Text: []byte("It was"), Length: 20, TopK: k, Seed: seed}
	}
	first, err := e.Generate(t.Context(), []model.Prompt{prompt(1, 5), prompt(2, 5), prompt(1, 0)})
	if err != nil {
		t.Fatal(err)
	}
	again, err := e.Generate(t.Context(), []model.Prompt{prompt(2, 5), prompt(1, 5)})
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(first[0], again[1]) || !reflect.DeepEqual(first[1], again[0]) {
		t.Errorf("%v, then %v", first[:2], again)
	}
	if slices.Equal(first[0].IDs, first[1].IDs) || slices.Equal(first[0].IDs, first[2].IDs) {
		t.Errorf("other seeds or more tokens to choose from change nothing: %v", first)
	}
	tokens, err := e.Tokenize(t.Context(), []byte("It was"))
	if err != nil {
		t.Fatal(err)
	}
	ids := append(tokens.IDs, first[0].IDs...)
	scored, err := e.Score(t.Context(), []model.Request{{IDs: ids, From: len(tokens.IDs), Top: 5}})
	if err != nil {
		t.Fatal(err)
	}
	for k, id := range first[0].IDs {
		at := len(tokens.IDs) + k
		if !slices.Contains(scored[0].TopIDs[at], id) || math.Abs(scored[0].LogProbs[at]-first[0].LogProbs[k]) > 1e-3 {
			t.Errorf("token %d is drawn with log-probability %g, but scored %g", k, first[0].LogProbs[k], scored[0].LogProbs[at])
		}
	}
}

// Calls side by side give what one gives, and a text's values do not depend on what was asked before.
func TestSideBySide(t *testing.T) {
	e := openTestbed(t)
	rows := readRows[tokenRow](t, "token_logprobs.parquet")[:40]
	want := make([]model.Scored, len(rows))
	for i, r := range rows {
		s, err := e.Score(t.Context(), []model.Request{{IDs: r.IDs}})
		if err != nil {
			t.Fatal(err)
		}
		want[i] = s[0]
	}
	var wait sync.WaitGroup
	for i := len(rows) - 1; i >= 0; i-- {
		wait.Go(func() {
			s, err := e.Score(t.Context(), []model.Request{{IDs: rows[i].IDs}})
			if err != nil || !reflect.DeepEqual(s[0], want[i]) {
				t.Errorf("%s: error %v or other values than alone", rows[i].ID, err)
			}
		})
	}
	wait.Wait()
}

func TestFactsAndLimits(t *testing.T) {
	e := openTestbed(t)
	raw, err := os.ReadFile(filepath.Join(testbed, "target.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	digest := sha256.Sum256(raw)
	f := e.Facts()
	if f.ModelSHA256 != hex.EncodeToString(digest[:]) || f.ModelBytes != int64(len(raw)) || f.Vocabulary != 2048 || f.Context != 1024 ||
		!f.BOS || !f.Moments || !f.Ranks || f.MostTop != 2048 || f.Parameters != 2557632 || f.Settings["cache"] != "f32" {
		t.Errorf("facts %+v", f)
	}
	long := make([]int64, 1024)
	for i := range long {
		long[i] = int64(1 + i%2047)
	}
	s, err := e.Score(t.Context(), []model.Request{{IDs: long, From: 1000}, {IDs: []int64{}}})
	if err != nil || !math.IsNaN(s[0].LogProbs[999]) || !(s[0].LogProbs[1000] < 0) || len(s[1].LogProbs) != 0 {
		t.Errorf("a text as long as the context: %v", err)
	}
	all, err := e.Score(t.Context(), []model.Request{{IDs: long}})
	if err != nil || math.Abs(all[0].LogProbs[1023]-s[0].LogProbs[1023]) > 1e-6 {
		t.Errorf("the values before change those after: %v", err)
	}
	score := func(ctx context.Context, ids []int64) error {
		_, err := e.Score(ctx, []model.Request{{IDs: ids}})
		return err
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		name string
		call func() error
		want string
	}{
		{"too long", func() error { return score(t.Context(), append(long, 1)) }, "the context has 1024"},
		{"no such id", func() error { return score(t.Context(), []int64{2048}) }, "the vocabulary has 2048"},
		{"cancelled", func() error { return score(cancelled, long) }, "context canceled"},
		{"no such file", func() error {
			_, err := llamacpp.Open(t.Context(), llamacpp.Options{Model: "none.gguf", Libraries: os.Getenv(libraries)})
			return err
		}, "none.gguf"},
		{"no model", func() error {
			_, err := llamacpp.Open(t.Context(), llamacpp.Options{Model: "llamacpp.go", Libraries: os.Getenv(libraries)})
			return err
		}, "llamacpp.go: failed to load model: "},
		{"two folders", func() error {
			_, err := llamacpp.Open(t.Context(), llamacpp.Options{Model: "none.gguf", Libraries: t.TempDir()})
			return err
		}, "are loaded already"},
	} {
		if err := c.call(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
}

// A folder without the libraries is refused with what to do. It runs before others load them only when it is alone (-run NoLibraries).
func TestNoLibraries(t *testing.T) {
	_, err := llamacpp.Open(t.Context(), llamacpp.Options{Model: "none.gguf", Libraries: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "npm's package") && !strings.Contains(err.Error(), "are loaded already") {
		t.Errorf("error %v", err)
	}
}

func BenchmarkScore(b *testing.B) {
	e := openTestbed(b)
	var requests []model.Request
	n := 0
	for _, r := range readRows[tokenRow](b, "token_logprobs.parquet")[:100] {
		requests = append(requests, model.Request{IDs: r.IDs})
		n += len(r.IDs)
	}
	for b.Loop() {
		if _, err := e.Score(b.Context(), requests); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "tokens/s")
}
