package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"palimpsest/schemas"
)

type document struct {
	ID   string `parquet:"id"`
	Text string `parquet:"text"`
}

// TestVectors runs every case of the shared vectors through the command, with 1 and 8 workers and with the corpus in one file
// and in five: the figures are those of the vectors, and the bytes of the tables are the same each time.
func TestVectors(t *testing.T) {
	data, err := os.ReadFile(shared(t, "vectors", "spans.json"))
	if err != nil {
		t.Fatal(err)
	}
	var vectors struct {
		Cases []struct {
			MinWords int `json:"min_words"`
			Probe    string
			Corpus   []string
			Words    int64
			Spans    []struct {
				WordStart   int64 `json:"word_start"`
				WordEnd     int64 `json:"word_end"`
				ByteStart   int64 `json:"byte_start"`
				ByteEnd     int64 `json:"byte_end"`
				Documents   int64
				Occurrences int64
				In          []int
			}
			Overlap []struct {
				N, Ngrams, Matched int64
				CoveredWords       int64 `json:"covered_words"`
			}
		}
	}
	if err := json.Unmarshal(data, &vectors); err != nil {
		t.Fatal(err)
	}
	for i, c := range vectors.Cases {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			var spans []schemas.Span
			var in [][]int
			var overlap []schemas.Overlap
			for k, w := range c.Spans {
				spans = append(spans, schemas.Span{
					RunID: "r", ProbeID: "p", SpanIndex: int64(k), WordStart: w.WordStart, WordEnd: w.WordEnd, Words: w.WordEnd - w.WordStart,
					ByteStart: w.ByteStart, ByteEnd: w.ByteEnd, Documents: w.Documents, Occurrences: w.Occurrences,
				})
				in = append(in, w.In)
			}
			var report []string
			for _, o := range c.Overlap {
				overlap = append(overlap, schemas.Overlap{ProbeID: "p", N: o.N, Ngrams: o.Ngrams, Matched: o.Matched, CoveredWords: o.CoveredWords})
				report = append(report, fmt.Sprint(o.N))
			}
			slices.SortStableFunc(overlap, func(a, b schemas.Overlap) int { return int(a.N - b.N) }) // a case may list a length twice
			overlap = slices.CompactFunc(overlap, func(a, b schemas.Overlap) bool { return a.N == b.N })
			var first map[string]string
			for _, files := range []int{1, 5} {
				dir := t.TempDir()
				parts := make([][]document, files)
				for d, text := range c.Corpus {
					parts[d%files] = append(parts[d%files], document{fmt.Sprint(d), text})
				}
				for f, rows := range parts {
					writeParquet(t, filepath.Join(dir, "corpus", fmt.Sprintf("%d.parquet", f)), rows, parquet.MaxRowsPerRowGroup(2))
				}
				writeParquet(t, filepath.Join(dir, "probes.parquet"), []document{{"p", c.Probe}})
				config := fmt.Sprintf(`
corpus: {urls: [%q], columns: {text: text, id: id}}
probes: {urls: [%q], columns: {text: text, id: id}}
ngram: {min_words: %d, min_bytes: 0, max_sources: 100, report: [%s]}
`, filepath.Join(dir, "corpus")+"/", filepath.Join(dir, "probes.parquet"), c.MinWords, strings.Join(report, ", "))
				for _, workers := range []int{1, 8} {
					runDir := mustRun(t, dir, config, fmt.Sprint("resources.workers=", workers))
					sums := digests(t, runDir, "spans", "overlap")
					if first == nil {
						first = sums
						checkSpans(t, runDir, spans, in)
						checkOverlap(t, runDir, overlap)
						if p := readTable(t, runDir, schemas.Probes)[0]; p.Words != c.Words {
							t.Errorf("%d words, want %d", p.Words, c.Words)
						}
					} else if d := cmp.Diff(first, sums); d != "" {
						t.Errorf("%d files, %d workers: other bytes than before (-before +now):\n%s", files, workers, d)
					}
					if err := os.RemoveAll(runDir); err != nil {
						t.Fatal(err)
					}
				}
			}
		})
	}
}

func checkSpans(t *testing.T, runDir string, want []schemas.Span, in [][]int) {
	t.Helper()
	got := readTable(t, runDir, schemas.Spans)
	for i := range got { // what the vectors do not say
		got[i].PromptWords, got[i].Text, got[i].RarityBits, got[i].MaxWordMatches = nil, nil, 0, 0
	}
	if d := cmp.Diff(want, append([]schemas.Span(nil), got...)); d != "" {
		t.Errorf("spans (-want +got):\n%s", d)
	}
	sources := make([][]int, len(got))
	for _, s := range readTable(t, runDir, schemas.SpanSources) {
		var d int
		if _, err := fmt.Sscan(s.DocumentID, &d); err != nil {
			t.Fatal(err)
		}
		sources[s.SpanIndex] = append(sources[s.SpanIndex], d)
	}
	for k := range sources {
		slices.Sort(sources[k])
		if d := cmp.Diff(in[k], sources[k]); d != "" {
			t.Errorf("sources of span %d (-want +got):\n%s", k, d)
		}
	}
}

func checkOverlap(t *testing.T, runDir string, want []schemas.Overlap) {
	t.Helper()
	var got []schemas.Overlap
	for _, o := range readTable(t, runDir, schemas.Overlaps) {
		if o.Ngrams == 0 != (o.MatchedFraction == nil) {
			t.Errorf("n %d: matched_fraction %v of %d n-grams", o.N, o.MatchedFraction, o.Ngrams)
		}
		got = append(got, schemas.Overlap{ProbeID: o.ProbeID, N: o.N, Ngrams: o.Ngrams, Matched: o.Matched, CoveredWords: o.CoveredWords})
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("overlap (-want +got):\n%s", d)
	}
}
