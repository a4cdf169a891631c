package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"palimpsest/stages/model"
	"palimpsest/stages/server"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fault is something that goes wrong between client and server.
type fault struct {
	name    string
	handle  func(w http.ResponseWriter, r *http.Request, behind http.Handler)
	permits bool // the answers come out right all the same
	says    string
}

// recorded lets the server answer and returns the body.
func recorded(r *http.Request, behind http.Handler) []byte {
	w := httptest.NewRecorder()
	behind.ServeHTTP(w, r)
	return w.Body.Bytes()
}

var faults = []fault{
	{"429", func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { refuse(w, 429, "slow down") }, true, ""},
	{"429 with Retry-After", func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.Header().Set("Retry-After", "0.01")
		refuse(w, 429, "slow down")
	}, true, ""},
	{"503 with a date", func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		w.Header().Set("Retry-After", time.Now().UTC().Format(http.TimeFormat))
		refuse(w, 503, "starting")
	}, true, ""},
	{"500", func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { refuse(w, 500, "CUDA error") }, true, ""},
	{"reset before the reply", func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { panic(http.ErrAbortHandler) }, true, ""},
	{"reset in the middle", func(w http.ResponseWriter, r *http.Request, behind http.Handler) {
		body := recorded(r, behind)
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		w.Write(body[:len(body)/2])
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}, true, ""},
	{"half of the JSON", func(w http.ResponseWriter, r *http.Request, behind http.Handler) {
		body := recorded(r, behind)
		w.Write(body[:len(body)/2])
	}, true, ""},
	{"a page of a proxy", func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { io.WriteString(w, "<html>504</html>") }, true, ""},
	{"no reply in time", func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		select {
		case <-r.Context().Done():
		case <-time.After(3 * time.Second):
		}
	}, true, ""},
	{"200 with an error of the server", func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		reply(w, object{"error": object{"message": "overloaded", "code": 529}})
	}, true, ""},
	{"200 with a refusal", func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		reply(w, object{"object": "error", "message": "prompt too long", "code": 400})
	}, false, "prompt too long"},
	{"400", func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { refuse(w, 400, "no such\nparameter") }, false, "no such parameter"},
	{"401", func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { refuse(w, 401, "who are you") }, false, "check the API key"},
	{"404", func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { refuse(w, 404, "Not Found") }, false, "check the server's URL"},
	{"an answer too few", func(w http.ResponseWriter, r *http.Request, behind http.Handler) {
		w.Write(fewer(recorded(r, behind)))
	}, false, "count: "},
	{"an answer of another shape", func(w http.ResponseWriter, _ *http.Request, _ http.Handler) { reply(w, "yes") }, false, "another shape"},
	{"an answer without end", func(w http.ResponseWriter, _ *http.Request, _ http.Handler) {
		for chunk := bytes.Repeat([]byte(" "), 1<<20); ; {
			if _, err := w.Write(chunk); err != nil {
				return
			}
		}
	}, false, "longer than"},
}

// fewer takes one answer, or one value, out of a reply.
func fewer(body []byte) []byte {
	var list []any
	if json.Unmarshal(body, &list) == nil {
		out, _ := json.Marshal(list[:len(list)-1])
		return out
	}
	var o object
	json.Unmarshal(body, &o)
	for _, name := range []string{"choices", "completion_probabilities"} {
		if l, ok := o[name].([]any); ok {
			o[name] = l[:len(l)-1]
		}
	}
	if d, ok := o["details"].(object); ok {
		prefill := d["prefill"].([]any)
		d["prefill"] = prefill[:len(prefill)-1]
	}
	out, _ := json.Marshal(o)
	return out
}

// proxy stands before a server and lets a fault happen to every other one of the first requests for a completion, once it is armed.
type proxy struct {
	behind http.Handler
	fault  fault
	armed  atomic.Bool
	n      atomic.Int64
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answers := strings.HasPrefix(r.URL.Path, "/v1/completions") || r.URL.Path == "/generate" || r.URL.Path == "/completion"
	if answers && p.armed.Load() {
		if n := p.n.Add(1); n%2 == 1 && n < 8 {
			p.fault.handle(w, r, p.behind)
			return
		}
	}
	p.behind.ServeHTTP(w, r)
}

func TestFaults(t *testing.T) {
	for _, p := range protocols {
		for _, f := range faults {
			t.Run(p.fake+"/"+f.name, func(t *testing.T) {
				t.Parallel()
				real := httptest.NewServer(&fakeServer{protocol: p.fake})
				defer real.Close()
				target, _ := url.Parse(real.URL)
				through := &httputil.ReverseProxy{
					Rewrite:  func(r *httputil.ProxyRequest) { r.SetURL(target) },
					ErrorLog: log.New(io.Discard, "", 0),
				}
				between := &proxy{behind: through, fault: f}
				e := open(t, start(t, between), p.protocol, server.Options{Batch: 2, Timeout: 500 * time.Millisecond, Concurrency: 2})
				list := requests(t, e, 0)
				between.armed.Store(true)
				got, err := e.Score(context.Background(), list)
				if f.permits {
					if err != nil {
						t.Fatal(err)
					}
					sameValues(t, got, true, p.fake != "llama-cpp-python")
					return
				}
				if err == nil || !strings.Contains(err.Error(), f.says) || strings.Contains(err.Error(), "\n") {
					t.Fatalf("%v; want %q on one line", err, f.says)
				}
				if n := between.n.Load(); f.says != "count: " && n > 4 {
					t.Errorf("%d requests; what cannot pass was tried again", n)
				}
			})
		}
	}
}

// down answers everything with an error.
type down struct{ requests, code int64 }

func (d *down) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	atomic.AddInt64(&d.requests, 1)
	refuse(w, int(d.code), "down")
}

func TestServerThatIsGone(t *testing.T) {
	_, err := server.Open(context.Background(), server.Options{URL: "http://127.0.0.1:1", Protocol: server.VLLM, Retries: 2})
	if !errors.Is(err, server.ErrUnavailable) || !strings.Contains(err.Error(), "refused") {
		t.Errorf("no server: %v", err)
	}
	d := &down{code: 500}
	_, err = server.Open(context.Background(), server.Options{URL: start(t, d), Protocol: server.VLLM, Retries: 2})
	if !errors.Is(err, server.ErrUnavailable) || !strings.Contains(err.Error(), "after 3 tries: 500 Internal Server Error: down") {
		t.Errorf("a server that fails: %v", err)
	}
	if d.requests != 3 {
		t.Errorf("%d requests", d.requests)
	}
}

// A server that is busy or starting while it is asked what it can do is not taken for one that cannot.
func TestBusyAtTheStart(t *testing.T) {
	for _, code := range []int{429, 503} {
		for _, p := range protocols {
			f := &fakeServer{protocol: p.fake}
			var n atomic.Int64
			e := open(t, start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if n.Add(1)%2 == 1 {
					refuse(w, code, "busy")
					return
				}
				f.ServeHTTP(w, r)
			})), p.protocol, server.Options{})
			calm := open(t, start(t, f), p.protocol, server.Options{})
			a, b := e.Facts(), calm.Facts()
			delete(a.Settings, "url")
			delete(b.Settings, "url")
			if fmt.Sprint(a) != fmt.Sprint(b) {
				t.Errorf("%s: %+v, and when it is calm %+v", p.fake, a, b)
			}
		}
	}
}

// After many failures in a row nothing more is sent, however many texts there are.
func TestCircuit(t *testing.T) {
	for _, code := range []int64{500, 429} {
		f := &fakeServer{protocol: "tgi"}
		var gone atomic.Bool
		d := &down{code: code}
		e := open(t, start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if gone.Load() {
				d.ServeHTTP(w, r)
				return
			}
			f.ServeHTTP(w, r)
		})), server.TGI, server.Options{Concurrency: 4, Retries: 10})
		var list []model.Request
		for i := range 200 {
			list = append(list, model.Request{Text: fmt.Appendf(nil, "text %d", i)})
		}
		gone.Store(true)
		_, err := e.Score(context.Background(), list)
		if !errors.Is(err, server.ErrUnavailable) {
			t.Fatal(err)
		}
		n := atomic.LoadInt64(&d.requests)
		if code == 500 && (n < server.MostFailures || n > server.MostFailures+4) {
			t.Errorf("%d requests before the end, with 4 at once", n)
		}
		gone.Store(false)
		_, err = e.Score(context.Background(), list[:1])
		if code == 500 && !errors.Is(err, server.ErrUnavailable) {
			t.Errorf("the circuit closed again: %v", err)
		}
		if code == 429 && err != nil {
			t.Errorf("a server that was busy is taken to be gone: %v", err)
		}
	}
}

func TestCancelled(t *testing.T) {
	e := open(t, start(t, &fakeServer{protocol: "vllm", delay: 20 * time.Millisecond}), server.VLLM, server.Options{})
	ctx, cancel := context.WithCancel(context.Background())
	time.AfterFunc(5*time.Millisecond, cancel)
	if _, err := e.Score(ctx, []model.Request{{Text: []byte("the cat")}}); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
}

func TestKeyIsSentAndNeverShown(t *testing.T) {
	const key = "sk-very-secret"
	t.Setenv("PALIMPSEST_TEST_KEY", key)
	f := &fakeServer{protocol: "vllm"}
	url := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+key {
			refuse(w, 401, "no key")
			return
		}
		if r.URL.Path == "/v1/completions" {
			refuse(w, 403, "the key "+key+" may not")
			return
		}
		f.ServeHTTP(w, r)
	}))
	_, err := server.Open(context.Background(), server.Options{URL: url, Protocol: server.VLLM, KeyVariable: "PALIMPSEST_TEST_KEY"})
	if err == nil || strings.Contains(err.Error(), key) || !strings.Contains(err.Error(), "the key [key] may not") {
		t.Errorf("%v", err)
	}
	if _, err = server.Open(context.Background(), server.Options{URL: url, Protocol: server.VLLM}); err == nil ||
		!strings.Contains(err.Error(), "check the API key") {
		t.Errorf("%v", err)
	}
}
