// Package store reads and writes objects under file://, mem://, s3://, gs:// and azblob:// URLs.
//
// An input is read by ranges that are pinned to the version that was listed: every range read carries the version as a condition
// where the store honours one, and the version that came back is compared. A run therefore sees one version of an object or
// fails with ErrChanged, never a mixture of two.
//
// An object is named in tables by its URI without parameters, s3://bucket/dir/a.parquet. Parameters of a configured URL
// (?endpoint=...&region=...) belong to the bucket: a Store remembers them and uses them for every object of that bucket.
//
// Outputs are written whole or not at all on every store: from finished local files by Upload, from memory by Put, and by Create where
// whoever comes first decides.
//
// A store that is slow, breaks off or refuses now and then is got over (retry.go); package storetest has a suite that every store has to
// pass, and faults to pass it through.
//
// The drivers of s3, gs and azblob bring large SDKs. They live in package cloud, which the command imports for its effect.
package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"sync"
	"sync/atomic"

	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"
	"gocloud.dev/blob/memblob"
)

// Store opens buckets, keeps them open and counts what is asked of them. It is safe for concurrent use.
type Store struct {
	retry retryPolicy

	mu      sync.Mutex
	buckets map[string]*blob.Bucket // by URL with parameters
	params  map[string]string       // parameters by bucket URL without them

	counts  *counts
	bytes   atomic.Int64 // read
	written atomic.Int64
}

// New returns a store that has opened nothing yet.
func New() *Store {
	return &Store{retry: defaultRetry, buckets: map[string]*blob.Bucket{}, params: map[string]string{}, counts: newCounts()}
}

// Close closes every bucket. The contents of mem:// buckets are lost.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	for _, b := range s.buckets {
		errs = append(errs, b.Close())
	}
	clear(s.buckets)
	return errors.Join(errs...)
}

// Bucket returns the bucket of a URL: a directory for file:// (made when it is absent), otherwise the bucket without a path.
// mem:// buckets are shared by name within one Store. The bucket belongs to the Store and must not be closed.
func (s *Store) Bucket(ctx context.Context, rawURL string) (*blob.Bucket, error) {
	l, err := parse(rawURL)
	if err != nil {
		return nil, err
	}
	if l.scheme == "file" {
		return s.directory(ctx, l)
	}
	if l.key != "" {
		return nil, fmt.Errorf("%w %s: the URL of a bucket has no path", ErrURL, l.base()+"/"+l.key)
	}
	if err := s.configure(l); err != nil {
		return nil, err
	}
	return s.cloud(ctx, l)
}

// configure remembers the parameters of a bucket. A bucket that is configured in two ways is an error: an object's URI could
// not tell them apart.
func (s *Store) configure(l location) error {
	if l.query == "" {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if q, ok := s.params[l.base()]; ok && q != l.query {
		return fmt.Errorf("%w %s: configured with two sets of parameters, %q and %q: give the same to every URL of the bucket",
			ErrURL, l.base(), q, l.query)
	}
	s.params[l.base()] = l.query
	return nil
}

// bucket returns the bucket that holds the object at l, and the object's key in it. The bucket of a local object is its directory,
// since the driver can hold no object in a bucket that is the root directory.
func (s *Store) bucket(ctx context.Context, l location) (*blob.Bucket, string, error) {
	if l.scheme != "file" {
		b, err := s.cloud(ctx, l)
		return b, l.key, err
	}
	dir, name := path.Split("/" + l.key)
	if dir == "/" {
		return nil, "", fmt.Errorf("%w %s: an object directly in the root directory cannot be opened: move it into a directory",
			ErrURL, l.uri())
	}
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		return nil, "", fmt.Errorf("open %s: %w: %s", l.uri(), ErrMissing, line(err))
	}
	b, err := s.open(ctx, l, &url.URL{Scheme: "file", Path: dir, RawQuery: fileParams})
	return b, name, err
}

func (s *Store) cloud(ctx context.Context, l location) (*blob.Bucket, error) {
	query := l.query
	if query == "" {
		s.mu.Lock()
		query = s.params[l.base()]
		s.mu.Unlock()
	}
	d, err := driverOf(l.scheme)
	if err != nil {
		return nil, fmt.Errorf("%w %s: %w", ErrURL, l.base(), err)
	}
	q, err := url.ParseQuery(query)
	if err != nil {
		return nil, fmt.Errorf("%w %s: parameters %q: %w", ErrURL, l.base(), query, err)
	}
	for name, value := range d.Params {
		if !q.Has(name) {
			q.Set(name, value)
		}
	}
	return s.open(ctx, l, &url.URL{Scheme: l.scheme, Host: l.bucket, RawQuery: q.Encode()})
}

// directory returns a bucket rooted at a directory, which is made when it is absent.
func (s *Store) directory(ctx context.Context, l location) (*blob.Bucket, error) {
	return s.open(ctx, l, &url.URL{Scheme: "file", Path: "/" + l.key, RawQuery: fileParams + "&create_dir=true"})
}

// fileParams keep temporary files beside their targets, so that the last rename stays within one file system, and keep sidecar
// files away.
const fileParams = "no_tmp_dir=true&metadata=skip"

func (s *Store) open(ctx context.Context, l location, u *url.URL) (*blob.Bucket, error) {
	name := u.String()
	s.mu.Lock()
	defer s.mu.Unlock()
	if b, ok := s.buckets[name]; ok {
		return b, nil
	}
	var b *blob.Bucket
	var err error
	switch u.Scheme {
	case "mem":
		b = memblob.OpenBucket(nil)
	case "file":
		b, err = new(fileblob.URLOpener).OpenBucketURL(ctx, u)
	default:
		b, err = blob.OpenBucket(ctx, name)
	}
	if err != nil {
		return nil, openFailure(l, err)
	}
	s.buckets[name] = b
	return b, nil
}

// Configure makes the parameters of URLs known for all objects of their buckets, as List does.
func (s *Store) Configure(urls ...string) error {
	for _, u := range urls {
		l, err := parse(u)
		if err == nil {
			err = s.configure(l)
		}
		if err != nil {
			return err
		}
	}
	return nil
}
