package report

import (
	"context"
	"math"
	"slices"
	"strings"

	"palimpsest/schemas"
	"palimpsest/stages/evidence"
	"palimpsest/stages/fold"
)

// findings is everything a summary says, gathered in one pass over the tables.
type findings struct {
	models      []string // the target models, in order of name; none when no text was scored
	grades      grades
	doses       doses
	near        nearDuplicates
	extraction  extraction
	compression compressions
	generations generations
	prompted    prompted
	canaries    canaries
	tuning      tunings
	exhibits    exhibits
	evaluation  map[slice]auroc
	more        *more // what the page shows beyond the summary; nil for the summary alone

	tooShort  shortProbes
	unscored  map[underModel]int64 // probes without a score of the target model, by kind
	untested  map[underModel]int64 // probes whose model grade is not_assessed, by reason
	haveScore bool
}

// underModel is a kind or a reason, and the model that it is about.
type underModel struct{ what, model string }

// maxReasons is how many different reasons are counted; those of a usual run are a handful.
const maxReasons = 1000

// targetRole marks the scores of the model that is tested.
const targetRole = "target"

// probe is what the tables say of one probe and one target model.
type probe struct {
	*schemas.Evidence
	said
	tooShort bool
}

// model is the target model's name; empty without one.
func (p *probe) model() string {
	if p.Model == nil {
		return ""
	}
	return *p.Model
}

// said is what one target model's tables say of a probe.
type said struct {
	bitsPerByte *float64
	scored      bool
	windows     int64 // for which it is known whether the model gives them back greedily
	greedy      bool  // whether it does one
	hot         hotWindow
}

// hotWindow is the window that a model gives back most surely.
type hotWindow struct {
	at     interval // of the suffix; empty when no offsets are known
	greedy bool
	logP   float64
}

// offer keeps the window if it is the surest so far.
func (h *hotWindow) offer(w *schemas.Window) {
	if w.SuffixByteStart == nil || w.ByteEnd == nil {
		return
	}
	n := hotWindow{at: interval{*w.SuffixByteStart, *w.ByteEnd}, greedy: w.Greedy != nil && *w.Greedy, logP: math.Inf(-1)}
	if w.LogP != nil {
		n.logP = *w.LogP
	}
	if h.at == (interval{}) || n.greedy && !h.greedy || n.greedy == h.greedy && n.logP > h.logP {
		*h = n
	}
}

// joined is a probe whose rows were read, whatever number of models it was judged under.
type joined struct {
	id       string
	tooShort bool
	best     exhibit
	by       map[string]said // by model
}

// shortProbes are the probes too short for one span.
type shortProbes struct {
	count int64
	first []string
}

// collect reads the tables. What only the page shows is gathered into m, unless that is nil.
func collect(ctx context.Context, in Input, m *more) (*findings, error) {
	f := &findings{evaluation: map[slice]auroc{}, unscored: map[underModel]int64{}, untested: map[underModel]int64{},
		exhibits: exhibits{most: maxExhibits}, more: m}
	if err := f.join(ctx, in); err != nil {
		return nil, err
	}
	for _, read := range []func(context.Context, Input) error{
		f.readEvaluation, f.extraction.read, f.compression.read, f.prompted.read, f.canaries.read, f.tuning.read, f.exhibits.readSources,
	} {
		if err := read(ctx, in); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// readEvaluation reads how well scores tell members from non-members.
func (f *findings) readEvaluation(ctx context.Context, in Input) error {
	return readAll(ctx, in, schemas.Evaluations, func(r *schemas.Evaluation) {
		if r.AUROC == nil || r.AUROCLow == nil || r.AUROCHigh == nil {
			return
		}
		a := auroc{value: *r.AUROC, low: *r.AUROCLow, high: *r.AUROCHigh, members: r.Members, others: r.NonMembers,
			tpr1: same(r.TPRAt1FPR), tpr5: same(r.TPRAt5FPR)}
		a.blind = same(r.BlindAUROC)
		a.flagged = r.BeatsBlind != nil && !*r.BeatsBlind
		f.evaluation[slice{strings.Clone(r.Model), strings.Clone(r.Score), strings.Clone(r.Slice)}] = a
	})
}

// same copies a value out of the batch that it was read in.
func same(v *float64) *float64 {
	if v == nil {
		return nil
	}
	own := *v
	return &own
}

// readAll calls f with every row of a table, of which there are none when the run has no such table.
func readAll[R any](ctx context.Context, in Input, t schemas.Of[R], f func(*R)) error {
	c, err := open(ctx, in, t, nil)
	if err != nil {
		return err
	}
	defer c.close()
	return c.all(f)
}

// join goes through the probes and, beside each, through its scores, windows and spans.
func (f *findings) join(ctx context.Context, in Input) error {
	judged, err := open(ctx, in, schemas.Evidences, nil)
	if err != nil {
		return err
	}
	defer judged.close()
	likelihood, err := open(ctx, in, schemas.Likelihoods, probeIn[schemas.Likelihood])
	if err != nil {
		return err
	}
	defer likelihood.close()
	windows, err := open(ctx, in, schemas.Windows, probeIn[schemas.Window])
	if err != nil {
		return err
	}
	defer windows.close()
	spans, err := open(ctx, in, schemas.Spans, probeIn[schemas.Span])
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
	var at joined
	for {
		row, err := judged.peek()
		if err != nil {
			return err
		}
		if row == nil || row.ProbeID != at.id {
			f.exhibit(&at)
		}
		if row == nil {
			return nil
		}
		if row.ProbeID != at.id {
			at = joined{id: strings.Clone(row.ProbeID), by: map[string]said{}}
			if at.tooShort, err = lengths.tooShort(at.id); err != nil {
				return err
			}
			err = likelihood.each(at.id, func(r *schemas.Likelihood) {
				if r.Role == targetRole {
					s := at.by[r.Model]
					s.scored, s.bitsPerByte = true, r.BitsPerByte
					at.by[strings.Clone(r.Model)] = s
				}
			})
			if err != nil {
				return err
			}
			err = windows.each(at.id, func(r *schemas.Window) {
				if r.Greedy == nil && f.more == nil {
					return
				}
				s, known := at.by[r.Model]
				if r.Greedy != nil {
					s.windows++
					s.greedy = s.greedy || *r.Greedy
				}
				s.hot.offer(r)
				if known {
					at.by[r.Model] = s
				} else {
					at.by[strings.Clone(r.Model)] = s
				}
			})
			if err != nil {
				return err
			}
			if err = spans.each(at.id, func(r *schemas.Span) { at.best.offer(r) }); err != nil {
				return err
			}
		}
		p := probe{Evidence: row, tooShort: at.tooShort}
		p.said = at.by[p.model()]
		f.add(&p, &at)
		judged.next()
	}
}

// add takes in a row of evidence. What the corpus holds of a probe is the same in all its rows, and counted with the first.
func (f *findings) add(p *probe, at *joined) {
	first := at.best.kind == ""
	if m := p.model(); m != "" && !slices.Contains(f.models, m) {
		f.models = append(f.models, strings.Clone(m))
		slices.Sort(f.models)
	}
	f.grades.add(p)
	if p.Kind != fold.Generation { // no document of the corpus, so copies of it mean nothing
		f.doses.add(p)
	}
	if p.ModelGrade == evidence.NotAssessed {
		k := underModel{p.ModelReason, p.model()}
		if len(f.untested) < maxReasons || f.untested[k] > 0 {
			f.untested[underModel{strings.Clone(k.what), strings.Clone(k.model)}]++
		}
	}
	if f.haveScore && !p.scored {
		f.unscored[underModel{strings.Clone(p.Kind), strings.Clone(p.model())}]++
	}
	if f.more != nil {
		f.more.add(p)
	}
	if better := slices.Index(modelGrades, p.ModelGrade); first || better < slices.Index(modelGrades, at.best.modelGrade) {
		at.best.modelGrade = strings.Clone(p.ModelGrade)
	}
	if !first {
		return
	}
	at.best.kind = strings.Clone(p.Kind)
	if p.Distinctiveness != nil {
		at.best.distinctiveness = strings.Clone(*p.Distinctiveness)
	}
	if p.Kind == fold.Generation {
		f.generations.add(p)
	}
	f.near.add(p)
	if f.more != nil {
		f.more.addProbe(p)
	}
	if p.tooShort {
		f.tooShort.count++
		if len(f.tooShort.first) < maxListed {
			f.tooShort.first = append(f.tooShort.first, at.id)
		}
	}
}

// exhibit takes in the best span of a probe of which all rows were read.
func (f *findings) exhibit(at *joined) {
	if at.best.span.ProbeID == "" {
		return
	}
	f.exhibits.add(at.best)
	if f.more != nil {
		f.more.addExhibit(at.best)
	}
}
