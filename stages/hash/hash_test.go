package hash_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"palimpsest/stages/fold"
	"palimpsest/stages/hash"
	"palimpsest/stages/words"
)

const corpusURI = "mem://c/x"

// probes makes a probe of each text. drawn says which row of the corpus a probe was drawn from.
func probes(texts []string, drawn map[int]int64) []*fold.Probe {
	out := make([]*fold.Probe, len(texts))
	for i, text := range texts {
		out[i] = &fold.Probe{ID: fmt.Sprint("p", i), Kind: fold.Work, Text: []byte(text)}
		if row, ok := drawn[i]; ok {
			out[i].FromCorpus, out[i].SourceURI, out[i].SourceRow = true, corpusURI, row
		}
	}
	return out
}

// index is NewIndex, which does not fail on texts that fit in memory.
func index(t interface {
	Helper()
	Fatal(...any)
}, all []*fold.Probe, nearDuplicate float64) *hash.Index {
	t.Helper()
	x, err := hash.NewIndex(context.Background(), all, nearDuplicate)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

// add folds document row into the state and returns its hits, in the probes' order.
func add(s *hash.State, row int, text string) []fold.Hit {
	var n words.Normaliser
	var d fold.Document
	stream, count := n.Stream([]byte(text))
	d.Reset([]byte(text), stream, count, func() fold.Ref { return fold.NewRef("", corpusURI, int64(row)) })
	s.Add(&d)
	hits := slices.Clone(d.Hits())
	slices.SortFunc(hits, func(a, b fold.Hit) int { return int(a.Probe - b.Probe) })
	return hits
}

// counts folds the whole corpus.
func counts(t *testing.T, all []*fold.Probe, corpus []string) []hash.Counts {
	s := hash.NewState(index(t, all, 0))
	for row, text := range corpus {
		add(s, row, text)
	}
	return countsOf(s, len(all))
}

func countsOf(s *hash.State, n int) []hash.Counts {
	out := make([]hash.Counts, n)
	for i := range out {
		out[i] = s.Counts(i)
	}
	return out
}

func TestCounts(t *testing.T) {
	for _, c := range []struct {
		name   string
		probe  string
		corpus []string
		want   hash.Counts
	}{
		{"no corpus", "a b", nil, hash.Counts{}},
		{"nothing equal", "the cat sat", []string{"the cat", "the cat sat on", "cat the sat", "thecatsat"}, hash.Counts{}},
		{"same bytes", "the cat sat", []string{"the cat sat", "a", "the cat sat"}, hash.Counts{Exact: 2, ExactWords: 2}},
		{"same words", "The cat, sat!", []string{"the cat sat", "THE CAT\nSAT", "The cat, sat!"}, hash.Counts{Exact: 1, ExactWords: 3}},
		{"same words, another form", "ﬁne caf\u00e9", []string{"fine cafe\u0301"}, hash.Counts{ExactWords: 1}},
		{"one byte more", "the cat", []string{"the cat ", " the cat"}, hash.Counts{ExactWords: 2}},
		{"empty", "", []string{"", "", " ", "a"}, hash.Counts{Exact: 2}},
		{"no words", "...", []string{"...", "!", ""}, hash.Counts{Exact: 1}},
		{"not UTF-8", "a\xffb", []string{"a\xffb", "a b", "a\xfeb", "ab"}, hash.Counts{Exact: 1, ExactWords: 3}},
		{"NUL", "a\x00", []string{"a\x00", "a"}, hash.Counts{Exact: 1, ExactWords: 2}},
	} {
		if diff := cmp.Diff([]hash.Counts{c.want}, counts(t, probes([]string{c.probe}, nil), c.corpus)); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
}

// Probes with the same text or the same words each count for themselves.
func TestProbesThatAreEqual(t *testing.T) {
	all := probes([]string{"a b", "a b", "A b", "c"}, nil)
	s := hash.NewState(index(t, all, 0))
	hits := add(s, 0, "a b")
	want := []fold.Hit{{Probe: 0, Exact: true, ExactWords: true}, {Probe: 1, Exact: true, ExactWords: true}, {Probe: 2, ExactWords: true}}
	if diff := cmp.Diff(want, hits); diff != "" {
		t.Error(diff)
	}
	one := hash.Counts{Exact: 1, ExactWords: 1}
	if diff := cmp.Diff([]hash.Counts{one, one, {ExactWords: 1}, {}}, countsOf(s, len(all))); diff != "" {
		t.Error(diff)
	}
}

// A probe that was drawn from the corpus does not match itself, but its copies, before and behind it.
func TestDrawnProbe(t *testing.T) {
	all := probes([]string{"a b", "a b"}, map[int]int64{0: 1})
	got := counts(t, all, []string{"a b", "a b", "A B"})
	if diff := cmp.Diff([]hash.Counts{{Exact: 1, ExactWords: 2}, {Exact: 2, ExactWords: 3}}, got); diff != "" {
		t.Error(diff)
	}
	elsewhere := probes([]string{"a b"}, map[int]int64{0: 1})
	elsewhere[0].SourceURI = "mem://c/y"
	if diff := cmp.Diff([]hash.Counts{{Exact: 2, ExactWords: 2}}, counts(t, elsewhere, []string{"a b", "a b"})); diff != "" {
		t.Errorf("the same row of another object: %s", diff)
	}
}

func TestSums(t *testing.T) {
	const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	want := []hash.Sums{{fold.SHA256([]byte("The cat.")), fold.SHA256([]byte("the cat")), 2}, {fold.SHA256([]byte("...")), "", 0}, {empty, "", 0}}
	for i, text := range []string{"The cat.", "...", ""} {
		if got, w := hash.SumsOf(new(words.Normaliser), []byte(text)), want[i]; got != w {
			t.Errorf("text %d: %+v, want %+v", i, got, w)
		}
	}
}

// text draws short texts of few letters, so that equal ones are common.
var text = rapid.StringOfN(rapid.SampledFrom([]rune("aAb ,.é\x00")), 0, 5, -1)

// bruteForce compares every probe with every document. Words of the drawn alphabet are runs of letters, in lower case.
func bruteForce(all []*fold.Probe, corpus []string) []hash.Counts {
	keys := func(s string) string {
		return strings.Join(strings.FieldsFunc(strings.ToLower(s), func(r rune) bool { return !unicode.IsLetter(r) }), " ")
	}
	out := make([]hash.Counts, len(all))
	for i, p := range all {
		for row, document := range corpus {
			if p.FromCorpus && p.SourceRow == int64(row) {
				continue
			}
			if string(p.Text) == document {
				out[i].Exact++
			}
			if k := keys(document); k != "" && k == keys(string(p.Text)) {
				out[i].ExactWords++
			}
		}
	}
	return out
}

// The counts are those of comparing every text with every other, however the corpus is divided among states, and in whatever order
// the states are merged; and every document's hits are what it added to the counts.
func TestCountsEqualBruteForce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		texts := rapid.SliceOfN(text, 1, 8).Draw(t, "probes")
		corpus := rapid.SliceOfN(text, 0, 20).Draw(t, "corpus")
		drawn := map[int]int64{}
		if len(corpus) > 0 && rapid.Bool().Draw(t, "draw") {
			row := rapid.IntRange(0, len(corpus)-1).Draw(t, "row")
			texts[0], drawn[0] = corpus[row], int64(row)
		}
		all := probes(texts, drawn)
		x := index(t, all, 0)
		states := make([]*hash.State, rapid.IntRange(1, 4).Draw(t, "states"))
		for i := range states {
			states[i] = hash.NewState(x)
		}
		rows := make([]int, len(corpus))
		for i := range rows {
			rows[i] = i
		}
		hits := make([]hash.Counts, len(all))
		for _, row := range rapid.Permutation(rows).Draw(t, "order") {
			s := rapid.SampledFrom(states).Draw(t, "state")
			for _, h := range add(s, row, corpus[row]) {
				if h.Exact {
					hits[h.Probe].Exact++
				}
				if h.ExactWords {
					hits[h.Probe].ExactWords++
				}
			}
		}
		for len(states) > 1 { // any state takes in any other
			states = rapid.Permutation(states).Draw(t, "merge")
			states[0].Merge(states[1])
			states = slices.Delete(states, 1, 2)
		}
		want := bruteForce(all, corpus)
		if diff := cmp.Diff(want, countsOf(states[0], len(all))); diff != "" {
			t.Fatalf("counts: %s", diff)
		}
		if diff := cmp.Diff(want, hits); diff != "" {
			t.Fatalf("hits: %s", diff)
		}
	})
}

// What the fingerprints propose is decided by the bytes and by the digest of the words: a document whose words were normalised to a
// probe's stream, but that has other bytes, is no exact duplicate; one with a probe's bytes is, whatever its words.
func TestBytesAndWordsDecideApart(t *testing.T) {
	s := hash.NewState(index(t, probes([]string{"a b"}, nil), 0))
	ref := func() fold.Ref { return fold.NewRef("", corpusURI, 0) }
	var d fold.Document
	d.Reset([]byte("another text"), []byte(" a b "), 2, ref)
	s.Add(&d)
	d.Reset([]byte("a b"), []byte(" other words "), 2, ref)
	s.Add(&d)
	d.Reset([]byte("a b"), []byte(" "), 0, ref)
	s.Add(&d)
	if got := s.Counts(0); got != (hash.Counts{Exact: 2, ExactWords: 1}) {
		t.Errorf("%+v", got)
	}
}
