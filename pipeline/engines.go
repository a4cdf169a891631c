package pipeline

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"palimpsest/stages/llama"
	"palimpsest/stages/llamacpp"
	"palimpsest/stages/model"
	"palimpsest/stages/server"
	"palimpsest/stages/store"
)

// engine is an open model, with what it proved of itself and what it was asked.
type engine struct {
	model.Engine
	checks []model.Check
	meter  *ModelMeter
}

// Score counts what is scored.
func (x *engine) Score(ctx context.Context, requests []model.Request) ([]model.Scored, error) {
	out, err := x.Engine.Score(ctx, requests)
	x.meter.Scored.Add(int64(len(out)))
	for i := range out {
		x.meter.TokensScored.Add(int64(len(out[i].LogProbs)))
	}
	return out, err
}

// Generate counts what is written.
func (x *engine) Generate(ctx context.Context, prompts []model.Prompt) ([]model.Continuation, error) {
	out, err := x.Engine.Generate(ctx, prompts)
	x.meter.Continued.Add(int64(len(out)))
	for i := range out {
		x.meter.TokensWritten.Add(int64(len(out[i].IDs)))
	}
	return out, err
}

// Tokenize counts what is cut.
func (x *engine) Tokenize(ctx context.Context, text []byte) (model.Tokens, error) {
	x.meter.Tokenized.Add(1)
	return x.Engine.Tokenize(ctx, text)
}

// openEngines opens the models that are asked. They stay open until closeEngines.
func (j *Job) openEngines(ctx context.Context) error {
	for _, m := range j.asked() {
		if err := j.openEngine(ctx, m); err != nil {
			return err
		}
	}
	return nil
}

// openEngine opens a model, unless it is open, and has it prove itself.
func (j *Job) openEngine(ctx context.Context, m *planned) error {
	if j.engines[m] != nil {
		return nil
	}
	j.meter.Begin("opening "+m.Name, 0)
	opened, err := j.openModel(ctx, m)
	if err != nil {
		return fmt.Errorf("%s: %w", m.key, err)
	}
	x := &engine{Engine: opened, meter: j.meter.model(m.Name)}
	if s, ok := opened.(*server.Engine); ok {
		x.meter.server.Store(s)
	}
	if j.engines == nil {
		j.engines = make(map[*planned]*engine)
	}
	j.engines[m] = x
	if x.checks, err = model.Conform(ctx, opened); err != nil {
		if opened.Facts().Context == 0 && errors.Is(err, server.ErrRefused) {
			err = fmt.Errorf("%w; the server does not say how many tokens it takes, and if that is it, set %s.context", err, m.key)
		}
		return fmt.Errorf("%s: %w", m.key, err)
	}
	return j.fitContext(m, opened.Facts().Context)
}

// fitContext refuses windows and prompts that are longer than a target's context; 0 is unknown.
func (p *Plan) fitContext(m *planned, context int) error {
	if m.role != targetRole || context == 0 {
		return nil
	}
	w := p.Config.Likelihood.windows()
	if n := w.Prefix + w.Suffix; n > context {
		return badUsage("likelihood.windows: prefix and suffix are %d tokens, and the context of %s has %d: shorten them", n, m.Name, context)
	}
	for i, s := range p.Config.Probes {
		if s.Prompts != nil && s.Prompts.Prefix+s.Prompts.Length > context {
			return badUsage("probes.%d.prompts: prefix and length are %d tokens, and the context of %s has %d: shorten them",
				i, s.Prompts.Prefix+s.Prompts.Length, m.Name, context)
		}
	}
	return nil
}

// closeEngines closes the models that were opened.
func (j *Job) closeEngines() error {
	var failed error
	for _, m := range j.models {
		if x := j.engines[m]; x != nil {
			if err := x.Close(); err != nil {
				failed = errors.Join(failed, fmt.Errorf("%s: closing the model: %w", m.key, err))
			}
		}
	}
	j.engines = nil
	return failed
}

// ModelFacts is what the manifest says of a model that was asked.
type ModelFacts struct {
	Name string `json:"name"` // in the tables
	Role string `json:"role"`
	model.Facts
	Checks []model.Check `json:"checks"` // what it proved of itself before it was used
}

// modelFacts returns what is to be said of a model that is open.
func (j *Job) modelFacts(m *planned) *ModelFacts {
	x := j.engines[m]
	return &ModelFacts{m.Name, m.role, x.Facts(), x.checks}
}

// openModel opens a model.
func (p *Plan) openModel(ctx context.Context, m *planned) (model.Engine, error) {
	switch m.Engine {
	case httpEngine:
		return p.openServer(ctx, m)
	case embeddedEngine:
		return p.openEmbedded(ctx, m)
	}
	return p.openLlamaCPP(ctx, m)
}

// openLlamaCPP opens a model through llama.cpp's libraries, which take a local file.
func (p *Plan) openLlamaCPP(ctx context.Context, m *planned) (model.Engine, error) {
	path, local := strings.CutPrefix(m.file.URI, "file://")
	if !local {
		return nil, badUsage("%s: llama.cpp reads local files only; copy the model here", m.file.URI)
	}
	e, err := llamacpp.Open(ctx, llamacpp.Options{Model: path, Libraries: m.Libraries, Context: m.Context, Threads: p.Config.workers()})
	if err != nil {
		return nil, &UsageError{err}
	}
	return e, nil
}

// openEmbedded opens a model in the process.
func (p *Plan) openEmbedded(ctx context.Context, m *planned) (model.Engine, error) {
	return openLlama(ctx, p.store, m.file, p.llamaOptions(m))
}

// openLlama opens the GGUF at o.
func openLlama(ctx context.Context, s *store.Store, o store.Object, options llama.Options) (*llama.Engine, error) {
	r, err := s.Open(ctx, o)
	if err != nil {
		return nil, err
	}
	e, err := llama.Open(ctx, r.At(ctx), o.Size, options)
	if err != nil {
		return nil, badData("%s: %w", o.URI, err)
	}
	return e, nil
}

// llamaOptions lets a model's weights take a quarter of the memory as numbers that are quick to reckon with.
func (p *Plan) llamaOptions(m *planned) llama.Options {
	return llama.Options{Workers: p.Config.workers(), Context: m.Context, Expand: int64(p.Config.Resources.Memory) / 4}
}

// openServer opens a model behind HTTP.
func (p *Plan) openServer(ctx context.Context, m *planned) (model.Engine, error) {
	o := server.Options{
		URL: m.URL, Protocol: m.Protocol, Model: m.Model.Model, KeyVariable: m.KeyEnv, BOS: m.BOS, Context: m.Context,
		Timeout: time.Duration(m.TimeoutSeconds) * time.Second, Concurrency: m.Concurrency, PerSecond: m.RequestsPerSecond,
		Batch: m.Batch, Retries: m.Retries, Cache: m.Cache, ModelSHA256: m.ModelSHA256, Store: p.store,
	}
	if o.Retries == 0 {
		o.Retries = -1
	}
	if m.file.URI != "" {
		t, err := readTokenizer(ctx, p.store, m.file)
		if err != nil {
			return nil, err
		}
		o.Tokenizer = func(text []byte) (model.Tokens, error) {
			ids, offsets := t.Encode(text)
			return model.Tokens{IDs: ids, Offsets: offsets}, nil
		}
	}
	e, err := server.Open(ctx, o)
	if err != nil && !errors.Is(err, server.ErrUnavailable) {
		err = &UsageError{err} // the server is there, and the configuration says the wrong thing of it
	}
	if err != nil {
		return nil, err
	}
	return e, nil
}
