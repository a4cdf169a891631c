package read

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// What callers branch on.
var (
	// ErrCorrupt says that bytes of the object contradict the Parquet format or one another. Reading again does not help.
	ErrCorrupt = errors.New("corrupt data")
	// ErrUnsupported says that the object is sound as far as it was read but uses a part of the format that is not read here:
	// encryption, LZO, columns in other files.
	ErrUnsupported = errors.New("not supported")
	// ErrTooLarge says that a row group cannot be held within the memory that reading was given.
	ErrTooLarge = errors.New("too large for the memory given to reading")
	// ErrColumn says that the object has no such column, or one of another type than was asked for.
	ErrColumn = errors.New("wrong column")
)

// Error says where in which object reading failed.
type Error struct {
	Object string // URI
	Group  int    // row group, from 0; -1 when the footer is at fault
	Column string // empty when no single column is at fault
	Row    int64  // row of the object, from 0; -1 when unknown
	Err    error
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Object)
	sep := ": "
	if e.Group >= 0 {
		fmt.Fprintf(&b, "%srow group %d", sep, e.Group)
		sep = ", "
	}
	if e.Column != "" {
		fmt.Fprintf(&b, "%scolumn %s", sep, printable(e.Column))
		sep = ", "
	}
	if e.Row >= 0 {
		fmt.Fprintf(&b, "%srow %d", sep, e.Row)
	}
	return b.String() + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// corrupt returns an error of kind ErrCorrupt.
func corrupt(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrCorrupt}, args...)...)
}

func unsupported(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrUnsupported}, args...)...)
}

// printable returns a name from a file such that it cannot break a line or a terminal.
func printable(name string) string {
	if q := strconv.Quote(name); q != `"`+name+`"` {
		return q
	}
	return name
}

// bytesOf prints a number of bytes.
func bytesOf(n int64) string {
	switch {
	case n >= 10<<30:
		return fmt.Sprintf("%.0f GiB", float64(n)/(1<<30))
	case n >= 10<<20:
		return fmt.Sprintf("%.0f MiB", float64(n)/(1<<20))
	case n >= 10<<10:
		return fmt.Sprintf("%.0f KiB", float64(n)/(1<<10))
	}
	return fmt.Sprintf("%d bytes", n)
}
