package pipeline

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strings"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"palimpsest/schemas"
	"palimpsest/stages/extract"
	"palimpsest/stages/fold"
	"palimpsest/stages/model"
)

// written is what the target models wrote when they were prompted with works: the probes, and the rows that say how they came about.
type written struct {
	probes []*fold.Probe
	rows   []schemas.Generation
}

// generate has the target models go on with the beginnings of the works, as the sources of probes ask.
func (j *Job) generate(ctx context.Context, works []*fold.Probe) (*written, error) {
	all := new(written)
	for _, src := range j.Config.Probes {
		if src.From != fromModel {
			continue
		}
		for _, m := range j.targets() {
			if !m.asks() {
				continue
			}
			if err := j.prompt(ctx, m, src.Prompts, works, all); err != nil {
				return nil, err
			}
		}
	}
	return all, nil
}

// prompt has one model go on with every work.
func (j *Job) prompt(ctx context.Context, m *planned, p *Prompts, works []*fold.Probe, all *written) error {
	prompts := extract.Prompts{Prefix: p.Prefix, Length: p.Length, Stride: p.Stride, Most: p.Most, Greedy: *p.Greedy, Draws: p.Draws,
		TopK: p.TopK, Seed: uint64(p.Seed)}
	total := int64(0)
	for _, w := range works {
		total += int64(len(w.Text))
	}
	j.meter.Begin("generating with "+m.Name, total)
	attempts := make([][]extract.Attempt, len(works))
	var refused, unsent atomic.Int64
	eg, ctx := errgroup.WithContext(ctx)
	eg.SetLimit(j.askers(m))
	for i, w := range works {
		eg.Go(func() (err error) {
			var n int
			attempts[i], n, err = extract.Continue(ctx, j.engines[m], prompts, w.ID, w.Text)
			refused.Add(int64(n))
			switch {
			case errors.Is(err, model.ErrReencoded):
				unsent.Add(1)
			case errors.Is(err, extract.ErrNoOffsets):
				return badUsage("%s: %w", m.key, err)
			case err != nil:
				return fmt.Errorf("generating with %s from work %q: %w", m.Name, w.ID, err)
			}
			j.meter.Done.Add(int64(len(w.Text)))
			return nil
		})
	}
	if err := eg.Wait(); err != nil {
		return err
	}
	short := -unsent.Load()
	for _, a := range attempts {
		if a == nil {
			short++
		}
	}
	j.note("probes", fmt.Sprintf("works that are no UTF-8, so that the server of %s was not asked to write on", m.Name), unsent.Load())
	j.note("probes", fmt.Sprintf("attempts that were not made, since the server of %s takes text and their prompts are no UTF-8", m.Name),
		refused.Load())
	j.note("probes", fmt.Sprintf("works that are too short for a prompt and a continuation, %d tokens, of %d that %s was to write on",
		p.Prefix+p.Length, len(works), m.Name), short)
	cutter, same := j.newCutter(), j.cutsAlike(m)
	for i, w := range works {
		for k := range attempts[i] {
			a := &attempts[i][k]
			probe := all.add(m.Name, p, w, a)
			if err := cutter.cutWritten(probe, a.Prompt, a.IDs, same); err != nil {
				return fmt.Errorf("cutting what %s wrote after a prompt of work %q: %w", m.Name, w.ID, err)
			}
		}
	}
	return nil
}

// add makes a probe and a row of an attempt, and returns the probe.
func (all *written) add(writer string, p *Prompts, work *fold.Probe, a *extract.Attempt) *fold.Probe {
	how, draws := fmt.Sprintf("draw-%d", a.Draw), int64(p.Draws)
	row := schemas.Generation{Model: writer, WorkID: work.ID, PromptTokens: int64(p.Prefix), PromptByteStart: a.PromptStart,
		PromptByteEnd: a.PromptEnd, Sampling: "top_k", TopK: int64(a.TopK), Draw: int64(a.Draw), Draws: draws,
		Asked: int64(p.Length)}
	if a.IDs != nil || len(a.Text) == 0 {
		tokens, same, extracted := int64(len(a.IDs)), int64(a.Same), a.Same == p.Length
		row.Tokens, row.SameTokens, row.Extracted = &tokens, &same, &extracted
	}
	if a.TopK == 1 {
		how, row.Sampling, row.Draws = "greedy", "greedy", 1
	} else {
		seed := int64(a.Seed)
		row.Seed = &seed
	}
	if a.LogProbs != nil {
		sum := 0.0
		for _, lp := range a.LogProbs {
			sum += lp
		}
		if !math.IsNaN(sum) {
			row.LogProb = &sum
		}
	}
	row.ProbeID = fmt.Sprintf("%s/%s/%d/%s", writer, work.ID, a.PromptStart, how)
	prompt := strings.ToValidUTF8(string(a.Prompt), "\ufffd")
	all.rows = append(all.rows, row)
	probe := &fold.Probe{
		ID: row.ProbeID, Kind: fold.Generation, SourceURI: work.SourceURI, SourceRow: work.SourceRow, Text: a.Text, Writer: writer,
		Prompt: &prompt,
	}
	all.probes = append(all.probes, probe)
	return probe
}
