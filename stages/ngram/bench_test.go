package ngram_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"palimpsest/stages/fold"
	"palimpsest/stages/ngram"
	"palimpsest/stages/tokens"
	"palimpsest/stages/words"
)

// usual is the default configuration.
var usual = ngram.Config{MinWords: 13, MinBytes: 60, MaxSources: 10}

// prose makes text of words that are frequent and rare like those of a language.
func prose(r *rand.Rand, size int) string {
	var b strings.Builder
	for b.Len() < size {
		w := uint64(r.ExpFloat64() * 2000)
		for x := w*0x9e3779b97f4a7c15 | 1<<60; x > 0; x >>= 16 {
			b.WriteByte("etaoinshrdlucmfwypvbgkjqxz"[x%26])
		}
		b.WriteByte(' ')
	}
	return b.String()[:size]
}

func benchmarkProbes(size int) []*fold.Probe {
	r := rand.New(rand.NewPCG(1, 1))
	var probes []*fold.Probe
	for total := 0; total < size; total += 2000 {
		probes = append(probes, work(fmt.Sprint("p", total), prose(r, min(2000, size-total))))
	}
	return probes
}

// BenchmarkIndex builds the index of so many bytes of probes, makes the texts for it, writes it, and reads it.
func BenchmarkIndex(b *testing.B) {
	for _, size := range []int{1e4, 1e6, 1e7} {
		b.Run(fmt.Sprintf("%.0e", float64(size)), func(b *testing.B) {
			probes := benchmarkProbes(size)
			texts, err := ngram.NewTexts(probes, fold.Words)
			if err != nil {
				b.Fatal(err)
			}
			var index *ngram.Index
			b.Run("build", func(b *testing.B) {
				b.SetBytes(int64(size))
				for b.Loop() {
					if index, err = ngram.NewIndex(b.Context(), texts, usual, usual.Sampling(1), 1); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.Run("texts", func(b *testing.B) {
				b.SetBytes(int64(size))
				for b.Loop() {
					if _, err := ngram.NewTexts(probes, fold.Words); err != nil {
						b.Fatal(err)
					}
				}
			})
			var published bytes.Buffer
			b.Run("write", func(b *testing.B) {
				b.SetBytes(int64(size))
				for b.Loop() {
					published.Reset()
					if _, err := index.WriteTo(&published); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(published.Len())/float64(size), "bytes/byte")
			})
			b.Run("read", func(b *testing.B) {
				b.SetBytes(int64(size))
				for b.Loop() {
					if _, err := ngram.ReadIndex(b.Context(), bytes.NewReader(published.Bytes()), texts, usual, usual.Sampling(1), 1); err != nil {
						b.Fatal(err)
					}
				}
			})
		})
	}
}

// BenchmarkAdd scans documents: such as have nothing of the probes, such as have a piece of one, and such as begin with what all have.
func BenchmarkAdd(b *testing.B) {
	r := rand.New(rand.NewPCG(2, 2))
	header := prose(r, 1200)
	probes := benchmarkProbes(1e6)
	for i, p := range probes {
		if i%2 == 0 {
			p.Text = append([]byte(header), p.Text...)
		}
	}
	texts, err := ngram.NewTexts(probes, fold.Words)
	if err != nil {
		b.Fatal(err)
	}
	index, err := ngram.NewIndex(b.Context(), texts, usual, usual.Sampling(1), 1)
	if err != nil {
		b.Fatal(err)
	}
	for _, c := range []struct {
		name string
		make func() string
	}{
		{"nothing", func() string { return prose(r, 4000) }},
		{"pieces", func() string {
			at := r.IntN(1500)
			return prose(r, 2000) + " " + string(probes[r.IntN(len(probes))].Text[at:at+300]) + " " + prose(r, 1700)
		}},
		{"boilerplate", func() string { return header + prose(r, 2800) }},
	} {
		var streams [][]byte
		var n words.Normaliser
		for range 2000 {
			streams = append(streams, n.AppendStream(nil, []byte(c.make())))
		}
		b.Run(c.name, func(b *testing.B) {
			matcher := ngram.NewMatcher(index, 256<<20)
			var d fold.Document
			b.SetBytes(int64(len(streams)) * 4000)
			for b.Loop() {
				state := matcher.NewState()
				for i, s := range streams {
					d.Reset(s, s, words.Count(s), func() fold.Ref { return fold.NewRef(fmt.Sprint("d", i), "mem://c/x", int64(i)) })
					state.Add(&d)
				}
			}
		})
	}
}

// BenchmarkAddTokens scans documents of 1,000 tokens, in one of ten of which 100 are a probe's. A byte is one of the stream, of which a
// token has four, as many as its text usually has.
func BenchmarkAddTokens(b *testing.B) {
	r := rand.New(rand.NewPCG(3, 3))
	text := func(n int) []int64 {
		ids := make([]int64, n)
		for i := range ids {
			ids[i] = int64(r.ExpFloat64()*3000) % tokens.Most
		}
		return ids
	}
	stream := func(ids []int64) tokens.Text {
		s, err := tokens.AppendStream(nil, ids)
		if err != nil {
			b.Fatal(err)
		}
		return tokens.Text{Stream: s, Offsets: make([]int64, len(ids)+1)}
	}
	var probes []*fold.Probe
	var passages [][]int64
	for i := range 500 {
		passages = append(passages, text(500))
		p := work(fmt.Sprint("p", i), "")
		p.Tokens = stream(passages[i])
		probes = append(probes, p)
	}
	texts, err := ngram.NewTexts(probes, fold.Tokens)
	if err != nil {
		b.Fatal(err)
	}
	c := ngram.Config{Unit: fold.Tokens, MinWords: 50, MaxSources: 10}
	index, err := ngram.NewIndex(b.Context(), texts, c, c.Sampling(1), 1)
	if err != nil {
		b.Fatal(err)
	}
	var documents []tokens.Text
	for i := range 2000 {
		ids := text(1000)
		if i%10 == 0 {
			copy(ids[300:], passages[r.IntN(len(passages))][200:300])
		}
		documents = append(documents, stream(ids))
	}
	matcher := ngram.NewMatcher(index, 256<<20)
	var d fold.Document
	b.SetBytes(int64(len(documents)) * tokens.Size(1000))
	for b.Loop() {
		state := matcher.NewState()
		for i, t := range documents {
			d.Reset(nil, nil, 0, func() fold.Ref { return fold.NewRef(fmt.Sprint("d", i), "mem://c/x", int64(i)) })
			d.Tokens = t
			state.Add(&d)
		}
	}
}
