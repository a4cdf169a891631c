package pipeline

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"palimpsest/stages/read"
)

// do does the units that have no result yet.
func (j *Job) do(ctx context.Context, units []int) error {
	done, err := j.results(ctx)
	if err != nil {
		return err
	}
	local, err := os.MkdirTemp("", "palimpsest-")
	if err != nil {
		return fmt.Errorf("making a place for intermediate results: %w", err)
	}
	defer os.RemoveAll(local)
	for b := range j.blocks {
		left := slices.DeleteFunc(slices.Clone(units), func(i int) bool { return j.units[i].Model != "" || done[foldedName(i, b)] })
		if len(left) == 0 {
			continue
		}
		if err := j.fold(ctx, b, left, local); err != nil {
			return err
		}
	}
	left := slices.DeleteFunc(slices.Clone(units), func(i int) bool { return j.units[i].Model == "" || done[j.resultNames(i)[0]] })
	if len(left) == 0 {
		return nil
	}
	return j.ask(ctx, left, local)
}

// folding is a block of the probes being looked for in units of the corpus.
type folding struct {
	*Job
	local string // directory
	block int
	shape *folds
	units map[shard]int // by row group

	mu   sync.Mutex
	open map[int]*accumulator // units of which row groups are read, by number
}

// fold folds units for a block of the probes, and keeps the result of each when its last row group is done.
func (j *Job) fold(ctx context.Context, block int, units []int, local string) error {
	if err := j.openCorpus(ctx, units); err != nil {
		return err
	}
	shape, err := j.index(ctx, block, j.array)
	if err != nil {
		return err
	}
	return j.foldWith(ctx, shape, block, units, local)
}

// foldWith folds units, whose objects are open, for a block of the probes, whose index is shape.
func (j *Job) foldWith(ctx context.Context, shape *folds, block int, units []int, local string) error {
	f := &folding{Job: j, local: local, block: block, shape: shape, units: make(map[shard]int), open: make(map[int]*accumulator)}
	defer func() {
		for _, a := range f.open {
			a.discard()
		}
	}()
	var groups []shard
	var stored int64
	for _, i := range units {
		for _, g := range j.units[i].Groups {
			s := shard{j.corpus[g.Object], g.Group}
			f.units[s] = i
			groups = append(groups, s)
		}
		stored += j.units[i].Bytes
	}
	name := "scanning the corpus"
	if len(j.blocks) > 1 {
		name = fmt.Sprintf("scanning the corpus, pass %d of %d", block+1, len(j.blocks))
	}
	j.meter.Begin(name, stored)
	return j.eachGroup(ctx, groups, (*object).all, f.worker, f.ended)
}

// worker returns what folds row groups in one goroutine.
func (f *folding) worker() groupFunc {
	w := scanner{folds: f.shape.worker(), cutter: f.newCutter(), badRow: f.badRow}
	if h := f.Config.Hash; h != nil && h.MinHash != "" && f.block == 0 {
		w.signatures = newSignatures(h.MinHash)
	}
	return func(ctx context.Context, s shard, g *read.Group) error {
		a, err := f.accumulator(s)
		if err != nil {
			return err
		}
		w.signatures.begin(a.signed)
		p, err := w.scan(ctx, s, g, f.meter)
		if err != nil {
			return err
		}
		if err := w.signatures.commit(); err != nil {
			return err
		}
		return a.take(s, p)
	}
}

// accumulator returns that of the row group's unit.
func (f *folding) accumulator(s shard) (*accumulator, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := f.units[s]
	if a := f.open[i]; a != nil {
		return a, nil
	}
	a, err := f.newAccumulator(f.path(i), f.shape, i, f.block)
	if err == nil {
		f.open[i] = a
	}
	return a, err
}

func (f *folding) path(unit int) string { return filepath.Join(f.local, foldedName(unit, f.block)) }

// ended is called for every row group that was read, or quarantined. The last of a unit writes its result.
func (f *folding) ended(ctx context.Context, s shard) error {
	a, err := f.accumulator(s)
	if err != nil {
		return err
	}
	if a.left.Add(-1) > 0 {
		return nil
	}
	i := f.units[s]
	f.mu.Lock()
	delete(f.open, i)
	f.mu.Unlock()
	defer a.discard()
	for _, g := range f.Job.units[i].Groups {
		a.head.chunks(f.corpus[g.Object], g.Group)
	}
	a.head.Failures = f.failuresOf(f.Job.units[i])
	path := f.path(i) + ".result"
	if err := a.write(ctx, path, f.blocks[f.block].First); err != nil {
		return err
	}
	defer os.Remove(path)
	return f.store.Upload(ctx, f.RunURL, f.work(foldedName(i, f.block)), path, recordsType)
}

// failuresOf returns what was quarantined of the unit's row groups.
func (p *Plan) failuresOf(u unit) (of []Failure) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, f := range p.failures {
		if f.RowGroup != nil && slices.ContainsFunc(u.Groups, func(g groupAt) bool {
			return g.Group == *f.RowGroup && p.corpus[g.Object].input.URI == f.Object
		}) {
			of = append(of, f)
		}
	}
	return of
}

// openCorpus opens the objects of units that a published plan has left closed.
func (j *Job) openCorpus(ctx context.Context, units []int) error {
	closed := make(map[int]bool)
	for _, i := range units {
		for _, g := range j.units[i].Groups {
			if j.corpus[g.Object].file == nil {
				closed[g.Object] = true
			}
		}
	}
	if j.array && len(closed) > 0 {
		if err := j.openOutlined(ctx, closed); err != nil {
			return err
		}
	}
	var objects []*object
	for _, i := range slices.Sorted(maps.Keys(closed)) {
		objects = append(objects, j.corpus[i])
	}
	if err := j.reopen(ctx, objects, j.Config.Corpus.Columns); err != nil {
		return err
	}
	for _, i := range units {
		for _, g := range j.units[i].Groups {
			if o := j.corpus[g.Object]; g.Group >= o.file.Groups() {
				return badData("the plan of run %s: unit %d: %s has %d row groups: plan again", j.RunURL, i, o.input.URI, o.file.Groups())
			}
		}
	}
	return nil
}
