package pipeline

import (
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	dto "github.com/prometheus/client_model/go"

	"palimpsest/stages/store"
)

// Metrics tells Prometheus how a command goes. It reads the meter and the store's counts when it is scraped; the work knows nothing of
// it. Whatever goes wrong with it changes neither tables nor exit code.
type Metrics struct {
	version string
	meter   *Meter
	store   *store.Store

	registry *prometheus.Registry
	labels   atomic.Pointer[[]*dto.LabelPair]

	mu      sync.Mutex
	ended   bool
	code    int
	success time.Time
}

// NewMetrics returns the metrics of a command that fills m and reads and writes by s.
func NewMetrics(version string, m *Meter, s *store.Store) *Metrics {
	x := &Metrics{version: version, meter: m, store: s, registry: prometheus.NewRegistry()}
	x.registry.MustRegister(x, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return x
}

// Name says which run the command works on, and which of its tasks; "" for none. Before it is called the metrics carry neither label.
func (x *Metrics) Name(runID, task string) {
	var labels []*dto.LabelPair
	for _, l := range []struct{ name, value string }{{RunLabel, runID}, {TaskLabel, task}} {
		if l.value != "" {
			labels = append(labels, &dto.LabelPair{Name: &l.name, Value: &l.value})
		}
	}
	x.labels.Store(&labels)
}

// The labels that every metric of a command has. A Pushgateway groups by them.
const (
	RunLabel  = "run_id"
	TaskLabel = "task"
)

// End says that the command is over.
func (x *Metrics) End(code int, now time.Time) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.ended, x.code = true, code
	if code == ExitDone || code == ExitQuarantined {
		x.success = now
	}
}

// Labels returns the values of RunLabel and TaskLabel, as far as they are known.
func (x *Metrics) Labels() map[string]string {
	all := make(map[string]string)
	if labels := x.labels.Load(); labels != nil {
		for _, l := range *labels {
			all[l.GetName()] = l.GetValue()
		}
	}
	return all
}

// Bare gathers the metrics without these labels, for a Pushgateway, which adds them itself.
func (x *Metrics) Bare() prometheus.Gatherer { return x.registry }

// Gather returns the metrics with their labels.
func (x *Metrics) Gather() ([]*dto.MetricFamily, error) {
	families, err := x.registry.Gather()
	labels := x.labels.Load()
	if labels == nil {
		return families, err
	}
	for _, f := range families {
		for _, m := range f.Metric {
			m.Label = append(m.Label, *labels...)
			slices.SortFunc(m.Label, func(a, b *dto.LabelPair) int { return strings.Compare(a.GetName(), b.GetName()) })
		}
	}
	return families, err
}

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("palimpsest_"+name, help, labels, nil)
}

var (
	buildInfo     = desc("build_info", "1, with the versions of the program and of Go.", "version", "go_version")
	phaseNow      = desc("phase", "1 for the phase that the command is in.", "phase")
	phaseSize     = desc("phase_size_bytes", "Stored bytes that a phase reads, or bytes of text that it scores.", "phase")
	phaseDone     = desc("phase_done_bytes", "Bytes of a phase that are done.", "phase")
	phaseDuration = desc("phase_duration_seconds", "Time that a phase has taken.", "phase")

	documents   = desc("documents_total", "Corpus documents scanned; again in each pass.")
	textBytes   = desc("text_bytes_total", "Bytes of corpus text scanned; again in each pass.")
	rowGroups   = desc("row_groups_total", "Row groups read and worked on, of all inputs.")
	quarantined = desc("quarantined_total", "Inputs left out: objects, row groups and rows.", "what")

	storeRequests = desc("store_requests_total", "Requests to the object stores.", "operation")
	storeRetries  = desc("store_retries_total", "Requests to the object stores that repeated a failed one.", "operation")
	storeErrors   = desc("store_errors_total", "Operations on the object stores that failed for good; missing is often an answer.", "kind")
	storeRead     = desc("store_read_bytes_total", "Bytes of objects read.")
	storeWritten  = desc("store_written_bytes_total", "Bytes of objects written.")

	modelTexts       = desc("model_texts_total", "Texts and prompts that a model was asked about.", "model", "asked")
	modelTokens      = desc("model_tokens_total", "Tokens that a model scored or wrote.", "model", "asked")
	modelRequests    = desc("model_requests_total", "HTTP requests to a model's server.", "model")
	modelRetries     = desc("model_retries_total", "HTTP requests to a model's server that repeated a failed one.", "model")
	modelCacheHits   = desc("model_cache_hits_total", "Answers of a model's server that were kept already.", "model")
	modelCacheMisses = desc("model_cache_misses_total", "Answers of a model's server that were not kept yet.", "model")

	exitCode    = desc("exit_code", "Exit code of the command, once it is over.")
	lastSuccess = desc("last_success_timestamp_seconds", "When the command ended with exit code 0 or 3.")
)

// Describe sends the descriptions of all metrics.
func (x *Metrics) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		buildInfo, phaseNow, phaseSize, phaseDone, phaseDuration, documents, textBytes, rowGroups, quarantined,
		storeRequests, storeRetries, storeErrors, storeRead, storeWritten,
		modelTexts, modelTokens, modelRequests, modelRetries, modelCacheHits, modelCacheMisses, exitCode, lastSuccess,
	} {
		to <- d
	}
}

// Collect sends the metrics.
func (x *Metrics) Collect(to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	count := func(d *prometheus.Desc, v int64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.CounterValue, float64(v), labels...)
	}
	gauge(buildInfo, 1, x.version, runtime.Version())
	x.collectPhases(gauge)
	m := x.meter
	count(documents, m.Documents.Load())
	count(textBytes, m.TextBytes.Load())
	count(rowGroups, m.Groups.Load())
	count(quarantined, m.BadObjects.Load(), "object")
	count(quarantined, m.BadGroups.Load(), "row_group")
	count(quarantined, m.BadRows.Load(), "row")
	stats := x.store.Stats()
	for _, by := range []struct {
		desc   *prometheus.Desc
		counts map[string]int64
	}{{storeRequests, stats.Operations}, {storeRetries, stats.Retries}, {storeErrors, stats.Errors}} {
		for what, n := range by.counts {
			count(by.desc, n, strings.ReplaceAll(what, " ", "_"))
		}
	}
	count(storeRead, stats.Bytes)
	count(storeWritten, stats.Written)
	for name, asked := range m.modelMeters() {
		count(modelTexts, asked.Scored.Load(), name, "score")
		count(modelTexts, asked.Continued.Load(), name, "generate")
		count(modelTexts, asked.Tokenized.Load(), name, "tokenize")
		count(modelTokens, asked.TokensScored.Load(), name, "score")
		count(modelTokens, asked.TokensWritten.Load(), name, "generate")
		if e := asked.server.Load(); e != nil {
			s := e.Stats()
			count(modelRequests, s.Requests, name)
			count(modelRetries, s.Retries, name)
			count(modelCacheHits, s.CacheHits, name)
			count(modelCacheMisses, s.CacheMisses, name)
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if x.ended {
		gauge(exitCode, float64(x.code))
	}
	if !x.success.IsZero() {
		gauge(lastSuccess, float64(x.success.UnixMilli())/1e3)
	}
}

// collectPhases sends the phases; those of one name, like the index of each pass, as one.
func (x *Metrics) collectPhases(gauge func(d *prometheus.Desc, v float64, labels ...string)) {
	var order []string
	sums := make(map[string]Phase)
	for _, p := range x.meter.Phases() {
		s, ok := sums[p.Name]
		if !ok {
			order = append(order, p.Name)
		}
		sums[p.Name] = Phase{Total: s.Total + p.Total, Done: s.Done + p.Done, Took: s.Took + p.Took}
	}
	now := x.meter.Phase().Name
	for _, name := range order {
		p, present := sums[name], 0.0
		if name == now && !x.over() {
			present = 1
		}
		gauge(phaseNow, present, name)
		if p.Total > 0 {
			gauge(phaseSize, float64(p.Total), name)
			gauge(phaseDone, float64(p.Done), name)
		}
		gauge(phaseDuration, p.Took.Seconds(), name)
	}
}

func (x *Metrics) over() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.ended
}
