package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	"gocloud.dev/blob"
)

// Upload writes a finished local file to key below the URL, replacing what is there. The object is whole or absent, never cut
// short: the file is opened and sized before anything is sent, and the same bytes are sent again after a transient failure.
func (s *Store) Upload(ctx context.Context, bucketURL, key, localFile, contentType string) error {
	b, k, l, err := s.target(ctx, bucketURL, key)
	if err != nil {
		return err
	}
	f, err := os.Open(localFile)
	if err != nil {
		return fmt.Errorf("write %s: %w", l.uri(), err)
	}
	defer f.Close()
	return s.do(ctx, l, "write", func() error {
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return err
		}
		// Closing a writer commits what it has, even after a failure; a context that ends first is the only way to drop it.
		upload, cancel := context.WithCancel(ctx)
		defer cancel()
		if err := b.Upload(upload, k, dropOnError{f, cancel}, &blob.WriterOptions{ContentType: contentType}); err != nil {
			return err
		}
		n, err := f.Seek(0, io.SeekCurrent)
		s.written.Add(n)
		return err
	})
}

// dropOnError cancels an upload whose source fails, so that the part already sent is not published.
type dropOnError struct {
	file   *os.File
	cancel context.CancelFunc
}

func (d dropOnError) Read(p []byte) (int, error) {
	n, err := d.file.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		d.cancel()
	}
	return n, err
}

// Exists reports whether there is an object at key below the URL.
func (s *Store) Exists(ctx context.Context, bucketURL, key string) (bool, error) {
	_, _, l, err := s.place(bucketURL, key)
	if err != nil {
		return false, err
	}
	switch _, err := s.attributes(ctx, l); {
	case errors.Is(err, ErrMissing):
		return false, nil
	case err != nil:
		return false, err
	}
	return true, nil
}

// ReadAll returns the object at key below the URL, which must not be longer than limit bytes. It is for markers and manifests:
// the read is not pinned to a version.
func (s *Store) ReadAll(ctx context.Context, bucketURL, key string, limit int64) ([]byte, error) {
	_, _, l, err := s.place(bucketURL, key)
	if err != nil {
		return nil, err
	}
	b, name, err := s.bucket(ctx, l)
	if err != nil {
		return nil, err
	}
	var data []byte
	err = s.do(ctx, l, "read", func() error {
		r, err := b.NewReader(ctx, name, nil)
		if err != nil {
			return err
		}
		defer r.Close()
		if data, err = io.ReadAll(io.LimitReader(r, limit+1)); err != nil {
			return err
		}
		s.bytes.Add(int64(len(data)))
		if int64(len(data)) > limit {
			return fmt.Errorf("%w: more than %d bytes", ErrTooBig, limit)
		}
		if int64(len(data)) != r.Size() {
			return fmt.Errorf("the store ended the answer after %d of %d bytes", len(data), r.Size())
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return data, nil
}

// place returns the location of key below the URL, and the location of the URL itself.
func (s *Store) place(bucketURL, key string) (root location, k string, object location, err error) {
	if root, err = parse(bucketURL); err != nil {
		return root, "", object, err
	}
	if err = s.configure(root); err != nil {
		return root, "", object, err
	}
	if k = path.Clean("/" + key)[1:]; k == "" || k != key {
		return root, "", object, fmt.Errorf("%w %s: %q is not the name of an object below it", ErrURL, bucketURL, key)
	}
	root.key = strings.Trim(root.key, "/")
	object = root
	object.key = strings.TrimPrefix(root.key+"/"+k, "/")
	return root, k, object, nil
}

// target returns the bucket that key below the URL is written to, and its key there. A local directory is made when it is absent.
func (s *Store) target(ctx context.Context, bucketURL, key string) (*blob.Bucket, string, location, error) {
	root, k, l, err := s.place(bucketURL, key)
	if err != nil {
		return nil, "", l, err
	}
	if root.scheme == "file" {
		b, err := s.directory(ctx, root)
		return b, k, l, err
	}
	b, err := s.cloud(ctx, l)
	return b, l.key, l, err
}
