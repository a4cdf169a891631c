package evidence_test

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"palimpsest/schemas"
	"palimpsest/stages/evidence"
	"palimpsest/stages/fold"
	"palimpsest/stages/likelihood"
	"palimpsest/stages/model"
)

// truth and said are rows of the testbed's ground_truth.parquet and token_logprobs.parquet.
type truth struct {
	ID     string  `parquet:"id"`
	Type   string  `parquet:"type"`
	Member int64   `parquet:"member"`
	Dup    int64   `parquet:"dup"`
	SrcDoc *string `parquet:"src_doc,optional"`
	Text   string  `parquet:"text"`
}

type said struct {
	TokenIDs   []int64   `parquet:"token_ids,list"`
	Offsets    []int64   `parquet:"byte_off,list"`
	LogProb    []float64 `parquet:"logprob,list"`
	Rank       []int64   `parquet:"rank,list"`
	Mu         []float64 `parquet:"mu,list"`
	SD         []float64 `parquet:"sd,list"`
	RefLogProb []float64 `parquet:"ref_logprob,list"`
}

func testbed(t *testing.T, name string) *os.File {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "..", "..", "shared", "testbed", name))
	if os.IsNotExist(err) {
		t.Skipf("the testbed is not here: %s", name)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func rows[T any](t *testing.T, name string) []T {
	t.Helper()
	r := parquet.NewGenericReader[T](testbed(t, name))
	defer r.Close()
	out := make([]T, r.NumRows())
	if n, err := r.Read(out); n != len(out) || err != nil && err != io.EOF {
		t.Fatalf("%s: %d of %d rows: %v", name, n, len(out), err)
	}
	return out
}

// testbedSubjects are the labelled texts of the testbed with what the model said of them, a control group a type. Edited texts are
// no members and no negatives either: they carry no label.
func testbedSubjects(t *testing.T) []evidence.Subject {
	t.Helper()
	truths, saids := rows[truth](t, "ground_truth.parquet"), rows[said](t, "token_logprobs.parquet")
	c, err := likelihood.NewScorer(likelihood.Windows{Prefix: 32, Suffix: 50, Stride: 10, TopK: 40})
	if err != nil {
		t.Fatal(err)
	}
	subjects := make([]evidence.Subject, len(truths))
	for i, row := range truths {
		d := saids[i]
		target, err := c.Score([]byte(row.Text), &model.Scored{LogProbs: d.LogProb, TokenIDs: d.TokenIDs, Offsets: d.Offsets,
			Ranks: d.Rank, Means: d.Mu, Deviations: d.SD})
		if err != nil {
			t.Fatalf("%s: %v", row.ID, err)
		}
		ref, err := c.Score([]byte(row.Text), &model.Scored{LogProbs: d.RefLogProb})
		if err != nil {
			t.Fatalf("%s: %v", row.ID, err)
		}
		likelihood.Compare(target, ref)
		s := evidence.Subject{Probe: &fold.Probe{ID: row.ID, Kind: fold.Work, ControlGroup: &truths[i].Type}, Target: target}
		s.Corpus = evidence.Corpus{Hashed: true, Exact: row.Dup, ExactWords: row.Dup}
		if row.Type != "edited" {
			s.Probe.Label = ptr(row.Member == 1)
		}
		subjects[i] = s
	}
	return subjects
}

// perToken puts a per-token mean in the place of a score, as the testbed's published figures are.
func perToken(subjects []evidence.Subject) []evidence.Subject {
	out := make([]evidence.Subject, len(subjects))
	for i, s := range subjects {
		score := *s.Target
		n := float64(score.ScoredTokens)
		score.LogProb /= n
		score.ReferenceLogRatio *= float64(score.TextBytes) / n
		s.Target = &score
		out[i] = s
	}
	return out
}

// The AUROC of every score at every number of copies, as auc.json has them (testbed, section 4). Go's zlib is not C's.
func TestTestbedAUROC(t *testing.T) {
	published := map[string]map[string]float64{}
	if err := json.NewDecoder(testbed(t, "auc.json")).Decode(&published); err != nil {
		t.Fatal(err)
	}
	got := map[string]schemas.Evaluation{}
	for _, r := range evidence.Evaluate("run", "m", perToken(testbedSubjects(t)), nil) {
		got[r.Score+" "+r.Slice] = r
	}
	names := map[string]string{"m_loss": "log_prob", "m_zlib": "zlib_ratio", "m_mink": "min_k", "m_minkpp": "min_k_pp",
		"m_ref": "reference_log_ratio"}
	cells, worst := 0, map[string]float64{}
	for cell, values := range published {
		kind, copies, _ := strings.Cut(cell, ":")
		slice := kind + " copies=" + copies
		if n, err := strconv.Atoi(copies); err != nil {
			t.Fatal(err)
		} else if n > 1 {
			slice += "-" + strconv.Itoa(2*n-1)
		}
		for name, want := range values {
			r, ok := got[names[name]+" "+slice]
			if !ok || r.AUROC == nil {
				t.Errorf("%s: no AUROC of %s", slice, names[name])
				continue
			}
			tolerance := 5e-4
			if name == "m_zlib" {
				tolerance = .02
			}
			off := math.Abs(*r.AUROC - want)
			worst[name] = max(worst[name], off)
			if off > tolerance {
				t.Errorf("%s: AUROC of %s = %v, want %v", slice, names[name], *r.AUROC, want)
			}
			if *r.AUROCLow > *r.AUROC || *r.AUROCHigh < *r.AUROC {
				t.Errorf("%s: interval [%v, %v] around %v", slice, *r.AUROCLow, *r.AUROCHigh, *r.AUROC)
			}
			cells++
		}
	}
	t.Logf("%d AUROCs, farthest off: %v", cells, worst)
	if cells != 19*5 {
		t.Errorf("%d AUROCs were compared, want 95", cells)
	}
}

// TPR at 1 % FPR of loss and of the reference's loss less the target's, and AUROC of bits_per_byte (testbed, section 4).
func TestTestbedTPR(t *testing.T) {
	subjects := testbedSubjects(t)
	got := map[string]schemas.Evaluation{}
	for _, r := range evidence.Evaluate("run", "m", perToken(subjects), nil) {
		got[r.Score+" "+r.Slice] = r
	}
	for slice, want := range map[string][2]float64{
		"passage copies=1": {.050, .300}, "passage copies=2-3": {.175, .650}, "passage copies=4-7": {.400, .850},
		"passage copies=8-15":  {.900, 1},
		"passage copies=16-31": {1, 1}, "passage copies=32-63": {1, 1}, "passage copies=64-127": {1, 1},
		"nonsense copies=1": {.219, .219}, "nonsense copies=4-7": {.906, .906}, "nonsense copies=16-31": {1, 1},
		"nonsense copies=64-127": {1, 1},
		"secret copies=1":        {.281, .031}, "secret copies=4-7": {.156, .031}, "secret copies=16-31": {.781, .375},
		"secret copies=64-127": {1, .969},
		"shuffled copies=1":    {.062, .219}, "shuffled copies=4-7": {.406, .906}, "shuffled copies=16-31": {1, 1},
		"shuffled copies=64-127": {1, 1},
	} {
		for i, score := range []string{"log_prob", "reference_log_ratio"} {
			r := got[score+" "+slice]
			if r.TPRAt1FPR == nil || math.Abs(*r.TPRAt1FPR-want[i]) > 5.1e-4 {
				t.Errorf("%s: TPR at 1 %% FPR of %s = %v, want %v", slice, score, r.TPRAt1FPR, want[i])
			}
		}
	}
	for _, r := range evidence.Evaluate("run", "m", subjects, nil) {
		for slice, want := range map[string]float64{"passage copies=1": .610, "passage copies=2-3": .700, "passage copies=4-7": .843,
			"passage copies=8-15": .938, "passage copies=16-31": .998, "passage copies=32-63": 1, "passage copies=64-127": 1} {
			if r.Score == "bits_per_byte" && r.Slice == slice && math.Abs(*r.AUROC-want) > 1e-3 {
				t.Errorf("%s: AUROC of bits_per_byte = %v, want %v", slice, *r.AUROC, want)
			}
		}
		// Sums rank like means only where all texts have the same number of tokens: .572 by mean, .685 by sum.
		if r.Score == "memorized_bits" && r.Slice == "secret copies=1" && math.Abs(*r.AUROC-.685) > 5e-4 {
			t.Errorf("AUROC of memorized_bits at one copy of a secret = %v, want .685", *r.AUROC)
		}
	}
}

// A real run of the judgement: half the non-members are controls, everything else is judged.
func TestTestbedJudgement(t *testing.T) {
	var probes, controls []evidence.Subject
	held := 0
	for _, s := range testbedSubjects(t) {
		if s.Probe.Label != nil && !*s.Probe.Label {
			if held++; held%2 == 0 {
				s.Probe.Control = true
				controls = append(controls, s)
				continue
			}
		}
		probes = append(probes, s)
	}
	j := evidence.Judge(evidence.Options{RunID: "r", Model: "target"}, probes, controls)
	grades := map[string]map[string]int{}
	for i := range probes {
		key := fmt.Sprint(*probes[i].Probe.ControlGroup, ":", probes[i].Corpus.Exact)
		if grades[key] == nil {
			grades[key] = map[string]int{}
		}
		grades[key][j.Row(i).ModelGrade]++
	}
	for _, f := range j.Families {
		t.Logf("%+v", f)
	}
	t.Log(grades)
	if g := grades["passage:64"]; g["extractable"] != 40 {
		t.Errorf("passages of 64 copies: %v, want 40 extractable", g)
	}
	if g := grades["passage:32"]; g["extractable"] != 15 || g["elevated"] != 25 {
		t.Errorf("passages of 32 copies: %v, want 15 extractable and the rest elevated", g)
	}
	if g := grades["passage:0"]; g["none"] < 180 || g["extractable"] > 0 {
		t.Errorf("unseen passages: %v, want hardly any elevated and none extractable", g)
	}
	if g := grades["edited:0"]; g["not_assessed"] > 0 {
		t.Errorf("edited passages: %v; their windows were tested", g)
	}
}

// The baseline on the testbed. Which passages were trained on was drawn by lot, so their words tell nothing; nor do those of the other
// types, whose members and non-members come from one generator.
func TestTestbedBlind(t *testing.T) {
	subjects := testbedSubjects(t)
	truths := rows[truth](t, "ground_truth.parquet")
	for i := range subjects {
		subjects[i].Probe.Text, subjects[i].Probe.Title = []byte(truths[i].Text), truths[i].SrcDoc
	}
	start := time.Now()
	b := blindOf(t, subjects)
	t.Logf("made in %v", time.Since(start))
	blind := map[string]float64{}
	for _, r := range evidence.Evaluate("run", "m", subjects, b) {
		if r.Score != "reference_log_ratio" {
			continue
		}
		if r.BlindAUROC == nil || r.BeatsBlind == nil {
			t.Errorf("%s: no baseline", r.Slice)
			continue
		}
		blind[r.Slice] = *r.BlindAUROC
		t.Logf("%-22s AUROC %.3f, blind %.3f, difference at least %+.3f", r.Slice, *r.AUROC, *r.BlindAUROC, *r.BlindDifferenceLow)
		if want := r.Slice != "secret copies=1" && r.Slice != "shuffled copies=1"; *r.BeatsBlind != want {
			t.Errorf("%s: beats the baseline: %v, want %v", r.Slice, *r.BeatsBlind, want)
		}
	}
	for slice, want := range map[string]float64{"all": .491, "passage": .492, "nonsense": .464, "secret": .528, "shuffled": .494} {
		if math.Abs(blind[slice]-want) > .02 {
			t.Errorf("%s: blind AUROC %.3f, want about %.3f", slice, blind[slice], want)
		}
	}
}
