package pipeline

import (
	"cmp"
	"context"
	"slices"

	"palimpsest/schemas"
	"palimpsest/stages/evidence"
	"palimpsest/stages/fold"
	"palimpsest/stages/likelihood"
)

// judge turns what was found and scored into the tables.
func (e *edition) judge(ctx context.Context, f *subjects, s *scored) error {
	if err := e.writeLikelihood(ctx, f.probes, f.controls, s); err != nil {
		return err
	}
	if err := e.writeWritten(ctx); err != nil {
		return err
	}
	judged, err := e.judgeModels(ctx, f.probes, f.controls, s)
	if err != nil {
		return err
	}
	var rows []schemas.Evidence
	for _, j := range judged {
		rows = append(rows, j.Rows...)
	}
	slices.SortStableFunc(rows, func(a, b schemas.Evidence) int {
		return cmp.Or(cmp.Compare(a.ProbeID, b.ProbeID), cmp.Compare(modelOf(&a), modelOf(&b)))
	})
	if err := writeTable(ctx, e, schemas.Evidences, rows); err != nil {
		return err
	}
	if err := e.edges.close(ctx, e, rows); err != nil {
		return err
	}
	if e.Config.Likelihood == nil {
		return nil
	}
	return e.writeComparisons(ctx, judged)
}

func modelOf(r *schemas.Evidence) string {
	if r.Model == nil {
		return ""
	}
	return *r.Model
}

// writeWritten writes how the probes that a model wrote came about.
func (e *edition) writeWritten(ctx context.Context) error {
	if !e.Config.prompts() {
		return nil
	}
	slices.SortFunc(e.texts.written, func(a, b schemas.Generation) int { return cmp.Compare(a.ProbeID, b.ProbeID) })
	return writeTable(ctx, e, schemas.Generations, e.texts.written)
}

// judgement is one target's, with what its other tables are made of.
type judgement struct {
	evidence.Judged
	canaries    []schemas.Canary
	evaluations []schemas.Evaluation
}

// judgeModels judges every probe under each target, or under none when there is no model.
func (e *edition) judgeModels(ctx context.Context, probes, controls []evidence.Subject, s *scored) ([]judgement, error) {
	c := e.Config
	options := evidence.Options{RunID: e.RunID, Score: c.Evidence.Score}
	if c.Likelihood == nil {
		j := evidence.Judge(options, probes, controls)
		return []judgement{{Judged: evidence.Judged{Subjects: probes, Rows: j.Rows}}}, nil
	}
	blind, err := evidence.NewBlind(ctx, probes)
	if err != nil {
		return nil, err
	}
	reference := func(p *fold.Probe) *likelihood.Score { return s.reference.of(e.texts.at[p]) }
	var all []judgement
	for i := range s.targets {
		m := &s.targets[i]
		under := func(subjects []evidence.Subject) (own []evidence.Subject) {
			for _, x := range subjects {
				if m.judges(x.Probe) {
					x.Target = m.of(e.texts.at[x.Probe])
					own = append(own, x)
				}
			}
			return own
		}
		own, calibrating := under(probes), under(controls)
		options.Model = m.Name
		j := evidence.Judge(options, own, calibrating)
		e.families = append(e.families, j.Families...)
		done := judgement{Judged: evidence.Judged{Model: m.Name, Subjects: own, Rows: j.Rows},
			canaries: evidence.Canaries(options, own, calibrating, reference)}
		if slices.ContainsFunc(own, func(x evidence.Subject) bool { return x.Probe.Label != nil }) {
			done.evaluations = evidence.Evaluate(e.RunID, m.Name, own, blind)
		}
		all = append(all, done)
	}
	slices.SortFunc(e.families, func(a, b evidence.Family) int { return cmp.Compare(a.Name, b.Name) })
	return all, nil
}

// writeComparisons writes the tables that set probes or models side by side: canaries among others, scores against labels, tuned
// models against their base.
func (e *edition) writeComparisons(ctx context.Context, judged []judgement) error {
	var (
		canaries    []schemas.Canary
		evaluations []schemas.Evaluation
		tunings     []schemas.Tuning
		tuned       bool
	)
	for i := range judged {
		canaries = append(canaries, judged[i].canaries...)
		evaluations = append(evaluations, judged[i].evaluations...)
		base := e.Config.Likelihood.Target[i].Base
		for k := range judged {
			if judged[k].Model == base {
				tuned = true
				tunings = append(tunings, evidence.Tuning(e.RunID, &judged[k].Judged, &judged[i].Judged)...)
			}
		}
	}
	if canaries != nil {
		slices.SortFunc(canaries, func(a, b schemas.Canary) int {
			return cmp.Or(cmp.Compare(a.ProbeID, b.ProbeID), cmp.Compare(a.Model, b.Model))
		})
		if err := writeTable(ctx, e, schemas.Canaries, canaries); err != nil {
			return err
		}
	}
	if tuned {
		slices.SortFunc(tunings, func(a, b schemas.Tuning) int {
			return cmp.Or(cmp.Compare(a.ProbeID, b.ProbeID), cmp.Compare(a.Model, b.Model))
		})
		if err := writeTable(ctx, e, schemas.Tunings, tunings); err != nil {
			return err
		}
	}
	if evaluations == nil {
		return nil
	}
	slices.SortFunc(evaluations, func(a, b schemas.Evaluation) int {
		return cmp.Or(cmp.Compare(a.Model, b.Model), cmp.Compare(a.Score, b.Score), cmp.Compare(a.Slice, b.Slice))
	})
	return writeTable(ctx, e, schemas.Evaluations, evaluations)
}
