package server

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// answers is a server without a network: the tests run in a time of their own, in which waiting takes none.
type answers func(n int) *http.Response

func (a answers) client(t *testing.T, o Options) *client {
	c := newClient(&url.URL{Scheme: "http", Host: "server"}, "", withDefaults(o))
	c.wait = firstWait
	n := 0
	c.http.Transport = roundTrip(func(*http.Request) (*http.Response, error) {
		n++
		return a(n), nil
	})
	t.Cleanup(c.close)
	return c
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func says(code int, header, value string) *http.Response {
	h := http.Header{}
	h.Set(header, value)
	return &http.Response{StatusCode: code, Header: h, Body: io.NopCloser(strings.NewReader("{}"))}
}

// timed makes a request in a time of its own and returns what it took.
func timed(t *testing.T, o Options, a answers, requests int) (took time.Duration, err error) {
	synctest.Test(t, func(t *testing.T) {
		c := a.client(t, o)
		began := time.Now()
		for range requests {
			err = errors.Join(err, c.call(context.Background(), "GET", "/", nil, 100, nil))
		}
		took = time.Since(began)
	})
	return took, err
}

func TestRate(t *testing.T) {
	took, err := timed(t, Options{PerSecond: 50}, func(int) *http.Response { return says(200, "", "") }, 6)
	if err != nil || took != 100*time.Millisecond {
		t.Errorf("6 requests at 50 a second took %s: %v", took, err)
	}
}

func TestRetryAfterIsWaitedFor(t *testing.T) {
	for header, want := range map[string]time.Duration{"7": 7 * time.Second, "0": 0, "240": 4 * time.Minute} {
		took, err := timed(t, Options{}, func(n int) *http.Response {
			if n == 1 {
				return says(429, "Retry-After", header)
			}
			return says(200, "", "")
		}, 1)
		if err != nil || took < want || took > want+want/5+time.Millisecond {
			t.Errorf("Retry-After %s: %s, %v", header, took, err)
		}
	}
	took, err := timed(t, Options{}, func(int) *http.Response { return says(429, "Retry-After", "86400") }, 1)
	if !errors.Is(err, ErrUnavailable) || took != 0 || !strings.Contains(err.Error(), "24h") {
		t.Errorf("a day: %s, %v", took, err)
	}
}

// The waits double, each spread by half: 7 tries wait 31.5 s in the mean.
func TestTriesSpreadOut(t *testing.T) {
	tries := 0
	took, err := timed(t, Options{}, func(n int) *http.Response { tries = n; return says(500, "", "") }, 1)
	if !errors.Is(err, ErrUnavailable) || tries != 7 || took < 15*time.Second || took > 48*time.Second {
		t.Errorf("%d tries in %s: %v", tries, took, err)
	}
}

func TestRetryAfterHeader(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for header, want := range map[string]time.Duration{
		"": -1, "soon": -1, "-3": -1, "1.5": 1500 * time.Millisecond, "1e300": -1, "NaN": -1,
		"Fri, 02 Jan 2026 03:04:15 GMT": 10 * time.Second, "Fri, 02 Jan 2026 03:00:00 GMT": 0,
	} {
		got, ok := retryAfter(header, now)
		if ok != (want >= 0) || ok && got != want {
			t.Errorf("%q: %s %v, want %s", header, got, ok, want)
		}
	}
}
