package pipeline

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"palimpsest/stages/evidence"
	"palimpsest/stages/fold"
	"palimpsest/stages/minhash"
)

// The roles that columns of the input can have.
var (
	corpusRoles = slices.Concat([]string{"text"}, refRoles, []string{tokenIDsRole, byteOffsetsRole})
	probeRoles  = []string{"id", "text", "prompt", "kind", "control_group", "canary_null", "title", "author", "rights_holder",
		"license", "label", tokenIDsRole, byteOffsetsRole, promptIDsRole}
	controlRoles = []string{"id", "text", "control_group", tokenIDsRole, byteOffsetsRole}
)

var (
	runIDPattern  = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$`)
	bucketSchemes = []string{"s3", "gs", "azblob"}
	schemes       = append([]string{"file", "mem"}, bucketSchemes...)
)

// check fills in the defaults and reports impossible values.
func (l *loader) check(c *Config) {
	l.checkRun(c)
	if c.Corpus != nil {
		l.urls("corpus.urls", c.Corpus.URLs)
		c.Corpus.Columns = l.columns("corpus.columns", c.Corpus.Columns, corpusRoles, "text", "text")
	}
	l.checkProbes(c)
	if c.Controls != nil {
		l.urls("controls.urls", c.Controls.URLs)
		c.Controls.Columns = l.columns("controls.columns", c.Controls.Columns, controlRoles, "text", "text")
		if c.Likelihood == nil {
			l.problem("controls", "controls calibrate likelihood, which is not configured; add likelihood or remove controls")
		}
	}
	l.checkStages(c)
	if c.Ngram != nil {
		l.checkNgram(c.Ngram)
	}
	l.checkTokens(c)
	if c.Likelihood != nil {
		l.checkLikelihood(c)
	}
	if c.Lineage != nil {
		l.checkLineage(c)
	}
	l.checkEvidence(c)
	l.between("resources.workers", c.Resources.Workers, 0, 1024)
	if !l.given("resources.memory") {
		c.Resources.Memory = 4 << 30
	} else if c.Resources.Memory < 64<<20 {
		l.problem("resources.memory", "%d bytes are too few; give at least 64MiB", int64(c.Resources.Memory))
	}
}

func (l *loader) checkRun(c *Config) {
	if !l.given("output") {
		l.problem("output", "required; give the URL or local path under which runs are written, like file:///data/evidence")
	} else {
		l.url("output", c.Output)
	}
	if l.given("run_id") && !runIDPattern.MatchString(c.RunID) {
		l.problem("run_id", "%s is no name for a run; "+
			"use up to 128 letters, digits, dots, underscores and dashes, and begin with a letter or digit", quote(c.RunID))
	}
	if l.given("logical_date") && c.logicalDate() == nil {
		l.problem("logical_date", "%s is no date; write 2026-11-23 or 2026-11-23T04:00:00Z (RFC 3339)", quote(c.LogicalDate))
	}
	l.word("on_bad_input", &c.OnBadInput, "quarantine", failOnBadInput)
}

// checkStages reports stages that cannot run and inputs that nothing reads.
func (l *loader) checkStages(c *Config) {
	if !c.folds() && c.Likelihood == nil {
		l.problem("", "no stage is configured; add at least one of hash, ngram and likelihood, {} for the defaults")
	}
	for _, stage := range []struct {
		key string
		on  bool
	}{{"hash", c.Hash != nil}, {"ngram", c.Ngram != nil}} {
		if stage.on && c.Corpus == nil {
			l.problem(stage.key, "reads the corpus, which is not configured; add corpus or remove %s", stage.key)
		}
	}
	drawn := slices.ContainsFunc(c.Probes, func(s ProbeSource) bool { return s.From == fromCorpus })
	if c.Corpus != nil && !c.folds() && !drawn {
		l.problem("corpus", "no stage reads it; add hash, ngram or a source of probes with from: corpus, or remove corpus")
	}
	if c.Hash != nil {
		if name := c.Hash.MinHash; l.given("hash.minhash") {
			if _, ok := minhash.Lookup(name); !ok {
				l.problem("hash.minhash", "%s is no profile of signatures; use %s, or remove the key for no signatures",
					quote(name), strings.Join(minhash.Names(), ", "))
			}
		}
		if n := c.Hash.NearDuplicate; n < 0 || n > 1 {
			l.problem("hash.near_duplicate", "%v is no Jaccard threshold; it is 0 (off) or above 0 and at most 1", n)
		}
	}
}

func (l *loader) checkProbes(c *Config) {
	if len(c.Probes) == 0 {
		l.problem("probes", "required; give at least one source of probes")
	}
	for i := range c.Probes {
		s, key := &c.Probes[i], "probes"
		if l.given("probes.0") {
			key = join(key, strconv.Itoa(i))
		}
		switch s.From {
		case fromCorpus:
			if c.Corpus == nil {
				l.problem(key+".from", "there is no corpus to take probes from; add corpus or give urls")
			}
			l.without(key, "beside from: corpus, which takes the corpus's own", "urls", "columns")
			if !l.given(key + ".rate") {
				s.Rate = 1
			} else if s.Rate <= 0 || s.Rate > 1 {
				l.problem(key+".rate", "%v is no share of the corpus; it is above 0 and at most 1", s.Rate)
			}
		case fromModel:
			l.checkPrompts(c, key, s)
			continue
		case "":
			if l.given(key + ".from") {
				l.problem(key+".from", `use corpus or model; remove the key if the probes have urls of their own`)
			}
			if l.given(key + ".rate") {
				l.problem(key+".rate", "samples the corpus only; add from: corpus or remove rate")
			}
			l.urls(key+".urls", s.URLs)
			s.Columns = l.columns(key+".columns", s.Columns, probeRoles, "text", "text")
		default:
			l.problem(key+".from", "%s is unknown; use corpus or model, or give urls", quote(s.From))
		}
		if l.given(key + ".prompts") {
			l.problem(key+".prompts", "are for from: model; add that or remove them")
		}
		l.word(key+".kind", &s.Kind, "work", "generation", "canary")
	}
}

func (l *loader) checkNgram(n *Ngram) {
	l.word("ngram.unit", &n.Unit, fold.UnitNames()...)
	switch n.unit() {
	case fold.Bytes:
		l.meaningless(n, "min_bytes alone applies", "min_words", "min_tokens", "tokenizer")
		def(l, "ngram.min_bytes", &n.MinBytes, 50)
		l.between("ngram.min_bytes", *n.MinBytes, 1, 1<<20)
		l.checkReport(n, []int{50, 100, 200}, "min_bytes", *n.MinBytes)
	case fold.Tokens:
		l.meaningless(n, "min_tokens alone applies", "min_words", "min_bytes")
		n.MinBytes = new(int)
		l.least("ngram.min_tokens", &n.MinTokens, 50)
		l.checkReport(n, []int{50, 100, 200}, "min_tokens", n.MinTokens)
		if l.given("ngram.tokenizer") {
			l.url("ngram.tokenizer", n.Tokenizer)
		}
	default:
		l.meaningless(n, "min_words and min_bytes apply", "min_tokens", "tokenizer")
		def(l, "ngram.min_bytes", &n.MinBytes, 60)
		l.between("ngram.min_bytes", *n.MinBytes, 0, 1<<20)
		l.least("ngram.min_words", &n.MinWords, 13)
		l.checkReport(n, []int{13, 25, 50}, "min_words", n.MinWords)
	}
	def(l, "ngram.max_sources", &n.MaxSources, 10)
	l.between("ngram.max_sources", *n.MaxSources, 0, 1000)
	def(l, "ngram.max_matches", &n.MaxMatches, 20)
	l.between("ngram.max_matches", *n.MaxMatches, 0, 1000)
	if !l.given("ngram.min_match") {
		n.MinMatch = .1
	} else if n.MinMatch < 0 || n.MinMatch > 1 {
		l.problem("ngram.min_match", "%v is no share of a probe; it is from 0 to 1", n.MinMatch)
	}
	if n.NearVerbatim && *n.MaxMatches == 0 {
		l.problem("ngram.near_verbatim", "compares probes with listed documents, and ngram.max_matches lists none; raise that or remove the key")
	}
}

// meaningless reports keys that mean nothing in the unit, where other bounds apply.
func (l *loader) meaningless(n *Ngram, apply string, keys ...string) {
	for _, k := range keys {
		if key := "ngram." + k; l.given(key) {
			l.problem(key, "has no meaning in unit %s, where %s; remove it", n.Unit, apply)
		}
	}
}

// least fills in or checks the least length of a span in words or tokens.
func (l *loader) least(key string, v *int, usual int) {
	if l.given(key) {
		l.between(key, *v, 1, 10_000)
	} else {
		*v = usual
	}
}

// checkReport fills in the usual lengths, those that some span can have, or checks the ones given and puts them in order.
func (l *loader) checkReport(n *Ngram, usual []int, minimum string, least int) {
	const key = "ngram.report"
	if !l.given(key) {
		n.Report = slices.DeleteFunc(usual, func(x int) bool { return x < least })
		if len(n.Report) == 0 {
			n.Report = []int{least}
		}
		return
	}
	if len(n.Report) == 0 {
		l.problem(key, "is empty; list at least one length, or remove the key for the usual ones")
	}
	for i, x := range n.Report {
		at := join(key, strconv.Itoa(i))
		if x < least {
			l.problem(at, "%d is less than %s, %d, and spans are never shorter; remove it or lower %s", x, minimum, least, minimum)
		}
	}
	slices.Sort(n.Report) // the order and repeats of the list mean nothing
	n.Report = slices.Compact(n.Report)
}

// checkEvidence reports why the score that is given cannot be had.
func (l *loader) checkEvidence(c *Config) {
	def(l, "evidence.texts", &c.Evidence.Texts, true)
	const key = "evidence.score"
	if !l.given(key) {
		return // the judgement takes the first that the texts really have
	}
	score, m := c.Evidence.Score, c.Likelihood
	switch {
	case !slices.Contains(evidence.Scores(), score):
		l.problem(key, "%s is no score; %s", quote(score), nearest(score, evidence.Scores()))
	case m == nil:
		l.problem(key, "%s comes from likelihood, which is not configured; add likelihood or remove the score", score)
	case (score == "reference_log_ratio" || score == "memorized_bits") && m.Reference == nil:
		l.problem(key, "%s needs a reference model; add likelihood.reference or choose another score", score)
	default:
		l.checkScore(key, score, m)
	}
}

// def fills in a value that was not given, or could not be read.
func def[V any](l *loader, key string, v **V, usual V) {
	if *v == nil || !l.given(key) {
		*v = &usual
	}
}

// word checks one of a few words, the first of which is the default.
func (l *loader) word(key string, v *string, words ...string) {
	if !l.given(key) {
		*v = words[0]
	} else if !slices.Contains(words, *v) {
		hint := "use " + words[0]
		if len(words) > 1 {
			hint = "use " + strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
		}
		l.problem(key, "%s is unknown; %s", quote(*v), hint)
	}
}

// without reports keys that have no meaning beside something.
func (l *loader) without(key, beside string, keys ...string) {
	for _, k := range keys {
		if l.given(join(key, k)) {
			l.problem(join(key, k), "has no meaning %s; remove one of the two", beside)
		}
	}
}

func (l *loader) between(key string, v, least, most int) {
	if v < least || v > most {
		l.problem(key, "%d is outside %d to %d", v, least, most)
	}
}

// columns checks the roles of a mapping of columns, and gives the required one its usual name.
func (l *loader) columns(key string, columns map[string]string, roles []string, required, usual string) map[string]string {
	if columns == nil {
		columns = make(map[string]string)
	}
	for _, role := range slices.Sorted(maps.Keys(columns)) {
		switch {
		case !slices.Contains(roles, role):
			l.problem(join(key, role), "unknown role of a column; %s", nearest(role, roles))
		case columns[role] == "":
			l.problem(join(key, role), "names no column; give a name, or remove the role")
		}
	}
	if required != "" && columns[required] == "" && !l.given(join(key, required)) {
		columns[required] = usual
	}
	return columns
}

// urls checks a list of at least one URL.
func (l *loader) urls(key string, urls []string) {
	if !l.given(key) {
		l.problem(key, "required; list the URLs of Parquet files, like [\"s3://bucket/data/**/*.parquet\"]")
	} else if len(urls) == 0 {
		l.problem(key, "is empty; list at least one URL")
	}
	for i, u := range urls {
		l.url(join(key, strconv.Itoa(i)), u)
	}
}

// url checks that a URL has a scheme that a driver exists for, or is a local path.
func (l *loader) url(key, u string) {
	scheme, rest, ok := strings.Cut(u, "://")
	host, _, _ := strings.Cut(rest, "/")
	host, _, _ = strings.Cut(host, "?")
	switch {
	case strings.TrimSpace(u) == "":
		l.problem(key, "is empty; give a URL or a local path")
	case strings.ContainsFunc(u, unicode.IsControl):
		l.problem(key, "%s has a control character; remove it", quote(redact(u)))
	case !ok:
	case !slices.Contains(schemes, scheme):
		l.problem(key, "the scheme of %s is not supported; use %s:// or a local path", quote(redact(u)), strings.Join(schemes, "://, "))
	case slices.Contains(bucketSchemes, scheme) && host == "":
		l.problem(key, "%s names no bucket; write %s://bucket/path", quote(redact(u)), scheme)
	case scheme == "file" && host != "" && host != "localhost":
		l.problem(key, "%s names the host %s; a local file has three slashes, %s", quote(redact(u)), host, quote("file:///"+host+"/..."))
	}
}
