package hash_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"palimpsest/stages/fold"
	"palimpsest/stages/hash"
)

// shinglesOf is the definition (methods, section 3) for texts whose words stand between spaces.
func shinglesOf(text string) map[string]bool {
	w := strings.Fields(text)
	set := map[string]bool{}
	if len(w) > 0 && len(w) < 5 {
		set[strings.Join(w, " ")] = true
	}
	for i := 0; i+5 <= len(w); i++ {
		set[strings.Join(w[i:i+5], " ")] = true
	}
	return set
}

// similarity is the Jaccard similarity of two sets; NaN when both are empty.
func similarity(a, b map[string]bool) float64 {
	shared := 0
	for s := range a {
		if b[s] {
			shared++
		}
	}
	return float64(shared) / float64(len(a)+len(b)-shared)
}

// nearOf compares every probe with every document: the similarity of each near pair by probe and row.
func nearOf(all []*fold.Probe, corpus []string, threshold float64) map[[2]int]float64 {
	near := map[[2]int]float64{}
	sets := make([]map[string]bool, len(corpus))
	for row, d := range corpus {
		sets[row] = shinglesOf(d)
	}
	for i, p := range all {
		set := shinglesOf(string(p.Text))
		for row := range corpus {
			if j := similarity(set, sets[row]); j >= threshold && !(p.FromCorpus && p.SourceRow == int64(row)) {
				near[[2]int{i, row}] = j
			}
		}
	}
	return near
}

// checkNear folds the corpus into states, dealt and merged as told, and compares hits and counts with the definition.
func checkNear(t interface {
	Helper()
	Fatal(...any)
	Fatalf(string, ...any)
}, all []*fold.Probe, corpus []string, threshold float64, states int, deal func(row, n int) int) {
	t.Helper()
	x := index(t, all, threshold)
	shards := make([]*hash.State, states)
	for i := range shards {
		shards[i] = hash.NewState(x)
	}
	got := map[[2]int]float64{}
	for row, text := range corpus {
		for _, h := range add(shards[deal(row, states)], row, text) {
			if h.ExactWords && (!h.Near || h.Jaccard != 1) {
				t.Fatalf("probe %d, row %d: the same words, and the hit is %+v", h.Probe, row, h)
			}
			if h.Near {
				got[[2]int{int(h.Probe), row}] = h.Jaccard
			} else if h.Jaccard != 0 {
				t.Fatalf("probe %d, row %d: not near, and the similarity is %v", h.Probe, row, h.Jaccard)
			}
		}
	}
	for len(shards) > 1 { // from either end
		i := deal(len(shards), 2) * (len(shards) - 2)
		shards[i].Merge(shards[i+1])
		shards = slices.Delete(shards, i+1, i+2)
	}
	want := nearOf(all, corpus, threshold)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("pairs at %v (-want +got):\n%s", threshold, diff)
	}
	counts := make([]int64, len(all))
	for pair := range want {
		counts[pair[0]]++
	}
	for i, n := range counts {
		if c := shards[0].Counts(i); c.Near != n || c.ExactWords > n {
			t.Fatalf("probe %d: %+v, want %d near", i, c, n)
		}
	}
}

var thresholds = rapid.OneOf(rapid.SampledFrom([]float64{.5, .8, .9, 1}), rapid.Float64Range(1e-12, 1),
	rapid.Custom(func(t *rapid.T) float64 { // similarities that pairs really have, and their neighbours
		union := rapid.IntRange(1, 40).Draw(t, "union")
		j := float64(rapid.IntRange(1, union).Draw(t, "shared")) / float64(union)
		return rapid.SampledFrom([]float64{j, math.Nextafter(j, 0), min(math.Nextafter(j, 2), 1)}).Draw(t, "threshold")
	}))

// letters draws words of few letters, so that shingles repeat and are shared by chance.
func letters(t *rapid.T, name string, most int) []string {
	alphabet := strings.Fields("a b c dd longerthaneight eightlet")[:rapid.IntRange(1, 6).Draw(t, name+" alphabet")]
	return rapid.SliceOfN(rapid.SampledFrom(alphabet), 0, most).Draw(t, name)
}

// periodic repeats a few words.
func periodic(t *rapid.T, name string) []string {
	period := letters(t, name, 7)
	var out []string
	for range rapid.IntRange(0, 30).Draw(t, name+" times") {
		out = append(out, period...)
	}
	return out
}

// edited changes a text here and there: words replaced, taken out, put in, cut from an end.
func edited(t *rapid.T, name string, words []string) []string {
	out := slices.Clone(words)
	for range rapid.IntRange(0, 4).Draw(t, name+" edits") {
		if len(out) == 0 {
			break
		}
		at := rapid.IntRange(0, len(out)-1).Draw(t, name+" at")
		switch rapid.IntRange(0, 4).Draw(t, name+" edit") {
		case 0:
			out[at] = rapid.SampledFrom([]string{"a", "new", "anotherlongerword"}).Draw(t, name+" word")
		case 1:
			out = slices.Delete(out, at, at+1)
		case 2:
			out = slices.Insert(out, at, "put")
		case 3:
			out = out[:at]
		case 4:
			out = append(out, out[at:]...)
		}
	}
	return out
}

// Every near-duplicate is found and nothing else, with its exact similarity, however the corpus is divided and merged.
func TestNearEqualsDefinition(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		varied := rapid.Custom(func(t *rapid.T) []string { // mostly distinct words
			n, from := rapid.IntRange(0, 60).Draw(t, "words"), rapid.IntRange(0, 3).Draw(t, "from")
			var out []string
			for i := range n {
				out = append(out, fmt.Sprint("w", from+i))
			}
			return out
		})
		free := rapid.Custom(func(t *rapid.T) []string {
			switch rapid.IntRange(0, 2).Draw(t, "form") {
			case 0:
				return letters(t, "letters", 40)
			case 1:
				return periodic(t, "periodic")
			}
			return varied.Draw(t, "varied")
		})
		var texts, corpus []string
		var kept [][]string
		for range rapid.IntRange(1, 12).Draw(t, "probes") {
			words := free.Draw(t, "probe")
			if len(kept) > 0 && rapid.Bool().Draw(t, "like another") {
				words = edited(t, "probe", rapid.SampledFrom(kept).Draw(t, "other"))
			}
			kept = append(kept, words)
			texts = append(texts, strings.Join(words, " "))
		}
		for range rapid.IntRange(0, 12).Draw(t, "documents") {
			words := rapid.SampledFrom(kept).Draw(t, "source")
			if rapid.IntRange(0, 4).Draw(t, "free") == 0 {
				words = free.Draw(t, "document")
			}
			corpus = append(corpus, strings.Join(edited(t, "document", words), " "))
		}
		drawn := map[int]int64{}
		if len(corpus) > 0 && rapid.Bool().Draw(t, "draw") {
			row := rapid.IntRange(0, len(corpus)-1).Draw(t, "row")
			texts[0], drawn[0] = corpus[row], int64(row)
		}
		threshold := thresholds.Draw(t, "threshold")
		checkNear(t, probes(texts, drawn), corpus, threshold, rapid.IntRange(1, 3).Draw(t, "states"),
			func(_, n int) int { return rapid.IntRange(0, n-1).Draw(t, "deal") })
	})
}

// numbered is n distinct words.
func numbered(n int) []string {
	out := make([]string, n)
	for i := range out {
		out[i] = fmt.Sprint("word", i)
	}
	return out
}

func TestNearAroundTheThreshold(t *testing.T) {
	probe := numbered(13) // nine shingles
	changed := func(at ...int) string {
		w := slices.Clone(probe)
		for _, i := range at {
			w[i] = fmt.Sprint("other", i)
		}
		return strings.Join(w, " ")
	}
	for _, c := range []struct {
		name, probe, document string
		threshold             float64
		want                  float64 // 0: not near
	}{
		{"the last of 13 words changed", changed(), changed(12), .8, .8},
		{"just above it", changed(), changed(12), math.Nextafter(.8, 1), 0},
		{"the first changed", changed(), changed(0), .8, .8},
		{"both changed", changed(), changed(0, 12), .8, 0},
		{"both changed, lower", changed(), changed(0, 12), 7. / 11, 7. / 11},
		{"one in the middle", changed(), changed(6), .2, 4. / 14},
		{"the last word left out", changed(), strings.Join(probe[:12], " "), .8, 8. / 9},
		{"all the same", changed(), changed(), 1, 1},
		{"one word more, at 1", changed(), changed() + " more", 1, 0},
		{"another order of the same 4-grams", strings.Repeat("a b c d ", 10), strings.Repeat("b c d a ", 10), 1, 1},
		{"a repeated word", strings.Repeat("a ", 5), strings.Repeat("a ", 5000), 1, 1},
		{"four words are one shingle", "a b c d", "a b c d", 1, 1},
		{"four words and five", "a b c d", "a b c d e", 1e-9, 0},
		{"five words hold no shingle of four", "a b c d e", "a b c d", 1e-9, 0},
		{"no words", "", "", 1e-9, 0},
		{"words that only look alike end to end", "ab c d e f", "a bc d e f", 1e-9, 0},
		{"nothing shared", changed(), strings.Join(numbered(40)[20:], " "), 1e-12, 0},
		{"one shingle of many", changed(), strings.Join(numbered(500)[8:], " "), 1e-12, 1. / 496},
	} {
		hits := add(hash.NewState(index(t, probes([]string{c.probe}, nil), c.threshold)), 0, c.document)
		var got float64
		if len(hits) > 0 && hits[0].Near {
			got = hits[0].Jaccard
		}
		if got != c.want || got != 0 && similarity(shinglesOf(c.probe), shinglesOf(c.document)) != got {
			t.Errorf("%s: similarity %v, want %v", c.name, got, c.want)
		}
	}
}

// Case and punctuation do not count, and are no difference.
func TestNearIsInWords(t *testing.T) {
	s := hash.NewState(index(t, probes([]string{"One two three four five six seven eight nine ten eleven twelve thirteen"}, nil), .8))
	hits := add(s, 0, "ONE, two; three/four five. Six seven eight nine ten eleven twelve FOURTEEN!")
	if diff := cmp.Diff([]fold.Hit{{Near: true, Jaccard: .8}}, hits); diff != "" {
		t.Error(diff)
	}
	if c := s.Counts(0); c != (hash.Counts{Near: 1}) {
		t.Errorf("%+v", c)
	}
}

// Many probes that share boilerplate, and documents edited from them by as many words as the threshold allows and one more.
func TestNearAmongManyProbes(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	vocabulary := numbered(3000)
	words := func(n int) []string {
		out := make([]string, n)
		for i := range out {
			out[i] = vocabulary[r.IntN(len(vocabulary))]
		}
		return out
	}
	licence := words(60)
	var texts, corpus []string
	for i := range 80 {
		w := words(10 + r.IntN(80))
		if i%3 == 0 {
			w = slices.Concat(licence, w)
		}
		texts = append(texts, strings.Join(w, " "))
		if i%20 == 0 {
			texts = append(texts, texts[len(texts)-1])
		}
		for edits := range 5 {
			d := slices.Clone(w)
			for range edits {
				d[r.IntN(len(d))] = vocabulary[r.IntN(len(vocabulary))]
			}
			corpus = append(corpus, strings.Join(d, " "))
		}
	}
	corpus = append(corpus, strings.Join(licence, " "), strings.Join(slices.Concat(licence, words(30)), " "), strings.Join(words(5000), " "))
	for _, threshold := range []float64{.5, .8, .9, 1} {
		checkNear(t, probes(texts, nil), corpus, threshold, 3, func(row, n int) int { return row % n })
	}
}

// The index takes no more memory than a plan reckons with, also of texts whose words are all one letter.
func TestNearMemory(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var b strings.Builder
	for range 400_000 {
		b.WriteByte(byte('a' + r.IntN(26)))
		b.WriteByte(' ')
	}
	all := probes([]string{b.String()}, nil)
	live := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	before := live()
	x := index(t, all, .01) // a low threshold makes long lists
	if took, most := live()-before, hash.NearMemory(int64(b.Len())); took > most || took < most/4 {
		t.Errorf("%d bytes of text: the index takes %d, and %d were reckoned with", b.Len(), took, most)
	}
	runtime.KeepAlive(x)
}

// A document that the run gives up on is left soon, also where it repeats itself without end.
func TestNearStops(t *testing.T) {
	for name, probe := range map[string]string{"known": "a a a a a", "mixed": "a a a a a b"} {
		s := hash.NewState(index(t, probes([]string{probe}, nil), .5))
		var d fold.Document
		asked := 0
		n := 1 << 20
		stream := []byte(strings.Repeat(" a", n) + " ")
		d.Reset(stream, stream, int64(n), func() fold.Ref { return fold.NewRef("", corpusURI, 0) })
		d.Stop = func() bool { asked++; return true }
		s.Add(&d)
		if asked != 1 || s.Counts(0).Near != 0 {
			t.Errorf("%s: asked %d times, counts %+v", name, asked, s.Counts(0))
		}
		d.Stop = nil
		s.Add(&d)
		if s.Counts(0).Near != 1 {
			t.Errorf("%s, to its end: %+v", name, s.Counts(0))
		}
	}
}

// FuzzNear cuts the data into probes and documents of few words and compares with the definition.
func FuzzNear(f *testing.F) {
	f.Add([]byte("aaaaaaaaaa|aaaaaaaaaab|abcdeabcdeabcde|bcdeabcdea"), uint8(80))
	f.Add([]byte("abcdefghijklm|abcdefghijkln||abcd|abcde|a"), uint8(80))
	f.Add([]byte("abababababab|babababa|zzzzzzzzzzzz|zzzzz|xyzxyzxyzxyz"), uint8(99))
	f.Fuzz(func(t *testing.T, data []byte, percent uint8) {
		var texts []string
		for part := range strings.SplitSeq(string(data), "|") {
			var words []string
			for i := range len(part) {
				words = append(words, strings.Repeat(string('a'+rune(part[i]%16)), 1+int(part[i]>>4))) // 1 to 16 letters
			}
			texts = append(texts, strings.Join(words, " "))
		}
		texts = texts[:min(len(texts), 40)]
		half := (len(texts) + 1) / 2
		threshold := float64(percent%100+1) / 100
		checkNear(t, probes(texts[:half], nil), texts, threshold, 2, func(row, n int) int { return row % n })
	})
}
