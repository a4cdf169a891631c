package match_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"palimpsest/stages/fold"
	"palimpsest/stages/ngram"
)

// BenchmarkUnits folds 4,000 documents of 4,000 bytes through all three folds, in units of so many, against 500 probes of which half begin
// with one header. The documents have nothing of the probes; begin with the header; or are put together of the header, a few other passages
// that probes share, and text of their own. One in a hundred holds half of a probe.
func BenchmarkUnits(b *testing.B) {
	r := rand.New(rand.NewPCG(2, 2))
	prose := func(size int) string {
		var text strings.Builder
		for text.Len() < size {
			w := uint64(r.ExpFloat64() * 2000)
			for x := w*0x9e3779b97f4a7c15 | 1<<60; x > 0; x >>= 16 {
				text.WriteByte("etaoinshrdlucmfwypvbgkjqxz"[x%26])
			}
			text.WriteByte(' ')
		}
		return text.String()[:size]
	}
	header := prose(1200)
	var ends []string
	for range 4 {
		ends = append(ends, " "+prose(300))
	}
	var probes []*fold.Probe
	for i := range 500 {
		text := prose(2000)
		if i%2 == 0 {
			text = header + text + ends[i/2%4]
		}
		probes = append(probes, work(fmt.Sprint("p", i), text))
	}
	s := newSetting(b, probes, ngram.Config{MinWords: 13, MinBytes: 60, MaxSources: 10}, 20)
	for _, kind := range []struct {
		name string
		make func() string
	}{
		{"nothing", func() string { return prose(4000) }},
		{"header", func() string { return header + prose(2800) }},
		{"pages", func() string {
			return header + prose(1000+r.IntN(2000)) + ends[r.IntN(4)] + " " + prose(500) + ends[r.IntN(4)]
		}},
	} {
		var documents []string
		for i := range 4000 {
			text := kind.make()
			if i%100 == 7 {
				text = string(probes[r.IntN(500)].Text[1000:]) + " " + prose(2000)
			}
			documents = append(documents, text)
		}
		for _, size := range []int{250, 1000, 4000} {
			for _, compared := range [][]*fold.Probe{nil, probes} {
				name := "fold"
				s.listed.Room = 5 << 20
				if s.listed.Compared = compared; compared != nil {
					name = "near_verbatim"
				}
				b.Run(fmt.Sprintf("%s/%d/%s", kind.name, size, name), func(b *testing.B) {
					b.SetBytes(4000 * 4000)
					for b.Loop() {
						s.units(b, documents, size, func(*world) {})
					}
				})
			}
			s.listed.Compared = nil
			var records []map[int32][]byte
			b.Run(fmt.Sprintf("%s/%d/encode", kind.name, size), func(b *testing.B) {
				var all []*world
				s.units(b, documents, size, func(w *world) { all = append(all, w) })
				b.SetBytes(4000 * 4000)
				for b.Loop() {
					records = records[:0]
					for _, w := range all {
						records = append(records, w.records())
					}
				}
				bytes := 0
				for _, r := range records {
					for _, record := range r {
						bytes += len(record)
					}
				}
				b.ReportMetric(float64(bytes)/float64(len(records)), "bytes/unit")
			})
			b.Run(fmt.Sprintf("%s/%d/decode", kind.name, size), func(b *testing.B) {
				b.SetBytes(4000 * 4000)
				for b.Loop() {
					w := s.merged()
					var reader fold.Reader
					for _, r := range records {
						for probe, record := range r {
							if err := w.take(&reader, probe, record); err != nil {
								b.Fatal(err)
							}
						}
					}
				}
			})
		}
	}
}

// units folds the documents in units of so many, which it hands out with what was folded.
func (s *setting) units(b *testing.B, documents []string, size int, done func(w *world)) {
	matcher := ngram.NewMatcher(s.index, 256<<20)
	unit := make([]document, size)
	for first := 0; first < len(documents); first += size {
		for i, text := range documents[first : first+size] {
			unit[i] = document{first + i, text}
		}
		w := s.fold(b, matcher, unit)
		w.match.TakeDocuments()
		done(w)
	}
}
