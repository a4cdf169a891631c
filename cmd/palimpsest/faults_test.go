package main

import (
	"bytes"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"palimpsest/pipeline"
	"palimpsest/stages/store/storetest"
)

// faultyStore is an S3 server with a corpus and probes, and a way to it that can fail.
type faultyStore struct {
	objects *storetest.S3
	way     atomic.Pointer[storetest.Faults]
	params  string // of the bucket
	config  string // path
}

const (
	faultyCorpus = 12 // objects
	faultyGroups = 4  // row groups of each
)

func newFaultyStore(t *testing.T) *faultyStore {
	t.Helper()
	t.Setenv("AWS_ACCESS_KEY_ID", "testkey")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "testsecret")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	f := &faultyStore{objects: &storetest.S3{}}
	f.way.Store(&storetest.Faults{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f.way.Load().Before(f.objects).ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	f.params = "?endpoint=" + server.URL + "&use_path_style=true&region=us-east-1"

	r := rand.New(rand.NewPCG(5, 5))
	var probes []faultyRow
	for i := range faultyCorpus {
		rows := faultyRows(r)
		for j := 7; j < len(rows); j += 50 {
			probes = append(probes, faultyRow{int64(len(probes)), rows[j].Text})
		}
		f.set(t, fmt.Sprintf("corpus/%02d.parquet", i), rows)
	}
	f.set(t, "probes.parquet", probes)
	f.config = writeFile(t, filepath.Join(t.TempDir(), "run.yaml"), strings.ReplaceAll(`
output: "s3://bucket/outPARAMS"
corpus:
  urls: ["s3://bucket/corpus/*.parquetPARAMS"]
  columns: {id: id, text: text}
probes:
  - urls: ["s3://bucket/probes.parquetPARAMS"]
    kind: work
    columns: {id: id, text: text}
hash: {}
ngram: {unit: words, min_words: 13, min_bytes: 60}
`, "PARAMS", f.params))
	return f
}

type faultyRow struct {
	ID   int64  `parquet:"id"`
	Text string `parquet:"text"`
}

func faultyRows(r *rand.Rand) []faultyRow {
	rows := make([]faultyRow, 100*faultyGroups)
	for i := range rows {
		words := make([]string, 60)
		for j := range words {
			words[j] = fmt.Sprintf("w%d", r.IntN(5000))
		}
		rows[i] = faultyRow{int64(i), strings.Join(words, " ")}
	}
	return rows
}

// set writes an object of some row groups.
func (f *faultyStore) set(t *testing.T, key string, rows []faultyRow) {
	t.Helper()
	var b bytes.Buffer
	if err := parquet.Write(&b, rows, parquet.MaxRowsPerRowGroup(100)); err != nil {
		t.Fatal(err)
	}
	f.objects.Set("bucket", key, storetest.InMemory(b.Bytes()))
}

// run runs the program with faults on the way to the store, from an empty output, and returns its exit code, what it said, and the
// tables it published: none unless the run is marked as complete.
func (f *faultyStore) run(t *testing.T, way *storetest.Faults) (code int, errs string, tables map[string]string) {
	t.Helper()
	for _, k := range f.objects.Keys("bucket", "out/") {
		f.objects.Delete("bucket", k)
	}
	f.way.Store(way)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	var o, e bytes.Buffer
	code = run(ctx, []string{"run", "-c", f.config, "--set", "run_id=r"}, &o, &e)
	f.way.Store(&storetest.Faults{})
	tables = map[string]string{}
	if _, done := f.objects.Object("bucket", "out/r/_SUCCESS"); done {
		for _, k := range f.objects.Keys("bucket", "out/r/parquet/") {
			o, _ := f.objects.Object("bucket", k)
			tables[k] = o.Tag
		}
	}
	return code, e.String(), tables
}

// TestFaultsOnTheWayToTheStore: whatever the network does, a run gives the tables of an undisturbed one.
func TestFaultsOnTheWayToTheStore(t *testing.T) {
	f := newFaultyStore(t)
	code, errs, want := f.run(t, &storetest.Faults{})
	if code != pipeline.ExitDone || len(want) < 4 {
		t.Fatalf("undisturbed: exit %d, %d tables: %s", code, len(want), errs)
	}
	seeds := uint64(3)
	if testing.Short() {
		seeds = 1
	}
	happened := map[string]int64{}
	for seed := range seeds {
		way := &storetest.Faults{
			Seed: seed, Latency: time.Millisecond, Unavailable: .05, Reset: .1, Truncate: .05, Unranged: .05, Slow: .1, Lost: .1,
		}
		code, errs, got := f.run(t, way)
		if code != pipeline.ExitDone || !maps.Equal(got, want) {
			t.Errorf("seed %d: exit %d, tables %v, want %v: %s", seed, code, got, want, errs)
		}
		for k, n := range way.Done() {
			happened[k] += n
		}
	}
	t.Log(happened)
}

// TestFaultsThatEndARun: what cannot be got over has a clear error and its exit code, at whatever request it begins, and nothing is
// published.
func TestFaultsThatEndARun(t *testing.T) {
	f := newFaultyStore(t)
	undisturbed := &storetest.Faults{}
	code, errs, want := f.run(t, undisturbed)
	if code != pipeline.ExitDone {
		t.Fatalf("undisturbed: exit %d: %s", code, errs)
	}
	r := rand.New(rand.NewPCG(6, 6))
	for _, c := range []struct {
		name, says string
		code       int
		refuse     func(w http.ResponseWriter, r *http.Request) bool
		slow       bool // the SDK waits
	}{
		{"expired credentials", "renew them", pipeline.ExitUnavailable, func(w http.ResponseWriter, r *http.Request) bool {
			if r.Method == http.MethodHead {
				return false // the answer would have no body to say so
			}
			storetest.S3Error(w, r, http.StatusBadRequest, "ExpiredToken")
			return true
		}, false},
		{"forbidden", "check endpoint, region and credentials", pipeline.ExitUnavailable, func(w http.ResponseWriter, r *http.Request) bool {
			storetest.S3Error(w, r, http.StatusForbidden, "AccessDenied")
			return true
		}, false},
		{"changed", "changed since it was listed", pipeline.ExitData, func(w http.ResponseWriter, r *http.Request) bool {
			if r.Header.Get("If-Match") == "" {
				return false
			}
			storetest.S3Error(w, r, http.StatusPreconditionFailed, "PreconditionFailed")
			return true
		}, false},
		{"down", "store unavailable", pipeline.ExitUnavailable, func(w http.ResponseWriter, r *http.Request) bool {
			storetest.S3Error(w, r, http.StatusServiceUnavailable, "SlowDown")
			return true
		}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.slow && testing.Short() {
				t.Skip("the SDK's waits take seconds")
			}
			for range 4 {
				from := 1 + r.Int64N(undisturbed.Requests())
				if c.code == pipeline.ExitData {
					from = 1 + r.Int64N(int64(faultyCorpus)) // reads come before writes
				}
				code, errs, tables := f.run(t, &storetest.Faults{Refuse: func(n int64, w http.ResponseWriter, r *http.Request) bool {
					return n >= from && c.refuse(w, r)
				}})
				if code == pipeline.ExitDone && maps.Equal(tables, want) {
					continue // it began when everything was published, and only intermediate results were left to remove
				}
				if code != c.code || !strings.Contains(errs, c.says) || len(tables) > 0 {
					t.Errorf("from request %d of %d on: exit %d, %d tables: %s", from, undisturbed.Requests(), code, len(tables), errs)
				}
				if c.slow {
					break
				}
			}
		})
	}
}

// TestFootersAreFetchedOnce: planning asks for the footer of every object, and the tasks, each in a store of its own as in another
// process, for its row groups only.
func TestFootersAreFetchedOnce(t *testing.T) {
	f := newFaultyStore(t)
	reads := atomic.Int64{}
	f.way.Store(&storetest.Faults{Refuse: func(_ int64, _ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/corpus/") {
			reads.Add(1)
		}
		return false
	}})
	const tasks = 3
	commands := [][]string{{"plan", "-c", f.config, "--set", "run_id=r", "--tasks", fmt.Sprint(tasks)}}
	for i := range tasks {
		commands = append(commands, []string{"shard", "s3://bucket/out/r" + f.params, "--task", fmt.Sprint(i)})
	}
	commands = append(commands, []string{"commit", "s3://bucket/out/r" + f.params})
	var counts []int64
	for _, c := range commands {
		before := reads.Load()
		if code, _, errs := execute(c...); code != pipeline.ExitDone {
			t.Fatalf("%q: exit %d: %s", c, code, errs)
		}
		counts = append(counts, reads.Load()-before)
	}
	if counts[0] != faultyCorpus || reads.Load() != faultyCorpus+faultyCorpus*faultyGroups {
		t.Errorf("plan, tasks and commit asked for %v ranges of %d objects with %d row groups each", counts, faultyCorpus, faultyGroups)
	}
}

// TestObjectReplacedDuringARun: an object that is replaced between its footer and its rows is never read in part.
func TestObjectReplacedDuringARun(t *testing.T) {
	f := newFaultyStore(t)
	const key = "corpus/03.parquet"
	reads := atomic.Int64{}
	code, errs, tables := f.run(t, &storetest.Faults{Refuse: func(_ int64, _ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodGet && strings.HasSuffix(r.URL.Path, key) && reads.Add(1) == 2 {
			f.set(t, key, faultyRows(rand.New(rand.NewPCG(7, 7))))
		}
		return false
	}})
	if code != pipeline.ExitData || !strings.Contains(errs, "s3://bucket/"+key) || !strings.Contains(errs, "changed since it was listed") ||
		len(tables) > 0 {
		t.Errorf("exit %d, %d tables: %s", code, len(tables), errs)
	}
}
