package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

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
	in.Origins, err = origins(e, s, m)
	return in, err
}

// origins returns the objects that the run read texts from, in the versions that it read. The store learns the parameters of their
// buckets from the run's configuration.
func origins(e *environment, s *store.Store, m *pipeline.Manifest) ([]report.Origin, error) {
	var config struct {
		Corpus *struct {
			URLs    []string          `json:"urls"`
			Columns map[string]string `json:"columns"`
		} `json:"corpus"`
		Probes []struct {
			URLs    []string          `json:"urls"`
			Columns map[string]string `json:"columns"`
		} `json:"probes"`
	}
	if err := json.NewDecoder(bytes.NewReader(m.Config)).Decode(&config); err != nil {
		return nil, &pipeline.DataError{Err: fmt.Errorf("reading the configuration in the run's manifest: %w", err)}
	}
	var urls []string
	text, prompts := "text", []string(nil)
	if c := config.Corpus; c != nil {
		urls = append(urls, c.URLs...)
		if c.Columns["text"] != "" {
			text = c.Columns["text"]
		}
	}
	for _, p := range config.Probes {
		urls = append(urls, p.URLs...)
		if p.Columns["prompt"] != "" {
			prompts = append(prompts, p.Columns["prompt"])
		}
	}
	for _, u := range urls {
		if strings.Contains(u, "://") && !strings.HasPrefix(u, "file://") {
			// A bucket that cannot be opened is no reason to fail: what cannot be quoted says so on the page.
			_, _ = s.Bucket(e.ctx, u)
		}
	}
	var found []report.Origin
	for _, i := range m.Inputs {
		o := report.Origin{Object: store.Object{URI: i.URI, Size: i.Size, Version: i.Version}, Text: text}
		if i.Role != "corpus" && i.Role != "probes" {
			continue
		}
		for _, c := range i.Chunks {
			if slices.Contains(prompts, c.Column) {
				o.Prompt = c.Column
			}
		}
		found = append(found, o)
	}
	return found, nil
}
