package pipeline

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"palimpsest/stages/llama"
	"palimpsest/stages/model"
	"palimpsest/stages/server"
	"palimpsest/stages/store"
)

// engine is an open model, with what it proved of itself.
type engine struct {
	model.Engine
	checks []model.Check
}

// openEngines opens the models that are asked. They stay open to the end of the run.
func (e *execution) openEngines(ctx context.Context) error {
	e.engines = make(map[*planned]*engine)
	for _, m := range e.plan.models {
		if !m.asks() {
			continue
		}
		e.meter.begin("opening "+m.Name, 0)
		opened, err := e.plan.openEngine(ctx, m)
		if err != nil {
			return fmt.Errorf("%s: %w", m.key, err)
		}
		x := &engine{Engine: opened}
		e.engines[m] = x
		if x.checks, err = model.Conform(ctx, opened); err != nil {
			return fmt.Errorf("%s: %w", m.key, err)
		}
	}
	return nil
}

// closeEngines closes the models that were opened.
func (e *execution) closeEngines() error {
	for m, x := range e.engines {
		if err := x.Close(); err != nil {
			return fmt.Errorf("%s: closing the model: %w", m.key, err)
		}
	}
	return nil
}

// ModelFacts is what the manifest says of a model that was asked.
type ModelFacts struct {
	Name string `json:"name"` // in the tables
	Role string `json:"role"`
	model.Facts
	Checks []model.Check `json:"checks"` // what it proved of itself before it was used
}

func (e *execution) modelFacts() (facts []ModelFacts) {
	for _, m := range e.plan.models {
		if x := e.engines[m]; x != nil {
			facts = append(facts, ModelFacts{m.Name, m.role, x.Facts(), x.checks})
		}
	}
	return facts
}

// openEngine opens a model.
func (p *Plan) openEngine(ctx context.Context, m *planned) (model.Engine, error) {
	switch m.Engine {
	case httpEngine:
		return p.openServer(ctx, m)
	case embeddedEngine:
		return p.openEmbedded(ctx, m)
	}
	return nil, badUsage("the engine %s is not there yet", m.Engine)
}

// openEmbedded opens a model in the process.
func (p *Plan) openEmbedded(ctx context.Context, m *planned) (model.Engine, error) {
	data, err := p.download(ctx, m.file)
	if err != nil {
		return nil, err
	}
	e, err := llama.Open(ctx, bytes.NewReader(data), int64(len(data)), llama.Options{Workers: p.Config.workers(), Expand: p.expand()})
	if err != nil {
		return nil, badData("%s: %w", m.file.URI, err)
	}
	return e, nil
}

// expand returns how many bytes a model's weights may take when they are turned into numbers that are quick to reckon with.
func (p *Plan) expand() int64 { return min(int64(p.Config.Resources.Memory)/8, 1<<30) }

// download returns the bytes of an object.
func (p *Plan) download(ctx context.Context, o store.Object) ([]byte, error) {
	const piece = 64 << 20
	r, err := p.store.Open(ctx, o)
	if err != nil {
		return nil, err
	}
	data := make([]byte, o.Size)
	for at := 0; at < len(data); at += piece {
		if err := r.ReadRange(ctx, data[at:min(at+piece, len(data))], int64(at)); err != nil {
			return nil, err
		}
	}
	return data, nil
}

// openServer opens a model behind HTTP.
func (p *Plan) openServer(ctx context.Context, m *planned) (model.Engine, error) {
	o := server.Options{
		URL: m.URL, Protocol: m.Protocol, Model: m.Model.Model, KeyVariable: m.KeyEnv, BOS: m.BOS, Context: m.Context,
		Timeout: time.Duration(m.TimeoutSeconds) * time.Second, Concurrency: m.Concurrency, PerSecond: m.RequestsPerSecond,
		Batch: m.Batch, Retries: m.Retries, Cache: m.Cache, Store: p.store,
	}
	if o.Retries == 0 {
		o.Retries = -1
	}
	return server.Open(ctx, o)
}
