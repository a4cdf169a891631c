package pipeline

import "sync/atomic"

// Meter is how far a run has come. The run adds to it and whoever shows progress reads it, both at any time.
type Meter struct {
	phase     atomic.Pointer[Phase]
	Done      atomic.Int64 // stored bytes of the phase that are done
	TextBytes atomic.Int64 // bytes of corpus text that were scanned
	Documents atomic.Int64 // corpus documents that were scanned
}

// Phase is a part of a run.
type Phase struct {
	Name  string
	Total int64 // stored bytes to read; 0 when the phase reads nothing
}

// Phase returns the present phase.
func (m *Meter) Phase() Phase {
	if p := m.phase.Load(); p != nil {
		return *p
	}
	return Phase{}
}

func (m *Meter) begin(name string, total int64) {
	m.Done.Store(0)
	m.phase.Store(&Phase{name, total})
}
