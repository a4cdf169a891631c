package pipeline

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"

	"palimpsest/stages/likelihood"
	"palimpsest/stages/model"
	"palimpsest/stages/read"
)

// scoreColumns scores all texts from columns of log-probabilities, sharded by row group.
func (e *edition) scoreColumns(ctx context.Context, m *planned, keep keepFunc) error {
	if err := e.openColumns(ctx, m); err != nil {
		return err
	}
	e.meter.Begin("scoring under "+m.Name, e.modelBytes(m))
	r := modelRun{edition: e, planned: m, keep: keep}
	if m.role == targetRole {
		r.windows = e.Config.Likelihood.windows()
	}
	return r.run(ctx)
}

// modelRun is one model's columns being scored.
type modelRun struct {
	*planned
	*edition
	windows likelihood.Windows
	keep    keepFunc

	byID map[string]int // where the model's values are keyed by id

	mu        sync.Mutex
	done      []bool
	absent    int64 // rows of ids that no probe or control has
	clamped   int64 // log-probabilities at an engine's clamp
	misplaced int64 // texts whose token offsets cannot be used
}

func (m *modelRun) run(ctx context.Context) error {
	m.done = make([]bool, len(m.texts.all))
	objects := m.modelObjects(m.planned)
	if m.keyed() {
		m.byID = make(map[string]int, len(m.texts.all))
		for i, p := range m.texts.all {
			if _, ok := m.byID[p.ID]; ok {
				return badData("id %q is a probe's and a control's, so the values of %s keyed by id are ambiguous: rename one", p.ID, m.key)
			}
			m.byID[p.ID] = i
		}
	}
	err := m.eachGroup(ctx, shards(objects), func(o *object) []read.Column {
		columns := slices.Clone(o.models[m.Name].List())
		if m.byID != nil {
			columns = append(columns, o.pick("id")...)
		}
		return columns
	}, func() groupFunc {
		var w scorers
		return func(ctx context.Context, s shard, g *read.Group) error { return m.group(ctx, &w, s, g) }
	}, nil)
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
	rows, err := s.models[m.Name].Rows(g)
	if err != nil {
		return err
	}
	for row := range rows.Len() {
		if err := ctx.Err(); err != nil {
			return err
		}
		if i, known := find(row); known {
			if err := m.text(w, rows, row, i); err != nil {
				if err := m.badValues(s, g, row, err); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// text scores text i from its row.
func (m *modelRun) text(w *scorers, rows *likelihood.Rows, row, i int) error {
	ok, err := rows.Scored(row, &w.values)
	if err != nil {
		return &badScores{err}
	}
	if !ok {
		return nil
	}
	p, scorer := m.texts.all[i], w.probes
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
func (e *edition) badValues(s shard, g *read.Group, row int, err error) error {
	var bad *badScores
	if !errors.As(err, &bad) || e.Config.OnBadInput == failOnBadInput {
		return err
	}
	at := g.FirstRow() + int64(row)
	e.fail(Failure{Object: s.input.URI, RowGroup: &s.group, Row: &at, Reason: bad.Error()})
	return nil
}

// finder returns the function that says which text a row of the group is about.
func (m *modelRun) finder(s shard, g *read.Group) (func(row int) (int, bool), error) {
	if m.byID == nil {
		return func(row int) (int, bool) {
			i, ok := m.texts.byRow[rowKey{s.input.URI, g.FirstRow() + int64(row)}]
			return i, ok
		}, nil
	}
	ids, err := s.decodeTexts(g, "id")
	if err != nil {
		return nil, err
	}
	return func(row int) (int, bool) {
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
		if !done && !m.texts.all[i].Control {
			unscored++
		}
	}
	about := m.key
	m.note(about, "probes that were not scored: no row, or null in place of log-probabilities", unscored)
	m.note(about, "rows whose id no probe or control has", m.absent)
	m.note(about, "log-probabilities at an engine's clamp, which are null here", m.clamped)
	m.note(about, "texts whose token offsets do not lie in the text in order, so that nothing was derived from them", m.misplaced)
}
