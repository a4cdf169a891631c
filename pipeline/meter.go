package pipeline

import (
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"palimpsest/stages/server"
)

// Meter is how far a run has come. The run adds to it and whoever shows progress reads it, both at any time.
type Meter struct {
	Done      atomic.Int64 // stored bytes of the phase that are done
	TextBytes atomic.Int64 // bytes of corpus text that were scanned
	Documents atomic.Int64 // corpus documents that were scanned
	Groups    atomic.Int64 // row groups that were read and worked on, of all inputs

	// What was quarantined.
	BadObjects, BadGroups, BadRows atomic.Int64

	mu     sync.Mutex
	phases []Phase
	begun  time.Time
	models map[string]*ModelMeter
}

// Phase is a part of a run.
type Phase struct {
	Name  string
	Total int64 // stored bytes to read; 0 when the phase reads nothing
	Done  int64 // of these
	Took  time.Duration
}

// Phase returns the present phase.
func (m *Meter) Phase() Phase {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.phases) == 0 {
		return Phase{}
	}
	return m.present()
}

func (m *Meter) present() Phase {
	p := m.phases[len(m.phases)-1]
	p.Done, p.Took = m.Done.Load(), time.Since(m.begun)
	return p
}

// Phases returns the phases so far, the present one last.
func (m *Meter) Phases() []Phase {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.phases) == 0 {
		return nil
	}
	all := slices.Clone(m.phases)
	all[len(all)-1] = m.present()
	return all
}

func (m *Meter) Begin(name string, total int64) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if n := len(m.phases); n > 0 {
		m.phases[n-1] = m.present()
	}
	m.Done.Store(0)
	m.phases, m.begun = append(m.phases, Phase{Name: name, Total: total}), time.Now()
}

// noteFailure counts what was quarantined.
func (m *Meter) noteFailure(f *Failure) {
	switch {
	case f.Row != nil:
		m.BadRows.Add(1)
	case f.RowGroup != nil:
		m.BadGroups.Add(1)
	default:
		m.BadObjects.Add(1)
	}
}

// ModelMeter is what a model was asked.
type ModelMeter struct {
	Scored, Continued, Tokenized atomic.Int64 // texts and prompts
	TokensScored, TokensWritten  atomic.Int64

	server atomic.Pointer[server.Engine] // nil but for a server
}

// model returns the meter of the model of that name.
func (m *Meter) model(name string) *ModelMeter {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.models == nil {
		m.models = make(map[string]*ModelMeter)
	}
	if m.models[name] == nil {
		m.models[name] = new(ModelMeter)
	}
	return m.models[name]
}

// modelMeters returns the models' meters by name.
func (m *Meter) modelMeters() map[string]*ModelMeter {
	m.mu.Lock()
	defer m.mu.Unlock()
	return maps.Clone(m.models)
}
