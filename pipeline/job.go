package pipeline

import (
	"context"
	"errors"
	"slices"

	"palimpsest/stages/fold"
)

// Job is a plan whose texts are loaded and whose work is cut into units and dealt to tasks. Tasks do units in any order, in any
// process, once or twice; Commit makes the tables of what they leave.
type Job struct {
	*Plan
	meter   *Meter
	version string // of the program: results of another are not taken over

	texts  *loaded
	blocks []block
	units  []unit
	tasks  [][]int // units by task
	digest string  // names the results: it tells jobs apart that might give others
	array  bool    // indexes and outlines are published

	engines map[*planned]*engine // of the models that are asked
	notes   []Note
}

// block is a range of the probes and controls. What is searched for at once has to fit in memory: probes whose index does not are
// searched for in blocks, each of which takes a pass over the corpus, and finds what there is of its own probes. What is said of a
// probe depends on no other, so blocks change no result; only rows of documents have to be put together.
type block struct {
	First int `json:"first"`
	End   int `json:"end"`
}

// newJob loads the texts of the plan and cuts the work of so many tasks.
func (p *Plan) newJob(ctx context.Context, version string, tasks int, m *Meter) (*Job, error) {
	j := &Job{Plan: p, meter: m, version: version}
	if p.Config.prompts() {
		if err := j.openEngines(ctx); err != nil {
			return nil, err
		}
	}
	m.Begin("reading probes", 0)
	var err error
	if j.texts, err = j.load(ctx); err != nil {
		return nil, errors.Join(err, j.closeEngines())
	}
	j.blocks = []block{{0, len(j.texts.all)}}
	if p.Config.folds() {
		if err = p.refit(j.texts.all); err == nil {
			j.blocks, err = divide(j.texts.all, &p.memory)
		}
		if err != nil {
			return nil, errors.Join(err, j.closeEngines())
		}
	}
	j.cutUnits(tasks)
	j.deal(tasks)
	return j, nil
}

// divide cuts the probes into the blocks that fit in memory.
func divide(all []*fold.Probe, m *memory) ([]block, error) {
	if m.Blocks == 1 {
		return []block{{0, len(all)}}, nil
	}
	blocks := []block{{}}
	var size int64
	for i, p := range all {
		n := searchedBytes(p)
		if n > m.Block {
			return nil, badUsage("probe %q: its text of %s does not fit in memory with its index: raise resources.memory", p.ID, formatBytes(n))
		}
		if size += n; size > m.Block {
			blocks = append(blocks, block{First: i})
			size = n
		}
		blocks[len(blocks)-1].End = i + 1
	}
	return blocks, nil
}

// texts returns the block's probes and controls.
func (b block) texts(l *loaded) []*fold.Probe { return l.all[b.First:b.End] }

// asked returns the models that are asked.
func (p *Plan) asked() []*planned {
	return slices.DeleteFunc(slices.Clone(p.models), func(m *planned) bool { return !m.asks() })
}

// waits reports whether models are asked only when the corpus is folded: other prefixes are those of controls that are not in it.
func (c *Config) waits() bool { return c.Likelihood != nil && c.Likelihood.Prior != nil }
