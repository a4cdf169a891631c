package main

import (
	"fmt"
	"os"

	"palimpsest/pipeline"
	"palimpsest/stages/store"
)

// planning is what the commands that begin with a configuration have in common.
type planning struct {
	Config string   `short:"c" required:"" placeholder:"FILE" help:"The configuration, a YAML file."`
	Set    []string `sep:"none" placeholder:"KEY=VALUE" help:"Override one key of the configuration, as in --set ngram.min_words=8 or --set probes.0.kind=work. Repeatable."`
	DryRun bool     `help:"Print what would be read, the memory it needs and the tasks, and leave."`

	metricsFlags
}

// plan opens the inputs of the configuration and hands the plan over, unless it is only to be printed.
func (r *planning) plan(e *environment, do func(*pipeline.Plan, *pipeline.Meter) error) error {
	config, err := readConfig(r.Config, r.Set)
	if err != nil {
		return err
	}
	collectWithin(config.Resources.Memory, 10)
	s := store.New()
	defer s.Close()
	var meter pipeline.Meter
	metrics, err := r.metrics(e, &meter, s, config.RunID, "")
	if err != nil {
		return err
	}
	plan, err := pipeline.NewPlan(e.ctx, s, config, e.log)
	if err != nil {
		return err
	}
	metrics.name(plan.RunID, "")
	if r.DryRun {
		return plan.Print(e.out)
	}
	return do(plan, &meter)
}

type runCommand struct{ planning }

// Run carries out the command.
func (r *runCommand) Run(e *environment) error {
	return r.plan(e, func(plan *pipeline.Plan, meter *pipeline.Meter) error {
		progress := e.watch(meter)
		result, err := plan.Run(e.ctx, programVersion(), meter)
		progress.stop()
		if err != nil {
			return err
		}
		e.finished(result)
		return nil
	})
}

func readConfig(path string, sets []string) (*pipeline.Config, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, &pipeline.UsageError{Err: fmt.Errorf("the configuration cannot be read: %w", err)}
	}
	return pipeline.LoadConfig(path, data, sets)
}
