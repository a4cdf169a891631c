package evidence_test

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"palimpsest/stages/evidence"
	"palimpsest/stages/fold"
	"palimpsest/stages/likelihood"
)

// labelled is a probe whose membership is known, with so many copies in the corpus.
func labelled(member bool, copies int64, name *string, lp float64) evidence.Subject {
	s := evidence.Subject{Probe: &fold.Probe{Kind: fold.Work, ControlGroup: name, Label: &member}}
	s.Corpus = evidence.Corpus{Hashed: true, Exact: copies, ExactWords: copies}
	s.Target = &likelihood.Score{LogProb: lp, BitsPerByte: -lp, Perplexity: math.NaN(), MinK: math.NaN(), MinKPP: math.NaN(),
		ZlibRatio: math.NaN(), LowercaseRatio: math.NaN(), ReferenceLogRatio: math.NaN(), MemorizedBits: math.NaN(), PriorLift: math.NaN()}
	return s
}

func TestEvaluate(t *testing.T) {
	a, b := ptr("a"), ptr("b")
	generation := labelled(true, 1, a, 0)
	generation.Probe.Kind = fold.Generation
	control := labelled(false, 0, a, 0)
	control.Probe.Control = true
	unlabelled := labelled(true, 1, a, 0)
	unlabelled.Probe.Label = nil
	unscored := labelled(true, 1, a, 0)
	unscored.Target = nil
	byWords := labelled(true, 0, a, -2)
	byWords.Corpus.ExactWords = 5
	probes := []evidence.Subject{
		labelled(true, 1, a, -1), labelled(true, 3, a, -5), byWords, labelled(true, 0, b, -4), labelled(true, 16, nil, -6),
		labelled(false, 0, a, -5), labelled(false, 0, a, -9), labelled(false, 0, nil, -7),
		generation, control, unlabelled, unscored,
	}
	type line struct {
		Slice      string
		M, N       int64
		AUROC      *float64
		TPR1, TPR5 *float64
	}
	got := map[string][]line{}
	for _, r := range evidence.Evaluate("run", "m", probes, nil) {
		if r.RunID != "run" || (r.AUROC == nil) != (r.AUROCLow == nil) || r.BlindAUROC != nil {
			t.Errorf("got %+v", r)
		}
		got[r.Score] = append(got[r.Score], line{r.Slice, r.Members, r.NonMembers, r.AUROC, r.TPRAt1FPR, r.TPRAt5FPR})
	}
	want := []line{
		{"a", 3, 2, ptr(5.5 / 6), nil, nil},
		{"a copies=1", 1, 2, ptr(1.), nil, nil},
		{"a copies=2-3", 1, 2, ptr(.75), nil, nil},
		{"a copies=4-7", 1, 2, ptr(1.), nil, nil},
		{"all", 5, 3, ptr(13.5 / 15), nil, nil},
		{"b", 1, 0, nil, nil, nil},
		{"b copies=0", 1, 0, nil, nil, nil},
		{"copies=16-31", 1, 1, ptr(1.), nil, nil},
	}
	if diff := cmp.Diff(map[string][]line{"log_prob": want, "bits_per_byte": want}, got); diff != "" {
		t.Error(diff)
	}
	if rows := evidence.Evaluate("run", "m", []evidence.Subject{generation, control, unlabelled, unscored}, nil); rows != nil {
		t.Errorf("without labels there is nothing to evaluate, got %+v", rows)
	}
}

// A control group may have any name; no two slices share one.
func TestSliceNamesAreDistinct(t *testing.T) {
	var probes []evidence.Subject
	for _, name := range []*string{nil, ptr("all"), ptr(""), ptr("a")} {
		probes = append(probes, labelled(true, 1, name, -1), labelled(false, 0, name, -2))
	}
	seen := map[string]bool{}
	for _, r := range evidence.Evaluate("run", "m", probes, nil) {
		if r.Score != "log_prob" {
			continue
		}
		if seen[r.Slice] {
			t.Errorf("slice %q stands twice", r.Slice)
		}
		seen[r.Slice] = true
	}
	if len(seen) != 8 {
		t.Errorf("slices %v", seen)
	}
}
