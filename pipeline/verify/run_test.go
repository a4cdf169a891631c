package verify_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"palimpsest/pipeline"
	"palimpsest/pipeline/verify"
	"palimpsest/stages/store"
	"palimpsest/stages/write"
)

// text is a row of the corpus, the probes or the controls: tokens of two bytes, whose log-probabilities are made up.
type text struct {
	ID      string    `parquet:"id"`
	Text    string    `parquet:"text"`
	License *string   `parquet:"license,optional"`
	Kind    string    `parquet:"kind"`
	Group   string    `parquet:"grp"`
	LP      []float64 `parquet:"lp,list"`
	IDs     []int64   `parquet:"ids,list"`
	Offsets []int64   `parquet:"offsets,list"`
	Ranks   []int64   `parquet:"ranks,list"`
	Unread  string    `parquet:"unread"`
}

func newText(r *rand.Rand, id, content string) text {
	t := text{ID: id, Text: content, Kind: "work", Group: "g", Unread: fmt.Sprint(r.Uint64())}
	if r.IntN(2) == 0 {
		licence := "CC-BY-4.0"
		t.License = &licence
	}
	for at := 0; at < len(content); at += 2 {
		pair := content[at:min(at+2, len(content))]
		t.IDs = append(t.IDs, int64(pair[0])<<8|int64(pair[len(pair)-1]))
		t.Offsets = append(t.Offsets, int64(at))
		t.LP = append(t.LP, -4*r.Float64())
		t.Ranks = append(t.Ranks, 1+r.Int64N(3))
	}
	return t
}

// corpora writes a corpus of two objects, probes that it holds much of, and controls.
func corpora(t *testing.T, dir string) {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	sentence := func(n int) string {
		var b strings.Builder
		for range n {
			fmt.Fprintf(&b, "%s%d%s ", []string{"w", "Wörter", "été", "日本"}[r.IntN(4)], r.IntN(300), []string{"", ",", ". "}[r.IntN(3)])
		}
		return b.String()
	}
	var corpus, probes, controls []text
	for i := range 12 {
		p := newText(r, fmt.Sprintf("p%02d", i), sentence(60))
		if i%4 == 0 {
			p.Kind = "generation"
		}
		probes = append(probes, p)
		for k := range 1 + i%3 {
			piece := p.Text[strings.Index(p.Text, " ")+1:]
			if k == 0 && i%2 == 0 {
				corpus = append(corpus, newText(r, fmt.Sprintf("e%02d", i), strings.ToUpper(p.Text)), newText(r, fmt.Sprintf("x%02d", i), p.Text))
			}
			corpus = append(corpus, newText(r, fmt.Sprintf("d%02d-%d", i, k), sentence(10)+piece[:len(piece)/2]+sentence(5)))
		}
	}
	for i := range 25 {
		controls = append(controls, newText(r, fmt.Sprintf("c%02d", i), sentence(40)))
	}
	for name, rows := range map[string][]text{"corpus/a": corpus[:len(corpus)/2], "corpus/b": corpus[len(corpus)/2:], "probes": probes, "controls": controls} {
		path := filepath.Join(dir, name+".parquet")
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := parquet.WriteFile(path, rows, parquet.MaxRowsPerRowGroup(7)); err != nil {
			t.Fatal(err)
		}
	}
}

// everything has every table that needs no model.
const everything = `
output: DIR/out
run_id: r
corpus: {urls: ["DIR/corpus/"], columns: {text: text, id: id, license: license}}
probes: {urls: ["DIR/probes.parquet"], columns: {text: text, id: id, kind: kind, control_group: grp}}
controls: {urls: ["DIR/controls.parquet"], columns: {text: text, id: id, control_group: grp}}
hash: {near_duplicate: 0.8, minhash: datasketch-128}
ngram: {min_words: 5, min_bytes: 20}
likelihood:
  target: {name: big, columns: {log_probs: lp, byte_offsets: offsets, ranks: ranks}}
  windows: {prefix: 5, suffix: 5}
  tokens: all
`

// newRun writes corpora below a directory, runs the configuration, and returns the directory and the run's.
func newRun(t *testing.T, config string) (dir, run string) {
	t.Helper()
	dir = t.TempDir()
	corpora(t, dir)
	c, err := pipeline.LoadConfig("run.yaml", []byte(strings.ReplaceAll(config, "DIR", dir)), nil)
	if err != nil {
		t.Fatal(err)
	}
	s := store.New()
	defer s.Close()
	plan, err := pipeline.NewPlan(t.Context(), s, c, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := plan.Run(t.Context(), "test", new(pipeline.Meter)); err != nil {
		t.Fatal(err)
	}
	return dir, filepath.Join(dir, "out", "r")
}

// check verifies a run.
func check(t *testing.T, run string, sources bool) *verify.Report {
	t.Helper()
	s := store.New()
	defer s.Close()
	r, err := verify.Run(t.Context(), s, run, verify.Options{Sources: sources, Meter: new(pipeline.Meter)})
	if err != nil {
		t.Fatalf("%v; %v", err, r.Problems)
	}
	return r
}

// found reports whether a problem of the report has all these words.
func found(r *verify.Report, words ...string) bool {
	return slices.ContainsFunc(r.Problems, func(p verify.Problem) bool {
		return !slices.ContainsFunc(words, func(w string) bool { return !strings.Contains(p.String(), w) })
	})
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func put(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// sign makes the manifest of a run say what its files are now, with the rows of those that were written anew, and the mark what the
// manifest is.
func sign(t *testing.T, run string, anew ...write.Output) {
	t.Helper()
	path := filepath.Join(run, "manifest.json")
	var m pipeline.Manifest
	if err := json.Unmarshal(read(t, path), &m); err != nil {
		t.Fatal(err)
	}
	for i := range m.Outputs {
		o := &m.Outputs[i]
		data, err := os.ReadFile(filepath.Join(run, filepath.FromSlash(o.Path)))
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range anew {
			if a.Path == o.Path {
				o.Rows = a.Rows
			}
		}
		sum := sha256.Sum256(data)
		o.Bytes, o.SHA256 = int64(len(data)), hex.EncodeToString(sum[:])
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", " ")
	if err := e.Encode(&m); err != nil {
		t.Fatal(err)
	}
	put(t, path, b.Bytes())
	sum := sha256.Sum256(b.Bytes())
	put(t, filepath.Join(run, "_SUCCESS"), []byte(hex.EncodeToString(sum[:])+"\n"))
}
