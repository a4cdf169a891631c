// Package lineage draws the graph that leads from works to what models put out (Franceschelli, Cevenini and Musolesi, arXiv 2407.13493,
// Figure 3; methods, section 8): which works stand in which documents of the corpus, which corpora a model was made from, what was tuned
// from it, what it wrote, and which works that repeats.
//
// Every edge says what it rests on. Some are declared: what a model was trained on is not to be seen from outside. Others were found by the
// run, and name the rows that show them. The basis of an edge is what somebody claims, never what holds.
package lineage

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"palimpsest/schemas"
	"palimpsest/stages/evidence"
	"palimpsest/stages/fold"
)

// The kinds of nodes.
const (
	Work            = "work"
	Document        = "corpus_document"
	CorpusKind      = "corpus"
	TuningCorpus    = "tuning_corpus"
	SyntheticCorpus = "synthetic_corpus"
	ModelKind       = "model"
	TunedModel      = "tuned_model"
	Output          = "output"
)

// Relations returns what a source can be declared to be to a model, the usual one first.
func Relations() []string { return []string{undetermined, "copy", "derivative"} }

const (
	undetermined  = "undetermined"
	contains      = "contains"
	matches       = "matches"
	generatedFrom = "generated_from"
)

// Bases returns what can be claimed, none first.
func Bases() []string {
	return []string{
		none, "authorization", "tdm_art3", "tdm_art4", "fair_use_claim", "sui_generis_consent", publicDomain, "unknown",
	}
}

const (
	none         = "none"
	publicDomain = "public_domain"
)

// The grades of edges that were not graded by a stage.
const (
	declared = "declared"
	measured = "measured"
)

// Graph is what was declared.
type Graph struct {
	Scanned string // name of the corpus that the run reads
	Corpora []Corpus
	Models  []Model
}

// Corpus is a set of texts.
type Corpus struct {
	Name, Kind string
	Writer     string // the model that a synthetic corpus comes from; empty when that is not told
}

// Model is a model with what it was made from.
type Model struct {
	Name string
	From []Source
}

// Source is a corpus or a model that another was made from, with what is claimed about that.
type Source struct {
	Corpus, Model string // one of the two
	Relation      string // to what was made from it
	Basis         string
	BasisRef      *string
	Jurisdiction  *string
	Measured      bool // table tuning compares the two models
}

// corpus returns the kind of a corpus. The run's need not be listed.
func (g *Graph) corpus(name string) string {
	if i := slices.IndexFunc(g.Corpora, func(c Corpus) bool { return c.Name == name }); i >= 0 {
		return g.Corpora[i].Kind
	}
	return CorpusKind
}

// model returns the kind of a model.
func (g *Graph) model(name string) string {
	if i := slices.IndexFunc(g.Models, func(m Model) bool { return m.Name == name }); i >= 0 &&
		slices.ContainsFunc(g.Models[i].From, func(s Source) bool { return s.Model != "" }) {
		return TunedModel
	}
	return ModelKind
}

// Declared returns the edges that are declared.
func (g *Graph) Declared() (edges []schemas.Lineage) {
	for _, m := range g.Models {
		for _, s := range m.From {
			e := schemas.Lineage{
				SourceKind: g.corpus(s.Corpus), SourceID: s.Corpus, TargetKind: g.model(m.Name), TargetID: m.Name,
				Relation: s.Relation, Basis: s.Basis, BasisRef: s.BasisRef, Jurisdiction: s.Jurisdiction, Grade: declared,
			}
			if s.Model != "" {
				e.SourceKind, e.SourceID = g.model(s.Model), s.Model
			}
			if s.Measured {
				shown(&e, measured, schemas.Tunings.Name, modelKey{m.Name})
			}
			edges = append(edges, e)
		}
	}
	for _, c := range g.Corpora {
		if c.Writer != "" {
			edges = append(edges, schemas.Lineage{
				SourceKind: c.Kind, SourceID: c.Name, TargetKind: g.model(c.Writer), TargetID: c.Writer,
				Relation: generatedFrom, Basis: none, Grade: declared,
			})
		}
	}
	return edges
}

// Found returns the edges of what the corpus holds of a probe: to the listed documents from the corpus, from them to the work, and from
// the output to them.
func (g *Graph) Found(kind string, all []schemas.Match, sources []schemas.SpanSource) (edges []schemas.Lineage) {
	add := func(d document, probe, table, grade string) {
		basis, ref := claimed(d.License)
		own := schemas.Lineage{
			SourceKind: g.corpus(g.Scanned), SourceID: g.Scanned, TargetKind: Document, TargetID: d.DocumentID,
			Relation: contains, Basis: basis, BasisRef: ref, OptOut: d.reservation,
		}
		shown(&own, measured, schemas.Documents.Name, d.documentKey)
		edge := own
		if edge.SourceKind, edge.SourceID, edge.TargetKind, edge.TargetID = Document, d.DocumentID, Work, probe; kind == fold.Generation {
			edge.SourceKind, edge.SourceID, edge.TargetKind, edge.TargetID = Output, probe, Document, d.DocumentID
			edge.Relation = matches
		}
		shown(&edge, grade, table, pairKey{probe, d.documentKey})
		edges = append(edges, own, edge)
	}
	for i := range all {
		m := &all[i]
		d := document{documentKey{m.DocumentID, m.DocumentURI, m.DocumentRow}, m.License, m.Reservation}
		add(d, m.ProbeID, schemas.Matches.Name, m.Relation)
	}
	if kind != fold.Generation {
		return edges
	}
	known := make(map[documentKey]bool)
	for i := range sources {
		s := &sources[i]
		d := document{documentKey{s.DocumentID, s.DocumentURI, s.DocumentRow}, s.License, s.Reservation}
		if !known[d.documentKey] {
			known[d.documentKey] = true
			add(d, s.ProbeID, schemas.SpanSources.Name, "overlaps")
		}
	}
	return edges
}

// document is what there is to say of a document that is an end of an edge.
type document struct {
	documentKey
	License, reservation *string
}

// Judged returns the edge from a work to a model that was found to give something of it back, and none of other rows.
func (g *Graph) Judged(r *schemas.Evidence, license *string) (edges []schemas.Lineage) {
	if r.Kind == fold.Generation || r.Model == nil || r.ModelGrade == evidence.None || r.ModelGrade == evidence.NotAssessed {
		return nil
	}
	e := schemas.Lineage{SourceKind: Work, SourceID: r.ProbeID, TargetKind: g.model(*r.Model), TargetID: *r.Model, Relation: undetermined}
	e.Basis, e.BasisRef = claimed(license)
	shown(&e, r.ModelGrade, schemas.Evidences.Name, judgedKey{r.ProbeID, *r.Model})
	return []schemas.Lineage{e}
}

// Written returns the edge from a model to what it wrote in the run.
func (g *Graph) Written(r *schemas.Generation) schemas.Lineage {
	e := schemas.Lineage{
		SourceKind: g.model(r.Model), SourceID: r.Model, TargetKind: Output, TargetID: r.ProbeID, Relation: undetermined, Basis: none,
	}
	shown(&e, measured, schemas.Generations.Name, probeKey{r.ProbeID})
	return e
}

// claimed returns the basis that the declared licence of a text is by itself, and the licence. Other licences allow some uses and not
// others: whether this use is among them would be a conclusion.
func claimed(license *string) (basis string, ref *string) {
	if license == nil || slices.Contains([]string{"", "none", "noassertion", "unknown"}, strings.ToLower(strings.TrimSpace(*license))) {
		return none, nil
	}
	if evidence.IsPublicDomain(*license) {
		return publicDomain, license
	}
	return none, license
}

// The keys by which edges name their evidence.
type (
	documentKey struct {
		DocumentID  string `json:"document_id"`
		DocumentURI string `json:"document_uri"`
		DocumentRow int64  `json:"document_row"`
	}
	pairKey struct {
		ProbeID string `json:"probe_id"`
		documentKey
	}
	judgedKey struct {
		ProbeID string `json:"probe_id"`
		Model   string `json:"model"`
	}
	probeKey struct {
		ProbeID string `json:"probe_id"`
	}
	modelKey struct {
		Model string `json:"model"`
	}
)

// shown makes the edge rest on those rows of the table.
func shown(e *schemas.Lineage, grade, table string, key any) {
	var b bytes.Buffer
	out := json.NewEncoder(&b)
	out.SetEscapeHTML(false)
	// Keys are structs of strings and numbers, which cannot fail.
	_ = out.Encode(key)
	text := strings.TrimSuffix(b.String(), "\n")
	e.Grade, e.EvidenceTable, e.EvidenceKey = grade, &table, &text
}
