package server_test

import (
	"hash/fnv"
	"math"
	"slices"
	"strings"
)

// tinyModel is a language model whose values are known: the logit of a token is a hash of it and of all tokens before it. Its vocabulary
// is BOS (0), the bytes (1 to 256) and some merges; a text is cut greedily into the longest of them.
type tinyModel struct{ merges []string }

var tiny = tinyModel{merges: []string{
	" t", "he", " the", "in", "er", " a", "on", "ation", "ization", "memor", "memorization", " tired", " happy", "qu", " c", "at", " cat",
	"\u00e9",
}}

const tinyBOS = 0

func (m tinyModel) vocabulary() int { return 257 + len(m.merges) }

func (m tinyModel) bytes(id int64) string {
	switch {
	case id == tinyBOS:
		return ""
	case id <= 256:
		return string([]byte{byte(id - 1)})
	default:
		return m.merges[id-257]
	}
}

func (m tinyModel) text(ids []int64) string {
	var b strings.Builder
	for _, id := range ids {
		b.WriteString(m.bytes(id))
	}
	return b.String()
}

func (m tinyModel) encode(text string) (ids, offsets []int64) {
	for at := 0; at < len(text); {
		id, n := int64(text[at])+1, 1
		for k, piece := range m.merges {
			if len(piece) > n && strings.HasPrefix(text[at:], piece) {
				id, n = int64(257+k), len(piece)
			}
		}
		ids, offsets = append(ids, id), append(offsets, int64(at))
		at += n
	}
	return ids, offsets
}

// distribution returns the log-probabilities of the next token.
func (m tinyModel) distribution(before []int64) []float64 {
	h := fnv.New64a()
	for _, id := range before {
		h.Write([]byte{byte(id), byte(id >> 8)})
	}
	seed := h.Sum64()
	lps := make([]float64, m.vocabulary())
	sum := 0.0
	for id := range lps {
		x := (seed ^ uint64(id)*0x9E3779B97F4A7C15) * 0xBF58476D1CE4E5B9
		x ^= x >> 29
		x *= 0x94D049BB133111EB
		lps[id] = float64(x>>40) / (1 << 24) * 8
		sum += math.Exp(lps[id])
	}
	for id := range lps {
		lps[id] -= math.Log(sum)
	}
	return lps
}

// values returns the log-probability of each token given BOS, where bos is set, and those before it.
func (m tinyModel) values(ids []int64, bos bool) []float64 {
	var before []int64
	if bos {
		before = []int64{tinyBOS}
	}
	lps := make([]float64, len(ids))
	for t, id := range ids {
		lps[t] = math.NaN()
		if len(before) > 0 {
			lps[t] = m.distribution(before)[id]
		}
		before = append(before, id)
	}
	return lps
}

func best(d []float64, n int) []int64 {
	ids := make([]int64, len(d))
	for i := range ids {
		ids[i] = int64(i)
	}
	slices.SortFunc(ids, func(a, b int64) int {
		if d[a] > d[b] {
			return -1
		}
		return 1
	})
	return ids[:min(n, len(ids))]
}

// continued returns what the model writes greedily.
func continued(prompt []int64, n int) (ids []int64, lps []float64) {
	for range n {
		d := tiny.distribution(slices.Concat(prompt, ids))
		id := best(d, 1)[0]
		ids, lps = append(ids, id), append(lps, d[id])
	}
	return ids, lps
}
