package evidence_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"palimpsest/schemas"
	"palimpsest/stages/evidence"
)

func blindOf(t *testing.T, probes []evidence.Subject) *evidence.Blind {
	t.Helper()
	b, err := evidence.NewBlind(context.Background(), probes)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// prose draws a text of so many words.
func prose(r *rand.Rand, from []string, n int) string {
	var w []string
	for range n {
		w = append(w, from[r.IntN(len(from))])
	}
	return strings.Join(w, " ")
}

// vocabulary is so many made-up words.
func vocabulary(prefix string, n int) (words []string) {
	for i := range n {
		words = append(words, fmt.Sprint(prefix, i))
	}
	return words
}

// texts are labelled works of equal length, drawn from the words of either side, whose log_prob is higher for members by so many
// standard deviations.
func texts(seed uint64, n int, members, others []string, better float64) []evidence.Subject {
	r := rand.New(rand.NewPCG(seed, 1))
	var probes []evidence.Subject
	for i := range 2 * n {
		member := i%2 == 0
		from, lp := others, r.NormFloat64()
		if member {
			from, lp = members, lp+better
		}
		s := labelled(member, 1, ptr("a"), lp)
		s.Probe.ID, s.Probe.Text = fmt.Sprintf("p-%03d", i), []byte(prose(r, from, 40))
		probes = append(probes, s)
	}
	return probes
}

func row(t *testing.T, rows []schemas.Evaluation, score, slice string) schemas.Evaluation {
	t.Helper()
	i := slices.IndexFunc(rows, func(r schemas.Evaluation) bool { return r.Score == score && r.Slice == slice })
	if i < 0 {
		t.Fatalf("no row of %s, %s", score, slice)
	}
	return rows[i]
}

// Where words give membership away, a score that does well is flagged all the same; where they do not, it is not.
func TestBlind(t *testing.T) {
	common := vocabulary("w", 200)
	dated := append(slices.Clone(common), vocabulary("y2024", 40)...)
	for _, c := range []struct {
		name      string
		members   []string
		better    float64
		low, high float64
		beats     bool
	}{
		{"words give it away", dated, 1.5, .9, 1, false},
		{"words do not", common, 1.5, .3, .7, true},
		{"neither words nor the score", common, 0, .3, .7, false},
	} {
		probes := texts(1, 100, c.members, common, c.better)
		r := row(t, evidence.Evaluate("run", "m", probes, blindOf(t, probes)), "log_prob", "a")
		if r.BlindAUROC == nil || r.BlindDifferenceLow == nil || r.BeatsBlind == nil {
			t.Errorf("%s: %+v", c.name, r)
			continue
		}
		t.Logf("%s: AUROC %.3f, blind %.3f, difference at least %.3f", c.name, *r.AUROC, *r.BlindAUROC, *r.BlindDifferenceLow)
		if *r.BlindAUROC < c.low || *r.BlindAUROC > c.high || *r.BeatsBlind != c.beats || *r.BeatsBlind != (*r.BlindDifferenceLow > 0) {
			t.Errorf("%s: blind %v, beats %v", c.name, *r.BlindAUROC, *r.BeatsBlind)
		}
	}
}

// Length alone gives membership away too.
func TestBlindLength(t *testing.T) {
	probes := texts(2, 50, vocabulary("w", 200), vocabulary("w", 200), 0)
	for i := range probes {
		if !*probes[i].Probe.Label {
			p := probes[i].Probe
			p.Text = p.Text[:len(p.Text)/2]
		}
	}
	if r := row(t, evidence.Evaluate("run", "m", probes, blindOf(t, probes)), "log_prob", "all"); *r.BlindAUROC < .95 {
		t.Errorf("blind AUROC %v", *r.BlindAUROC)
	}
}

// The baseline is null where five parts cannot all have members and non-members; so is the difference where the score is missing.
func TestBlindNull(t *testing.T) {
	w := vocabulary("w", 200)
	for _, c := range []struct {
		name        string
		change      func([]evidence.Subject) []evidence.Subject
		blind, diff bool
	}{
		{"five of each", func(p []evidence.Subject) []evidence.Subject { return p }, true, true},
		{"four members", func(p []evidence.Subject) []evidence.Subject { return p[1:] }, false, false},
		{"one work", func(p []evidence.Subject) []evidence.Subject {
			p[0].Probe.Title, p[2].Probe.Title = ptr("A"), ptr("A")
			return p
		}, false, false},
		{"one title of two authors", func(p []evidence.Subject) []evidence.Subject {
			p[0].Probe.Title, p[2].Probe.Title, p[2].Probe.Author = ptr("A"), ptr("A"), ptr("B")
			return p
		}, true, true},
		{"near-duplicates", func(p []evidence.Subject) []evidence.Subject {
			p[0].Probe.Text = append(slices.Clone(p[2].Probe.Text), " more"...)
			return p
		}, false, false},
		{"a score is missing", func(p []evidence.Subject) []evidence.Subject {
			p[0].Target = nil
			return p
		}, true, false},
		{"too much text", func(p []evidence.Subject) []evidence.Subject {
			p[0].Probe.Text = make([]byte, 129<<20)
			return p
		}, false, false},
	} {
		probes := c.change(texts(3, 5, w, w, 0))
		r := row(t, evidence.Evaluate("run", "m", probes, blindOf(t, probes)), "log_prob", "a")
		if (r.BlindAUROC != nil) != c.blind || (r.BlindDifferenceLow != nil) != c.diff || (r.BeatsBlind != nil) != c.diff {
			t.Errorf("%s: %+v", c.name, r)
		}
	}
	if b := blindOf(t, nil); b != nil {
		t.Error("a baseline of nothing")
	}
}

// The baseline does not depend on the order in which the probes come.
func TestBlindIsDeterministic(t *testing.T) {
	w := vocabulary("w", 100)
	probes := texts(4, 60, w, append(w, "x"), .5)
	want := evidence.Evaluate("run", "m", probes, blindOf(t, probes))
	r := rand.New(rand.NewPCG(5, 5))
	for range 3 {
		if d := cmp.Diff(want, evidence.Evaluate("run", "m", probes, blindOf(t, probes))); d != "" {
			t.Fatal(d)
		}
		r.Shuffle(len(probes), func(i, k int) { probes[i], probes[k] = probes[k], probes[i] })
	}
}

func TestBlindStops(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	w := vocabulary("w", 100)
	if _, err := evidence.NewBlind(ctx, texts(6, 20, w, w, 0)); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

// The time grows with the texts alone once a slice has more words than a classifier learns from.
func BenchmarkBlind(b *testing.B) {
	for _, n := range []int{1000, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			probes := texts(7, n/2, vocabulary("w", 5000), vocabulary("w", 5000), 0)
			bytes := 0
			for i := range probes {
				bytes += len(probes[i].Probe.Text)
			}
			b.SetBytes(int64(bytes))
			for b.Loop() {
				if _, err := evidence.NewBlind(context.Background(), probes); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
