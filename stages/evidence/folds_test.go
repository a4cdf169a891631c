package evidence

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"palimpsest/stages/fold"
)

// Works and near-duplicates are never parted, and single texts are dealt evenly, whatever order they come in.
func TestDeal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var probes []*fold.Probe
		var texts []example
		for i := range rapid.IntRange(1, 40).Draw(t, "probes") {
			var w []string // the same words in one order with a few replaced: many are near-duplicates
			kind := rapid.IntRange(0, 5).Draw(t, "kind")
			for k := range 20 {
				word := fmt.Sprint("w", kind, "x", k)
				if rapid.IntRange(0, 49).Draw(t, "other") == 0 {
					word = fmt.Sprint("other", i, "x", k)
				}
				w = append(w, word)
			}
			p := &fold.Probe{ID: fmt.Sprint(i), Text: []byte(strings.Join(w, " "))}
			if rapid.IntRange(0, 3).Draw(t, "titled") == 0 {
				title, author := rapid.SampledFrom([]string{"A", "B", "C"}).Draw(t, "title"), rapid.SampledFrom([]string{"", "X"}).Draw(t, "author")
				p.Title = &title
				if author != "" {
					p.Author = &author
				}
			}
			probes = append(probes, p)
			texts = append(texts, example{int32(i), rapid.Bool().Draw(t, "member")})
		}
		g, err := related(t.Context(), probes)
		if err != nil {
			t.Fatal(err)
		}
		dealt := deal(texts, g, order(probes))
		for a := range probes {
			for b := range a {
				if (sameWork(probes[a], probes[b]) || nearBy(probes[a], probes[b])) && dealt[a] != dealt[b] {
					t.Fatalf("%d and %d are parted", a, b)
				}
			}
		}
		r := rapid.Permutation(texts).Draw(t, "order")
		again := deal(r, g, order(probes))
		for i, x := range r {
			if again[i] != dealt[x.text] {
				t.Fatalf("%d is dealt to %d, then to %d", x.text, dealt[x.text], again[i])
			}
		}
	})
}

func sameWork(a, b *fold.Probe) bool {
	author := func(p *fold.Probe) string {
		if p.Author == nil {
			return ""
		}
		return *p.Author
	}
	return a.Title != nil && b.Title != nil && *a.Title == *b.Title && author(a) == author(b)
}

// nearBy is the definition of near-duplicates (methods, section 3).
func nearBy(a, b *fold.Probe) bool {
	shingles := func(p *fold.Probe) map[string]bool {
		set, w := map[string]bool{}, strings.Fields(string(p.Text))
		for i := 0; i+5 <= len(w); i++ {
			set[strings.Join(w[i:i+5], " ")] = true
		}
		return set
	}
	x, y, shared := shingles(a), shingles(b), 0
	for s := range x {
		if y[s] {
			shared++
		}
	}
	return float64(shared)/float64(len(x)+len(y)-shared) >= nearDuplicate
}

func TestDealEvenly(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		members, others := rapid.IntRange(0, 50).Draw(t, "members"), rapid.IntRange(0, 50).Draw(t, "others")
		var probes []*fold.Probe
		var texts []example
		for i := range members + others {
			probes = append(probes, &fold.Probe{Text: fmt.Append(nil, "text ", i)})
			texts = append(texts, example{int32(i), i < members})
		}
		g, err := related(t.Context(), probes)
		if err != nil {
			t.Fatal(err)
		}
		var have [2][]int
		have[0], have[1] = make([]int, folds), make([]int, folds)
		for i, f := range deal(texts, g, order(probes)) {
			if texts[i].member {
				have[0][f]++
			} else {
				have[1][f]++
			}
		}
		for _, n := range have {
			if slices.Max(n)-slices.Min(n) > 1 {
				t.Fatalf("folds of %v", have)
			}
		}
	})
}

// Five differences of mean .1 and standard deviation .05: .1 - 2.7764 * .05 / sqrt 5.
func TestLowerEnd(t *testing.T) {
	d := []float64{.1, .1 - .05, .1 + .05, .1 - .05, .1 + .05}
	if got := lowerEnd(d); got < .03791 || got > .03793 {
		t.Errorf("got %v", got)
	}
	if got := lowerEnd([]float64{0, 0, 0, 0, 0}); got != 0 {
		t.Errorf("got %v", got)
	}
}
