package main

import (
	"errors"

	"palimpsest/pipeline"
	"palimpsest/stages/report"
	"palimpsest/stages/store"
)

type explainCommand struct {
	URL   string `arg:"" name:"run" help:"The run's directory: a path or URL."`
	Probe string `arg:"" help:"The id of a probe."`
	Span  int64  `default:"-1" placeholder:"N" help:"Show what stands around span N; without it, around the span that shows most."`
}

// Run carries out the command.
func (c *explainCommand) Run(e *environment) error {
	s := store.New()
	defer s.Close()
	in, err := reportInput(e, s, c.URL)
	if err != nil {
		return err
	}
	e.terminal(in)
	err = report.Explain(e.ctx, e.out, *in, c.Probe, c.Span)
	if errors.Is(err, report.ErrNoProbe) {
		return &pipeline.UsageError{Err: err}
	}
	return err
}
