package ngram_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"palimpsest/stages/fold"
	"palimpsest/stages/ngram"
)

// TestBoilerplate has passages that many probes and many documents share, with other words around them: what is remembered of a passage
// must be right wherever it stands, and whatever stands beside it.
func TestBoilerplate(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		c := ngram.Config{MaxSources: 3, MinWords: rapid.SampledFrom([]int{2, 5, 8}).Draw(r, "min_words")}
		separator := " "
		switch rapid.IntRange(0, 4).Draw(r, "unit") {
		case 0:
			c.Unit = fold.Tokens
		case 1:
			c, separator = ngram.Config{MaxSources: 3, Unit: fold.Bytes, MinBytes: rapid.SampledFrom([]int{9, 12, 30}).Draw(r, "min_bytes")}, ""
		}
		word := rapid.SampledFrom([]string{"a", "b", "ab", "licence", "license", "licensed", "warranty", "x1", "theauthorsorcopyrightholdersofanykind"})
		phrase := func(least, most int) *rapid.Generator[string] {
			return rapid.Map(rapid.SliceOfN(word, least, most), func(w []string) string { return strings.Join(w, separator) })
		}
		passages := rapid.SliceOfN(phrase(8, 30), 1, 3).Draw(r, "passages")
		text := rapid.Custom(func(r *rapid.T) string {
			var parts []string
			for range rapid.IntRange(1, 3).Draw(r, "parts") {
				parts = append(parts, phrase(0, 4).Draw(r, "before"), rapid.SampledFrom(passages).Draw(r, "passage"), phrase(0, 4).Draw(r, "after"))
			}
			return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), separator)
		})
		probes := rapid.SliceOfN(text, 16, 24).Draw(r, "probes")
		corpus := rapid.SliceOfN(text, 4, 12).Draw(r, "corpus")
		for _, i := range rapid.SliceOfN(rapid.IntRange(0, len(corpus)-1), 0, 12).Draw(r, "again") { // what comes back is learned
			corpus = append(corpus, corpus[i])
		}
		check(r, t, probes, corpus, c, rapid.IntRange(1, 3).Draw(r, "shards"))
	})
}

// TestPages has pages put together of a few headers, tops and ends, some beginning alike, around words of their own. What is found is the
// same with room to remember much, little, and nothing.
func TestPages(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	some := func(n int, words string) string {
		w := make([]string, n)
		for i := range w {
			w[i] = fmt.Sprint(words, r.IntN(40))
		}
		return strings.Join(w, " ")
	}
	var headers, tops, ends []string
	licence := some(60, "licence")
	for i := range 4 {
		headers = append(headers, fmt.Sprint("copyright ", 2000+i%2, " of the authors of project ", i, " ", licence))
		tops = append(tops, strings.Repeat("contents of ", i%2)+some(40, "top"))
		ends = append(ends, some(30, "end"))
	}
	page := func(own string) string {
		parts := []string{headers[r.IntN(4)], tops[r.IntN(4)], some(r.IntN(20), own), ends[r.IntN(4)]}
		if r.IntN(5) == 0 {
			parts = append(parts, headers[r.IntN(4)]) // its words stand twice in some
		}
		return strings.Join(parts, " ")
	}
	for _, c := range []ngram.Config{usual, {MinWords: 5, MaxSources: 2}, {Unit: fold.Bytes, MinBytes: 50, MaxSources: 3}} {
		var probes []*fold.Probe
		for i := range 40 {
			probes = append(probes, work(fmt.Sprint("p", i), page("probe")))
		}
		var corpus []string
		for range 400 {
			corpus = append(corpus, page("own"))
		}
		for i := range 5 { // some probes are documents
			p := probes[i]
			p.FromCorpus, p.SourceURI, p.SourceRow, p.Text = true, "mem://c/x", int64(17*i), []byte(corpus[17*i])
		}
		want, wantHits := run(t, probes, corpus, c, []int{13, 25}, 3)
		for shards := 1; shards <= 2; shards++ {
			got, hits := run(t, probes, corpus, c, []int{13, 25}, shards)
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%+v, %d shards (-no room +room):\n%s", c, shards, d)
			}
			if d := cmp.Diff(wantHits, hits); d != "" {
				t.Errorf("%+v, %d shards: hits (-no room +room):\n%s", c, shards, d)
			}
		}
	}
}
