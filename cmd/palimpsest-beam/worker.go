package main

import (
	"context"
	"errors"
	"log/slog"
	"runtime/debug"
	"sync"

	"palimpsest/pipeline"
	"palimpsest/stages/store"
)

// jobOf names a job to workers: it is all that a stage carries.
type jobOf struct {
	URL    string // of the run
	Digest string // of the job: it tells a plan that was made anew from the one that was submitted
}

var errPlannedAnew = errors.New("the run was planned anew since the job was submitted: submit it again")

// working is the worker of this process. A process of a runner works for one job alone, or for one after the other; what failed to open
// is tried again with the next bundle.
var working struct {
	sync.Mutex
	of     jobOf
	store  *store.Store
	worker *pipeline.Worker
}

// worker returns this process's worker of the job; nil when the run is complete, so that there is nothing to do.
func (of jobOf) worker(ctx context.Context) (*pipeline.Worker, error) {
	working.Lock()
	defer working.Unlock()
	if working.worker != nil && working.of == of {
		return working.worker, nil
	}
	ctx = context.WithoutCancel(ctx) // what is opened outlives the bundle
	s := store.New()
	done, job, err := pipeline.OpenJob(ctx, s, of.URL, programVersion(), slog.Default(), new(pipeline.Meter))
	if done != nil || err != nil {
		s.Close()
		return nil, err
	}
	if job.Digest() != of.Digest {
		s.Close()
		return nil, &pipeline.UsageError{Err: errPlannedAnew}
	}
	w, err := job.NewWorker()
	if err != nil {
		s.Close()
		return nil, err
	}
	if working.worker != nil { // bundles of the job before have ended
		working.worker.Close()
		working.store.Close()
	}
	debug.SetMemoryLimit(int64(job.Config.Resources.Memory))
	working.of, working.store, working.worker = of, s, w
	return w, nil
}
