package main

import (
	"fmt"
	"math"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"palimpsest/pipeline"
	"palimpsest/schemas"
	"palimpsest/stages/store"
)

// demoProbes returns the demo's probes that are chosen, in their order.
func demoProbes(t *testing.T, choose func(demoText) bool) (chosen []demoText) {
	t.Helper()
	rows, err := parquet.ReadFile[demoText](filepath.Join("..", "..", "configs", "demo", "probes.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if choose(r) {
			chosen = append(chosen, r)
		}
	}
	return chosen
}

// TestEmbedded asks the demo's models everything that can be asked of a model, about a few texts, and holds the tables against each
// other.
func TestEmbedded(t *testing.T) {
	dir := t.TempDir()
	models, err := filepath.Abs(filepath.Join("..", "..", "configs", "demo"))
	if err != nil {
		t.Fatal(err)
	}
	counts := make(map[string]int)
	few := demoProbes(t, func(r demoText) bool {
		key := fmt.Sprint(*r.ControlGroup, r.Label == nil || *r.Label)
		counts[key]++
		return *r.ControlGroup != "edited" && counts[key]%40 == 0 // of the members, the last have most copies
	})
	var controls []demoText
	rows, err := parquet.ReadFile[demoText](filepath.Join(models, "controls.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(rows); i += 12 {
		controls = append(controls, rows[i])
	}
	writeParquet(t, filepath.Join(dir, "probes.parquet"), few)
	writeParquet(t, filepath.Join(dir, "controls.parquet"), controls)
	runDir := mustRun(t, dir, strings.NewReplacer("DIR", dir, "MODELS", models).Replace(`
corpus: {urls: [MODELS/corpus.parquet], columns: {text: text, id: id}}
probes:
  - urls: [DIR/probes.parquet]
    columns: {id: id, text: text, kind: kind, control_group: control_group, canary_null: canary_null, label: label}
  - {from: model, prompts: {prefix: 32, length: 50, most: 1, draws: 2}}
controls: {urls: [DIR/controls.parquet], columns: {id: id, text: text, control_group: control_group}}
hash: {}
ngram: {}
likelihood:
  target:
    - {name: base, model: MODELS/reference.gguf}
    - {name: tuned, base: base, model: MODELS/target.gguf}
  reference: {name: other, model: MODELS/reference.gguf}
  windows: {prefix: 32, suffix: 50, stride: 7}
  lowercase: true
  prior: {prefixes: 3}
  permutations: 6
  tokens: all
lineage: {}
`))
	t.Run("lineage", func(t *testing.T) { checkEmbeddedLineage(t, runDir) })
	t.Run("likelihood", func(t *testing.T) { checkEmbeddedLikelihood(t, runDir) })
	t.Run("windows", func(t *testing.T) { checkEmbeddedWindows(t, runDir) })
	t.Run("generations", func(t *testing.T) { checkEmbeddedGenerations(t, runDir, few) })
	t.Run("models", func(t *testing.T) { checkEmbeddedModels(t, runDir, few) })
}

type textModel struct{ text, model string }

// checkEmbeddedLikelihood holds the scores against the tokens that they are made of.
func checkEmbeddedLikelihood(t *testing.T, runDir string) {
	sums := make(map[textModel]float64)
	for _, k := range readTable(t, runDir, schemas.Tokens) {
		sums[textModel{k.ProbeID, k.Model}] += *k.LogProb
	}
	lowered := 0
	for _, r := range readTable(t, runDir, schemas.Likelihoods) {
		if !r.BOS || r.ScoredTokens != r.Tokens || r.Engine != "embedded" || r.MinKPP == nil {
			t.Errorf("%s under %s: %+v", r.ProbeID, r.Model, r)
		}
		if r.Role != "target" {
			continue
		}
		if sum, ok := sums[textModel{r.ProbeID, r.Model}]; ok && math.Abs(sum-*r.LogProb) > 1e-9 {
			t.Errorf("%s under %s: log_prob %v, and its tokens have %v", r.ProbeID, r.Model, *r.LogProb, sum)
		}
		if r.LowercaseRatio == nil {
			t.Errorf("%s under %s has no lowercase_ratio", r.ProbeID, r.Model)
		} else if *r.LowercaseRatio != 1 {
			lowered++
		}
		if r.Model == "base" && *r.ReferenceLogRatio != 0 { // the same model twice
			t.Errorf("%s: reference_log_ratio %v of a model with itself", r.ProbeID, *r.ReferenceLogRatio)
		}
	}
	if lowered == 0 {
		t.Error("the case of no text made a difference")
	}
}

// checkEmbeddedLineage holds the graph against the tables that its edges rest on: nothing that was found is left out.
func checkEmbeddedLineage(t *testing.T, runDir string) {
	got := make(map[string]int)
	for _, e := range checkLineage(t, runDir) {
		got[strings.Join([]string{e.SourceKind, e.Relation, e.TargetKind, e.TargetID}, " ")]++
		if e.SourceKind == "output" || e.SourceKind == "corpus" || e.SourceKind == "corpus_document" {
			delete(got, strings.Join([]string{e.SourceKind, e.Relation, e.TargetKind, e.TargetID}, " "))
		}
	}
	want := map[string]int{"model undetermined tuned_model tuned": 1}
	for _, g := range readTable(t, runDir, schemas.Generations) {
		kind := map[string]string{"base": "model", "tuned": "tuned_model"}[g.Model]
		want[kind+" undetermined output "+g.ProbeID]++
	}
	for _, e := range readTable(t, runDir, schemas.Evidences) {
		if e.Kind != "generation" && e.ModelGrade != "none" && e.ModelGrade != "not_assessed" {
			want["work undetermined "+map[string]string{"base": "model base", "tuned": "tuned_model tuned"}[*e.Model]]++
		}
	}
	if d := cmp.Diff(want, got); d != "" || want["work undetermined tuned_model tuned"] == 0 {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// checkEmbeddedWindows holds what a probe's windows say together against them.
func checkEmbeddedWindows(t *testing.T, runDir string) {
	windows := make(map[textModel][]schemas.Window)
	for _, w := range readTable(t, runDir, schemas.Windows) {
		windows[textModel{w.ProbeID, w.Model}] = append(windows[textModel{w.ProbeID, w.Model}], w)
	}
	lifts := make(map[textModel]float64)
	for _, r := range readTable(t, runDir, schemas.Likelihoods) {
		if r.PriorLift != nil && !r.Control {
			lifts[textModel{r.ProbeID, r.Model}] = *r.PriorLift
		}
	}
	if len(windows) == 0 || len(lifts) == 0 {
		t.Fatalf("%d texts with windows, %d with prior_lift", len(windows), len(lifts))
	}
	rows, greedy := 0, 0
	for _, e := range readTable(t, runDir, schemas.Extractions) {
		rows++
		all := windows[textModel{e.ProbeID, e.Model}]
		extracted := int64(0)
		for _, w := range all {
			if math.Exp(*w.LogP) >= float64(e.TauPermille)/1000 {
				extracted++
			}
			if *w.Greedy {
				greedy++
			}
			if !*w.TopKExcluded && *w.LogPTopK < *w.LogP {
				t.Errorf("%s window %d: less likely when sampled from the likeliest tokens alone", w.ProbeID, w.WindowIndex)
			}
		}
		if e.Windows != int64(len(all)) || e.Extracted != extracted || e.ExtractedTopK < extracted || (*e.Coverage > 0) != (extracted > 0) {
			t.Errorf("%s at %d: %+v; its windows: %d, %d of that probability", e.ProbeID, e.TauPermille, e, len(all), extracted)
		}
	}
	if rows != 4*len(windows) || greedy == 0 {
		t.Errorf("%d rows for %d texts, %d greedy windows", rows, len(windows), greedy)
	}
	for key, all := range windows {
		best := slices.MaxFunc(all, func(a, b schemas.Window) int { return int(math.Copysign(1, *a.LogP-*b.LogP)) })
		if lift, ok := lifts[key]; !ok || best.PriorLogP == nil || math.Abs(lift-(*best.LogP-*best.PriorLogP)) > 1e-9 {
			t.Errorf("%v: prior_lift %v of window %+v", key, lift, best)
		}
	}
}

// checkEmbeddedGenerations holds what the models wrote against the works.
func checkEmbeddedGenerations(t *testing.T, runDir string, few []demoText) {
	works := make(map[string]string)
	for _, r := range few {
		if *r.Kind == "work" {
			works[r.ID] = r.Text
		}
	}
	written := make(map[string]schemas.Probe)
	for _, p := range readTable(t, runDir, schemas.Probes) {
		if p.Kind == "generation" {
			written[p.ProbeID] = p
		}
	}
	generations := readTable(t, runDir, schemas.Generations)
	if want := len(works) * 2 * 3; len(generations) != want || len(written) != want { // two models, one greedy and two drawn
		t.Fatalf("%d generations, %d of them probes; want %d", len(generations), len(written), want)
	}
	extracted := 0
	for _, g := range generations {
		own := works[g.WorkID][g.PromptByteEnd:]
		if *g.Extracted != (*g.SameTokens == g.Asked) || *g.Extracted && !strings.HasPrefix(own, *written[g.ProbeID].Text) {
			t.Errorf("%s is said to be extracted (%v, %d tokens): %q, and the work goes on %q", g.ProbeID, *g.Extracted, *g.SameTokens,
				*written[g.ProbeID].Text, own)
		}
		if *g.Extracted && g.Model == "tuned" {
			extracted++
		} else if *g.Extracted {
			t.Errorf("%s was extracted from a model that never saw it", g.ProbeID)
		}
		if *g.Tokens > 0 && (g.LogProb == nil || *g.LogProb > 0) || g.Draws != map[string]int64{"greedy": 1, "top_k": 2}[g.Sampling] {
			t.Errorf("%+v", g)
		}
	}
	if extracted == 0 {
		t.Error("nothing was extracted")
	}
	grades := 0
	for _, e := range readTable(t, runDir, schemas.Evidences) {
		g := slices.IndexFunc(generations, func(g schemas.Generation) bool { return g.ProbeID == e.ProbeID })
		if g < 0 {
			continue
		}
		grades++
		if *e.Model != generations[g].Model {
			t.Errorf("%s is judged under %s, and %s wrote it", e.ProbeID, *e.Model, generations[g].Model)
		}
		if e.PValue != nil || e.Score != nil || slices.Contains([]string{"elevated", "extractable"}, e.ModelGrade) {
			t.Errorf("likelihood grades %s: %+v", e.ProbeID, e)
		}
	}
	if grades != len(generations) {
		t.Errorf("%d of %d generations were judged", grades, len(generations))
	}
}

// checkEmbeddedModels holds the tables that compare against those that they compare, and the manifest against the models.
func checkEmbeddedModels(t *testing.T, runDir string, few []demoText) {
	lps := make(map[textModel]float64)
	bytes := make(map[string]int64)
	for _, r := range readTable(t, runDir, schemas.Likelihoods) {
		lps[textModel{r.ProbeID, r.Model}], bytes[r.ProbeID] = *r.LogProb, *r.Bytes
	}
	tunings := readTable(t, runDir, schemas.Tunings)
	if len(tunings) != len(few) {
		t.Errorf("%d rows of tuning for %d probes", len(tunings), len(few))
	}
	for _, r := range tunings {
		want := lps[textModel{r.ProbeID, "tuned"}] - lps[textModel{r.ProbeID, "base"}]
		if math.Abs(*r.LogProbDelta-want) > 1e-9 || *r.Bytes != bytes[r.ProbeID] ||
			math.Abs(*r.BitsPerByteDelta-want/math.Ln2/float64(*r.Bytes)) > 1e-12 {
			t.Errorf("%s: %+v, want %v nats", r.ProbeID, r, want)
		}
	}
	canaries := 0
	for _, c := range readTable(t, runDir, schemas.Canaries) {
		canaries++
		if *c.LogProb != lps[textModel{c.ProbeID, c.Model}] || *c.ReferenceLogProb != lps[textModel{c.ProbeID, "other"}] ||
			*c.Permutations != 6 || *c.PermutationRank < 1 || *c.PermutationRank > 7 ||
			*c.PValue != float64(*c.ControlRank)/float64(c.Controls+1) {
			t.Errorf("%+v", c)
		}
	}
	if canaries == 0 || canaries%2 != 0 {
		t.Errorf("%d rows of canaries for two models", canaries)
	}
	state, manifest, _, err := pipeline.ReadManifest(t.Context(), store.New(), runDir)
	if err != nil || state != pipeline.Complete {
		t.Fatal(state, err)
	}
	var names []string
	for _, m := range manifest.Models {
		names = append(names, m.Name)
		if len(m.ModelSHA256) != 64 || m.Parameters == 0 || !m.BOS || len(m.Checks) < 6 {
			t.Errorf("%+v", m)
		}
		for _, c := range m.Checks {
			if !c.OK {
				t.Errorf("%s: %+v", m.Name, c)
			}
		}
	}
	if d := cmp.Diff([]string{"other", "base", "tuned"}, names); d != "" {
		t.Errorf("models of the manifest (-want +got):\n%s", d)
	}
}

// TestTestbedEmbedded has the models themselves score the testbed's texts, cut by their own tokenizer, and holds its published figures
// against the tables: the dose response.
func TestTestbedEmbedded(t *testing.T) {
	if testing.Short() {
		t.Skip("two models score 1,480 texts")
	}
	dir := t.TempDir()
	runDir := mustRun(t, dir, fmt.Sprintf(`
corpus: {urls: [%q], columns: {text: text, id: doc_id}}
probes: {urls: [%q], columns: {text: text, id: id, control_group: type, label: member}}
hash: {}
ngram: {min_words: 13, min_bytes: 0}
likelihood:
  target: {model: %q}
  reference: {model: %q}
  windows: {prefix: 32, suffix: 50}
`, shared(t, "testbed", "train_docs.parquet"), shared(t, "testbed", "ground_truth.parquet"), shared(t, "testbed", "target.gguf"),
		shared(t, "testbed", "reference.gguf")))
	truths := testbedTruths(t)
	t.Run("auroc", func(t *testing.T) { checkAUROC(t, runDir, truths, 2e-3) })
	t.Run("extraction", func(t *testing.T) { checkExtraction(t, runDir, truths) })
	t.Run("grades", func(t *testing.T) {
		for _, e := range readTable(t, runDir, schemas.Evidences) {
			if tr := truths[e.ProbeID]; tr.Member == 0 && tr.Type != "edited" && slices.Contains([]string{"verbatim", "extractable"}, e.ModelGrade) {
				t.Errorf("%s, which the model never saw, is graded %s: %s", e.ProbeID, e.ModelGrade, e.ModelReason)
			}
		}
	})
}

// TestTestbedExposure ranks secrets among others of the same carrier, whose digits were drawn anew, and holds their exposure against the
// testbed's, which has other alternatives: it allows .7.
func TestTestbedExposure(t *testing.T) {
	if testing.Short() {
		t.Skip("a model scores 7,740 sentences")
	}
	type secret struct {
		ID   string `parquet:"id"`
		Type string `parquet:"type"`
		Dup  int64  `parquet:"dup"`
		Text string `parquet:"text"`
	}
	type sentence struct {
		ID    string `parquet:"id"`
		Text  string `parquet:"text"`
		Group string `parquet:"control_group"`
		Null  string `parquet:"canary_null"`
	}
	rows, err := parquet.ReadFile[secret](shared(t, "testbed", "ground_truth.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	const alternatives = 128
	random := rand.New(rand.NewPCG(1, 2))
	var probes, controls []sentence
	copies := make(map[string]int64)
	level := make(map[int64]int)
	for _, r := range rows {
		if level[r.Dup]++; r.Type != "secret" || level[r.Dup] > 12 {
			if r.Type != "secret" {
				level[r.Dup]--
			}
			continue
		}
		probes = append(probes, sentence{r.ID, r.Text, r.ID, "slot"})
		copies[r.ID] = r.Dup
		for k := range alternatives {
			other := []byte(r.Text)
			for i, c := range other {
				if c >= '0' && c <= '9' {
					other[i] = byte('0' + random.IntN(10))
				}
			}
			controls = append(controls, sentence{fmt.Sprint(r.ID, "-", k), string(other), r.ID, "slot"})
		}
	}
	dir := t.TempDir()
	writeParquet(t, filepath.Join(dir, "probes.parquet"), probes)
	writeParquet(t, filepath.Join(dir, "controls.parquet"), controls)
	runDir := mustRun(t, dir, fmt.Sprintf(`
probes: {urls: [%[1]s/probes.parquet], kind: canary, columns: {id: id, text: text, control_group: control_group, canary_null: canary_null}}
controls: {urls: [%[1]s/controls.parquet], columns: {id: id, text: text, control_group: control_group}}
likelihood: {target: {model: %[2]q}}
`, dir, shared(t, "testbed", "target.gguf")))
	sums := make(map[int64]float64)
	for _, c := range readTable(t, runDir, schemas.Canaries) {
		if c.Controls != alternatives {
			t.Errorf("%s is ranked among %d, want %d", c.ProbeID, c.Controls, alternatives)
		}
		sums[copies[c.ProbeID]] += *c.Exposure
	}
	for dup, want := range map[int64]float64{0: 1.41, 1: 1.78, 4: 1.36, 16: 4.01, 64: math.Log2(alternatives + 1)} {
		if got := sums[dup] / 12; math.Abs(got-want) > .7 {
			t.Errorf("%d copies: mean exposure %.2f of 12 secrets, published %.2f", dup, got, want)
		}
	}
}

// TestPriorOfFitControls has a control that holds the words of a probe: its beginning is the probe's own, so what the model says after it
// must not excuse the probe.
func TestPriorOfFitControls(t *testing.T) {
	dir := t.TempDir()
	models, err := filepath.Abs(filepath.Join("..", "..", "configs", "demo"))
	if err != nil {
		t.Fatal(err)
	}
	probes := demoProbes(t, func(r demoText) bool { return r.ID == "m00241" || r.ID == "m00242" })
	controls, err := parquet.ReadFile[demoText](filepath.Join(models, "controls.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	controls = slices.DeleteFunc(controls, func(r demoText) bool { return *r.ControlGroup != "passage" })[:20]
	for _, p := range probes {
		controls = append(controls, demoText{ID: "again-" + p.ID, Text: p.Text + "\n", ControlGroup: p.ControlGroup})
	}
	writeParquet(t, filepath.Join(dir, "probes.parquet"), probes)
	writeParquet(t, filepath.Join(dir, "controls.parquet"), controls)
	runDir := mustRun(t, dir, strings.NewReplacer("DIR", dir, "MODELS", models).Replace(`
corpus: {urls: [MODELS/corpus.parquet], columns: {text: text, id: id}}
probes: {urls: [DIR/probes.parquet], columns: {id: id, text: text, control_group: control_group}}
controls: {urls: [DIR/controls.parquet], columns: {id: id, text: text, control_group: control_group}}
hash: {}
likelihood: {target: {model: MODELS/target.gguf}, windows: {prefix: 32, suffix: 50, stride: 100}, prior: {}}
`))
	for _, e := range readTable(t, runDir, schemas.Evidences) {
		if e.ModelGrade != "extractable" {
			t.Errorf("%s: %s: %s", e.ProbeID, e.ModelGrade, e.ModelReason)
		}
	}
	for _, w := range readTable(t, runDir, schemas.Windows) {
		if w.PriorLogP == nil || *w.PriorLogP > -20 {
			t.Errorf("%s: after the beginnings of other texts the suffix has log p %v", w.ProbeID, w.PriorLogP)
		}
	}
}
