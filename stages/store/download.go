package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// Download copies the object at key below the URL to a local file, whole or not at all. The read is one answer of the store, not pinned
// to a version: it is for objects that are only ever replaced by the same bytes, and whose readers check what they hold.
func (s *Store) Download(ctx context.Context, bucketURL, key, localFile string) error {
	_, _, l, err := s.place(bucketURL, key)
	if err != nil {
		return err
	}
	b, name, err := s.bucket(ctx, l)
	if err != nil {
		return err
	}
	err = s.do(ctx, l, "read", func(ctx context.Context, alive alive) (err error) {
		r, err := b.NewReader(ctx, name, nil)
		if err != nil {
			return err
		}
		defer r.Close()
		f, err := os.Create(localFile)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		n, err := io.Copy(f, aliveReader{r, s.retry.quiet, alive})
		s.bytes.Add(n)
		if err == nil && n != r.Size() {
			return fmt.Errorf("the store ended the answer after %d of %d bytes", n, r.Size())
		}
		return err
	})
	if err != nil {
		os.Remove(localFile)
	}
	return err
}

// Prune removes the empty directories below a local URL, and the one it names when it is empty. Elsewhere there are none.
func (s *Store) Prune(bucketURL string) error {
	l, err := s.root(bucketURL)
	if err != nil || l.scheme != "file" {
		return err
	}
	var directories []string
	err = filepath.WalkDir("/"+l.key, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			directories = append(directories, path)
		}
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
	for _, d := range slices.Backward(directories) {
		_ = os.Remove(d) // not empty: it stays
	}
	return err
}
