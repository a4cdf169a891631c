// Package tokenizer cuts text into a model's tokens as the model's own tokenizer does, and says which bytes of the text each token
// stands for. A vocabulary is what a GGUF file holds of its tokenizer.
//
// Two kinds are known. Byte-level BPE ("gpt2"; Radford et al. 2019) cuts the text into words by a rule (split.go) and merges the bytes
// of each word. SentencePiece BPE ("llama"; Kudo and Richardson, arXiv 1808.06226) merges the characters of the whole text, and spells
// what it has no token for in bytes. Both repeat the merge of lowest rank, leftmost first, until none is left (merge.go).
//
// The text is evidence: nothing in it is normalised, and the names of control tokens in it are text like any other. Any bytes are taken;
// those that are not UTF-8 become the tokens of single bytes or of merges of them.
package tokenizer

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"hash"
	"math"
)

// Vocabulary is what a model file says of its tokenizer. The names in comments are GGUF's.
type Vocabulary struct {
	Model          string    // tokenizer.ggml.model: "gpt2" or "llama"
	Pre            string    // tokenizer.ggml.pre: how "gpt2" cuts text into words; "" is "default"
	Tokens         []string  // tokenizer.ggml.tokens
	Types          []int32   // tokenizer.ggml.token_type; nil: all are normal
	Scores         []float32 // tokenizer.ggml.scores: of "llama", the order of its merges
	Merges         []string  // tokenizer.ggml.merges: of "gpt2", two symbols with a space between
	BOS, EOS       int64     // tokenizer.ggml.bos_token_id, eos_token_id; -1 for none
	AddBOS         bool      // tokenizer.ggml.add_bos_token
	AddSpacePrefix bool      // tokenizer.ggml.add_space_prefix: "llama" cuts the text as if a space stood before it
}

// Types of tokens, as GGUF numbers them.
const (
	typeNormal      = 1
	typeUnknown     = 2
	typeControl     = 3
	typeUserDefined = 4
	typeByte        = 6
)

// Tokenizer cuts text into tokens. It does not change, so it may be used from several goroutines.
type Tokenizer struct {
	symbols symbols
	pairs   pairs
	split   splitter // of byte-level BPE; nil for SentencePiece
	whole   bool     // a word that is a token is this token, whatever the merges say
	prefix  bool     // a space is put before the text
	space   int32    // SentencePiece's symbol of a space
	other   int32    // and the one of a character that no token has: it merges with nothing
	literal literals
	bytes   [][]byte // of every token; nil for those that stand for none
	sha256  string
}

// New makes the tokenizer of a vocabulary. It refuses kinds of tokenizers and rules for words that it does not know.
func New(v Vocabulary) (*Tokenizer, error) {
	if len(v.Tokens) == 0 || len(v.Tokens) > math.MaxInt32/2 {
		return nil, fmt.Errorf("a vocabulary of %d tokens", len(v.Tokens))
	}
	if v.Types != nil && len(v.Types) != len(v.Tokens) {
		return nil, fmt.Errorf("%d token types for %d tokens", len(v.Types), len(v.Tokens))
	}
	t := &Tokenizer{bytes: make([][]byte, len(v.Tokens))}
	t.literal.add(&v)
	var err error
	switch v.Model {
	case "gpt2":
		err = t.byteLevel(&v)
	case "llama":
		err = t.sentencePiece(&v)
	default:
		err = fmt.Errorf("tokenizer model %q is not known; known are gpt2 (byte-level BPE) and llama (SentencePiece)", v.Model)
	}
	if err != nil {
		return nil, err
	}
	t.sha256 = v.digest()
	return t, nil
}

// kind returns the type of a token.
func (v *Vocabulary) kind(id int) int32 {
	if v.Types == nil {
		return typeNormal
	}
	return v.Types[id]
}

// Encode cuts a text of less than 2 GiB into tokens, BOS not among them. Offsets are those of each token's first byte in the text. The
// tokens' bytes are the text, with two exceptions: the space that AddSpacePrefix puts before it, and bytes that the model's makers left
// without a token, which are in no token. Those are bytes that UTF-8 does not use and, in some vocabularies, control characters.
func (t *Tokenizer) Encode(text []byte) (ids, offsets []int64) {
	e := encoder{t: t}
	for start := 0; start < len(text); {
		end, id, next := t.literal.find(text, start)
		e.encode(text, start, end)
		if next > end {
			e.ids, e.offsets = append(e.ids, int64(id)), append(e.offsets, int64(end))
		}
		start = next
	}
	return e.ids, e.offsets
}

// Bytes returns the bytes that a token stands for: none for control tokens and for ids outside the vocabulary. They must not be changed.
func (t *Tokenizer) Bytes(id int64) []byte {
	if id < 0 || id >= int64(len(t.bytes)) {
		return nil
	}
	return t.bytes[id]
}

// SHA256 returns the digest, in hexadecimal, of what decides the tokens of a text.
func (t *Tokenizer) SHA256() string { return t.sha256 }

// digest hashes what decides the tokens of a text, each part after its length.
func (v *Vocabulary) digest() string {
	h := sha256.New()
	writeString(h, v.Model)
	writeString(h, v.Pre)
	for _, list := range [][]string{v.Tokens, v.Merges} {
		writeNumber(h, uint64(len(list)))
		for _, s := range list {
			writeString(h, s)
		}
	}
	for id := range v.Tokens {
		writeNumber(h, uint64(v.kind(id)))
	}
	if v.Model == "llama" {
		for _, s := range v.Scores {
			writeNumber(h, uint64(math.Float32bits(s)))
		}
		if v.AddSpacePrefix {
			writeNumber(h, 1)
		}
	}
	return hex.EncodeToString(h.Sum(nil))
}

func writeString(h hash.Hash, s string) {
	writeNumber(h, uint64(len(s)))
	h.Write([]byte(s))
}

func writeNumber(h hash.Hash, n uint64) {
	var b [8]byte
	binary.LittleEndian.PutUint64(b[:], n)
	h.Write(b[:])
}
