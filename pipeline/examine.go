package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"sync"

	"github.com/zeebo/xxh3"
	"golang.org/x/sync/errgroup"

	"palimpsest/stages/fold"
	"palimpsest/stages/likelihood"
)

// examine scores all texts by asking a model about each, but for generations: a model's own output is likely by construction, and no
// grade rests on it. Texts are dealt to workers one by one, in order.
func (e *execution) examine(ctx context.Context, l *loaded, m *planned, keep keepFunc) error {
	total := int64(0)
	for _, p := range l.all {
		if p.Kind != fold.Generation {
			total += int64(len(p.Text))
		}
	}
	e.meter.begin("scoring under "+m.Name, total)
	x := examination{planned: m, e: e, l: l, keep: keep, engine: e.engines[m]}
	c := e.plan.Config.Likelihood
	if m.role == targetRole {
		x.questions = likelihood.Questions{Windows: c.windows(), Lowercase: c.Lowercase,
			Permutations: c.Permutations, Seed: uint64(c.Seed)}
		if err := x.drawPriors(ctx, c); err != nil {
			return err
		}
	}
	eg, ctx := errgroup.WithContext(ctx)
	next := make(chan int32)
	eg.Go(func() error {
		defer close(next)
		for i, p := range l.all {
			if p.Kind == fold.Generation {
				continue
			}
			select {
			case next <- int32(i):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	})
	for range e.askers(m) {
		eg.Go(func() error { return x.work(ctx, next) })
	}
	if err := eg.Wait(); err != nil {
		return err
	}
	x.conclude()
	return nil
}

// askers returns how many texts are asked about at once. A server has others to wait for meanwhile, and bounds its requests itself.
func (e *execution) askers(m *planned) int {
	switch m.Engine {
	case httpEngine:
		return 2 * m.Concurrency
	case llamacppEngine: // one text at a time, on all cores
		return 1
	}
	return e.plan.Config.workers()
}

// examination is one model being asked about all texts.
type examination struct {
	*planned
	e         *execution
	l         *loaded
	engine    *engine
	questions likelihood.Questions
	keep      keepFunc
	priors    map[string][]prior // by control group; nil when none are drawn

	mu        sync.Mutex
	unscored  int64 // probes
	clamped   int64 // log-probabilities at an engine's clamp
	misplaced int64 // texts whose token offsets cannot be used
	unprimed  int64 // texts whose group has too few controls to draw other prefixes from
	reencoded int64 // windows that the engine could not be asked about
	unasked   int64 // windows that it could not be asked about after other prefixes
}

// prior is the beginning of a control.
type prior struct {
	control int32
	ids     []int64
}

func (x *examination) work(ctx context.Context, next <-chan int32) error {
	probes, err := likelihood.NewExaminer(x.engine, x.questions)
	if err != nil {
		return &UsageError{fmt.Errorf("%s: %w", x.key, err)}
	}
	plain := x.questions
	plain.Permutations = 0
	if x.priors == nil { // windows of controls are for prior_lift alone
		plain.Windows = likelihood.Windows{}
	}
	controls, err := likelihood.NewExaminer(x.engine, plain)
	if err != nil {
		return &BugError{err}
	}
	for i := range next {
		p := x.l.all[i]
		examiner := probes
		if p.Control {
			examiner = controls
		}
		if err := x.text(ctx, examiner, i); err != nil {
			return fmt.Errorf("scoring %s %q under %s: %w", roleOf(p), p.ID, x.Name, err)
		}
		x.e.meter.Done.Add(int64(len(p.Text)))
	}
	return ctx.Err()
}

func (x *examination) text(ctx context.Context, examiner *likelihood.Examiner, i int32) error {
	p := x.l.all[i]
	priors, enough := x.priorsOf(i)
	score, values, err := examiner.Examine(ctx, likelihood.Text{Bytes: p.Text, Canary: p.Kind == fold.Canary && !p.Control, Priors: priors})
	x.mu.Lock()
	defer x.mu.Unlock()
	if err != nil {
		if !p.Control {
			x.unscored++
		}
		return x.e.unusable(p, x.planned, err)
	}
	x.clamped += score.Notes.Clamped
	x.reencoded += score.Notes.Reencoded
	x.unasked += score.Notes.Unprimed
	if score.Notes.BadOffsets {
		x.misplaced++
	}
	if !enough && len(score.Windows) > 0 {
		x.unprimed++
	}
	return x.keep(i, score, values)
}

// unusable quarantines a text of which what a model answered cannot be used, or ends the run, as configured. Other errors end the run.
func (e *execution) unusable(p *fold.Probe, m *planned, err error) error {
	var bad *likelihood.Unusable
	if !errors.As(err, &bad) {
		return err
	}
	if e.plan.Config.OnBadInput == failOnBadInput {
		return &DataError{err}
	}
	e.plan.fail(Failure{Object: p.SourceURI, Row: &p.SourceRow,
		Reason: fmt.Sprintf("%s, row %d: %s %q under %s: %v", p.SourceURI, p.SourceRow, roleOf(p), p.ID, m.Name, bad)})
	return nil
}

// drawPriors draws, from each group of controls that are fit to calibrate, the beginnings that suffixes are asked after beside their
// own: of the controls with the smallest hash of seed and id, one more than are needed, since a control is not asked after itself.
func (x *examination) drawPriors(ctx context.Context, c *Likelihood) error {
	if c.Prior == nil {
		return nil
	}
	x.priors = make(map[string][]prior)
	var controls []int32
	seen := make(map[string]bool) // digests of their texts
	for i := x.l.probes; i < len(x.l.all); i++ {
		if sum := x.l.sums[i].SHA256; x.l.fit[x.l.all[i]] && !seen[sum] {
			seen[sum] = true
			controls = append(controls, int32(i))
		}
	}
	seed := strconv.Itoa(c.Prior.Seed) + "\x00"
	place := func(i int32) uint64 { return xxh3.HashString(seed + x.l.all[i].ID) }
	slices.SortFunc(controls, func(a, b int32) int { return cmp.Or(cmp.Compare(place(a), place(b)), cmp.Compare(a, b)) })
	for _, i := range controls {
		group := groupName(x.l.all[i])
		if len(x.priors[group]) > c.Prior.Prefixes {
			continue
		}
		tokens, err := x.engine.Tokenize(ctx, x.l.all[i].Text)
		if err != nil {
			return fmt.Errorf("tokenizing control %q for %s: %w", x.l.all[i].ID, x.Name, err)
		}
		if len(tokens.IDs) >= c.Windows.Prefix {
			x.priors[group] = append(x.priors[group], prior{i, tokens.IDs[:c.Windows.Prefix:c.Windows.Prefix]})
		}
	}
	return nil
}

// groupName tells control groups apart, and none from one without a name.
func groupName(p *fold.Probe) string {
	if p.ControlGroup == nil {
		return ""
	}
	return "=" + *p.ControlGroup
}

// priorsOf returns the other prefixes of text i, without those of controls that are the text; none, and false, where there are too few.
func (x *examination) priorsOf(i int32) (ids [][]int64, enough bool) {
	c := x.e.plan.Config.Likelihood
	if x.priors == nil {
		return nil, true
	}
	for _, p := range x.priors[groupName(x.l.all[i])] {
		if p.control != i && len(ids) < c.Prior.Prefixes {
			ids = append(ids, p.ids)
		}
	}
	if len(ids) < c.Prior.Prefixes {
		return nil, false
	}
	return ids, true
}

// conclude notes what a reader of the tables should know of the model's values.
func (x *examination) conclude() {
	x.e.note(x.key, "probes that were not scored: what the model answered cannot be used", x.unscored)
	x.e.note(x.key, "log-probabilities at an engine's clamp, which are null here", x.clamped)
	x.e.note(x.key, "texts whose token offsets do not lie in the text in order, so that nothing was derived from them", x.misplaced)
	x.e.note(x.key, "texts whose control group has too few other controls to draw prefixes from, and so no prior_lift", x.unprimed)
	x.e.note(x.key, "windows that are given back, of which a server that takes text could not be asked after other prefixes", x.unasked)
	x.e.note(x.key, "windows whose text does not encode to their tokens, so that the server could not be asked about them", x.reencoded)
}
