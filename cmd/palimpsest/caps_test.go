package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"palimpsest/pipeline"
	"palimpsest/schemas"
)

// TestCaps shows that what is listed does not change what is judged.
func TestCaps(t *testing.T) {
	var corpus []document
	for i := range 300 {
		corpus = append(corpus, document{fmt.Sprint("d", i), fmt.Sprintf("before %d %s after %d", i, long, i)})
	}
	corpus = append(corpus, document{"whole", strings.Repeat("more and ", 3) + long + " and more of it"})
	var first []schemas.Evidence
	for _, caps := range []string{"", "max_sources: 0", "max_sources: 1", "max_matches: 0", "max_matches: 1, min_match: 1"} {
		dir := t.TempDir()
		writeParquet(t, filepath.Join(dir, "corpus.parquet"), corpus)
		writeParquet(t, filepath.Join(dir, "probes.parquet"), []document{{"p", long}, {"q", long + " " + strings.ToUpper(long)}})
		config := strings.Replace(usual, "ngram: {}", "ngram: {"+caps+"}", 1)
		got := readTable(t, mustRun(t, dir, strings.ReplaceAll(config, "DIR", dir)), schemas.Evidences)
		if first == nil {
			first = got
			if e := got[0]; *e.Distinctiveness != "common" || e.CorpusGrade != "contained" {
				t.Errorf("%s, %s: a text in 301 documents is common and contained", *e.Distinctiveness, e.CorpusGrade)
			}
		} else if d := cmp.Diff(first, got); d != "" {
			t.Errorf("%s: other evidence (-without +with):\n%s", caps, d)
		}
	}
}

// TestCorpusColumns draws probes from a corpus of which every column is mapped.
func TestCorpusColumns(t *testing.T) {
	type row struct {
		ID     int64   `parquet:"id"`
		Text   string  `parquet:"text"`
		URL    string  `parquet:"url"`
		Rights *string `parquet:"rights"`
		Opt    string  `parquet:"opt"`
	}
	dir := t.TempDir()
	writeParquet(t, filepath.Join(dir, "corpus.parquet"), []row{
		{7, long, "https://example.org/7", ptr("Someone"), "reserved"}, {8, "x " + long, "https://example.org/8", nil, ""},
	})
	runDir := mustRun(t, dir, strings.ReplaceAll(`
corpus: {urls: [DIR/corpus.parquet], columns: {text: text, id: id, url: url, license: url, rights_holder: rights, opt_out: opt}}
probes: {from: corpus}
hash: {}
ngram: {}
`, "DIR", dir))
	var got []string
	for _, s := range readTable(t, runDir, schemas.SpanSources) {
		got = append(got, fmt.Sprint(s.ProbeID, " in ", s.DocumentID, " ", *s.URL, " ", *s.OptOut, " ", s.RightsHolder != nil))
	}
	if d := cmp.Diff([]string{"7 in 8 https://example.org/8  false", "8 in 7 https://example.org/7 reserved true"}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

// TestStaleTables runs with fewer stages over an unfinished run: no table of the earlier attempt is left.
func TestStaleTables(t *testing.T) {
	dir := t.TempDir()
	writeParquet(t, filepath.Join(dir, "corpus.parquet"), []document{{"a", long}})
	writeParquet(t, filepath.Join(dir, "probes.parquet"), []document{{"p", long}})
	runDir := mustRun(t, dir, strings.ReplaceAll(usual, "DIR", dir))
	if err := os.Remove(filepath.Join(runDir, "_SUCCESS")); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(runDir, "mine.txt"), "not the run's")
	mustRun(t, dir, strings.Replace(strings.ReplaceAll(usual, "DIR", dir), "ngram: {}\n", "", 1))
	for name, want := range map[string]bool{"parquet/spans": false, "arrow/overlap": false, "parquet/matches": true, "mine.txt": true} {
		_, err := os.Stat(filepath.Join(runDir, filepath.FromSlash(name)))
		entries, _ := os.ReadDir(filepath.Join(runDir, filepath.FromSlash(name)))
		if got := err == nil && (name == "mine.txt" || len(entries) > 0); got != want {
			t.Errorf("%s is there: %v, want %v", name, got, want)
		}
	}
}

// TestBadScores gives log-probabilities that no model can have said: that probe is quarantined, or ends the run, as configured.
func TestBadScores(t *testing.T) {
	type row struct {
		ID    string    `parquet:"id"`
		Text  string    `parquet:"text"`
		LP    []float64 `parquet:"lp,list"`
		Label int32     `parquet:"label"`
	}
	dir := t.TempDir()
	probes := writeParquet(t, filepath.Join(dir, "probes.parquet"), []row{
		{"good", "a b", []float64{-1, -2}, 1}, {"bad", "a c", []float64{-1, .5}, 0}, {"unknown", "a d", []float64{-1, -1}, -1},
	})
	path := writeFile(t, filepath.Join(dir, "run.yaml"), strings.ReplaceAll(`
output: DIR/out
run_id: r
probes: {urls: [DIR/probes.parquet], columns: {text: text, id: id, label: label}}
likelihood: {target: {columns: {log_probs: lp}}}
`, "DIR", dir))
	code, out, errs := execute("run", "-c", path)
	if code != pipeline.ExitQuarantined {
		t.Fatalf("exit %d: %s", code, errs)
	}
	for _, want := range []string{
		"quarantined: file://" + probes + `: row group 0, column lp, row 1: probe "bad": token 1: `,
		"quarantined: file://" + probes + ", row group 0, row 2: the label is -1, and 0, 1 and null are known\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("standard output lacks %q:\n%s", want, out)
		}
	}
	if got := readTable(t, filepath.Join(dir, "out", "r"), schemas.Likelihoods); len(got) != 1 || got[0].ProbeID != "good" {
		t.Errorf("likelihood of %+v, want good alone", got)
	}
	if code, _, errs := execute("run", "-c", path, "--set", "on_bad_input=fail", "--set", "run_id=s"); code != pipeline.ExitData {
		t.Errorf("exit %d: %s", code, errs)
	}
}

// TestStoppedInside stops a run within one document that repeats itself: text with a thousand places for every gram.
func TestStoppedInside(t *testing.T) {
	dir := t.TempDir()
	writeParquet(t, filepath.Join(dir, "corpus.parquet"), []document{{"d", strings.Repeat("a b ", 4<<20)}})
	writeParquet(t, filepath.Join(dir, "probes.parquet"), []document{{"p", strings.Repeat("a b ", 50_000)}})
	path := writeFile(t, filepath.Join(dir, "run.yaml"), strings.ReplaceAll(usual, "DIR", dir))
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(2*time.Second, cancel)
	var out, errs bytes.Buffer
	if code := run(ctx, []string{"run", "-c", path}, &out, &errs); code != pipeline.ExitPreempted {
		t.Errorf("exit %d: %s%s", code, out.String(), errs.String())
	}
}
