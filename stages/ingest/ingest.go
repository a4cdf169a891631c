// Package ingest turns what people hold, JSON lines and text files, into one Parquet file that a run can read.
//
// Inputs are local files and folders. A folder is walked in the order of names; names that begin with a dot are left out. A name
// ending in .gz or .zst is decompressed. What remains of the name decides: .jsonl, .ndjson and .json hold one JSON object a line,
// anything else is one text.
//
// The output has the string columns id and text, then one nullable string column per option. Rows keep the order of the inputs.
// A text file is one row: its id is its path relative to the folder that was given, with slashes (the file's name when the file
// itself was given), its text the file byte for byte, a byte order mark included, so that offsets into the text are offsets into
// the file. Of JSON lines each object is a row; lines of white space alone are passed over, and an id that is missing or null
// becomes <file>:<line>. Numbers and booleans are taken as they are written.
//
// Text must be UTF-8, since Parquet strings are. What is not is an error, or on request replaced by U+FFFD and counted; the same
// holds for halves of surrogate pairs in JSON strings.
//
// A line or a text file longer than 256 MiB is an error, so memory is bounded: by some seven times the longest text, and by a row
// group of 64 MiB. The output is a function of the inputs' names and bytes alone.
package ingest

import (
	"context"
	"errors"
	"fmt"

	"palimpsest/stages/store"
)

// Options says what is taken from where.
type Options struct {
	Inputs []string // files and folders, in the order of the rows
	Output string   // a local path or a URL that ends in .parquet; an existing file is replaced

	Text    string   // field of the text in JSON objects, dotted for a nested one; empty: text
	ID      string   // field of the id; empty: id
	Columns []string // further columns, as name or name=field

	ReplaceInvalid bool // replace what is not UTF-8 by U+FFFD; without it such text is an error

	Store *store.Store // writes the output when it is a URL; nil: a new one
}

// Summary says what was written.
type Summary struct {
	Rows     int64
	Files    int64
	Bytes    int64 // of text
	Replaced int64 // replacements by U+FFFD, a run of invalid bytes counting once
}

// UsageError is a mistake in the options.
type UsageError struct{ Reason string }

func (e *UsageError) Error() string { return e.Reason }

func badUsage(format string, args ...any) error { return &UsageError{fmt.Sprintf(format, args...)} }

// InputError is a mistake in an input. Its text names the file, the line where there is one, and the remedy.
type InputError struct {
	File   string // as it was found
	Line   int64  // from 1; 0 when the file as a whole is meant
	Reason string
}

func (e *InputError) Error() string {
	if e.Line == 0 {
		return fmt.Sprintf("%s: %s", e.File, e.Reason)
	}
	return fmt.Sprintf("%s: line %d: %s", e.File, e.Line, e.Reason)
}

// Run reads the inputs and writes the output, which is whole or, after an error, as it was before. Errors are of type UsageError
// or InputError where the caller can mend something.
func Run(ctx context.Context, o Options) (Summary, error) {
	t, err := newTarget(o.Output, o.Store)
	if err != nil {
		return Summary{}, err
	}
	f, err := newFields(o)
	if err != nil {
		return Summary{}, err
	}
	sources, err := list(ctx, o.Inputs, t.local)
	if err != nil {
		return Summary{}, err
	}
	if err := f.fit(sources); err != nil {
		return Summary{}, err
	}
	defer t.discard()
	file, err := t.create(ctx)
	if err != nil {
		return Summary{}, err
	}
	in := ingestion{fields: f, replace: o.ReplaceInvalid, out: newParquetFile(file, f.columns)}
	for _, s := range sources {
		if err := in.add(ctx, s); err != nil {
			return Summary{}, failure(ctx, s, err)
		}
	}
	if in.out.rows == 0 {
		return Summary{}, &InputError{File: o.Inputs[0], Reason: fmt.Sprintf("no rows: the %d files that were found hold no text", len(sources))}
	}
	if err := f.all(); err != nil {
		return Summary{}, err
	}
	if err := in.out.close(); err != nil {
		return Summary{}, fmt.Errorf("write %s: %w", o.Output, err)
	}
	if err := t.publish(ctx); err != nil {
		return Summary{}, err
	}
	return Summary{Rows: in.out.rows, Files: int64(len(sources)), Bytes: in.out.bytes, Replaced: in.replaced}, nil
}

// failure names the file in errors that do not.
func failure(ctx context.Context, s source, err error) error {
	var input *InputError
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("read %s: %w", s.path, context.Cause(ctx))
	case errors.As(err, &input):
		return err
	}
	return fmt.Errorf("read %s: %w", s.path, err)
}
