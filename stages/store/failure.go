package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"gocloud.dev/gcerrors"
)

// What callers branch on.
var (
	// ErrMissing says that the object does not exist, or that the store will not say whether it does.
	ErrMissing = errors.New("not found")
	// ErrChanged says that the object no longer has the version that was listed. Trying again does not help: the run has to start
	// from the new version.
	ErrChanged = errors.New("changed since it was listed")
	// ErrUnavailable says that the store refused or could not be reached, after retries.
	ErrUnavailable = errors.New("store unavailable")
	// ErrTooBig says that an object is longer than its reader allows.
	ErrTooBig = errors.New("object too big")
)

// permanent reports whether trying again cannot help. Codes the drivers do not know are Unknown; a lost connection and a 500 are
// among them, and a conflict of two conditional writes, so Unknown is tried again.
func permanent(ctx context.Context, scheme string, err error) bool {
	if errors.Is(err, errSilent) {
		return false
	}
	if ctx.Err() != nil || errors.Is(err, ErrChanged) || errors.Is(err, ErrTooBig) || errors.Is(err, fs.ErrPermission) {
		return true
	}
	switch codeOf(scheme, err) {
	case gcerrors.NotFound, gcerrors.FailedPrecondition, gcerrors.PermissionDenied, gcerrors.InvalidArgument,
		gcerrors.AlreadyExists, gcerrors.Unimplemented, gcerrors.Canceled:
		return true
	}
	return false
}

// failure puts the error of a driver into one line that names the object, and into the chain what callers branch on.
func failure(ctx context.Context, l location, what string, err error) error {
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%s %s: %w", what, l.uri(), context.Cause(ctx))
	}
	if errors.Is(err, ErrChanged) || errors.Is(err, ErrTooBig) {
		return fmt.Errorf("%s %s: %w", what, l.uri(), err)
	}
	code := codeOf(l.scheme, err)
	if refused(l.scheme, err) {
		code = gcerrors.PermissionDenied
	}
	switch code {
	case gcerrors.NotFound:
		if l.scheme == "file" {
			if info, err := os.Stat("/" + l.key); err == nil && info.IsDir() {
				return fmt.Errorf("%s %s: %w: it is a folder; end it with a slash to read what is below it", what, l.uri(), ErrMissing)
			}
			return fmt.Errorf("%s %s: %w", what, l.uri(), ErrMissing) // a cloud store's words tell a missing bucket from a missing object
		}
		return fmt.Errorf("%s %s: %w: %s", what, l.uri(), ErrMissing, line(err))
	case gcerrors.FailedPrecondition:
		return fmt.Errorf("%s %s: %w: %s", what, l.uri(), ErrChanged, line(err))
	}
	if expired(l.scheme, err) {
		return fmt.Errorf("%s %s: %w: %s; the credentials are no longer valid: renew them and run the same command again", what, l.uri(),
			ErrUnavailable, line(err))
	}
	return fmt.Errorf("%s %s: %w: %s%s", what, l.uri(), ErrUnavailable, line(err), remedy(l.scheme))
}

// openFailure is failure for a bucket that cannot be opened, which the drivers do without asking the store.
func openFailure(l location, err error) error {
	if strings.Contains(err.Error(), "query parameter") {
		return fmt.Errorf("%w %s: %s", ErrURL, l.base(), line(err))
	}
	return fmt.Errorf("open %s: %w: %s%s", l.base(), ErrUnavailable, line(err), remedy(l.scheme))
}

// codeOf returns what kind of error of a driver it is.
func codeOf(scheme string, err error) gcerrors.ErrorCode {
	if d, derr := driverOf(scheme); derr == nil && d.Code != nil {
		return d.Code(err)
	}
	return gcerrors.Code(err)
}

func refused(scheme string, err error) bool {
	d, derr := driverOf(scheme)
	return derr == nil && d.Refused != nil && d.Refused(err)
}

func expired(scheme string, err error) bool {
	d, derr := driverOf(scheme)
	return derr == nil && d.Expired != nil && d.Expired(err)
}

func remedy(scheme string) string {
	d, err := driverOf(scheme)
	if err != nil || d.Remedy == "" {
		return ""
	}
	return "; " + d.Remedy
}

// maxLine bounds how much of an SDK's message is shown: some hold the whole answer of the store.
const maxLine = 400

// line is the message of an error on one line, without the rules that SDKs draw.
func line(err error) string {
	words := slices.DeleteFunc(strings.Fields(err.Error()), func(w string) bool { return strings.Trim(w, "-") == "" })
	s := strings.Join(words, " ")
	if len(s) > maxLine {
		s = strings.ToValidUTF8(s[:maxLine], "") + "..."
	}
	return s
}
