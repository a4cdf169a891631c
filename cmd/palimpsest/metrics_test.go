package main

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"palimpsest/pipeline"
)

// record is a writer that may be read while it is written to.
type record struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (r *record) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.b.Write(p)
}

func (r *record) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.b.String()
}

// readMetrics reads the text format, and checks it by Prometheus' own linter.
func readMetrics(t *testing.T, text string) map[string]*dto.MetricFamily {
	t.Helper()
	problems, err := promlint.New(strings.NewReader(text)).Lint()
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatalf("%v in\n%s", err, text)
	}
	return families
}

// values returns the values of a metric by its labels, those of the run left out.
func values(f *dto.MetricFamily) map[string]float64 {
	all := make(map[string]float64)
	for _, m := range f.GetMetric() {
		var labels []string
		for _, l := range m.GetLabel() {
			if l.GetName() != pipeline.RunLabel && l.GetName() != pipeline.TaskLabel {
				labels = append(labels, l.GetName()+"="+l.GetValue())
			}
		}
		all[strings.Join(labels, " ")] = m.GetGauge().GetValue() + m.GetCounter().GetValue()
	}
	return all
}

func scrape(t *testing.T, url string) string {
	t.Helper()
	r, err := http.Get(url)
	if err != nil {
		t.Error(err)
		return ""
	}
	defer r.Body.Close()
	body, err := io.ReadAll(r.Body)
	if err != nil || r.StatusCode != http.StatusOK {
		t.Errorf("%s: %s, %v", url, r.Status, err)
	}
	return string(body)
}

// gateway is a Pushgateway that remembers the last push.
type gateway struct {
	mu       sync.Mutex
	path     string
	families map[string]*dto.MetricFamily
}

func (g *gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	families := make(map[string]*dto.MetricFamily)
	for d := expfmt.NewDecoder(r.Body, expfmt.ResponseFormat(r.Header)); ; {
		f := new(dto.MetricFamily)
		if err := d.Decode(f); err == io.EOF {
			break
		} else if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		families[f.GetName()] = f
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.path, g.families = r.Method+" "+r.URL.Path, families
}

// often has metrics given out much more often than usual.
func often(t *testing.T) {
	usual := metricsEvery
	metricsEvery = 20 * time.Millisecond
	t.Cleanup(func() { metricsEvery = usual })
}

// TestMetrics scrapes a run while it scores with a model behind a server, and reads what it leaves in the file and at the Pushgateway.
func TestMetrics(t *testing.T) {
	often(t)
	dir := t.TempDir()
	fake, url := startVLLM(t)
	pushed := new(gateway)
	pushgateway := httptest.NewServer(pushed)
	defer pushgateway.Close()
	file := filepath.Join(dir, "palimpsest.prom")

	var errs record
	served := regexp.MustCompile(`msg="serving metrics" .*url=(\S+)`)
	var during, early string
	fake.spoil = func(map[string]any) {
		if during != "" {
			return
		}
		if m := served.FindStringSubmatch(errs.String()); m == nil {
			t.Error("the log does not say where metrics are served")
		} else if body := scrape(t, m[1]); strings.Contains(body, `palimpsest_phase{phase="scoring under demo-target",run_id="r"} 1`) {
			during = body
			time.Sleep(5 * metricsEvery)
			b, err := os.ReadFile(file)
			if err != nil {
				t.Error(err)
			}
			early = string(b)
		}
	}
	path := writeFile(t, filepath.Join(dir, "run.yaml"), servedConfig(t, dir, url))
	args := []string{"run", "-c", path, "--set", "run_id=r", "--set", "output=" + filepath.Join(dir, "out"),
		"--set", "likelihood.target.concurrency=1",
		"--metrics-listen", "127.0.0.1:0", "--metrics-file", file, "--metrics-push", pushgateway.URL}
	if code := run(t.Context(), args, io.Discard, &errs); code != 0 {
		t.Fatalf("exit %d: %s", code, errs.String())
	}
	scraped := readMetrics(t, during)
	if got := values(scraped["palimpsest_exit_code"]); len(got) > 0 {
		t.Errorf("a run that is not over has an exit code: %v", got)
	}
	readMetrics(t, early)

	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	final := readMetrics(t, string(text))
	var names []string
	for name, f := range final {
		if !strings.HasPrefix(name, "palimpsest_") {
			continue
		}
		names = append(names, name)
		if _, ok := scraped[name]; !ok && name != "palimpsest_exit_code" && name != "palimpsest_last_success_timestamp_seconds" {
			t.Errorf("%s was not to be scraped", name)
		}
		for _, m := range f.GetMetric() {
			if !slices.ContainsFunc(m.GetLabel(), func(l *dto.LabelPair) bool { return l.GetName() == "run_id" && l.GetValue() == "r" }) {
				t.Errorf("%s does not carry the run: %v", name, m)
			}
		}
	}
	slices.Sort(names)
	documented, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if !strings.Contains(string(documented), "`"+strings.TrimPrefix(name, "palimpsest_")+"`") {
			t.Errorf("the README does not tell of %s", name)
		}
	}
	for name, want := range map[string]map[string]float64{
		"palimpsest_exit_code":           {"": 0},
		"palimpsest_quarantined_total":   {"what=object": 0, "what=row_group": 0, "what=row": 0},
		"palimpsest_model_retries_total": {"model=demo-target": 0},
	} {
		if d := cmp.Diff(want, values(final[name])); d != "" {
			t.Errorf("%s (-want +got):\n%s", name, d)
		}
	}
	for name, label := range map[string]string{
		"palimpsest_documents_total": "", "palimpsest_text_bytes_total": "", "palimpsest_row_groups_total": "",
		"palimpsest_store_requests_total": "operation=read", "palimpsest_store_read_bytes_total": "", "palimpsest_store_written_bytes_total": "",
		"palimpsest_model_texts_total": "asked=score model=demo-target", "palimpsest_model_tokens_total": "asked=score model=demo-target",
		"palimpsest_model_requests_total": "model=demo-target", "palimpsest_model_cache_misses_total": "model=demo-target",
		"palimpsest_phase_done_bytes": "phase=scanning the corpus", "palimpsest_last_success_timestamp_seconds": "",
	} {
		if values(final[name])[label] <= 0 {
			t.Errorf("%s has no value for %q: %v", name, label, values(final[name]))
		}
	}

	pushed.mu.Lock()
	defer pushed.mu.Unlock()
	if pushed.path != "PUT /metrics/job/palimpsest/run_id/r" {
		t.Errorf("pushed by %s", pushed.path)
	}
	if got := values(pushed.families["palimpsest_exit_code"]); got[""] != 0 || len(got) != 1 {
		t.Errorf("the Pushgateway has the exit code %v", got)
	}
}

// TestMetricsChangeNothing has every way of giving out metrics fail: the run ends as it would without, with the same files, and warns
// once of each.
func TestMetricsChangeNothing(t *testing.T) {
	often(t)
	dir := t.TempDir()
	down := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "full", http.StatusInternalServerError)
	}))
	defer down.Close()
	for _, c := range []struct {
		name    string
		corpus  []document
		columns string
		code    int
	}{
		{"done", []document{{"a", long}}, "id", pipeline.ExitDone},
		{"failed", []document{{"a", long}}, "missing", pipeline.ExitData},
	} {
		t.Run(c.name, func(t *testing.T) {
			writeParquet(t, filepath.Join(dir, "corpus.parquet"), c.corpus, parquet.MaxRowsPerRowGroup(3))
			writeParquet(t, filepath.Join(dir, "probes.parquet"), []document{{"p", long}})
			config := strings.ReplaceAll(usual, "DIR", dir)
			config = strings.Replace(config, "id: id", "id: "+c.columns, 1)
			path := writeFile(t, filepath.Join(dir, "run.yaml"), config)
			var sums []map[string]string
			for _, given := range []struct{ flags, warns []string }{
				{},
				{
					[]string{"--metrics-listen", "256.0.0.1:1", "--metrics-file", filepath.Join(dir, "absent", "a.prom"), "--metrics-push", down.URL},
					[]string{"listen", "file", "push"},
				},
				{[]string{"--metrics-file", filepath.Join(dir, "a.prom"), "--metrics-push", "http://127.0.0.1:1"}, []string{"push"}},
			} {
				if err := os.RemoveAll(filepath.Join(dir, "out")); err != nil {
					t.Fatal(err)
				}
				code, _, errs := execute(append([]string{"run", "-c", path}, given.flags...)...)
				if code != c.code {
					t.Fatalf("%v: exit %d: %s", given.flags, code, errs)
				}
				for _, by := range []string{"listen", "file", "push"} {
					want := 0
					if slices.Contains(given.warns, by) {
						want = 1
					}
					if got := strings.Count(errs, `level=WARN msg="metrics cannot be given out" run=r by=`+by); got != want {
						t.Errorf("%v: %d warnings of %s, not %d: %s", given.flags, got, by, want, errs)
					}
				}
				if code == 0 {
					sums = append(sums, digests(t, filepath.Join(dir, "out", "r")))
				}
			}
			for _, s := range sums {
				if d := cmp.Diff(sums[0], s); d != "" {
					t.Error(d)
				}
			}
			text, err := os.ReadFile(filepath.Join(dir, "a.prom"))
			if err != nil {
				t.Fatal(err)
			}
			final := readMetrics(t, string(text))
			if got := values(final["palimpsest_exit_code"])[""]; got != float64(c.code) {
				t.Errorf("the file has the exit code %v, not %d", got, c.code)
			}
			if _, ok := final["palimpsest_last_success_timestamp_seconds"]; ok != (c.code == 0) {
				t.Errorf("exit %d, and that it succeeded is %v", c.code, ok)
			}
		})
	}
}

// TestMetricsFlags refuses what can never work before anything is read.
func TestMetricsFlags(t *testing.T) {
	dir := t.TempDir()
	path := writeFile(t, filepath.Join(dir, "run.yaml"), strings.ReplaceAll(usual, "DIR", dir))
	for flag, says := range map[string]string{
		"--metrics-listen=9090":         `"9090" is no address, like 127.0.0.1:9090`,
		"--metrics-push=localhost:9091": `"localhost:9091" is no URL of a Pushgateway`,
	} {
		if code, _, errs := execute("run", "-c", path, flag); code != pipeline.ExitUsage || !strings.Contains(errs, says) {
			t.Errorf("%s: exit %d: %s", flag, code, errs)
		}
	}
}
