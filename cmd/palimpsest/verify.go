package main

import (
	"fmt"
	"path"
	"strings"

	"palimpsest/pipeline"
	"palimpsest/pipeline/verify"
	"palimpsest/stages/store"
)

type verifyCommand struct {
	URL     string `arg:"" name:"run" help:"The run's directory: a path or URL."`
	Sources bool   `help:"Read all column chunks and models that the run read again, and compare their digests."`

	metricsFlags
}

// Run carries out the command.
func (c *verifyCommand) Run(e *environment) error {
	s := store.New()
	defer s.Close()
	var meter pipeline.Meter
	base, _, _ := strings.Cut(c.URL, "?")
	if _, err := c.metrics(e, &meter, s, path.Base(base), ""); err != nil {
		return err
	}
	progress := e.watch(&meter)
	r, err := verify.Run(e.ctx, s, c.URL, verify.Options{Sources: c.Sources, Meter: &meter})
	progress.stop()
	for _, p := range r.Problems {
		fmt.Fprintln(e.out, "problem:", p)
	}
	if r.More > 0 {
		fmt.Fprintf(e.out, "problem: and %d more\n", r.More)
	}
	for _, w := range r.Warnings {
		fmt.Fprintln(e.out, "warning:", w)
	}
	if !r.Holds() {
		fmt.Fprintf(e.out, "%s does not hold: %d problems\n", c.URL, len(r.Problems)+r.More)
		if err == nil {
			e.code = pipeline.ExitData
			return nil
		}
		return &pipeline.DataError{Err: fmt.Errorf("%s does not hold, and could not be checked to the end: %s", c.URL, err.Error())}
	}
	if err != nil {
		return fmt.Errorf("%s could not be checked to the end: %w", c.URL, err)
	}
	fmt.Fprintf(e.out, "%s holds: %d files with %d rows; %d probes and %d cited passages compared with their sources", c.URL, r.Files, r.Rows,
		r.Probes, r.Passages)
	if c.Sources {
		fmt.Fprintf(e.out, "; %d column chunks and models read again", r.Chunks)
	}
	if r.Unchecked > 0 {
		fmt.Fprintf(e.out, "; %d could not be", r.Unchecked)
	}
	fmt.Fprintln(e.out)
	return nil
}
