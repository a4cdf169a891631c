package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// retryPolicy says how often an operation is tried and how long it waits in between. The SDKs try three times below it, within
// one to four seconds.
type retryPolicy struct {
	tries   uint
	first   time.Duration // the wait before the second try is at most that; the bound doubles from try to try
	elapsed time.Duration // no new try begins after this
	answer  time.Duration // a try that the store has not answered by then is given up
	quiet   time.Duration // as is an answer that stands still for that long; one that goes on slowly is not
}

var defaultRetry = retryPolicy{
	tries: 4, first: 500 * time.Millisecond, elapsed: 90 * time.Second, answer: time.Minute, quiet: 10 * time.Second,
}

// quietUpload is how long a store may take for what an SDK has read of an upload: some 50 MB at a time, over a line of 200 KB/s.
const quietUpload = 5 * time.Minute

// waits draws how long to wait between tries, evenly from nothing up to a bound that doubles: "full jitter", which keeps tasks that
// failed together from coming back together (Brooker, "Exponential Backoff and Jitter", AWS Architecture Blog, 2015).
type waits struct {
	retryPolicy
	failed uint
	since  time.Time
}

// Reset begins the count of tries and of time anew.
func (w *waits) Reset() { w.failed, w.since = 0, time.Now() }

// NextBackOff returns the wait before the next try.
func (w *waits) NextBackOff() time.Duration {
	if w.failed++; w.failed >= w.tries {
		return backoff.Stop
	}
	wait := rand.N(w.first << (w.failed - 1))
	if time.Since(w.since)+wait > w.elapsed {
		return backoff.Stop
	}
	return wait
}

// errSilent says that a store did not answer, or stopped in the middle of an answer.
var errSilent = errors.New("the store fell silent")

// alive is called when an operation gets on: it may be silent for so long from now on.
type alive func(time.Duration)

// do runs an operation on a location until it succeeds, fails for good, or the policy is used up. what says in the error what
// was being done. op runs under a context that ends when it falls silent.
func (s *Store) do(ctx context.Context, l location, what string, op func(ctx context.Context, alive alive) error) error {
	return s.retryWith(ctx, &waits{retryPolicy: s.retry}, l, what, op)
}

func (s *Store) retryWith(ctx context.Context, w *waits, l location, what string, op func(context.Context, alive) error) error {
	if err := ctx.Err(); err != nil {
		return failure(ctx, l, what, err)
	}
	try := 0
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		try++
		s.counts.request(what, try)
		err := s.try(ctx, op)
		if err != nil && (permanent(ctx, l.scheme, err) || refused(l.scheme, err)) {
			return struct{}{}, backoff.Permanent(err)
		}
		return struct{}{}, err
	}, backoff.WithBackOff(w), backoff.WithMaxElapsedTime(0))
	err = failure(ctx, l, what, err)
	s.counts.failed(ctx.Err() != nil, err)
	return err
}

// try runs an operation once, under a context that ends when it falls silent.
func (s *Store) try(ctx context.Context, op func(context.Context, alive) error) error {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	var allowed atomic.Int64 // SDKs read uploads in goroutines of their own
	allowed.Store(int64(s.retry.answer))
	silent := time.AfterFunc(s.retry.answer, func() { stop(errSilent) })
	defer silent.Stop()
	err := op(ctx, func(d time.Duration) {
		allowed.Store(int64(d))
		silent.Reset(d)
	})
	if err != nil && errors.Is(context.Cause(ctx), errSilent) {
		return fmt.Errorf("%w for %v", errSilent, time.Duration(allowed.Load()))
	}
	return err
}

// aliveReader reads an answer, and counts every piece of it as a sign of life.
type aliveReader struct {
	r     io.Reader
	quiet time.Duration
	alive alive
}

func (a aliveReader) Read(p []byte) (int, error) {
	a.alive(a.quiet)
	return a.r.Read(p)
}
