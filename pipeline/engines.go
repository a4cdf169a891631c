package pipeline

import (
	"context"
	"fmt"
	"time"

	"palimpsest/stages/model"
	"palimpsest/stages/server"
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
	}
	return nil, badUsage("the engine %s is not there yet", m.Engine)
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
