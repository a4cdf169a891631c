package pipeline

import (
	"cmp"
	"context"
	"slices"

	"palimpsest/schemas"
	"palimpsest/stages/evidence"
	"palimpsest/stages/fold"
	"palimpsest/stages/likelihood"
	"palimpsest/stages/write"
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
	if err := e.writeEvidence(ctx, judged); err != nil {
		return err
	}
	if err := e.edges.close(ctx, e); err != nil {
		return err
	}
	if e.Config.Likelihood == nil {
		return nil
	}
	return e.writeComparisons(ctx, judged)
}

// writeEvidence writes the rows of all judgements in the order of the table's key, each made when it is its turn.
func (e *edition) writeEvidence(ctx context.Context, judged []judgement) error {
	type place struct{ judgement, row int32 }
	var order []place
	for k := range judged {
		for i := range judged[k].Subjects {
			order = append(order, place{int32(k), int32(i)})
		}
	}
	slices.SortFunc(order, func(a, b place) int {
		x, y := &judged[a.judgement], &judged[b.judgement]
		return cmp.Or(cmp.Compare(x.Subjects[a.row].Probe.ID, y.Subjects[b.row].Probe.ID), cmp.Compare(x.Model, y.Model))
	})
	w, err := write.Open(e.dir, schemas.Evidences)
	if err != nil {
		return err
	}
	defer w.Discard()
	for _, p := range order {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		row := judged[p.judgement].Row(int(p.row))
		if err := w.Write(row); err != nil {
			return err
		}
		if err := e.edges.judged(judged[p.judgement].Subjects[p.row].Probe, &row); err != nil {
			return err
		}
	}
	return finish(ctx, e, w)
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
		return []judgement{{Judged: evidence.Judged{Judgement: j, Subjects: probes}}}, nil
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
		done := judgement{Judged: evidence.Judged{Judgement: j, Model: m.Name, Subjects: own},
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
