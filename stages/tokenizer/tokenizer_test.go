package tokenizer_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"palimpsest/stages/tokenizer"
)

// vectors are texts and the tokens that Hugging Face's tokenizers and SentencePiece cut them into; .ci/interop/tokens.py makes them.
type vectors struct {
	Texts []string
	GPT2  struct {
		Tokens, Merges []string
		IDs            map[string][][]int64
	}
	Llama struct {
		Tokens []string
		Types  []int32
		Scores []float32
		IDs    [][]int64
	}
}

func readVectors(t testing.TB) (v vectors) {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join("testdata", "vectors.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func (v *vectors) byteLevel(t testing.TB, pre string) *tokenizer.Tokenizer {
	return newTokenizer(t, tokenizer.Vocabulary{Model: "gpt2", Pre: pre, Tokens: v.GPT2.Tokens, Merges: v.GPT2.Merges})
}

func (v *vectors) sentencePiece(t testing.TB) *tokenizer.Tokenizer {
	return newTokenizer(t, tokenizer.Vocabulary{
		Model: "llama", Tokens: v.Llama.Tokens, Types: v.Llama.Types, Scores: v.Llama.Scores, AddSpacePrefix: true,
	})
}

type fataler interface {
	Helper()
	Fatal(...any)
}

func newTokenizer(t fataler, v tokenizer.Vocabulary) *tokenizer.Tokenizer {
	t.Helper()
	tok, err := tokenizer.New(v)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

func TestVectors(t *testing.T) {
	v := readVectors(t)
	for pre, want := range v.GPT2.IDs {
		t.Run(pre, func(t *testing.T) {
			tok := v.byteLevel(t, pre)
			for i, text := range v.Texts {
				ids, offsets := tok.Encode([]byte(text))
				if !slices.Equal(ids, want[i]) {
					t.Errorf("%q becomes %q, want %q", text, pieces(tok, ids), pieces(tok, want[i]))
				}
				checkPartition(t, tok, []byte(text), ids, offsets)
			}
		})
	}
	t.Run("llama", func(t *testing.T) {
		tok := v.sentencePiece(t)
		for i, text := range v.Texts {
			if ids, _ := tok.Encode([]byte(text)); !slices.Equal(ids, v.Llama.IDs[i]) {
				t.Errorf("%q becomes %q, want %q", text, pieces(tok, ids), pieces(tok, v.Llama.IDs[i]))
			}
		}
	})
}

func pieces(tok *tokenizer.Tokenizer, ids []int64) []string {
	var s []string
	for _, id := range ids {
		s = append(s, string(tok.Bytes(id)))
	}
	return s
}

// checkPartition checks that the tokens' bytes are the text, and that each token's offset is where its bytes stand.
func checkPartition(t interface{ Errorf(string, ...any) }, tok *tokenizer.Tokenizer, text []byte, ids, offsets []int64) {
	var spelt []byte
	for i, id := range ids {
		if offsets[i] != int64(len(spelt)) {
			t.Errorf("token %d of %q is at %d, want %d", i, text, offsets[i], len(spelt))
		}
		spelt = append(spelt, tok.Bytes(id)...)
	}
	if !bytes.Equal(spelt, text) {
		t.Errorf("the tokens of %q spell %q", text, spelt)
	}
}

// naive merges the two neighbours that come first until no two merge.
func naive(symbols []string, before func(a, b int) bool, rank func(left, right string) int) []string {
	symbols = slices.Clone(symbols)
	for {
		best, at := -1, -1
		for i := 0; i+1 < len(symbols); i++ {
			if r := rank(symbols[i], symbols[i+1]); r >= 0 && (best < 0 || before(r, best)) {
				best, at = r, i
			}
		}
		if at < 0 {
			return symbols
		}
		symbols = slices.Replace(symbols, at, at+2, symbols[at]+symbols[at+1])
	}
}

// Merging gives what the definition gives, for any vocabulary: here of three letters, so that merges get in each other's way.
func TestByteLevelMergesByRank(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := tokenizer.Vocabulary{Model: "gpt2", Pre: "gpt-2"}
		id := map[string]int64{}
		add := func(token string) {
			if _, ok := id[token]; !ok {
				id[token] = int64(len(v.Tokens))
				v.Tokens = append(v.Tokens, token)
			}
		}
		for _, r := range escaped {
			add(string(r))
		}
		symbols := []string{"a", "b", "c"}
		rank := map[[2]string]int{}
		for range rapid.IntRange(0, 30).Draw(t, "merges") {
			left, right := rapid.SampledFrom(symbols).Draw(t, "left"), rapid.SampledFrom(symbols).Draw(t, "right")
			if _, ok := rank[[2]string{left, right}]; !ok {
				rank[[2]string{left, right}] = len(v.Merges)
			}
			v.Merges = append(v.Merges, left+" "+right)
			symbols = append(symbols, left+right)
			if rapid.IntRange(0, 9).Draw(t, "token") > 0 {
				add(left + right)
			}
		}
		tok := newTokenizer(t, v)
		text := rapid.StringMatching("[abc]{0,60}").Draw(t, "text")

		var want []int64
		for _, s := range naive(strings.Split(text, ""), func(a, b int) bool { return a < b }, func(left, right string) int {
			if r, ok := rank[[2]string{left, right}]; ok {
				return r
			}
			return -1
		}) {
			if n, ok := id[s]; ok {
				want = append(want, n)
				continue
			}
			for _, b := range s { // a symbol on the way to a token
				want = append(want, id[string(b)])
			}
		}
		ids, offsets := tok.Encode([]byte(text))
		if !slices.Equal(ids, want) {
			t.Fatalf("%q with merges %q becomes %q, want %q", text, v.Merges, pieces(tok, ids), pieces(tok, want))
		}
		checkPartition(t, tok, []byte(text), ids, offsets)
	})
}

func TestSentencePieceMergesByScore(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := tokenizer.Vocabulary{Model: "llama"}
		id := map[string]int{}
		add := func(token string, kind int32, score float32) {
			if _, ok := id[token]; !ok {
				id[token] = len(v.Tokens)
				v.Tokens, v.Types, v.Scores = append(v.Tokens, token), append(v.Types, kind), append(v.Scores, score)
			}
		}
		for b := range 256 {
			add(byteName(byte(b)), 6, 0)
		}
		for range rapid.IntRange(0, 30).Draw(t, "tokens") {
			add(rapid.StringMatching("[ab▁é]{1,5}").Draw(t, "token"), 1, float32(rapid.IntRange(-5, 0).Draw(t, "score")))
		}
		tok := newTokenizer(t, v)
		text := rapid.StringMatching("[ab é]{0,40}").Draw(t, "text")

		escaped := strings.ReplaceAll(text, " ", "▁")
		score := func(a, b int) bool { return v.Scores[a] > v.Scores[b] }
		var want []int64
		for _, s := range naive(strings.Split(escaped, ""), score, func(left, right string) int {
			if n, ok := id[left+right]; ok {
				return n
			}
			return -1
		}) {
			if n, ok := id[s]; ok {
				want = append(want, int64(n))
				continue
			}
			for _, b := range []byte(strings.ReplaceAll(s, "▁", " ")) {
				want = append(want, int64(id[byteName(b)]))
			}
		}
		ids, offsets := tok.Encode([]byte(text))
		if !slices.Equal(ids, want) {
			t.Fatalf("%q becomes %q, want %q", text, pieces(tok, ids), pieces(tok, want))
		}
		checkPartition(t, tok, []byte(text), ids, offsets)
	})
}

func byteName(b byte) string {
	const digits = "0123456789ABCDEF"
	return "<0x" + string([]byte{digits[b>>4], digits[b&15]}) + ">"
}

// What stands in a text is text: the names of control tokens too. Tokens that a vocabulary's maker added by hand are cut out whole.
func TestControlAndAddedTokens(t *testing.T) {
	v := tokenizer.Vocabulary{Model: "gpt2", Pre: "gpt-2"}
	for _, r := range escaped {
		v.Tokens, v.Types = append(v.Tokens, string(r)), append(v.Types, 1)
	}
	v.Tokens = append(v.Tokens, "<end>", "<tool", "<tool_call>")
	v.Types = append(v.Types, 3, 4, 4)
	tok := newTokenizer(t, v)
	for _, c := range []struct {
		text    string
		pieces  []string
		offsets []int64
	}{
		{"", nil, nil},
		{"<end>", []string{"<", "e", "n", "d", ">"}, []int64{0, 1, 2, 3, 4}},
		{"a<tool_call>b", []string{"a", "<tool_call>", "b"}, []int64{0, 1, 12}},
		{"<tool_cal<tool<", []string{"<tool", "_", "c", "a", "l", "<tool", "<"}, []int64{0, 5, 6, 7, 8, 9, 14}},
		{"\xff\x00", []string{"\xff", "\x00"}, []int64{0, 1}},
	} {
		ids, offsets := tok.Encode([]byte(c.text))
		if !slices.Equal(pieces(tok, ids), c.pieces) || !slices.Equal(offsets, c.offsets) {
			t.Errorf("%q becomes %q at %d, want %q at %d", c.text, pieces(tok, ids), offsets, c.pieces, c.offsets)
		}
	}
	for _, id := range []int64{256, -1, 259, 1 << 40} {
		if b := tok.Bytes(id); b != nil {
			t.Errorf("token %d stands for %q, want nothing", id, b)
		}
	}
}

// The space before the text has no byte of it, and the bytes of what is not UTF-8 have tokens of their own.
func TestSentencePieceOffsets(t *testing.T) {
	v := readVectors(t)
	tok := v.sentencePiece(t)
	for _, c := range []struct {
		text    string
		pieces  []string
		offsets []int64
	}{
		{"", nil, nil},
		{"\n", []string{" ", "\n"}, []int64{0, 0}},
		{"to \xe2\x96!", []string{" t", "o", " ", "\xe2", "\x96", "!"}, []int64{0, 1, 2, 3, 4, 5}},
		{"\u2581x", []string{" ", " ", "x"}, []int64{0, 0, 3}},
	} {
		ids, offsets := tok.Encode([]byte(c.text))
		if !slices.Equal(pieces(tok, ids), c.pieces) || !slices.Equal(offsets, c.offsets) {
			t.Errorf("%q becomes %q at %d, want %q at %d", c.text, pieces(tok, ids), offsets, c.pieces, c.offsets)
		}
	}
}

func TestRefused(t *testing.T) {
	one := []string{"a"}
	for _, c := range []struct {
		name string
		v    tokenizer.Vocabulary
		want string
	}{
		{"nothing", tokenizer.Vocabulary{}, "a vocabulary of 0 tokens"},
		{"model", tokenizer.Vocabulary{Model: "bert", Tokens: one}, `tokenizer model "bert" is not known; known are gpt2`},
		{"rule", tokenizer.Vocabulary{Model: "gpt2", Pre: "tekken", Tokens: one}, `pre-tokenizer "tekken" is not known; known are chatglm-bpe, `},
		{"types", tokenizer.Vocabulary{Model: "gpt2", Tokens: one, Types: []int32{1, 1}}, "2 token types for 1 tokens"},
		{"merge", tokenizer.Vocabulary{Model: "gpt2", Tokens: one, Merges: []string{"a b", "ab"}}, `merge 1 is "ab"`},
		{"scores", tokenizer.Vocabulary{Model: "llama", Tokens: one}, "0 scores for 1 tokens"},
		{"bytes", tokenizer.Vocabulary{Model: "llama", Tokens: one, Scores: []float32{0}}, "no token <0x00>"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if _, err := tokenizer.New(c.v); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("error %v, want one with %q", err, c.want)
			}
		})
	}
}

func TestSHA256(t *testing.T) {
	v := readVectors(t)
	base := v.byteLevel(t, "gpt-2").SHA256()
	if again := v.byteLevel(t, "gpt-2").SHA256(); again != base || len(base) != 64 {
		t.Errorf("digests %s and %s of one vocabulary", base, again)
	}
	if v.byteLevel(t, "qwen2").SHA256() == base {
		t.Error("the rule for words does not change the digest")
	}
	last := len(v.GPT2.Merges) - 1
	v.GPT2.Merges[last], v.GPT2.Merges[last-1] = v.GPT2.Merges[last-1], v.GPT2.Merges[last]
	if v.byteLevel(t, "gpt-2").SHA256() == base {
		t.Error("the merges' order does not change the digest")
	}
}

func FuzzEncode(f *testing.F) {
	v := readVectors(f)
	for _, text := range v.Texts {
		f.Add([]byte(text))
	}
	f.Add([]byte("\xff\xfe \xe2\x96 \xf0\x9f\x98 's\xc3"))
	var byteLevel []*tokenizer.Tokenizer
	for pre := range v.GPT2.IDs {
		byteLevel = append(byteLevel, v.byteLevel(f, pre))
	}
	sentencePiece := v.sentencePiece(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, tok := range byteLevel {
			ids, offsets := tok.Encode(text)
			checkPartition(t, tok, text, ids, offsets)
		}
		ids, offsets := sentencePiece.Encode(text)
		if len(text) == 0 {
			return
		}
		spelt := strings.Join(pieces(sentencePiece, ids), "")
		if want := " " + strings.ReplaceAll(string(text), "\u2581", " "); spelt != want {
			t.Errorf("the tokens of %q spell %q", text, spelt)
		}
		if !slices.IsSorted(offsets) || offsets[0] != 0 || offsets[len(offsets)-1] >= int64(len(text)) {
			t.Errorf("offsets %d of %q", offsets, text)
		}
	})
}
