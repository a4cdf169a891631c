package pipeline

import (
	"context"
	"errors"
	"fmt"

	"palimpsest/stages/llama"
	"palimpsest/stages/model"
	"palimpsest/stages/read"
	"palimpsest/stages/server"
	"palimpsest/stages/store"
)

// The exit codes of the command. 2 is what a Go panic leaves, and never ours.
const (
	ExitDone        = 0
	ExitRetry       = 1  // a retry may help
	ExitQuarantined = 3  // done, but some inputs were quarantined and are listed
	ExitUsage       = 64 // usage or configuration
	ExitData        = 65 // bad input
	ExitUnavailable = 69 // a service is unavailable
	ExitBug         = 70 // ours
	ExitPreempted   = 75 // stopped from outside, resumable
)

// DataError is input that cannot be used as it is: the remedy is to change the input.
type DataError struct{ Err error }

func (e *DataError) Error() string { return e.Err.Error() }
func (e *DataError) Unwrap() error { return e.Err }

func badData(format string, args ...any) error { return &DataError{fmt.Errorf(format, args...)} }

// UsageError is a command or configuration that cannot be carried out.
type UsageError struct{ Err error }

func (e *UsageError) Error() string { return e.Err.Error() }
func (e *UsageError) Unwrap() error { return e.Err }

func badUsage(format string, args ...any) error { return &UsageError{fmt.Errorf(format, args...)} }

// BugError is a broken promise of our own.
type BugError struct{ Err error }

func (e *BugError) Error() string { return "internal error: " + e.Err.Error() }
func (e *BugError) Unwrap() error { return e.Err }

// ExitCode returns the exit code that tells err to schedulers.
func ExitCode(err error) int {
	var (
		config *ConfigError
		usage  *UsageError
		data   *DataError
		bug    *BugError
		parse  *read.Error
	)
	switch {
	case err == nil:
		return ExitDone
	case errors.Is(err, context.Canceled):
		return ExitPreempted
	case errors.As(err, &bug):
		return ExitBug
	case errors.As(err, &config), errors.As(err, &usage), errors.Is(err, read.ErrTooLarge), errors.Is(err, server.ErrRefused),
		errors.Is(err, server.ErrCapability), errors.Is(err, model.ErrUnfit):
		return ExitUsage
	case errors.Is(err, store.ErrUnavailable), errors.Is(err, server.ErrUnavailable):
		return ExitUnavailable
	case errors.Is(err, store.ErrChanged), errors.Is(err, store.ErrMissing), errors.As(err, &data), errors.As(err, &parse),
		errors.Is(err, llama.ErrBroken):
		return ExitData
	}
	return ExitRetry
}
