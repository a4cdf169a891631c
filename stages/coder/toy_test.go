package coder_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"math"
	"math/rand/v2"

	"palimpsest/stages/coder"
)

// toy is a model whose logits are a function of all that it read since it started. Its tokens are single bytes, and the pairs and
// words of a small list. Bytes from 0xF0 are no token, so that they have to be escaped.
type toy struct {
	extra      []string
	vocabulary int // at least 0xF0 + len(extra); tokens beyond spell nothing
	context    int
	bos        bool
	prefix     string
	spread     float64 // standard deviation of the logits

	state  uint64
	read   int
	logits []float64
	seen   [][]float64 // every distribution that was given, when keep is set
	keep   bool
}

func (t *toy) next() []float64 {
	r := rand.New(rand.NewPCG(t.state, 1))
	for i := range t.logits {
		t.logits[i] = float64(r.NormFloat64() * t.spread)
	}
	if t.keep {
		t.seen = append(t.seen, append([]float64(nil), t.logits...))
	}
	return t.logits
}

func (t *toy) bytesOf(id int64) []byte {
	switch {
	case id < 0xF0:
		return []byte{byte(id)}
	case id < int64(0xF0+len(t.extra)):
		return []byte(t.extra[id-0xF0])
	}
	return nil
}

// tokenize takes the longest of the listed words, else a byte, and drops bytes that are no token.
func (t *toy) tokenize(text []byte) ([]int64, error) {
	var ids []int64
	text = append([]byte(t.prefix), text...)
	for len(text) > 0 {
		best, n := int64(text[0]), 1
		for i, w := range t.extra {
			if len(w) > n && bytes.HasPrefix(text, []byte(w)) {
				best, n = int64(0xF0+i), len(w)
			}
		}
		if n > 1 || text[0] < 0xF0 {
			ids = append(ids, best)
		}
		text = text[n:]
	}
	return ids, nil
}

func (t *toy) model() *coder.Model {
	t.logits = make([]float64, t.vocabulary)
	return &coder.Model{
		Name: "toy", SHA256: sha256.Sum256(fmt.Append(nil, t.extra)), Vocabulary: t.vocabulary, Context: t.context,
		Start: func() ([]float64, error) {
			t.state, t.read = 1, 0
			if !t.bos {
				return nil, nil
			}
			return t.next(), nil
		},
		Next: func(id int64) ([]float64, error) {
			if t.read++; t.context > 0 && t.read > t.context {
				return nil, fmt.Errorf("token %d of a context of %d", t.read, t.context)
			}
			t.state = (t.state + uint64(id) + 1) * 0x9E3779B97F4A7C15
			return t.next(), nil
		},
		Tokenize: t.tokenize, Bytes: t.bytesOf, Prefix: t.prefix,
	}
}

var words = []string{"th", "the", " the", "and ", "memory", "\n\n", "ß", "palimpsest"}

func small() *toy { return &toy{extra: words, vocabulary: 0xF0 + len(words) + 2, bos: true, spread: 3} }

// negativeLog2 is -log2 of a token's probability, in the obvious way.
func negativeLog2(logits []float64, id int64) float64 {
	most := math.Inf(-1)
	for _, v := range logits {
		most = max(most, v)
	}
	sum := 0.0
	for _, v := range logits {
		sum += math.Exp(v - most)
	}
	return (math.Log(sum) + most - logits[id]) / math.Ln2
}
