package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"palimpsest/pipeline"
	"palimpsest/stages/report/reporttest"
	"palimpsest/stages/store"
)

// TestReport writes the report of a part of the demo: every figure is what the tables give, the sources are quoted from the corpus and
// agree, and the page is the same each time.
func TestReport(t *testing.T) {
	dir := t.TempDir()
	runDir := mustRun(t, dir, smallDemo(t, dir, 8))
	path := filepath.Join(dir, "page.html")
	code, out, errs := execute("report", runDir, "-o", path)
	if code != 0 || out != path+"\n" {
		t.Fatalf("exit %d: %s%s", code, out, errs)
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	page := string(data)
	if n := reporttest.Check(t, runDir, page); n < 500 {
		t.Errorf("%d figures on the page", n)
	}
	if n := strings.Count(page, "both passages have the same words in the same order"); n < 10 {
		t.Errorf("%d sources agree", n)
	}
	if strings.Contains(page, "own words are not shown") || strings.Contains(page, "passages differ") {
		t.Error("a source was not read, or differs")
	}
	if code, out, errs := execute("report", runDir, "-o", "-"); code != 0 || out != page {
		t.Errorf("exit %d: another page on standard output: %s", code, errs)
	}
}

// TestOrigins reads the columns of a run whose corpus and probes call their texts differently.
func TestOrigins(t *testing.T) {
	dir := t.TempDir()
	writeParquet(t, filepath.Join(dir, "corpus.parquet"), []document{{"a", long}})
	type asked struct {
		ID   string `parquet:"id"`
		Body string `parquet:"body"`
		Ask  string `parquet:"ask"`
	}
	if err := parquet.WriteFile(filepath.Join(dir, "probes.parquet"), []asked{{"p", long, "Go on."}}); err != nil {
		t.Fatal(err)
	}
	run := mustRun(t, dir, strings.ReplaceAll(`
output: DIR/out
run_id: r
corpus: {urls: [DIR/corpus.parquet], columns: {id: id}}
probes: {urls: [DIR/probes.parquet], kind: generation, columns: {id: id, text: body, prompt: ask}}
ngram: {}
`, "DIR", dir))
	s := store.New()
	defer s.Close()
	_, m, _, err := pipeline.ReadManifest(t.Context(), s, run)
	if err != nil {
		t.Fatal(err)
	}
	found, err := origins(s, m)
	if err != nil || len(found) != 2 {
		t.Fatalf("%v: %v", found, err)
	}
	for _, o := range found {
		text, prompt := "text", ""
		if strings.HasSuffix(o.Object.URI, "probes.parquet") {
			text, prompt = "body", "ask"
		}
		if o.Text != text || o.Prompt != prompt {
			t.Errorf("%s: text %q, prompt %q", o.Object.URI, o.Text, o.Prompt)
		}
	}
}

func TestReportMistakes(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"report", filepath.Join(dir, "none")}, 65, "no run is there"},
		{[]string{"report"}, 64, "expected"},
		{[]string{"explain", filepath.Join(dir, "none"), "x"}, 65, "no run is there"},
	} {
		if code, _, errs := execute(c.args...); code != c.code || !strings.Contains(errs, c.want) {
			t.Errorf("%v: exit %d: %s", c.args, code, errs)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("something was left: %v %v", entries, err)
	}
}
