package pipeline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"palimpsest/stages/likelihood"
	"palimpsest/stages/read"
	"palimpsest/stages/store"
)

// The roles that an object can play in a run.
const (
	corpusRole    = "corpus"
	probesRole    = "probes"
	controlsRole  = "controls"
	targetRole    = "target"
	referenceRole = "reference"
	tokenizerRole = "tokenizer"
)

// object is one Parquet object with the columns that the configuration maps.
type object struct {
	role    string
	file    *read.File
	columns map[string]read.Column         // by their role in the configuration
	models  map[string]*likelihood.Columns // what a model said of its rows' texts, by targetRole and referenceRole

	mu     sync.Mutex
	input  Input
	chunks map[chunkKey]Chunk
}

// shard is a row group: the unit of work, of quarantine, and of resuming.
type shard struct {
	*object
	group int
}

// shards returns the row groups of the objects, in order.
func shards(objects []*object) []shard {
	var all []shard
	for _, o := range objects {
		for g := range o.file.Groups() {
			if o.file.GroupRows(g) > 0 {
				all = append(all, shard{o, g})
			}
		}
	}
	return all
}

// column returns the column of that role, and false when none is mapped.
func (o *object) column(role string) (read.Column, bool) {
	c, ok := o.columns[role]
	return c, ok
}

// pick returns the mapped columns among those roles.
func (o *object) pick(roles ...string) []read.Column {
	var cs []read.Column
	for _, r := range roles {
		if c, ok := o.columns[r]; ok && !slices.Contains(cs, c) {
			cs = append(cs, c)
		}
	}
	return cs
}

// all returns every mapped column, in a fixed order.
func (o *object) all() []read.Column { return o.pick(slices.Sorted(maps.Keys(o.columns))...) }

// noteRead records the column chunks that a row group was read from. A chunk that is read again is the same: the object is pinned.
func (o *object) noteRead(g *read.Group) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, d := range g.Digests() {
		o.chunks[chunkKey{g.Index(), d.Column}] = Chunk{RowGroup: g.Index(), Column: d.Column, Bytes: d.Bytes, SHA256: d.SHA256}
	}
}

type chunkKey struct {
	group  int
	column string
}

// read returns the object's entry of the manifest.
func (o *object) read() Input {
	in := o.input
	in.Chunks = slices.SortedFunc(maps.Values(o.chunks), func(a, b Chunk) int {
		return cmp.Or(cmp.Compare(a.RowGroup, b.RowGroup), cmp.Compare(a.Column, b.Column))
	})
	return in
}

// footersAtOnce is how many footers are fetched at once.
const footersAtOnce = 32

// open lists the patterns and opens what they name. Columns that are mapped must be there, in every object. An object whose footer
// cannot be read is quarantined, or fails the run, as configured.
func (p *Plan) open(ctx context.Context, role string, patterns []string, mapping map[string]string) ([]*object, error) {
	listed, err := p.store.List(ctx, patterns)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", role, err)
	}
	opened := make([]*object, len(listed))
	eg, ctx := errgroup.WithContext(ctx)
	eg.SetLimit(footersAtOnce)
	for i, l := range listed {
		eg.Go(func() error {
			o, err := p.openObject(ctx, role, l, mapping)
			if err != nil {
				if err := p.quarantine(l.URI, nil, err); err != nil {
					return err
				}
				p.mu.Lock()
				defer p.mu.Unlock()
				p.unreadable = append(p.unreadable, fmt.Sprint(role, " ", l.URI, " ", l.Size, " ", l.Version))
				return nil
			}
			opened[i] = o
			return nil
		})
	}
	if err := eg.Wait(); err != nil {
		return nil, err
	}
	return slices.DeleteFunc(opened, func(o *object) bool { return o == nil }), nil
}

func (p *Plan) openObject(ctx context.Context, role string, l store.Object, mapping map[string]string) (*object, error) {
	f, err := p.source.Open(ctx, l)
	if err != nil {
		return nil, err
	}
	o := &object{
		role: role, file: f,
		columns: make(map[string]read.Column), models: make(map[string]*likelihood.Columns), chunks: make(map[chunkKey]Chunk),
	}
	o.input = Input{Role: role, URI: l.URI, Size: l.Size, Version: l.Version, Rows: f.Rows()}
	for _, r := range slices.Sorted(maps.Keys(mapping)) {
		c, err := f.Column(mapping[r])
		if err != nil {
			return nil, badData("%s.columns.%s: %w", role, r, err)
		}
		if want, depth := kindsOf(r); !c.Is(want...) || c.Depth != depth {
			const lists = "lists of "
			return nil, badData("%s.columns.%s: %s: column %q holds %s%s, where %s%s is needed",
				role, r, l.URI, mapping[r], strings.Repeat(lists, c.Depth), c.Kind, strings.Repeat(lists, depth), want[0])
		}
		o.columns[r] = c
	}
	return o, nil
}

// kindsOf returns the kinds of values that a column of that role may hold, and how deep in lists.
func kindsOf(role string) (kinds []read.Kind, depth int) {
	switch role {
	case "label":
		return []read.Kind{read.Bool, read.Int}, 0
	case "text", "prompt":
		return []read.Kind{read.Bytes}, 0
	case tokenIDsRole, byteOffsetsRole, promptIDsRole:
		return []read.Kind{read.Int}, 1
	}
	return []read.Kind{read.Bytes, read.Int}, 0
}

// quarantine lists a piece of input that cannot be read, and returns nil, when the configuration says so and the input is corrupt;
// else it returns the error.
func (p *Plan) quarantine(uri string, group *int, err error) error {
	if !errors.Is(err, read.ErrCorrupt) || p.Config.OnBadInput == failOnBadInput {
		return err
	}
	p.fail(Failure{Object: uri, RowGroup: group, Reason: err.Error()})
	return nil
}

// fail lists a failure, once: a corpus that probes are drawn from is read twice.
func (p *Plan) fail(f Failure) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if what := f.Object + " " + f.Reason; !p.failed[what] {
		p.failed[what] = true
		p.failures = append(p.failures, f)
		if p.meter != nil {
			p.meter.noteFailure(&f)
		}
		if p.named {
			p.logFailure(&f)
		}
	}
}

// name gives the run its name, and its log. What was quarantined before is logged now, so that every line carries the run.
func (p *Plan) name(runID string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.RunID, p.RunURL = runID, RunURL(p.Config.Output, runID)
	p.log = p.log.With("run", runID)
	p.logFailures()
}

// logFailures logs what was quarantined so far, once.
func (p *Plan) logFailures() {
	if p.named {
		return
	}
	p.named = true
	for i := range p.failures {
		p.logFailure(&p.failures[i])
	}
}

func (p *Plan) logFailure(f *Failure) {
	attrs := []any{"object", f.Object}
	if f.RowGroup != nil {
		attrs = append(attrs, "row_group", *f.RowGroup)
	}
	if f.Row != nil {
		attrs = append(attrs, "row", *f.Row)
	}
	p.log.Warn("quarantined", append(attrs, "reason", f.Reason)...)
}

// measure has m count what is quarantined, from the beginning of the plan.
func (p *Plan) measure(m *Meter) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.meter = m
	for i := range p.failures {
		m.noteFailure(&p.failures[i])
	}
}
