package main

import (
	"fmt"
	"runtime/debug"

	"palimpsest/pipeline"
	"palimpsest/stages/store"
)

type planCommand struct {
	Config string   `short:"c" required:"" placeholder:"FILE" help:"The configuration, a YAML file."`
	Set    []string `sep:"none" placeholder:"KEY=VALUE" help:"Override one key of the configuration, as for run. Repeatable."`
	Tasks  int      `default:"0" placeholder:"N" help:"Tasks to deal the work to; by default one for every 16 GiB of the corpus, as stored."`
	DryRun bool     `help:"Print what would be read, the memory it needs and the tasks, and leave."`
}

// Run carries out the command.
func (r *planCommand) Run(e *environment) error {
	if r.Tasks < 0 || r.Tasks > pipeline.MostTasks {
		return &pipeline.UsageError{Err: fmt.Errorf("--tasks %d: from 1 to %d are possible", r.Tasks, pipeline.MostTasks)}
	}
	config, err := readConfig(r.Config, r.Set)
	if err != nil {
		return err
	}
	debug.SetMemoryLimit(int64(config.Resources.Memory))
	s := store.New()
	defer s.Close()
	log := e.logger()
	plan, err := pipeline.NewPlan(e.ctx, s, config, log)
	if err != nil {
		return err
	}
	if r.DryRun {
		return plan.Print(e.out)
	}
	var meter pipeline.Meter
	progress := e.watch(&meter, log)
	done, job, err := plan.Prepare(e.ctx, programVersion(), r.Tasks, &meter)
	progress.stop()
	if err != nil {
		return err
	}
	if done != nil {
		fmt.Fprintf(e.out, "already complete, nothing to do: %s\n", done.RunURL)
		return nil
	}
	fmt.Fprintf(e.out, "planned %s\n%d tasks: palimpsest shard %s --task I, for each I from 0 to %d, then palimpsest commit %s\n",
		plan.RunURL, job.Tasks(), plan.RunURL, job.Tasks()-1, plan.RunURL)
	return nil
}

type shardCommand struct {
	URL  string `arg:"" name:"run" help:"The run's directory, as plan printed it: a path or URL."`
	Task int    `required:"" placeholder:"I" help:"The task to do, counted from 0."`
}

// Run carries out the command.
func (c *shardCommand) Run(e *environment) error {
	return e.withJob(c.URL, func(job *pipeline.Job) error {
		if err := job.Shard(e.ctx, c.Task); err != nil {
			return err
		}
		fmt.Fprintf(e.out, "done: task %d of %s\n", c.Task, c.URL)
		return nil
	})
}

type commitCommand struct {
	URL string `arg:"" name:"run" help:"The run's directory, as plan printed it: a path or URL."`
}

// Run carries out the command.
func (c *commitCommand) Run(e *environment) error {
	return e.withJob(c.URL, func(job *pipeline.Job) error {
		result, err := job.Commit(e.ctx)
		if err != nil {
			return err
		}
		e.finished(result)
		return nil
	})
}

// withJob opens the plan of a run and hands it over; of a run that is complete it says so.
func (e *environment) withJob(url string, do func(*pipeline.Job) error) error {
	s := store.New()
	defer s.Close()
	log := e.logger()
	var meter pipeline.Meter
	done, job, err := pipeline.OpenJob(e.ctx, s, url, programVersion(), log, &meter)
	if err != nil {
		return err
	}
	if done != nil {
		e.finished(done)
		return nil
	}
	debug.SetMemoryLimit(int64(job.Config.Resources.Memory))
	debug.SetGCPercent(10)
	progress := e.watch(&meter, log)
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
