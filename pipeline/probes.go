package pipeline

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"palimpsest/schemas"
	"palimpsest/stages/fold"
	"palimpsest/stages/read"
)

// loaded are the probes and controls of a run: the probes first, each part in order of id.
type loaded struct {
	all    []*fold.Probe
	probes int // all[:probes] are probes, the rest controls

	byRow map[rowKey]int      // the probe at a row of an object
	at    map[*fold.Probe]int // positions in all
	sums  []string            // SHA-256 of their bytes, when what was found of them is written

	fit     map[*fold.Probe]bool // controls that are fit to calibrate
	written []schemas.Generation // rows of the probes that a model wrote
}

type rowKey struct {
	uri string
	row int64
}

var probeTexts = []string{
	"id", "prompt", "kind", "control_group", "canary_null", "title", "author", "rights_holder", "license",
}

// load reads the texts of the probes and controls.
func (j *Job) load(ctx context.Context) (*loaded, error) {
	var (
		mu  sync.Mutex
		all []*fold.Probe
	)
	collect := func(p *fold.Probe) {
		mu.Lock()
		defer mu.Unlock()
		all = append(all, p)
	}
	columns := func(o *object) []read.Column {
		return o.pick(slices.Concat(probeTexts, []string{"text", "label"}, tokenRoles)...)
	}
	for i, src := range j.Config.Probes {
		var err error
		switch src.From {
		case fromModel:
			continue // prompted with what the others hold
		case "":
			err = j.eachGroup(ctx, shards(j.probes[i]), columns, func() groupFunc {
				cutter := j.newCutter()
				return func(_ context.Context, s shard, g *read.Group) error {
					return j.loadGroup(s, g, cutter, src.Kind, false, collect)
				}
			}, nil)
		default:
			corpus := func(o *object) []read.Column { return o.pick(slices.Concat(refRoles, []string{"text"}, tokenRoles)...) }
			err = j.eachGroup(ctx, shards(j.corpus), corpus, func() groupFunc {
				cutter := j.newCutter()
				return func(_ context.Context, s shard, g *read.Group) error { return j.sample(s, g, cutter, src, collect) }
			}, nil)
		}
		if err != nil {
			return nil, err
		}
	}
	err := j.eachGroup(ctx, shards(j.controls), columns, func() groupFunc {
		cutter := j.newCutter()
		return func(_ context.Context, s shard, g *read.Group) error {
			return j.loadGroup(s, g, cutter, fold.Work, true, collect)
		}
	}, nil)
	if err != nil {
		return nil, err
	}
	l, err := arrange(all)
	if err != nil || !j.Config.prompts() {
		return l, err
	}
	var works []*fold.Probe
	for _, p := range l.all[:l.probes] {
		if p.Kind == fold.Work {
			works = append(works, p)
		}
	}
	generated, err := j.generate(ctx, works)
	if err != nil {
		return nil, err
	}
	if l, err = arrange(append(l.all, generated.probes...)); err != nil {
		return nil, err
	}
	l.written = generated.rows
	return l, nil
}

// prompts reports whether a model is asked for probes.
func (c *Config) prompts() bool {
	return slices.ContainsFunc(c.Probes, func(s ProbeSource) bool { return s.From == fromModel })
}

// arrange puts probes in order and refuses ids that repeat, since every table is keyed by them. In a corpus ids may repeat: of
// documents drawn from it, those with the same id are known by object and row instead.
func arrange(all []*fold.Probe) (*loaded, error) {
	drawn := make(map[string]int)
	for _, p := range all {
		if p.FromCorpus {
			drawn[p.ID]++
		}
	}
	for _, p := range all {
		if p.FromCorpus && drawn[p.ID] > 1 {
			p.ID = fmt.Sprintf("%s#%d", p.SourceURI, p.SourceRow)
		}
	}
	slices.SortFunc(all, func(a, b *fold.Probe) int {
		return cmp.Or(cmp.Compare(roleOf(b), roleOf(a)), strings.Compare(a.ID, b.ID), // "probe" before "control"
			strings.Compare(a.SourceURI, b.SourceURI), cmp.Compare(a.SourceRow, b.SourceRow))
	})
	l := &loaded{all: all, byRow: make(map[rowKey]int, len(all)), at: make(map[*fold.Probe]int, len(all))}
	for i, p := range all {
		if i > 0 && all[i-1].ID == p.ID && all[i-1].Control == p.Control {
			first := all[i-1]
			return nil, badData("%s id %q stands twice: in %s row %d and in %s row %d; ids must be unique",
				roleOf(p), p.ID, first.SourceURI, first.SourceRow, p.SourceURI, p.SourceRow)
		}
		if !p.Control {
			l.probes++
		}
		l.at[p] = i
		if p.Writer == "" {
			l.byRow[rowKey{p.SourceURI, p.SourceRow}] = i
		}
	}
	if l.probes == 0 {
		return nil, badData("no probes: their files have no rows with a text, or a sample of the corpus drew none")
	}
	return l, nil
}

func roleOf(p *fold.Probe) string {
	if p.Control {
		return "control"
	}
	return "probe"
}

// loadGroup reads the probes of one row group. Nothing is collected of a group that cannot be read to its end.
func (j *Job) loadGroup(s shard, g *read.Group, cutter *cutter, kind string, control bool, collect func(*fold.Probe)) error {
	columns, err := s.decodeTexts(g, probeTexts...)
	if err != nil {
		return err
	}
	labels, err := decodeLabels(s, g)
	if err != nil {
		return err
	}
	if err := cutter.begin(s, g); err != nil {
		return err
	}
	var found []*fold.Probe
	text, _ := s.column("text")
	err = g.Each(text, func(row int, text []byte, ok bool) error {
		at := g.FirstRow() + int64(row)
		if !ok {
			return j.badRow(s, at, "the text is null")
		}
		p := &fold.Probe{
			Kind: kind, Control: control, SourceURI: s.input.URI, SourceRow: at, Text: slices.Clone(text),
			Prompt: columns["prompt"].at(row), ControlGroup: columns["control_group"].at(row), CanaryNull: columns["canary_null"].at(row),
			Title: columns["title"].at(row), Author: columns["author"].at(row),
			RightsHolder: columns["rights_holder"].at(row), License: columns["license"].at(row),
		}
		if id := columns["id"].at(row); id != nil && *id != "" {
			p.ID = *id
		} else if _, mapped := columns["id"]; mapped {
			return j.badRow(s, at, "the id is null or empty")
		} else {
			p.ID = fmt.Sprintf("%s#%d", p.SourceURI, at)
		}
		if k := columns["kind"].at(row); k != nil {
			p.Kind = *k
		}
		if k := p.Kind; k != fold.Generation && k != fold.Work && k != fold.Canary {
			return j.badRow(s, at, fmt.Sprintf("the kind is %q, and generation, work and canary are known", k))
		}
		if n := p.CanaryNull; n != nil && *n != fold.Slot && *n != fold.Shuffle && *n != fold.Sibling {
			return j.badRow(s, at, fmt.Sprintf("the canary_null is %q, and slot, shuffle and sibling are known", *n))
		}
		if labels != nil {
			if v, _, ok := labels.Row(row); ok {
				if v[0] != 0 && v[0] != 1 {
					return j.badRow(s, at, fmt.Sprintf("the label is %d, and 0, 1 and null are known", v[0]))
				}
				member := v[0] == 1
				p.Label = &member
			}
		}
		cut, err := cutter.cut(row, text)
		if err == nil && p.Kind == fold.Generation {
			p.PromptTokens, err = cutter.cutPrompt(row, p.Prompt)
		}
		if err != nil {
			return j.badRow(s, at, err.Error())
		}
		p.Tokens = cut.Clone()
		found = append(found, p)
		return nil
	})
	if err != nil {
		return err
	}
	for _, p := range found {
		collect(p)
	}
	return nil
}

func decodeLabels(s shard, g *read.Group) (*read.Values[int64], error) {
	c, ok := s.column("label")
	if !ok {
		return nil, nil
	}
	return g.Ints(c)
}

// badRow quarantines one probe, or ends the run, as configured.
func (j *Job) badRow(s shard, row int64, reason string) error {
	if j.Config.OnBadInput == failOnBadInput {
		return badData("%s, row group %d, row %d: %s", s.input.URI, s.group, row, reason)
	}
	group := s.group
	j.fail(Failure{Object: s.input.URI, RowGroup: &group, Row: &row,
		Reason: fmt.Sprintf("%s, row group %d, row %d: %s", s.input.URI, group, row, reason)})
	return nil
}

// sample draws probes from one row group of the corpus: the documents whose hash64 lies below the rate.
func (j *Job) sample(s shard, g *read.Group, cutter *cutter, src ProbeSource, collect func(*fold.Probe)) error {
	refs, err := newRefs(s, g)
	if err != nil {
		return err
	}
	if err := cutter.begin(s, g); err != nil {
		return err
	}
	var found []*fold.Probe
	text, _ := s.column("text")
	err = g.Each(text, func(row int, text []byte, ok bool) error {
		ref := refs.at(row)
		if !ok || float64(ref.Hash64) >= src.Rate*math.MaxUint64 && src.Rate < 1 {
			return nil
		}
		cut, err := cutter.cut(row, text)
		if err != nil {
			return j.badRow(s, ref.Row, err.Error())
		}
		found = append(found, &fold.Probe{
			ID: ref.ID, Kind: src.Kind, SourceURI: ref.URI, SourceRow: ref.Row, Text: slices.Clone(text), Tokens: cut.Clone(), FromCorpus: true,
			License: ref.License, RightsHolder: ref.RightsHolder,
		})
		return nil
	})
	if err != nil {
		return err
	}
	for _, p := range found {
		collect(p)
	}
	return nil
}

// storable returns the text for a table: null when it is not UTF-8, or when the configuration keeps texts out.
func (c *Config) storable(text []byte) *string {
	if !*c.Evidence.Texts || !utf8.Valid(text) {
		return nil
	}
	s := string(text)
	return &s
}
