package lineage_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"palimpsest/schemas"
	"palimpsest/stages/fold"
	"palimpsest/stages/lineage"
)

func to(s string) *string { return &s }

// told writes an edge in a line.
func told(e schemas.Lineage) string {
	s := fmt.Sprintf("%s %s -> %s %s: %s, %s", e.SourceKind, e.SourceID, e.TargetKind, e.TargetID, e.Relation, e.Basis)
	for _, x := range []*string{e.BasisRef, e.Jurisdiction, e.OptOut} {
		if x != nil {
			s += " " + *x
		}
	}
	s += ", " + e.Grade
	if e.EvidenceTable != nil {
		s += ", " + *e.EvidenceTable + " " + *e.EvidenceKey
	}
	return s
}

func check(t *testing.T, got []schemas.Lineage, want ...string) {
	t.Helper()
	var lines []string
	for _, e := range got {
		lines = append(lines, told(e))
		if e.EvidenceKey == nil {
			continue
		}
		table, ok := schemas.Lookup(*e.EvidenceTable)
		var key map[string]any
		if err := json.Unmarshal([]byte(*e.EvidenceKey), &key); err != nil || !ok {
			t.Errorf("%s: %v", told(e), err)
			continue
		}
		for column := range key {
			if !slices.Contains(table.Key, column) {
				t.Errorf("%s: %s is no key column of %s", told(e), column, table.Name)
			}
		}
	}
	if d := cmp.Diff(want, lines); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

var graph = lineage.Graph{
	Scanned: "crawl",
	Corpora: []lineage.Corpus{
		{Name: "instructions", Kind: lineage.TuningCorpus}, {Name: "answers", Kind: lineage.SyntheticCorpus, Writer: "chat"},
		{Name: "pile", Kind: lineage.SyntheticCorpus},
	},
	Models: []lineage.Model{
		{Name: "base", From: []lineage.Source{
			{Corpus: "crawl", Relation: "undetermined", Basis: "tdm_art4", BasisRef: to("policy 3"), Jurisdiction: to("DE")},
			{Corpus: "pile", Relation: "copy", Basis: "none"},
		}},
		{Name: "chat", From: []lineage.Source{
			{Model: "base", Relation: "derivative", Basis: "authorization", Measured: true}, {Corpus: "instructions", Relation: "undetermined", Basis: "unknown"},
			{Model: "other", Relation: "undetermined", Basis: "none"},
		}},
	},
}

func TestDeclared(t *testing.T) {
	check(t, graph.Declared(),
		"corpus crawl -> model base: undetermined, tdm_art4 policy 3 DE, declared",
		"synthetic_corpus pile -> model base: copy, none, declared",
		`model base -> tuned_model chat: derivative, authorization, measured, tuning {"model":"chat"}`,
		"tuning_corpus instructions -> tuned_model chat: undetermined, unknown, declared",
		"model other -> tuned_model chat: undetermined, none, declared",
		"synthetic_corpus answers -> tuned_model chat: generated_from, none, declared",
	)
}

func TestFound(t *testing.T) {
	matches := []schemas.Match{
		{ProbeID: "p", DocumentID: "a", DocumentURI: "s3://b/o?x=<&>", DocumentRow: 3, Relation: "exact", License: to("CC0-1.0"), Reservation: to("reserved")},
		{ProbeID: "p", DocumentID: `b"`, DocumentURI: "o", Relation: "overlaps", License: to("CC-BY-4.0")},
		{ProbeID: "p", DocumentID: "c", DocumentURI: "o", DocumentRow: 1, Relation: "overlaps", License: to("NOASSERTION")},
	}
	sources := []schemas.SpanSource{
		{ProbeID: "p", SpanIndex: 0, DocumentID: "c", DocumentURI: "o", DocumentRow: 1},
		{ProbeID: "p", SpanIndex: 1, DocumentID: "c", DocumentURI: "o", DocumentRow: 1},
		{ProbeID: "p", SpanIndex: 1, DocumentID: "c", DocumentURI: "o", DocumentRow: 2},
	}
	const (
		a  = `"document_id":"a","document_uri":"s3://b/o?x=<&>","document_row":3}`
		b  = `"document_id":"b\"","document_uri":"o","document_row":0}`
		c1 = `"document_id":"c","document_uri":"o","document_row":1}`
		c2 = `"document_id":"c","document_uri":"o","document_row":2}`
	)
	check(t, graph.Found(fold.Work, matches, sources),
		"corpus crawl -> corpus_document a: contains, public_domain CC0-1.0 reserved, measured, documents {"+a,
		`corpus_document a -> work p: contains, public_domain CC0-1.0 reserved, exact, matches {"probe_id":"p",`+a,
		`corpus crawl -> corpus_document b": contains, none CC-BY-4.0, measured, documents {`+b,
		`corpus_document b" -> work p: contains, none CC-BY-4.0, overlaps, matches {"probe_id":"p",`+b,
		"corpus crawl -> corpus_document c: contains, none, measured, documents {"+c1,
		`corpus_document c -> work p: contains, none, overlaps, matches {"probe_id":"p",`+c1,
	)
	check(t, graph.Found(fold.Generation, matches[:1], sources),
		"corpus crawl -> corpus_document a: contains, public_domain CC0-1.0 reserved, measured, documents {"+a,
		`output p -> corpus_document a: matches, public_domain CC0-1.0 reserved, exact, matches {"probe_id":"p",`+a,
		"corpus crawl -> corpus_document c: contains, none, measured, documents {"+c1,
		`output p -> corpus_document c: matches, none, overlaps, span_sources {"probe_id":"p",`+c1,
		"corpus crawl -> corpus_document c: contains, none, measured, documents {"+c2,
		`output p -> corpus_document c: matches, none, overlaps, span_sources {"probe_id":"p",`+c2,
	)
	check(t, graph.Found(fold.Work, nil, sources))
}

func TestJudged(t *testing.T) {
	var got []schemas.Lineage
	for _, grade := range []string{"verbatim", "extractable", "near_verbatim", "elevated", "none", "not_assessed"} {
		for _, kind := range []string{fold.Work, fold.Generation} {
			r := schemas.Evidence{ProbeID: grade, Kind: kind, Model: to("chat"), ModelGrade: grade}
			got = append(got, graph.Judged(&r, to("public domain"))...)
			r.Model = nil
			got = append(got, graph.Judged(&r, nil)...)
		}
	}
	var want []string
	for _, grade := range strings.Fields("verbatim extractable near_verbatim elevated") {
		want = append(want, fmt.Sprintf("work %s -> tuned_model chat: undetermined, public_domain public domain, %s, evidence {%q:%q,%q:%q}",
			grade, grade, "probe_id", grade, "model", "chat"))
	}
	check(t, got, want...)
	check(t, []schemas.Lineage{graph.Written(&schemas.Generation{ProbeID: "g", Model: "base"})},
		`model base -> output g: undetermined, none, measured, generations {"probe_id":"g"}`)
}
