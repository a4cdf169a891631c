package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/zeebo/xxh3"
	"golang.org/x/sync/errgroup"

	"palimpsest/stages/fold"
	"palimpsest/stages/likelihood"
)

// ask asks models about the texts of units, and keeps the answers of each unit when its last text is done.
func (j *Job) ask(ctx context.Context, units []int, local string) error {
	for _, m := range j.asked() {
		own := slices.DeleteFunc(slices.Clone(units), func(i int) bool { return j.units[i].Model != m.Name })
		if len(own) == 0 {
			continue
		}
		if err := j.examine(ctx, m, own, local); err != nil {
			return err
		}
	}
	return nil
}

// examine asks one model about the texts of units, but for generations: a model's own output is likely by construction, and no grade
// rests on it. Texts are dealt to workers one by one, in order.
func (j *Job) examine(ctx context.Context, m *planned, units []int, local string) error {
	if err := j.openEngine(ctx, m); err != nil {
		return err
	}
	total := int64(0)
	for _, i := range units {
		total += j.units[i].Bytes
	}
	j.meter.Begin("scoring under "+m.Name, total)
	x := examination{planned: m, Job: j, local: local, engine: j.engines[m]}
	c := j.Config.Likelihood
	if m.role == targetRole {
		x.questions = likelihood.Questions{Windows: c.windows(), Lowercase: c.Lowercase,
			Permutations: c.Permutations, Seed: uint64(c.Seed)}
		if err := x.drawPriors(ctx, c); err != nil {
			return err
		}
	}
	eg, ctx := errgroup.WithContext(ctx)
	next := make(chan question)
	eg.Go(func() error {
		defer close(next)
		for _, i := range units {
			u := j.units[i]
			a := &answers{unit: i, first: u.First, all: make([]*answer, u.End-u.First)}
			a.left.Store(int32(len(a.all)))
			for k := range a.all {
				select {
				case next <- question{a, k}:
				case <-ctx.Done():
					return ctx.Err()
				}
			}
		}
		return nil
	})
	for range j.askers(m) {
		eg.Go(func() error { return x.work(ctx, next) })
	}
	return eg.Wait()
}

// question is one text of a unit.
type question struct {
	*answers
	k int
}

// askers returns how many texts are asked about at once. A server has others to wait for meanwhile, and bounds its requests itself.
func (j *Job) askers(m *planned) int {
	switch m.Engine {
	case httpEngine:
		return 2 * m.Concurrency
	case llamacppEngine: // one text at a time, on all cores
		return 1
	}
	return j.Config.workers()
}

// examination is one model being asked.
type examination struct {
	*planned
	*Job
	local     string // directory
	engine    *engine
	questions likelihood.Questions
	priors    map[string][]prior // by control group; nil when no other prefixes are asked about
}

// prior is the beginning of a control.
type prior struct {
	control int32
	ids     []int64
}

func (x *examination) work(ctx context.Context, next <-chan question) error {
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
	for q := range next {
		i := q.first + q.k
		p := x.texts.all[i]
		examiner := probes
		if p.Control {
			examiner = controls
		}
		if p.Kind != fold.Generation {
			if q.all[q.k], err = x.text(ctx, examiner, i); err != nil {
				return fmt.Errorf("scoring %s %q under %s: %w", roleOf(p), p.ID, x.Name, err)
			}
			x.meter.Done.Add(int64(len(p.Text)))
		}
		if q.left.Add(-1) == 0 {
			if err := x.keep(ctx, q.answers); err != nil {
				return err
			}
		}
	}
	return ctx.Err()
}

func (x *examination) text(ctx context.Context, examiner *likelihood.Examiner, i int) (*answer, error) {
	p := x.texts.all[i]
	priors, enough := x.priorsOf(i)
	score, values, err := examiner.Examine(ctx, likelihood.Text{Bytes: p.Text, Canary: p.Kind == fold.Canary && !p.Control, Priors: priors})
	if err != nil {
		failed, err := x.unusable(p, x.planned, err)
		return &answer{Failed: failed}, err
	}
	a := &answer{Score: score, Unprimed: !enough && len(score.Windows) > 0}
	if x.wantsTokens(p) {
		a.Values = tokenValues(values)
	}
	return a, nil
}

// unusable says why a text is quarantined, of which what a model answered cannot be used, or ends the run, as configured. Other errors
// end the run.
func (j *Job) unusable(p *fold.Probe, m *planned, err error) (*Failure, error) {
	var bad *likelihood.Unusable
	if !errors.As(err, &bad) {
		return nil, err
	}
	if j.Config.OnBadInput == failOnBadInput {
		return nil, &DataError{err}
	}
	return &Failure{Object: p.SourceURI, Row: &p.SourceRow,
		Reason: fmt.Sprintf("%s, row %d: %s %q under %s: %v", p.SourceURI, p.SourceRow, roleOf(p), p.ID, m.Name, bad)}, nil
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
	for i := x.texts.probes; i < len(x.texts.all); i++ {
		if sum := x.texts.sums[i]; x.texts.fit[x.texts.all[i]] && !seen[sum] {
			seen[sum] = true
			controls = append(controls, int32(i))
		}
	}
	seed := strconv.Itoa(c.Prior.Seed) + "\x00"
	place := func(i int32) uint64 { return xxh3.HashString(seed + x.texts.all[i].ID) }
	slices.SortFunc(controls, func(a, b int32) int { return cmp.Or(cmp.Compare(place(a), place(b)), cmp.Compare(a, b)) })
	for _, i := range controls {
		group := groupName(x.texts.all[i])
		if len(x.priors[group]) > c.Prior.Prefixes {
			continue
		}
		tokens, err := x.engine.Tokenize(ctx, x.texts.all[i].Text)
		if err != nil {
			return fmt.Errorf("tokenizing control %q for %s: %w", x.texts.all[i].ID, x.Name, err)
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
func (x *examination) priorsOf(i int) (ids [][]int64, enough bool) {
	c := x.Config.Likelihood
	if x.priors == nil {
		return nil, true
	}
	for _, p := range x.priors[groupName(x.texts.all[i])] {
		if p.control != int32(i) && len(ids) < c.Prior.Prefixes {
			ids = append(ids, p.ids)
		}
	}
	if len(ids) < c.Prior.Prefixes {
		return nil, false
	}
	return ids, true
}
