package main

import (
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"

	"palimpsest/pipeline"
	"palimpsest/stages/store"
)

// TestWorkers does the units of a planned run as an engine would that hands them out: each twice, by two workers, in any order, and
// combines what they know of each text in any order and grouping. Every file of the run is what run makes. A part that lacks a text is
// refused.
func TestWorkers(t *testing.T) {
	dir := t.TempDir()
	config := smallDemo(t, dir, 80)
	run := mustRun(t, dir, config)
	want := digests(t, run)
	if err := os.RemoveAll(run); err != nil {
		t.Fatal(err)
	}
	plan := []string{"plan", "-c", filepath.Join(dir, "run.yaml"), "--set", "output=" + filepath.Join(dir, "out"), "--set", "run_id=r"}
	if code, _, errs := execute(append(plan, "--tasks", "5")...); code != 0 {
		t.Fatal(errs)
	}

	open := func() *pipeline.Worker {
		s := store.New()
		t.Cleanup(func() { s.Close() })
		_, job, err := pipeline.OpenJob(t.Context(), s, run, programVersion(), slog.New(slog.DiscardHandler), new(pipeline.Meter))
		if err != nil {
			t.Fatal(err)
		}
		w, err := job.NewWorker()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { w.Close() })
		return w
	}
	workers := []*pipeline.Worker{open(), open()}
	folded, asked := workers[0].Units()
	if len(folded) < 4 || len(asked) < 4 {
		t.Fatalf("%d units to fold and %d to ask about are too few", len(folded), len(asked))
	}

	known := make([]map[int][]pipeline.TextRecord, len(workers)) // by unit
	var eg errgroup.Group
	eg.SetLimit(8)
	for k, w := range workers {
		known[k] = make(map[int][]pipeline.TextRecord)
		var mu sync.Mutex
		for _, i := range rand.Perm(len(folded)) {
			eg.Go(func() error {
				var records []pipeline.TextRecord
				err := w.Fold(t.Context(), folded[i], func(r pipeline.TextRecord) { records = append(records, r) })
				mu.Lock()
				defer mu.Unlock()
				known[k][folded[i]] = records
				return err
			})
		}
		for _, i := range rand.Perm(len(asked)) {
			eg.Go(func() error { return w.Ask(t.Context(), asked[i]) })
		}
	}
	if err := eg.Wait(); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(known[0], known[1]); d != "" {
		t.Fatalf("two workers know different things (-one +other):\n%s", d)
	}

	byText := make(map[uint32][]pipeline.TextRecord)
	for _, records := range known[0] {
		for _, r := range records {
			byText[r.Text] = append(byText[r.Text], r)
		}
	}
	combine := func() (parts map[int][]pipeline.TextRecord) {
		c, err := workers[0].NewCombiner()
		if err != nil {
			t.Fatal(err)
		}
		parts = make(map[int][]pipeline.TextRecord)
		for text, all := range byText {
			all = slices.Clone(all)
			for len(all) > 1 {
				i := rand.IntN(len(all) - 1)
				k := i + 1 + rand.IntN(len(all)-i-1)
				if all[i], err = c.Combine(all[k], all[i]); err != nil {
					t.Fatal(err)
				}
				all = slices.Delete(all, k, k+1)
			}
			parts[pipeline.PartOf(text)] = append(parts[pipeline.PartOf(text)], all[0])
		}
		return parts
	}
	parts := combine()
	if len(parts) != workers[0].Parts() || len(byText) < 10 {
		t.Fatalf("%d texts in %d parts of %d", len(byText), len(parts), workers[0].Parts())
	}

	keep := func(part int, records []pipeline.TextRecord) string {
		if err := workers[0].KeepCombined(t.Context(), part, slices.Values(records)); err != nil {
			t.Fatal(err)
		}
		names, err := filepath.Glob(filepath.Join(run, "work", workers[0].Digest(), "combined-*"))
		if err != nil || len(names) != workers[0].Parts() {
			t.Fatal(names, err)
		}
		data, err := os.ReadFile(names[part])
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	short := slices.Clone(parts[0])
	keep(0, short[1:])
	code, _, errs := execute("commit", run)
	if code != pipeline.ExitData || !strings.Contains(errs, "combined-000000") {
		t.Errorf("exit code %d of a commit whose combined results lack a text: %s", code, errs)
	}
	first := keep(0, parts[0])
	again := combine()[0]
	slices.Reverse(again)
	if keep(0, again) != first {
		t.Error("what is combined in another order has other bytes")
	}
	if code, _, errs := execute("commit", run); code != 0 {
		t.Fatalf("exit %d: %s", code, errs)
	}
	if d := cmp.Diff(want, digests(t, run)); d != "" {
		t.Errorf("(-run +workers):\n%s", d)
	}
}
