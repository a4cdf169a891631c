package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"
	"github.com/zeebo/xxh3"

	"palimpsest/pipeline"
	"palimpsest/schemas"
	"palimpsest/stages/store"
)

// demo returns the demo's configuration with its inputs found from here.
func demo(t *testing.T) string {
	t.Helper()
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(filepath.Join(root, "configs", "demo", "demo.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(data), "configs/demo/", root+"/configs/demo/")
}

// demoText is a row of the demo's probes or controls.
type demoText struct {
	ID           string  `parquet:"id"`
	Text         string  `parquet:"text"`
	Kind         *string `parquet:"kind,optional"`
	ControlGroup *string `parquet:"control_group,optional"`
	CanaryNull   *string `parquet:"canary_null,optional"`
	Label        *bool   `parquet:"label,optional"`
	License      *string `parquet:"license,optional"`
	Title        *string `parquet:"title,optional"`
}

// smallDemo is the demo with every so many-th of the texts that the models score.
func smallDemo(t *testing.T, dir string, every int) string {
	t.Helper()
	config := demo(t)
	for _, name := range []string{"probes", "controls"} {
		path := filepath.Join("..", "..", "configs", "demo", name+".parquet")
		rows, err := parquet.ReadFile[demoText](path)
		if err != nil {
			t.Fatal(err)
		}
		var few []demoText
		for i := 0; i < len(rows); i += every {
			few = append(few, rows[i])
		}
		own := filepath.Join(dir, name+".parquet")
		writeParquet(t, own, few, parquet.MaxRowsPerRowGroup(16))
		absolute, err := filepath.Abs(path)
		if err != nil {
			t.Fatal(err)
		}
		config = strings.ReplaceAll(config, absolute, own)
	}
	return config
}

// TestSameBytes runs the demo with one worker and with eight and little memory: every file of the run is the same, the manifest
// but for the resources among them.
func TestSameBytes(t *testing.T) {
	dir := t.TempDir()
	config := smallDemo(t, dir, 40)
	one := digests(t, mustRun(t, dir, config, "resources.workers=1"))
	if err := os.RemoveAll(filepath.Join(dir, "out")); err != nil {
		t.Fatal(err)
	}
	eight := digests(t, mustRun(t, dir, config, "resources.workers=8", "resources.memory=900MiB"))
	if d := cmp.Diff(one, eight); d != "" {
		t.Errorf("(-one worker +eight workers):\n%s", d)
	}
}

// TestBlocks runs in so little memory that not all places of the probes are indexed, and then that the probes are searched for in several
// passes: every file of the run is the same.
func TestBlocks(t *testing.T) {
	dir := t.TempDir()
	r := rand.New(rand.NewPCG(1, 2))
	words := func(n int) string {
		var b strings.Builder
		for range n {
			fmt.Fprintf(&b, "w%d ", r.IntN(5000))
		}
		return b.String()
	}
	header := words(60)
	var probes, corpus []document
	for i := range 400 {
		p := document{fmt.Sprintf("p%03d", i), header + words(1500)}
		probes = append(probes, p)
		piece := p.Text[2000:2400]
		corpus = append(corpus, document{fmt.Sprintf("d%03d", i), header + words(20) + piece + words(20) + probes[i/2].Text[3000:3300]})
		if i%10 == 0 {
			corpus = append(corpus, document{fmt.Sprintf("n%03d", i), p.Text + words(30)}, document{fmt.Sprintf("e%03d", i), p.Text})
		}
	}
	writeParquet(t, filepath.Join(dir, "corpus.parquet"), corpus)
	writeParquet(t, filepath.Join(dir, "probes.parquet"), probes)
	config := fmt.Sprintf(`
output: %[1]s/out
run_id: r
corpus: {urls: [%[1]s/corpus.parquet], columns: {text: text, id: id}}
probes: {urls: [%[1]s/probes.parquet], columns: {text: text, id: id}}
hash: {near_duplicate: 0.8, minhash: datasketch-128}
ngram: {}
`, dir)
	whole := digests(t, mustRun(t, dir, config))
	for memory, says := range map[string]string{"200MiB": "one in [234] places of the probes", "80MiB": "passes +up to [2-9]"} {
		path := writeFile(t, filepath.Join(dir, "config.yaml"), config)
		_, out, errs := execute("run", "-c", path, "--set", "resources.memory="+memory, "--dry-run")
		if !regexp.MustCompile(says).MatchString(out) {
			t.Errorf("%s: the plan does not say %q:\n%s%s", memory, says, out, errs)
		}
		if err := os.RemoveAll(filepath.Join(dir, "out")); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(whole, digests(t, mustRun(t, dir, config, "resources.memory="+memory))); d != "" {
			t.Errorf("%s (-whole +in blocks):\n%s", memory, d)
		}
	}
}

// TestDrawnLong draws a sample of the corpus that holds more text than its rate lets expect: one long document among short ones.
func TestDrawnLong(t *testing.T) {
	dir := t.TempDir()
	const rate = .01
	drawn := ""
	for i := 0; drawn == ""; i++ {
		if id := fmt.Sprint("long", i); float64(xxh3.HashString(id)) < rate*math.MaxUint64 {
			drawn = id
		}
	}
	all := []document{{drawn, strings.Repeat("so many words of one kind or another ", 20_000)}}
	for i := range 20 {
		all = append(all, document{fmt.Sprint("short", i), "a few words"})
	}
	writeParquet(t, filepath.Join(dir, "corpus.parquet"), all)
	runDir := mustRun(t, dir, fmt.Sprintf(`
output: %[1]s/out
run_id: r
corpus: {urls: [%[1]s/corpus.parquet], columns: {text: text, id: id}}
probes: {from: corpus, rate: %[2]v}
hash: {near_duplicate: 0.8}
ngram: {}
`, dir, rate))
	for _, p := range readTable(t, runDir, schemas.Probes) {
		if p.ProbeID == drawn {
			return
		}
	}
	t.Errorf("%s was not drawn", drawn)
}

// TestCut cuts the same documents into other files and row groups: the same evidence, but for where a document stands.
func TestCut(t *testing.T) {
	var all []document
	for i := range 100 {
		all = append(all, document{fmt.Sprint("d", i%90), fmt.Sprintf("x%d %s y%d", i%7, strings.Join(strings.Fields(long)[:5+i%10], " "), i)})
	}
	var first map[string]string
	for _, files := range []int{1, 3} {
		dir := t.TempDir()
		for f := range files {
			var part []document
			for i := f; i < len(all); i += files {
				part = append(part, all[i])
			}
			writeParquet(t, filepath.Join(dir, "corpus", fmt.Sprint(f, ".parquet")), part, parquet.MaxRowsPerRowGroup(int64(7*files)))
		}
		writeParquet(t, filepath.Join(dir, "probes.parquet"), []document{{"p", long}, {"q", "x3 " + long + " y10"}})
		config := strings.ReplaceAll(usual, "DIR/corpus.parquet", "DIR/corpus/") + "\n"
		config = strings.Replace(config, "ngram: {}", "ngram: {min_words: 5, min_bytes: 0, report: [5]}", 1)
		runDir := mustRun(t, dir, strings.ReplaceAll(config, "DIR", dir))
		sums := digests(t, runDir, "spans", "overlap", "evidence")
		if first == nil {
			first = sums
		} else if d := cmp.Diff(first, sums); d != "" {
			t.Errorf("%d files (-1 file +%d files):\n%s", files, files, d)
		}
	}
}

// TestTwice runs the same configuration again: a complete run is not redone, an incomplete one is, and one of another
// configuration is not touched.
func TestTwice(t *testing.T) {
	dir := t.TempDir()
	writeParquet(t, filepath.Join(dir, "corpus.parquet"), []document{{"a", long}})
	writeParquet(t, filepath.Join(dir, "probes.parquet"), []document{{"p", long}})
	path := writeFile(t, filepath.Join(dir, "run.yaml"), strings.ReplaceAll(usual, "DIR", dir))
	runDir := filepath.Join(dir, "out", "r")

	code, _, errs := execute("status", runDir)
	if want := "palimpsest: " + runDir + ": no run is there\n"; code != pipeline.ExitData || errs != want {
		t.Errorf("status of nothing: exit %d: %s", code, errs)
	}
	if code, out, errs := execute("run", "-c", path); code != 0 || !strings.HasPrefix(out, "wrote "+runDir) {
		t.Fatalf("first run: exit %d: %s%s", code, out, errs)
	}
	first := digests(t, runDir)
	before := modified(t, runDir)
	if code, out, _ := execute("run", "-c", path); code != 0 || !strings.HasPrefix(out, "already complete, nothing to do: "+runDir) {
		t.Errorf("second run: exit %d: %s", code, out)
	}
	if modified(t, runDir) != before {
		t.Error("the second run wrote again")
	}
	code, _, errs = execute("run", "-c", path, "--set", "ngram.min_words=5")
	if code != pipeline.ExitUsage || !strings.Contains(errs, "exists, and was made with another configuration") {
		t.Errorf("another configuration: exit %d: %s", code, errs)
	}
	for _, damage := range []func(){
		func() { os.Remove(filepath.Join(runDir, "_SUCCESS")) },
		func() { writeFile(t, filepath.Join(runDir, "manifest.json"), "{}") },
	} {
		damage()
		if code, out, _ := execute("status", runDir); code != pipeline.ExitRetry || !strings.Contains(out, "incomplete") {
			t.Errorf("status of a damaged run: exit %d: %s", code, out)
		}
		if code, _, errs := execute("run", "-c", path); code != 0 {
			t.Fatalf("run over a damaged one: exit %d: %s", code, errs)
		}
		if d := cmp.Diff(first, digests(t, runDir)); d != "" {
			t.Errorf("a run over a damaged one differs (-first +now):\n%s", d)
		}
	}
	writeParquet(t, filepath.Join(dir, "corpus.parquet"), []document{{"a", "another corpus"}})
	code, _, errs = execute("run", "-c", path)
	want := "exists, and was made from other inputs: file://" + dir + "/corpus.parquet has changed"
	if code != pipeline.ExitUsage || !strings.Contains(errs, want) {
		t.Errorf("a changed corpus: exit %d: %s", code, errs)
	}
}

func modified(t *testing.T, runDir string) time.Time {
	t.Helper()
	info, err := os.Stat(filepath.Join(runDir, "_SUCCESS"))
	if err != nil {
		t.Fatal(err)
	}
	return info.ModTime()
}

// TestChanged replaces the corpus between the plan and the reading: an error, never a torn read.
func TestChanged(t *testing.T) {
	dir := t.TempDir()
	corpus := writeParquet(t, filepath.Join(dir, "corpus.parquet"), []document{{"a", long}})
	writeParquet(t, filepath.Join(dir, "probes.parquet"), []document{{"p", long}})
	config, err := pipeline.LoadConfig("run.yaml", []byte(strings.ReplaceAll(usual, "DIR", dir)), nil)
	if err != nil {
		t.Fatal(err)
	}
	s := store.New()
	defer s.Close()
	plan, err := pipeline.NewPlan(t.Context(), s, config, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	writeParquet(t, corpus, []document{{"a", "something else"}})
	_, err = plan.Run(t.Context(), "test", new(pipeline.Meter))
	if pipeline.ExitCode(err) != pipeline.ExitData || !errors.Is(err, store.ErrChanged) {
		t.Fatalf("exit %d: %v", pipeline.ExitCode(err), err)
	}
	if want := "read file://" + corpus + ": changed since it was listed"; !strings.Contains(err.Error(), want) {
		t.Errorf("%v, want %s", err, want)
	}
	unpublished(t, filepath.Join(dir, "out"))
}

// TestStopped stops a run: it ends at once, publishes nothing and says so.
func TestStopped(t *testing.T) {
	dir := t.TempDir()
	path := writeFile(t, filepath.Join(dir, "run.yaml"), demo(t))
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(150*time.Millisecond, cancel)
	var out, errs bytes.Buffer
	code := run(ctx, []string{"run", "-c", path, "--set", "output=" + filepath.Join(dir, "out")}, &out, &errs)
	if code == 0 {
		t.Skip("the run was done before it could be stopped")
	}
	if want := "palimpsest: stopped; the same command goes on from what is done\n"; code != pipeline.ExitPreempted || errs.String() != want {
		t.Errorf("exit %d: %s", code, errs.String())
	}
	unpublished(t, filepath.Join(dir, "out"))
}

// TestFromCorpus scores the corpus itself: each document is a probe, finds its copies, and not itself.
func TestFromCorpus(t *testing.T) {
	dir := t.TempDir()
	writeParquet(t, filepath.Join(dir, "corpus.parquet"), []document{{"a", long}, {"b", long}, {"c", long + " fifteen sixteen"}, {"c", "not like the others at all"}},
		parquet.MaxRowsPerRowGroup(2))
	runDir := mustRun(t, dir, fmt.Sprintf(`
corpus: {urls: [%q], columns: {text: text, id: id}}
probes: {from: corpus}
hash: {}
ngram: {}
`, filepath.Join(dir, "corpus.parquet")))
	uri := "file://" + filepath.Join(dir, "corpus.parquet")
	type row struct {
		Exact, Documents int64
		Grade            string
	}
	got := make(map[string]row)
	for _, e := range readTable(t, runDir, schemas.Evidences) {
		got[e.ProbeID] = row{*e.ExactDocuments, *e.Documents, e.CorpusGrade}
	}
	if d := cmp.Diff(map[string]row{
		"a":        {1, 2, "exact"},
		"b":        {1, 2, "exact"},
		uri + "#2": {0, 2, "overlap"}, // id c stands twice in the corpus
		uri + "#3": {0, 0, "not_assessed"},
	}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestDryRun(t *testing.T) {
	dir := t.TempDir()
	path := writeFile(t, filepath.Join(dir, "run.yaml"), demo(t))
	code, out, errs := execute("run", "-c", path, "--dry-run", "--set", "output="+filepath.Join(dir, "out"))
	if code != 0 || errs != "" {
		t.Fatalf("exit %d: %s", code, errs)
	}
	for _, want := range []string{"corpus", "21573", "index, at most", "row groups on"} {
		if !strings.Contains(out, want) {
			t.Errorf("the plan lacks %q:\n%s", want, out)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "out")); !os.IsNotExist(err) {
		t.Error("a dry run wrote something")
	}
}

func TestUsage(t *testing.T) {
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--help"}, 0, "Exit codes: 0 done"},
		{[]string{"run", "--help"}, 0, "--dry-run"},
		{[]string{"--version"}, 0, ""},
		{[]string{"schema", "spans"}, 0, "max_word_matches"},
		{[]string{"schema", "--format", "sql"}, 0, "CREATE TABLE evidence"},
		{[]string{"schema", "span"}, pipeline.ExitUsage, `no table "span"; the tables are runs, probes`},
		{[]string{}, pipeline.ExitUsage, "run 'palimpsest --help'"},
		{[]string{"run"}, pipeline.ExitUsage, "missing flags: --config=FILE"},
		{[]string{"run", "-c", "absent.yaml"}, pipeline.ExitUsage, "the configuration cannot be read: open absent.yaml: no such file or directory"},
		{[]string{"walk"}, pipeline.ExitUsage, "unexpected argument walk"},
	} {
		code, out, errs := execute(c.args...)
		if code != c.code || !strings.Contains(out+errs, c.want) {
			t.Errorf("%q: exit %d, want %d: %s%s", c.args, code, c.code, out, errs)
		}
	}
}
