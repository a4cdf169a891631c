package pipeline

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"palimpsest/stages/likelihood"
	"palimpsest/stages/server"
)

// Likelihood configures the models (methods, sections 4 to 6).
type Likelihood struct {
	Target    ModelList `json:"target"` // the models that are judged: one, or a base model and what was tuned from it
	Reference *Model    `json:"reference,omitempty"`
	Windows   Windows   `json:"windows"`
	Tokens    string    `json:"tokens"` // which probes' tokens go into a table: none (default), canaries or all

	// These take further passes over the model, which columns cannot make.
	Lowercase    bool   `json:"lowercase,omitzero"`    // the texts in lower case, for lowercase_ratio
	Prior        *Prior `json:"prior,omitempty"`       // other prefixes, for prior_lift and to keep apart what they give back too
	Permutations int    `json:"permutations,omitzero"` // orders of each canary's words, for the table canaries; default none
	Seed         int    `json:"seed,omitzero"`         // of the orders; default 0
}

// Prior configures the other prefixes that a suffix is asked after (arXiv 2602.18733).
type Prior struct {
	Prefixes int `json:"prefixes"` // drawn from the controls of the text's group; default 20
	Seed     int `json:"seed"`     // of the draw; default 1
}

// Model is one model: an engine that is asked, or columns of log-probabilities.
type Model struct {
	// Engine is embedded, llamacpp, http or columns. Default: columns where columns or urls are given, http where url is, else
	// embedded.
	Engine string `json:"engine"`
	Name   string `json:"name"`          // name in the tables; default target or reference
	Base   string `json:"base,omitzero"` // name of the target that this one was tuned from, for the table tuning

	// Engine columns.
	URLs    []string          `json:"urls,omitempty"`    // Parquet keyed by probe id; default: the probes' own files
	Columns map[string]string `json:"columns,omitempty"` // see modelRoles; log_probs is required

	// Model is a GGUF's URL (embedded), its local path (llamacpp), or the name that a server knows the model by (http).
	Model     string `json:"model,omitzero"`
	Libraries string `json:"libraries,omitzero"` // llamacpp: folder of llama.cpp's shared libraries
	// Context is the tokens that a request may have: of a server that does not say, or fewer than the model's own, which takes
	// less memory. Default: the model's, in the process at most 4096.
	Context int `json:"context,omitzero"`

	// Engine http.
	URL               string  `json:"url,omitzero"`                 // of the server, like http://host:8000
	Protocol          string  `json:"protocol,omitzero"`            // vllm (default), sglang, tgi, openai or llamacpp
	KeyEnv            string  `json:"key_env,omitzero"`             // environment variable that holds the API key
	Concurrency       int     `json:"concurrency,omitzero"`         // requests at once; default 8
	Batch             int     `json:"batch,omitzero"`               // texts in a request, where the protocol takes several; default 16
	RequestsPerSecond float64 `json:"requests_per_second,omitzero"` // at most; default no limit
	TimeoutSeconds    int     `json:"timeout_seconds,omitzero"`     // of a request; default 300
	Retries           int     `json:"retries,omitzero"`             // of a request that may succeed later; default 6
	Cache             string  `json:"cache,omitzero"`               // URL under which replies are kept; default none
	ModelSHA256       string  `json:"model_sha256,omitzero"`        // of the weights; without it replies are kept for one URL alone
	Tokenizer         string  `json:"tokenizer,omitzero"`           // GGUF's URL; default: the server tokenises
	BOS               string  `json:"bos,omitzero"`                 // auto (default): what the model's tokenizer puts first; none; or an id
}

// ModelList is a list of models, or one.
type ModelList []Model

// Windows configures extraction.
type Windows struct {
	Prefix  int    `json:"prefix"`           // tokens; default 50
	Suffix  int    `json:"suffix"`           // tokens; default 50; 0 for no windows
	Stride  int    `json:"stride"`           // tokens, in profile cooper characters; default 10
	TopK    int    `json:"top_k"`            // default 40
	Profile string `json:"profile,omitzero"` // tokens (default), or cooper: the text is cut every stride characters and tokenised anew
	Context string `json:"context"`          // window (default): the suffix given its prefix alone; text: given all text before it
}

// windows returns the windows that texts are cut into.
func (l *Likelihood) windows() likelihood.Windows {
	if l.Windows.Suffix == 0 {
		return likelihood.Windows{}
	}
	return likelihood.Windows(l.Windows)
}

// Prompts configures what a target model is asked to go on with: prefixes of the works among the probes.
type Prompts struct {
	Prefix int   `json:"prefix"` // tokens; default 50
	Length int   `json:"length"` // tokens asked for; default 50
	Stride int   `json:"stride"` // tokens from one prompt of a work to the next; default 50
	Most   int   `json:"most"`   // prompts of one work; 0, the default, for no limit
	Greedy *bool `json:"greedy"` // once by the likeliest tokens; default true; never nil
	Draws  int   `json:"draws"`  // times by sampling; default 0
	TopK   int   `json:"top_k"`  // from so many of the likeliest tokens; default 40
	Seed   int   `json:"seed"`   // of the draws; default 1
}

// The engines, and the sources of probes that are not files.
const (
	columnsEngine  = "columns"
	embeddedEngine = "embedded"
	llamacppEngine = "llamacpp"
	httpEngine     = "http"

	fromCorpus = "corpus"
	fromModel  = "model"
)

var (
	modelRoles = append([]string{"id"}, likelihood.Roles()...)
)

// keysOfEngines lists the keys that one engine alone, or two, have a use for.
var keysOfEngines = []struct {
	key     string
	engines []string
}{
	{"urls", []string{columnsEngine}}, {"columns", []string{columnsEngine}},
	{"model", []string{embeddedEngine, llamacppEngine, httpEngine}}, {"libraries", []string{llamacppEngine}},
	{"url", []string{httpEngine}}, {"protocol", []string{httpEngine}}, {"key_env", []string{httpEngine}},
	{"concurrency", []string{httpEngine}}, {"batch", []string{httpEngine}}, {"requests_per_second", []string{httpEngine}},
	{"timeout_seconds", []string{httpEngine}}, {"retries", []string{httpEngine}}, {"cache", []string{httpEngine}},
	{"model_sha256", []string{httpEngine}}, {"tokenizer", []string{httpEngine}}, {"bos", []string{httpEngine}},
	{"context", []string{embeddedEngine, llamacppEngine, httpEngine}},
}

// asks reports whether an engine is asked, rather than columns read.
func (m *Model) asks() bool { return m.Engine != columnsEngine }

func (m Model) withoutCredentials() Model {
	m.URLs = redactAll(m.URLs)
	for _, u := range []*string{&m.URL, &m.Cache, &m.Tokenizer, &m.Model} {
		*u = redact(*u)
	}
	return m
}

func (l *loader) checkLikelihood(c *Config) {
	const key = "likelihood.target"
	m := c.Likelihood
	if !l.given(key) {
		l.problem(key, "required; name the model, like {model: file:///models/model.gguf}, "+
			"or where its log-probabilities are, like {columns: {log_probs: log_probs}}")
	} else if len(m.Target) == 0 {
		l.problem(key, "is empty; name at least one model")
	}
	for i := range m.Target {
		name := "target"
		if len(m.Target) > 1 {
			name += "-" + strconv.Itoa(i+1)
		}
		l.checkModel(m.Target.key(l, i), &m.Target[i], name)
	}
	if m.Reference != nil {
		l.checkModel("likelihood.reference", m.Reference, "reference")
		l.without("likelihood.reference", "of a reference, which nothing is tuned from", "base")
	}
	l.checkNames(m)
	for _, w := range []struct {
		key          string
		value        *int
		usual, least int
	}{
		{"prefix", &m.Windows.Prefix, 50, 1}, {"suffix", &m.Windows.Suffix, 50, 0},
		{"stride", &m.Windows.Stride, 10, 1}, {"top_k", &m.Windows.TopK, 40, 1},
	} {
		key := "likelihood.windows." + w.key
		if !l.given(key) {
			*w.value = w.usual
		}
		l.between(key, *w.value, w.least, 1_000_000)
	}
	if l.given("likelihood.windows.profile") {
		l.word("likelihood.windows.profile", &m.Windows.Profile, likelihood.ProfileTokens, likelihood.ProfileCooper)
	}
	l.word("likelihood.windows.context", &m.Windows.Context, "window", "text")
	if m.Windows.Profile == likelihood.ProfileCooper && m.Windows.Context == likelihood.ContextText {
		l.problem("likelihood.windows.context", "profile cooper cuts the text anew for every window; remove one of the two")
	}
	l.word("likelihood.tokens", &m.Tokens, "none", "canaries", "all")
	l.between("likelihood.permutations", m.Permutations, 0, 100_000)
	if p := m.Prior; p != nil {
		if !l.given("likelihood.prior.prefixes") {
			p.Prefixes = 20
		}
		l.between("likelihood.prior.prefixes", p.Prefixes, 1, 1000)
		if !l.given("likelihood.prior.seed") {
			p.Seed = 1
		}
		if m.Windows.Suffix == 0 {
			l.problem("likelihood.prior", "asks for the suffixes of windows, and there are none; remove one of the two")
		}
		if c.Controls == nil {
			l.problem("likelihood.prior", "draws its prefixes from the controls, which are not configured; add controls or remove prior")
		}
		if m.Windows.Context == likelihood.ContextText || m.Windows.Profile == likelihood.ProfileCooper {
			l.problem("likelihood.prior", "other prefixes take the place of a window's own; "+
				"set likelihood.windows to context window and profile tokens, or remove prior")
		}
	}
	for _, pass := range []struct {
		key string
		on  bool
	}{
		{"likelihood.lowercase", m.Lowercase}, {"likelihood.permutations", m.Permutations > 0}, {"likelihood.prior", m.Prior != nil},
		{"likelihood.windows.profile", m.Windows.Profile == likelihood.ProfileCooper},
	} {
		if pass.on && !slices.ContainsFunc(m.Target, func(t Model) bool { return t.asks() }) {
			l.problem(pass.key, "takes a model that can be asked, and columns cannot; name a model, or remove the key")
		}
	}
}

// key is the key of the target at that place of the list.
func (ModelList) key(l *loader, i int) string {
	const key = "likelihood.target"
	if l.given(key + ".0") {
		return join(key, strconv.Itoa(i))
	}
	return key
}

// checkNames reports models with one name, and bases that are none.
func (l *loader) checkNames(m *Likelihood) {
	var names []string
	for i := range m.Target {
		key := m.Target.key(l, i)
		if n := m.Target[i].Name; slices.Contains(names, n) {
			l.problem(key+".name", "two targets have the name %s; give them two", quote(n))
		}
		names = append(names, m.Target[i].Name)
	}
	if r := m.Reference; r != nil && slices.Contains(names, r.Name) {
		l.problem("likelihood.reference.name", "target and reference have the same name, %s; give them two", quote(r.Name))
	}
	for i := range m.Target {
		if t := &m.Target[i]; t.Base != "" && (t.Base == t.Name || !slices.Contains(names, t.Base)) {
			l.problem(m.Target.key(l, i)+".base", "%s is not the name of another target; list the base model as a target too", quote(t.Base))
		}
	}
}

func (l *loader) checkModel(key string, m *Model, name string) {
	engines := []string{embeddedEngine, llamacppEngine, httpEngine, columnsEngine}
	if l.given(key + ".engine") {
		l.word(key+".engine", &m.Engine, engines...)
	}
	if !slices.Contains(engines, m.Engine) { // the other keys tell
		switch {
		case l.given(key + ".columns"), l.given(key + ".urls"):
			m.Engine = columnsEngine
		case l.given(key + ".url"):
			m.Engine = httpEngine
		default:
			m.Engine = embeddedEngine
		}
	}
	if !l.given(key + ".name") {
		m.Name = name
	} else if m.Name == "" || len(m.Name) > 200 || strings.ContainsFunc(m.Name, unicode.IsControl) {
		l.problem(key+".name", "%s is no name; use 1 to 200 printable characters", quote(m.Name))
	}
	for _, k := range keysOfEngines {
		if l.given(join(key, k.key)) && !slices.Contains(k.engines, m.Engine) {
			l.problem(join(key, k.key), "has no meaning for the engine %s; remove it, or set engine: %s", m.Engine, k.engines[0])
		}
	}
	if l.given(key + ".context") {
		l.between(key+".context", m.Context, 2, 1<<30)
	}
	switch m.Engine {
	case columnsEngine:
		l.checkColumns(key, m)
	case httpEngine:
		l.checkServer(key, m)
	default:
		if m.Model == "" {
			l.problem(key+".model", "required; give the GGUF of the model, like file:///models/model.gguf")
		} else {
			l.url(key+".model", m.Model)
		}
		if m.Engine == llamacppEngine && m.Libraries == "" {
			l.problem(key+".libraries", "required; give the folder of llama.cpp's shared libraries")
		}
	}
}

func (l *loader) checkColumns(key string, m *Model) {
	if l.given(key + ".urls") {
		l.urls(key+".urls", m.URLs)
		m.Columns = l.columns(key+".columns", m.Columns, modelRoles, "id", "id")
	} else {
		m.Columns = l.columns(key+".columns", m.Columns, modelRoles, "", "")
		if m.Columns["id"] != "" {
			l.problem(key+".columns.id", "has no meaning without urls, since the columns stand beside the probes; give urls or remove it")
		}
	}
	if m.Columns["log_probs"] == "" && !l.given(key+".columns.log_probs") {
		l.problem(key+".columns.log_probs", "required; name the column of the tokens' log-probabilities")
	}
	for _, pair := range [][2]string{{"means", "deviations"}, {"top_ids", "top_log_probs"}} {
		for i := range pair {
			if m.Columns[pair[i]] != "" && m.Columns[pair[1-i]] == "" {
				l.problem(join(key+".columns", pair[i]), "is of use with %s only; name that column too, or remove this one", pair[1-i])
			}
		}
	}
}

func (l *loader) checkServer(key string, m *Model) {
	if !strings.HasPrefix(m.URL, "http://") && !strings.HasPrefix(m.URL, "https://") {
		l.problem(key+".url", "%s is no address of a server; give one like http://localhost:8000", quote(redact(m.URL)))
	}
	l.word(key+".protocol", &m.Protocol, server.Protocols...)
	for _, n := range []struct {
		key                string
		value              *int
		usual, least, most int
	}{
		{"concurrency", &m.Concurrency, 8, 1, 4096}, {"batch", &m.Batch, 16, 1, 4096},
		{"timeout_seconds", &m.TimeoutSeconds, 300, 1, 86400}, {"retries", &m.Retries, 6, 0, 100},
	} {
		if !l.given(join(key, n.key)) {
			*n.value = n.usual
		}
		l.between(join(key, n.key), *n.value, n.least, n.most)
	}
	if l.given(key+".bos") && m.BOS != "auto" && m.BOS != "none" {
		if id, err := strconv.ParseInt(m.BOS, 10, 32); err != nil || id < 0 {
			l.problem(key+".bos", "%s is unknown; use auto, none or a token's id", quote(m.BOS))
		}
	}
	if digest, err := hex.DecodeString(m.ModelSHA256); l.given(key+".model_sha256") && (err != nil || len(digest) != sha256.Size) {
		l.problem(key+".model_sha256", "%s is no SHA-256; give 64 hex digits", quote(m.ModelSHA256))
	}
	m.ModelSHA256 = strings.ToLower(m.ModelSHA256)
	if m.RequestsPerSecond < 0 {
		l.problem(key+".requests_per_second", "%v is no rate; give one above 0, or remove the key", m.RequestsPerSecond)
	}
	for _, u := range [][2]string{{"cache", m.Cache}, {"tokenizer", m.Tokenizer}} {
		if l.given(join(key, u[0])) {
			l.url(join(key, u[0]), u[1])
		}
	}
}

// checkPrompts checks a source of probes that a model writes.
func (l *loader) checkPrompts(c *Config, key string, s *ProbeSource) {
	l.without(key, "beside from: model, which is prompted with the works of the other sources", "urls", "columns", "rate", "kind")
	s.Kind = "generation"
	if first := slices.IndexFunc(c.Probes, func(o ProbeSource) bool { return o.From == fromModel }); &c.Probes[first] != s {
		l.problem(key+".from", "a model is prompted by one source only, and probes.%d is another; put what is asked for into one", first)
	}
	if c.Likelihood == nil || !slices.ContainsFunc(c.Likelihood.Target, func(t Model) bool { return t.Engine != columnsEngine }) {
		l.problem(key+".from", "there is no model to ask; add likelihood.target with a model, or give urls")
	}
	if s.Prompts == nil {
		s.Prompts = new(Prompts)
	}
	p := s.Prompts
	key += ".prompts"
	def(l, key+".greedy", &p.Greedy, true)
	for _, n := range []struct {
		key                string
		value              *int
		usual, least, most int
	}{
		{"prefix", &p.Prefix, 50, 1, 1_000_000}, {"length", &p.Length, 50, 1, 1_000_000}, {"stride", &p.Stride, 50, 1, 1_000_000},
		{"most", &p.Most, 0, 0, 1 << 30}, {"draws", &p.Draws, 0, 0, 100_000}, {"top_k", &p.TopK, 40, 2, 1_000_000},
		{"seed", &p.Seed, 1, 0, 1 << 62},
	} {
		if !l.given(join(key, n.key)) {
			*n.value = n.usual
		}
		l.between(join(key, n.key), *n.value, n.least, n.most)
	}
	if !*p.Greedy && p.Draws == 0 {
		l.problem(key, "ask for nothing; set greedy: true, or draws to at least 1")
	}
}

// checkScore reports why a target cannot have the declared score.
func (l *loader) checkScore(key, score string, m *Likelihood) {
	some := func(is func(t *Model) bool) bool {
		return slices.ContainsFunc(m.Target, func(t Model) bool { return is(&t) })
	}
	columns := some(func(t *Model) bool { return t.Engine == columnsEngine })
	switch {
	case score == "min_k_pp" && some(func(t *Model) bool {
		return t.Engine == columnsEngine && (t.Columns["means"] == "" || t.Columns["deviations"] == "")
	}):
		l.problem(key, "%s needs the moments of the vocabulary; name likelihood.target.columns.means and deviations, or choose another score",
			score)
	case score == "min_k_pp" && some(func(t *Model) bool { return t.Engine == httpEngine && t.Protocol != server.LlamaCPP }):
		l.problem(key, "%s needs the moments of the vocabulary, which only servers of protocol llamacpp give; choose another score", score)
	case (score == "lowercase_ratio" || score == "prior_lift") && columns:
		l.problem(key, "%s needs a second pass over the model, which the engine columns cannot make; choose another score", score)
	case score == "lowercase_ratio" && !m.Lowercase:
		l.problem(key, "%s needs a second pass over the model; add likelihood.lowercase: true, or choose another score", score)
	case score == "prior_lift" && m.Prior == nil:
		l.problem(key, "%s needs a second pass over the model; add likelihood.prior, {} for the defaults, or choose another score", score)
	}
}
