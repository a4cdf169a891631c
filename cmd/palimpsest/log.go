package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"palimpsest/pipeline"
)

// logAs has what happens written to standard error in that format.
func (e *environment) logAs(format string) {
	e.format = format
	if format == "json" {
		e.log = slog.New(slog.NewJSONHandler(e.err, nil))
	} else {
		e.log = slog.New(slog.NewTextHandler(e.err, nil))
	}
}

// formatAsked looks for the format in a command line that may be wrong, so that a program reads what is wrong with it too.
func formatAsked(args []string) string {
	i := slices.Index(args, "--log-format")
	if slices.Contains(args, "--log-format=json") || i >= 0 && i+1 < len(args) && args[i+1] == "json" {
		return "json"
	}
	return "auto"
}

// complain says why the command failed, and returns its exit code. As text, an error takes one line, but for a bug, and each
// problem of a configuration one of its own.
func (e *environment) complain(err error) (code int) {
	code = pipeline.ExitCode(err)
	log := e.log.With("code", code)
	var (
		config *pipeline.ConfigError
		bug    *pipeline.BugError
	)
	switch {
	case errors.As(err, &config) && e.format == "json":
		for _, p := range config.Problems {
			if p.Set != "" {
				log.Error(p.Problem, "set", p.Set, "key", p.Key)
			} else {
				log.Error(p.Problem, "file", p.File, "line", p.Line, "key", p.Key)
			}
		}
	case errors.As(err, &config):
		fmt.Fprintln(e.err, config)
	case errors.Is(err, context.Canceled) && e.format == "json":
		log.Error("stopped", "reason", err.Error())
	case errors.Is(err, errHeld):
		fmt.Fprintln(e.err, "palimpsest: stopped:", err)
	case errors.Is(err, context.Canceled):
		fmt.Fprintln(e.err, "palimpsest: stopped; the same command goes on from what is done")
	case e.format == "json":
		log.Error(err.Error())
	case errors.As(err, &bug):
		fmt.Fprintln(e.err, "palimpsest:", err)
	default:
		fmt.Fprintln(e.err, "palimpsest:", strings.ReplaceAll(err.Error(), "\n", " "))
	}
	return code
}

// name has every line carry the run, and the task of it; "" for none.
func (e *environment) name(runID, task string) {
	e.logAs(e.format)
	if runID != "" {
		e.log = e.log.With("run", runID)
	}
	if task != "" {
		e.log = e.log.With("task", task)
	}
}
