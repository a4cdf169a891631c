package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"
)

// root returns the place below which a URL's objects lie: its key is empty, or ends in a slash.
func (s *Store) root(bucketURL string) (location, error) {
	_, _, l, err := s.place(bucketURL, "x")
	l.key = strings.TrimSuffix(l.key, "x")
	return l, err
}

// Keys returns the keys of all objects below the URL, relative to it and sorted, markers and temporary files too. A local directory
// that does not exist holds none; a bucket that does not is ErrMissing.
func (s *Store) Keys(ctx context.Context, bucketURL string) ([]string, error) {
	l, err := s.root(bucketURL)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat("/" + l.key); l.scheme == "file" && errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var keys []string
	if err := s.walk(ctx, l, l.key, func(key string, _ *blob.ListObject) { keys = append(keys, strings.TrimPrefix(key, l.key)) }); err != nil {
		return nil, err
	}
	slices.Sort(keys)
	return keys, nil
}

// Delete removes the object at key below the URL, if there is one.
func (s *Store) Delete(ctx context.Context, bucketURL, key string) error {
	_, _, l, err := s.place(bucketURL, key)
	if err != nil {
		return err
	}
	b, name, err := s.bucket(ctx, l)
	if err == nil {
		err = s.do(ctx, l, "delete", func(ctx context.Context, _ alive) error {
			err := b.Delete(ctx, name)
			if codeOf(l.scheme, err) == gcerrors.NotFound && !refused(l.scheme, err) {
				return nil // perhaps gone with a try before, whose answer was lost
			}
			return err
		})
	}
	if l.scheme == "file" && errors.Is(err, ErrMissing) {
		return nil // the directory is absent
	}
	return err
}

// Writable reports why nothing could be written below the URL, as far as that shows before anything is written: it is asked ahead
// of hours of work. Below a local directory, existing or to be made, a temporary file is made and removed. Of a bucket one key is
// listed, which takes the bucket and credentials that it accepts; whether they allow writing only the first upload tells.
func (s *Store) Writable(ctx context.Context, bucketURL string) error {
	l, err := s.root(bucketURL)
	if err != nil {
		return err
	}
	if l.scheme == "file" {
		return writableDirectory(l)
	}
	b, err := s.cloud(ctx, l)
	if err != nil {
		return err
	}
	return s.do(ctx, l, "write", func(ctx context.Context, _ alive) error {
		_, _, err := b.ListPage(ctx, blob.FirstPageToken, 1, &blob.ListOptions{Prefix: l.key})
		return err
	})
}

// writableDirectory tries to write into the nearest directory at or above l that exists.
func writableDirectory(l location) error {
	dir := filepath.Clean("/" + l.key)
	for {
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) || dir == "/" {
			break // any other error is what writing runs into as well
		}
		dir = filepath.Dir(dir)
	}
	f, err := os.CreateTemp(dir, ".palimpsest-*")
	if err == nil {
		err = errors.Join(f.Close(), os.Remove(f.Name()))
	}
	if err == nil {
		return nil
	}
	if p, ok := errors.AsType[*fs.PathError](err); ok {
		err = p.Err // without the name of the temporary file
	}
	return fmt.Errorf("write %s: %w: %s: %s%s", l.uri(), ErrUnavailable, dir, line(err), remedy("file"))
}
