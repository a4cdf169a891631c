package ngram_test

import (
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/zeebo/xxh3"
	"pgregory.net/rapid"

	"palimpsest/stages/fold"
	"palimpsest/stages/ngram"
	"palimpsest/stages/tokens"
	"palimpsest/stages/words"
)

// run folds the corpus in shards and merges them, and returns what was found of each probe, and each document's hits.
func run(t testing.TB, probes []*fold.Probe, corpus []string, c ngram.Config, report []int, shards int) ([]ngram.Finding, [][]fold.Hit) {
	t.Helper()
	return runSampled(t, probes, corpus, c, c.Sampling(1), report, shards)
}

func runSampled(t testing.TB, probes []*fold.Probe, corpus []string, c ngram.Config, s ngram.Sampling, report []int, shards int) (
	[]ngram.Finding, [][]fold.Hit) {
	t.Helper()
	if c.Unit == fold.Tokens {
		for _, p := range probes {
			p.Tokens = fieldTokens(t, string(p.Text))
		}
	}
	texts, err := ngram.NewTexts(probes, c.Unit)
	if err != nil {
		t.Fatal(err)
	}
	index, err := ngram.NewIndex(t.Context(), texts, c, s, 2)
	if err != nil {
		t.Fatal(err)
	}
	// One matcher fills all states, and has little room to remember anything when the shards are many, and then none.
	room := []int64{1 << 20, 1 << 14, 0}[min(shards, 3)-1]
	matcher := ngram.NewMatcher(index, room)
	states := make([]*ngram.State, shards)
	for i := range states {
		states[i] = matcher.NewState()
	}
	hits := make([][]fold.Hit, len(corpus))
	var n words.Normaliser
	var d fold.Document
	for i, text := range corpus {
		stream, count := n.Stream([]byte(text))
		d.Reset([]byte(text), stream, count, func() fold.Ref { return fold.NewRef(fmt.Sprintf("d%03d", i), "mem://c/x", int64(i)) })
		if c.Unit == fold.Tokens {
			d.Tokens = fieldTokens(t, text)
		}
		states[i%shards].Add(&d)
		hits[i] = slices.Clone(d.Hits())
		for k := range hits[i] {
			h := &hits[i][k]
			before := *h
			if d.Settle(h); h.ProbeCovered != before.ProbeCovered || h.Longest != before.Longest {
				t.Errorf("hit %+v, before it was settled %+v", *h, before)
			}
		}
		for _, part := range d.Parts() {
			probes := len(hits[i])
			for _, h := range part.Hits {
				if !slices.ContainsFunc(d.Hits(), func(own fold.Hit) bool { return own.Probe == h.Probe }) {
					hits[i] = append(hits[i], h)
				}
			}
			if n := len(hits[i]) - probes; n != len(part.Hits)-part.Replaced {
				t.Errorf("%d of %d shared hits are the document's, but %d said to be replaced", n, len(part.Hits), part.Replaced)
			}
		}
		slices.SortFunc(hits[i], func(a, b fold.Hit) int { return int(a.Probe - b.Probe) })
		if k := i % shards; k > 0 && i%5 == 0 { // merge in the middle, as workers do
			states[0].Merge(states[k])
			states[k] = matcher.NewState()
		}
	}
	for _, s := range states[1:] {
		states[0].Merge(s)
	}
	finder := ngram.NewFinder(states[0], int64(len(corpus)), report, true)
	var out []ngram.Finding
	for i := range probes {
		out = append(out, finder.Find(i))
	}
	return out, hits
}

// fieldTokens is a text in which every field is a token, whose id is a hash of it.
func fieldTokens(t testing.TB, text string) tokens.Text {
	t.Helper()
	var ids, offsets []int64
	at := 0
	for _, field := range strings.Fields(text) {
		at += strings.Index(text[at:], field)
		offsets = append(offsets, int64(at))
		ids = append(ids, int64(xxh3.HashString(field)%tokens.Most))
		at += len(field)
	}
	stream, err := tokens.AppendStream(nil, ids)
	if err != nil {
		t.Fatal(err)
	}
	return tokens.Text{Stream: stream, Offsets: append(offsets, int64(len(text)))}
}

func work(id, text string) *fold.Probe {
	return &fold.Probe{ID: id, Kind: fold.Work, Text: []byte(text)}
}

// span is what an oracle can say of a span.
type span struct {
	Start, End, Documents, Occurrences int64
}

func spansOf(f ngram.Finding) (all []span) {
	for _, s := range f.Spans {
		all = append(all, span{s.WordStart, s.WordEnd, s.Documents, s.Occurrences})
	}
	return all
}

// TestWorked is the worked example of methods, section 2.
func TestWorked(t *testing.T) {
	got, _ := run(t, []*fold.Probe{work("p", "the cat sat on a dog ran to the mat . the cat ran away")},
		[]string{"the cat sat on the mat . a dog ran to the park . the cat ran"}, ngram.Config{MinWords: 1, MaxSources: 10}, []int{2, 3, 4, 5, 6, 7}, 1)
	f := got[0]
	want := []span{{0, 4, 1, 1}, {4, 9, 1, 1}, {8, 10, 1, 1}, {10, 13, 1, 1}}
	if d := cmp.Diff(want, spansOf(f)); d != "" {
		t.Errorf("spans (-want +got):\n%s", d)
	}
	for i, u := range []float64{.071429, .142857, .357143, .642857, 1, 1} {
		if got := 1 - *f.Overlap[i].Coverage; math.Abs(got-u) > 1e-6 {
			t.Errorf("U(%d) = %v, want %v", f.Overlap[i].N, got, u)
		}
	}
}

func TestVectors(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "..", "..", "shared", "vectors", "spans.json"))
	if err != nil {
		t.Skip("the shared vectors are absent: ", err)
	}
	var vectors struct {
		Cases []struct {
			MinWords int `json:"min_words"`
			Probe    string
			Corpus   []string
			Spans    []struct {
				WordStart   int64 `json:"word_start"`
				WordEnd     int64 `json:"word_end"`
				ByteStart   int64 `json:"byte_start"`
				ByteEnd     int64 `json:"byte_end"`
				Documents   int64
				Occurrences int64
				In          []int64
			}
			Overlap []struct {
				N, Ngrams, Matched int64
				CoveredWords       int64 `json:"covered_words"`
			}
		}
	}
	if err := json.Unmarshal(data, &vectors); err != nil {
		t.Fatal(err)
	}
	for i, c := range vectors.Cases {
		var report []int
		for _, o := range c.Overlap {
			report = append(report, int(o.N))
		}
		for _, shards := range []int{1, 3} {
			got, _ := run(t, []*fold.Probe{work("p", c.Probe)}, c.Corpus, ngram.Config{MinWords: c.MinWords, MaxSources: 100}, report, shards)
			f := got[0]
			if len(f.Spans) != len(c.Spans) {
				t.Fatalf("case %d: %d spans, want %d", i, len(f.Spans), len(c.Spans))
			}
			for k, w := range c.Spans {
				s := f.Spans[k]
				if s.WordStart != w.WordStart || s.WordEnd != w.WordEnd || s.ByteStart != w.ByteStart || s.ByteEnd != w.ByteEnd ||
					s.Documents != w.Documents || s.Occurrences != w.Occurrences {
					t.Errorf("case %d: span %+v, want %+v", i, s, w)
				}
				var in []int64
				for _, src := range f.Sources {
					if src.SpanIndex == int64(k) {
						in = append(in, src.DocumentRow)
					}
				}
				slices.Sort(in)
				if d := cmp.Diff(w.In, in); d != "" {
					t.Errorf("case %d span %d: sources (-want +got):\n%s", i, k, d)
				}
			}
			for k, w := range c.Overlap {
				if o := f.Overlap[k]; o.Ngrams != w.Ngrams || o.Matched != w.Matched || o.CoveredWords != w.CoveredWords {
					t.Errorf("case %d n %d: %+v, want %+v", i, w.N, o, w)
				}
			}
		}
	}
}

// occurrence is a maximal match of a probe with one document, found by comparing everything with everything.
type occurrence struct{ i, j, at int64 } // units [i, j) of the probe stand at unit `at` of the document

func maximal(probe, doc []string, qualifies func(i, j int) bool) (all []occurrence) {
	for i := range probe {
		for at := range doc {
			if probe[i] != doc[at] || i > 0 && at > 0 && probe[i-1] == doc[at-1] {
				continue
			}
			n := 0
			for i+n < len(probe) && at+n < len(doc) && probe[i+n] == doc[at+n] {
				n++
			}
			if qualifies(i, i+n) {
				all = append(all, occurrence{int64(i), int64(i + n), int64(at)})
			}
		}
	}
	return all
}

// oracle says the spans of a probe by definition: each qualifying interval that some document holds and no longer one contains.
func oracle(probe []string, corpus [][]string, qualifies func(i, j int) bool) (spans []span, documents int64, cover []int64, hits []fold.Hit) {
	held := make(map[[2]int]bool)
	cover = make([]int64, len(probe))
	for _, doc := range corpus {
		ms := maximal(probe, doc, qualifies)
		if len(ms) == 0 {
			hits = append(hits, fold.Hit{})
			continue
		}
		documents++
		inProbe, inDoc, longest := make(map[int64]bool), make(map[int64]bool), int64(0)
		for _, m := range ms {
			held[[2]int{int(m.i), int(m.j)}] = true
			longest = max(longest, m.j-m.i)
			for u := m.i; u < m.j; u++ {
				cover[u]++
				inProbe[u], inDoc[m.at+u-m.i] = true, true
			}
		}
		hits = append(hits, fold.Hit{Overlap: fold.Overlap{
			Qualifying: true, ProbeCovered: int64(len(inProbe)), DocCovered: int64(len(inDoc)), Longest: longest,
		}})
	}
	for a := range held {
		inside := false
		for b := range held {
			inside = inside || a != b && b[0] <= a[0] && a[1] <= b[1]
		}
		if inside {
			continue
		}
		s := span{Start: int64(a[0]), End: int64(a[1])}
		for _, doc := range corpus {
			n := int64(0)
			for at := 0; at+a[1]-a[0] <= len(doc); at++ {
				if slices.Equal(doc[at:at+a[1]-a[0]], probe[a[0]:a[1]]) {
					n++
				}
			}
			s.Occurrences += n
			if n > 0 {
				s.Documents++
			}
		}
		spans = append(spans, s)
	}
	slices.SortFunc(spans, func(a, b span) int { return int(a.Start - b.Start) })
	return spans, documents, cover, hits
}

func check(t interface {
	Helper()
	Errorf(string, ...any)
	Fatalf(string, ...any)
}, tb testing.TB, probeTexts, corpus []string, c ngram.Config, shards int) {
	t.Helper()
	split := strings.Fields
	if c.Unit == fold.Bytes {
		split = func(s string) []string { return strings.Split(s, "") }
	}
	var probes []*fold.Probe
	for i, text := range probeTexts {
		probes = append(probes, work(fmt.Sprint("p", i), text))
	}
	var docs [][]string
	for _, d := range corpus {
		docs = append(docs, split(d))
	}
	got, hits := run(tb, probes, corpus, c, nil, shards)
	for _, s := range []ngram.Sampling{c.Dense(), c.Sampling(2), c.Sampling(3), c.Sampling(4)} {
		again, hitsAgain := runSampled(tb, probes, corpus, c, s, nil, shards)
		if d := cmp.Diff(got, again); d != "" {
			t.Fatalf("%+v probes %q corpus %q: %+v (-%+v +this):\n%s", c, probeTexts, corpus, s, c.Sampling(1), d)
		}
		if d := cmp.Diff(hits, hitsAgain); d != "" {
			t.Fatalf("%+v probes %q corpus %q: hits of %+v (-%+v +this):\n%s", c, probeTexts, corpus, s, c.Sampling(1), d)
		}
	}
	for p, text := range probeTexts {
		units := split(text)
		qualifies := func(i, j int) bool {
			switch c.Unit {
			case fold.Tokens:
				return j-i >= c.MinWords
			case fold.Bytes:
				return j-i >= c.MinBytes
			}
			return j-i >= c.MinWords && len(strings.Join(units[i:j], " ")) >= c.MinBytes
		}
		spans, documents, cover, pairs := oracle(units, docs, qualifies)
		if d := cmp.Diff(spans, spansOf(got[p])); d != "" {
			t.Fatalf("%+v probe %q corpus %q: spans (-want +got):\n%s", c, text, corpus, d)
		}
		if got[p].Documents != documents {
			t.Errorf("%d documents, want %d", got[p].Documents, documents)
		}
		for _, s := range got[p].Spans {
			if want := slices.Max(cover[s.WordStart:s.WordEnd]); s.MaxWordMatches != want {
				t.Errorf("%+v probe %q corpus %q span %d: max_word_matches %d, want %d", c, text, corpus, s.SpanIndex, s.MaxWordMatches, want)
			}
		}
		for d, want := range pairs {
			var found fold.Hit
			for _, h := range hits[d] {
				if h.Probe == int32(p) {
					found = h
					found.Probe = 0
				}
			}
			if found != want {
				t.Errorf("%+v probe %q document %q: hit %+v, want %+v", c, text, corpus[d], found, want)
			}
		}
	}
}

// TestOracle plants pieces of the probes in documents of a small alphabet, periodic ones too, under thresholds that use every
// gram length, and compares with the oracle.
func TestOracle(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		c := ngram.Config{MaxSources: 3}
		separator := " "
		c.Unit = rapid.SampledFrom([]fold.Unit{fold.Words, fold.Bytes, fold.Tokens}).Draw(r, "unit")
		switch c.Unit {
		case fold.Bytes:
			c.MinBytes = rapid.SampledFrom([]int{1, 2, 5, 8, 9, 12, 17, 33, 50}).Draw(r, "min_bytes")
			separator = rapid.SampledFrom([]string{"", " ", "\x00"}).Draw(r, "separator")
		case fold.Tokens:
			c.MinWords = rapid.SampledFrom([]int{1, 2, 3, 4, 5, 8, 13, 50}).Draw(r, "min_tokens")
		default:
			c.MinWords = rapid.SampledFrom([]int{1, 2, 3, 4, 5, 8, 13}).Draw(r, "min_words")
			c.MinBytes = rapid.SampledFrom([]int{0, 0, 7, 20, 60}).Draw(r, "min_bytes")
		}
		word := rapid.SampledFrom([]string{"a", "a", "b", "aa", "ab", "abcdefgh", "abcdefg", "xyz"})
		texts := func(label string, most int) []string {
			return rapid.SliceOfN(rapid.Map(rapid.SliceOfN(word, 0, 60), func(w []string) string { return strings.Join(w, separator) }), 1, most).Draw(r, label)
		}
		probes := texts("probes", 3)
		corpus := texts("corpus", 4)
		for i := range corpus { // plant, so that long matches happen too
			p := rapid.SampledFrom(probes).Draw(r, "planted")
			from := rapid.IntRange(0, len(p)).Draw(r, "from")
			to := rapid.IntRange(from, len(p)).Draw(r, "to")
			at := rapid.IntRange(0, len(corpus[i])).Draw(r, "at")
			corpus[i] = corpus[i][:at] + separator + p[from:to] + separator + corpus[i][at:]
		}
		check(r, t, probes, corpus, c, rapid.IntRange(1, 3).Draw(r, "shards"))
	})
}

func FuzzMatcher(f *testing.F) {
	f.Add("a b a b a b a a", "b a b a b a b", uint8(3), uint8(0), false)
	f.Add("abcabcabcabcabcabcabcabc", "cabcabcabcabcabcabcabcab", uint8(1), uint8(12), true)
	f.Fuzz(func(t *testing.T, probe, document string, minWords, minBytes uint8, inBytes bool) {
		if len(probe) > 400 || len(document) > 400 {
			t.Skip("the oracle is cubic")
		}
		c := ngram.Config{MaxSources: 2, MinWords: max(int(minWords%20), 1), MinBytes: int(minBytes % 80)}
		if inBytes {
			c = ngram.Config{MaxSources: 2, Unit: fold.Bytes, MinBytes: max(int(minBytes%80), 1)}
			probe, document = latin(probe), latin(document)
		} else {
			probe, document = keys(probe), keys(document)
		}
		check(t, t, []string{probe}, []string{document, probe + " " + document}, c, 2)
	})
}

// latin keeps the oracle's units, strings of one byte, apart.
func latin(s string) string {
	return strings.Map(func(r rune) rune { return r & 0x7f }, s)
}

// keys is the text of the keys of s, which the oracle can split at spaces.
func keys(s string) string {
	var n words.Normaliser
	stream, _ := n.Stream([]byte(s))
	text := strings.TrimSpace(string(stream))
	again, _ := n.Stream([]byte(text))
	return strings.TrimSpace(string(again))
}

// TestEveryOffset plants one span of exactly the least length at every offset of a document, and at its edges.
func TestEveryOffset(t *testing.T) {
	filler := func(n int, seed uint64) []string {
		r := rand.New(rand.NewPCG(seed, 1))
		w := make([]string, n)
		for i := range w {
			w[i] = fmt.Sprintf("f%x", r.Uint32())
		}
		return w
	}
	for _, n := range []int{5, 8, 13, 25} {
		planted := filler(n, 99)
		probe := strings.Join(slices.Concat(filler(20, 1), planted, filler(20, 2)), " ")
		var corpus []string
		for at := range 70 {
			corpus = append(corpus, strings.Repeat("x", at)+" "+strings.Join(planted, " ")+" "+strings.Join(filler(at%3, 3), " "))
		}
		got, _ := run(t, []*fold.Probe{work("p", probe)}, corpus, ngram.Config{MinWords: n, MaxSources: 1}, nil, 2)
		if want := []span{{20, 20 + int64(n), 70, 70}}; !slices.Equal(spansOf(got[0]), want) {
			t.Errorf("%d words: spans %v, want %v", n, spansOf(got[0]), want)
		}
	}
}

func TestPromptExclusion(t *testing.T) {
	prompt := "one two three four five six seven"
	p := &fold.Probe{ID: "g", Kind: fold.Generation, Prompt: &prompt, Text: []byte("Two three, four five six! eight nine ten eleven twelve seven")}
	corpus := []string{"zero two three four five six eight nine ten eleven twelve seven"}
	got, _ := run(t, []*fold.Probe{p}, corpus, ngram.Config{MinWords: 5, MaxSources: 1}, []int{5}, 1)
	f := got[0]
	if *f.Spans[0].PromptWords != 5 || *f.LongestOutsidePrompt != 6 || f.OutsidePromptBytes != int64(len("eight nine ten eleven twelve seven")) {
		t.Errorf("prompt words %d, longest outside %d of %d bytes", *f.Spans[0].PromptWords, *f.LongestOutsidePrompt, f.OutsidePromptBytes)
	}
	if got := *f.Overlap[0].CoverageOutsidePrompt; got != 1 {
		t.Errorf("coverage outside the prompt %v, want 1", got)
	}
	p.Prompt = nil
	got, _ = run(t, []*fold.Probe{p}, corpus, ngram.Config{MinWords: 5, MaxSources: 1}, []int{5}, 1)
	if f := got[0]; f.LongestOutsidePrompt != nil || f.Spans[0].PromptWords != nil || f.Overlap[0].CoverageOutsidePrompt != nil {
		t.Error("an unknown prompt must leave what depends on it undefined")
	}
}

// TestTokens has tokens that are no words: they differ by case and spaces, and their bytes are those of the texts.
func TestTokens(t *testing.T) {
	cut := func(pieces ...string) (string, tokens.Text) {
		var ids, offsets []int64
		text := ""
		for _, piece := range pieces {
			offsets = append(offsets, int64(len(text)))
			ids = append(ids, int64(xxh3.HashString(piece)%tokens.Most))
			text += piece
		}
		stream, err := tokens.AppendStream(nil, ids)
		if err != nil {
			t.Fatal(err)
		}
		return text, tokens.Text{Stream: stream, Offsets: append(offsets, int64(len(text)))}
	}
	text, inTokens := cut("The", " cat", " s", "at", " on", " the", " m", "at", ".", "", "And", " slept", ".")
	_, prompt := cut("and", " s", "at", " on", " the", " m", " again")
	p := work("g", text)
	p.Kind, p.Tokens, p.PromptTokens = fold.Generation, inTokens, prompt.Stream
	corpus, corpusTokens := cut("A", " cat", " s", "at", " on", " the", " m", "at", ".", "", " and", " slept", ".")

	texts, err := ngram.NewTexts([]*fold.Probe{p}, fold.Tokens)
	if err != nil {
		t.Fatal(err)
	}
	c := ngram.Config{Unit: fold.Tokens, MinWords: 3, MaxSources: 1}
	index, err := ngram.NewIndex(t.Context(), texts, c, c.Sampling(1), 1)
	if err != nil {
		t.Fatal(err)
	}
	state := ngram.NewMatcher(index, 1<<20).NewState()
	var d fold.Document
	d.Reset([]byte(corpus), []byte(" a cat "), 2, func() fold.Ref { return fold.NewRef("d", "mem://c/x", 0) })
	d.Tokens = corpusTokens
	state.Add(&d)
	f := ngram.NewFinder(state, 1, []int{3, 5}, true).Find(0)
	if f.Units != 13 || !f.Searchable || len(f.Spans) != 1 || f.CreativityIndex != nil {
		t.Fatalf("%+v", f)
	}
	s, source := f.Spans[0], f.Sources[0]
	if s.WordStart != 1 || s.WordEnd != 10 || *s.Text != " cat sat on the mat." || text[s.ByteStart:s.ByteEnd] != *s.Text {
		t.Errorf("span %+v", s)
	}
	if corpus[source.ByteStart:source.ByteEnd] != *s.Text {
		t.Errorf("source %+v", source)
	}
	if *s.PromptWords != 5 || *f.LongestOutsidePrompt != 3 || f.OutsidePromptBytes != int64(len("at.")) {
		t.Errorf("prompt tokens %d, longest outside %d of %d bytes", *s.PromptWords, *f.LongestOutsidePrompt, f.OutsidePromptBytes)
	}
	if got := *f.Overlap[0].CoverageOutsidePrompt; got != 4./8 {
		t.Errorf("coverage outside the prompt %v", got)
	}
}

func TestFromCorpus(t *testing.T) {
	text := "one two three four five six seven eight"
	p := work("d000", text)
	p.FromCorpus, p.SourceURI, p.SourceRow = true, "mem://c/x", 0
	got, _ := run(t, []*fold.Probe{p}, []string{text, text}, ngram.Config{MinWords: 5, MaxSources: 5}, nil, 1)
	if want := []span{{0, 8, 1, 1}}; !slices.Equal(spansOf(got[0]), want) {
		t.Errorf("spans %v, want %v: a document does not match itself", spansOf(got[0]), want)
	}
}
