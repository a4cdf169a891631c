package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
	"golang.org/x/time/rate"
)

const (
	firstWait    = 500 * time.Millisecond // before the second try; doubled from try to try, spread by half
	longestWait  = time.Minute            // between tries; a server that asks for more is waited for up to longestAsked
	longestAsked = 5 * time.Minute
	mostFailures = 20 // in a row, over all requests: then the server is taken to be gone
)

// client sends requests to one server.
type client struct {
	base    *url.URL
	key     string
	http    *http.Client
	timeout time.Duration
	tries   uint
	wait    time.Duration // firstWait, less in tests
	slots   chan struct{}
	limit   *rate.Limiter

	requests, retries atomic.Int64 // sent; those of them that repeated one
	failures          atomic.Int64 // tries that failed since one succeeded
	life              context.Context
	end               context.CancelCauseFunc // ends every request for good
}

func newClient(base *url.URL, key string, o Options) *client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = o.Concurrency
	c := &client{
		base: base, key: key, http: &http.Client{Transport: transport}, timeout: o.Timeout, tries: uint(max(o.Retries, 0)) + 1,
		wait: retryWait, slots: make(chan struct{}, o.Concurrency), limit: rate.NewLimiter(rate.Inf, 1),
	}
	if o.PerSecond > 0 {
		c.limit.SetLimit(rate.Limit(o.PerSecond))
	}
	c.life, c.end = context.WithCancelCause(context.Background())
	return c
}

// retryWait is firstWait; tests that let requests fail shorten it.
var retryWait = firstWait

func (c *client) close() {
	c.end(errors.New("the engine is closed"))
	c.http.CloseIdleConnections()
}

// onceKey marks a context whose requests are not repeated after a status of 500: some servers answer so to what they cannot read.
type onceKey struct{}

func once(ctx context.Context) context.Context { return context.WithValue(ctx, onceKey{}, true) }

// call sends a request, with a JSON body unless body is nil, and reads the reply of at most limit bytes into reply. It tries again
// what may pass. The error is ErrUnavailable when the tries are used up, ErrRefused when the server says no.
func (c *client) call(ctx context.Context, method, path string, body any, limit int64, reply any) error {
	var sent []byte
	if body != nil {
		var err error
		if sent, err = json.Marshal(body); err != nil {
			return fmt.Errorf("%s %s: %w", method, path, err)
		}
	}
	what := method + " " + path
	if err := context.Cause(c.life); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	inner, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	defer context.AfterFunc(c.life, func() { cancel(context.Cause(c.life)) })()

	single := ctx.Value(onceKey{}) != nil
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval, wait.Multiplier, wait.RandomizationFactor, wait.MaxInterval = c.wait, 2, .5, longestWait
	made := 0
	_, err := backoff.Retry(inner, func() (struct{}, error) {
		if made++; made > 1 {
			c.retries.Add(1)
		}
		err := c.try(inner, method, path, sent, limit, reply)
		return struct{}{}, c.judge(err, single)
	}, backoff.WithBackOff(wait), backoff.WithMaxTries(c.tries), backoff.WithMaxElapsedTime(0))
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return fmt.Errorf("%s: %w", what, context.Cause(ctx))
	}
	if err := context.Cause(c.life); err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	if t, ok := errors.AsType[*transient](err); ok {
		times := ""
		if made > 1 {
			times = fmt.Sprintf(" after %d tries", made)
		}
		return fmt.Errorf("%s: %w%s: %s", what, ErrUnavailable, times, t.Error())
	}
	return fmt.Errorf("%s: %w", what, err)
}

// judge counts failures and says which errors are final.
func (c *client) judge(err error, single bool) error {
	t, ok := errors.AsType[*transient](err)
	if ok && single && t.internal {
		ok, err = false, fmt.Errorf("%w: %s", ErrRefused, t.Error())
	}
	if !ok {
		if err != nil {
			return backoff.Permanent(err)
		}
		c.failures.Store(0)
		return nil
	}
	if t.busy {
		return t // the server is there
	}
	if n := c.failures.Add(1); n >= mostFailures {
		c.end(fmt.Errorf("%w: %d tries in a row failed, the last with: %s; start the server and run again, the answers so far are "+
			"kept when there is a cache", ErrUnavailable, n, t.Error()))
	}
	return t
}

// try makes one request.
func (c *client) try(ctx context.Context, method, path string, sent []byte, limit int64, reply any) error {
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	if err := c.limit.Wait(ctx); err != nil {
		return err
	}
	c.requests.Add(1)
	timed, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	r, err := http.NewRequestWithContext(timed, method, c.base.JoinPath(path).String(), bytes.NewReader(sent))
	if err != nil {
		return err
	}
	r.Header.Set("Accept", "application/json")
	if sent != nil {
		r.Header.Set("Content-Type", "application/json")
	}
	if c.key != "" {
		r.Header.Set("Authorization", "Bearer "+c.key)
	}
	answer, err := c.http.Do(r)
	if err != nil {
		return c.broken(ctx, timed, err)
	}
	defer answer.Body.Close()
	data, err := io.ReadAll(io.LimitReader(answer.Body, limit+1))
	if err != nil {
		return c.broken(ctx, timed, err)
	}
	if int64(len(data)) > limit {
		return fmt.Errorf("%w: the reply is longer than %d bytes, more than the question can need", ErrRefused, limit)
	}
	if answer.StatusCode != http.StatusOK {
		return c.status(answer, data)
	}
	if err := errorInside(data); err != nil {
		return c.redacted(err)
	}
	return decode(data, reply)
}

// decode reads a reply. One that is no JSON was cut short, or comes from something before the server: it may be right the next time.
func decode(data []byte, reply any) error {
	if reply == nil {
		return nil
	}
	err := json.Unmarshal(data, reply)
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*json.SyntaxError](err); ok {
		return &transient{message: fmt.Sprintf("a reply of %d bytes is not whole JSON: %v", len(data), err)}
	}
	return fmt.Errorf("%w: the reply has another shape than this protocol's: %s; check the protocol", ErrRefused, line(err.Error()))
}

// broken is the error of a connection.
func (c *client) broken(ctx, timed context.Context, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	if timed.Err() != nil {
		return &transient{message: fmt.Sprintf("no reply within %s", c.timeout)}
	}
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err // without the method and URL, which the caller names
	}
	if e, ok := errors.AsType[*net.DNSError](err); ok && e.IsNotFound {
		return fmt.Errorf("%w: %s; check the host in the URL", ErrUnavailable, line(err.Error()))
	}
	return &transient{message: c.hide(line(err.Error()))}
}

// status is the error of a reply other than 200.
func (c *client) status(answer *http.Response, body []byte) error {
	code := answer.StatusCode
	said := fmt.Sprintf("%d %s", code, http.StatusText(code))
	if r := reason(body); r != "" {
		said += ": " + c.hide(r)
	}
	switch code {
	case http.StatusTooManyRequests, http.StatusServiceUnavailable:
		t := &transient{message: said, busy: code == http.StatusTooManyRequests}
		if after, ok := retryAfter(answer.Header.Get("Retry-After"), time.Now()); ok {
			if after > longestAsked {
				return fmt.Errorf("%w: %s; the server asks to be left alone for %s", ErrUnavailable, said, after.Round(time.Second))
			}
			// Spread, or all that were told the same moment would come back together.
			t.after = &backoff.RetryAfterError{Duration: after + rand.N(after/5+time.Millisecond)}
		}
		return t
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusFailedDependency:
		return &transient{message: said} // 424 is TGI's for a generation that failed
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Errorf("%w: %s; check the API key in the environment variable that the configuration names", ErrRefused, said)
	case http.StatusNotFound, http.StatusMethodNotAllowed:
		return fmt.Errorf("%w: %w: %s; check the server's URL and the protocol", ErrRefused, errNoRoute, said)
	case http.StatusNotImplemented:
		return fmt.Errorf("%w: %s", ErrRefused, said)
	}
	if code >= 500 {
		return &transient{message: said, internal: code == http.StatusInternalServerError}
	}
	return fmt.Errorf("%w: %s", ErrRefused, said)
}

// retryAfter reads the header: seconds or a date (RFC 9110, section 10.2.3).
func retryAfter(header string, now time.Time) (time.Duration, bool) {
	if seconds, err := strconv.ParseFloat(strings.TrimSpace(header), 64); err == nil && seconds >= 0 && seconds < 1e9 {
		return time.Duration(seconds * float64(time.Second)), true
	}
	if at, err := http.ParseTime(header); err == nil {
		return max(at.Sub(now), 0), true
	}
	return 0, false
}

// hide takes the key out of what a server said.
func (c *client) hide(s string) string {
	if c.key == "" {
		return s
	}
	return strings.ReplaceAll(s, c.key, "[key]")
}

func (c *client) redacted(err error) error {
	if t, ok := errors.AsType[*transient](err); ok {
		return &transient{message: c.hide(t.message), busy: t.busy}
	}
	return fmt.Errorf("%w: %s", ErrRefused, c.hide(err.Error()))
}
