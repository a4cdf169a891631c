package server_test

import (
	"errors"
	"math"
	"os"
	"slices"
	"testing"

	"palimpsest/stages/llama"
	"palimpsest/stages/model"
	"palimpsest/stages/server"
)

// SmolLM2-135M in three forms, as .ci/servers/run.sh has it: its GGUF, servers of that file, and servers of the same weights as float32.
const (
	smolModelVariable   = "PALIMPSEST_SMOL"
	smolVariable        = "PALIMPSEST_SERVERS_SMOL"
	smolFloat32Variable = "PALIMPSEST_SERVERS_SMOL_FLOAT32"
)

// mobyDick is how Moby-Dick begins (Herman Melville, 1851). No more of it, since a token takes the server a second or two: a reply has
// the whole vocabulary.
const (
	mobyDickBegins = "Call me Ishmael. Some years ago--never mind how long precisely--having little or no money in my purse,"
	mobyDick       = mobyDickBegins + " and nothing particular to interest me on shore, I thought I would sail about a little and see the " +
		"watery part of the world."
)

// TestRealSmol holds SmolLM2 in the process against the same file behind servers. llama.cpp rounds activations to 8 bits where weights
// have 4, the engine in the process rounds none: that much apart they may be. With the same weights as float32 both compute the same, and
// only rounding is left: the order of sums, the server's over a vocabulary of 49,152 among them. llama-cpp-python's server loses a token
// of a model without BOS and gives it the values of the position after, and must be caught.
func TestRealSmol(t *testing.T) {
	for _, form := range []struct {
		name, variable string
		mean, most     float64 // nats
	}{
		{"4 bits", smolVariable, .15, 1},
		{"float32", smolFloat32Variable, 1e-3, 1e-2},
	} {
		t.Run(form.name, func(t *testing.T) {
			servers := realServers(t, form.variable)
			own := openSmol(t)
			for _, s := range servers {
				t.Run(s[0], func(t *testing.T) {
					if s[0] == server.OpenAI {
						_, err := server.Open(t.Context(), server.Options{URL: s[1], Protocol: s[0], Context: 512})
						if err == nil || !errors.Is(err, server.ErrCapability) {
							t.Fatalf("the lost token was not caught: %v", err)
						}
						t.Log(err)
						return
					}
					e := openReal(t, s[0], s[1], server.Options{Concurrency: 2}) // Conform takes minutes here: 49,152 values a token
					compareScores(t, own, e, form.mean, form.most)
					compareGreedy(t, own, e, form.most)
				})
			}
		})
	}
}

// openSmol opens the model in the process, and has it prove itself.
func openSmol(t *testing.T) model.Engine {
	t.Helper()
	path := os.Getenv(smolModelVariable)
	if path == "" {
		t.Skipf("%s names no model; make servers fetches it", smolModelVariable)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	e, err := llama.Open(t.Context(), f, info.Size(), llama.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	if checks, err := model.Conform(t.Context(), e); err != nil {
		t.Fatalf("%v: %+v", err, checks)
	}
	return e
}

// compareScores compares what two engines say of every token of a text, the first apart, which has no value without BOS.
func compareScores(t *testing.T, own, other model.Engine, mean, most float64) {
	t.Helper()
	text := []byte(mobyDick)
	scored := make([]model.Scored, 2)
	for i, e := range []model.Engine{own, other} {
		tokens, err := e.Tokenize(t.Context(), text)
		if err != nil {
			t.Fatal(err)
		}
		if scored[i], err = model.Long(t.Context(), e, text, tokens, 1); err != nil {
			t.Fatal(err)
		}
	}
	if !slices.Equal(scored[0].TokenIDs, scored[1].TokenIDs) {
		t.Fatalf("the engines cut the text differently:\n%v\n%v", scored[0].TokenIDs, scored[1].TokenIDs)
	}
	var sum, worst, nats, otherNats float64
	n, ranks := 0, 0
	for k := 1; k < len(scored[0].LogProbs); k++ {
		a, b := scored[0].LogProbs[k], scored[1].LogProbs[k]
		d := math.Abs(a - b)
		sum, worst, n = sum+d, max(worst, d), n+1
		nats, otherNats = nats-a, otherNats-b
		if scored[0].Ranks[k] != scored[1].Ranks[k] {
			ranks++
		}
	}
	t.Logf("%d tokens, %.5f nats a token in the process and %.5f behind the server: |difference| mean %.2g, most %.2g; %d ranks differ", n,
		nats/float64(n), otherNats/float64(n), sum/float64(n), worst, ranks)
	if n < 40 || !(sum/float64(n) <= mean) || !(worst <= most) { // NaN fails too
		t.Errorf("they should agree to %g on average and %g at most", mean, most)
	}
}

// compareGreedy lets two engines continue a text greedily. Where they part, both tokens are nearly as likely.
func compareGreedy(t *testing.T, own, other model.Engine, most float64) {
	t.Helper()
	tokens, err := own.Tokenize(t.Context(), []byte(mobyDickBegins))
	if err != nil {
		t.Fatal(err)
	}
	prompt := model.Prompt{Text: []byte(mobyDickBegins), IDs: tokens.IDs, Length: 16, TopK: 1}
	said := make([]model.Continuation, 2)
	for i, e := range []model.Engine{own, other} {
		c, err := e.Generate(t.Context(), []model.Prompt{prompt})
		if err != nil {
			t.Fatal(err)
		}
		if len(c[0].IDs) == 0 {
			t.Fatalf("nothing was generated: %+v", c)
		}
		said[i] = c[0]
	}
	t.Logf("in the process: %q", said[0].Text)
	a, b := said[0].IDs, said[1].IDs
	fork := 0
	for fork < min(len(a), len(b)) && a[fork] == b[fork] {
		fork++
	}
	if fork == min(len(a), len(b)) {
		t.Logf("behind the server: the same %d tokens", fork)
		return
	}
	scored, err := own.Score(t.Context(), []model.Request{{IDs: slices.Concat(tokens.IDs, b[:fork+1])}})
	if err != nil {
		t.Fatal(err)
	}
	gap := said[0].LogProbs[fork] - scored[0].LogProbs[len(tokens.IDs)+fork]
	t.Logf("behind the server: %q, from token %d on, where its token is %.2g nats less likely in the process", said[1].Text, fork, gap)
	if !(gap <= 2*most) {
		t.Errorf("values at most %g apart cannot turn a difference of %g round", most, gap)
	}
}
