package main

import (
	"os"

	"golang.org/x/term"

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
	in, err := reportInput(e, s, c.URL)
	if err != nil {
		return err
	}
	e.terminal(in)
	return report.Summary(e.ctx, e.out, *in)
}

// terminal says what the reader's terminal can show.
func (e *environment) terminal(in *report.Input) {
	if f, ok := e.out.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil {
			in.Width = width
		}
		in.Colour = os.Getenv("NO_COLOR") == ""
	}
}
