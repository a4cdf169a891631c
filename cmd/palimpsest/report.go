package main

import (
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"palimpsest/pipeline"
	"palimpsest/stages/report"
	"palimpsest/stages/store"
)

type reportCommand struct {
	URL    string `arg:"" name:"run" help:"The run's directory: a path or URL."`
	Output string `short:"o" name:"output" placeholder:"FILE" help:"Where the page goes; - is standard output. Default: report.html in the working directory." default:"report.html"`
}

// Run carries out the command.
func (c *reportCommand) Run(e *environment) error {
	s := store.New()
	defer s.Close()
	in, err := reportInput(e, s, c.URL)
	if err != nil {
		return err
	}
	if c.Output == "-" {
		return report.HTML(e.ctx, e.out, *in)
	}
	// Whole or not at all: beside its place first, so that a page that was there stays until there is another.
	f, err := os.CreateTemp(filepath.Dir(c.Output), "."+filepath.Base(c.Output)+".*")
	if err != nil {
		return &pipeline.UsageError{Err: fmt.Errorf("writing %s: %w", c.Output, err)}
	}
	defer os.Remove(f.Name())
	if err := report.HTML(e.ctx, f, *in); err != nil {
		f.Close()
		return err
	}
	if err := f.Chmod(0o644); err != nil {
		f.Close()
		return fmt.Errorf("writing %s: %w", c.Output, err)
	}
	if err := f.Close(); err != nil {
		return fmt.Errorf("writing %s: %w", c.Output, err)
	}
	if err := os.Rename(f.Name(), c.Output); err != nil {
		return fmt.Errorf("writing %s: %w", c.Output, err)
	}
	fmt.Fprintln(e.out, c.Output)
	return nil
}

// reportInput says what is known of a finished run, for those who look at it.
func reportInput(e *environment, s *store.Store, url string) (*report.Input, error) {
	state, m, why, err := pipeline.ReadManifest(e.ctx, s, url)
	switch {
	case err != nil:
		return nil, err
	case state == pipeline.Absent:
		return nil, &pipeline.DataError{Err: fmt.Errorf("%s: no run is there", url)}
	case state == pipeline.Incomplete:
		return nil, &pipeline.DataError{Err: fmt.Errorf("%s: incomplete: %s; run it again to finish it", url, why)}
	}
	in := &report.Input{Store: s, RunURL: url, Outputs: m.Outputs, Families: m.Families}
	for _, f := range m.Failures {
		in.Quarantined = append(in.Quarantined, f.String())
	}
	for _, r := range m.Controls {
		in.RemovedControls = append(in.RemovedControls, r.ID+": "+r.Reason)
	}
	for _, n := range m.Notes {
		in.Notes = append(in.Notes, fmt.Sprintf("%s: %d %s", n.About, n.Count, n.Text))
	}
	in.Origins, err = origins(s, m)
	return in, err
}

// origins returns the objects that the run read texts from, in the versions that it read. The store learns the parameters of their
// buckets from the run's configuration. What cannot be opened is no reason to fail: what cannot be quoted says so on the page.
func origins(s *store.Store, m *pipeline.Manifest) (found []report.Origin, err error) {
	config, err := m.Configuration()
	if err != nil {
		return nil, err
	}
	if err := config.Configure(s); err != nil {
		return nil, err
	}
	for _, in := range m.Inputs {
		object, err := store.Pinned(in.URI, in.Size, in.Version)
		if err != nil {
			return nil, &pipeline.DataError{Err: err}
		}
		// The columns that were read tell the sources of probes apart.
		o := report.Origin{Object: object}
		column := func(columns map[string]string, role string) string {
			if name := columns[role]; slices.ContainsFunc(in.Chunks, func(c pipeline.Chunk) bool { return c.Column == name }) {
				return name
			}
			return ""
		}
		switch in.Role {
		case "corpus":
			o.Text = column(config.Corpus.Columns, "text")
		case "probes":
			for _, p := range config.Probes {
				o.Text, o.Prompt = cmp.Or(o.Text, column(p.Columns, "text")), cmp.Or(o.Prompt, column(p.Columns, "prompt"))
			}
		default:
			continue
		}
		found = append(found, o)
	}
	return found, nil
}
