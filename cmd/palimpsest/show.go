package main

import (
	"fmt"
	"os"

	"golang.org/x/term"

	"palimpsest/pipeline"
	"palimpsest/stages/report"
	"palimpsest/stages/store"
)

type showCommand struct {
	URL string `arg:"" name:"run" help:"The run's directory: a path or URL."`
}

// Run carries out the command.
func (c *showCommand) Run(e *environment) error {
	s := store.New()
	defer s.Close()
	state, m, why, err := pipeline.ReadManifest(e.ctx, s, c.URL)
	switch {
	case err != nil:
		return err
	case state == pipeline.Absent:
		return &pipeline.DataError{Err: fmt.Errorf("%s: no run is there", c.URL)}
	case state == pipeline.Incomplete:
		return &pipeline.DataError{Err: fmt.Errorf("%s: incomplete: %s; run it again to finish it", c.URL, why)}
	}
	in := report.Input{Store: s, RunURL: c.URL, Outputs: m.Outputs, Families: m.Families}
	for _, f := range m.Failures {
		in.Quarantined = append(in.Quarantined, f.String())
	}
	for _, r := range m.Controls {
		in.RemovedControls = append(in.RemovedControls, r.ID+": "+r.Reason)
	}
	for _, n := range m.Notes {
		in.Notes = append(in.Notes, fmt.Sprintf("%s: %d %s", n.About, n.Count, n.Text))
	}
	if f, ok := e.out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil {
			in.Width = width
		}
		in.Colour = os.Getenv("NO_COLOR") == ""
	}
	return report.Summary(e.ctx, e.out, in)
}
