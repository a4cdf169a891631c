package fold_test

import (
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/zeebo/xxh3"
	"pgregory.net/rapid"

	"palimpsest/stages/fold"
)

func at(row int64) func() fold.Ref {
	return func() fold.Ref { return fold.NewRef("", "mem://c/x", row) }
}

func TestResetForgets(t *testing.T) {
	var d fold.Document
	d.Reset([]byte("One two."), []byte(" one two "), 2, at(1))
	d.Hit(7).Exact = true
	if d.Ref().Row != 1 || d.WordsSHA256() != fold.SHA256([]byte("one two")) {
		t.Errorf("%+v, %s", d.Ref(), d.WordsSHA256())
	}
	kept := d.Ref()
	d.Reset([]byte("Three"), []byte(" three "), 1, at(2))
	if len(d.Hits()) != 0 || d.Ref().Row != 2 || d.WordsSHA256() != fold.SHA256([]byte("three")) || string(d.Text) != "Three" || d.Words != 1 {
		t.Errorf("after Reset: %+v, hits %v", d.Ref(), d.Hits())
	}
	if kept.Row != 1 || kept.ID != "mem://c/x#1" {
		t.Errorf("a reference does not outlive its document: %+v", kept)
	}
	if h := *d.Hit(7); h != (fold.Hit{Probe: 7}) {
		t.Errorf("a new document begins with the hit %+v", h)
	}
	d.Reset(nil, []byte(" "), 0, at(3))
	if d.WordsSHA256() != "" {
		t.Errorf("a document without words has the digest %s", d.WordsSHA256())
	}
}

// The metadata of a document is read at most once, and not at all unless it is asked for.
func TestRefIsLazy(t *testing.T) {
	calls := 0
	ref := func() fold.Ref { calls++; return fold.NewRef("a", "mem://c/x", 5) }
	var d fold.Document
	d.Reset([]byte("x"), []byte(" x "), 1, ref)
	d.Hit(0)
	d.Is(&fold.Probe{SourceURI: "mem://c/x", SourceRow: 5}) // not from the corpus
	if calls != 0 {
		t.Errorf("%d calls before anything was asked", calls)
	}
	if !d.Is(&fold.Probe{FromCorpus: true, SourceURI: "mem://c/x", SourceRow: 5}) || d.Ref().ID != "a" || calls != 1 {
		t.Errorf("%d calls", calls)
	}
}

func TestIs(t *testing.T) {
	var d fold.Document
	d.Reset(nil, []byte(" "), 0, at(5))
	for _, c := range []struct {
		name  string
		probe fold.Probe
		want  bool
	}{
		{"itself", fold.Probe{FromCorpus: true, SourceURI: "mem://c/x", SourceRow: 5}, true},
		{"another id", fold.Probe{ID: "renamed", FromCorpus: true, SourceURI: "mem://c/x", SourceRow: 5}, true},
		{"another row", fold.Probe{FromCorpus: true, SourceURI: "mem://c/x", SourceRow: 6}, false},
		{"another object", fold.Probe{FromCorpus: true, SourceURI: "mem://c/y", SourceRow: 5}, false},
		{"not from the corpus", fold.Probe{SourceURI: "mem://c/x", SourceRow: 5}, false},
	} {
		if d.Is(&c.probe) != c.want {
			t.Errorf("%s: %v", c.name, !c.want)
		}
	}
}

// Folds that hit the same probe share one hit, whatever they hit between.
func TestHits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var d fold.Document
		for range rapid.IntRange(1, 3).Draw(t, "documents") {
			d.Reset(nil, []byte(" "), 0, at(0))
			want := map[int32]fold.Hit{}
			for range rapid.IntRange(0, 20).Draw(t, "hits") {
				probe := rapid.Int32Range(0, 5).Draw(t, "probe")
				h := d.Hit(probe)
				h.Longest++
				want[probe] = fold.Hit{Probe: probe, Overlap: fold.Overlap{Longest: want[probe].Longest + 1}}
			}
			got := map[int32]fold.Hit{}
			for _, h := range d.Hits() {
				got[h.Probe] = h
			}
			if diff := cmp.Diff(want, got); diff != "" || len(d.Hits()) != len(want) {
				t.Fatalf("%d hits: %s", len(d.Hits()), diff)
			}
		}
	})
}

// A hit of the document's own begins as what it shares with others, and holds in its place.
func TestShare(t *testing.T) {
	var d fold.Document
	d.Reset(nil, []byte(" "), 0, at(0))
	d.Hit(3).Longest = 9
	shared := &fold.Shared{Longest: 7, Hits: []fold.Hit{
		{Probe: 3, Overlap: fold.Overlap{Longest: 5}}, {Probe: 4, Overlap: fold.Overlap{Longest: 6}}, {Probe: 8, Overlap: fold.Overlap{Longest: 7}},
	}}
	d.Share(fold.Part{Shared: shared, Replaced: 1})
	d.Hit(8).Near = true
	d.Hit(1).Exact = true
	want := []fold.Hit{
		{Probe: 1, Exact: true}, {Probe: 3, Overlap: fold.Overlap{Longest: 9}}, {Probe: 8, Near: true, Overlap: fold.Overlap{Longest: 7}},
	}
	if diff := cmp.Diff(want, d.Hits()); diff != "" {
		t.Errorf("own hits (-want +got):\n%s", diff)
	}
	if parts := d.Parts(); len(parts) != 1 || parts[0].Replaced != 2 || shared.Hits[2].Near {
		t.Errorf("parts %+v", parts)
	}
	d.Reset(nil, []byte(" "), 0, at(1))
	if len(d.Parts()) != 0 {
		t.Error("a new document begins with hits that another shared")
	}
}

// What a fold leaves open of a hit is worked out on demand.
func TestSettle(t *testing.T) {
	var d fold.Document
	d.Reset(nil, []byte(" "), 0, at(0))
	d.SettleBy(func(probe int32) fold.Overlap { return fold.Overlap{DocCovered: int64(probe)} })
	open, settled := fold.Hit{Probe: 5, Near: true, Overlap: fold.Overlap{Unsettled: true}}, fold.Hit{Probe: 6}
	d.Settle(&open)
	d.Settle(&settled)
	if open.DocCovered != 5 || open.Unsettled || !open.Near || settled.DocCovered != 0 {
		t.Errorf("%+v, %+v", open, settled)
	}
}

func TestNewRef(t *testing.T) {
	if r := fold.NewRef("", "s3://b/k", 12); r.ID != "s3://b/k#12" || r.Hash64 != xxh3.HashString("s3://b/k#12") {
		t.Errorf("%+v", r)
	}
	if r := fold.NewRef("doc", "s3://b/k", 12); r.ID != "doc" || r.URI != "s3://b/k" || r.Row != 12 || r.Hash64 != xxh3.HashString("doc") {
		t.Errorf("%+v", r)
	}
}

func TestCompare(t *testing.T) {
	ordered := []fold.Ref{
		{Hash64: 0, ID: "z", URI: "z", Row: 9}, {Hash64: 1, ID: "a", URI: "z", Row: 9}, {Hash64: 1, ID: "b", URI: "a", Row: 9},
		{Hash64: 1, ID: "b", URI: "b", Row: -1}, {Hash64: 1, ID: "b", URI: "b", Row: 2}, {Hash64: math.MaxUint64},
	}
	for i := range ordered {
		for j := range ordered {
			if got, want := ordered[i].Compare(&ordered[j]), min(1, max(-1, i-j)); got != want {
				t.Errorf("%+v and %+v: %d, want %d", ordered[i], ordered[j], got, want)
			}
		}
	}
	byKey := []fold.Ref{
		{Hash64: 9, ID: "a", URI: "z", Row: 9}, {Hash64: 5, ID: "b", URI: "a", Row: 9}, {Hash64: 1, ID: "b", URI: "b"}, {ID: "b", URI: "b", Row: 1},
	}
	if !slices.IsSortedFunc(byKey, func(a, b fold.Ref) int { return a.CompareKey(&b) }) {
		t.Error("CompareKey heeds the hash")
	}
}

// Both orders are total: no two documents are equal, even where ids repeat.
func TestOrdersAreTotal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ref := func(name string) fold.Ref {
			return fold.NewRef(rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, name+" id"),
				rapid.SampledFrom([]string{"x", "y"}).Draw(t, name+" object"), rapid.Int64Range(0, 2).Draw(t, name+" row"))
		}
		a, b, c := ref("a"), ref("b"), ref("c")
		for _, compare := range []func(a, b *fold.Ref) int{(*fold.Ref).Compare, (*fold.Ref).CompareKey} {
			if compare(&a, &b) != -compare(&b, &a) || (compare(&a, &b) == 0) != (a == b) {
				t.Fatalf("%+v and %+v: %d and %d", a, b, compare(&a, &b), compare(&b, &a))
			}
			if compare(&a, &b) <= 0 && compare(&b, &c) <= 0 && compare(&a, &c) > 0 {
				t.Fatalf("%+v, %+v, %+v are in a circle", a, b, c)
			}
		}
	})
}

func TestDigests(t *testing.T) {
	if got := fold.SHA256([]byte("abc")); got != "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" {
		t.Error(got)
	}
	for _, stream := range []string{"", " "} {
		if got := fold.WordsSHA256([]byte(stream)); got != "" {
			t.Errorf("%q: %s", stream, got)
		}
	}
	for n := range 4 {
		keys := strings.Repeat(" word", n+1)
		if got := fold.WordsSHA256([]byte(keys + " ")); got != fold.SHA256([]byte(keys[1:])) {
			t.Errorf("%d words: %s", n+1, got)
		}
	}
}

func TestProbe(t *testing.T) {
	prompt, none := "Once", ""
	for _, c := range []struct {
		probe fold.Probe
		known bool
	}{
		{fold.Probe{Kind: fold.Generation}, false},
		{fold.Probe{Kind: fold.Generation, Prompt: &prompt}, true},
		{fold.Probe{Kind: fold.Generation, Prompt: &none}, true},
		{fold.Probe{Kind: fold.Work}, true},
		{fold.Probe{Kind: fold.Canary}, true},
	} {
		if c.probe.PromptKnown() != c.known {
			t.Errorf("%s: prompt known %v", c.probe.Kind, !c.known)
		}
	}
	for text, valid := range map[string]bool{"": true, "é": true, "\xff": false} {
		if p := (&fold.Probe{Text: []byte(text)}); p.UTF8() != valid {
			t.Errorf("%q: %v", text, !valid)
		}
	}
}
