package pipeline

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const minimal = `output: file:///data/evidence
corpus: {urls: [corpus/*.parquet]}
probes: {urls: [probes.parquet]}
ngram: {}
`

const full = `
output: s3://bucket/evidence?region=eu-west-1
run_id: nightly-2026-11-23
logical_date: 2026-11-23
on_bad_input: fail
corpus:
  urls: ["s3://bucket/corpus/**/*.parquet"]
  columns: {text: body, id: id, license: license}
probes:
  - urls: ["gs://bucket/generations/*.parquet"]
    kind: generation
    columns: {text: text, id: id, prompt: prompt}
  - {from: corpus, rate: 0.001}
controls: {urls: [controls.parquet], columns: {control_group: set}}
hash: {near_duplicate: 0.8, minhash: datatrove}
ngram: {min_words: 20, min_bytes: 0, report: [20, 40], max_sources: 0, max_matches: 5, min_match: 0}
likelihood:
  target: {engine: columns, columns: {log_probs: lp, means: mu, deviations: sigma}}
  reference: {name: small, urls: [ref.parquet], columns: {log_probs: lp}}
  windows: {prefix: 25, context: text}
  tokens: canaries
evidence: {score: min_k_pp, texts: false}
resources: {workers: 3, memory: 512MiB}
`

const lineageKey = `
lineage:
  models:
    - {name: chat, from: [{corpus: corpus, basis: tdm_art4, jurisdiction: DE}, {model: base, relation: derivative, basis_ref: c, basis: authorization}]}
    - {name: base, from: [{corpus: answers}]}
  corpora: [{name: answers, generated_by: chat}, {name: corpus, kind: tuning_corpus}]
`

func load(t *testing.T, text string, sets ...string) *Config {
	t.Helper()
	c, err := LoadConfig("run.yaml", []byte(text), sets)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func to[V any](v V) *V { return &v }

func TestLoadConfig(t *testing.T) {
	want := &Config{
		Output: "file:///data/evidence", OnBadInput: "quarantine",
		Corpus:    &Corpus{[]string{"corpus/*.parquet"}, map[string]string{"text": "text"}},
		Probes:    ProbeList{{URLs: []string{"probes.parquet"}, Kind: "work", Columns: map[string]string{"text": "text"}}},
		Ngram:     &Ngram{"words", 13, 0, to(60), "", []int{13, 25, 50}, to(10), to(20), .1, false},
		Evidence:  Evidence{Texts: to(true)},
		Resources: Resources{0, 4 << 30},
	}
	if d := cmp.Diff(want, load(t, minimal)); d != "" {
		t.Errorf("defaults:\n%s", d)
	}

	want = &Config{
		Output: "s3://bucket/evidence?region=eu-west-1", RunID: "nightly-2026-11-23", LogicalDate: "2026-11-23", OnBadInput: "fail",
		Corpus: &Corpus{[]string{"s3://bucket/corpus/**/*.parquet"}, map[string]string{"text": "body", "id": "id", "license": "license"}},
		Probes: ProbeList{
			{URLs: []string{"gs://bucket/generations/*.parquet"}, Kind: "generation",
				Columns: map[string]string{"text": "text", "id": "id", "prompt": "prompt"}},
			{From: "corpus", Rate: .001, Kind: "work"},
		},
		Controls: &Controls{[]string{"controls.parquet"}, map[string]string{"text": "text", "control_group": "set"}},
		Hash:     &Hash{.8, "datatrove"},
		Ngram:    &Ngram{"words", 20, 0, to(0), "", []int{20, 40}, to(0), to(5), 0, false},
		Likelihood: &Likelihood{
			Target: ModelList{{Engine: "columns", Name: "target", Columns: map[string]string{"log_probs": "lp", "means": "mu", "deviations": "sigma"}}},
			Reference: &Model{Engine: "columns", Name: "small", URLs: []string{"ref.parquet"},
				Columns: map[string]string{"id": "id", "log_probs": "lp"}},
			Windows: Windows{25, 50, 10, 40, "", "text"},
			Tokens:  "canaries",
		},
		Evidence:  Evidence{"min_k_pp", to(false)},
		Resources: Resources{3, 512 << 20},
	}
	got := load(t, full)
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("all keys:\n%s", d)
	}
	if d := got.logicalDate(); d == nil || !d.Equal(time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)) {
		t.Errorf("logical date %v", d)
	}
	if got.workers() != 3 || !got.folds() {
		t.Errorf("%d workers, folds %v", got.workers(), got.folds())
	}
}

func TestConfigDefaults(t *testing.T) {
	const model = "likelihood: {target: {columns: {log_probs: lp}}}\n"
	for _, c := range []struct {
		sets []string
		of   func(*Config) any
		want any
	}{
		{[]string{"ngram.min_words=20"}, func(c *Config) any { return c.Ngram.Report }, []int{25, 50}},
		{[]string{"ngram.min_words=51"}, func(c *Config) any { return c.Ngram.Report }, []int{51}},
		{[]string{"ngram.report=[50, 20, 50]"}, func(c *Config) any { return c.Ngram.Report }, []int{20, 50}},
		{[]string{"ngram.unit=bytes"}, func(c *Config) any { return *c.Ngram }, Ngram{"bytes", 0, 0, to(50), "", []int{50, 100, 200}, to(10), to(20), .1, false}},
		{[]string{"ngram.unit=tokens", "ngram.tokenizer=m.gguf"}, func(c *Config) any { return *c.Ngram }, Ngram{"tokens", 0, 50, to(0), "m.gguf", []int{50, 100, 200}, to(10), to(20), .1, false}},
		{[]string{"ngram={unit: tokens, tokenizer: m.gguf, min_tokens: 120}"}, func(c *Config) any { return c.Ngram.Report }, []int{200}},
		{[]string{"ngram={unit: bytes, min_bytes: 120}"}, func(c *Config) any { return c.Ngram.Report }, []int{200}},
		{nil, func(c *Config) any { return c.Evidence.Score }, ""},
		{[]string{model[:10] + "=" + model[12:]}, func(c *Config) any { return c.Evidence.Score }, ""},
		{[]string{model[:10] + "=" + model[12:], "likelihood.reference.columns.log_probs=r"},
			func(c *Config) any { return c.Evidence.Score }, ""},
		{[]string{model[:10] + "=" + model[12:], "evidence.score=zlib_ratio"}, func(c *Config) any { return c.Evidence.Score }, "zlib_ratio"},
		{[]string{"run_id=2026"}, func(c *Config) any { return c.RunID }, "2026"},
		{[]string{"run_id=007"}, func(c *Config) any { return c.RunID }, "007"},
		{[]string{"resources.memory=1.5GB"}, func(c *Config) any { return c.Resources.Memory }, ByteSize(1_500_000_000)},
		{[]string{"resources.memory=100000000"}, func(c *Config) any { return c.Resources.Memory }, ByteSize(100_000_000)},
		{[]string{"resources.memory=2 TiB"}, func(c *Config) any { return c.Resources.Memory }, ByteSize(2 << 40)},
	} {
		if d := cmp.Diff(c.want, c.of(load(t, minimal, c.sets...))); d != "" {
			t.Errorf("%v:\n%s", c.sets, d)
		}
	}
}

func TestConfigSet(t *testing.T) {
	c := load(t, full, "probes.0.kind=work", "corpus.urls=[a, b]", "corpus.urls.1=c", "ngram.min_words=21", "ngram.report=[30]",
		"probes.1.rate=1", "likelihood.reference.columns.ranks=r", "hash={}", "evidence.texts=true", "output=mem://x=y")
	if d := cmp.Diff([]string{"a", "c"}, c.Corpus.URLs); d != "" {
		t.Error(d)
	}
	if c.Probes[0].Kind != "work" || c.Probes[1].Rate != 1 || c.Ngram.MinWords != 21 || c.Likelihood.Reference.Columns["ranks"] != "r" ||
		!*c.Evidence.Texts || c.Output != "mem://x=y" {
		t.Errorf("%s", c.Resolved())
	}
	// One source that is no list has the index 0 too; mappings that are missing, or empty, are made.
	c = load(t, strings.Replace(minimal, "ngram: {}", "ngram:", 1), "probes.0.kind=canary", "ngram.unit=bytes", "resources.workers=2")
	if c.Probes[0].Kind != "canary" || c.Ngram.Unit != "bytes" || c.Resources.Workers != 2 {
		t.Errorf("%s", c.Resolved())
	}
}

func TestConfigDigest(t *testing.T) {
	a, b := load(t, full), load(t, full, "output=elsewhere", "run_id=other", "resources.workers=9", "resources.memory=9GiB")
	if a.Digest() != b.Digest() {
		t.Error("output, run_id and resources are in the digest")
	}
	seen := map[string]string{a.Digest(): "full"}
	for _, set := range []string{"logical_date=2026-11-24", "on_bad_input=quarantine", "corpus.urls.0=x", "corpus.columns.text=x",
		"probes.1.rate=.5", "hash.near_duplicate=0", "ngram.min_match=.2", "hash=null", "evidence.texts=true", "likelihood.windows.stride=1"} {
		sets := []string{set}
		text := full
		if set == "hash=null" {
			text, sets = strings.Replace(full, "hash: {near_duplicate: 0.8, minhash: datatrove}\n", "", 1), nil
		}
		d := load(t, text, sets...).Digest()
		if other, ok := seen[d]; ok {
			t.Errorf("%s has the digest of %s", set, other)
		}
		seen[d] = set
	}
	if d := load(t, minimal+"evidence: {texts: true}\n").Digest(); d != load(t, minimal).Digest() {
		t.Error("a default that is spelt out changes the digest")
	}
}

func TestConfigResolved(t *testing.T) {
	want := `{"output":"file:///data/evidence","on_bad_input":"quarantine","corpus":{"urls":["corpus/*.parquet"],"columns":{"text":"text"}},` +
		`"probes":[{"urls":["probes.parquet"],"kind":"work","columns":{"text":"text"}}],"ngram":{"unit":"words","min_words":13,` +
		`"min_bytes":60,"report":[13,25,50],"max_sources":10,"max_matches":20,"min_match":0.1},"evidence":{"texts":true}}`
	if d := cmp.Diff(want, string(load(t, minimal).Resolved())); d != "" {
		t.Error(d)
	}
	// What Resolved says is itself a configuration, and the same one but for the resources.
	for _, text := range []string{minimal, full, minimal + lineageKey} {
		c := load(t, text)
		if !json.Valid(c.Resolved()) {
			t.Fatalf("no JSON: %s", c.Resolved())
		}
		again := load(t, string(c.Resolved()))
		again.Resources = c.Resources
		if d := cmp.Diff(c, again); d != "" {
			t.Errorf("resolved twice:\n%s", d)
		}
	}
}

func TestConfigCredentials(t *testing.T) {
	c := load(t, full, "output=s3://me:hunter2@bucket/out?region=x&secret_access_key=hunter2", "corpus.urls=['azblob://c/*.parquet?sig=hunter2']",
		"probes.0.urls=['s3://b/p-?.parquet?x-amz-security-token=hunter2&endpoint=http://h:1']", "controls.urls=['s3://b/?AWSAccessKeyId=hunter2']",
		"likelihood.reference.urls=['gs://hunter2@b']", "likelihood.target.urls=['s3://b/k?passwd=hunter2;a=b']")
	if s := string(c.Resolved()); strings.Contains(s, "hunter2") {
		t.Errorf("a credential in %s", s)
	}
	for in, want := range map[string]string{
		c.Output:               "s3://bucket/out?region=x",
		c.Probes[0].URLs[0]:    "s3://b/p-?endpoint=http://h:1",
		"local/a?key=b":        "local/a?key=b",
		"file:///a/user@b/c":   "file:///a/user@b/c",
		"s3://b/**?prefix=a/&": "s3://b/**?prefix=a/",
	} {
		if got := redact(in); got != want && !strings.Contains(in, "p-?") {
			t.Errorf("%s is shown as %s, want %s", in, got, want)
		}
	}
	if !strings.Contains(c.Output, "hunter2") {
		t.Error("the configuration itself lost its credentials")
	}
}

func FuzzLoadConfig(f *testing.F) {
	f.Add(minimal, "")
	f.Add(full, "probes.0.kind=work")
	f.Add("a: &x [*x]\n", "a.0.b={}")
	f.Add("output: [\n---\n", "=")
	f.Add("? {a: b}\n: c\n<<: {output: 3}\n", "output.x=1")
	f.Add("probes:\n  from: corpus\n", "probes.0.0=&a b")
	f.Fuzz(func(t *testing.T, text, set string) {
		var sets []string
		if set != "" {
			sets = []string{set}
		}
		c, err := LoadConfig("run.yaml", []byte(text), sets)
		if err != nil {
			var e *ConfigError
			if !errors.As(err, &e) || len(e.Problems) == 0 {
				t.Fatalf("%T: %v", err, err)
			}
			if lines := strings.Count(err.Error(), "\n") + 1; lines != len(e.Problems) {
				t.Fatalf("%d problems on %d lines: %q", len(e.Problems), lines, err.Error())
			}
			return
		}
		if len(c.Digest()) != 64 || !json.Valid(c.Resolved()) {
			t.Fatalf("%s", c.Resolved())
		}
	})
}
