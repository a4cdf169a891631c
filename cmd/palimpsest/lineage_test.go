package main

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"palimpsest/schemas"
)

// TestLineage follows outputs and works to the documents of a corpus whose reservations were recorded, with 1 and 8 workers.
func TestLineage(t *testing.T) {
	type recorded struct {
		ID      string  `parquet:"id"`
		Text    string  `parquet:"text"`
		License *string `parquet:"license"`
		File    *int64  `parquet:"tdm_file"`
		Header  *string `parquet:"tdm_header"`
		Robots  *string `parquet:"robots"`
	}
	type text struct {
		ID      string  `parquet:"id"`
		Text    string  `parquet:"text"`
		Kind    string  `parquet:"kind"`
		Prompt  *string `parquet:"prompt"`
		License *string `parquet:"license"`
	}
	corpus := []recorded{
		{ID: "free", Text: long, License: ptr("CC0-1.0"), File: ptr[int64](0)},
		{ID: "kept", Text: "Before: " + long + " And after it many other words of another kind.", File: ptr[int64](0), Header: ptr("1")},
		{ID: "torn", Text: "Again " + long + " more", License: ptr("CC-BY-4.0"), Header: ptr("0"), Robots: ptr("disallow")},
		{ID: "silent", Text: "nothing of it"},
	}
	probes := []text{
		{ID: "work", Text: long, Kind: "work"},
		{ID: "out", Text: "It said: " + long, Kind: "generation", Prompt: ptr("")},
		{ID: "own", Text: "words of its own and nobody else's at all, as far as can be told from here on", Kind: "generation", Prompt: ptr("")},
	}
	const lineage = `
lineage:
  corpus: crawl
  models:
    - name: base
      from: [{corpus: crawl, basis: tdm_art4, basis_ref: "policy 3", jurisdiction: DE}, {corpus: answers, relation: copy}]
    - name: chat
      from: [{model: base, basis: authorization, basis_ref: "contract 7"}, {corpus: talks}]
  corpora:
    - {name: talks, kind: tuning_corpus}
    - {name: answers, generated_by: chat}
`
	want := `
corpus crawl contains corpus_document free: public_domain CC0-1.0 [not_reserved] measured by documents
corpus crawl contains corpus_document kept: none [reserved] measured by documents
corpus crawl contains corpus_document torn: none CC-BY-4.0 [conflicting] measured by documents
corpus crawl undetermined model base: tdm_art4 policy 3 DE declared
corpus_document free contains work work: public_domain CC0-1.0 [not_reserved] exact by matches
corpus_document kept contains work work: none [reserved] probe_in_document by matches
corpus_document torn contains work work: none CC-BY-4.0 [conflicting] probe_in_document by matches
model base undetermined tuned_model chat: authorization contract 7 declared
output out matches corpus_document free: public_domain CC0-1.0 [not_reserved] document_in_probe by matches
output out matches corpus_document free: public_domain CC0-1.0 [not_reserved] overlaps by span_sources
output out matches corpus_document kept: none [reserved] overlaps by matches
output out matches corpus_document kept: none [reserved] overlaps by span_sources
output out matches corpus_document torn: none CC-BY-4.0 [conflicting] overlaps by matches
output out matches corpus_document torn: none CC-BY-4.0 [conflicting] overlaps by span_sources
synthetic_corpus answers copy model base: none declared
synthetic_corpus answers generated_from tuned_model chat: none declared
tuning_corpus talks undetermined tuned_model chat: none declared
`
	var first map[string]string
	dir := t.TempDir()
	writeParquet(t, filepath.Join(dir, "corpus.parquet"), corpus, parquet.MaxRowsPerRowGroup(2))
	writeParquet(t, filepath.Join(dir, "probes.parquet"), probes)
	for _, workers := range []int{1, 8} {
		config := strings.NewReplacer(
			"columns: {text: text, id: id}}\nprobes",
			"columns: {text: text, id: id, license: license, tdm_file: tdm_file, tdm_header: tdm_header, robots: robots}}\nprobes",
			"columns: {text: text, id: id}}\nhash", "columns: {text: text, id: id, kind: kind, prompt: prompt, license: license}}\nhash",
			"ngram: {}", "ngram: {min_words: 5, min_bytes: 0}", "DIR", dir,
		).Replace(usual) + lineage
		runDir := mustRun(t, t.TempDir(), config, fmt.Sprint("resources.workers=", workers))
		checkLineage(t, runDir)
		sums := digests(t, runDir, "lineage", "matches", "span_sources")
		if first == nil {
			first = sums
		} else if d := cmp.Diff(first, sums); d != "" {
			t.Errorf("other bytes with %d workers:\n%s", workers, d)
		}
		var got []string
		for _, e := range readTable(t, runDir, schemas.Lineages) {
			line := fmt.Sprintf("%s %s %s %s %s: %s", e.SourceKind, e.SourceID, e.Relation, e.TargetKind, e.TargetID, e.Basis)
			for _, x := range []*string{e.BasisRef, e.Jurisdiction} {
				if x != nil {
					line += " " + *x
				}
			}
			if e.OptOut != nil {
				line += " [" + *e.OptOut + "]"
			}
			line += " " + e.Grade
			if e.EvidenceTable != nil {
				line += " by " + *e.EvidenceTable
			}
			got = append(got, line)
		}
		slices.Sort(got)
		if d := cmp.Diff(strings.Split(strings.TrimSpace(want), "\n"), got); d != "" {
			t.Errorf("%d workers (-want +got):\n%s", workers, d)
		}
		rules := make(map[string]string)
		for _, m := range readTable(t, runDir, schemas.Matches) {
			rules[m.DocumentID] = *m.Reservation + " by " + *m.ReservationRule
		}
		if d := cmp.Diff(map[string]string{"free": "not_reserved by tdm_file", "kept": "reserved by tdm_header over tdm_file",
			"torn": "conflicting by tdm_header not_reserved, robots reserved"}, rules); d != "" {
			t.Errorf("reservations (-want +got):\n%s", d)
		}
	}
}

// checkLineage looks up the rows that every edge of a run rests on, and returns the edges.
func checkLineage(t *testing.T, runDir string) []schemas.Lineage {
	t.Helper()
	tables := map[string][]map[string]any{
		"documents": keyed(readTable(t, runDir, schemas.Documents)), "matches": keyed(readTable(t, runDir, schemas.Matches)),
		"span_sources": keyed(readTable(t, runDir, schemas.SpanSources)), "evidence": keyed(readTable(t, runDir, schemas.Evidences)),
	}
	edges := readTable(t, runDir, schemas.Lineages)
	if slices.ContainsFunc(edges, func(e schemas.Lineage) bool { return e.EvidenceTable != nil && *e.EvidenceTable == "generations" }) {
		tables["generations"] = keyed(readTable(t, runDir, schemas.Generations))
		tables["tuning"] = keyed(readTable(t, runDir, schemas.Tunings))
	}
	for _, e := range edges {
		if (e.EvidenceTable == nil) != (e.Grade == "declared") || (e.EvidenceKey == nil) != (e.EvidenceTable == nil) {
			t.Errorf("an edge without evidence: %+v", e)
		}
		if e.EvidenceKey == nil {
			continue
		}
		var key map[string]any
		if err := json.Unmarshal([]byte(*e.EvidenceKey), &key); err != nil {
			t.Errorf("%+v: %v", e, err)
		}
		if !slices.ContainsFunc(tables[*e.EvidenceTable], func(row map[string]any) bool {
			for column, v := range key {
				if row[column] != v {
					return false
				}
			}
			return true
		}) {
			t.Errorf("no row of %s has %s", *e.EvidenceTable, *e.EvidenceKey)
		}
	}
	return edges
}

// keyed returns rows by column, as JSON has them.
func keyed[R any](rows []R) (all []map[string]any) {
	for i := range rows {
		row := make(map[string]any)
		v := reflect.ValueOf(&rows[i]).Elem()
		for k := range v.NumField() {
			name, _, _ := strings.Cut(v.Type().Field(k).Tag.Get("parquet"), ",")
			switch x := reflect.Indirect(v.Field(k)); x.Kind() {
			case reflect.String:
				row[name] = x.String()
			case reflect.Int64:
				row[name] = float64(x.Int())
			}
		}
		all = append(all, row)
	}
	return all
}
