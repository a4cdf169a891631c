package pipeline

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"slices"
	"sync"

	"golang.org/x/sync/semaphore"

	"palimpsest/stages/ngram"
)

// Worker does units of a published job for an engine that hands them out one by one, several at once in one process. What they all need
// is loaded when the first of them asks for it, and stays: the index, the corpus' outlines, the models. A failure to load it does
// not stay: the next unit tries again. Its methods may be called from several goroutines.
type Worker struct {
	*Job
	slots  *semaphore.Weighted // a goroutine that folds takes one
	asking sync.Mutex

	loading sync.Mutex
	shape   *folds       // nil until a unit was folded
	counted *ngram.Texts // nil until texts were combined, or without ngram
}

// NewWorker returns a worker of the job. Of probes that are searched for in several passes one index is in memory at a time, so that
// only tasks, which do one pass after the other, can do such a job.
func (j *Job) NewWorker() (*Worker, error) {
	if len(j.blocks) > 1 {
		return nil, badUsage("the probes of run %s are searched for in %d passes over the corpus, since their index does not fit in "+
			"resources.memory, and workers that are handed single units hold one index: raise resources.memory, or do the tasks with "+
			"palimpsest shard", j.RunURL, len(j.blocks))
	}
	return &Worker{Job: j, slots: semaphore.NewWeighted(int64(j.Config.workers()))}, nil
}

// Units returns the numbers of the job's units: those that fold row groups of the corpus, and those that ask a model about texts. The
// commit asks itself what has to wait for the corpus.
func (j *Job) Units() (folded, asked []int) {
	for i, u := range j.units {
		switch {
		case u.Model == "":
			folded = append(folded, i)
		case !j.Config.waits():
			asked = append(asked, i)
		}
	}
	return folded, asked
}

// Digest names what the job is made from and how its work is cut: results of one job are of no use to another.
func (j *Job) Digest() string { return j.digest }

// Fold folds a unit, unless its result is there, and calls yield with what it knows of each text. Until Fold returns nil, nothing may
// be made of that.
func (w *Worker) Fold(ctx context.Context, unit int, yield func(TextRecord)) (err error) {
	defer func() { w.failed(ctx, unit, err) }()
	local, err := os.MkdirTemp("", "palimpsest-")
	if err != nil {
		return fmt.Errorf("making a place for intermediate results: %w", err)
	}
	defer os.RemoveAll(local)
	name := foldedName(unit, 0)
	done, err := w.store.Exists(ctx, w.RunURL, w.work(name))
	if err != nil {
		return err
	}
	if !done {
		if err := w.load(ctx); err != nil {
			return err
		}
		n := int64(min(len(w.units[unit].Groups), w.Config.workers()))
		if err := w.slots.Acquire(ctx, n); err != nil {
			return err
		}
		err := w.foldWith(ctx, w.shape, 0, []int{unit}, local)
		w.slots.Release(n)
		if err != nil {
			return err
		}
	}
	file, err := w.fetch(ctx, name)
	if err != nil {
		return err
	}
	defer file.Close()
	_, err = w.readPartial(file, unit, 0, func(kind byte, key, value []byte) error {
		if kind == probeRecord && len(key) == 4 {
			yield(TextRecord{Text: binary.BigEndian.Uint32(key), Records: 1, Known: slices.Clone(value)})
		}
		return nil
	})
	if err != nil {
		return w.spoiled(name, err, "remove it, and it is made anew")
	}
	return nil
}

// load loads what folding needs: every unit may come, so all of the corpus' objects are opened, by their outlines.
func (w *Worker) load(ctx context.Context) error {
	w.loading.Lock()
	defer w.loading.Unlock()
	if w.shape != nil {
		return nil
	}
	folded, _ := w.Units()
	if err := w.openCorpus(ctx, folded); err != nil {
		return err
	}
	shape, err := w.index(ctx, 0, w.array)
	w.shape = shape
	return err
}

// Ask asks a model about the texts of a unit, unless its result is there. One unit is asked about at a time, since the model is asked about
// several of its texts at once.
func (w *Worker) Ask(ctx context.Context, unit int) (err error) {
	defer func() { w.failed(ctx, unit, err) }()
	w.asking.Lock()
	defer w.asking.Unlock()
	done, err := w.store.Exists(ctx, w.RunURL, w.work(w.resultNames(unit)[0]))
	if done || err != nil {
		return err
	}
	local, err := os.MkdirTemp("", "palimpsest-")
	if err != nil {
		return fmt.Errorf("making a place for intermediate results: %w", err)
	}
	defer os.RemoveAll(local)
	if err := w.ask(ctx, []int{unit}, local); err != nil {
		return errors.Join(err, w.closeEngines()) // a model that did not prove itself has to do so again
	}
	return nil
}

// failed keeps why a unit failed, if it did, as that of its task.
func (w *Worker) failed(ctx context.Context, unit int, err error) {
	if err != nil {
		w.keepFailure(ctx, slices.IndexFunc(w.tasks, func(units []int) bool { return slices.Contains(units, unit) }), err)
	}
}

// Close closes the models that were asked.
func (w *Worker) Close() error { return w.closeEngines() }
