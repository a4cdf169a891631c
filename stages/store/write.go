package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
	"unicode"
	"unicode/utf8"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"
)

// Upload writes a finished local file to key below the URL, replacing what is there. The object is whole or absent, never cut
// short: the file is opened and sized before anything is sent, and the same bytes are sent again after a transient failure.
func (s *Store) Upload(ctx context.Context, bucketURL, key, localFile, contentType string) error {
	f, err := os.Open(localFile)
	if err != nil {
		return fmt.Errorf("write %s to %s: %w", key, bucketURL, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return fmt.Errorf("write %s to %s: %w", key, bucketURL, err)
	}
	_, err = s.write(ctx, bucketURL, key, content{f, info.Size(), contentType}, false)
	return err
}

// Put writes data to key below the URL, replacing what is there, as Upload writes a file.
func (s *Store) Put(ctx context.Context, bucketURL, key string, data []byte, contentType string) error {
	_, err := s.write(ctx, bucketURL, key, content{bytes.NewReader(data), int64(len(data)), contentType}, false)
	return err
}

// Create writes data to key below the URL unless there is an object already, and reports whether data is what is there now. False
// means that an object with other bytes was there first: it is left as it is, and ReadAll gets it.
//
// Of writers that race with different bytes exactly one is told true. All whose bytes are those that are there are told true, whoever
// wrote them: a write whose answer was lost finds its own bytes when it is tried again, and nobody can tell these from another's.
//
// This is exclusive where the store is: Amazon S3, versitygw, MinIO, Google Cloud Storage, Azure, local files on file systems with
// hard links (NFS among them), and mem. A store that answers that it has no conditional writes, and a file system without hard links,
// is asked whether the object exists before it is written: there two writers at the same moment may both be told true. So may they be
// by a store that ignores the condition without a word.
func (s *Store) Create(ctx context.Context, bucketURL, key string, data []byte, contentType string) (created bool, err error) {
	for range createTries {
		created, err = s.write(ctx, bucketURL, key, content{bytes.NewReader(data), int64(len(data)), contentType}, true)
		if created || err != nil {
			return created, err
		}
		there, err := s.ReadAll(ctx, bucketURL, key, int64(len(data)))
		switch {
		case err == nil:
			return bytes.Equal(there, data), nil
		case errors.Is(err, ErrTooBig):
			return false, nil
		case !errors.Is(err, ErrMissing):
			return false, err
		} // else it was deleted in between
	}
	return false, fmt.Errorf("write %s to %s: %w: another writer creates and deletes it", key, bucketURL, ErrUnavailable)
}

// createTries bounds how often Create starts anew because what stood in its way is gone.
const createTries = 3

// write writes an object and reports whether it did: with exclusive it does not where there is one.
func (s *Store) write(ctx context.Context, bucketURL, key string, c content, exclusive bool) (written bool, err error) {
	_, _, l, err := s.place(bucketURL, key)
	if err != nil {
		return false, err
	}
	if l.scheme == "file" {
		err = s.do(ctx, l, "write", func(ctx context.Context, alive alive) (err error) {
			if written, err = writeFile(ctx, "/"+l.key, c, exclusive, alive); written {
				s.written.Add(c.size)
			}
			return err
		})
		return written, err
	}
	b, err := s.cloud(ctx, l)
	if err != nil {
		return false, err
	}
	d, err := driverOf(l.scheme)
	if err != nil {
		return false, err
	}
	unconditional := false
	err = s.do(ctx, l, "write", func(ctx context.Context, alive alive) error {
		err := c.send(ctx, b, l.key, exclusive, alive)
		if exclusive && err != nil {
			if codeOf(l.scheme, err) == gcerrors.FailedPrecondition {
				return nil
			}
			if d.Unconditional != nil && d.Unconditional(err) {
				unconditional = true
				return nil
			}
		}
		if written = err == nil; written {
			s.written.Add(c.size)
		}
		return err
	})
	if !unconditional {
		return written, err
	}
	if found, err := s.Exists(ctx, bucketURL, key); found || err != nil {
		return false, err
	}
	return s.write(ctx, bucketURL, key, c, false)
}

// content is what is written: the same bytes for every try.
type content struct {
	from        io.ReaderAt
	size        int64
	contentType string
}

// send uploads the content to a bucket.
func (c content) send(ctx context.Context, b *blob.Bucket, key string, exclusive bool, alive alive) (err error) {
	// Closing a writer commits what it has, even after a failure; a context that ends first is the only way to drop it.
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer func() {
		// azureblob's writer fails so when an upload ends before its data does.
		if p := recover(); p != nil {
			err = fmt.Errorf("the driver gave up: %v", p)
		}
		if cause := context.Cause(ctx); err != nil && cause != nil {
			err = cause
		}
	}()
	return b.Upload(ctx, key, c.reader(ctx, cancel, alive), &blob.WriterOptions{ContentType: c.contentType, IfNotExist: exclusive})
}

// reader returns a reader of the content that fails, after it called fail, rather than end early.
func (c content) reader(ctx context.Context, fail context.CancelCauseFunc, alive alive) io.Reader {
	alive(quietUpload)
	return &whole{ctx: ctx, fail: fail, alive: alive, from: io.NewSectionReader(c.from, 0, c.size), left: c.size}
}

type whole struct {
	ctx   context.Context
	fail  context.CancelCauseFunc
	alive alive
	from  io.Reader
	left  int64
}

func (w *whole) Read(p []byte) (int, error) {
	if err := context.Cause(w.ctx); err != nil {
		return 0, err
	}
	w.alive(quietUpload)
	n, err := w.from.Read(p)
	w.left -= int64(n)
	if errors.Is(err, io.EOF) && w.left > 0 {
		err = fmt.Errorf("the local file is %d bytes shorter than it was", w.left)
	}
	if err != nil && !errors.Is(err, io.EOF) {
		w.fail(err)
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
	err = s.do(ctx, l, "read", func(ctx context.Context, alive alive) error {
		r, err := b.NewReader(ctx, name, nil)
		if err != nil {
			return err
		}
		defer r.Close()
		if data, err = io.ReadAll(io.LimitReader(aliveReader{r, s.retry.quiet, alive}, limit+1)); err != nil {
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
	if k = path.Clean("/" + key)[1:]; k == "" || k != key || !utf8.ValidString(k) || strings.ContainsFunc(k, unicode.IsControl) {
		return root, "", object, fmt.Errorf("%w %s: %q is not the name of an object below it", ErrURL, bucketURL, key)
	}
	root.key = strings.Trim(root.key, "/")
	object = root
	object.key = strings.TrimPrefix(root.key+"/"+k, "/")
	return root, k, object, nil
}
