package verify_test

import (
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/parquet-go/parquet-go"

	"palimpsest/schemas"
	"palimpsest/stages/write"
)

// rewrite changes the rows of a table of a run, in both files, and signs the run again: what somebody does who knows how runs are made.
func rewrite[R any](t *testing.T, run string, of schemas.Of[R], change func(rows []R) []R) {
	t.Helper()
	rows, err := parquet.ReadFile[R](filepath.Join(run, "parquet", of.Name, "part-00000.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	d := write.NewDir(t.TempDir(), "r", map[string]string{"unicode_version": "15.0.0", "unit": "words"})
	w, err := write.OpenSpool(d, of)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Discard()
	b := w.Batch()
	for _, r := range change(rows) {
		if err := b.Write(&r); err != nil {
			t.Fatal(err)
		}
	}
	if err := b.Commit(); err != nil {
		t.Fatal(err)
	}
	outputs, err := w.Close(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range outputs {
		put(t, filepath.Join(run, filepath.FromSlash(o.Path)), read(t, d.Path(o)))
	}
	sign(t, run, outputs...)
}

// edit rewrites with one row changed: the first that pick accepts.
func edit[R any](of schemas.Of[R], change func(r *R) bool) func(*testing.T, string) {
	return func(t *testing.T, run string) {
		rewrite(t, run, of, func(rows []R) []R {
			for i := range rows {
				if change(&rows[i]) {
					return rows
				}
			}
			t.Fatal("no row to change")
			return nil
		})
	}
}

// drop rewrites without the last row.
func drop[R any](of schemas.Of[R]) func(*testing.T, string) {
	return func(t *testing.T, run string) {
		rewrite(t, run, of, func(rows []R) []R { return rows[:len(rows)-1] })
	}
}

// TestForged changes tables and signs the run again, so that all digests are right: what the tables say no longer fits together.
func TestForged(t *testing.T) {
	_, run := newRun(t, everything)
	for name, c := range map[string]struct {
		forge func(t *testing.T, run string)
		table string
		says  []string
	}{
		"a run of more probes": {
			edit(schemas.Runs, func(r *schemas.Run) bool { r.Probes++; return true }),
			"runs", []string{"column probes"},
		},
		"another configuration": {
			edit(schemas.Runs, func(r *schemas.Run) bool { r.ConfigSHA256 = "x"; return true }),
			"runs", []string{"config_sha256"},
		},
		"a smaller corpus": {
			edit(schemas.Runs, func(r *schemas.Run) bool { *r.CorpusDocuments--; return true }),
			"runs", []string{"corpus_documents"},
		},
		"a probe less": {
			drop(schemas.Probes),
			"evidence", []string{"column probe_id", "table probes has no probe \"p11\""},
		},
		"a probe's digest": {
			edit(schemas.Probes, func(r *schemas.Probe) bool { r.SHA256 = r.SHA256[1:] + "0"; return true }),
			"probes", []string{"column sha256, row 0"},
		},
		"a probe's text": {
			edit(schemas.Probes, func(r *schemas.Probe) bool { *r.Text = "X" + (*r.Text)[1:]; return true }),
			"probes", []string{"row 0"},
		},
		"a probe's source row": {
			edit(schemas.Probes, func(r *schemas.Probe) bool { r.SourceRow++; return true }),
			"", []string{"probes.parquet", "row group 0, column text, row 1", `probe "p00"`},
		},
		"a probe's source": {
			edit(schemas.Probes, func(r *schemas.Probe) bool { r.SourceURI = "file:///x"; return true }),
			"probes", []string{"source_uri"},
		},
		"a span's documents": {
			edit(schemas.Spans, func(r *schemas.Span) bool { r.Documents += 100; return true }),
			"spans", []string{"documents"},
		},
		"a span's rarity": {
			edit(schemas.Spans, func(r *schemas.Span) bool { r.RarityBits += .1; return true }),
			"spans", []string{"rarity_bits"},
		},
		"a span's words": {
			edit(schemas.Spans, func(r *schemas.Span) bool { r.WordEnd--; r.Words--; return true }),
			"spans", []string{"row 0"},
		},
		"a span's bytes": {
			edit(schemas.Spans, func(r *schemas.Span) bool { r.ByteEnd--; return true }),
			"spans", []string{"row 0"},
		},
		"a span's text": {
			edit(schemas.Spans, func(r *schemas.Span) bool { *r.Text += "x"; return true }),
			"spans", []string{"column text, row 0"},
		},
		"a span less": {
			drop(schemas.Spans),
			"span_sources", []string{"table spans has no span"},
		},
		"a source less": {
			drop(schemas.SpanSources),
			"span_sources", []string{"sources, where"},
		},
		"a source's first byte": {
			edit(schemas.SpanSources, func(r *schemas.SpanSource) bool { r.ByteStart++; return true }),
			"", []string{"corpus", "row group", "column text", "are not the words of span 0 of probe"},
		},
		"a source's last byte": {
			edit(schemas.SpanSources, func(r *schemas.SpanSource) bool { r.ByteEnd++; return true }),
			"", []string{"corpus", "are not the words of span 0 of probe"},
		},
		"a source beyond its text": {
			edit(schemas.SpanSources, func(r *schemas.SpanSource) bool { r.ByteEnd += 1 << 20; return true }),
			"", []string{"corpus", "bytes, of which"},
		},
		"a source of no document": {
			edit(schemas.SpanSources, func(r *schemas.SpanSource) bool { r.DocumentRow += 1000; return true }),
			"span_sources", []string{"table documents has no"},
		},
		"a document less": {
			drop(schemas.Documents),
			"matches", []string{"table documents has no"},
		},
		"a document of no object": {
			edit(schemas.Documents, func(r *schemas.Document) bool { r.DocumentURI = "file:///x"; return true }),
			"documents", []string{"document_uri"},
		},
		"a match's relation": {
			edit(schemas.Matches, func(r *schemas.Match) bool { r.Relation = "alike"; return true }),
			"matches", []string{"relation"},
		},
		"a match's coverage": {
			edit(schemas.Matches, func(r *schemas.Match) bool { *r.ProbeCoverage /= 2; return true }),
			"matches", []string{"probe_coverage"},
		},
		"overlap's count": {
			edit(schemas.Overlaps, func(r *schemas.Overlap) bool { r.Matched++; return true }),
			"overlap", []string{"matched"},
		},
		"overlap's coverage": {
			edit(schemas.Overlaps, func(r *schemas.Overlap) bool { *r.Coverage = .5; return true }),
			"overlap", []string{"coverage"},
		},
		"evidence's spans": {
			edit(schemas.Evidences, func(r *schemas.Evidence) bool { *r.Spans++; return true }),
			"evidence", []string{"spans"},
		},
		"evidence's longest span": {
			edit(schemas.Evidences, func(r *schemas.Evidence) bool { *r.LongestSpanWords++; return true }),
			"evidence", []string{"longest_span_words"},
		},
		"evidence less": {
			drop(schemas.Evidences),
			"evidence", []string{"0 rows, and there are 1 targets"},
		},
		"the score of no probe": {
			edit(schemas.Likelihoods, func(r *schemas.Likelihood) bool { r.ProbeID = "x"; return true }),
			"likelihood", []string{"table probes has no probe \"x\""},
		},
		"the score of no model": {
			edit(schemas.Likelihoods, func(r *schemas.Likelihood) bool { r.Model = "x"; return true }),
			"likelihood", []string{"no model \"x\""},
		},
		"a window less": {drop(schemas.Windows), "extraction", []string{"windows"}},
		"extraction's greedy": {
			edit(schemas.Extractions, func(r *schemas.Extraction) bool { r.Greedy++; return true }),
			"extraction", []string{"greedy"},
		},
		"the tokens of no probe": {
			edit(schemas.Tokens, func(r *schemas.Token) bool { r.ProbeID = "x"; return true }),
			"tokens", []string{"table probes has no probe"},
		},
		"two files of other rows": {
			otherTwin,
			"spans", []string{"column occurrences, row 2", "and the Arrow file has"},
		},
		"a shorter twin": {shorterTwin, "spans", []string{"rows"}},
	} {
		t.Run(name, func(t *testing.T) {
			back := keep(t, run)
			c.forge(t, run)
			says := c.says
			if c.table != "" {
				says = append(slices.Clone(says), string(filepath.Separator)+c.table+string(filepath.Separator))
			}
			if r := check(t, run, false); r.Holds() || !found(r, says...) {
				t.Errorf("%v, want %q", r.Problems, says)
			}
			back()
		})
	}
	if r := check(t, run, true); !r.Holds() {
		t.Error(r.Problems)
	}
}

// otherTwin changes a table's Parquet file alone.
func otherTwin(t *testing.T, run string) {
	path := filepath.Join(run, "arrow", "spans", "part-00000.arrow")
	data := read(t, path)
	rewrite(t, run, schemas.Spans, func(rows []schemas.Span) []schemas.Span { rows[2].Occurrences++; return rows })
	put(t, path, data)
	sign(t, run)
}

// shorterTwin takes a row from a table's Arrow file alone.
func shorterTwin(t *testing.T, run string) {
	path := filepath.Join(run, "parquet", "spans", "part-00000.parquet")
	data := read(t, path)
	rewrite(t, run, schemas.Spans, func(rows []schemas.Span) []schemas.Span { return rows[:len(rows)-1] })
	put(t, path, data)
	sign(t, run)
}

// TestHostile damages tables in many ways and signs the run again: the readers get to see what only a forger writes. Nothing panics, and
// whatever is no longer a table of the run is found.
func TestHostile(t *testing.T) {
	_, run := newRun(t, everything)
	tries := 100
	if testing.Short() {
		tries = 60
	}
	files, err := filepath.Glob(filepath.Join(run, "*", "*", "*"))
	if err != nil || len(files) == 0 {
		t.Fatal(err)
	}
	manifest, mark := read(t, filepath.Join(run, "manifest.json")), read(t, filepath.Join(run, "_SUCCESS"))
	r := rand.New(rand.NewPCG(5, 6))
	held := 0
	for range tries {
		path := files[r.IntN(len(files))]
		data := read(t, path)
		bad := slices.Clone(data)
		from := r.IntN(len(bad))
		if r.IntN(2) == 0 { // where footers are, and lengths
			from = max(len(bad)-1-r.IntN(600), 0)
		}
		to := min(from+1+r.IntN(8), len(bad))
		switch r.IntN(6) {
		case 0:
			bad = bad[:from]
		case 1:
			bad = slices.Delete(bad, from, to)
		case 2:
			bad = slices.Insert(bad, from, bad[from:to]...)
		case 3:
			for i := from; i < to; i++ {
				bad[i] = 0xFF
			}
		case 4:
			clear(bad[from:to])
		default:
			for i := from; i < to; i++ {
				bad[i] = byte(r.Uint32())
			}
		}
		put(t, path, bad)
		sign(t, run)
		if check(t, run, false).Holds() {
			held++ // a byte that says nothing: padding, statistics
		}
		put(t, path, data)
	}
	put(t, filepath.Join(run, "manifest.json"), manifest)
	put(t, filepath.Join(run, "_SUCCESS"), mark)
	if held > tries/4 {
		t.Errorf("%d of %d damaged tables hold", held, tries)
	}
	t.Logf("%d of %d changes are of no consequence", held, tries)
}
