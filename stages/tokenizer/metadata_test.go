package tokenizer_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"palimpsest/stages/gguf"
	"palimpsest/stages/tokenizer"
)

func TestVocabularyOf(t *testing.T) {
	pieces := []string{"a", "b"}
	for _, c := range []struct {
		name string
		m    gguf.Metadata
		want tokenizer.Vocabulary
		err  string
	}{
		{"byte-level, the least", gguf.Metadata{"tokenizer.ggml.model": "gpt2", "tokenizer.ggml.tokens": pieces},
			tokenizer.Vocabulary{Model: "gpt2", Tokens: pieces, BOS: -1, EOS: -1}, ""},
		{"SentencePiece, the least", gguf.Metadata{"tokenizer.ggml.model": "llama", "tokenizer.ggml.tokens": pieces},
			tokenizer.Vocabulary{Model: "llama", Tokens: pieces, BOS: 1, EOS: 2, AddBOS: true, AddSpacePrefix: true}, ""},
		{"everything", gguf.Metadata{
			"tokenizer.ggml.model": "llama", "tokenizer.ggml.tokens": pieces, "tokenizer.ggml.pre": "default",
			"tokenizer.ggml.token_type": []int32{1, 3}, "tokenizer.ggml.scores": []float32{0, -1}, "tokenizer.ggml.merges": []string{"a b"},
			"tokenizer.ggml.add_bos_token": false, "tokenizer.ggml.add_space_prefix": false,
			"tokenizer.ggml.bos_token_id": uint32(0), "tokenizer.ggml.eos_token_id": int32(1),
		}, tokenizer.Vocabulary{Model: "llama", Pre: "default", Tokens: pieces, Types: []int32{1, 3}, Scores: []float32{0, -1},
			Merges: []string{"a b"}, BOS: 0, EOS: 1}, ""},
		{"no model", gguf.Metadata{"tokenizer.ggml.tokens": pieces}, tokenizer.Vocabulary{}, `metadata "tokenizer.ggml.model" is missing`},
		{"no tokens", gguf.Metadata{"tokenizer.ggml.model": "gpt2"}, tokenizer.Vocabulary{}, `metadata "tokenizer.ggml.tokens" is missing`},
		{"wrong scores", gguf.Metadata{"tokenizer.ggml.model": "llama", "tokenizer.ggml.tokens": pieces, "tokenizer.ggml.scores": pieces},
			tokenizer.Vocabulary{}, `metadata "tokenizer.ggml.scores" is []string, not []float32`},
	} {
		got, err := tokenizer.VocabularyOf(c.m)
		if c.err != "" {
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("%s: %v, want %s", c.name, err, c.err)
			}
			continue
		}
		if d := cmp.Diff(c.want, got); d != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", c.name, err, d)
		}
	}
}
