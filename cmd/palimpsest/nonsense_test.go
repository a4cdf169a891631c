package main

import (
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"palimpsest/schemas"
)

// TestNonsense runs the experiment with nonsense sentences as it is configured (Franceschelli et al., arXiv 2407.13493, Figure 2):
// sentences that were seen stand out from their unseen siblings, and other unseen siblings do not.
func TestNonsense(t *testing.T) {
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(root, "configs", "nonsense", "nonsense.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	config := strings.ReplaceAll(string(data), "[configs/", "["+root+"/configs/")
	config = strings.ReplaceAll(config, "model: configs/", "model: "+root+"/configs/")
	dir := t.TempDir()
	path := writeFile(t, filepath.Join(dir, "run.yaml"), config)
	if code, _, errs := execute("run", "-c", path, "--set", "output="+dir, "--set", "likelihood.permutations=3"); code != 0 {
		t.Fatalf("exit %d: %s", code, errs)
	}
	runDir := filepath.Join(dir, "nonsense")

	type cell struct {
		group  string
		copies int64
	}
	p := make(map[cell][]float64)
	for _, c := range readTable(t, runDir, schemas.Canaries) {
		if c.ProbeID == "found" {
			if c.PValue != nil || c.Exposure != nil || c.ControlRank == nil || c.PermutationRank == nil {
				t.Errorf("a found sentence has no null, only ranks that describe: %+v", c)
			}
			continue
		}
		if c.Controls != 64 || c.ReferenceLogProb == nil || *c.Permutations != 3 {
			t.Errorf("%+v", c)
		}
		if want := math.Log2(65) - math.Log2(float64(*c.ControlRank)); math.Abs(*c.Exposure-want) > 1e-12 {
			t.Errorf("%s: exposure %v, want %v", c.ProbeID, *c.Exposure, want)
		}
		at := cell{*c.ControlGroup, *c.ExactDocuments}
		p[at] = append(p[at], *c.PValue)
	}
	leasts := map[string]map[int64]float64{"nonsense": {64: 1, 16: 1, 4: .6}, "secret": {64: 1, 16: .6}} // of the share ahead of all
	for _, group := range []string{"nonsense", "secret"} {
		unseen := p[cell{group, 0}]
		if d := uniformDistance(unseen); len(unseen) != 64 || d > ksBound(len(unseen)) {
			t.Errorf("%s: the p-values of %d unseen siblings are %.3f from uniform, and .01 of samples are over %.3f",
				group, len(unseen), d, ksBound(len(unseen)))
		}
		for copies, least := range leasts[group] {
			ahead := 0
			for _, v := range p[cell{group, copies}] {
				if v == 1./65 { // ahead of all controls
					ahead++
				}
			}
			if share := float64(ahead) / 32; len(p[cell{group, copies}]) != 32 || share < least {
				t.Errorf("%s planted %d times: %.2f of %d are ahead of all controls, want %.2f at least", group, copies, share,
					len(p[cell{group, copies}]), least)
			}
		}
	}
	// The test can fail: ranked among controls of another making, unseen secrets all look seen.
	var secrets, wrong []float64
	for _, r := range readTable(t, runDir, schemas.Likelihoods) {
		switch {
		case r.Role != "target":
		case r.Control && *r.ControlGroup == "nonsense":
			wrong = append(wrong, *r.LogProb)
		case !r.Control && *r.ControlGroup == "secret":
			secrets = append(secrets, *r.LogProb)
		}
	}
	var among []float64
	for _, v := range secrets {
		ahead := 0
		for _, w := range wrong {
			if w >= v {
				ahead++
			}
		}
		among = append(among, float64(1+ahead)/float64(len(wrong)+1))
	}
	if d := uniformDistance(among); d < ksBound(len(among)) {
		t.Errorf("secrets among nonsense look uniform too (%.3f)", d)
	}

	traced := make(map[string]int)
	for _, k := range readTable(t, runDir, schemas.Tokens) {
		if k.ReferenceLogProb == nil || k.Rank == nil || k.ByteStart == nil {
			t.Errorf("%+v", k)
		}
		traced[k.ProbeID]++
	}
	if len(traced) != 385 {
		t.Errorf("%d sentences are traced, want 385", len(traced))
	}
}

// uniformDistance is the greatest distance of the values' distribution from the uniform one (Kolmogorov and Smirnov).
func uniformDistance(values []float64) (d float64) {
	values = slices.Sorted(slices.Values(values))
	for i, v := range values {
		d = max(d, v-float64(i)/float64(len(values)), float64(i+1)/float64(len(values))-v)
	}
	return d
}

// ksBound is what that distance exceeds in one of a hundred samples of n.
func ksBound(n int) float64 { return 1.628 / math.Sqrt(float64(n)) }
