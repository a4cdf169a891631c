package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gocloud.dev/blob"
	"golang.org/x/sync/errgroup"
)

// lookups is how many attribute look-ups run at once while listing: enough to hide the latency of a store, few enough not to be
// throttled.
const lookups = 16

// List returns the objects that the patterns name, sorted by URI, each once, each with its present version.
//
// A pattern is the URL of an object, a prefix that ends in a slash (every object below it whose name ends in .parquet), or a glob:
// "*", "?" and "[...]" match within a path component, a component "**" matches any number of components; a prefix may hold them too.
// Without a scheme it is a local path, relative to the working directory. Components that begin with "_" or "." (markers, temporary
// files of other writers) are matched only by a pattern component that begins so too. A pattern that matches nothing is an error that
// names it.
func (s *Store) List(ctx context.Context, patterns []string) ([]Object, error) {
	locations := make([]location, len(patterns))
	for i, p := range patterns {
		l, err := parse(p)
		if err != nil {
			return nil, err
		}
		// All parameters are known before any bucket is opened: a later URL may give those of an earlier one.
		if err := s.configure(l); err != nil {
			return nil, err
		}
		locations[i] = l
	}
	found := map[string]Object{}
	for i, l := range locations {
		some, err := s.match(ctx, l, found)
		if err != nil {
			return nil, err
		}
		if !some {
			return nil, fmt.Errorf("list %s: %w: no object matches it; a prefix ends in a slash and holds *.parquet, a glob may use * ? [] **",
				patterns[i], ErrMissing)
		}
	}
	objects := slices.SortedFunc(maps.Values(found), func(a, b Object) int { return strings.Compare(a.URI, b.URI) })
	return objects, s.lookUp(ctx, objects)
}

// lookUp fills in what listings did not say of the objects.
func (s *Store) lookUp(ctx context.Context, objects []Object) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(lookups)
	for i := range objects {
		o := &objects[i]
		if o.Version != "" {
			continue
		}
		g.Go(func() (err error) {
			*o, err = s.attributes(ctx, o.at)
			return err
		})
	}
	return g.Wait()
}

// match adds to found the objects that the pattern at l names, and reports whether there are any. An object that the listing gives a
// version needs no look-up. A plain URL names its object whether or not it exists; the look-up will tell.
func (s *Store) match(ctx context.Context, l location, found map[string]Object) (some bool, err error) {
	d, err := driverOf(l.scheme)
	if err != nil {
		return false, fmt.Errorf("%w %s: %w", ErrURL, l.uri(), err)
	}
	add := func(key string, entry *blob.ListObject) {
		o := Object{at: l}
		o.at.key, o.at.query = key, ""
		o.URI = o.at.uri()
		if entry != nil && d.Listed != nil {
			o.Size, o.Version = entry.Size, d.Listed(entry)
		}
		some = true
		found[o.URI] = o
	}
	var g glob
	var prefix string
	switch {
	case hasMeta(l.key):
		pattern := l.key
		if strings.HasSuffix(pattern, "/") {
			pattern += "**/*.parquet"
		}
		if g, err = newGlob(pattern); err != nil {
			return false, fmt.Errorf("%w %s: %w", ErrURL, l.uri(), err)
		}
		prefix = g.prefix
	case l.key == "" || strings.HasSuffix(l.key, "/"):
		g, prefix = below(l.key), l.key
	default:
		add(l.key, nil)
		return true, nil
	}
	err = s.walk(ctx, l, prefix, func(key string, entry *blob.ListObject) {
		if g.match(key) {
			add(key, entry)
		}
	})
	return some, err
}

// walk calls fn with every key that begins with prefix, and its entry in the listing; nil for local files.
func (s *Store) walk(ctx context.Context, l location, prefix string, fn func(key string, entry *blob.ListObject)) error {
	if l.scheme == "file" {
		return walkFiles(ctx, l, prefix, fn)
	}
	b, err := s.cloud(ctx, l)
	if err != nil {
		return err
	}
	token := blob.FirstPageToken
	for {
		var page []*blob.ListObject
		var next []byte
		err := s.do(ctx, l, "list", func(ctx context.Context, _ alive) (err error) {
			page, next, err = b.ListPage(ctx, token, 1000, &blob.ListOptions{Prefix: prefix})
			return err
		})
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		for _, o := range page {
			if !o.IsDir {
				fn(o.Key, o)
			}
		}
		if len(next) == 0 {
			return nil
		}
		token = next
	}
}

// walkFiles is walk over local files. The driver would pass over directories it cannot read without a word, and walk the whole
// tree anew for every page of a listing.
func walkFiles(ctx context.Context, l location, prefix string, fn func(key string, entry *blob.ListObject)) error {
	root := "/" + prefix[:strings.LastIndexByte(prefix, '/')+1]
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err == nil {
			err = ctx.Err()
		}
		if err != nil {
			return err
		}
		if d.IsDir() {
			return nil
		}
		if d.Type()&fs.ModeSymlink != 0 {
			if info, err := os.Stat(path); err == nil && info.IsDir() {
				return fmt.Errorf("%s is a link to a directory, which is not followed: give the directory itself as a pattern", path)
			}
		}
		fn(strings.TrimPrefix(path, "/"), nil)
		return nil
	})
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("list %s: %w", l.uri(), context.Cause(ctx))
	case errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("list %s: %w: %s", l.uri(), ErrMissing, line(err))
	}
	return fmt.Errorf("list %s: %w: %s%s", l.uri(), ErrUnavailable, line(err), remedy("file"))
}
