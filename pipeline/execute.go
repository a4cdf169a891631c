package pipeline

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"palimpsest/schemas"
	"palimpsest/stages/evidence"
	"palimpsest/stages/words"
	"palimpsest/stages/write"
)

// execution is one run of a plan.
type execution struct {
	plan  *Plan
	meter *Meter
	dir   *write.Dir
	out   []write.Output

	engines map[*planned]*engine // of the models that are asked

	notes    []Note
	removed  []Removed
	families []evidence.Family
}

// Result is a finished run.
type Result struct {
	RunURL   string
	Manifest *Manifest
	Existed  bool // the run was there already, complete, and nothing was done
}

// ExitCode returns ExitDone, or ExitQuarantined when inputs were left out.
func (r *Result) ExitCode() int {
	if len(r.Manifest.Failures) > 0 {
		return ExitQuarantined
	}
	return ExitDone
}

// Execute carries the plan out: it reads, folds, scores, judges, and publishes the tables. A run that exists and is complete is
// not done again. What an earlier attempt left of an incomplete one is written over.
func (p *Plan) Execute(ctx context.Context, version string, m *Meter) (*Result, error) {
	p.measure(m)
	if done, err := p.finished(ctx); done != nil || err != nil {
		return done, err
	}
	if err := p.store.Writable(ctx, p.RunURL); err != nil {
		return nil, err
	}
	local, err := os.MkdirTemp("", "palimpsest-")
	if err != nil {
		return nil, fmt.Errorf("making a place for the tables: %w", err)
	}
	defer os.RemoveAll(local)
	e := &execution{plan: p, meter: m, dir: write.NewDir(local, p.RunID, p.metadata())}
	err = e.run(ctx, version)
	if err := errors.Join(err, e.closeEngines()); err != nil {
		return nil, err
	}
	manifest, err := e.manifest(version)
	if err != nil {
		return nil, err
	}
	m.begin("publishing", 0)
	if done, err := p.finished(ctx); done != nil || err != nil {
		return done, err // another attempt was quicker: what is committed stays
	}
	if err := p.clear(ctx); err != nil {
		return nil, err
	}
	if err := publish(ctx, p.store, p.RunURL, local, manifest); err != nil {
		return nil, err
	}
	return &Result{RunURL: p.RunURL, Manifest: manifest}, nil
}

// finished returns the run that is there already, complete and of the same configuration and inputs; nil when there is none. A
// complete run that was made otherwise is an error.
func (p *Plan) finished(ctx context.Context) (*Result, error) {
	state, old, _, err := ReadManifest(ctx, p.store, p.RunURL)
	switch {
	case err != nil:
		return nil, err
	case state == Complete && old.ConfigSHA256 != p.Config.Digest():
		return nil, badUsage("run %s exists, and was made with another configuration (sha256 %.12s, now %.12s): "+
			"choose another run_id, or remove it", p.RunURL, old.ConfigSHA256, p.Config.Digest())
	case state == Complete:
		if changed := p.changed(old); changed != "" {
			return nil, badUsage("run %s exists, and was made from other inputs: %s; choose another run_id, or remove it", p.RunURL, changed)
		}
		return &Result{p.RunURL, old, true}, nil
	}
	return nil, nil
}

// clear removes what an earlier attempt left of the run, its mark first: a table that this run does not have must not lie beside
// those it has. Nothing but the names of a run is touched.
func (p *Plan) clear(ctx context.Context) error {
	keys, err := p.store.Keys(ctx, p.RunURL)
	if err != nil {
		return err
	}
	if len(keys) > 0 {
		p.log.Info("what an incomplete attempt left of the run is removed", "object", p.RunURL)
	}
	slices.SortStableFunc(keys, func(a, b string) int { return cmp.Compare(clearOrder(a), clearOrder(b)) })
	for _, k := range keys {
		if clearOrder(k) > 2 {
			continue
		}
		if err := p.store.Delete(ctx, p.RunURL, k); err != nil {
			return err
		}
	}
	return nil
}

func clearOrder(key string) int {
	switch {
	case key == successName:
		return 0
	case key == manifestName:
		return 1
	case strings.HasPrefix(key, write.Arrow+"/"), strings.HasPrefix(key, write.Parquet+"/"):
		return 2
	}
	return 3
}

// changed says how the inputs differ from those that the complete run was made from; "" when they are the same.
func (p *Plan) changed(old *Manifest) string {
	then := make(map[string]Input)
	for _, in := range old.Inputs {
		then[in.Role+" "+in.URI] = in
	}
	for _, now := range p.inputs() {
		key := now.Role + " " + now.URI
		in, ok := then[key]
		switch delete(then, key); {
		case !ok:
			return now.URI + " is new"
		case in.Version != now.Version || in.Size != now.Size:
			return now.URI + " has changed"
		}
	}
	for _, in := range old.Inputs {
		if _, gone := then[in.Role+" "+in.URI]; gone {
			return in.URI + " is gone, or can no longer be read"
		}
	}
	return ""
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

// run fills the tables.
func (e *execution) run(ctx context.Context, version string) error {
	c := e.plan.Config
	if err := e.openEngines(ctx); err != nil {
		return err
	}
	e.meter.begin("reading probes", 0)
	l, err := e.load(ctx)
	if err != nil {
		return err
	}
	found, err := e.fold(ctx, l)
	if err != nil {
		return err
	}
	e.meter.begin("writing what was found", 0)
	s, err := e.writeFindings(ctx, l, found)
	if err != nil {
		return err
	}
	scored, err := e.score(ctx, l)
	if err != nil {
		return err
	}
	e.meter.begin("judging and writing", 0)
	if err := e.judge(ctx, l, s, scored); err != nil {
		return err
	}
	row := schemas.Run{ConfigSHA256: c.Digest(), ProgramVersion: version, Probes: int64(l.probes)}
	if c.LogicalDate != "" {
		row.LogicalDate = c.logicalDate()
	}
	if found != nil {
		total := found.blocks[0].total
		row.CorpusDocuments, row.CorpusWords = &total.documents, &total.words
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
func writeTable[R any](ctx context.Context, e *execution, t schemas.Of[R], rows []R) error {
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

func finish(ctx context.Context, e *execution, w closer) error {
	out, err := w.Close(ctx)
	e.out = append(e.out, out...)
	return err
}

func (e *execution) manifest(version string) (*Manifest, error) {
	p := e.plan
	m := &Manifest{
		SchemaVersion: schemas.Version, ProgramVersion: version, UnicodeVersion: words.UnicodeVersion,
		RunID: p.RunID, ConfigSHA256: p.Config.Digest(), Config: json.RawMessage(p.Config.Resolved()),
		Models: e.modelFacts(), Outputs: e.out, Controls: e.removed, Families: e.families, Failures: p.failures, Notes: e.notes,
	}
	m.Inputs = p.inputs()
	return m, nil
}
