package hash_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"palimpsest/stages/fold"
	"palimpsest/stages/hash"
	"palimpsest/stages/words"
)

// english draws words with about the lengths and frequencies of English.
func english(r *rand.Rand, n int) []string {
	z := rand.NewZipf(r, 1.07, 4, 50_000)
	out := make([]string, n)
	for i := range out {
		rank := z.Uint64()
		w := rand.New(rand.NewPCG(rank, 7))
		letters := 2 + w.IntN(5) + min(len(fmt.Sprint(rank)), 5)
		var b strings.Builder
		for range letters {
			b.WriteByte(byte('a' + w.IntN(26)))
		}
		out[i] = b.String()
	}
	return out
}

// BenchmarkAdd measures the fold on normalised documents of 300 to 2,100 words against 2,000 probes of 100 to 300: with nothing but
// the equal documents looked for; with near-duplicates; with near-duplicates and one probe as long as a book among the others, which
// takes the advantage of short probes away; and on documents most of which is boilerplate that the probes share.
func BenchmarkAdd(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	licence := english(r, 600)
	probe := func(boilerplate bool) string {
		w := english(r, 100+r.IntN(200))
		if boilerplate {
			w = slices.Concat(licence, w)
		}
		return strings.Join(w, " ")
	}
	var plain, boiler, documents, copies []string
	for i := range 2000 {
		plain = append(plain, probe(false))
		boiler = append(boiler, probe(i%4 == 0))
	}
	for range 400 {
		documents = append(documents, strings.Join(english(r, 300+r.IntN(1800)), " "))
		copies = append(copies, strings.Join(slices.Concat(licence, english(r, 20+r.IntN(300))), " "))
	}
	book := strings.Join(english(r, 100_000), " ")
	for _, c := range []struct {
		name      string
		probes    []string
		documents []string
		near      float64
	}{
		{"exact only", plain, documents, 0},
		{"near", plain, documents, .8},
		{"near and a book", append(slices.Clone(plain), book), documents, .8},
		{"boilerplate exact only", boiler, copies, 0},
		{"boilerplate near", boiler, copies, .8},
	} {
		b.Run(c.name, func(b *testing.B) {
			s := hash.NewState(index(b, probes(c.probes, nil), c.near))
			var n words.Normaliser
			size, count := 0, int64(0)
			all := make([]fold.Document, len(c.documents))
			for i, text := range c.documents {
				stream, w := n.Stream([]byte(text))
				all[i].Reset([]byte(text), slices.Clone(stream), w, func() fold.Ref { return fold.NewRef("", corpusURI, int64(i)) })
				size, count = size+len(text), count+w
			}
			b.SetBytes(int64(size))
			b.ReportAllocs()
			for b.Loop() {
				for i := range all {
					s.Add(&all[i])
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(count), "ns/word")
		})
	}
}

// BenchmarkIndex builds the index of 30,000 probes of 300 words, without near-duplicates and with, and reads it.
func BenchmarkIndex(b *testing.B) {
	r := rand.New(rand.NewPCG(3, 3))
	vocabulary := english(r, 100_000)
	var probes []*fold.Probe
	size := int64(0)
	for i := range 30_000 {
		words := make([]string, 300)
		for k := range words {
			words[k] = vocabulary[r.IntN(len(vocabulary))]
		}
		text := strings.Join(words, " ")
		probes = append(probes, &fold.Probe{ID: fmt.Sprint("p", i), Kind: fold.Work, Text: []byte(text)})
		size += int64(len(text))
	}
	var published bytes.Buffer
	for _, c := range []struct {
		name string
		make func() (*hash.Index, error)
	}{
		{"equal", func() (*hash.Index, error) { return hash.NewIndex(b.Context(), probes, 0) }},
		{"near", func() (*hash.Index, error) { return hash.NewIndex(b.Context(), probes, .8) }},
		{"read", func() (*hash.Index, error) {
			return hash.ReadIndex(b.Context(), bytes.NewReader(published.Bytes()), probes, .8)
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.SetBytes(size)
			for b.Loop() {
				x, err := c.make()
				if err != nil {
					b.Fatal(err)
				}
				if c.name == "near" && published.Len() == 0 {
					if _, err := x.WriteTo(&published); err != nil {
						b.Fatal(err)
					}
				}
			}
			if c.name == "read" {
				b.ReportMetric(float64(published.Len())/float64(size), "bytes/byte")
			}
		})
	}
}
