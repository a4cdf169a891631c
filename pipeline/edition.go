package pipeline

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"palimpsest/schemas"
	"palimpsest/stages/evidence"
	"palimpsest/stages/words"
	"palimpsest/stages/write"
)

// edition is a run's tables being made of the results of its units.
type edition struct {
	*Job
	dir *write.Dir
	out []write.Output

	edges    *edges                 // nil without lineage
	facts    map[string]*ModelFacts // by name, of the models that were asked
	removed  []Removed
	families []evidence.Family

	objectsByURI map[string]*object // of the corpus
}

// metadata is what every file says of its units.
func (p *Plan) metadata() map[string]string {
	m := map[string]string{"unicode_version": words.UnicodeVersion}
	if n := p.Config.Ngram; n != nil {
		m["unit"] = n.Unit
	}
	if p.tokenizer != nil {
		m["tokenizer_sha256"] = p.tokenizer.SHA256()
	}
	return m
}

// make fills the tables.
func (e *edition) make(ctx context.Context) error {
	c, l := e.Config, e.texts
	e.meter.Begin("merging what was found", int64(len(e.units)))
	found, err := e.merge(ctx)
	if err != nil {
		return err
	}
	if found != nil {
		defer found.close()
	}
	if e.edges, err = e.openLineage(); err != nil {
		return err
	}
	defer e.edges.discard()
	e.meter.Begin("writing what was found", 0)
	s, err := e.writeFindings(ctx, found)
	if err != nil {
		return err
	}
	if err := e.askNow(ctx); err != nil {
		return err
	}
	e.meter.Begin("taking over what models said", 0)
	scored, err := e.score(ctx)
	if err != nil {
		return err
	}
	e.meter.Begin("judging and writing", 0)
	if err := e.judge(ctx, s, scored); err != nil {
		return err
	}
	row := schemas.Run{ConfigSHA256: c.Digest(), ProgramVersion: e.version, Probes: int64(l.probes)}
	if c.LogicalDate != "" {
		row.LogicalDate = c.logicalDate()
	}
	if found != nil {
		row.CorpusDocuments, row.CorpusWords = &found.documents, &found.words
	}
	if c.Ngram != nil {
		row.Unit = &c.Ngram.Unit
	}
	if c.Likelihood != nil {
		var names []string
		for _, m := range c.Likelihood.Target {
			names = append(names, m.Name)
		}
		targets := strings.Join(names, ", ")
		row.TargetModel = &targets
		if r := c.Likelihood.Reference; r != nil {
			row.ReferenceModel = &r.Name
		}
	}
	return writeTable(ctx, e, schemas.Runs, []schemas.Run{row})
}

// writeTable writes a table whose rows are at hand, in order.
func writeTable[R any](ctx context.Context, e *edition, t schemas.Of[R], rows []R) error {
	w, err := write.Open(e.dir, t)
	if err != nil {
		return err
	}
	defer w.Discard()
	for part := range slices.Chunk(rows, 1000) {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := w.Write(part...); err != nil {
			return err
		}
	}
	return finish(ctx, e, w)
}

// closer is a table that was written in order, or spooled.
type closer interface {
	Close(context.Context) ([]write.Output, error)
}

func finish(ctx context.Context, e *edition, w closer) error {
	out, err := w.Close(ctx)
	e.out = append(e.out, out...)
	return err
}

func (e *edition) manifest() *Manifest {
	m := &Manifest{
		SchemaVersion: schemas.Version, ProgramVersion: e.version, UnicodeVersion: words.UnicodeVersion,
		RunID: e.RunID, ConfigSHA256: e.Config.Digest(), Config: json.RawMessage(e.Config.Resolved()),
		Outputs: e.out, Controls: e.removed, Families: e.families, Failures: e.failures, Notes: e.notes,
	}
	for _, x := range e.models {
		if f := e.facts[x.Name]; f != nil {
			m.Models = append(m.Models, *f)
		}
	}
	m.Inputs = e.inputs()
	return m
}

// askNow asks models what had to wait for the corpus.
func (e *edition) askNow(ctx context.Context) error {
	if !e.Config.waits() {
		return nil
	}
	var units []int
	for i, u := range e.units {
		if u.Model != "" {
			units = append(units, i)
		}
	}
	return e.do(ctx, units)
}
