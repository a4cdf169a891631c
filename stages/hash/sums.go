package hash

import (
	"palimpsest/stages/fold"
	"palimpsest/stages/words"
)

// SumsOf returns the sums of a text.
func SumsOf(n *words.Normaliser, text []byte) Sums {
	stream, count := n.Stream(text)
	return Sums{fold.SHA256(text), fold.WordsSHA256(stream), count}
}
