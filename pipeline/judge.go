package pipeline

import (
	"cmp"
	"context"
	"slices"

	"palimpsest/schemas"
	"palimpsest/stages/evidence"
	"palimpsest/stages/fold"
	"palimpsest/stages/likelihood"
	"palimpsest/stages/ngram"
	"palimpsest/stages/write"
)

// judge turns what was found and scored into the tables. It goes through the probes once, in the order of the tables' keys, so
// that of findings no more than one is held.
func (e *execution) judge(ctx context.Context, l *loaded, f *found, s *scored) error {
	subjects := make([]evidence.Subject, len(l.all))
	if err := e.writeFindings(ctx, l, f, subjects); err != nil {
		return err
	}
	fit, removed := evidence.Screen(subjects[l.probes:], subjects[:l.probes])
	for _, r := range removed {
		e.removed = append(e.removed, Removed{r.ID, r.Reason})
	}
	if err := e.writeLikelihood(ctx, l, subjects[:l.probes], fit, s); err != nil {
		return err
	}
	if err := e.writeWritten(ctx, l); err != nil {
		return err
	}
	judged, err := e.judgeModels(ctx, l, subjects[:l.probes], fit, s)
	if err != nil {
		return err
	}
	var rows []schemas.Evidence
	for _, j := range judged {
		rows = append(rows, j.Rows...)
	}
	slices.SortStableFunc(rows, func(a, b schemas.Evidence) int {
		return cmp.Or(cmp.Compare(a.ProbeID, b.ProbeID), cmp.Compare(modelOf(&a), modelOf(&b)))
	})
	if err := writeTable(ctx, e, schemas.Evidences, rows); err != nil {
		return err
	}
	if e.plan.Config.Likelihood == nil {
		return nil
	}
	return e.writeComparisons(ctx, judged)
}

func modelOf(r *schemas.Evidence) string {
	if r.Model == nil {
		return ""
	}
	return *r.Model
}

// writeWritten writes how the probes that a model wrote came about.
func (e *execution) writeWritten(ctx context.Context, l *loaded) error {
	if !e.plan.Config.prompts() {
		return nil
	}
	slices.SortFunc(l.written, func(a, b schemas.Generation) int { return cmp.Compare(a.ProbeID, b.ProbeID) })
	return writeTable(ctx, e, schemas.Generations, l.written)
}

// judgement is one target's, with what its other tables are made of.
type judgement struct {
	evidence.Judged
	canaries    []schemas.Canary
	evaluations []schemas.Evaluation
}

// judgeModels judges every probe under each target, or under none when there is no model.
func (e *execution) judgeModels(ctx context.Context, l *loaded, probes, controls []evidence.Subject, s *scored) ([]judgement, error) {
	c := e.plan.Config
	options := evidence.Options{RunID: e.plan.RunID, Score: c.Evidence.Score}
	if c.Likelihood == nil {
		j := evidence.Judge(options, probes, controls)
		return []judgement{{Judged: evidence.Judged{Subjects: probes, Rows: j.Rows}}}, nil
	}
	blind, err := evidence.NewBlind(ctx, probes)
	if err != nil {
		return nil, err
	}
	position := make(map[*fold.Probe]int, len(l.all))
	for i, p := range l.all {
		position[p] = i
	}
	reference := func(p *fold.Probe) *likelihood.Score { return s.reference.of(position[p]) }
	var all []judgement
	for i := range s.targets {
		m := &s.targets[i]
		under := func(subjects []evidence.Subject) (own []evidence.Subject) {
			for _, x := range subjects {
				if m.judges(x.Probe) {
					x.Target = m.of(position[x.Probe])
					own = append(own, x)
				}
			}
			return own
		}
		own, calibrating := under(probes), under(controls)
		options.Model = m.Name
		j := evidence.Judge(options, own, calibrating)
		e.families = append(e.families, j.Families...)
		done := judgement{Judged: evidence.Judged{Model: m.Name, Subjects: own, Rows: j.Rows},
			canaries: evidence.Canaries(options, own, calibrating, reference)}
		if slices.ContainsFunc(own, func(x evidence.Subject) bool { return x.Probe.Label != nil }) {
			done.evaluations = evidence.Evaluate(e.plan.RunID, m.Name, own, blind)
		}
		all = append(all, done)
	}
	slices.SortFunc(e.families, func(a, b evidence.Family) int { return cmp.Compare(a.Name, b.Name) })
	return all, nil
}

// writeComparisons writes the tables that set probes or models side by side: canaries among others, scores against labels, tuned
// models against their base.
func (e *execution) writeComparisons(ctx context.Context, judged []judgement) error {
	var (
		canaries    []schemas.Canary
		evaluations []schemas.Evaluation
		tunings     []schemas.Tuning
		tuned       bool
	)
	for i := range judged {
		canaries = append(canaries, judged[i].canaries...)
		evaluations = append(evaluations, judged[i].evaluations...)
		base := e.plan.Config.Likelihood.Target[i].Base
		for k := range judged {
			if judged[k].Model == base {
				tuned = true
				tunings = append(tunings, evidence.Tuning(e.plan.RunID, &judged[k].Judged, &judged[i].Judged)...)
			}
		}
	}
	if canaries != nil {
		slices.SortFunc(canaries, func(a, b schemas.Canary) int {
			return cmp.Or(cmp.Compare(a.ProbeID, b.ProbeID), cmp.Compare(a.Model, b.Model))
		})
		if err := writeTable(ctx, e, schemas.Canaries, canaries); err != nil {
			return err
		}
	}
	if tuned {
		slices.SortFunc(tunings, func(a, b schemas.Tuning) int {
			return cmp.Or(cmp.Compare(a.ProbeID, b.ProbeID), cmp.Compare(a.Model, b.Model))
		})
		if err := writeTable(ctx, e, schemas.Tunings, tunings); err != nil {
			return err
		}
	}
	if evaluations == nil {
		return nil
	}
	slices.SortFunc(evaluations, func(a, b schemas.Evaluation) int {
		return cmp.Or(cmp.Compare(a.Model, b.Model), cmp.Compare(a.Score, b.Score), cmp.Compare(a.Slice, b.Slice))
	})
	return writeTable(ctx, e, schemas.Evaluations, evaluations)
}

// findings are the tables of what the corpus holds.
type findings struct {
	probes  *write.Table[schemas.Probe]
	overlap *write.Table[schemas.Overlap] // nil without ngram, like the next two
	spans   *write.Table[schemas.Span]
	sources *write.Table[schemas.SpanSource]
	matches *write.Table[schemas.Match] // nil when no stage reads the corpus
}

// writeFindings writes the tables that say what the corpus holds, and fills in the subjects' part of it, controls included.
func (e *execution) writeFindings(ctx context.Context, l *loaded, f *found, subjects []evidence.Subject) (err error) {
	var t findings
	if t.probes, err = write.Open(e.dir, schemas.Probes); err != nil {
		return err
	}
	defer t.probes.Discard()
	if f != nil {
		if t.matches, err = write.Open(e.dir, schemas.Matches); err != nil {
			return err
		}
		defer t.matches.Discard()
		if e.plan.Config.Ngram != nil {
			if t.overlap, err = write.Open(e.dir, schemas.Overlaps); err != nil {
				return err
			}
			defer t.overlap.Discard()
			if t.spans, err = write.Open(e.dir, schemas.Spans); err != nil {
				return err
			}
			defer t.spans.Discard()
			if t.sources, err = write.Open(e.dir, schemas.SpanSources); err != nil {
				return err
			}
			defer t.sources.Discard()
		}
	}
	for i, p := range l.all {
		if err := ctx.Err(); err != nil {
			return err
		}
		sums := l.sums[i]
		row := schemas.Probe{
			ProbeID: p.ID, Kind: p.Kind, SourceURI: p.SourceURI, SourceRow: p.SourceRow, Bytes: int64(len(p.Text)), Words: sums.Words,
			SHA256: sums.SHA256, UTF8Valid: p.UTF8(), Title: p.Title, Author: p.Author, RightsHolder: p.RightsHolder, License: p.License,
			Label: p.Label, Text: e.plan.Config.storable(p.Text),
		}
		if sums.WordsSHA256 != "" {
			row.WordsSHA256 = &sums.WordsSHA256
		}
		subjects[i] = evidence.Subject{Probe: p, SHA256: sums.SHA256, WordsSHA256: sums.WordsSHA256}
		corpus := &subjects[i].Corpus
		corpus.FromCorpus = p.FromCorpus
		var (
			matches []schemas.Match
			finding ngram.Finding
		)
		if f != nil {
			b, k := f.of(i)
			matches = b.total.match.Rows(k, p.ID)
			if id, coverage := b.total.match.Best(k); coverage >= fold.Contained {
				corpus.Contained = &evidence.Containment{DocumentID: id, Coverage: coverage}
			}
			if b.total.hash != nil {
				n := b.total.hash.Counts(k)
				corpus.Hashed, corpus.Exact, corpus.ExactWords = true, n.Exact, n.ExactWords
				if e.plan.Config.nearDuplicate() > 0 {
					corpus.Near = &n.Near
				}
			}
			if b.finder != nil {
				finding = b.finder.Find(k)
				e.searched(corpus, &finding)
				row.Searchable = &finding.Searchable
			}
		}
		if p.Control {
			continue
		}
		if err := t.write(row, &finding, matches); err != nil {
			return err
		}
	}
	return t.close(ctx, e)
}

func (t *findings) write(row schemas.Probe, f *ngram.Finding, matches []schemas.Match) error {
	if err := t.probes.Write(row); err != nil {
		return err
	}
	if t.matches != nil {
		if err := t.matches.Write(matches...); err != nil {
			return err
		}
	}
	if t.spans == nil {
		return nil
	}
	if err := t.overlap.Write(f.Overlap...); err != nil {
		return err
	}
	if err := t.spans.Write(f.Spans...); err != nil {
		return err
	}
	return t.sources.Write(f.Sources...)
}

func (t *findings) close(ctx context.Context, e *execution) error {
	tables := []closer{t.probes}
	if t.matches != nil {
		tables = append(tables, t.matches)
	}
	if t.spans != nil {
		tables = append(tables, t.overlap, t.spans, t.sources)
	}
	for _, w := range tables {
		if err := finish(ctx, e, w); err != nil {
			return err
		}
	}
	return nil
}

// searched fills in what ngram found.
func (e *execution) searched(c *evidence.Corpus, f *ngram.Finding) {
	n := e.plan.Config.Ngram
	engine := n.engine()
	c.Searched, c.Searchable, c.Unit, c.MinWords, c.MinBytes = true, f.Searchable, engine.Unit, engine.MinWords, engine.MinBytes
	c.Spans, c.Documents, c.Longest = int64(len(f.Spans)), f.Documents, f.Longest
	c.Coverage, c.CreativityIndex = f.Coverage, f.CreativityIndex
	c.LongestOutsidePrompt, c.OutsidePromptBytes = f.LongestOutsidePrompt, f.OutsidePromptBytes
	if b := f.Best; b != nil {
		c.Best = &evidence.Span{MaxWordMatches: b.MaxWordMatches, Documents: b.Documents, Occurrences: b.Occurrences, Quoted: b.Quoted}
		for _, s := range b.Sources {
			c.Best.Sources = append(c.Best.Sources, evidence.Source{License: s.License, WordsSHA256: s.WordsSHA256})
		}
	}
}
