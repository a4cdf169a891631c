package llama

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"palimpsest/stages/model"
)

// syntheticDigest is of what the synthetic model says of syntheticTexts, on any machine and by any form.
const syntheticDigest = "6e0e84100a88d317"

// syntheticTexts are random tokens: longer than a batch, exactly one, short, one token, none.
func syntheticTexts() []model.Request {
	r := rand.New(rand.NewPCG(9, 10))
	var texts []model.Request
	for _, n := range []int{200, batch, 5, 1, 0, 67, 33, 130} {
		ids := make([]int64, n)
		for i := range ids {
			ids[i] = int64(r.IntN(syntheticVocabulary))
		}
		texts = append(texts, model.Request{IDs: ids, Top: 3})
	}
	return texts
}

// digest hashes all bits of what was said.
func digest(scored []model.Scored) string {
	h := sha256.New()
	number := func(v uint64) { h.Write(binary.LittleEndian.AppendUint64(nil, v)) }
	for _, s := range scored {
		for i := range s.LogProbs {
			for _, v := range []float64{s.LogProbs[i], s.Means[i], s.Deviations[i]} {
				number(math.Float64bits(v))
			}
			number(uint64(s.Ranks[i]))
			for j, id := range s.TopIDs[i] {
				number(uint64(id))
				number(math.Float64bits(s.TopLogProbs[i][j]))
			}
		}
	}
	return fmt.Sprintf("%x", h.Sum(nil)[:8])
}

// A token's values are the same bits with any form, any number of goroutines, weights in blocks or as float32, in a text scored whole or
// read token by token, among other texts or alone.
func TestSameBits(t *testing.T) {
	file := newSynthetic().file()
	for _, f := range forms {
		t.Run(f.name, func(t *testing.T) {
			f.use(t)
			for _, o := range []Options{{Workers: 1}, {Workers: 1, Expand: -1}, {Workers: 3}, {Workers: 16, Expand: -1}} {
				testSameBits(t, openBytes(t, file, o), o)
			}
		})
	}
}

func testSameBits(t *testing.T, e *Engine, o Options) {
	texts := syntheticTexts()
	scored, err := e.Score(t.Context(), texts)
	if err != nil {
		t.Fatal(err)
	}
	if got := digest(scored); got != syntheticDigest {
		t.Errorf("%+v: digest %s, want %s", o, got, syntheticDigest)
	}
	if o.Expand < 0 {
		return // what follows is slow then, and no other
	}
	for i, r := range texts {
		alone, err := e.Score(t.Context(), []model.Request{r})
		if err != nil {
			t.Fatal(err)
		}
		if digest(alone) != digest(scored[i:i+1]) {
			t.Errorf("%+v: text %d alone is not what it is among others", o, i)
		}
		sameStepByStep(t, e, r.IDs, scored[i])
	}
}

// sameStepByStep compares with a session's values.
func sameStepByStep(t *testing.T, e *Engine, ids []int64, want model.Scored) {
	t.Helper()
	s := e.NewSession()
	defer s.Reset()
	logs, err := s.Start()
	for i, id := range ids {
		if err != nil {
			t.Fatal(err)
		}
		if math.Float64bits(logs[id]) != math.Float64bits(want.LogProbs[i]) {
			t.Fatalf("token %d of %d: %g step by step, %g at once", i, len(ids), logs[id], want.LogProbs[i])
		}
		if i+1 < len(ids) {
			logs, err = s.Next(id)
		}
	}
}

// The testbed's model says the same bits by every form, at once and step by step.
func TestTestbedSameBits(t *testing.T) {
	raw, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "testbed", "target.gguf"))
	if err != nil {
		t.Skipf("the testbed is not here: %v", err)
	}
	r := rand.New(rand.NewPCG(11, 12))
	ids := make([]int64, 150)
	for i := range ids {
		ids[i] = int64(r.IntN(2048))
	}
	const want = "899aac2fff5522c7"
	for _, f := range forms {
		t.Run(f.name, func(t *testing.T) {
			f.use(t)
			e := openBytes(t, raw, Options{Workers: 2})
			scored, err := e.Score(t.Context(), []model.Request{{IDs: ids, Top: 5}})
			if err != nil {
				t.Fatal(err)
			}
			if got := digest(scored); got != want {
				t.Errorf("digest %s, want %s", got, want)
			}
			sameStepByStep(t, e, ids, scored[0])
		})
	}
}
