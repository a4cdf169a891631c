package storetest

import (
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Faults does to the requests of a store what happens to them in a network. What befalls a request is drawn from the seed, the
// request's method, path, query and range, and how many of them there were before: whatever the order in which concurrent requests
// come, each meets the same fate, and a repeated one meets another.
type Faults struct {
	Seed    uint64
	Latency time.Duration // before every answer, and as much again at most

	// Shares of the requests, from 0 to 1.
	Unavailable float64 // answered with 500 or 503
	Reset       float64 // of answers with a body: the connection is lost in the middle of it
	Truncate    float64 // the body ends early and looks finished
	Unranged    float64 // of reads of a range: the range is ignored
	Stall       float64 // nothing comes after half of the body
	Slow        float64 // the body comes in small pieces
	Lost        float64 // of writes: carried out, and the connection is lost before the answer

	// Refuse, when set, is asked about every request before it is served, with its number from 1. It answers the request and returns
	// true, or returns false.
	Refuse func(n int64, w http.ResponseWriter, r *http.Request) bool

	count atomic.Int64
	mu    sync.Mutex
	seen  map[string]uint64
	done  map[string]int64
}

// Done returns how often each fault happened, by the name of its field.
func (f *Faults) Done() map[string]int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := map[string]int64{}
	for k, v := range f.done {
		all[k] = v
	}
	return all
}

// Requests returns how many requests came.
func (f *Faults) Requests() int64 { return f.count.Load() }

func (f *Faults) note(name string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.done == nil {
		f.done = map[string]int64{}
	}
	f.done[name]++
}

// draw returns the source of a request's fate.
func (f *Faults) draw(r *http.Request) *rand.Rand {
	query := r.URL.Query()
	for name := range query { // what differs from call to call: numbers and signatures that are drawn anew
		if strings.EqualFold(name, "uploadId") || strings.HasPrefix(strings.ToLower(name), "x-amz-") || name == "blockid" || name == "x-id" {
			query.Del(name)
		}
	}
	id := strings.Join([]string{r.Method, r.URL.Path, query.Encode(), r.Header.Get("Range"), r.Header.Get("X-Ms-Range")}, " ")
	f.mu.Lock()
	if f.seen == nil {
		f.seen = map[string]uint64{}
	}
	f.seen[id]++
	n := f.seen[id]
	f.mu.Unlock()
	h := fnv.New64a()
	_, _ = io.WriteString(h, id) // a hash takes everything
	return rand.New(rand.NewPCG(f.Seed^h.Sum64(), n))
}

// Before returns a handler that passes requests on to next and does the faults to them.
func (f *Faults) Before(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := f.count.Add(1)
		fate := f.draw(r)
		if f.Latency > 0 {
			time.Sleep(f.Latency + time.Duration(fate.Float64()*float64(f.Latency)))
		}
		if f.Refuse != nil && f.Refuse(n, w, r) {
			return
		}
		hit := func(name string, share float64) bool {
			if fate.Float64() >= share {
				return false
			}
			f.note(name)
			return true
		}
		if hit("Unavailable", f.Unavailable) {
			_, _ = io.Copy(io.Discard, r.Body) // a client that is still writing would see no answer
			if fate.Float64() < .5 {
				S3Error(w, r, http.StatusServiceUnavailable, "SlowDown")
			} else {
				S3Error(w, r, http.StatusInternalServerError, "InternalError")
			}
			return
		}
		read := r.Method == http.MethodGet
		if !read {
			if r.Method != http.MethodHead && hit("Lost", f.Lost) {
				next.ServeHTTP(httptest.NewRecorder(), r)
				panic(http.ErrAbortHandler)
			}
			next.ServeHTTP(w, r)
			return
		}
		if (r.Header.Get("Range") != "" || r.Header.Get("X-Ms-Range") != "") && hit("Unranged", f.Unranged) {
			r = r.Clone(r.Context())
			r.Header.Del("Range")
			r.Header.Del("X-Ms-Range")
		}
		cut := &cutting{ResponseWriter: w, request: r, left: -1}
		switch where := fate.Float64(); {
		case hit("Reset", f.Reset):
			cut.at, cut.end = where, func() { panic(http.ErrAbortHandler) }
		case hit("Truncate", f.Truncate):
			cut.at, cut.end, cut.unsized = where, func() {}, true
		case hit("Stall", f.Stall):
			cut.at, cut.end = where, func() { <-r.Context().Done(); panic(http.ErrAbortHandler) }
		case hit("Slow", f.Slow):
			cut.slow = true
		}
		next.ServeHTTP(cut, r)
	})
}

// cutting passes an answer on until a part of its body is out, and then calls end; or all of it, slowly.
type cutting struct {
	http.ResponseWriter
	request *http.Request
	at      float64 // part of the body
	end     func()
	unsized bool // the answer does not say how long it is
	slow    bool

	left int64 // bytes to pass on, or -1 before the header
}

func (c *cutting) WriteHeader(status int) {
	size, err := strconv.ParseInt(c.Header().Get("Content-Length"), 10, 64)
	if c.left = int64(c.at * float64(size)); err != nil || c.end == nil {
		c.left = 1 << 62
	}
	if c.unsized {
		c.Header().Del("Content-Length")
	}
	c.ResponseWriter.WriteHeader(status)
}

func (c *cutting) Write(p []byte) (int, error) {
	if c.left < 0 {
		c.WriteHeader(http.StatusOK)
	}
	if c.slow {
		return c.writeSlowly(p)
	}
	now := p[:min(int64(len(p)), c.left)]
	n, err := c.ResponseWriter.Write(now)
	c.left -= int64(n)
	if err != nil || len(now) == len(p) {
		return n, err
	}
	_ = http.NewResponseController(c.ResponseWriter).Flush() // the client may have gone
	c.end()
	return len(p), nil // the rest is swallowed
}

func (c *cutting) writeSlowly(p []byte) (n int, err error) {
	for n < len(p) && err == nil && c.request.Context().Err() == nil {
		var m int
		m, err = c.ResponseWriter.Write(p[n:min(n+16<<10, len(p))])
		n += m
		_ = http.NewResponseController(c.ResponseWriter).Flush()
		time.Sleep(time.Millisecond)
	}
	return n, err
}

// Proxy serves a store that is elsewhere through the faults, on the address, until listening fails.
func (f *Faults) Proxy(address, store string) error {
	u, err := url.Parse(store)
	if err != nil {
		return err
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(u)
		if strings.HasPrefix(r.In.Header.Get("Authorization"), "AWS4") {
			r.Out.Host = r.In.Host // the signature covers it
		}
	}}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	fmt.Println("faults on the way to", store, "at", l.Addr())
	return http.Serve(l, f.Before(proxy))
}
