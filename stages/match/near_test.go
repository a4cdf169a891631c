package match_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"palimpsest/stages/fold"
	"palimpsest/stages/ngram"
)

// numbered returns words from first on, every so many replaced: none for 0.
func numbered(first, n, every int) string {
	var text strings.Builder
	for i := range n {
		if every > 0 && i%every == every-1 {
			fmt.Fprintf(&text, "other%d ", i)
			continue
		}
		fmt.Fprintf(&text, "w%d ", first+i)
	}
	return text.String()
}

// TestNearVerbatim shows what is recalled of a work, and of the documents that an output resembles.
func TestNearVerbatim(t *testing.T) {
	source := numbered(0, 200, 0)
	probes := []*fold.Probe{
		work("work", source), {ID: "output", Kind: fold.Generation, Text: []byte(source)}, work("none", ""), work("short", numbered(0, 99, 0)),
	}
	for i, p := range probes {
		p.SourceRow = int64(i)
	}
	corpus := []document{
		{0, source},
		{1, numbered(0, 200, 0) + numbered(5000, 200, 0)},
		{2, numbered(0, 200, 40)},                                    // five words changed
		{3, numbered(0, 200, 15)},                                    // blocks of 14 words are merged before they are dropped
		{4, numbered(0, 99, 0) + numbered(5000, 200, 0)},             // a word too short
		{5, numbered(0, 60, 0) + "x y " + numbered(60, 40, 0)},       // merged by the second pass
		{6, numbered(0, 60, 0) + "v x y z q " + numbered(60, 50, 0)}, // a gap of five in one text alone
		{7, numbered(0, 50, 0) + numbered(60, 60, 0)},                // and of ten in the other
		{8, ""},
		{9, numbered(0, 150, 0) + numbered(1_000_000, 1_300_000, 0)}, // more than is held
		{10, numbered(50, 150, 0)},
	}
	want := map[string][]string{
		"work": {
			"d0 1.000", "d1 1.000", "d10 0.750", "d2 0.975", "d3 0.935", "d4 0.000", "d5 0.500", "d6 0.000", "d7 0.000", "d9 0.750",
		},
		"output": {
			"d0 1.000", "d1 0.500", "d10 1.000", "d2 0.975", "d3 0.935", "d4 0.000", "d5 0.980", "d6 0.000", "d7 0.000", "d9 0.000",
		},
		"none":  {"d8 null"},
		"short": {"d0 0.000", "d1 0.000", "d2 0.000", "d3 0.000", "d4 0.000", "d5 0.000", "d6 0.000", "d7 0.000", "d9 0.000", "d10 0.000"},
	}
	s := newSetting(t, probes, ngram.Config{MinWords: 13, MaxSources: 1}, 20)
	for _, room := range []int64{-1, 0, 10_000, 1 << 20, 1 << 30} {
		compared := room >= 0
		if s.listed.Compared, s.listed.Room = nil, room; compared {
			s.listed.Compared = probes
		}
		w := s.fold(t, ngram.NewMatcher(s.index, 1<<20), corpus)
		for i, p := range probes {
			var got []string
			for _, m := range w.match.Rows(i, p.ID) {
				recall := " null"
				if m.NearVerbatimRecall != nil {
					recall = fmt.Sprintf(" %.3f", *m.NearVerbatimRecall)
				}
				got = append(got, m.DocumentID+recall)
			}
			want := slices.Clone(want[p.ID])
			if !compared {
				for i := range want {
					want[i] = strings.Fields(want[i])[0] + " null"
				}
			}
			slices.Sort(want)
			slices.Sort(got)
			if d := gocmp.Diff(want, got); d != "" {
				t.Errorf("%s, room for %d bytes (-want +got):\n%s", p.ID, room, d)
			}
		}
	}
}

// TestNearVerbatimOutsidePrompt shows which document has most of one passage of an output that its prompt does not have.
func TestNearVerbatimOutsidePrompt(t *testing.T) {
	source := numbered(0, 130, 0) + numbered(9000, 50, 0) + numbered(200, 120, 0)
	prompt := func(s string) *string { return &s }
	probes := []*fold.Probe{
		{ID: "unprompted", Prompt: prompt("")},
		{ID: "prompted", Prompt: prompt("Go on after this: " + numbered(0, 30, 0))},
		{ID: "too much of it from the prompt", Prompt: prompt(numbered(0, 31, 0) + ". " + numbered(210, 21, 0))},
		{ID: "few words of the prompt in a row", Prompt: prompt(numbered(0, 4, 0) + ". " + numbered(10, 4, 0))},
		{ID: "unknown"},
		{ID: "known by its tokens", PromptTokens: []byte(" \x00\x00\x00\x01 ")},
	}
	for i, p := range probes {
		p.Kind, p.Text, p.SourceRow = fold.Generation, []byte(source), int64(i)
	}
	corpus := []document{
		{0, numbered(200, 120, 20)},      // 114 equal words
		{1, numbered(0, 130, 0)},         // 130, of which prompts have some
		{2, numbered(200, 115, 0)},       // 115
		{3, numbered(0, 99, 0) + source}, // both, and longer
	}
	for name, c := range map[string]struct {
		of   []document
		want map[string]string
	}{
		"all": {corpus, map[string]string{
			"unprompted": "d3 300", "prompted": "d3 270", "too much of it from the prompt": "d3 248", "few words of the prompt in a row": "d3 300",
		}},
		"parts": {corpus[:3], map[string]string{
			"unprompted": "d1 130", "prompted": "d2 115", "few words of the prompt in a row": "d1 130",
		}},
		"one": {corpus[1:2], map[string]string{
			"unprompted": "d1 130", "prompted": "d1 100", "few words of the prompt in a row": "d1 130",
		}},
	} {
		s := newSetting(t, probes, ngram.Config{MinWords: 13, MaxSources: 1}, 20)
		s.listed.Compared = probes
		w := s.fold(t, ngram.NewMatcher(s.index, 1<<20), c.of)
		got := map[string]string{}
		for i, p := range probes {
			if id, equal := w.match.NearVerbatim(i); equal > 0 {
				got[p.ID] = fmt.Sprint(id, " ", equal)
			}
		}
		if d := gocmp.Diff(c.want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
}
