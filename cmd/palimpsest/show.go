package main

type showCommand struct {
	RunURL string `arg:"" name:"run" help:"The run's directory: a path or URL."`
}

// Run carries out the command.
func (c *showCommand) Run(e *environment) error { return nil }

type ingestCommand struct{}

// Run carries out the command.
func (c *ingestCommand) Run(e *environment) error { return nil }
