package model

import (
	"errors"
	"fmt"
)

// Fault is an answer that breaks what Conform checks, found by the engine itself: a server that ignores what it was asked for still
// answers. Trying again does not help.
type Fault struct {
	Check  string // the name of the check that the answer fails: CheckCount and so on
	Detail string
}

func (f *Fault) Error() string { return f.Check + ": " + f.Detail }

// Faultf returns the Fault of a check, with what was seen and expected.
func Faultf(check, format string, args ...any) *Fault {
	return &Fault{Check: check, Detail: fmt.Sprintf(format, args...)}
}

// ErrReencoded says that an engine that takes text alone cannot be asked for these tokens: their text encodes to other ones, or is not
// UTF-8.
var ErrReencoded = errors.New("the text does not encode to these tokens, and the engine takes text alone")
