package pipeline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"palimpsest/pipeline/scheduler"
	"palimpsest/stages/store"
)

// OpenJob opens the published plan of a run, to do a task of it or to commit it. A run that is complete is returned as such.
func OpenJob(ctx context.Context, s *store.Store, runURL, version string, log *slog.Logger, m *Meter) (*Result, *Job, error) {
	p, digest, err := readPlan(ctx, s, runURL)
	if p != nil {
		var j *Job
		if j, err = p.job(ctx, s, runURL, digest, version, log.With("run", p.RunID), m); err == nil {
			return nil, j, nil
		}
	}
	if ctx.Err() != nil {
		return nil, nil, err
	}
	// The plan is removed when the run is complete.
	state, manifest, _, unread := ReadManifest(ctx, s, runURL)
	if unread == nil && state == Complete {
		plan := &Plan{RunURL: runURL, store: s, log: log}
		plan.clean(ctx)
		return &Result{runURL, manifest, true}, nil, nil
	}
	if err == nil {
		err = unread
	}
	if err == nil {
		err = badUsage("%s: no run was planned there: palimpsest plan -c FILE plans one, and prints its URL", runURL)
	}
	return nil, nil, err
}

// Tasks returns the number of tasks.
func (j *Job) Tasks() int { return len(j.tasks) }

// Workers returns how many cores a task uses here.
func (j *Job) Workers() int { return j.Config.workers() }

// Missing returns the tasks that are not done.
func (j *Job) Missing(ctx context.Context) ([]int, error) {
	done, err := j.results(ctx)
	return j.missing(done), err
}

// Shard does one task. It may be done twice, at once, and again after it was ended in any way: results that are there are left as they
// are, and others have the same bytes whoever makes them. Why it failed is kept for Status.
func (j *Job) Shard(ctx context.Context, task int) error {
	if task < 0 || task >= len(j.tasks) {
		return badUsage("task %d: the run has %d tasks, from 0 to %d", task, len(j.tasks), len(j.tasks)-1)
	}
	err := errors.Join(j.do(ctx, j.tasks[task]), j.closeEngines())
	if ctx.Err() != nil {
		return err
	}
	// A task that is late may have lost what it works from, or left what nobody will read.
	if complete, unknown := j.store.Exists(ctx, j.RunURL, successName); complete && unknown == nil {
		if done, _ := j.over(ctx); done != nil {
			return nil
		}
	}
	j.keepFailure(ctx, task, err)
	return err
}

// keepFailure keeps why a task failed, if it did. To be stopped is no failure.
func (j *Job) keepFailure(ctx context.Context, task int, err error) {
	if err == nil || ctx.Err() != nil {
		return
	}
	data, _ := json.Marshal(TaskFailure{task, ExitCode(err), err.Error()})
	if kept := j.store.Put(ctx, j.RunURL, j.work(failureName(task)), data, "application/json"); kept != nil {
		j.log.Warn("why the task failed could not be kept", "reason", kept)
	}
}

// TaskFailure is why the last attempt at a task failed.
type TaskFailure struct {
	Task     int    `json:"task"`
	ExitCode int    `json:"exit_code"`
	Error    string `json:"error"`
}

func failureName(task int) string { return fmt.Sprintf("failure-%06d.json", task) }

// Status is how far a run has come.
type Status struct {
	State    State
	Manifest *Manifest     // of a complete run
	Why      string        // a run is incomplete
	Planned  bool          // there is a plan to go on with
	Tasks    int           // of the plan
	Missing  []int         // tasks that are not done
	Failed   []TaskFailure // of those, the ones that failed when they were last tried and could say so
}

// ReadStatus returns how far the run has come.
func ReadStatus(ctx context.Context, s *store.Store, runURL string) (*Status, error) {
	state, manifest, why, err := ReadManifest(ctx, s, runURL)
	if err != nil || state != Incomplete {
		return &Status{State: state, Manifest: manifest}, err
	}
	st := &Status{State: state, Why: why}
	p, digest, err := readPlan(ctx, s, runURL)
	if err != nil || p == nil {
		return st, err
	}
	config, err := p.config(runURL)
	if err != nil {
		return nil, err
	}
	j := &Job{Plan: &Plan{Config: config, RunURL: runURL, store: s}, blocks: p.Blocks, units: p.Units, tasks: p.Tasks, digest: digest}
	st.Planned, st.Tasks = true, len(j.tasks)
	done, err := j.results(ctx)
	if err != nil {
		return nil, err
	}
	st.Missing = j.missing(done)
	for _, task := range st.Missing {
		if !done[failureName(task)] {
			continue
		}
		var f TaskFailure
		data, err := s.ReadAll(ctx, runURL, j.work(failureName(task)), 1<<20)
		if err == nil {
			err = json.Unmarshal(data, &f)
		}
		if err != nil {
			return nil, fmt.Errorf("why task %d failed: %w", task, err)
		}
		st.Failed = append(st.Failed, f)
	}
	return st, nil
}

// results returns the names of the results that are there.
func (j *Job) results(ctx context.Context) (map[string]bool, error) {
	keys, err := j.store.Keys(ctx, RunURL(j.RunURL, workName+"/"+j.digest))
	if err != nil {
		return nil, err
	}
	done := make(map[string]bool, len(keys))
	for _, k := range keys {
		done[k] = true
	}
	return done, nil
}

// missing returns the tasks that lack a result.
func (j *Job) missing(done map[string]bool) (tasks []int) {
	for t, units := range j.tasks {
		if slices.ContainsFunc(units, func(i int) bool {
			return slices.ContainsFunc(j.resultNames(i), func(name string) bool { return !done[name] })
		}) {
			tasks = append(tasks, t)
		}
	}
	return tasks
}

// IncompleteError says that a run cannot be committed yet.
type IncompleteError struct {
	RunURL string
	Tasks  []int // missing
	Of     int   // tasks
}

func (e *IncompleteError) Error() string {
	return fmt.Sprintf("run %s is not complete: of its %d tasks %d are missing: %s; do each with: palimpsest shard %s --task I, or resubmit "+
		"what palimpsest status %s --missing lists, then commit again",
		e.RunURL, e.Of, len(e.Tasks), scheduler.Ranges(e.Tasks), e.RunURL, e.RunURL)
}
