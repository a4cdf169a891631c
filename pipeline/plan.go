package pipeline

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"text/tabwriter"

	"palimpsest/stages/fold"
	"palimpsest/stages/hash"
	"palimpsest/stages/ngram"
	"palimpsest/stages/read"
	"palimpsest/stages/store"
	"palimpsest/stages/tokenizer"
)

// Plan is a run before it reads anything but footers: which objects at which versions, how much there is to read, what memory it
// takes. A plan that cannot fit is refused.
type Plan struct {
	Config *Config
	RunID  string
	RunURL string

	store  *store.Store
	source *read.Source
	log    *slog.Logger

	corpus, controls []*object
	probes           [][]*object // by source; nil for those from the corpus or a model
	models           []*planned

	memory   memory
	sampling ngram.Sampling // of the index

	tokenizer  *tokenizer.Tokenizer // that cuts texts; nil when none is asked for
	vocabulary store.Object         // the file it is from

	mu         sync.Mutex
	named      bool   // log carries the run, or there will be no name
	meter      *Meter // nil before the plan is carried out
	failures   []Failure
	failed     map[string]bool // what is among failures
	unreadable []string        // objects whose footers cannot be read, with size and version
}

// memory is what the run holds at once, in bytes.
type memory struct {
	Models  int64 // the models' weights
	Texts   int64 // the probes' and controls' texts
	Tokens  int64 // where their tokens stand, in unit tokens
	Streams int64 // what is searched for of them
	Blocks  int64 // passes over the corpus, each with a part of the texts
	Block   int64 // texts of such a part
	Index   int64 // the index of ngram over them, at most
	Near    int64 // the index of near-duplicates, at most
	Alike   int64 // what is remembered of documents that are alike, by each of shares
	Least   int64 // of the largest row group, or what is left for them at least
	Budget  int64 // what is left for the row groups being read
}

// minBudget is the least room for row groups, in bytes, that a plan leaves.
const minBudget = 32 << 20

// NewPlan opens the inputs of a configuration.
func NewPlan(ctx context.Context, s *store.Store, c *Config, log *slog.Logger) (*Plan, error) {
	p := &Plan{Config: c, store: s, log: log, failed: make(map[string]bool)}
	p.source = read.NewSource(s, int64(c.Resources.Memory))
	if c.RunID != "" {
		p.name(c.RunID)
	}
	if err := p.openAll(ctx); err != nil {
		p.logFailures()
		return nil, err
	}
	if c.RunID == "" {
		p.name(p.inputsDigest())
	}
	return p, nil
}

// openAll opens the inputs and fits the memory.
func (p *Plan) openAll(ctx context.Context) error {
	c := p.Config
	var err error
	if c.Corpus != nil {
		if p.corpus, err = p.open(ctx, corpusRole, c.Corpus.URLs, c.Corpus.Columns); err != nil {
			return err
		}
	}
	for _, src := range c.Probes {
		var objects []*object
		if src.From == "" {
			if objects, err = p.open(ctx, probesRole, src.URLs, src.Columns); err != nil {
				return err
			}
		}
		p.probes = append(p.probes, objects)
	}
	if c.Controls != nil {
		if p.controls, err = p.open(ctx, controlsRole, c.Controls.URLs, c.Controls.Columns); err != nil {
			return err
		}
	}
	if err := p.openTokenizer(ctx); err != nil {
		return err
	}
	if err := p.openModels(ctx); err != nil {
		return err
	}
	return p.fit()
}

// RunURL returns the URL of a run's directory: the run id below the output's path, before the query of a URL.
func RunURL(output, runID string) string {
	base, query := output, ""
	if i := strings.IndexByte(output, '?'); i >= 0 && strings.Contains(output, "://") {
		base, query = output[:i], output[i:]
	}
	return strings.TrimSuffix(base, "/") + "/" + runID + query
}

// inputsDigest names a run by what goes into it: the configuration and the versions of the inputs.
func (p *Plan) inputsDigest() string {
	h := sha256.New()
	fmt.Fprintln(h, p.Config.Digest())
	for _, in := range p.inputs() {
		fmt.Fprintln(h, in.Role, in.URI, in.Size, in.Version)
	}
	slices.Sort(p.unreadable)
	for _, o := range p.unreadable {
		fmt.Fprintln(h, "quarantined", o)
	}
	return "run-" + hex.EncodeToString(h.Sum(nil))[:16]
}

// objects returns every opened object.
func (p *Plan) objects() []*object {
	all := slices.Concat(p.corpus, slices.Concat(p.probes...), p.controls)
	for _, m := range p.models {
		all = append(all, m.objects...)
	}
	return all
}

// inputs returns what the run is made from: every opened object, the models' files and the tokenizer's.
func (p *Plan) inputs() []Input {
	var all []Input
	for _, o := range p.objects() {
		all = append(all, o.read())
	}
	for _, m := range p.models {
		if m.file.URI != "" {
			all = append(all, Input{Role: m.role, URI: m.file.URI, Size: m.file.Size, Version: m.file.Version, Chunks: []Chunk{}})
		}
	}
	if v := p.vocabulary; v.URI != "" {
		all = append(all, Input{Role: tokenizerRole, URI: v.URI, Size: v.Size, Version: v.Version, Chunks: []Chunk{}})
	}
	return all
}

// fit works out the memory and refuses a plan that does not fit.
func (p *Plan) fit() error {
	for _, m := range p.models {
		p.memory.Models = sum(p.memory.Models, m.memory)
	}
	for _, o := range slices.Concat(slices.Concat(p.probes...), p.controls) {
		for g := range o.file.Groups() {
			_, held := o.file.Size(g, o.pick("text")...)
			p.memory.Texts = sum(p.memory.Texts, held)
		}
	}
	for _, s := range p.Config.Probes {
		if s.From == fromCorpus {
			p.memory.Texts = sum(p.memory.Texts, int64(float64(p.corpusText())*s.Rate))
		}
	}
	if p.newCutter() != nil {
		p.memory.Tokens = expectedTokens(p.memory.Texts)
	}
	least, group := int64(minBudget), ""
	for _, s := range shards(p.corpus) {
		if _, held := s.file.Size(s.group, s.all()...); held > least {
			least, group = min(held, absurd), fmt.Sprintf("%s, row group %d", s.input.URI, s.group)
		}
	}
	p.memory.Least = least
	if !p.fitIndex() {
		m, limit := &p.memory, int64(p.Config.Resources.Memory)
		need := limit - m.Budget + least
		if group != "" {
			return badUsage("%s: %s to hold, and resources.memory leaves %s for reading: set it to at least %s",
				group, formatBytes(least), formatBytes(max(m.Budget, 0)), formatBytes(need))
		}
		return badUsage("resources.memory is %s, and the probes' texts (%s) with their index (%s or more) leave no room to read: "+
			"set it to at least %s, or split the probes over several runs",
			formatBytes(limit), formatBytes(m.Texts+m.Tokens), formatBytes(m.Streams+m.Index+m.Near), formatBytes(need))
	}
	return p.source.Limit(p.memory.Budget)
}

// absurd is where sums of what footers say stop.
const absurd = 1 << 50

func sum(a, b int64) int64 { return min(a+min(b, absurd), absurd) }

// fitIndex chooses how the probes are indexed: whole if that fits beside the largest row group, else every so many-th place of them,
// else in blocks too, each of which takes a pass over the corpus. It reports whether there is a way.
func (p *Plan) fitIndex() bool {
	limit, m := int64(p.Config.Resources.Memory), &p.memory
	var engine ngram.Config
	if n := p.Config.Ngram; n != nil {
		engine = n.engine()
		m.Streams = ngram.TextsMemory(m.Texts)
	}
	for m.Blocks = 1; ; m.Blocks++ {
		m.Block = (m.Texts + m.Blocks - 1) / m.Blocks
		for every := 1; every <= ngram.MostEvery; every++ {
			if m.Blocks > 1 && every < ngram.MostEvery {
				continue // a pass less is worth more
			}
			m.Index, m.Near = 0, 0
			if p.Config.Ngram != nil {
				p.sampling = engine.Sampling(every)
				m.Index = engine.Memory(m.Block, p.sampling)
			}
			if p.Config.nearDuplicate() > 0 {
				m.Near = hash.NearMemory(m.Block)
			}
			m.Budget = limit - m.Models - m.Texts - m.Tokens - m.Streams - m.Index - m.Near
			if m.Budget >= m.Least && (p.Config.Ngram == nil || ngram.TextsMemory(m.Block) <= ngram.MostText) {
				m.Alike = min((m.Budget-m.Least)/2/p.Config.shares(), mostAlike)
				m.Budget -= m.Alike * p.Config.shares()
				return true
			}
		}
		if m.Blocks == mostBlocks || m.Index+m.Near == 0 {
			return false
		}
	}
}

// refit fits the index anew to the texts that were loaded: of a sample of the corpus the plan knows only what to expect. It is called
// while no row group is held.
func (p *Plan) refit(all []*fold.Probe) error {
	budget, expected := p.memory.Budget, p.memory.Texts+p.memory.Tokens
	p.memory.Texts, p.memory.Tokens = 0, 0
	for _, t := range all {
		p.memory.Texts = sum(p.memory.Texts, searchedBytes(t))
		p.memory.Tokens = sum(p.memory.Tokens, tokensMemory(t))
	}
	if !p.fitIndex() {
		return badUsage("the probes' texts take %s, where %s were expected, and do not fit in resources.memory with their index: raise it",
			formatBytes(p.memory.Texts+p.memory.Tokens), formatBytes(expected))
	}
	if p.memory.Budget = min(p.memory.Budget, budget); p.memory.Budget == budget {
		return nil
	}
	return p.source.Limit(p.memory.Budget)
}

// shares returns how many times documents are remembered: by each worker and twice in all, and to be compared by each worker again.
func (c *Config) shares() int64 {
	n := int64(c.workers()) + 2
	if c.Ngram != nil && c.Ngram.NearVerbatim {
		n += int64(c.workers())
	}
	return n
}

// mostAlike bounds what a worker remembers of documents that are alike. A few megabytes hold the boilerplate of most corpora; more would
// let memory grow with the corpus until all of it is taken.
const mostAlike = 5 << 20

// mostBlocks bounds the passes over the corpus.
const mostBlocks = 64

// corpusText returns the memory that all texts of the corpus take.
func (p *Plan) corpusText() (held int64) {
	for _, s := range shards(p.corpus) {
		_, n := s.file.Size(s.group, s.pick("text")...)
		held = sum(held, n)
	}
	return held
}

// CorpusBytes returns the stored bytes that one pass over the corpus reads.
func (p *Plan) CorpusBytes() (stored int64) {
	for _, s := range shards(p.corpus) {
		n, _ := s.file.Size(s.group, s.all()...)
		stored = sum(stored, n)
	}
	return stored
}

// engine returns the configuration of package ngram.
func (n *Ngram) engine() ngram.Config {
	return ngram.Config{Unit: n.unit(), MinWords: max(n.MinWords, n.MinTokens), MinBytes: *n.MinBytes, MaxSources: *n.MaxSources}
}

// Print writes what the run will do, for a person.
func (p *Plan) Print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "run\t%s\n", p.RunURL)
	fmt.Fprintf(t, "configuration\tsha256 %s\n\n", p.Config.Digest())
	fmt.Fprintf(t, "input\tobjects\trow groups\trows\tto read\n")
	for _, in := range []struct {
		name    string
		objects []*object
		passes  int64
	}{
		{corpusRole, p.corpus, p.corpusPasses()}, {probesRole, slices.Concat(p.probes...), 1}, {controlsRole, p.controls, 1},
		{referenceRole, p.keyedObjects(referenceRole), 1}, {targetRole, p.keyedObjects(targetRole), 1},
	} {
		if len(in.objects) == 0 {
			continue
		}
		var rows, stored int64
		groups := shards(in.objects)
		for _, s := range groups {
			n, _ := s.file.Size(s.group, s.all()...)
			rows, stored = rows+s.file.GroupRows(s.group), stored+n*in.passes
		}
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%s\n", in.name, len(in.objects), len(groups), rows, formatBytes(stored))
	}
	for _, m := range p.models {
		if m.file.URI != "" {
			fmt.Fprintf(t, "%s, %s\t%s\t\t\t%s\n", m.role, m.Name, m.file.URI, formatBytes(m.file.Size))
		}
	}
	if v := p.vocabulary; v.URI != "" {
		fmt.Fprintf(t, "%s\t%s\t\t\t%s\n", tokenizerRole, v.URI, formatBytes(v.Size))
	}
	fmt.Fprintf(t, "\nmemory, at most\t%s\n", formatBytes(int64(p.Config.Resources.Memory)))
	if p.memory.Models > 0 {
		fmt.Fprintf(t, "  models\t%s\n", formatBytes(p.memory.Models))
	}
	fmt.Fprintf(t, "  probe texts, at most\t%s\n", formatBytes(p.memory.Texts+p.memory.Tokens+p.memory.Streams))
	fmt.Fprintf(t, "  index, at most\t%s\n", formatBytes(p.memory.Index))
	if p.memory.Near > 0 {
		fmt.Fprintf(t, "  index of near-duplicates, at most\t%s\n", formatBytes(p.memory.Near))
	}
	fmt.Fprintf(t, "  left to remember what documents share\t%s\n", formatBytes(p.memory.Alike*p.Config.shares()))
	fmt.Fprintf(t, "  left for row groups\t%s\n", formatBytes(p.memory.Budget))
	fmt.Fprintf(t, "tasks\t%d row groups on %d workers\n", len(shards(p.corpus)), p.Config.workers())
	if n := p.memory.Blocks; n > 1 {
		fmt.Fprintf(t, "passes\tup to %d over the corpus, each with a part of the probes: more memory takes fewer\n", n)
	}
	if p.sampling.Every > 1 {
		fmt.Fprintf(t, "index\tone in %d places of the probes, looked up every %d bytes of the corpus\n",
			p.sampling.Every, p.sampling.Stride)
	}
	for _, f := range p.failures {
		fmt.Fprintf(t, "quarantined\t%s: %s\n", f.Object, f.Reason)
	}
	return t.Flush()
}

// keyedObjects returns the objects that hold the values of the models of that role, keyed by id.
func (p *Plan) keyedObjects(role string) (objects []*object) {
	for _, m := range p.models {
		if m.role == role {
			objects = append(objects, m.objects...)
		}
	}
	return objects
}

// corpusPasses returns how often the corpus is read: once by the folds, and once to draw probes from it.
func (p *Plan) corpusPasses() (n int64) {
	if p.Config.folds() {
		n += p.memory.Blocks
	}
	if p.Config.drawsFromCorpus() {
		n++
	}
	return n
}

// drawsFromCorpus reports whether probes are drawn from the corpus.
func (c *Config) drawsFromCorpus() bool {
	return slices.ContainsFunc(c.Probes, func(s ProbeSource) bool { return s.From == fromCorpus })
}

// formatBytes writes a number of bytes for a person.
func formatBytes(n int64) string {
	const units = "KMGTPE"
	if n < 1024 {
		return fmt.Sprintf("%d B", n)
	}
	v, i := float64(n)/1024, 0
	for v >= 1024 && i < len(units)-1 {
		v, i = v/1024, i+1
	}
	return fmt.Sprintf("%.1f %ciB", v, units[i])
}
