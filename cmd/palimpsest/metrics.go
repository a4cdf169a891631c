package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/client_golang/prometheus/push"

	"palimpsest/pipeline"
	"palimpsest/stages/store"
)

// metricsFlags say where metrics go. Any command that takes long can have them.
type metricsFlags struct {
	MetricsListen string `placeholder:"HOST:PORT" group:"Metrics" help:"Serve Prometheus metrics at /metrics while the command runs."`
	MetricsFile   string `placeholder:"PATH" group:"Metrics" help:"Keep them in a file for node_exporter's textfile collector, like /var/lib/node_exporter/palimpsest.prom."`
	MetricsPush   string `placeholder:"URL" group:"Metrics" help:"Push them to a Pushgateway, grouped by job (palimpsest), run_id and task."`
}

// metricsEvery is how often the file is written and the Pushgateway is sent to: Prometheus scrapes no more often by default.
var metricsEvery = 15 * time.Second

// pushTimeout bounds a push. The last one, after SIGTERM too, must leave time to end.
const pushTimeout = 3 * time.Second

// metrics gives out what pipeline.Metrics gathers. A failure is a warning: it changes nothing of what the command does.
type metrics struct {
	*metricsFlags
	*pipeline.Metrics
	environment *environment

	server *http.Server
	quit   chan struct{}
	done   sync.WaitGroup

	mu  sync.Mutex
	log *slog.Logger
	bad map[string]bool // what failed the last time
}

// metrics starts giving out how far m has come, until the command ends. The run and the task are named as in name.
func (f *metricsFlags) metrics(e *environment, m *pipeline.Meter, s *store.Store, runID, task string) (*metrics, error) {
	x := &metrics{
		metricsFlags: f, Metrics: pipeline.NewMetrics(programVersion(), m, s), environment: e,
		quit: make(chan struct{}), bad: make(map[string]bool),
	}
	x.name(runID, task)
	if f.MetricsPush != "" {
		if u, err := url.Parse(f.MetricsPush); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return nil, &pipeline.UsageError{Err: fmt.Errorf("--metrics-push %q is no URL of a Pushgateway, like http://host:9091", f.MetricsPush)}
		}
	}
	if f.MetricsListen != "" {
		if _, _, err := net.SplitHostPort(f.MetricsListen); err != nil {
			return nil, &pipeline.UsageError{Err: fmt.Errorf("--metrics-listen %q is no address, like 127.0.0.1:9090", f.MetricsListen)}
		}
		x.listen()
	}
	if f.MetricsFile != "" || f.MetricsPush != "" {
		x.done.Go(x.repeat)
	}
	e.ended = x.end
	return x, nil
}

// name tells the metrics and the log which run the command works on, and which of its tasks; "" for none.
func (x *metrics) name(runID, task string) {
	x.Metrics.Name(runID, task)
	x.environment.name(runID, task)
	x.mu.Lock()
	defer x.mu.Unlock()
	x.log = x.environment.log
}

func (x *metrics) listen() {
	l, err := new(net.ListenConfig).Listen(x.environment.ctx, "tcp", x.MetricsListen)
	if err != nil {
		x.result("listen", err)
		return
	}
	x.log.Info("serving metrics", "url", "http://"+l.Addr().String()+"/metrics")
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(x, promhttp.HandlerOpts{}))
	x.server = &http.Server{Handler: mux, ReadHeaderTimeout: pushTimeout}
	x.done.Go(func() {
		if err := x.server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			x.result("listen", err)
		}
	})
}

// repeat writes the file and pushes until the command ends.
func (x *metrics) repeat() {
	tick := time.NewTicker(metricsEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			x.put()
		case <-x.quit:
			return
		}
	}
}

// end gives out the exit code, and stops.
func (x *metrics) end(code int) {
	x.End(code, time.Now())
	close(x.quit)
	if x.server != nil {
		_ = x.server.Close() // a scrape that is cut off comes to nothing
	}
	x.done.Wait()
	x.put()
}

func (x *metrics) put() {
	if x.MetricsFile != "" {
		x.result("file", prometheus.WriteToTextfile(x.MetricsFile, x))
	}
	if x.MetricsPush != "" {
		x.result("push", x.push())
	}
}

func (x *metrics) push() error {
	// Not the command's context: how it was stopped must be told too.
	ctx, cancel := context.WithTimeout(context.Background(), pushTimeout)
	defer cancel()
	p := push.New(x.MetricsPush, "palimpsest").Gatherer(x.Bare())
	for name, value := range x.Labels() {
		p = p.Grouping(name, value)
	}
	return p.PushContext(ctx)
}

// result warns of what did not work when it worked the last time.
func (x *metrics) result(what string, err error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if err != nil && !x.bad[what] {
		x.log.Warn("metrics cannot be given out", "by", what, "reason", err.Error())
	}
	x.bad[what] = err != nil
}
