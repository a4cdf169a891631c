package pipeline

import (
	"context"

	"palimpsest/schemas"
	"palimpsest/stages/evidence"
	"palimpsest/stages/fold"
	"palimpsest/stages/hash"
	"palimpsest/stages/ngram"
	"palimpsest/stages/words"
	"palimpsest/stages/write"
)

// subjects are the probes, and the controls that are fit to calibrate, with what the corpus holds of them.
type subjects struct{ probes, controls []evidence.Subject }

// writeFindings writes the tables that say what the corpus holds, and takes out the controls that are not fit. It goes through the probes
// once, in the order of the tables' keys, so that of findings no more than one is held.
func (e *edition) writeFindings(ctx context.Context, f *found) (*subjects, error) {
	l := e.texts
	all := make([]evidence.Subject, len(l.all))
	if err := e.writeTables(ctx, f, all); err != nil {
		return nil, err
	}
	fit, removed := evidence.Screen(all[l.probes:], all[:l.probes])
	for _, r := range removed {
		e.removed = append(e.removed, Removed{r.ID, r.Reason})
	}
	l.fit = make(map[*fold.Probe]bool, len(fit))
	groups := make(map[string]bool)
	for _, c := range fit {
		l.fit[c.Probe] = true
		groups[groupName(c.Probe)] = true
	}
	alone := int64(0)
	for _, p := range l.all[:l.probes] {
		if len(fit) > 0 && p.Kind != fold.Generation && !groups[groupName(p)] {
			alone++
		}
	}
	e.note("controls", "probes whose control_group no control has, so that they are ranked among none", alone)
	return &subjects{all[:l.probes], fit}, nil
}

// findings are the tables of what the corpus holds.
type findings struct {
	probes  *write.Table[schemas.Probe]
	overlap *write.Table[schemas.Overlap] // nil without ngram, like the next two
	spans   *write.Table[schemas.Span]
	sources *write.Table[schemas.SpanSource]
	matches *write.Table[schemas.Match] // nil when no stage reads the corpus
}

// writeTables writes the tables that say what the corpus holds, and fills in the subjects' part of it, controls included.
func (e *edition) writeTables(ctx context.Context, f *found, subjects []evidence.Subject) (err error) {
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
		if e.Config.Ngram != nil {
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
	var normaliser words.Normaliser
	for i, p := range e.texts.all {
		if err := ctx.Err(); err != nil {
			return err
		}
		sums := hash.SumsOf(&normaliser, p.Text)
		e.texts.sums = append(e.texts.sums, sums.SHA256)
		row := schemas.Probe{
			ProbeID: p.ID, Kind: p.Kind, SourceURI: p.SourceURI, SourceRow: p.SourceRow, Bytes: int64(len(p.Text)), Words: sums.Words,
			SHA256: sums.SHA256, UTF8Valid: p.UTF8(), Title: p.Title, Author: p.Author, RightsHolder: p.RightsHolder, License: p.License,
			Label: p.Label, Text: e.Config.storable(p.Text),
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
			k, err := f.about(i)
			if err != nil {
				return err
			}
			matches = f.total.match.Rows(int(k), p.ID)
			if id, coverage := f.total.match.Best(int(k)); coverage >= fold.Contained {
				corpus.Contained = &evidence.Containment{DocumentID: id, Coverage: coverage}
			}
			if f.total.hash != nil {
				n := f.total.hash.Counts(int(k))
				corpus.Hashed, corpus.Exact, corpus.ExactWords = true, n.Exact, n.ExactWords
				if e.Config.nearDuplicate() > 0 {
					corpus.Near = &n.Near
				}
			}
			if f.finder != nil {
				finding = f.finder.Find(int(k))
				e.searched(corpus, &finding)
				if e.Config.Ngram.NearVerbatim {
					id, equal := f.total.match.NearVerbatim(int(k))
					corpus.NearVerbatim = &evidence.Passage{DocumentID: id, Words: equal}
				}
				row.Searchable = &finding.Searchable
			}
		}
		if p.Control {
			continue
		}
		if err := t.write(row, &finding, matches); err != nil {
			return err
		}
		if err := e.edges.found(p.Kind, matches, finding.Sources); err != nil {
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

func (t *findings) close(ctx context.Context, e *edition) error {
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
func (e *edition) searched(c *evidence.Corpus, f *ngram.Finding) {
	n := e.Config.Ngram
	engine := n.engine()
	c.Searched, c.Searchable, c.Unit, c.MinWords, c.MinBytes = true, f.Searchable, engine.Unit, engine.MinWords, engine.MinBytes
	c.Spans, c.Documents, c.Longest = int64(len(f.Spans)), f.Documents, f.Longest
	c.Coverage, c.CreativityIndex = f.Coverage, f.CreativityIndex
	c.LongestOutsidePrompt, c.OutsidePromptBytes = f.LongestOutsidePrompt, f.OutsidePromptBytes
	if b := f.Best; b != nil {
		c.Best = &evidence.Span{MaxWordMatches: b.MaxWordMatches, Documents: b.Documents, Occurrences: b.Occurrences, Quoted: b.Quoted}
		sources := make([]evidence.Source, len(b.Sources))
		for i, s := range b.Sources {
			sources[i] = evidence.Source{License: s.License, WordsSHA256: s.WordsSHA256}
		}
		c.Best.Sampled(sources)
	}
}
