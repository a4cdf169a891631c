package hash_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"palimpsest/stages/fold"
	"palimpsest/stages/hash"
)

// What Pairs finds joins the probes as comparing each with each does, whether or not pairs that are already joined are passed over.
func TestPairs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var all []*fold.Probe
		var sets []map[string]bool
		for range rapid.IntRange(0, 30).Draw(t, "probes") {
			w := make([]string, rapid.SampledFrom([]int{0, 1, 3, 4, 5, 9, 30}).Draw(t, "words"))
			for k := range w { // few words in the same order, so that many are alike
				w[k] = string(rune('a' + k%26))
				if rapid.IntRange(0, 39).Draw(t, "other") == 0 {
					w[k] = "z" + w[k]
				}
			}
			text := strings.Join(w, " ")
			all, sets = append(all, &fold.Probe{Text: []byte(text)}), append(sets, shinglesOf(text))
		}
		threshold := rapid.SampledFrom([]float64{.5, .8, 1}).Draw(t, "threshold")
		want, got := newJoined(len(all)), newJoined(len(all))
		for a := range all {
			for b := range a {
				if len(sets[a]) > 0 && similarity(sets[a], sets[b]) >= threshold {
					want.join(a, b)
				}
			}
		}
		lazy := rapid.Bool().Draw(t, "lazy")
		err := hash.Pairs(t.Context(), all, threshold, func(a, b int) bool { return lazy && got[a] == got[b] }, func(a, b int) {
			if a >= b || len(sets[a]) == 0 || similarity(sets[a], sets[b]) < threshold {
				t.Fatalf("%d %q and %d %q are not near", a, all[a].Text, b, all[b].Text)
			}
			got.join(a, b)
		})
		if err != nil {
			t.Fatal(err)
		}
		for a := range all {
			if got[a] != want[a] {
				t.Fatalf("got groups %v, want %v", got, want)
			}
		}
	})
}

// joined names each position's group by its least member.
type joined []int

func newJoined(n int) joined {
	j := make(joined, n)
	for i := range j {
		j[i] = i
	}
	return j
}

func (j joined) join(a, b int) {
	low, high := min(j[a], j[b]), max(j[a], j[b])
	for i := range j {
		if j[i] == high {
			j[i] = low
		}
	}
}
