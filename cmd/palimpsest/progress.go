package main

import (
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"sync"
	"time"

	"github.com/cheggaaa/pb/v3"
	"golang.org/x/term"

	"palimpsest/pipeline"
)

// progress shows how far a run has come: a bar on a terminal, a log line every ten seconds elsewhere.
type progress struct {
	quit chan struct{}
	done sync.WaitGroup
}

func (e *environment) watch(m *pipeline.Meter) *progress {
	p := &progress{quit: make(chan struct{})}
	show, every := logLines(m, e.log), 10*time.Second
	if f, ok := e.err.(*os.File); ok && e.format == "auto" && term.IsTerminal(int(f.Fd())) {
		show, every = bars(m, e.err), 200*time.Millisecond
	}
	p.done.Go(func() {
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-tick.C:
				show(false)
			case <-p.quit:
				show(true)
				return
			}
		}
	})
	return p
}

func (p *progress) stop() {
	close(p.quit)
	p.done.Wait()
}

func logLines(m *pipeline.Meter, log *slog.Logger) func(last bool) {
	start := time.Now()
	var (
		name  string
		begun time.Time
		text  int64 // bytes of corpus text before the phase
	)
	return func(last bool) {
		phase := m.Phase()
		if phase.Name != name {
			name, begun, text = phase.Name, time.Now(), m.TextBytes.Load()
		}
		if last && time.Since(start) < 10*time.Second {
			return // a short run speaks for itself
		}
		attrs := []any{"phase", phase.Name}
		if read := m.TextBytes.Load() - text; read > 0 {
			attrs = append(attrs, "documents", m.Documents.Load(), "text_mb_per_s", int64(perSecond(read, begun)/1e6))
		}
		if phase.Total > 0 {
			done := m.Done.Load()
			attrs = append(attrs, "done_percent", math.Round(1000*float64(done)/float64(phase.Total))/10)
			if speed := perSecond(done, begun); done > 0 && done < phase.Total && time.Since(begun) > 5*time.Second {
				attrs = append(attrs, "left_s", int64(math.Ceil(float64(phase.Total-done)/speed)))
			}
		}
		log.Info("progress", attrs...)
	}
}

func perSecond(bytes int64, since time.Time) float64 {
	return float64(bytes) / max(time.Since(since).Seconds(), 1e-3)
}

func bars(m *pipeline.Meter, w io.Writer) func(last bool) {
	var (
		bar  *pb.ProgressBar
		name string
	)
	return func(last bool) {
		phase := m.Phase()
		if bar != nil && (last || phase.Name != name) {
			bar.Finish()
			bar = nil
		}
		if phase.Name != name {
			name = phase.Name
			switch {
			case last || name == "":
			case phase.Total == 0:
				fmt.Fprintln(w, name)
			default:
				bar = pb.New64(phase.Total).Set(pb.Bytes, true).SetWriter(w).SetTemplateString(
					`{{string . "name"}} {{counters . }} {{bar . }} {{percent . }} {{speed . "%s/s"}} {{rtime . "%s left"}}`).
					Set("name", name).Start()
			}
		}
		if bar != nil {
			bar.SetCurrent(m.Done.Load())
		}
	}
}
