package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"palimpsest/pipeline"
)

// array is a run that is planned as one of tasks.
type array struct {
	run   string // its directory
	plan  []string
	tasks int
}

// planArray plans a configuration as an array of so many tasks, in dir.
func planArray(t *testing.T, dir, config string, tasks int, sets ...string) *array {
	t.Helper()
	path := writeFile(t, filepath.Join(dir, "run.yaml"), config)
	a := &array{run: filepath.Join(dir, "out", "r"), plan: []string{"plan", "-c", path, "--set", "output=" + filepath.Join(dir, "out"),
		"--set", "run_id=r", "--tasks", strconv.Itoa(tasks)}}
	for _, s := range sets {
		a.plan = append(a.plan, "--set", s)
	}
	a.must(t, a.plan...)
	var published struct{ Tasks [][]int }
	data, err := os.ReadFile(filepath.Join(a.run, "work", "plan.json"))
	if err == nil {
		err = json.Unmarshal(data, &published)
	}
	if err != nil {
		t.Fatal(err)
	}
	a.tasks = len(published.Tasks)
	return a
}

// must carries out a command that has to succeed.
func (a *array) must(t *testing.T, args ...string) {
	t.Helper()
	if code, _, errs := execute(args...); code != 0 {
		t.Fatalf("%s: exit %d: %s", args, code, errs)
	}
}

func (a *array) shard(task int) []string {
	return []string{"shard", a.run, "--task", strconv.Itoa(task)}
}

// finish does every task and commits.
func (a *array) finish(t *testing.T) {
	t.Helper()
	for task := range a.tasks {
		a.must(t, a.shard(task)...)
	}
	a.must(t, "commit", a.run)
}

// results returns the paths of the results that are there.
func (a *array) results(t *testing.T) []string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(a.run, "work", "*", "unit-*"))
	if err != nil || len(paths) == 0 {
		t.Fatalf("no results: %v", err)
	}
	return paths
}

// TestArray does the tasks of the demo in a random order, some twice, some at once, some in processes that are killed: every file is that
// of run, with one worker and with eight.
func TestArray(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	dir := t.TempDir()
	config := smallDemo(t, dir, 60)
	sets := []string{"hash.near_duplicate=0.8", "hash.minhash=datatrove", "likelihood.windows.stride=25"}
	want := digests(t, mustRun(t, dir, config, append(sets, "resources.workers=1")...))
	again := func() {
		if err := os.RemoveAll(filepath.Join(dir, "out")); err != nil {
			t.Fatal(err)
		}
	}
	again()
	if d := cmp.Diff(want, digests(t, mustRun(t, dir, config, append(sets, "resources.workers=8")...))); d != "" {
		t.Errorf("(-one worker +eight workers):\n%s", d)
	}
	again()
	seed := rand.Uint64()
	t.Logf("seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	a := planArray(t, dir, config, 5, sets...)
	order := slices.Concat(r.Perm(a.tasks), r.Perm(a.tasks))
	for pair := range slices.Chunk(order, 2) { // at once
		var all []*process
		for _, task := range pair {
			all = append(all, begin(t, a.shard(task)...))
		}
		time.Sleep(time.Duration(r.IntN(1000)) * time.Millisecond)
		if err := all[0].Process.Kill(); err != nil && err != os.ErrProcessDone {
			t.Fatal(err)
		}
		for i, p := range all {
			if <-p.over; i > 0 && p.ProcessState.ExitCode() != 0 {
				t.Errorf("%s: %s", p.Args, p.errs.String())
			}
		}
	}
	a.finish(t)
	if d := cmp.Diff(want, digests(t, a.run)); d != "" {
		t.Errorf("(-run +array):\n%s", d)
	}
}

// smallArray is a run of several units and tasks that takes no time, and what run makes of it.
func smallArray(t *testing.T) (dir, config string, want map[string]string) {
	t.Helper()
	dir = t.TempDir()
	var corpus []document
	for i := range 40 {
		corpus = append(corpus, document{fmt.Sprint("d", i), fmt.Sprintf("%d and %s and so on %d", i, long[:len(long)-i], i)})
	}
	writeParquet(t, filepath.Join(dir, "corpus.parquet"), corpus, parquet.MaxRowsPerRowGroup(4))
	writeParquet(t, filepath.Join(dir, "probes.parquet"), []document{{"a", long}, {"b", "b " + long}, {"c", "nothing of this"}})
	config = strings.NewReplacer("DIR", dir, "hash: {}", "hash: {near_duplicate: 0.5, minhash: datatrove}").Replace(usual)
	want = digests(t, mustRun(t, dir, config))
	if err := os.RemoveAll(filepath.Join(dir, "out")); err != nil {
		t.Fatal(err)
	}
	return dir, config, want
}

// TestArrayDamaged spoils what is kept under way: each is found out, named, and made anew.
func TestArrayDamaged(t *testing.T) {
	dir, config, want := smallArray(t)
	a := planArray(t, dir, config, 3)
	for task := range a.tasks {
		a.must(t, a.shard(task)...)
	}
	results := a.results(t)
	if len(results) < 6 {
		t.Fatalf("only %d results", len(results))
	}
	for name, spoil := range map[string]func(data []byte) []byte{
		"cut short":    func(data []byte) []byte { return data[:len(data)*2/3] },
		"empty":        func([]byte) []byte { return nil },
		"one bit":      func(data []byte) []byte { data[len(data)/2] ^= 1; return data },
		"one last bit": func(data []byte) []byte { data[len(data)-1] ^= 1; return data },
		"more":         func(data []byte) []byte { return append(data, data...) },
		"another":      func([]byte) []byte { return mustRead(t, results[1]) },
		"something":    func([]byte) []byte { return []byte("something else") },
		"a large window": func([]byte) []byte { // zstd: a frame that wants 1 GiB
			return []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 20 << 3, 0x01, 0x00, 0x00}
		},
	} {
		t.Run(name, func(t *testing.T) {
			whole := mustRead(t, results[0])
			writeFile(t, results[0], string(spoil(bytes.Clone(whole))))
			code, _, errs := execute("commit", a.run)
			if code != pipeline.ExitData || !strings.Contains(errs, filepath.Base(results[0])) || !strings.Contains(errs, "remove it") {
				t.Errorf("exit %d: %s", code, errs)
			}
			if _, err := os.Stat(filepath.Join(a.run, "_SUCCESS")); err == nil {
				t.Fatal("it was committed")
			}
			if err := os.Remove(results[0]); err != nil {
				t.Fatal(err)
			}
			if code, _, errs := execute("commit", a.run); code != pipeline.ExitRetry || !strings.Contains(errs, "1 are missing") {
				t.Errorf("without it: exit %d: %s", code, errs)
			}
			for task := range a.tasks {
				a.must(t, a.shard(task)...)
			}
			if !bytes.Equal(mustRead(t, results[0]), whole) {
				t.Error("made anew it has other bytes")
			}
		})
	}
	a.must(t, "commit", a.run)
	if d := cmp.Diff(want, digests(t, a.run)); d != "" {
		t.Errorf("(-run +array):\n%s", d)
	}
}

func mustRead(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// TestArrayDamagedPlan has what is published with a plan changed, cut and removed: no task makes anything of it, each says which and what
// to do, and that helps.
func TestArrayDamagedPlan(t *testing.T) {
	dir, config, want := smallArray(t)
	a := planArray(t, dir, config, 3)
	found, err := filepath.Glob(filepath.Join(a.run, "work", "*", "*"))
	if err != nil || len(found) < 3 {
		t.Fatalf("%v %v", found, err)
	}
	for _, path := range found {
		whole := mustRead(t, path)
		for what, data := range map[string]string{"cut": string(whole[:len(whole)/2]), "changed": string(whole[:len(whole)-1]) + "?"} {
			writeFile(t, path, data)
			code, _, errs := execute(a.shard(0)...)
			if code != pipeline.ExitData || !strings.Contains(errs, filepath.Base(path)) || !strings.Contains(errs, "plan again") {
				t.Errorf("%s, %s: exit %d: %s", filepath.Base(path), what, code, errs)
			}
		}
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		if code, _, errs := execute(a.shard(0)...); code != pipeline.ExitData || !strings.Contains(errs, filepath.Base(path)) {
			t.Errorf("%s, removed: exit %d: %s", filepath.Base(path), code, errs)
		}
		a.must(t, a.plan...) // what is gone it makes anew
		if !bytes.Equal(mustRead(t, path), whole) {
			t.Errorf("%s is another", filepath.Base(path))
		}
	}
	if err := os.RemoveAll(filepath.Join(a.run, "work")); err != nil {
		t.Fatal(err)
	}
	a = planArray(t, dir, config, 3)
	a.finish(t)
	if d := cmp.Diff(want, digests(t, a.run)); d != "" {
		t.Errorf("planned again (-run +array):\n%s", d)
	}
}

// TestArrayPlan has tasks work from plans that are not theirs.
func TestArrayPlan(t *testing.T) {
	dir, config, want := smallArray(t)
	a := planArray(t, dir, config, 3)
	at := filepath.Join(a.run, "work", "plan.json")
	whole := mustRead(t, at)
	edit := func(edits map[string]any) string {
		var plan map[string]any
		if err := json.Unmarshal(whole, &plan); err != nil {
			t.Fatal(err)
		}
		maps.Copy(plan, edits)
		data, err := json.Marshal(plan)
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	for name, c := range map[string]struct {
		plan string
		code int
		says string
	}{
		"version":      {edit(map[string]any{"program_version": "v0.0.1"}), pipeline.ExitUsage, "was planned by version v0.0.1 of this program"},
		"format":       {edit(map[string]any{"format": 99}), pipeline.ExitUsage, "has format 99"},
		"none":         {"{", pipeline.ExitData, "is no plan"},
		"empty":        {"{}", pipeline.ExitUsage, "has format 0"},
		"other texts":  {edit(map[string]any{"texts_sha256": strings.Repeat("0", 64)}), pipeline.ExitData, "texts"},
		"no config":    {edit(map[string]any{"config": nil}), pipeline.ExitData, "its configuration: it is not whole"},
		"empty config": {edit(map[string]any{"config": map[string]any{}}), pipeline.ExitData, "its configuration: it is not whole"},
		"cut config": {edit(map[string]any{"config": map[string]any{"evidence": map[string]any{"texts": true}, "ngram": map[string]any{"unit": "words"}}}),
			pipeline.ExitData, "its configuration: it is not whole"},
		"no inputs":    {edit(map[string]any{"inputs": nil}), pipeline.ExitData, "is not of the configuration"},
		"other config": {edit(map[string]any{"config": map[string]any{"nothing": 1}}), pipeline.ExitData, "configuration"},
	} {
		writeFile(t, at, c.plan)
		for _, args := range [][]string{a.shard(0), {"commit", a.run}} {
			code, _, errs := execute(args...)
			if code != c.code || !strings.Contains(errs, c.says) {
				t.Errorf("%s, %s: exit %d: %s", name, args[0], code, errs)
			}
		}
	}
	// A plan that nothing can be done with is made anew, by whatever plans.
	a.must(t, a.plan...)
	if !bytes.Equal(mustRead(t, at), whole) {
		t.Error("the plan is another")
	}
	a.must(t, a.shard(0)...)

	// Another configuration replaces it: what was done for the first is gone, and is not taken.
	old := a.results(t)
	other := planArray(t, dir, config, 3, "ngram.min_words=5")
	if _, err := os.Stat(old[0]); err == nil {
		t.Error("a result of the first plan is still there")
	}
	other.must(t, other.shard(1)...)
	if code, _, errs := execute("commit", a.run); code != pipeline.ExitRetry {
		t.Errorf("commit: exit %d: %s", code, errs)
	}
	a = planArray(t, dir, config, 3)
	a.finish(t)
	if d := cmp.Diff(want, digests(t, a.run)); d != "" {
		t.Errorf("(-run +array):\n%s", d)
	}
}

// TestArrayAtOnce has several processes plan, do all the tasks, and commit, all at once.
func TestArrayAtOnce(t *testing.T) {
	dir, config, want := smallArray(t)
	path := writeFile(t, filepath.Join(dir, "run.yaml"), config)
	a := &array{run: filepath.Join(dir, "out", "r"), tasks: 3,
		plan: []string{"plan", "-c", path, "--tasks", "3"}}
	atOnce := func(commands ...[]string) {
		var wg sync.WaitGroup
		for _, args := range commands {
			for range 3 {
				wg.Go(func() {
					if code, _, errs := execute(args...); code != 0 {
						t.Errorf("%s: exit %d: %s", args, code, errs)
					}
				})
			}
		}
		wg.Wait()
	}
	for range 2 {
		atOnce(a.plan)
		atOnce(a.shard(0), a.shard(1), a.shard(2), a.plan)
		atOnce([]string{"commit", a.run}, a.shard(0), a.plan)
		if d := cmp.Diff(want, digests(t, a.run)); d != "" {
			t.Fatalf("(-run +array):\n%s", d)
		}
		if err := os.RemoveAll(a.run); err != nil {
			t.Fatal(err)
		}
	}
}

// TestArrayLeftovers finds nothing of what attempts leave that are killed behind the end of a run, once anybody asks for it again.
func TestArrayLeftovers(t *testing.T) {
	dir, config, want := smallArray(t)
	a := planArray(t, dir, config, 3)
	work := filepath.Join(dir, "work")
	a.must(t, a.shard(0)...)
	if err := os.CopyFS(work, os.DirFS(filepath.Join(a.run, "work"))); err != nil {
		t.Fatal(err)
	}
	a.finish(t)
	for _, withPlan := range []bool{true, false} {
		for _, args := range [][]string{a.shard(0), a.shard(2), {"commit", a.run}, a.plan, append([]string{"run"}, a.plan[1:len(a.plan)-2]...)} {
			if err := os.CopyFS(filepath.Join(a.run, "work"), os.DirFS(work)); err != nil {
				t.Fatal(err)
			}
			if !withPlan {
				if err := os.Remove(filepath.Join(a.run, "work", "plan.json")); err != nil {
					t.Fatal(err)
				}
			}
			a.must(t, args...)
			if d := cmp.Diff(want, digests(t, a.run)); d != "" {
				t.Fatalf("after %s (-run +array):\n%s", args, d)
			}
		}
	}
}

// TestArrayQuarantined has an object that is no Parquet, and a row group that is broken: the array leaves out what run leaves out.
func TestArrayQuarantined(t *testing.T) {
	dir, config, _ := smallArray(t)
	corpus := filepath.Join(dir, "corpus")
	spoilt := mustRead(t, filepath.Join(dir, "corpus.parquet"))
	spoilt[len(spoilt)/3] ^= 0xff
	writeFile(t, filepath.Join(corpus, "a.parquet"), string(spoilt))
	writeFile(t, filepath.Join(corpus, "b.parquet"), "no Parquet")
	config = strings.ReplaceAll(config, "corpus.parquet", "corpus/")
	path := writeFile(t, filepath.Join(dir, "run.yaml"), config)
	if code, _, errs := execute("run", "-c", path); code != pipeline.ExitQuarantined {
		t.Fatalf("run: exit %d: %s", code, errs)
	}
	run := filepath.Join(dir, "out", "r")
	want := digests(t, run)
	if err := os.RemoveAll(run); err != nil {
		t.Fatal(err)
	}
	a := planArray(t, dir, config, 3)
	for task := range a.tasks {
		a.must(t, a.shard(task)...)
	}
	if code, out, errs := execute("commit", a.run); code != pipeline.ExitQuarantined || strings.Count(out, "quarantined: ") != 2 {
		t.Errorf("commit: exit %d: %s%s", code, out, errs)
	}
	if d := cmp.Diff(want, digests(t, a.run)); d != "" {
		t.Errorf("(-run +array):\n%s", d)
	}
}

// TestSIGTERMArray stops each command of an array at any moment: it ends in time and says that it can be done again, which it can.
func TestSIGTERMArray(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	dir := t.TempDir()
	path := writeFile(t, filepath.Join(dir, "run.yaml"), large(t, dir))
	a := &array{run: filepath.Join(dir, "out", "r"), plan: []string{"plan", "-c", path, "--tasks", "2"}}
	for _, args := range [][]string{a.plan, a.shard(0), a.shard(1), {"commit", a.run}} {
		for range 2 {
			p := begin(t, args...)
			time.Sleep(50*time.Millisecond + rand.N(2*time.Second))
			if !p.stop(t, inOrder) {
				break
			}
			stopped(t, a.run)
		}
		a.must(t, args...)
	}
}
