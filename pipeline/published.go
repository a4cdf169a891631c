package pipeline

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"palimpsest/stages/fold"
	"palimpsest/stages/likelihood"
	"palimpsest/stages/ngram"
	"palimpsest/stages/read"
	"palimpsest/stages/store"
)

// What a run keeps while it is under way lies below its directory: work/plan.json, and by the digest of the job the texts, and the
// results of the units. It is removed when the run is complete.
const (
	workName    = "work"
	planName    = workName + "/plan.json"
	textsName   = "texts"
	recordsType = "application/octet-stream"
	maxPlan     = 4 << 30
)

// work returns the key of an intermediate result of the job, below the run's directory.
func (j *Job) work(name string) string { return workName + "/" + j.digest + "/" + name }

// published is plan.json: all that a task has to know.
type published struct {
	Format         int             `json:"format"`
	ProgramVersion string          `json:"program_version"`
	Identity       string          `json:"identity"` // digest of what the job is made from
	RunID          string          `json:"run_id"`
	Config         json.RawMessage `json:"config"`
	Inputs         []Input         `json:"inputs"` // opened objects, the corpus' first, in order
	Keyed          []keyedInputs   `json:"keyed"`  // files of models' values, keyed by id
	Models         []publishedFile `json:"models"` // the files of models, and the tokenizer's
	Failures       []Failure       `json:"failures"`
	Unreadable     []string        `json:"unreadable"` // objects that were left out, at their versions
	Notes          []Note          `json:"notes"`
	Memory         memory          `json:"memory"`
	Sampling       ngram.Sampling  `json:"sampling"`
	TextsSHA256    string          `json:"texts_sha256"` // of the file of texts
	Blocks         []block         `json:"blocks"`
	Units          []unit          `json:"units"`
	Tasks          [][]int         `json:"tasks"` // units by task
	Array          bool            `json:"array"` // indexes and outlines are published too
}

// keyedInputs are the files of a model's values.
type keyedInputs struct {
	Model  string  `json:"model"`
	Inputs []Input `json:"inputs"`
}

// publishedFile is a model's file at its version. The role tokenizer has no name.
type publishedFile struct {
	Role string `json:"role"`
	Name string `json:"name"`
	store.Object
}

const planFormat = 1

// identity is the digest of what a job is made from: the program, the configuration, the inputs at their versions. Jobs of one identity
// give the same tables.
func (p *Plan) identity(version string) string {
	h := sha256.New()
	fmt.Fprintln(h, planFormat, version, p.inputsDigest())
	return hex.EncodeToString(h.Sum(nil))
}

// publish writes what tasks work from. What an earlier plan left of the run, which was never finished, is removed before.
func (j *Job) publish(ctx context.Context) error {
	local, err := os.MkdirTemp("", "palimpsest-")
	if err != nil {
		return fmt.Errorf("making a place for intermediate results: %w", err)
	}
	defer os.RemoveAll(local)
	path := filepath.Join(local, textsName)
	if err := j.texts.write(path); err != nil {
		return err
	}
	p := published{Format: planFormat, ProgramVersion: j.version, Identity: j.identity(j.version), RunID: j.RunID,
		Config: j.Config.withoutCredentials().encode(), Unreadable: j.unreadable, Notes: j.notes,
		Failures: slices.SortedFunc(slices.Values(j.failures), compareFailures),
		Memory:   j.memory, Sampling: j.sampling,
		Blocks: j.blocks, Units: j.units, Tasks: j.tasks, Array: j.array}
	texts, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("reading intermediate results: %w", err)
	}
	p.TextsSHA256, err = sha256Of(texts)
	if err := errors.Join(err, texts.Close()); err != nil {
		return err
	}
	for _, o := range slices.Concat(j.corpus, slices.Concat(j.probes...), j.controls) {
		p.Inputs = append(p.Inputs, o.read())
	}
	for _, m := range j.models {
		if m.keyed() {
			k := keyedInputs{Model: m.Name}
			for _, o := range m.objects {
				k.Inputs = append(k.Inputs, o.read())
			}
			p.Keyed = append(p.Keyed, k)
		}
		if m.file.URI != "" {
			p.Models = append(p.Models, publishedFile{m.role, m.Name, m.file})
		}
	}
	if j.vocabulary.URI != "" {
		p.Models = append(p.Models, publishedFile{tokenizerRole, "", j.vocabulary})
	}
	data, err := json.Marshal(&p)
	if err != nil {
		return &BugError{fmt.Errorf("encoding the plan: %w", err)}
	}
	j.digest = fold.SHA256(data)[:16]
	old, err := j.store.ReadAll(ctx, j.RunURL, planName, maxPlan)
	none := errors.Is(err, store.ErrMissing)
	if err == nil && bytes.Equal(old, data) {
		if there, err := j.whole(ctx); there || err != nil {
			return err // another attempt was quicker
		}
	}
	if err != nil && !none {
		return err
	}
	// Where there is no plan, one that comes meanwhile is of another attempt at the same, and tasks may be at work on it.
	if err := j.clear(ctx, func(key string) bool { return strings.HasPrefix(key, j.work("")) || none && key == planName }); err != nil {
		return err
	}
	if err := j.store.Upload(ctx, j.RunURL, j.work(textsName), path, recordsType); err != nil {
		return err
	}
	if j.array {
		if err := j.publishIndexes(ctx, local); err != nil {
			return err
		}
	}
	return j.store.Put(ctx, j.RunURL, planName, data, "application/json")
}

// whole reports whether all that is published with the plan is there.
func (j *Job) whole(ctx context.Context) (bool, error) {
	there, err := j.results(ctx)
	if err != nil {
		return false, err
	}
	names := []string{textsName}
	if j.array && j.Config.folds() {
		names = append(names, outlinesName)
		for b := range j.blocks {
			if j.Config.Ngram != nil {
				names = append(names, overlapName(b))
			}
			if j.Config.nearDuplicate() > 0 {
				names = append(names, nearName(b))
			}
		}
	}
	return !slices.ContainsFunc(names, func(name string) bool { return !there[name] }), nil
}

// sha256Of returns the digest of what is left of a file.
func sha256Of(f io.Reader) (string, error) {
	h := sha256.New()
	if _, err := io.Copy(h, f); err != nil {
		return "", fmt.Errorf("reading intermediate results: %w", err)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// readPlan reads the plan of a run, and returns its digest with it; nil when there is none.
func readPlan(ctx context.Context, s *store.Store, runURL string) (*published, string, error) {
	data, err := s.ReadAll(ctx, runURL, planName, maxPlan)
	if errors.Is(err, store.ErrMissing) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", err
	}
	p := new(published)
	if err := json.Unmarshal(data, p); err != nil {
		return nil, "", badData("%s of run %s is no plan: %w; plan again", planName, runURL, err)
	}
	if p.Format != planFormat {
		return nil, "", badUsage("the plan of run %s has format %d, and this program's is %d: plan again with it", runURL, p.Format, planFormat)
	}
	return p, fold.SHA256(data)[:16], nil
}

// config returns the configuration of a published plan.
func (p *published) config(runURL string) (*Config, error) {
	c, err := decodeConfig(p.Config)
	if err != nil {
		return nil, badData("the plan of run %s: its configuration: %w: plan again", runURL, err)
	}
	return c, nil
}

// job makes the job of a published plan. The log carries the run.
func (p *published) job(ctx context.Context, s *store.Store, runURL, digest, version string, log *slog.Logger, m *Meter) (*Job, error) {
	config, err := p.config(runURL)
	if err != nil {
		return nil, err
	}
	if p.ProgramVersion != version {
		return nil, badUsage("run %s was planned by version %s of this program, and this is %s: all tasks have to be of one version",
			runURL, p.ProgramVersion, version)
	}
	plan := &Plan{Config: config, store: s, log: log, failed: make(map[string]bool), unreadable: p.Unreadable, memory: p.Memory,
		sampling: p.Sampling}
	plan.RunID, plan.RunURL, plan.named = p.RunID, runURL, true
	plan.measure(m)
	plan.source = read.NewSource(s, p.Memory.Budget)
	for _, f := range p.Failures {
		plan.failed[f.Object+" "+f.Reason] = true
		plan.failures = append(plan.failures, f)
	}
	if err := plan.adopt(ctx, p); err != nil {
		return nil, err
	}
	if plan.identity(version) != p.Identity {
		return nil, badData("the plan of run %s is not of the configuration and the inputs that it has: plan again", runURL)
	}
	j := &Job{Plan: plan, meter: m, version: version, blocks: p.Blocks, units: p.Units, tasks: p.Tasks, digest: digest, notes: p.Notes,
		array: p.Array}
	m.Begin("reading probes", 0)
	file, err := j.fetch(ctx, textsName)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	sum, err := sha256Of(file)
	if err == nil && sum != p.TextsSHA256 {
		err = broken(errors.New("it is not the one that was planned with"))
	}
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err == nil {
		j.texts, err = readTexts(file)
	}
	if err != nil {
		return nil, j.spoiled(textsName, err, planAgain)
	}
	return j, j.check()
}

// adopt takes over the inputs of a published plan, at the versions that are written there. No object is opened yet.
func (p *Plan) adopt(ctx context.Context, from *published) error {
	p.models = planModels(p.Config.Likelihood)
	if err := p.store.Configure(p.Config.urls()...); err != nil {
		return err
	}
	p.probes = make([][]*object, 1)
	for i := range from.Inputs {
		o := from.Inputs[i].object()
		switch o.role {
		case corpusRole:
			p.corpus = append(p.corpus, o)
		case controlsRole:
			p.controls = append(p.controls, o)
		default:
			p.probes[0] = append(p.probes[0], o)
		}
	}
	for _, m := range p.models {
		for _, k := range from.Keyed {
			for i := range k.Inputs {
				if k.Model == m.Name {
					m.objects = append(m.objects, k.Inputs[i].object())
				}
			}
		}
		for _, f := range from.Models {
			if f.Role == m.role && f.Name == m.Name {
				m.file = f.Object
			}
		}
	}
	for _, f := range from.Models {
		if f.Role == tokenizerRole {
			p.vocabulary = f.Object
			var err error
			if p.tokenizer, err = readTokenizer(ctx, p.store, f.Object); err != nil {
				return fmt.Errorf("ngram.tokenizer: %w", err)
			}
		}
	}
	return nil
}

// object returns the object of an input, which is not opened.
func (in Input) object() *object {
	o := &object{role: in.Role, input: in, models: make(map[string]*likelihood.Columns), chunks: make(map[chunkKey]Chunk)}
	for _, c := range in.Chunks {
		o.chunks[chunkKey{c.RowGroup, c.Column}] = c
	}
	return o
}

// version returns the object at its version.
func (o *object) version() (store.Object, error) {
	return store.Pinned(o.input.URI, o.input.Size, o.input.Version)
}

// urls returns the URLs of everything that is read, with their parameters.
func (c *Config) urls() (urls []string) {
	for _, m := range planModels(c.Likelihood) {
		urls = append(urls, m.URLs...)
		if m.Engine == httpEngine {
			urls = append(urls, m.Tokenizer)
		} else {
			urls = append(urls, m.Model.Model)
		}
	}
	if c.Corpus != nil {
		urls = append(urls, c.Corpus.URLs...)
	}
	if c.Controls != nil {
		urls = append(urls, c.Controls.URLs...)
	}
	if c.Ngram != nil {
		urls = append(urls, c.Ngram.Tokenizer)
	}
	for _, src := range c.Probes {
		urls = append(urls, src.URLs...)
	}
	return slices.DeleteFunc(urls, func(u string) bool { return u == "" })
}

// reopen opens objects of a published plan that are not open, with the columns that are mapped.
func (p *Plan) reopen(ctx context.Context, objects []*object, mapping map[string]string) error {
	eg, ctx := errgroup.WithContext(ctx)
	eg.SetLimit(footersAtOnce)
	for _, o := range objects {
		if o.file != nil {
			continue
		}
		eg.Go(func() error {
			l, err := o.version()
			if err != nil {
				return err
			}
			opened, err := p.openObject(ctx, o.role, l, mapping)
			if err != nil {
				return err
			}
			o.file, o.columns = opened.file, opened.columns
			return nil
		})
	}
	return eg.Wait()
}

// check finds out whether a published plan makes sense.
func (j *Job) check() error {
	wrong := func(format string, args ...any) error {
		return badData("the plan of run %s: %w: plan again", j.RunURL, fmt.Errorf(format, args...))
	}
	at := 0
	for i, b := range j.blocks {
		if b.First != at || b.End < b.First || b.End > len(j.texts.all) {
			return wrong("block %d of the texts is from %d to %d", i, b.First, b.End)
		}
		at = b.End
	}
	if at != len(j.texts.all) || len(j.blocks) == 0 {
		return wrong("blocks of %d texts, and there are %d", at, len(j.texts.all))
	}
	asked := make(map[string]bool)
	for _, m := range j.asked() {
		asked[m.Name] = true
	}
	for i, u := range j.units {
		if u.Model == "" && len(u.Groups) == 0 || u.Model != "" && !asked[u.Model] || u.First < 0 || u.End < u.First || u.End > len(j.texts.all) {
			return wrong("unit %d", i)
		}
		for _, g := range u.Groups {
			if g.Object < 0 || g.Object >= len(j.corpus) || g.Group < 0 {
				return wrong("unit %d is of object %d, row group %d", i, g.Object, g.Group)
			}
		}
	}
	for t, units := range j.tasks {
		for _, i := range units {
			if i < 0 || i >= len(j.units) {
				return wrong("task %d has unit %d of %d", t, i, len(j.units))
			}
		}
	}
	return nil
}
