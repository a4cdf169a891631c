package store

import (
	"context"
	"errors"
	"fmt"
	"io"

	"gocloud.dev/blob"
	"gocloud.dev/gcerrors"
	"golang.org/x/sync/errgroup"
)

// Object is one version of an object.
type Object struct {
	URI     string `json:"uri"`     // without parameters: s3://bucket/dir/a.parquet, file:///data/a.parquet
	Size    int64  `json:"size"`    // bytes
	Version string `json:"version"` // ETag; generation for gs; modification time and size for file and mem

	// at is where the object was found, without parameters. Its URI does not tell when the name reads like one with parameters
	// (b?v=1). Empty for an object made by hand, whose URI is taken apart as any URL is.
	at location
}

// location returns where the object is.
func (o Object) location() (location, error) {
	if o.at.scheme != "" && o.at.uri() == o.URI {
		return o.at, nil
	}
	return parse(o.URI)
}

// Pinned returns the version of an object that List found, in another process perhaps, from what its fields say.
func Pinned(uri string, size int64, version string) (Object, error) {
	l, err := literal(uri)
	if err == nil && version == "" {
		err = fmt.Errorf("%w %s: no version was given", ErrURL, uri)
	}
	return Object{URI: uri, Size: size, Version: version, at: l}, err
}

// Reader reads ranges of one version of an object. It is safe for concurrent use and holds nothing open.
type Reader struct {
	store  *Store
	at     location
	bucket *blob.Bucket
	key    string
	driver Driver
	object Object
}

// Open returns a reader of the object. It asks nothing of the store unless the object's version is empty: then the reader is
// pinned to the present one. An object that List returned is found whatever its name; the URI of one made by hand is read as List
// reads it, but for wildcards.
func (s *Store) Open(ctx context.Context, o Object) (*Reader, error) {
	l, err := o.location()
	if err != nil {
		return nil, err
	}
	d, err := driverOf(l.scheme)
	if err != nil {
		return nil, fmt.Errorf("%w %s: %w", ErrURL, o.URI, err)
	}
	b, key, err := s.bucket(ctx, l)
	if err != nil {
		return nil, err
	}
	r := &Reader{store: s, at: l, bucket: b, key: key, driver: d, object: o}
	if o.Version == "" {
		if r.object, err = s.attributes(ctx, l); err != nil {
			return nil, err
		}
	}
	return r, nil
}

// Object returns the object with its size and version.
func (r *Reader) Object() Object { return r.object }

// ReadRange fills p from the object's bytes at off. Anything short of that is an error: ErrChanged when the object is no longer
// the version that r is pinned to, ErrMissing when it is gone, ErrUnavailable when the store does not deliver. Transient failures
// are retried from where they happened. p may be written to even when an error is returned.
func (r *Reader) ReadRange(ctx context.Context, p []byte, off int64) error {
	if off < 0 || off > r.object.Size || int64(len(p)) > r.object.Size-off {
		return fmt.Errorf("read %s: bytes %d to %d are outside the object of %d bytes", r.object.URI, off, off+int64(len(p)),
			r.object.Size)
	}
	if len(p) == 0 {
		return ctx.Err()
	}
	if r.driver.Condition == nil {
		if err := r.readPart(ctx, p, off); err != nil {
			return err
		}
		return r.unchanged(ctx)
	}
	// Equal parts, so that none ends long after the others.
	n := (len(p) + largestPart - 1) / largestPart
	if n == 1 {
		return r.readPart(ctx, p, off)
	}
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(partsAtOnce)
	for i := range n {
		from, to := len(p)*i/n, len(p)*(i+1)/n
		g.Go(func() error { return r.readPart(ctx, p[from:to], off+int64(from)) })
	}
	return g.Wait()
}

// A range is fetched in parts, some of them at once: one stream from a store across a network brings 50 to 100 MB/s whatever the line
// can do. Each part is a request, which costs as much as storing 8 MiB for some hours.
const (
	largestPart = 8 << 20
	partsAtOnce = 6
)

// progress is how much a try has to bring for the count of tries to begin anew, that or a quarter of what is missing: a store that
// breaks off now and then is read to the end, one that brings a byte at a time is not asked for ever.
const progress = 64 << 10

// readPart fills p with one request, and more of them for what is missing when it breaks off.
func (r *Reader) readPart(ctx context.Context, p []byte, off int64) error {
	got := 0
	w := &waits{retryPolicy: r.store.retry}
	return r.store.retryWith(ctx, w, r.at, "read", func(ctx context.Context, alive alive) error {
		missing := p[got:]
		n, err := r.fill(ctx, missing, off+int64(got), alive)
		got += n
		r.store.bytes.Add(int64(n))
		if n >= min(progress, len(missing)/4+1) {
			w.Reset()
		}
		if code := codeOf(r.at.scheme, err); code == gcerrors.NotFound || code == gcerrors.FailedPrecondition {
			return r.gone(ctx, err)
		}
		return err
	})
}

// At returns the object for libraries that read at random, which ask under ctx.
func (r *Reader) At(ctx context.Context) io.ReaderAt { return readerAt{ctx, r} }

type readerAt struct {
	ctx context.Context
	r   *Reader
}

// ReadAt reads as io.ReaderAt asks it to.
func (a readerAt) ReadAt(p []byte, off int64) (int, error) {
	size := a.r.object.Size
	if off < 0 || off >= size {
		return 0, io.EOF
	}
	n := int(min(int64(len(p)), size-off))
	if err := a.r.ReadRange(a.ctx, p[:n], off); err != nil {
		return 0, err
	}
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

// fill makes one request and returns how many bytes of the pinned version it got.
func (r *Reader) fill(ctx context.Context, p []byte, off int64, alive alive) (int, error) {
	opts := &blob.ReaderOptions{}
	if r.driver.Condition != nil {
		opts.BeforeRead = func(as func(any) bool) error { return r.driver.Condition(as, r.object.Version) }
	}
	b, err := r.bucket.NewRangeReader(ctx, r.key, off, int64(len(p)), opts)
	if err != nil {
		return 0, err
	}
	defer b.Close()
	if r.driver.Observed != nil {
		v, from := r.driver.Observed(b)
		if v != "" && v != r.object.Version {
			return 0, fmt.Errorf("%w: version %s is now %s", ErrChanged, r.object.Version, v)
		}
		if from >= 0 && from != off {
			return 0, fmt.Errorf("the answer begins with byte %d where %d was asked for", from, off)
		}
	}
	if b.Size() != r.object.Size {
		return 0, fmt.Errorf("%w: its %d bytes are now %d", ErrChanged, r.object.Size, b.Size())
	}
	n, err := io.ReadFull(aliveReader{b, r.store.retry.quiet, alive}, p)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		// Not in the chain as an end of file: to a reader above that would look like a normal end.
		err = fmt.Errorf("the store ended the answer after %d of %d bytes", n, len(p))
	}
	return n, err
}

// gone tells an object that was deleted from one that was replaced: gs answers a read of an old generation with "not found", and
// azblob a condition on what does not exist with "condition not met".
func (r *Reader) gone(ctx context.Context, err error) error {
	r.store.counts.request("look up", 1)
	a, aerr := r.bucket.Attributes(ctx, r.key)
	switch {
	case aerr != nil && codeOf(r.at.scheme, aerr) == gcerrors.NotFound:
		return aerr
	case aerr == nil && r.driver.Version(a) != r.object.Version:
		return fmt.Errorf("%w: version %s is now %s", ErrChanged, r.object.Version, r.driver.Version(a))
	}
	return err
}

// unchanged compares the object's attributes with the pinned version, after a read that carried no condition.
func (r *Reader) unchanged(ctx context.Context) error {
	o, err := r.store.attributes(ctx, r.at)
	if err != nil {
		return err
	}
	if o.Version != r.object.Version {
		return fmt.Errorf("read %s: %w: version %s is now %s", r.object.URI, ErrChanged, r.object.Version, o.Version)
	}
	return nil
}

// attributes returns the present version of the object at l.
func (s *Store) attributes(ctx context.Context, l location) (Object, error) {
	d, err := driverOf(l.scheme)
	if err != nil {
		return Object{}, fmt.Errorf("%w %s: %w", ErrURL, l.uri(), err)
	}
	b, key, err := s.bucket(ctx, l)
	if err != nil {
		return Object{}, err
	}
	o := Object{URI: l.uri(), at: l}
	o.at.query = ""
	err = s.do(ctx, l, "look up", func(ctx context.Context, _ alive) error {
		a, err := b.Attributes(ctx, key)
		if err == nil {
			o.Size, o.Version = a.Size, d.Version(a)
		}
		return err
	})
	return o, err
}
