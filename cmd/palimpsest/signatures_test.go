package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"palimpsest/pipeline"
	"palimpsest/schemas"
)

// TestSignatures asks for signatures alone: a row for every document that has words, in order, the same bytes from one worker and
// from eight; near-duplicates agree in a band, others in none.
func TestSignatures(t *testing.T) {
	var corpus []document
	for i := range 300 {
		text := strings.Repeat(fmt.Sprintf("text %d has words of its own such as w%d ", i, i*i), 8)
		for k := range 60 {
			text += fmt.Sprint(i, "x", k, " ")
		}
		corpus = append(corpus, document{fmt.Sprintf("d%03d", i), text})
	}
	corpus[250].Text = corpus[10].Text + " and three words"
	corpus[40].Text, corpus[41].Text, corpus[42].Text = "", " ... ", "Short: two"
	dir := t.TempDir()
	writeParquet(t, filepath.Join(dir, "corpus.parquet"), corpus, parquet.MaxRowsPerRowGroup(7))
	writeParquet(t, filepath.Join(dir, "probes.parquet"), []document{{"p", long}})
	for _, profile := range []string{"datasketch-128", "datasketch-legacy-128", "datatrove"} {
		config := strings.Replace(usual, "hash: {}\nngram: {}\n", "hash: {minhash: "+profile+"}\n", 1)
		config = strings.ReplaceAll(config, "DIR", dir)
		runDir := mustRun(t, dir, config, "resources.workers=1")
		one, rows := digests(t, runDir), readTable(t, runDir, schemas.Signatures)
		if err := os.RemoveAll(runDir); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(one, digests(t, mustRun(t, dir, config, "resources.workers=8"))); d != "" {
			t.Errorf("%s (-one worker +eight workers):\n%s", profile, d)
		}
		if err := os.RemoveAll(runDir); err != nil {
			t.Fatal(err)
		}
		if len(rows) != 298 || !slices.IsSortedFunc(rows, func(a, b schemas.Signature) int { return strings.Compare(a.DocumentID, b.DocumentID) }) {
			t.Errorf("%s: %d rows, want 298 in order", profile, len(rows))
		}
		agree := make(map[string]string) // by band, the documents
		for _, r := range rows {
			if r.Profile != profile || (r.DocumentID == "d042") != (r.Shingles == 1) {
				t.Errorf("%s: %s has profile %s, %d shingles", profile, r.DocumentID, r.Profile, r.Shingles)
			}
			for k := range r.Bands {
				band := fmt.Sprint(k, " ", r.Signature[k*r.BandDigits:(k+1)*r.BandDigits])
				agree[band] += r.DocumentID + " "
			}
		}
		candidates := make(map[string]bool)
		for _, documents := range agree {
			if strings.Count(documents, " ") > 1 {
				candidates[documents] = true
			}
		}
		if d := cmp.Diff(map[string]bool{"d010 d250 ": true}, candidates); d != "" {
			t.Errorf("%s: candidates (-want +got):\n%s", profile, d)
		}
	}
}

// Without the key there is no such table; with a name that is none the run is refused.
func TestNoSignatures(t *testing.T) {
	dir := t.TempDir()
	writeParquet(t, filepath.Join(dir, "corpus.parquet"), []document{{"a", long}})
	writeParquet(t, filepath.Join(dir, "probes.parquet"), []document{{"p", long}})
	config := strings.ReplaceAll(usual, "DIR", dir)
	if _, err := os.Stat(filepath.Join(mustRun(t, dir, config), "parquet", "signatures")); !os.IsNotExist(err) {
		t.Errorf("a table that nobody asked for: %v", err)
	}
	path := filepath.Join(dir, "run.yaml")
	code, _, errs := execute("run", "-c", path, "--set", "hash.minhash=datasketch")
	want := `hash.minhash: "datasketch" is no profile of signatures; use datasketch-128, datasketch-legacy-128, datatrove, or remove the key for no signatures`
	if code != pipeline.ExitUsage || !strings.Contains(errs, want) {
		t.Errorf("exit %d: %s", code, errs)
	}
}
