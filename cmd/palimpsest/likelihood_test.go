package main

import (
	"fmt"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"palimpsest/schemas"
)

// TestScoreCorpus scores the corpus itself: its own columns hold the log-probabilities, row group by row group, and the tokens of
// every document go into a table.
func TestScoreCorpus(t *testing.T) {
	type row struct {
		ID      string    `parquet:"id"`
		Text    string    `parquet:"text"`
		LP      []float64 `parquet:"lp,list"`
		RefLP   []float32 `parquet:"ref_lp,list"`
		Offsets []int32   `parquet:"offsets,list"`
		Ranks   []int64   `parquet:"ranks,list"`
	}
	dir := t.TempDir()
	var corpus []row
	for i := range 5 {
		corpus = append(corpus, row{fmt.Sprint("d", i), "ab cd", []float64{-1, -float64(i + 1)}, []float32{-2, -2}, []int32{0, 2}, []int64{1, 3}})
	}
	writeParquet(t, filepath.Join(dir, "corpus.parquet"), corpus, parquet.MaxRowsPerRowGroup(2))
	runDir := mustRun(t, dir, strings.ReplaceAll(`
corpus: {urls: [DIR/corpus.parquet], columns: {text: text, id: id}}
probes: {from: corpus}
hash: {}
likelihood:
  target: {name: big, columns: {log_probs: lp, byte_offsets: offsets, ranks: ranks}}
  reference: {name: small, columns: {log_probs: ref_lp, byte_offsets: offsets}}
  windows: {prefix: 1, suffix: 1}
  tokens: all
`, "DIR", dir))
	got := make(map[string]float64)
	for _, r := range readTable(t, runDir, schemas.Likelihoods) {
		got[r.ProbeID+" "+r.Model] = *r.LogProb
		if r.Role == "target" {
			if want := (*r.LogProb + 4) / 5; math.Abs(*r.ReferenceLogRatio-want) > 1e-12 {
				t.Errorf("%s: reference_log_ratio %v, want %v", r.ProbeID, *r.ReferenceLogRatio, want)
			}
		}
	}
	want := make(map[string]float64)
	for i := range 5 {
		want[fmt.Sprint("d", i, " big")], want[fmt.Sprint("d", i, " small")] = -float64(i+2), -4
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("log_prob (-want +got):\n%s", d)
	}
	tokens := readTable(t, runDir, schemas.Tokens)
	if len(tokens) != 10 {
		t.Fatalf("%d tokens, want 10", len(tokens))
	}
	if k := tokens[7]; k.ProbeID != "d3" || *k.ByteStart != 2 || *k.ByteEnd != 5 || *k.LogProb != -4 || *k.Rank != 3 || *k.ReferenceLogProb != -2 {
		t.Errorf("token %+v", k)
	}
	if w := readTable(t, runDir, schemas.Windows); len(w) != 5 || *w[2].LogP != -3 || *w[2].Greedy || *w[2].SuffixByteStart != 2 {
		t.Errorf("windows %+v", w)
	}
	for _, e := range readTable(t, runDir, schemas.Evidences) {
		if *e.ExactDocuments != 4 || e.PValue != nil {
			t.Errorf("%s: %d exact documents, p %v; want the 4 others, and no p without controls", e.ProbeID, *e.ExactDocuments, e.PValue)
		}
	}
}

// TestControls holds p-values against their definition, and shows that controls which the corpus holds, or which are probes, are
// taken out and listed.
func TestControls(t *testing.T) {
	type row struct {
		ID   string    `parquet:"id"`
		Text string    `parquet:"text"`
		LP   []float64 `parquet:"lp,list"`
	}
	dir := t.TempDir()
	writeParquet(t, filepath.Join(dir, "corpus.parquet"), []document{{"c", "held by the corpus"}})
	writeParquet(t, filepath.Join(dir, "probes.parquet"), []row{{"p", "the probe itself", []float64{-1}}, {"q", "another probe", []float64{-50}}})
	controls := []row{{"in corpus", "Held by the corpus!", []float64{-.1}}, {"is probe", "the probe itself", []float64{-.1}}}
	for i := range 19 {
		controls = append(controls, row{fmt.Sprint("k", i), fmt.Sprint("control ", i), []float64{-float64(i + 2)}})
	}
	writeParquet(t, filepath.Join(dir, "controls.parquet"), controls)
	path := writeFile(t, filepath.Join(dir, "run.yaml"), strings.ReplaceAll(`
output: DIR/out
run_id: r
corpus: {urls: [DIR/corpus.parquet]}
probes: {urls: [DIR/probes.parquet], columns: {text: text, id: id}}
controls: {urls: [DIR/controls.parquet], columns: {text: text, id: id}}
hash: {}
likelihood: {target: {columns: {log_probs: lp}}}
`, "DIR", dir))
	if code, _, errs := execute("run", "-c", path); code != 0 {
		t.Fatalf("exit %d: %s", code, errs)
	}
	runDir := filepath.Join(dir, "out", "r")
	for _, e := range readTable(t, runDir, schemas.Evidences) {
		want := map[string]float64{"p": 1. / 20, "q": 1}[e.ProbeID]
		if *e.PValue != want || *e.Controls != 19 || *e.ScoreName != "min_k" {
			t.Errorf("%s: p %v of %d controls by %s, want %v of 19", e.ProbeID, *e.PValue, *e.Controls, *e.ScoreName, want)
		}
	}
	published := 0
	for _, r := range readTable(t, runDir, schemas.Likelihoods) {
		if r.Control {
			published++
		}
	}
	if published != 19 {
		t.Errorf("%d controls are published, and p ranks among 19", published)
	}
	_, out, _ := execute("show", runDir)
	for _, want := range []string{"in corpus", "is probe"} {
		if !strings.Contains(out, want) {
			t.Errorf("the summary does not name the control %q that was taken out:\n%s", want, out)
		}
	}
}
