package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"palimpsest/stages/store"
	"palimpsest/stages/write"
)

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

// Run does all of a run in this process: it plans, does the work of every task, and commits. A run that exists and is complete is not done
// again; one that was stopped is gone on with, from the results that it left.
func (p *Plan) Run(ctx context.Context, version string, m *Meter) (*Result, error) {
	done, j, err := p.begin(ctx, version, 1, false, m)
	if done != nil || err != nil {
		return done, err
	}
	defer j.closeEngines()
	if err := j.openEngines(ctx); err != nil {
		return nil, err
	}
	if err := j.do(ctx, slices.Concat(j.tasks...)); err != nil {
		return nil, err
	}
	return j.Commit(ctx)
}

// MostTasks is the greatest number of tasks of an array: what AWS Batch takes, and more than a Slurm of default settings.
const MostTasks = 10_000

// taskBytes is how much of the corpus a task reads, in stored bytes, where nobody says how many tasks there are.
const taskBytes = 16 << 30

// Prepare plans for an array of so many tasks, 0 for as many as the corpus asks for, and publishes the plan: it is what tasks work from. A
// plan of the same program, configuration and inputs that is there is taken as it is.
func (p *Plan) Prepare(ctx context.Context, version string, tasks int, m *Meter) (*Result, *Job, error) {
	if tasks == 0 {
		tasks = int(min(1+p.CorpusBytes()/taskBytes, MostTasks))
	}
	done, j, err := p.begin(ctx, version, tasks, true, m)
	if j != nil {
		err = errors.Join(err, j.closeEngines())
	}
	return done, j, err
}

// begin returns the run when it is there already, else the job to do: the one that an earlier attempt has published if it is of the same
// program, configuration and inputs, or a new one of so many tasks. Of an array what its tasks would each work out is published too.
func (p *Plan) begin(ctx context.Context, version string, tasks int, array bool, m *Meter) (*Result, *Job, error) {
	p.measure(m)
	if done, err := p.over(ctx); done != nil || err != nil {
		return done, nil, err
	}
	if err := p.store.Writable(ctx, p.RunURL); err != nil {
		return nil, nil, err
	}
	if j, err := p.begun(ctx, version, array, m); j != nil || err != nil {
		return nil, j, err
	}
	j, err := p.newJob(ctx, version, tasks, m)
	if err != nil {
		return nil, nil, err
	}
	if other, err := p.begun(ctx, version, array, m); other != nil || err != nil { // another attempt was quicker
		return nil, other, errors.Join(err, j.closeEngines())
	}
	// No plan is there: nobody has made one, or whoever did has finished meanwhile. What is finished must not be removed.
	if done, err := p.over(ctx); done != nil || err != nil {
		return done, nil, errors.Join(err, j.closeEngines())
	}
	j.array = array
	if err := j.publish(ctx); err != nil {
		return nil, nil, errors.Join(err, j.closeEngines())
	}
	return nil, j, nil
}

// begun returns the job of the plan that the run has, when it is of the same program, configuration and inputs; nil when there is none.
// What run has begun is no plan of an array.
func (p *Plan) begun(ctx context.Context, version string, array bool, m *Meter) (*Job, error) {
	old, digest, err := readPlan(ctx, p.store, p.RunURL)
	if old != nil && old.Identity == p.identity(version) && (old.Array || !array) {
		var j *Job
		whole := false
		if j, err = old.job(ctx, p.store, p.RunURL, digest, version, p.log, m); err == nil {
			whole, err = j.whole(ctx)
		}
		if whole {
			j.takeOver(p)
			p.log.Info("going on with a run that was begun")
			return j, nil
		}
		if err == nil {
			err = errors.New("something that was published with it is gone")
		}
	}
	if err == nil || ctx.Err() != nil || errors.Is(err, store.ErrUnavailable) {
		return nil, err
	}
	p.log.Warn("the plan of a run that was begun cannot be gone on with, and is made anew", "reason", err)
	return nil, nil
}

// takeOver has the job use what a plan of the same identity has open.
func (j *Job) takeOver(p *Plan) {
	j.Config.Resources, j.source = p.Config.Resources, p.source
	// Both list the same objects in the same order. One object may play a role twice, with other columns.
	open := p.objects()
	for i, o := range j.objects() {
		if i < len(open) && open[i].role == o.role && open[i].input.URI == o.input.URI {
			o.file, o.columns = open[i].file, open[i].columns
		}
	}
}

// Commit makes the tables of what the tasks left, and publishes them. Tasks whose results are not all there make it an IncompleteError.
func (j *Job) Commit(ctx context.Context) (*Result, error) {
	if done, err := j.over(ctx); done != nil || err != nil {
		return done, err
	}
	result, err := j.commit(ctx)
	if err == nil || ctx.Err() != nil {
		return result, err
	}
	// Another attempt that was quicker may have removed the results on which this one was at work.
	if done, _ := j.over(ctx); done != nil {
		return done, nil
	}
	if errors.Is(err, store.ErrMissing) {
		return nil, errors.Join(j.complete(ctx), err)
	}
	return nil, err
}

// complete returns an IncompleteError when results are missing.
func (j *Job) complete(ctx context.Context) error {
	done, err := j.results(ctx)
	if err != nil {
		return err
	}
	return j.lacks(done)
}

// lacks returns an IncompleteError when results are not among those that are there.
func (j *Job) lacks(done map[string]bool) error {
	if missing := j.missing(done); len(missing) > 0 {
		return &IncompleteError{RunURL: j.RunURL, Tasks: missing, Of: len(j.tasks)}
	}
	return nil
}

func (j *Job) commit(ctx context.Context) (*Result, error) {
	done, err := j.results(ctx)
	if err == nil {
		err = j.lacks(done)
	}
	if err != nil {
		return nil, err
	}
	local, err := os.MkdirTemp("", "palimpsest-")
	if err != nil {
		return nil, fmt.Errorf("making a place for the tables: %w", err)
	}
	defer os.RemoveAll(local)
	e := &edition{Job: j, dir: write.NewDir(local, j.RunID, j.metadata()), facts: make(map[string]*ModelFacts),
		combined: j.combined(done)}
	if err := errors.Join(e.make(ctx), e.closeEngines()); err != nil {
		return nil, err
	}
	j.meter.Begin("publishing", 0)
	if done, err := j.over(ctx); done != nil || err != nil {
		return done, err // another attempt was quicker: what is committed stays
	}
	m := e.manifest()
	if err := j.publishTables(ctx, local, m); err != nil {
		return nil, err
	}
	j.clean(ctx)
	return &Result{RunURL: j.RunURL, Manifest: m}, nil
}

// over returns what finished does. What was kept while the run was under way is removed: an attempt that was killed, or that was late, may
// have left some of it.
func (p *Plan) over(ctx context.Context) (*Result, error) {
	done, err := p.finished(ctx)
	if done != nil {
		p.clean(ctx)
	}
	return done, err
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

// clear removes what an earlier attempt left of the run, its marks first, but for what is to be kept: a table that this run does not
// have must not lie beside those it has. Nothing but the names of a run is touched.
func (p *Plan) clear(ctx context.Context, keep func(key string) bool) error {
	for first := true; ; first = false {
		keys, err := p.store.Keys(ctx, p.RunURL)
		if err != nil {
			return err
		}
		keys = slices.DeleteFunc(keys, func(k string) bool { return clearOrder(k) == notOurs || keep(k) })
		if len(keys) == 0 {
			return nil
		}
		if first {
			p.log.Info("what an incomplete attempt left of the run is removed", "object", p.RunURL)
		}
		// Again until there is nothing: whoever publishes at the same moment must not have marked as complete what was removed.
		if err := p.remove(ctx, keys); err != nil {
			return err
		}
	}
}

// clean removes the intermediate results of a complete run. That some stay harms nobody: they are tried again with the run.
func (p *Plan) clean(ctx context.Context) {
	keys, err := p.store.Keys(ctx, RunURL(p.RunURL, workName))
	for i := range keys {
		keys[i] = workName + "/" + keys[i]
	}
	if err == nil {
		err = p.remove(ctx, keys)
	}
	if err == nil {
		err = p.store.Prune(RunURL(p.RunURL, workName))
	}
	if err != nil {
		p.log.Warn("intermediate results of the run, which is complete, were not removed", "reason", err)
	}
}

// remove deletes keys of the run, marks first.
func (p *Plan) remove(ctx context.Context, keys []string) error {
	slices.SortStableFunc(keys, func(a, b string) int { return cmp.Compare(clearOrder(a), clearOrder(b)) })
	marks := 0
	for marks < len(keys) && clearOrder(keys[marks]) < contentOrder {
		if err := p.store.Delete(ctx, p.RunURL, keys[marks]); err != nil {
			return err
		}
		marks++
	}
	eg, ctx := errgroup.WithContext(ctx)
	eg.SetLimit(deletesAtOnce)
	for _, k := range keys[marks:] {
		eg.Go(func() error { return p.store.Delete(ctx, p.RunURL, k) })
	}
	return eg.Wait()
}

// deletesAtOnce is how many objects are removed at once.
const deletesAtOnce = 16

// The order in which the objects of a run are removed.
const (
	contentOrder = 3
	notOurs      = 4
)

func clearOrder(key string) int {
	switch {
	case key == successName:
		return 0
	case key == manifestName:
		return 1
	case key == planName:
		return 2
	case strings.HasPrefix(key, write.Arrow+"/"), strings.HasPrefix(key, write.Parquet+"/"), strings.HasPrefix(key, workName+"/"):
		return contentOrder
	}
	return notOurs
}

// changed says how the inputs differ from those that the complete run was made from; "" when they are the same.
func (p *Plan) changed(old *Manifest) string {
	then := make(map[string]Input)
	for _, in := range old.Inputs {
		then[in.Role+" "+in.URI] = in
	}
	here := make(map[string]bool)
	for _, now := range p.inputs() {
		key := now.Role + " " + now.URI
		in, ok := then[key]
		switch here[key] = true; {
		case !ok:
			return now.URI + " is new"
		case in.Version != now.Version || in.Size != now.Size:
			return now.URI + " has changed"
		}
	}
	for _, in := range old.Inputs {
		if !here[in.Role+" "+in.URI] {
			return in.URI + " is gone, or can no longer be read"
		}
	}
	return ""
}
