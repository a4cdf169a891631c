package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"palimpsest/pipeline"
	"palimpsest/schemas"
	"palimpsest/stages/llama"
	"palimpsest/stages/model"
)

// fakeVLLM answers as vLLM does, by the demo's target model in this process.
type fakeVLLM struct {
	engine model.Engine
	bos    int64
	spoil  func(choice map[string]any) // what it does wrong; nil for nothing

	mu     sync.Mutex
	asked  int // prompts
	busy   int // answers 429 to so many of the next requests for a completion
	denied int // has done so
}

// promptValue is what vLLM says of a token of a prompt.
type promptValue struct {
	LP   float64 `json:"logprob"`
	Rank int64   `json:"rank"`
}

// startVLLM opens the demo's target model and puts a server before it.
func startVLLM(t *testing.T) (*fakeVLLM, string) {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "..", "configs", "demo", "target.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	e, err := llama.Open(t.Context(), f, info.Size(), llama.Options{})
	if err != nil {
		t.Fatal(err)
	}
	fake := &fakeVLLM{engine: e} // its BOS has id 0
	s := httptest.NewServer(fake)
	t.Cleanup(func() { s.Close(); e.Close() })
	return fake, s.URL
}

func (f *fakeVLLM) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var ask struct {
		Prompt  json.RawMessage `json:"prompt"`
		Special bool            `json:"add_special_tokens"`
		Top     int             `json:"prompt_logprobs"`
	}
	if r.Method == http.MethodPost {
		if err := json.NewDecoder(r.Body).Decode(&ask); err != nil {
			http.Error(w, err.Error(), http.StatusUnprocessableEntity)
			return
		}
	}
	var answer any
	var err error
	switch r.URL.Path {
	case "/v1/models":
		answer = map[string]any{"data": []map[string]any{{"id": "demo", "max_model_len": 512}}}
	case "/version":
		answer = map[string]any{"version": "0.0"}
	case "/tokenize":
		answer, err = f.tokenize(r.Context(), ask.Prompt, ask.Special)
	case "/v1/completions":
		if f.isBusy() {
			http.Error(w, `{"error": {"message": "slow down", "code": 429}}`, http.StatusTooManyRequests)
			return
		}
		answer, err = f.complete(r.Context(), ask.Prompt, ask.Top)
	default:
		http.NotFound(w, r)
		return
	}
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer) // the client may have gone
}

func (f *fakeVLLM) isBusy() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.busy == 0 {
		return false
	}
	f.busy--
	f.denied++
	return true
}

// count returns how many prompts were asked about since the last call.
func (f *fakeVLLM) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.asked
	f.asked = 0
	return n
}

func (f *fakeVLLM) tokenize(ctx context.Context, prompt json.RawMessage, special bool) (any, error) {
	var text string
	if err := json.Unmarshal(prompt, &text); err != nil {
		return nil, err
	}
	tokens, err := f.engine.Tokenize(ctx, []byte(text))
	ids := tokens.IDs
	if special {
		ids = slices.Concat([]int64{f.bos}, ids)
	}
	return map[string]any{"tokens": ids, "count": len(ids)}, err
}

// complete gives the values of the prompts' tokens: none of the first, and of the others that of the token, its rank, and the likeliest.
func (f *fakeVLLM) complete(ctx context.Context, prompt json.RawMessage, top int) (any, error) {
	var prompts [][]int64
	var text string
	if json.Unmarshal(prompt, &text) == nil {
		tokens, err := f.engine.Tokenize(ctx, []byte(text))
		if err != nil {
			return nil, err
		}
		prompts = [][]int64{slices.Concat([]int64{f.bos}, tokens.IDs)}
	} else if err := json.Unmarshal(prompt, &prompts); err != nil {
		return nil, err
	}
	f.mu.Lock()
	f.asked += len(prompts)
	f.mu.Unlock()
	var requests []model.Request
	for _, p := range prompts {
		if len(p) == 0 || p[0] != f.bos {
			return nil, fmt.Errorf("a prompt without BOS: %v", p)
		}
		requests = append(requests, model.Request{IDs: p[1:], Top: top})
	}
	scored, err := f.engine.Score(ctx, requests)
	if err != nil {
		return nil, err
	}
	choices := []map[string]any{}
	for i, s := range scored {
		list := []map[string]promptValue{nil}
		for t, id := range s.TokenIDs {
			at := make(map[string]promptValue)
			if top > 0 {
				for k, other := range s.TopIDs[t][:top] {
					at[strconv.FormatInt(other, 10)] = promptValue{s.TopLogProbs[t][k], int64(k + 1)}
				}
			}
			at[strconv.FormatInt(id, 10)] = promptValue{s.LogProbs[t], s.Ranks[t]}
			list = append(list, at)
		}
		choice := map[string]any{"index": i, "text": "a", "prompt_logprobs": list}
		if f.spoil != nil {
			f.spoil(choice)
		}
		choices = append(choices, choice)
	}
	return map[string]any{"choices": choices}, nil
}

// servedDigest stands for that of the served weights.
var servedDigest = strings.Repeat("0123abcd", 8)

// servedConfig is a run over a few of the demo's texts, with the target behind the server at url.
func servedConfig(t *testing.T, dir, url string) string {
	t.Helper()
	config := smallDemo(t, dir, 80)
	const own = "target: {name: demo-target, model: "
	begin := strings.Index(config, own)
	if begin < 0 {
		t.Fatal("the demo's configuration names its target in another way")
	}
	rest := config[begin+len(own):]
	path, rest, _ := strings.Cut(rest, "}")
	served := fmt.Sprintf("target: {name: demo-target, url: %s, protocol: vllm, tokenizer: %s, cache: %s, model_sha256: %s, retries: 3}",
		url, path, filepath.Join(dir, "answers"), servedDigest)
	config = config[:begin] + served + rest
	config = strings.Replace(config, "  - from: model\n    prompts: {prefix: 32, length: 50, most: 1}\n", "", 1)
	return strings.Replace(config, "  # What the model wrote after no prompt.\n", "", 1)
}

// TestServed runs with the target behind a server. The tables say what they say with the same model in the process, but for what servers
// do not give; a second run finds all answers in the cache; and a server that is busy for a while is asked again.
func TestServed(t *testing.T) {
	dir := t.TempDir()
	fake, url := startVLLM(t)
	config := servedConfig(t, dir, url)
	served := runAs(t, dir, "served", config)
	asked := fake.count()

	fake.busy = 2
	again := runAs(t, dir, "again", config)
	opening := fake.count() // its checks, which no cache may answer
	if asked < opening+20 || fake.denied != 2 {
		t.Errorf("%d prompts in the first run, %d in the second, %d refused", asked, opening, fake.denied)
	}
	if d := cmp.Diff(servedTables(t, served), servedTables(t, again)); d != "" {
		t.Errorf("(-first run +second run):\n%s", d)
	}

	manifest, err := os.ReadFile(filepath.Join(served, "manifest.json"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(manifest), `"model_sha256": "`+servedDigest) {
		t.Error("the manifest does not say which weights were served")
	}
	code, _, errs := execute("run", "-c", writeFile(t, filepath.Join(dir, "short.yaml"), config),
		"--set", "likelihood.target.model_sha256=0123")
	if code != pipeline.ExitUsage || !strings.Contains(errs, "is no SHA-256; give 64 hex digits") {
		t.Errorf("a digest of 4 digits: exit %d: %s", code, errs)
	}

	models, err := filepath.Abs(filepath.Join("..", "..", "configs", "demo"))
	if err != nil {
		t.Fatal(err)
	}
	begin := strings.Index(config, "url: "+url)
	end := begin + strings.Index(config[begin:], "}")
	own := runAs(t, dir, "own", config[:begin]+"model: "+models+"/target.gguf"+config[end:])
	want := servedTables(t, own)
	for i := range want.Likelihoods {
		if want.Likelihoods[i].Role == "target" {
			want.Likelihoods[i].Engine, want.Likelihoods[i].MinKPP = "http", nil // moments are not given
		}
	}
	if d := cmp.Diff(want, servedTables(t, served)); d != "" {
		t.Errorf("(-in the process +behind the server):\n%s", d)
	}
}

// runAs runs under a name and returns the run's directory.
func runAs(t *testing.T, dir, id, config string) string {
	t.Helper()
	mustRun(t, dir, config, "run_id="+id)
	return filepath.Join(dir, "out", id)
}

type likelihoodTables struct {
	Likelihoods []schemas.Likelihood
	Windows     []schemas.Window
	Extractions []schemas.Extraction
}

// servedTables returns what a run says of the models, whatever the run is called.
func servedTables(t *testing.T, runDir string) likelihoodTables {
	tables := likelihoodTables{readTable(t, runDir, schemas.Likelihoods), readTable(t, runDir, schemas.Windows),
		readTable(t, runDir, schemas.Extractions)}
	for i := range tables.Likelihoods {
		tables.Likelihoods[i].RunID = ""
	}
	for i := range tables.Windows {
		tables.Windows[i].RunID = ""
	}
	for i := range tables.Extractions {
		tables.Extractions[i].RunID = ""
	}
	if len(tables.Likelihoods) == 0 || len(tables.Windows) == 0 {
		t.Fatalf("%s has no likelihoods or no windows", runDir)
	}
	return tables
}

// TestServedFailures has servers that cannot be used: the run ends with one line that names the server's fault and the remedy, and with
// the exit code that says whether a retry may help.
func TestServedFailures(t *testing.T) {
	answers := 0
	for _, c := range []struct {
		name  string
		spoil func(choice map[string]any)
		sets  []string
		code  int
		says  []string
	}{
		{
			name:  "ignores prompt_logprobs",
			spoil: func(choice map[string]any) { choice["prompt_logprobs"] = nil },
			code:  pipeline.ExitUsage,
			says:  []string{"count: the server ignores prompt_logprobs", "not vLLM, or too old"},
		},
		{
			name: "ignores echo",
			spoil: func(choice map[string]any) {
				choice["logprobs"] = map[string]any{"content": []any{map[string]any{"id": 5, "logprob": -1}}}
			},
			sets: []string{"likelihood.target.protocol=openai"},
			code: pipeline.ExitUsage,
			says: []string{"count: the server ignores echo", "ask it by the protocol llamacpp"},
		},
		{
			name: "drifts",
			spoil: func(choice map[string]any) {
				answers++
				for _, at := range choice["prompt_logprobs"].([]map[string]promptValue) {
					for id, v := range at {
						v.LP -= .1 * float64(answers)
						at[id] = v
					}
				}
			},
			code: pipeline.ExitUsage,
			says: []string{"prefix: ", "answers change from request to request"},
		},
		{
			name: "no server",
			sets: []string{"likelihood.target.url=http://127.0.0.1:1", "likelihood.target.retries=0"},
			code: pipeline.ExitUnavailable,
			says: []string{"http://127.0.0.1:1", "server unavailable", "connection refused"},
		},
		{
			name: "no key",
			sets: []string{"likelihood.target.key_env=PALIMPSEST_TEST_NO_KEY"},
			code: pipeline.ExitUsage,
			says: []string{"PALIMPSEST_TEST_NO_KEY", "is not set"},
		},
		{
			name: "no such model",
			sets: []string{"likelihood.target.model=other"},
			code: pipeline.ExitUsage,
			says: []string{`it has no model "other"; it lists demo`},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			fake, url := startVLLM(t)
			fake.spoil = c.spoil
			args := []string{"run", "-c", writeFile(t, filepath.Join(dir, "run.yaml"), servedConfig(t, dir, url)), "--set",
				"output=" + filepath.Join(dir, "out")}
			for _, s := range c.sets {
				args = append(args, "--set", s)
			}
			code, _, errs := execute(args...)
			last := lastLine(errs)
			if code != c.code || !strings.HasPrefix(last, "palimpsest: likelihood.target: ") {
				t.Errorf("exit %d, want %d: %s", code, c.code, errs)
			}
			for _, s := range c.says {
				if !strings.Contains(last, s) {
					t.Errorf("it does not say %q: %s", s, last)
				}
			}
		})
	}
}

// lastLine returns the last line of what was written to standard error: the error, after what was logged.
func lastLine(errs string) string {
	lines := strings.Split(strings.TrimSuffix(errs, "\n"), "\n")
	return lines[len(lines)-1]
}
