package verbatim_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"palimpsest/stages/verbatim"
)

// BenchmarkPassages compares a probe with documents whose words it has too: by size, and such as take difflib quadratic time or more.
func BenchmarkPassages(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 1))
	prose := func(n int) (words []string) {
		for range n {
			words = append(words, fmt.Sprintf("w%x", uint64(r.ExpFloat64()*2000)*0x9e3779b9%99991))
		}
		return words
	}
	times := func(n int, words ...string) []string { return slices.Repeat(words, n) }
	edited := func(words []string, every int) []string {
		words = slices.Clone(words)
		for i := every; i < len(words); i += every {
			words[i] = "other"
		}
		return words
	}
	header, book := prose(200), prose(100_000)
	var ladder, steps []string // blocks of every length
	for n := 1; len(ladder) < 100_000; n++ {
		block := prose(n)
		ladder, steps = append(append(ladder, block...), "x"), append(append(steps, block...), "y")
	}
	for _, bb := range []struct {
		name            string
		probe, document []string
	}{
		{"nothing/350x700", prose(350), prose(700)},
		{"header/350x700", append(slices.Clone(header), prose(150)...), append(slices.Clone(header), prose(500)...)},
		{"edited/350x350", book[:350], edited(book[:350], 15)},
		{"same/350x350", book[:350], book[:350]},
		{"edited/5000x5000", book[:5000], edited(book[:5000], 15)},
		{"edited/100000x100000", book, edited(book, 15)},
		{"nothing/100000x100000", book, prose(100_000)},
		{"one_word/10000x100000", times(10_000, "a"), times(100_000, "a")},
		{"refrain/100000x100000", times(50_000, "a", "b"), times(50_000, "a", "c")},
		{"ladder/100000x100000", ladder, steps},
	} {
		b.Run(bb.name, func(b *testing.B) {
			var c verbatim.Comparer
			c.Probe(stream(bb.probe))
			document := stream(bb.document)
			b.SetBytes(int64(len(document)))
			b.ReportAllocs()
			for b.Loop() {
				c.Passages(document)
			}
		})
	}
}
