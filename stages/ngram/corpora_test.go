package ngram_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"palimpsest/stages/fold"
	"palimpsest/stages/ngram"
)

// TestSampledEqualsDense searches real corpora by every sampling, the dense one among them: the findings and the hits are the same. The
// benchmark names the folders, of a corpus and its probes in turn, as PALIMPSEST_BENCH_CORPORA.
func TestSampledEqualsDense(t *testing.T) {
	folders := filepath.SplitList(os.Getenv("PALIMPSEST_BENCH_CORPORA"))
	if len(folders) == 0 {
		t.Skip("PALIMPSEST_BENCH_CORPORA names no corpora: the benchmark does")
	}
	for ; len(folders) >= 2; folders = folders[2:] {
		t.Run(filepath.Base(folders[0]), func(t *testing.T) {
			var corpus []string
			for _, d := range documentsOf(t, folders[0]) {
				corpus = append(corpus, d.Text)
			}
			var probes []*fold.Probe
			for _, d := range documentsOf(t, folders[1]) {
				probes = append(probes, work(d.ID, d.Text))
			}
			findings, hits := runSampled(t, probes, corpus, usual, usual.Dense(), []int{13, 25, 50}, 1)
			for every := 1; every <= ngram.MostEvery; every++ {
				s := usual.Sampling(every)
				again, hitsAgain := runSampled(t, probes, corpus, usual, s, []int{13, 25, 50}, 2)
				for i := range findings {
					if d := cmp.Diff(findings[i], again[i]); d != "" {
						t.Fatalf("%+v, probe %s (-dense +sampled):\n%s", s, probes[i].ID, d)
					}
				}
				if d := cmp.Diff(hits, hitsAgain); d != "" {
					t.Fatalf("%+v: hits (-dense +sampled):\n%s", s, d)
				}
			}
		})
	}
}

type parquetDocument struct {
	ID   string `parquet:"id"`
	Text string `parquet:"text"`
}

func documentsOf(t *testing.T, folder string) (all []parquetDocument) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(folder, "*.parquet"))
	if err != nil || len(files) == 0 {
		t.Fatal("no Parquet in ", folder, err)
	}
	for _, f := range files {
		rows, err := parquet.ReadFile[parquetDocument](f)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, rows...)
	}
	return all
}
