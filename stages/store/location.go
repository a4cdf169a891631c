package store

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
)

// ErrURL is in the chain of every error that a URL causes by itself, before any store is asked: a configuration to correct.
var ErrURL = errors.New("bad URL")

// location is a URL taken apart. Keys are verbatim: an object's name is never percent-decoded, so that every name a store can
// hold can be written. Local paths and file URLs have no parameters: a question mark belongs to the name.
type location struct {
	scheme string
	bucket string // empty for file
	key    string // without leading slash; for file the absolute path
	query  string // parameters of the bucket
}

func (l location) base() string { return l.scheme + "://" + l.bucket }

// uri names the object in tables.
func (l location) uri() string { return l.base() + "/" + l.key }

// params matches the parameters at the end of a URL. A question mark is a wildcard of patterns too; it begins parameters when a
// name and an equals sign follow and no slash precedes the first of them.
var params = regexp.MustCompile(`\?([A-Za-z_]+=[^?]*)$`)

var scheme = regexp.MustCompile(`^([a-z][a-z0-9+.-]*)://`)

// parse takes a URL or a local path apart.
func parse(raw string) (location, error) {
	m := scheme.FindStringSubmatch(raw)
	if m == nil {
		if raw == "" {
			return location{}, fmt.Errorf("%w: it is empty", ErrURL)
		}
		abs, err := filepath.Abs(raw)
		if err != nil {
			return location{}, fmt.Errorf("%w %s: %w", ErrURL, raw, err)
		}
		if strings.HasSuffix(raw, "/") && abs != "/" {
			abs += "/" // Abs cleans the slash away that makes a prefix of it
		}
		return location{scheme: "file", key: strings.TrimPrefix(abs, "/")}, nil
	}
	l := location{scheme: m[1]}
	if _, err := driverOf(l.scheme); err != nil {
		return location{}, fmt.Errorf("%w %s: %w", ErrURL, raw, err)
	}
	rest := raw[len(m[0]):]
	if q := params.FindStringSubmatchIndex(rest); q != nil && l.scheme != "file" {
		l.query, rest = rest[q[2]:q[3]], rest[:q[0]]
		if _, err := url.ParseQuery(l.query); err != nil {
			return location{}, fmt.Errorf("%w %s: parameters %q: %w", ErrURL, raw, l.query, err)
		}
	}
	l.bucket, l.key, _ = strings.Cut(rest, "/")
	switch {
	case l.scheme == "file" && l.bucket != "":
		return location{}, fmt.Errorf("%w %s: a local URL has three slashes and an absolute path, file:///data/a.parquet; "+
			"a relative path goes without scheme, data/a.parquet", ErrURL, raw)
	case l.scheme != "file" && l.bucket == "":
		return location{}, fmt.Errorf("%w %s: it names no bucket", ErrURL, raw)
	}
	return l, nil
}

// literal takes the URI of an object apart, which has no parameters whatever its name looks like.
func literal(uri string) (location, error) {
	m := scheme.FindStringSubmatch(uri)
	if m == nil {
		return location{}, fmt.Errorf("%w %s: it has no scheme", ErrURL, uri)
	}
	if _, err := driverOf(m[1]); err != nil {
		return location{}, fmt.Errorf("%w %s: %w", ErrURL, uri, err)
	}
	l := location{scheme: m[1]}
	l.bucket, l.key, _ = strings.Cut(uri[len(m[0]):], "/")
	return l, nil
}
