package pipeline

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"runtime"
	"slices"
	"strings"
	"time"

	"palimpsest/stages/fold"
)

// Config is what one YAML file says, defaults filled in. A stage whose key is absent is nil and does not run, and its tables
// are then absent too. LoadConfig makes it; the json tags name the keys of the file.
type Config struct {
	Output      string      `json:"output,omitzero"`       // URL or local path under which <run_id>/ is written
	RunID       string      `json:"run_id,omitzero"`       // default: digest of config and input versions
	LogicalDate string      `json:"logical_date,omitzero"` // RFC 3339 date or time that the run stands for
	OnBadInput  string      `json:"on_bad_input"`          // quarantine (default) or fail
	Corpus      *Corpus     `json:"corpus,omitempty"`
	Probes      ProbeList   `json:"probes"`
	Controls    *Controls   `json:"controls,omitempty"`
	Hash        *Hash       `json:"hash,omitempty"`
	Ngram       *Ngram      `json:"ngram,omitempty"`
	Likelihood  *Likelihood `json:"likelihood,omitempty"`
	Lineage     *Lineage    `json:"lineage,omitempty"`
	Evidence    Evidence    `json:"evidence"`
	Resources   Resources   `json:"resources,omitzero"`
}

// Corpus says where the documents are. Columns: text (default text), id, url, license, rights_holder, the signals of package reservation
// (opt_out, tdm_meta, tdm_header, tdm_file, robots, robots_meta); in unit tokens token_ids and byte_offsets.
type Corpus struct {
	URLs    []string          `json:"urls"`
	Columns map[string]string `json:"columns"` // by role, the name of the column in the files
}

// ProbeSource is one source of probes: Parquet files, the corpus itself, or what the target model writes when it is prompted with the
// beginnings of the works among the other probes.
type ProbeSource struct {
	From    string            `json:"from,omitzero"`     // "corpus", "model", or empty for urls
	Rate    float64           `json:"rate,omitzero"`     // share of the corpus, by hash of the document key; default 1; 0 otherwise
	Prompts *Prompts          `json:"prompts,omitempty"` // what the model is asked; nil unless it is
	URLs    []string          `json:"urls,omitempty"`
	Kind    string            `json:"kind"` // generation, work or canary, where no column says it; default work
	Columns map[string]string `json:"columns,omitempty"`
}

// ProbeList is a list of sources, or one.
type ProbeList []ProbeSource

// Controls are texts like the probes that the model was not trained on. Columns: text (default text), id, control_group; in unit tokens
// token_ids and byte_offsets.
type Controls struct {
	URLs    []string          `json:"urls"`
	Columns map[string]string `json:"columns"`
}

// Hash configures exact duplicates, near-duplicates (methods, section 3), and signatures for finding these elsewhere.
type Hash struct {
	// NearDuplicate is the least Jaccard similarity of near-duplicates; .8 is usual. 0, the default, looks for none: a grade that rests
	// on a threshold is asked for by naming it, and the index takes as much memory again as that of ngram.
	NearDuplicate float64 `json:"near_duplicate"`
	MinHash       string  `json:"minhash,omitzero"` // profile of the table signatures; empty, the default: no such table
}

// Ngram configures overlap (methods, section 2).
type Ngram struct {
	Unit       string  `json:"unit"`                 // words (default), bytes or tokens
	MinWords   int     `json:"min_words,omitempty"`  // unit words: default 13; else 0
	MinTokens  int     `json:"min_tokens,omitempty"` // unit tokens: default 50; else 0
	MinBytes   *int    `json:"min_bytes"`            // default 60 of the normalised stream; unit bytes: 50; unit tokens: 0; never nil
	Tokenizer  string  `json:"tokenizer,omitzero"`   // unit tokens: URL of the GGUF that cuts the texts; empty: columns have the tokens
	Report     []int   `json:"report"`               // n of the overlap table, ascending; default 13 25 50, else 50 100 200
	MaxSources *int    `json:"max_sources"`          // documents listed a span; default 10; never nil
	MaxMatches *int    `json:"max_matches"`          // documents listed a probe; default 20; never nil
	MinMatch   float64 `json:"min_match"`            // probe_coverage from which a document is listed; default .1

	// NearVerbatim compares probes with the documents listed of them for what is nearly the same. It is off unless it is asked for: 350
	// words and 700 take 40 microseconds, up to twice max_matches times for each probe and row group. Where all documents hold half of the
	// probes in part, a benchmark of units of 1,000 documents takes 6.7 times as long, of 4,000 2.5 times.
	NearVerbatim bool `json:"near_verbatim,omitzero"`
}

// unit returns the unit of overlap.
func (n *Ngram) unit() fold.Unit { return fold.UnitNamed(n.Unit) }

// Evidence configures the judgement.
type Evidence struct {
	// Score is the one score of the test. Empty, the default: the first of reference_log_ratio, min_k_pp and min_k that some work and
	// some control really have; the tables name it.
	Score string `json:"score,omitzero"`
	Texts *bool  `json:"texts"` // whether texts go into the tables; default true; never nil
}

// Resources bounds what a run takes of the machine. They change no result.
type Resources struct {
	Workers int      `json:"workers"` // 0: all cores
	Memory  ByteSize `json:"memory"`  // default 4GiB
}

// ByteSize is a number of bytes, written like 4GiB, 512MB or 1000000.
type ByteSize int64

// failOnBadInput is the value of on_bad_input that ends the run at the first input that cannot be read.
const failOnBadInput = "fail"

// logicalDate returns the date that the run stands for, or nil.
func (c *Config) logicalDate() *time.Time {
	for _, layout := range dateLayouts {
		if t, err := time.Parse(layout, c.LogicalDate); err == nil {
			t = t.UTC()
			return &t
		}
	}
	return nil
}

var dateLayouts = []string{time.DateOnly, time.RFC3339Nano}

// workers returns how many goroutines share the work.
func (c *Config) workers() int {
	if c.Resources.Workers > 0 {
		return c.Resources.Workers
	}
	return runtime.GOMAXPROCS(0)
}

// folds reports whether a stage reads the documents of the corpus.
func (c *Config) folds() bool { return c.Hash != nil || c.Ngram != nil }

// nearDuplicate returns the Jaccard threshold of near-duplicates; 0 when none are looked for.
func (c *Config) nearDuplicate() float64 {
	if c.Hash == nil {
		return 0
	}
	return c.Hash.NearDuplicate
}

// Resolved returns the configuration with its defaults as JSON, keys in the order of Config. Credentials in URLs are left out, and
// resources, which change no result.
func (c *Config) Resolved() []byte {
	d := c.withoutCredentials()
	d.Resources = Resources{}
	return d.encode()
}

// Digest returns the SHA-256 of Resolved without output, run_id and resources: configurations with the same digest give the
// same tables from the same inputs.
func (c *Config) Digest() string {
	d := c.withoutCredentials()
	d.Output, d.RunID, d.Resources = "", "", Resources{}
	sum := sha256.Sum256(d.encode())
	return hex.EncodeToString(sum[:])
}

func (c *Config) encode() []byte {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(c); err != nil {
		panic("pipeline: a configuration that is no JSON: " + err.Error()) // it holds strings and finite numbers only
	}
	return []byte(strings.TrimSuffix(b.String(), "\n"))
}

// decodeConfig reads what encode has written: of a plan or a manifest. Defaults are not filled in, since they are there.
func decodeConfig(data []byte) (*Config, error) {
	c := new(Config)
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(c); err != nil {
		return nil, err
	}
	if n := c.Ngram; c.Evidence.Texts == nil || n != nil && (n.MaxSources == nil || n.MaxMatches == nil || n.MinBytes == nil) {
		return nil, errors.New("it is not whole")
	}
	return c, nil
}

// withoutCredentials returns a copy whose URLs have no user and none of the query parameters that hold secrets.
func (c *Config) withoutCredentials() *Config {
	d := *c
	d.Output = redact(d.Output)
	if c.Corpus != nil {
		d.Corpus = &Corpus{redactAll(c.Corpus.URLs), c.Corpus.Columns}
	}
	if c.Controls != nil {
		d.Controls = &Controls{redactAll(c.Controls.URLs), c.Controls.Columns}
	}
	d.Probes = slices.Clone(c.Probes)
	for i := range d.Probes {
		d.Probes[i].URLs = redactAll(d.Probes[i].URLs)
	}
	if c.Ngram != nil {
		n := *c.Ngram
		n.Tokenizer = redact(n.Tokenizer)
		d.Ngram = &n
	}
	if c.Likelihood != nil {
		l := *c.Likelihood
		l.Target = slices.Clone(l.Target)
		for i := range l.Target {
			l.Target[i] = l.Target[i].withoutCredentials()
		}
		if l.Reference != nil {
			r := l.Reference.withoutCredentials()
			l.Reference = &r
		}
		d.Likelihood = &l
	}
	return &d
}

func redactAll(urls []string) []string {
	urls = slices.Clone(urls)
	for i, u := range urls {
		urls[i] = redact(u)
	}
	return urls
}

// redact removes user, password and query parameters that look like secrets. A local path stays as it is.
func redact(u string) string {
	scheme, rest, ok := strings.Cut(u, "://")
	if !ok {
		return u
	}
	rest, query, _ := strings.Cut(rest, "?")
	host, path, hasPath := strings.Cut(rest, "/")
	if at := strings.LastIndexByte(host, '@'); at >= 0 {
		host = host[at+1:]
	}
	if hasPath {
		host += "/" + path
	}
	var kept []string
	for p := range strings.FieldsFuncSeq(query, func(r rune) bool { return r == '&' || r == ';' }) {
		name, _, _ := strings.Cut(p, "=")
		if !secretName(name) {
			kept = append(kept, p)
		}
	}
	if len(kept) > 0 {
		host += "?" + strings.Join(kept, "&")
	}
	return scheme + "://" + host
}

func secretName(name string) bool {
	name = strings.ToLower(name)
	for _, part := range []string{"key", "secret", "token", "pass", "credential", "signature", "%"} {
		if strings.Contains(name, part) {
			return true
		}
	}
	return name == "sig" || name == "sas"
}
