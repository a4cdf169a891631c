package main

import (
	"fmt"
	"log/slog"
	"os"
	"runtime/debug"

	"palimpsest/pipeline"
	"palimpsest/stages/store"
)

type runCommand struct {
	Config string   `short:"c" required:"" placeholder:"FILE" help:"The configuration, a YAML file."`
	Set    []string `sep:"none" placeholder:"KEY=VALUE" help:"Override one key of the configuration, as in --set ngram.min_words=8 or --set probes.0.kind=work. Repeatable."`
	DryRun bool     `help:"Print what the run would read, the memory it needs and its tasks, and leave."`
}

// Run carries out the command.
func (r *runCommand) Run(e *environment) error {
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
	if plan.CorpusBytes() > largeCorpus {
		debug.SetGCPercent(10)
	}
	var meter pipeline.Meter
	progress := e.watch(&meter, log)
	result, err := plan.Run(e.ctx, programVersion(), &meter)
	progress.stop()
	if err != nil {
		return err
	}
	e.finished(result)
	return nil
}

// largeCorpus is the size, in stored bytes, from which most of the heap is buffers of text. They cost the collector nothing to look
// at, so collecting often keeps the memory near what is in use; small heaps would be collected all the time.
const largeCorpus = 16 << 20

func readConfig(path string, sets []string) (*pipeline.Config, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, &pipeline.UsageError{Err: fmt.Errorf("the configuration cannot be read: %w", err)}
	}
	return pipeline.LoadConfig(path, data, sets)
}

// logger writes what happens to standard error.
func (e *environment) logger() *slog.Logger {
	if e.log == "json" {
		return slog.New(slog.NewJSONHandler(e.err, nil))
	}
	return slog.New(slog.NewTextHandler(e.err, nil))
}
