package store

import (
	"fmt"
	"slices"
	"strings"
	"sync"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"
)

// Driver says how a scheme pins a read to the version of an object. Its As callbacks are those of gocloud.dev
// (https://gocloud.dev/concepts/as/).
type Driver struct {
	// Params are parameters that a bucket's URL gets unless it gives its own.
	Params map[string]string
	// Version returns the version of an object from its attributes.
	Version func(*blob.Attributes) string
	// Condition makes a read that is about to be sent fail unless the object still has that version. Nil where the store has no
	// such condition: then attributes are compared after every read.
	Condition func(as func(any) bool, version string) error
	// Observed returns the version that a reader was answered with, or "" when the answer does not say, and the byte of the object
	// that the answer begins with, or -1. Stores and proxies exist that ignore conditions or ranges, so the answer is compared too.
	// Nil where the answer never says.
	Observed func(*blob.Reader) (version string, from int64)
	// Listed returns the version of an object from its entry in a listing, or "" when that does not say. Nil where listings never
	// say: then every object is looked up.
	Listed func(*blob.ListObject) string
	// Code returns what kind of error it is. Nil where gcerrors.Code is right.
	Code func(error) gcerrors.ErrorCode
	// Refused reports whether an error says that the caller may not do what it asked, whatever code the driver gives it: gcsblob
	// calls it "not found", azureblob and s3blob often "unknown". Nil where there are no such errors.
	Refused func(error) bool
	// Expired reports whether Refused is true because credentials are past their time. Nil where none expire.
	Expired func(error) bool
	// Unconditional reports whether an error says that the store has no conditional writes. Nil where every store has them.
	Unconditional func(error) bool
	// Remedy says what to check when the store refuses or cannot be reached.
	Remedy string
}

var drivers = struct {
	sync.RWMutex
	byScheme map[string]Driver
}{byScheme: map[string]Driver{
	// The version of a local object is its modification time in nanoseconds and its size.
	"file": {Version: etag, Remedy: "check the path and its permissions"},
	"mem":  {Version: etag},
}}

func etag(a *blob.Attributes) string { return a.ETag }

// Register makes a scheme known. Package cloud calls it for s3, gs and azblob when it is initialised.
func Register(scheme string, d Driver) {
	drivers.Lock()
	defer drivers.Unlock()
	drivers.byScheme[scheme] = d
}

func driverOf(scheme string) (Driver, error) {
	drivers.RLock()
	defer drivers.RUnlock()
	d, ok := drivers.byScheme[scheme]
	if !ok {
		var known []string
		for s := range drivers.byScheme {
			known = append(known, s+"://")
		}
		slices.Sort(known)
		return Driver{}, fmt.Errorf("scheme %q is not known; this program knows %s", scheme, strings.Join(known, " "))
	}
	return d, nil
}
