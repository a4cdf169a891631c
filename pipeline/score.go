package pipeline

import (
	"cmp"
	"context"
	"io"
	"slices"

	"palimpsest/schemas"
	"palimpsest/stages/evidence"
	"palimpsest/stages/fold"
	"palimpsest/stages/likelihood"
	"palimpsest/stages/model"
	"palimpsest/stages/write"
)

// scored is what the models said of the probes and controls.
type scored struct {
	reference *said // nil without a reference model
	targets   []said
}

// said is what one model said, by the texts' positions.
type said struct {
	*planned
	scores []*likelihood.Score // nil where a text was not scored

	texts []*model.Scored // the values token by token, of the probes with rows of tokens; of the reference only
}

// of returns what was said of text i; nil when nothing was.
func (s *said) of(i int) *likelihood.Score {
	if s == nil {
		return nil
	}
	return s.scores[i]
}

// keepFunc takes what a model said of a text: the scores, and what they were made of. It is called for one text at a time.
type keepFunc func(i int, score *likelihood.Score, text *model.Scored) error

// score takes over what every model said of the texts: the reference first, which targets are compared with.
func (e *edition) score(ctx context.Context) (*scored, error) {
	s := new(scored)
	if e.Config.Likelihood == nil {
		return s, nil
	}
	tables, err := e.openScoreTables()
	if err != nil {
		return nil, err
	}
	defer tables.discard()
	for _, m := range e.models {
		now := said{planned: m, scores: make([]*likelihood.Score, len(e.texts.all))}
		var keep keepFunc
		if m.role == referenceRole {
			now.texts = make([]*model.Scored, len(e.texts.all))
			keep = func(i int, score *likelihood.Score, text *model.Scored) error {
				if e.wantsTokens(e.texts.all[i]) {
					now.texts[i] = tokenValues(text)
				}
				return now.keep(i, score, text)
			}
		} else {
			keep = func(i int, score *likelihood.Score, text *model.Scored) error {
				if r := s.reference.of(i); r != nil {
					likelihood.Compare(score, r)
				}
				if err := tables.write(e, m, e.texts.all[i], score, text, s.reference.tokens(i)); err != nil {
					return err
				}
				return now.keep(i, score, text)
			}
		}
		if m.asks() {
			err = e.takeAnswers(ctx, m, keep)
		} else {
			err = e.scoreColumns(ctx, m, keep)
		}
		if err != nil {
			return nil, err
		}
		if m.role == referenceRole {
			s.reference = &now
		} else {
			s.targets = append(s.targets, now)
		}
	}
	return s, tables.close(ctx, e)
}

// takeAnswers takes over what a model that was asked said.
func (e *edition) takeAnswers(ctx context.Context, m *planned, keep keepFunc) error {
	var unscored, clamped, misplaced, unprimed, reencoded, unasked int64
	take := func(i int, a *answer) error {
		if a.Score == nil {
			if !e.texts.all[i].Control {
				unscored++
			}
			if a.Failed != nil {
				e.fail(*a.Failed)
			}
			return nil
		}
		notes := &a.Score.Notes
		clamped, reencoded, unasked = clamped+notes.Clamped, reencoded+notes.Reencoded, unasked+notes.Unprimed
		if notes.BadOffsets {
			misplaced++
		}
		if a.Unprimed {
			unprimed++
		}
		return keep(i, a.Score, a.Values)
	}
	err := e.eachResult(ctx, func(i int) bool { return e.units[i].Model == m.Name }, func(unit, _ int, file io.Reader) error {
		facts, err := e.readAnswers(file, unit, take)
		if err != nil {
			return err
		}
		switch known := e.facts[m.Name]; {
		case known == nil:
			e.facts[m.Name] = facts
		case known.ModelSHA256 != facts.ModelSHA256:
			return badData("model %s was another when other texts were scored: %s, before %s", m.Name, facts.ModelSHA256, known.ModelSHA256)
		}
		return nil
	})
	if err != nil {
		return err
	}
	e.note(m.key, "probes that were not scored: what the model answered cannot be used", unscored)
	e.note(m.key, "log-probabilities at an engine's clamp, which are null here", clamped)
	e.note(m.key, "texts whose token offsets do not lie in the text in order, so that nothing was derived from them", misplaced)
	e.note(m.key, "texts whose control group has too few other controls to draw prefixes from, and so no prior_lift", unprimed)
	e.note(m.key, "windows that are given back, of which a server that takes text could not be asked after other prefixes", unasked)
	e.note(m.key, "windows whose text does not encode to their tokens, so that the server could not be asked about them", reencoded)
	return nil
}

// keep keeps the scores of a text. Its windows are in their table by then.
func (s *said) keep(i int, score *likelihood.Score, _ *model.Scored) error {
	score.Windows = nil
	s.scores[i] = score
	return nil
}

// tokens returns the values of text i token by token; nil where they were not kept.
func (s *said) tokens(i int) *model.Scored {
	if s == nil {
		return nil
	}
	return s.texts[i]
}

// wantsTokens reports whether the probe has rows in the table of tokens.
func (j *Job) wantsTokens(p *fold.Probe) bool {
	switch j.Config.Likelihood.Tokens {
	case "all":
		return !p.Control
	case "canaries":
		return !p.Control && p.Kind == fold.Canary
	}
	return false
}

// judges reports whether what a target says of a text goes into the tables: not of what another target wrote.
func (m *planned) judges(p *fold.Probe) bool { return p.Writer == "" || p.Writer == m.Name }

// scoreTables are the tables that are filled while texts are scored.
type scoreTables struct {
	windows    *write.Spool[schemas.Window]
	extraction *write.Spool[schemas.Extraction]
	tokens     *write.Spool[schemas.Token] // nil when none are asked for
}

func (e *edition) openScoreTables() (t *scoreTables, err error) {
	t = new(scoreTables)
	defer func() {
		if err != nil {
			t.discard()
		}
	}()
	if t.windows, err = write.OpenSpool(e.dir, schemas.Windows); err != nil {
		return nil, err
	}
	if t.extraction, err = write.OpenSpool(e.dir, schemas.Extractions); err != nil {
		return nil, err
	}
	if e.Config.Likelihood.Tokens != "none" {
		t.tokens, err = write.OpenSpool(e.dir, schemas.Tokens)
	}
	return t, err
}

// write writes the rows of a text that a target scored.
func (t *scoreTables) write(e *edition, m *planned, p *fold.Probe, score *likelihood.Score, text, reference *model.Scored) error {
	if p.Control {
		return nil
	}
	for i := range score.Windows {
		row := score.Windows[i].Row()
		row.ProbeID, row.Model = p.ID, m.Name
		if err := t.windows.Write(row); err != nil {
			return err
		}
	}
	for _, row := range score.Extraction.Rows() {
		row.ProbeID, row.Model = p.ID, m.Name
		if err := t.extraction.Write(row); err != nil {
			return err
		}
	}
	if !e.wantsTokens(p) {
		return nil
	}
	rows := likelihood.TokenRows(p.Text, text, reference)
	for k := range rows {
		rows[k].ProbeID, rows[k].Model = p.ID, m.Name
	}
	return t.tokens.Write(rows...)
}

func (t *scoreTables) close(ctx context.Context, e *edition) error {
	if err := finish(ctx, e, t.windows); err != nil {
		return err
	}
	if err := finish(ctx, e, t.extraction); err != nil || t.tokens == nil {
		return err
	}
	return finish(ctx, e, t.tokens)
}

func (t *scoreTables) discard() {
	if t.windows != nil {
		t.windows.Discard()
	}
	if t.extraction != nil {
		t.extraction.Discard()
	}
	if t.tokens != nil {
		t.tokens.Discard()
	}
}

// note records something for the manifest, if it happened at all.
func (j *Job) note(about, text string, count int64) {
	if count > 0 {
		j.notes = append(j.notes, Note{about, text, count})
	}
}

// writeLikelihood writes the scores of the probes and of the controls that they are ranked among, in order of the table's key.
func (e *edition) writeLikelihood(ctx context.Context, probes, controls []evidence.Subject, s *scored) error {
	if e.Config.Likelihood == nil {
		return nil
	}
	w, err := write.Open(e.dir, schemas.Likelihoods)
	if err != nil {
		return err
	}
	defer w.Discard()
	var models []*said
	if s.reference != nil {
		models = append(models, s.reference)
	}
	for i := range s.targets {
		models = append(models, &s.targets[i])
	}
	slices.SortFunc(models, func(a, b *said) int { return cmp.Or(cmp.Compare(a.role, b.role), cmp.Compare(a.Name, b.Name)) })
	subjects := slices.Concat(probes, controls)
	compressed := make([][]evidence.Compressed, len(models))
	for i, subject := range subjects {
		for k, m := range models {
			score := m.of(e.texts.at[subject.Probe])
			if score == nil {
				continue
			}
			compressed[k] = append(compressed[k], evidence.Compressed{Subject: &subjects[i], Score: score})
			row := score.Row()
			row.ProbeID, row.Control, row.ControlGroup = subject.Probe.ID, subject.Probe.Control, subject.Probe.ControlGroup
			row.Model, row.Role, row.Engine = m.Name, m.role, m.Engine
			if err := w.Write(row); err != nil {
				return err
			}
		}
	}
	if err := finish(ctx, e, w); err != nil {
		return err
	}
	var rows []schemas.Compression
	for k, m := range models {
		c := evidence.Compressor{Model: m.Name, Role: m.role, Target: m.role == targetRole}
		if f := e.facts[m.Name]; f != nil {
			c.Bytes, c.Parameters = f.ModelBytes, f.Parameters
		}
		rows = append(rows, evidence.Compression(e.RunID, c, compressed[k])...)
	}
	return writeTable(ctx, e, schemas.Compressions, rows)
}

// tokenValues returns a copy of what rows of tokens are made of.
func tokenValues(s *model.Scored) *model.Scored {
	return &model.Scored{LogProbs: slices.Clone(s.LogProbs), TokenIDs: slices.Clone(s.TokenIDs), Offsets: slices.Clone(s.Offsets),
		Ranks: slices.Clone(s.Ranks)}
}
