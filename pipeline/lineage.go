package pipeline

import (
	"context"
	"slices"

	"palimpsest/schemas"
	"palimpsest/stages/fold"
	"palimpsest/stages/lineage"
	"palimpsest/stages/write"
)

// edges are the rows of lineage, as they are found.
type edges struct {
	graph *lineage.Graph
	rows  *write.Spool[schemas.Lineage]
}

// openLineage starts the table, of which it writes what is declared; nil where it is not configured.
func (e *edition) openLineage() (*edges, error) {
	if e.Config.Lineage == nil {
		return nil, nil
	}
	rows, err := write.OpenSpool(e.dir, schemas.Lineages)
	if err != nil {
		return nil, err
	}
	rows.Combine(func(_, _ *schemas.Lineage) {}) // a document that many probes have is found as often
	x := &edges{e.Config.graph(), rows}
	return x, rows.Write(x.graph.Declared()...)
}

// graph returns what is declared.
func (c *Config) graph() *lineage.Graph {
	g := &lineage.Graph{Scanned: c.Lineage.Corpus}
	for _, k := range c.Lineage.Corpora {
		g.Corpora = append(g.Corpora, lineage.Corpus{Name: k.Name, Kind: k.Kind, Writer: k.GeneratedBy})
	}
	for _, m := range c.Lineage.Models {
		own := lineage.Model{Name: m.Name}
		for _, s := range m.From {
			own.From = append(own.From, lineage.Source{Corpus: s.Corpus, Model: s.Model, Relation: s.Relation, Basis: s.Basis,
				BasisRef: told(s.BasisRef), Jurisdiction: told(s.Jurisdiction)})
		}
		g.Models = append(g.Models, own)
	}
	if c.Likelihood == nil {
		return g
	}
	for _, t := range c.Likelihood.Target {
		if t.Base == "" {
			continue
		}
		i := slices.IndexFunc(g.Models, func(m lineage.Model) bool { return m.Name == t.Name })
		if i < 0 {
			i = len(g.Models)
			g.Models = append(g.Models, lineage.Model{Name: t.Name})
		}
		from := &g.Models[i].From
		k := slices.IndexFunc(*from, func(s lineage.Source) bool { return s.Model == t.Base })
		if k < 0 {
			k = len(*from)
			*from = append(*from, lineage.Source{Model: t.Base, Relation: lineage.Relations()[0], Basis: lineage.Bases()[0]})
		}
		(*from)[k].Measured = true
	}
	return g
}

// told returns nil for what is not.
func told(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// found adds what the corpus holds of a probe.
func (x *edges) found(kind string, matches []schemas.Match, sources []schemas.SpanSource) error {
	if x == nil {
		return nil
	}
	return x.rows.Write(x.graph.Found(kind, matches, sources)...)
}

// judged adds what was judged of a probe.
func (x *edges) judged(p *fold.Probe, row *schemas.Evidence) error {
	if x == nil {
		return nil
	}
	var license *string
	if p.Kind != fold.Generation {
		license = p.License
	}
	return x.rows.Write(x.graph.Judged(row, license)...)
}

// close adds what models wrote, and finishes the table.
func (x *edges) close(ctx context.Context, e *edition) error {
	if x == nil {
		return nil
	}
	for i := range e.texts.written {
		if err := x.rows.Write(x.graph.Written(&e.texts.written[i])); err != nil {
			return err
		}
	}
	return finish(ctx, e, x.rows)
}

// discard drops what was not finished.
func (x *edges) discard() {
	if x != nil {
		x.rows.Discard()
	}
}
