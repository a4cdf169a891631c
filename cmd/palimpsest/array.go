package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"palimpsest/pipeline"
	"palimpsest/pipeline/scheduler"
	"palimpsest/stages/store"
)

type planCommand struct {
	planning
	Tasks int    `default:"0" placeholder:"N" help:"Tasks to deal the work to; by default one for every 16 GiB of the corpus, as stored."`
	Emit  string `placeholder:"KIND" help:"Print a manifest that submits the tasks that are not done, and the commit after them: ${kinds}."`
	Image string `placeholder:"IMAGE" help:"Container image with this program, for --emit of every kind but slurm."`
}

// Run carries out the command.
func (r *planCommand) Run(e *environment) error {
	if r.Tasks < 0 || r.Tasks > pipeline.MostTasks {
		return &pipeline.UsageError{Err: fmt.Errorf("--tasks %d: from 1 to %d are possible", r.Tasks, pipeline.MostTasks)}
	}
	return r.plan(e, func(plan *pipeline.Plan, meter *pipeline.Meter) error {
		progress := e.watch(meter)
		done, job, err := plan.Prepare(e.ctx, programVersion(), r.Tasks, meter)
		progress.stop()
		switch {
		case err != nil:
			return err
		case done != nil && r.Emit != "":
			return &pipeline.UsageError{Err: fmt.Errorf("%s is complete: there is nothing to submit", done.RunURL)}
		case done != nil:
			fmt.Fprintf(e.out, "already complete, nothing to do: %s\n", done.RunURL)
			return nil
		case r.Emit != "":
			return r.emit(e, job)
		}
		fmt.Fprintf(e.out, "planned %s\n%d tasks: palimpsest shard %s --task I, for each I from 0 to %d, then palimpsest commit %s\n",
			plan.RunURL, job.Tasks(), plan.RunURL, job.Tasks()-1, plan.RunURL)
		return nil
	})
}

// emit prints the manifest of the tasks that are not done.
func (r *planCommand) emit(e *environment, job *pipeline.Job) error {
	missing, err := job.Missing(e.ctx)
	if err != nil {
		return err
	}
	text, err := os.ReadFile(r.Config)
	if err != nil {
		return &pipeline.UsageError{Err: fmt.Errorf("the configuration cannot be read: %w", err)}
	}
	url := job.RunURL
	if !strings.Contains(url, "://") { // tasks may run in another directory
		if url, err = filepath.Abs(url); err != nil {
			return &pipeline.UsageError{Err: err}
		}
	}
	m := scheduler.Job{RunURL: url, Name: job.RunID, Tasks: job.Tasks(), Cores: job.Workers(),
		Memory: int64(job.Config.Resources.Memory), Image: r.Image, Config: string(text), Set: r.Set}
	if len(missing) < job.Tasks() {
		m.Missing = missing
	}
	if len(missing) == 0 {
		return &pipeline.UsageError{Err: fmt.Errorf("all %d tasks are done: finish the run with: palimpsest commit %s", m.Tasks, m.RunURL)}
	}
	if err := scheduler.Emit(e.out, r.Emit, m); err != nil {
		return &pipeline.UsageError{Err: err}
	}
	return nil
}

// planned names a planned run.
type planned struct {
	URL    string   `arg:"" name:"run" optional:"" help:"The run's directory, as plan printed it: a path or URL."`
	Config string   `short:"c" placeholder:"FILE" help:"In its place the configuration, where that has a run_id."`
	Set    []string `sep:"none" placeholder:"KEY=VALUE" help:"Override one key of the configuration, as for plan. Repeatable."`
}

// url returns the run's URL, and the digest of the configuration that it was named by; "" when it was not.
func (p *planned) url() (url, digest string, err error) {
	switch {
	case (p.URL == "") == (p.Config == ""):
		return "", "", &pipeline.UsageError{Err: errors.New("name the run by its URL, as plan printed it, or by -c FILE")}
	case p.URL != "":
		return p.URL, "", nil
	}
	config, err := readConfig(p.Config, p.Set)
	if err != nil {
		return "", "", err
	}
	if config.RunID == "" {
		return "", "", &pipeline.UsageError{Err: fmt.Errorf("%s has no run_id, so that only plan, which reads the inputs' versions, can say how "+
			"the run is called: name it by its URL, as plan printed it", p.Config)}
	}
	return pipeline.RunURL(config.Output, config.RunID), config.Digest(), nil
}

type shardCommand struct {
	planned
	Task *int `placeholder:"I" help:"The task to do, counted from 0; without it the scheduler's variable names it."`

	metricsFlags
}

// Run carries out the command.
func (c *shardCommand) Run(e *environment) error {
	url, digest, err := c.url()
	if err != nil {
		return err
	}
	if c.Task == nil {
		task, err := scheduler.TaskIndex(os.Getenv)
		if err != nil {
			return &pipeline.UsageError{Err: err}
		}
		c.Task = &task
	}
	return e.withJob(url, digest, strconv.Itoa(*c.Task), 10, &c.metricsFlags, func(job *pipeline.Job) error {
		if err := job.Shard(e.ctx, *c.Task); err != nil {
			return err
		}
		fmt.Fprintf(e.out, "done: task %d of %s\n", *c.Task, url)
		return nil
	})
}

type commitCommand struct {
	planned

	metricsFlags
}

// Run carries out the command.
func (c *commitCommand) Run(e *environment) error {
	url, digest, err := c.url()
	if err != nil {
		return err
	}
	// Most of a commit's heap is small things by the million: with 10 it takes twice as long.
	return e.withJob(url, digest, "", 25, &c.metricsFlags, func(job *pipeline.Job) error {
		result, err := job.Commit(e.ctx)
		if err != nil {
			return err
		}
		e.finished(result)
		return nil
	})
}

// withJob opens the plan of a run and hands it over; of a run that is complete it says so. The heap is collected
// when it has grown by so many per cent: see collectWithin.
func (e *environment) withJob(url, digest, task string, percent int, f *metricsFlags, do func(*pipeline.Job) error) error {
	s := store.New()
	defer s.Close()
	var meter pipeline.Meter
	metrics, err := f.metrics(e, &meter, s, "", task)
	if err != nil {
		return err
	}
	done, job, err := pipeline.OpenJob(e.ctx, s, url, programVersion(), e.log, &meter)
	if err != nil {
		return err
	}
	var planned string
	if done != nil {
		planned = done.Manifest.ConfigSHA256
	} else {
		planned = job.Config.Digest()
	}
	if digest != "" && digest != planned {
		return &pipeline.UsageError{Err: fmt.Errorf("run %s was planned with another configuration (sha256 %.12s, now %.12s): "+
			"plan again, or give it another run_id", url, planned, digest)}
	}
	if done != nil {
		e.finished(done)
		return nil
	}
	metrics.name(job.RunID, task)
	collectWithin(job.Config.Resources.Memory, percent)
	progress := e.watch(&meter)
	defer progress.stop()
	return do(job)
}

// finished says what a finished run is, and sets the exit code.
func (e *environment) finished(result *pipeline.Result) {
	e.code = result.ExitCode()
	verb := "wrote"
	if result.Existed {
		verb = "already complete, nothing to do:"
	}
	fmt.Fprintf(e.out, "%s %s\n", verb, result.RunURL)
	for _, f := range result.Manifest.Failures {
		fmt.Fprintln(e.out, "quarantined:", f)
	}
	fmt.Fprintf(e.out, "see it with: palimpsest show %s\n", result.RunURL)
}
