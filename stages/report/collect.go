package report

import (
	"context"
	"strings"

	"palimpsest/schemas"
	"palimpsest/stages/evidence"
	"palimpsest/stages/fold"
)

// findings is everything a summary says, gathered in one pass over the tables.
type findings struct {
	grades      grades
	doses       doses
	generations generations
	exhibits    exhibits
	evaluation  map[slice]auroc

	tooShort  shortProbes
	unscored  map[string]int64 // probes without a score of the target model, by kind
	untested  map[string]int64 // probes whose model grade is not_assessed, by reason
	haveScore bool
}

// maxReasons is how many different reasons are counted; those of a usual run are a handful.
const maxReasons = 1000

// targetRole marks the scores of the model that is tested.
const targetRole = "target"

// probe is what the tables say of one probe.
type probe struct {
	*schemas.Evidence
	tooShort    bool
	bitsPerByte *float64
	scored      bool
	windows     int64 // for which it is known whether the model gives them back greedily
	greedy      bool  // whether it does one
}

// shortProbes are the probes too short for one span.
type shortProbes struct {
	count int64
	first []string
}

// collect reads the tables.
func collect(ctx context.Context, in Input) (*findings, error) {
	f := &findings{evaluation: map[slice]auroc{}, unscored: map[string]int64{}, untested: map[string]int64{}}
	if err := f.join(ctx, in); err != nil {
		return nil, err
	}
	evaluation, err := open(ctx, in, schemas.Evaluations, nil)
	if err != nil {
		return nil, err
	}
	defer evaluation.close()
	err = evaluation.all(func(r *schemas.Evaluation) {
		if r.AUROC != nil && r.AUROCLow != nil && r.AUROCHigh != nil {
			f.evaluation[slice{r.Score, r.Slice}] = auroc{*r.AUROC, *r.AUROCLow, *r.AUROCHigh}
		}
	})
	if err != nil {
		return nil, err
	}
	return f, f.exhibits.readSources(ctx, in)
}

// join goes through the probes and, beside each, through its scores, windows and spans.
func (f *findings) join(ctx context.Context, in Input) error {
	judged, err := open(ctx, in, schemas.Evidences, nil)
	if err != nil {
		return err
	}
	defer judged.close()
	likelihood, err := open(ctx, in, schemas.Likelihoods, func(r *schemas.Likelihood) (string, bool) {
		return r.ProbeID, !r.Control // the controls stand at the end
	})
	if err != nil {
		return err
	}
	defer likelihood.close()
	windows, err := open(ctx, in, schemas.Windows, func(r *schemas.Window) (string, bool) { return r.ProbeID, true })
	if err != nil {
		return err
	}
	defer windows.close()
	spans, err := open(ctx, in, schemas.Spans, func(r *schemas.Span) (string, bool) { return r.ProbeID, true })
	if err != nil {
		return err
	}
	defer spans.close()
	lengths, err := openSearchable(ctx, in)
	if err != nil {
		return err
	}
	defer lengths.close()
	f.haveScore, f.exhibits.searched = likelihood != nil, spans != nil
	for {
		row, err := judged.peek()
		if err != nil || row == nil {
			return err
		}
		p := probe{Evidence: row}
		if p.tooShort, err = lengths.tooShort(row.ProbeID); err != nil {
			return err
		}
		err = likelihood.each(row.ProbeID, func(r *schemas.Likelihood) {
			if r.Role == targetRole {
				p.scored, p.bitsPerByte = true, r.BitsPerByte
			}
		})
		if err != nil {
			return err
		}
		err = windows.each(row.ProbeID, func(r *schemas.Window) {
			if r.Greedy != nil {
				p.windows++
				p.greedy = p.greedy || *r.Greedy
			}
		})
		if err != nil {
			return err
		}
		best := exhibit{}
		err = spans.each(row.ProbeID, func(r *schemas.Span) { best.offer(r) })
		if err != nil {
			return err
		}
		f.add(&p, best)
		judged.next()
	}
}

func (f *findings) add(p *probe, best exhibit) {
	f.grades.add(p.Kind, p.CorpusGrade, p.ModelGrade)
	if p.Kind == fold.Generation { // no document of the corpus, so copies of it mean nothing
		f.generations.add(p)
	} else {
		f.doses.add(p)
	}
	if p.tooShort {
		f.tooShort.count++
		if len(f.tooShort.first) < maxListed {
			f.tooShort.first = append(f.tooShort.first, strings.Clone(p.ProbeID))
		}
	}
	if p.ModelGrade == evidence.NotAssessed && (len(f.untested) < maxReasons || f.untested[p.ModelReason] > 0) {
		f.untested[p.ModelReason]++
	}
	if f.haveScore && !p.scored {
		f.unscored[p.Kind]++
	}
	if best.span.ProbeID != "" {
		best.kind, best.modelGrade = p.Kind, p.ModelGrade
		if p.Distinctiveness != nil {
			best.distinctiveness = *p.Distinctiveness
		}
		f.exhibits.add(best)
	}
}
