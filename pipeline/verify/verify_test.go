package verify_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"palimpsest/pipeline"
)

// TestHolds checks runs in every unit, with texts and without, with probes of their own and from the corpus.
func TestHolds(t *testing.T) {
	tokens := strings.NewReplacer("columns: {text: text", "columns: {token_ids: ids, byte_offsets: offsets, text: text",
		"ngram: {min_words: 5, min_bytes: 20}", "ngram: {unit: tokens, min_tokens: 10}")
	for name, config := range map[string]string{
		"words":         everything,
		"bytes":         strings.Replace(everything, "min_words: 5, min_bytes: 20", "unit: bytes, min_bytes: 30", 1),
		"tokens":        tokens.Replace(everything),
		"without texts": everything + "evidence: {texts: false}\n",
		"few sources":   strings.Replace(everything, "min_bytes: 20", "min_bytes: 20, max_sources: 1", 1),
		"from corpus": `
output: DIR/out
run_id: r
corpus: {urls: ["DIR/corpus/"], columns: {text: text, id: id}}
probes: [{from: corpus}, {urls: ["DIR/probes.parquet"], columns: {text: text, id: id}}]
ngram: {min_words: 5}
`,
	} {
		t.Run(name, func(t *testing.T) {
			_, run := newRun(t, config)
			for _, sources := range []bool{false, true} {
				r := check(t, run, sources)
				for _, p := range r.Problems {
					t.Error(p)
				}
				for _, w := range r.Warnings {
					t.Error(w)
				}
				if r.Probes == 0 || r.Passages < 10 || r.Files < 10 || r.Rows < 50 || sources && r.Chunks < 10 || r.Unchecked > 0 {
					t.Errorf("%+v", r)
				}
			}
		})
	}
}

// flips is how many bytes TestFlips changes: 20 to 30 ms of one core each. make flips changes a thousand.
var flips = flag.Int("flips", 300, "how many bytes TestFlips changes")

// TestFlips changes single bytes, one after the other, in the files of a run and in its sources. Each is found, and the file
// is named; of a source the row group and the column too.
func TestFlips(t *testing.T) {
	flips := *flips
	if testing.Short() {
		flips = min(flips, 60)
	}
	for seed := range uint64(2) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			t.Parallel()
			dir, run := newRun(t, everything)
			f := &flipper{T: t, dir: dir, run: run, random: rand.New(rand.NewPCG(seed, 4)), chunks: chunksOf(t, run)}
			for _, pattern := range []string{"out/r/*/*/*", "out/r/manifest.json", "out/r/_SUCCESS"} {
				found, err := filepath.Glob(filepath.Join(dir, filepath.FromSlash(pattern)))
				if err != nil || len(found) == 0 {
					t.Fatal(pattern, err)
				}
				f.files = append(f.files, found...)
			}
			for i := range flips / 2 {
				f.flip(i)
			}
			if report := check(t, run, true); !report.Holds() {
				t.Error(report.Problems)
			}
			t.Logf("%d flips in outputs, %d in sources, of which %d under the same version", f.outputs, f.sources, f.silent)
		})
	}
}

// flipper changes bytes of a run and of its sources.
type flipper struct {
	*testing.T
	dir, run string
	random   *rand.Rand
	files    []string // of the run
	chunks   []chunk  // that the run read

	outputs, sources, silent int
}

// chunk is a column chunk of a source that the run read.
type chunk struct {
	path, column string
	group        int
	from, to     int64
}

// flip changes one byte and puts it back: of an output, of any part of a source, or of what the run read of one. Of the last the source's
// version, which is its time of change, stays what it was.
func (f *flipper) flip(i int) {
	kind := f.random.IntN(4)
	c := f.chunks[f.random.IntN(len(f.chunks))]
	path := c.path
	if kind < 2 {
		path = f.files[f.random.IntN(len(f.files))]
	}
	data := read(f.T, path)
	at, with := f.random.IntN(len(data)), byte(1+f.random.IntN(255))
	if kind == 3 {
		at = int(c.from + f.random.Int64N(c.to-c.from))
	}
	info, err := os.Stat(path)
	if err != nil {
		f.Fatal(err)
	}
	when := info.ModTime()
	var names []string
	switch {
	case filepath.Dir(path) == f.run:
		f.outputs++
		names = []string{filepath.Base(path)}
	case kind < 2:
		f.outputs++
		names = []string{path, "altered: its sha256"}
	default:
		f.sources++
		names = []string{path}
		for _, c := range f.chunks {
			if c.path == path && int64(at) >= c.from && int64(at) < c.to {
				names = append(names, fmt.Sprintf("row group %d", c.group), "column "+c.column, "altered")
			}
		}
		if kind == 2 {
			when = when.Add(1)
			if len(names) == 1 {
				names = append(names, "another version now")
			}
		}
	}
	data[at] ^= with
	put(f.T, path, data)
	f.touch(path, when)
	what := fmt.Sprintf("flip %d: byte %d of %s, ^%#x", i, at, strings.TrimPrefix(path, f.dir+"/"), with)
	if r := check(f.T, f.run, true); !found(r, names...) {
		f.Errorf("%s: %v, want %q", what, r.Problems, names)
	}
	if kind == 3 {
		f.silent++
		if strings.HasSuffix(path, "probes.parquet") && c.column == "text" { // they are compared whether or not all sources are
			if r := check(f.T, f.run, false); !found(r, names...) {
				f.Errorf("%s, without --sources: %v, want %q", what, r.Problems, names)
			}
		}
	}
	data[at] ^= with
	put(f.T, path, data)
	f.touch(path, info.ModTime())
}

func (f *flipper) touch(path string, when time.Time) {
	f.Helper()
	if err := os.Chtimes(path, when, when); err != nil {
		f.Fatal(err)
	}
}

// chunksOf returns the column chunks that a run read.
func chunksOf(t *testing.T, run string) (all []chunk) {
	t.Helper()
	var m pipeline.Manifest
	if err := json.Unmarshal(read(t, filepath.Join(run, "manifest.json")), &m); err != nil {
		t.Fatal(err)
	}
	for _, in := range m.Inputs {
		path := strings.TrimPrefix(in.URI, "file://")
		f, err := parquet.OpenFile(bytes.NewReader(read(t, path)), in.Size)
		if err != nil {
			t.Fatal(err)
		}
		for _, k := range in.Chunks {
			for _, c := range f.Metadata().RowGroups[k.RowGroup].Columns {
				from := c.MetaData.DataPageOffset
				if d := c.MetaData.DictionaryPageOffset; d > 0 {
					from = min(from, d)
				}
				if c.MetaData.PathInSchema[0] == k.Column {
					all = append(all, chunk{path, k.Column, k.RowGroup, from, from + c.MetaData.TotalCompressedSize})
				}
			}
		}
	}
	return all
}

// TestFiles damages a run as a whole: files that are missing, cut short, longer, or that do not belong to it.
func TestFiles(t *testing.T) {
	_, run := newRun(t, everything)
	spans := filepath.Join(run, "parquet", "spans", "part-00000.parquet")
	for name, c := range map[string]struct {
		damage func(t *testing.T)
		says   []string
	}{
		"no mark":          {func(t *testing.T) { remove(t, filepath.Join(run, "_SUCCESS")) }, []string{"it has no _SUCCESS"}},
		"no manifest":      {func(t *testing.T) { remove(t, filepath.Join(run, "manifest.json")) }, []string{"manifest.json", "not found"}},
		"a mark cut short": {func(t *testing.T) { cut(t, filepath.Join(run, "_SUCCESS"), 64) }, []string{"_SUCCESS does not hold"}},
		"an empty mark":    {func(t *testing.T) { cut(t, filepath.Join(run, "_SUCCESS"), 0) }, []string{"_SUCCESS does not hold"}},
		"a huge mark":      {func(t *testing.T) { put(t, filepath.Join(run, "_SUCCESS"), make([]byte, 4096)) }, []string{"_SUCCESS", "too big"}},
		"a missing file":   {func(t *testing.T) { remove(t, spans) }, []string{spans, "missing"}},
		"a file cut short": {func(t *testing.T) { cut(t, spans, 300) }, []string{spans, "cut short: 300 bytes"}},
		"an empty file":    {func(t *testing.T) { cut(t, spans, 0) }, []string{spans, "cut short: 0 bytes"}},
		"a longer file":    {func(t *testing.T) { put(t, spans, append(read(t, spans), 0)) }, []string{spans, "bytes, and the manifest says"}},
		"an extra file":    {func(t *testing.T) { put(t, spans+".part", nil) }, []string{spans + ".part", "the manifest does not list it"}},
		"an extra part":    {func(t *testing.T) { put(t, strings.Replace(spans, "00000", "00001", 1), read(t, spans)) }, []string{"part-00001"}},
		"a file of another": {func(t *testing.T) {
			put(t, spans, read(t, strings.Replace(spans, "spans", "overlap", 1)))
			sign(t, run)
		}, []string{spans, "schema is not that of table spans"}},
		"Arrow for Parquet": {func(t *testing.T) {
			put(t, spans, read(t, strings.ReplaceAll(spans, "parquet", "arrow")))
			sign(t, run)
		}, []string{spans, "not a Parquet file"}},
		"an empty manifest": {func(t *testing.T) { put(t, filepath.Join(run, "manifest.json"), []byte("{}")); sign(t, run) }, []string{"configuration"}},
	} {
		t.Run(name, func(t *testing.T) {
			back := keep(t, run)
			c.damage(t)
			if r := check(t, run, true); !found(r, c.says...) {
				t.Errorf("%v, want %q", r.Problems, c.says)
			}
			back()
		})
	}
	if r := check(t, run, true); !r.Holds() {
		t.Error(r.Problems)
	}
}

// keep copies the files of a run, and returns what puts them back.
func keep(t *testing.T, run string) func() {
	t.Helper()
	copied := t.TempDir()
	if err := os.CopyFS(copied, os.DirFS(run)); err != nil {
		t.Fatal(err)
	}
	return func() {
		t.Helper()
		if err := os.RemoveAll(run); err != nil {
			t.Fatal(err)
		}
		if err := os.CopyFS(run, os.DirFS(copied)); err != nil {
			t.Fatal(err)
		}
	}
}

func remove(t *testing.T, path string) {
	t.Helper()
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
}

func cut(t *testing.T, path string, size int64) {
	t.Helper()
	if err := os.Truncate(path, size); err != nil {
		t.Fatal(err)
	}
}

// TestSources changes sources as a whole: they are removed, replaced by others, or only touched.
func TestSources(t *testing.T) {
	dir, run := newRun(t, everything)
	object := filepath.Join(dir, "corpus", "a.parquet")
	other := read(t, filepath.Join(dir, "corpus", "b.parquet"))
	whole := read(t, object)
	info, err := os.Stat(object)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change          func(t *testing.T)
		with, without   []string // what is said with --sources and without
		uncheckedAtMost bool
	}{
		"removed":  {func(t *testing.T) { remove(t, object) }, []string{object, "no longer there"}, []string{object, "no longer there"}, true},
		"replaced": {func(t *testing.T) { put(t, object, other) }, []string{object, "another version now"}, []string{object, "other bytes than the run read"}, true},
		"touched":  {func(t *testing.T) { put(t, object, whole) }, []string{object, "another version now"}, []string{object, "another version now"}, false},
		"no Parquet": {func(t *testing.T) { put(t, object, []byte("hello, this is no Parquet at all")) }, []string{object, "not a Parquet file"},
			[]string{object, "another version now, which cannot be read"}, true},
	} {
		t.Run(name, func(t *testing.T) {
			c.change(t)
			if r := check(t, run, true); !found(r, c.with...) {
				t.Errorf("with --sources: %v, want %q", r.Problems, c.with)
			}
			{
				r := check(t, run, false)
				warned := false
				for _, w := range r.Warnings {
					warned = warned || strings.Contains(w.String(), c.without[0]) && strings.Contains(w.String(), c.without[1])
				}
				if !warned || !r.Holds() || (r.Unchecked > 0) != c.uncheckedAtMost {
					t.Errorf("without --sources: %+v, want a warning %q", r, c.without)
				}
			}
			put(t, object, whole)
			if err := os.Chtimes(object, info.ModTime(), info.ModTime()); err != nil {
				t.Fatal(err)
			}
		})
	}
	if r := check(t, run, true); !r.Holds() {
		t.Error(r.Problems)
	}
}
