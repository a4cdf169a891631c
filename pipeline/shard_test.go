package pipeline_test

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"palimpsest/pipeline"
	"palimpsest/stages/store"
)

type text struct {
	ID   string `parquet:"id"`
	Text string `parquet:"text"`
}

// Row groups of one unit end while others of it are at work. What they share must not be in each other's way: the tables are the same bytes
// from one worker and from eight, and the race detector has nothing to say.
func TestGroupsOfOneUnit(t *testing.T) {
	dir := t.TempDir()
	random := rand.New(rand.NewPCG(3, 5))
	words := func(n int) string {
		var b strings.Builder
		for range n {
			fmt.Fprintf(&b, "w%d ", random.IntN(5000))
		}
		return b.String()
	}
	var passages []string
	for range 40 {
		passages = append(passages, words(60))
	}
	var probes, corpus []text
	for i := range 300 {
		probes = append(probes, text{fmt.Sprint("p", i), words(20) + passages[random.IntN(40)] + words(5)})
	}
	for i := range 4000 {
		corpus = append(corpus, text{fmt.Sprint("d", i), words(10) + passages[random.IntN(40)] + words(10) + passages[random.IntN(40)]})
	}
	for name, rows := range map[string][]text{"probes": probes, "corpus": corpus} {
		if err := parquet.WriteFile(filepath.Join(dir, name+".parquet"), rows, parquet.MaxRowsPerRowGroup(50)); err != nil {
			t.Fatal(err)
		}
	}
	var want []byte
	for _, workers := range []int{1, 8, 3} {
		output := filepath.Join(dir, fmt.Sprint(workers))
		config, err := pipeline.LoadConfig("run.yaml", fmt.Appendf(nil, `
output: %s
run_id: r
corpus: {urls: [%s/corpus.parquet], columns: {id: id}}
probes: {urls: [%s/probes.parquet], columns: {id: id}}
hash: {near_duplicate: .5}
ngram: {}
resources: {workers: %d}
`, output, dir, dir, workers), nil)
		if err != nil {
			t.Fatal(err)
		}
		s := store.New()
		defer s.Close()
		plan, err := pipeline.NewPlan(t.Context(), s, config, slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := plan.Run(t.Context(), "test", new(pipeline.Meter)); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(filepath.Join(output, "r", "manifest.json"))
		if err != nil {
			t.Fatal(err)
		}
		if want == nil {
			want = got
		}
		// The manifest holds every file's digest, and where the run lies.
		if strings.ReplaceAll(string(got), output, "") != strings.ReplaceAll(string(want), filepath.Join(dir, "1"), "") {
			t.Errorf("%d workers make another manifest", workers)
		}
	}
}
