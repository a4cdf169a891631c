package main

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"palimpsest/pipeline"
	"palimpsest/stages/store"
	"palimpsest/stages/store/storetest"
)

// mostStop is the time in which a command promises to end when it is asked to.
const mostStop = 10 * time.Second

// process is the command as a process of its own.
type process struct {
	*exec.Cmd
	errs record
	over chan struct{} // closed at its end
}

// start runs a configuration, and serves metrics.
func start(t *testing.T, config string, args ...string) *process {
	t.Helper()
	path := writeFile(t, filepath.Join(t.TempDir(), "run.yaml"), config)
	return begin(t, append([]string{"run", "-c", path, "--metrics-listen", "127.0.0.1:0"}, args...)...)
}

// begin starts the command. script_test.go puts it on the path.
func begin(t *testing.T, args ...string) *process {
	t.Helper()
	p := &process{Cmd: exec.Command("palimpsest", args...), over: make(chan struct{})}
	p.Stderr = &p.errs
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = p.Wait() // how it ended is asked below
		close(p.over)
	}()
	t.Cleanup(func() {
		_ = p.Process.Kill()
		<-p.over
	})
	return p
}

var (
	servedAt = regexp.MustCompile(`msg="serving metrics" .*url=(\S+)`)
	phaseNow = regexp.MustCompile(`palimpsest_phase\{phase="([^"]+)",run_id="[^"]+"\} 1\n`)
)

// until waits for a phase whose name begins so, and reports whether it was seen.
func (p *process) until(phase string) bool {
	for {
		select {
		case <-p.over:
			return false
		case <-time.After(5 * time.Millisecond):
		}
		m := servedAt.FindStringSubmatch(p.errs.String())
		if m == nil {
			continue
		}
		r, err := http.Get(m[1])
		if err != nil {
			continue // it ends
		}
		body, _ := io.ReadAll(r.Body)
		r.Body.Close()
		if now := phaseNow.FindSubmatch(body); now != nil && strings.HasPrefix(string(now[1]), phase) {
			return true
		}
	}
}

// inOrder is what a command says that ended by itself when it was asked to.
const inOrder = "palimpsest: stopped; the same command goes on from what is done"

// stop asks the process to end and checks that it does, in time, and says so. It reports whether it had more to do.
func (p *process) stop(t *testing.T, says string) bool {
	t.Helper()
	before := time.Now()
	for range 2 { // Slurm asks twice
		if err := p.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
	select {
	case <-p.over:
	case <-time.After(mostStop):
		t.Fatalf("it did not end within %s of SIGTERM: %s", mostStop, p.errs.String())
	}
	t.Logf("ended after %s", time.Since(before).Round(time.Millisecond))
	switch code := p.ProcessState.ExitCode(); {
	case code == pipeline.ExitDone:
		return false
	case code != pipeline.ExitPreempted:
		t.Errorf("exit %d: %s", code, p.errs.String())
	case !strings.HasPrefix(lastLine(p.errs.String()), says):
		t.Errorf("it ended with: %s", p.errs.String())
	}
	return true
}

// stopped checks that nothing of a run was published.
func stopped(t *testing.T, runURL string) {
	t.Helper()
	s := store.New()
	defer s.Close()
	if state, _, _, err := pipeline.ReadManifest(t.Context(), s, runURL); err != nil || state == pipeline.Complete {
		t.Errorf("state %s, %v", state, err)
	}
}

// TestSIGTERM stops a run in each phase that works rather than waits.
func TestSIGTERM(t *testing.T) {
	for _, c := range []struct {
		phase  string
		config func(t *testing.T, dir string) string
	}{
		{"generating with", modelled}, {"scoring under demo-reference", modelled}, {"scoring under demo-target", modelled},
		{"reading probes", large}, {"indexing", large}, {"scanning the corpus", large}, {"writing what was found", large},
		{"judging and writing", large},
	} {
		t.Run(c.phase, func(t *testing.T) {
			if testing.Short() {
				t.Skip("takes a second or more for each phase")
			}
			dir := t.TempDir()
			out := filepath.Join(dir, "out")
			p := start(t, c.config(t, dir), "--set", "run_id=r", "--set", "output="+out)
			if !p.until(c.phase) {
				t.Fatalf("the phase was not seen: %s", p.errs.String())
			}
			time.Sleep(rand.N(100 * time.Millisecond))
			if p.stop(t, inOrder) {
				stopped(t, filepath.Join(out, "r"))
			}
		})
	}
	t.Run("random", func(t *testing.T) {
		dir := t.TempDir()
		config, out := large(t, dir), filepath.Join(dir, "out")
		for range 5 {
			p := start(t, config, "--set", "run_id=r", "--set", "output="+out)
			time.Sleep(50*time.Millisecond + rand.N(3*time.Second))
			if !p.stop(t, inOrder) {
				break
			}
			stopped(t, filepath.Join(out, "r"))
		}
	})
}

// modelled is a run that a model takes time for.
func modelled(t *testing.T, dir string) string { return smallDemo(t, dir, 12) }

// large is a run over texts that it takes seconds to index, to search for and to write.
func large(t *testing.T, dir string) string {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	rows := make([]document, 20000)
	for i := range rows {
		var text strings.Builder
		for range 60 {
			fmt.Fprintf(&text, "%x ", r.Uint32N(1<<14)*7919)
		}
		rows[i] = document{fmt.Sprint("p", i), text.String()}
	}
	writeParquet(t, filepath.Join(dir, "corpus.parquet"), rows, parquet.MaxRowsPerRowGroup(1000))
	writeParquet(t, filepath.Join(dir, "probes.parquet"), rows)
	return strings.NewReplacer("DIR", dir, "hash: {}", "hash: {near_duplicate: 0.8}").Replace(usual)
}

// TestSIGTERMWaiting stops a run that waits for others: a store that does not answer, in each kind of request, and a model's server.
func TestSIGTERMWaiting(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "x")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "x")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	fake := new(storetest.S3)
	dir := t.TempDir()
	for _, name := range []string{"corpus", "probes"} {
		path := writeParquet(t, filepath.Join(dir, name+".parquet"), []document{{"a", strings.Repeat(long, 2000)}})
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		fake.Set("b", name+".parquet", storetest.InMemory(data))
	}
	for _, c := range []struct {
		name  string
		hangs func(r *http.Request, reads int) bool // of a request, after so many reads
	}{
		{"listing", func(r *http.Request, _ int) bool { return r.Method == http.MethodGet && r.URL.Query().Has("list-type") }},
		{"footer", func(r *http.Request, reads int) bool { return reads > 0 }},
		{"row group", func(r *http.Request, reads int) bool { return reads > 4 }},
		{"writing", func(r *http.Request, _ int) bool { return r.Method == http.MethodPut || r.Method == http.MethodPost }},
	} {
		t.Run(c.name, func(t *testing.T) {
			reads, hung := 0, make(chan struct{}, 100)
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("Range") != "" {
					reads++
				}
				if c.hangs(r, reads) {
					hung <- struct{}{}
					_, _ = io.Copy(io.Discard, r.Body)
					<-r.Context().Done()
					return
				}
				fake.ServeHTTP(w, r)
			}))
			defer s.Close()
			query := "?use_path_style=true&region=us-east-1&endpoint=" + s.URL
			config := strings.ReplaceAll(usual, "DIR/out", "s3://b/"+strings.ReplaceAll(c.name, " ", "-")+query)
			config = strings.ReplaceAll(config, "DIR", "s3://b")
			config = strings.ReplaceAll(config, ".parquet", ".parquet"+query)
			p := start(t, config)
			select {
			case <-hung:
			case <-p.over:
				t.Fatalf("it did not wait: %s", p.errs.String())
			}
			p.stop(t, inOrder)
		})
	}
	t.Run("model", func(t *testing.T) {
		vllm, url := startVLLM(t)
		hung, free := make(chan struct{}, 100), make(chan struct{})
		asked := 0
		vllm.spoil = func(map[string]any) {
			if asked++; asked > 12 {
				hung <- struct{}{}
				<-free
			}
		}
		dir := t.TempDir()
		p := start(t, servedConfig(t, dir, url), "--set", "output="+filepath.Join(dir, "out"), "--set", "likelihood.target.concurrency=1")
		select {
		case <-hung:
		case <-p.over:
			t.Fatalf("it did not wait: %s", p.errs.String())
		}
		p.stop(t, inOrder)
		close(free)
	})
}

// TestSIGTERMHeld stops a command that a system call holds: it is cut off, in time.
func TestSIGTERMHeld(t *testing.T) {
	if testing.Short() {
		t.Skip("takes 8 s")
	}
	fifo := filepath.Join(t.TempDir(), "run.yaml")
	if err := syscall.Mkfifo(fifo, 0o600); err != nil {
		t.Fatal(err)
	}
	p := begin(t, "run", "-c", fifo)
	time.Sleep(time.Second)
	p.stop(t, "palimpsest: stopped: the work in hand did not end within 8s and was cut off")
}
