package main

import (
	"errors"
	"fmt"

	"palimpsest/pipeline"
	"palimpsest/stages/ingest"
	"palimpsest/stages/store"
)

type ingestCommand struct {
	Files []string `arg:"" name:"in... out.parquet" help:"Files and folders of JSON lines (.jsonl, .ndjson, .json) or text, also as .gz or .zst; last the Parquet file to write, a path or URL."`

	Text    string   `default:"text" placeholder:"FIELD" help:"Field of the text in JSON objects; dots lead into nested ones."`
	ID      string   `default:"id" placeholder:"FIELD" help:"Field of the id; where it is missing, the id is file:line."`
	Column  []string `sep:"none" placeholder:"NAME[=FIELD]" help:"A further column, from the field of that name or of another. Repeatable."`
	Invalid string   `enum:"error,replace" default:"error" help:"What to do with text that is not UTF-8: error, or replace by U+FFFD."`
}

// Run carries out the command.
func (c *ingestCommand) Run(e *environment) error {
	if len(c.Files) < 2 {
		return &pipeline.UsageError{Err: errors.New("ingest takes at least one input, and last the Parquet file to write")}
	}
	s := store.New()
	defer s.Close()
	last := len(c.Files) - 1
	sum, err := ingest.Run(e.ctx, ingest.Options{
		Inputs: c.Files[:last], Output: c.Files[last], Text: c.Text, ID: c.ID, Columns: c.Column,
		ReplaceInvalid: c.Invalid == "replace", Store: s,
	})
	var (
		usage *ingest.UsageError
		input *ingest.InputError
	)
	switch {
	case errors.As(err, &usage):
		return &pipeline.UsageError{Err: err}
	case errors.As(err, &input):
		return &pipeline.DataError{Err: err}
	case err != nil:
		return err
	}
	fmt.Fprintf(e.out, "wrote %s: %d rows of %d files, %d bytes of text\n", c.Files[last], sum.Rows, sum.Files, sum.Bytes)
	if sum.Replaced > 0 {
		fmt.Fprintf(e.out, "%d runs of bytes that are not UTF-8 were replaced by U+FFFD\n", sum.Replaced)
	}
	return nil
}
