package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"palimpsest/schemas"
	"palimpsest/stages/evidence"
	"palimpsest/stages/fold"
	"palimpsest/stages/likelihood"
	"palimpsest/stages/model"
	"palimpsest/stages/read"
	"palimpsest/stages/write"
)

// scored is what the models said of the probes and controls, by their position.
type scored struct {
	target, reference []*likelihood.Score // nil where a text was not scored

	texts []*model.Scored // the reference's values, token by token, of the probes with rows of tokens
}

// score scores every text under the reference, then under the target, sharded by row group.
func (e *execution) score(ctx context.Context, l *loaded) (*scored, error) {
	s := &scored{
		target: make([]*likelihood.Score, len(l.all)), reference: make([]*likelihood.Score, len(l.all)),
		texts: make([]*model.Scored, len(l.all)),
	}
	c := e.plan.Config.Likelihood
	if c == nil {
		return s, nil
	}
	if c.Reference != nil {
		e.meter.begin("scoring under "+c.Reference.Name, e.plan.modelBytes(referenceRole))
		m := modelRun{e: e, l: l, role: referenceRole, keep: func(i int32, score *likelihood.Score, text *model.Scored) error {
			s.reference[i] = score
			if e.wantsTokens(l.all[i]) {
				s.texts[i] = &model.Scored{
					LogProbs: slices.Clone(text.LogProbs), TokenIDs: slices.Clone(text.TokenIDs), Offsets: slices.Clone(text.Offsets),
				}
			}
			return nil
		}}
		if err := m.run(ctx); err != nil {
			return nil, err
		}
	}
	windows, err := write.OpenSpool(e.dir, schemas.Windows)
	if err != nil {
		return nil, err
	}
	defer windows.Discard()
	tokens, err := write.OpenSpool(e.dir, schemas.Tokens)
	if err != nil {
		return nil, err
	}
	defer tokens.Discard()
	e.meter.begin("scoring under "+c.Target.Name, e.plan.modelBytes(targetRole))
	keep := func(i int32, score *likelihood.Score, text *model.Scored) error {
		s.target[i] = score
		if s.reference[i] != nil {
			likelihood.Compare(score, s.reference[i])
		}
		p := l.all[i]
		for _, w := range score.Windows {
			row := w.Row()
			row.ProbeID, row.Model = p.ID, c.Target.Name
			if err := windows.Write(row); err != nil {
				return err
			}
		}
		score.Windows = nil
		if !e.wantsTokens(p) {
			return nil
		}
		rows := likelihood.TokenRows(p.Text, text, s.texts[i])
		for k := range rows {
			rows[k].ProbeID, rows[k].Model = p.ID, c.Target.Name
		}
		s.texts[i] = nil
		return tokens.Write(rows...)
	}
	m := modelRun{e: e, l: l, role: targetRole, windows: likelihood.Windows(c.Windows), keep: keep}
	if err := m.run(ctx); err != nil {
		return nil, err
	}
	if err := finish(ctx, e, windows); err != nil {
		return nil, err
	}
	if c.Tokens != "none" {
		return s, finish(ctx, e, tokens)
	}
	return s, nil
}

// wantsTokens reports whether the probe has rows in the table of tokens.
func (e *execution) wantsTokens(p *fold.Probe) bool {
	switch e.plan.Config.Likelihood.Tokens {
	case "all":
		return !p.Control
	case "canaries":
		return !p.Control && p.Kind == fold.Canary
	}
	return false
}

// modelRun scores all texts under one model.
type modelRun struct {
	e       *execution
	l       *loaded
	role    string
	windows likelihood.Windows
	keep    func(i int32, score *likelihood.Score, text *model.Scored) error // called for one text at a time

	byID map[string]int32 // where the model's values are keyed by id

	mu        sync.Mutex
	done      []bool
	absent    int64 // rows of ids that no probe or control has
	clamped   int64 // log-probabilities at an engine's clamp
	misplaced int64 // texts whose token offsets cannot be used
}

func (m *modelRun) run(ctx context.Context) error {
	m.done = make([]bool, len(m.l.all))
	objects := m.e.plan.modelObjects(m.role)
	if m.e.plan.keyed(m.role) {
		m.byID = make(map[string]int32, len(m.l.all))
		for i, p := range m.l.all {
			if _, ok := m.byID[p.ID]; ok {
				return badData("id %q is a probe's and a control's, so the values of likelihood.%s keyed by id are ambiguous: rename one", p.ID, m.role)
			}
			m.byID[p.ID] = int32(i)
		}
	}
	err := m.e.eachGroup(ctx, shards(objects), func(o *object) []read.Column {
		columns := slices.Clone(o.models[m.role].List())
		if m.byID != nil {
			columns = append(columns, o.pick("id")...)
		}
		return columns
	}, func() groupFunc {
		var w scorers
		return func(ctx context.Context, s shard, g *read.Group) error { return m.group(ctx, &w, s, g) }
	})
	if err != nil {
		return err
	}
	m.conclude()
	return nil
}

// scorers are one worker's: texts of controls are not cut into windows.
type scorers struct {
	probes, controls *likelihood.Scorer
	values           model.Scored
}

func (m *modelRun) group(ctx context.Context, w *scorers, s shard, g *read.Group) (err error) {
	if w.probes == nil {
		if w.probes, err = likelihood.NewScorer(m.windows); err != nil {
			return &UsageError{err}
		}
		if w.controls, err = likelihood.NewScorer(likelihood.Windows{}); err != nil {
			return &BugError{err}
		}
	}
	find, err := m.finder(s, g)
	if err != nil {
		return err
	}
	rows, err := s.models[m.role].Rows(g)
	if err != nil {
		return err
	}
	for row := range rows.Len() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if i, known := find(row); known {
			if err := m.text(w, rows, row, i); err != nil {
				if err := m.e.badValues(s, g, row, err); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// text scores text i from its row.
func (m *modelRun) text(w *scorers, rows *likelihood.Rows, row int, i int32) error {
	ok, err := rows.Scored(row, &w.values)
	if err != nil {
		return &badScores{err}
	}
	if !ok {
		return nil
	}
	p, scorer := m.l.all[i], w.probes
	if p.Control {
		scorer = w.controls
	}
	score, err := scorer.Score(p.Text, &w.values)
	if err != nil {
		return &badScores{rows.Fail(row, fmt.Errorf("%s %q: %w", roleOf(p), p.ID, err))}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.done[i] {
		return rows.Fail(row, fmt.Errorf("%s %q stands twice; ids must be unique", roleOf(p), p.ID))
	}
	m.done[i] = true
	m.clamped += score.Notes.Clamped
	if score.Notes.BadOffsets {
		m.misplaced++
	}
	return m.keep(i, score, &w.values)
}

// badScores says that what a model said of one text cannot be used.
type badScores struct{ error }

func (e *badScores) Unwrap() error { return e.error }

// badValues quarantines what a model said of one text, or ends the run, as configured. Other errors end the run.
func (e *execution) badValues(s shard, g *read.Group, row int, err error) error {
	var bad *badScores
	if !errors.As(err, &bad) || e.plan.Config.OnBadInput == failOnBadInput {
		return err
	}
	at := g.FirstRow() + int64(row)
	e.plan.fail(Failure{Object: s.input.URI, RowGroup: &s.group, Row: &at, Reason: bad.Error()})
	return nil
}

// finder returns the function that says which text a row of the group is about.
func (m *modelRun) finder(s shard, g *read.Group) (func(row int) (int32, bool), error) {
	if m.byID == nil {
		return func(row int) (int32, bool) {
			i, ok := m.l.byRow[rowKey{s.input.URI, g.FirstRow() + int64(row)}]
			return i, ok
		}, nil
	}
	ids, err := s.decodeTexts(g, "id")
	if err != nil {
		return nil, err
	}
	return func(row int) (int32, bool) {
		if id := ids["id"].at(row); id != nil {
			if i, ok := m.byID[*id]; ok {
				return i, true
			}
		}
		m.count(&m.absent)
		return 0, false
	}, nil
}

func (m *modelRun) count(n *int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	*n++
}

// conclude notes what a reader of the tables should know of the model's values.
func (m *modelRun) conclude() {
	unscored := int64(0)
	for i, done := range m.done {
		if !done && !m.l.all[i].Control {
			unscored++
		}
	}
	about := "likelihood." + m.role
	m.e.note(about, "probes that were not scored: no row, or null in place of log-probabilities", unscored)
	m.e.note(about, "rows whose id no probe or control has", m.absent)
	m.e.note(about, "log-probabilities at an engine's clamp, which are null here", m.clamped)
	m.e.note(about, "texts whose token offsets do not lie in the text in order, so that nothing was derived from them", m.misplaced)
}

// note records something for the manifest, if it happened at all.
func (e *execution) note(about, text string, count int64) {
	if count > 0 {
		e.notes = append(e.notes, Note{about, text, count})
	}
}

// writeLikelihood writes the scores of the probes and of the controls that they are ranked among, in order of the table's key.
func (e *execution) writeLikelihood(ctx context.Context, l *loaded, probes, controls []evidence.Subject, s *scored) error {
	c := e.plan.Config.Likelihood
	if c == nil {
		return nil
	}
	w, err := write.Open(e.dir, schemas.Likelihoods)
	if err != nil {
		return err
	}
	defer w.Discard()
	references := make(map[*fold.Probe]*likelihood.Score)
	for i, score := range s.reference {
		references[l.all[i]] = score
	}
	subjects := slices.Concat(probes, controls)
	compressed := map[string][]evidence.Compressed{} // by role
	for i, subject := range subjects {
		for _, m := range []struct {
			role  string
			model *Model
			score *likelihood.Score
		}{{referenceRole, c.Reference, references[subject.Probe]}, {targetRole, &c.Target, subject.Target}} {
			if m.score == nil {
				continue
			}
			compressed[m.role] = append(compressed[m.role], evidence.Compressed{Subject: &subjects[i], Score: m.score})
			row := m.score.Row()
			row.ProbeID, row.Control, row.ControlGroup = subject.Probe.ID, subject.Probe.Control, subject.Probe.ControlGroup
			row.Model, row.Role, row.Engine = m.model.Name, m.role, m.model.Engine
			if err := w.Write(row); err != nil {
				return err
			}
		}
	}
	if err := finish(ctx, e, w); err != nil {
		return err
	}
	var rows []schemas.Compression
	if c.Reference != nil {
		rows = evidence.Compression(e.plan.RunID, evidence.Compressor{Model: c.Reference.Name, Role: referenceRole}, compressed[referenceRole])
	}
	target := evidence.Compressor{Model: c.Target.Name, Role: targetRole, Target: true}
	return writeTable(ctx, e, schemas.Compressions, append(rows, evidence.Compression(e.plan.RunID, target, compressed[targetRole])...))
}
