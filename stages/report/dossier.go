package report

import (
	"context"
	"maps"
	"slices"
	"strings"

	"palimpsest/schemas"
	"palimpsest/stages/fold"
)

// dossier is what the tables say of one probe. Of its long texts it holds what is shown of them.
type dossier struct {
	probe      schemas.Probe // without its text
	text       *excerpt      // around the interval asked for; nil when the run keeps no texts
	wide       *excerpt      // more of it around a span, to be compared with a source
	evidence   []schemas.Evidence
	spans      []schemas.Span // without texts, in their order
	sources    []schemas.SpanSource
	matches    []schemas.Match
	likelihood []schemas.Likelihood
	windows    []schemas.Window
	canary     []schemas.Canary

	attempt *schemas.Generation // where the model wrote it after the beginning of a work
	prompt  *excerpt            // the part of that work that it was given, or what the probes' file has
	noWhy   string              // why there is no prompt
}

// The most rows that are held of one probe. A probe is a book at times, with more spans and windows than anybody reads.
const (
	maxSpans   = 10_000
	maxWindows = 100_000
	maxRows    = 200 // of every other table
)

// wanted is a probe to read, and the part of its text to keep.
type wanted struct {
	id   string
	keep interval
	span int64 // whose sources are read; those of other spans are not
}

// dossiers reads what the tables say of some probes: each table once, whatever their number.
func dossiers(ctx context.Context, in Input, of []wanted) (map[string]*dossier, error) {
	found := map[string]*dossier{}
	slices.SortFunc(of, func(a, b wanted) int { return strings.Compare(a.id, b.id) })
	for _, w := range of {
		found[w.id] = &dossier{}
	}
	if len(of) == 0 {
		return found, nil
	}
	for _, read := range []func() error{
		func() error {
			return sift(ctx, in, schemas.Probes, of, found, (*dossier).addProbe)
		},
		func() error {
			return sift(ctx, in, schemas.Evidences, of, found, func(d *dossier, _ *wanted, r *schemas.Evidence) {
				d.evidence = appendFew(d.evidence, r, maxRows)
			})
		},
		func() error {
			return sift(ctx, in, schemas.Spans, of, found, func(d *dossier, _ *wanted, r *schemas.Span) {
				r.Text = nil
				d.spans = appendFew(d.spans, r, maxSpans)
			})
		},
		func() error {
			return sift(ctx, in, schemas.SpanSources, of, found, func(d *dossier, w *wanted, r *schemas.SpanSource) {
				if r.SpanIndex == w.span {
					d.sources = appendFew(d.sources, r, maxRows)
				}
			})
		},
		func() error {
			return sift(ctx, in, schemas.Matches, of, found, func(d *dossier, _ *wanted, r *schemas.Match) {
				d.matches = appendFew(d.matches, r, maxRows)
			})
		},
		func() error {
			return sift(ctx, in, schemas.Likelihoods, of, found, func(d *dossier, _ *wanted, r *schemas.Likelihood) {
				d.likelihood = appendFew(d.likelihood, r, maxRows)
			})
		},
		func() error {
			return sift(ctx, in, schemas.Windows, of, found, func(d *dossier, _ *wanted, r *schemas.Window) {
				d.windows = appendFew(d.windows, r, maxWindows)
			})
		},
		func() error {
			return sift(ctx, in, schemas.Canaries, of, found, func(d *dossier, _ *wanted, r *schemas.Canary) {
				d.canary = appendFew(d.canary, r, maxRows)
			})
		},
		func() error {
			return sift(ctx, in, schemas.Generations, of, found, func(d *dossier, _ *wanted, r *schemas.Generation) {
				row := *r
				d.attempt = &row
			})
		},
		func() error { return readPrompts(ctx, in, found) },
	} {
		if err := read(); err != nil {
			return nil, err
		}
	}
	return found, nil
}

// beside compares the text around the span with a source of it.
func (d *dossier) beside(s *schemas.Span, r *schemas.SpanSource, q *quotation) *diff {
	if d.wide == nil || q.why != "" {
		return nil
	}
	return compare(d.wide, &q.wide, interval{s.ByteStart, s.ByteEnd}, interval{r.ByteStart, r.ByteEnd})
}

func (d *dossier) addProbe(w *wanted, r *schemas.Probe) {
	if r.Text != nil {
		e := cut(*r.Text, w.keep)
		if d.text = &e; w.span >= 0 {
			wide := cutWith(*r.Text, w.keep, reach)
			d.wide = &wide
		}
		r.Text = nil
	}
	d.probe = *r
}

// sift calls f with the rows of the probes, which are in order.
func sift[R any](ctx context.Context, in Input, t schemas.Of[R], of []wanted, found map[string]*dossier,
	f func(*dossier, *wanted, *R)) error {
	c, err := open(ctx, in, t, probeIn[R])
	if err != nil {
		return err
	}
	defer c.close()
	for i := range of {
		w := &of[i]
		if err := c.each(w.id, func(r *R) { f(found[w.id], w, r) }); err != nil {
			return err
		}
	}
	return nil
}

// probeIn returns the probe that a row of any of these tables is of. The scores of controls stand after all others.
func probeIn[R any](row *R) (id string, more bool) {
	switch r := any(row).(type) {
	case *schemas.Probe:
		return r.ProbeID, true
	case *schemas.Evidence:
		return r.ProbeID, true
	case *schemas.Span:
		return r.ProbeID, true
	case *schemas.SpanSource:
		return r.ProbeID, true
	case *schemas.Match:
		return r.ProbeID, true
	case *schemas.Likelihood:
		return r.ProbeID, !r.Control
	case *schemas.Window:
		return r.ProbeID, true
	case *schemas.Canary:
		return r.ProbeID, true
	case *schemas.Generation:
		return r.ProbeID, true
	}
	return "", false
}

// appendFew adds a row while there are less than so many.
func appendFew[R any](rows []R, r *R, most int) []R {
	if len(rows) >= most {
		return rows
	}
	return append(rows, *r)
}

// readPrompts finds what the generations among the probes were written after: the beginning of a work, which is a probe itself, or what
// the probes' file says.
func readPrompts(ctx context.Context, in Input, found map[string]*dossier) error {
	of := map[string][]*dossier{}
	var places []place
	for _, d := range found {
		switch {
		case d.attempt != nil:
			of[d.attempt.WorkID] = append(of[d.attempt.WorkID], d)
		case d.probe.Kind == fold.Generation:
			places = append(places, place{uri: d.probe.SourceURI, row: d.probe.SourceRow, prompt: true})
		}
	}
	works, err := open(ctx, in, schemas.Probes, probeIn[schemas.Probe])
	if err != nil {
		return err
	}
	defer works.close()
	for _, id := range slices.Sorted(maps.Keys(of)) {
		if err := works.each(id, func(r *schemas.Probe) {
			for _, d := range of[id] {
				if d.noWhy = "the run keeps no texts"; r.Text != nil {
					d.noWhy = ""
					d.prompt = promptOf(*r.Text, interval{d.attempt.PromptByteStart, d.attempt.PromptByteEnd})
				}
			}
		}); err != nil {
			return err
		}
	}
	if len(places) == 0 {
		return nil
	}
	quotes, err := quote(ctx, in, places)
	if err != nil {
		return err
	}
	for _, d := range found {
		if d.attempt != nil || d.probe.Kind != fold.Generation {
			continue
		}
		switch q := quotes[place{uri: d.probe.SourceURI, row: d.probe.SourceRow, prompt: true}]; {
		case q.why != "":
			d.noWhy = q.why
		case q.null:
			d.noWhy = "the probes' file has none"
		default:
			e := q.excerpt
			d.prompt = &e
		}
	}
	return nil
}

// promptOf takes the prompt out of a work, or the end of a long one.
func promptOf(work string, at interval) *excerpt {
	total := int64(len(work))
	at.to = min(max(at.to, 0), total)
	at.from = min(max(at.from, 0), at.to)
	prompt := work[at.from:at.to]
	n := int64(len(prompt))
	e := cut(prompt, interval{max(n-around, 0), n})
	return &e
}
