package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"time"
)

// fate says when a process is killed.
type fate struct {
	how string // one of fates; "" not at all

	after   time.Duration // of time
	request int           // of the others: from 1
}

// The ways in which a process is killed: after a time; or at a request, before the server has it, when a part of what it sends has been
// passed on, or when the server has answered.
const (
	byTime = "by time"
	before = "before a request"
	during = "during a request"
	behind = "behind a request"
)

var fates = []string{byTime, before, during, behind}

// process is the program at work, and the proxy between it and the server.
type process struct {
	verb string
	args []string
	fate fate

	cmd   *exec.Cmd
	proxy *http.Server
	errs  bytes.Buffer
	began time.Time
	took  time.Duration

	mu       sync.Mutex
	requests int
	read     []string // paths of objects it asked for
}

// fatal marks the request behind which the process is killed.
type fatal struct{}

// start starts the program. done gets the process when it is over.
func (c *chaos) start(verb string, args []string, f fate, done chan<- *process) (*process, error) {
	p := &process{verb: verb, args: args, fate: f, began: time.Now()}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	target, err := url.Parse(c.server)
	if err != nil {
		return nil, err
	}
	pass := &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(target)
			r.Out.Host = r.In.Host // it is signed
		},
		ModifyResponse: func(r *http.Response) error {
			if p.fate.how == behind && r.Request.Context().Value(fatal{}) != nil {
				p.kill()
				return errors.New("killed")
			}
			return nil
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusBadGateway) },
		Transport:    c.transport,
	}
	p.proxy = &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { p.serve(w, r, pass) })}
	go p.proxy.Serve(l)
	p.cmd = exec.Command(c.program, append([]string{verb}, args...)...)
	p.cmd.Stderr = &p.errs
	p.cmd.Env = append(os.Environ(), "AWS_ENDPOINT_URL=http://"+l.Addr().String())
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	if f.how == byTime {
		time.AfterFunc(f.after, p.kill)
	}
	go func() {
		_ = p.cmd.Wait() // how it ended is asked of its state
		p.took = time.Since(p.began)
		p.proxy.Close()
		done <- p
	}()
	return p, nil
}

// serve passes a request on, unless it is the one at which the process is killed.
func (p *process) serve(w http.ResponseWriter, r *http.Request, pass http.Handler) {
	p.mu.Lock()
	p.requests++
	at := p.requests == p.fate.request
	if r.Method == http.MethodGet && !r.URL.Query().Has("list-type") {
		p.read = append(p.read, r.URL.Path)
	}
	p.mu.Unlock()
	switch {
	case !at:
	case p.fate.how == before, p.fate.how == during && (r.Body == nil || r.ContentLength == 0):
		p.kill()
		panic(http.ErrAbortHandler)
	case p.fate.how == during:
		r.Body = &cutBody{ReadCloser: r.Body, left: r.ContentLength / 2, kill: p.kill}
	case p.fate.how == behind:
		r = r.WithContext(context.WithValue(r.Context(), fatal{}, true))
	}
	pass.ServeHTTP(w, r)
}

// cutBody is a body of which the first bytes come, and then the sender is dead.
type cutBody struct {
	io.ReadCloser
	left int64
	kill func()
}

func (b *cutBody) Read(p []byte) (int, error) {
	if b.left <= 0 {
		b.kill()
		return 0, io.ErrUnexpectedEOF
	}
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	return n, err
}

// kill kills the process, which must not be able to do anything about it.
func (p *process) kill() { _ = p.cmd.Process.Signal(syscall.SIGKILL) }

// wasKilled reports whether the process was, once it is over.
func (p *process) wasKilled() bool {
	s, ok := p.cmd.ProcessState.Sys().(syscall.WaitStatus)
	return ok && s.Signaled() && s.Signal() == syscall.SIGKILL
}

// String says what the process was and what it said last.
func (p *process) String() string {
	lines := strings.Split(strings.TrimSpace(p.errs.String()), "\n")
	return fmt.Sprintf("%s %s: exit %d: %s", p.verb, strings.Join(p.args, " "), p.cmd.ProcessState.ExitCode(), lines[len(lines)-1])
}
