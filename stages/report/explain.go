package report

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"

	"palimpsest/schemas"
	"palimpsest/stages/fold"
)

// ErrNoProbe says that the run has no such probe, or the probe no such span.
var ErrNoProbe = errors.New("not in this run")

// maxExplained is how many spans, matches and windows of a probe are listed.
const maxExplained = 10

// Explain writes everything that the tables say of one probe, and what stands around one of its spans in the source: the span of that
// index, or the one that shows most when it is negative.
func Explain(ctx context.Context, w io.Writer, in Input, probe string, span int64) error {
	if in.Width <= 0 {
		in.Width = defaultWidth
	}
	in.Width = max(in.Width, 40)
	run, err := readRun(ctx, in)
	if err != nil {
		return err
	}
	best, err := chooseSpan(ctx, in, probe, span)
	if err != nil {
		return err
	}
	want := wanted{id: probe, span: -1}
	if best != nil {
		want.span, want.keep = best.SpanIndex, interval{best.ByteStart, best.ByteEnd}
	}
	files, err := dossiers(ctx, in, []wanted{want})
	if err != nil {
		return err
	}
	d := files[probe]
	if d.probe.ProbeID == "" {
		return fmt.Errorf("probe %q: %w", probe, ErrNoProbe)
	}
	unit := "word"
	if run.Unit != nil {
		unit = strings.TrimSuffix(*run.Unit, "s")
	}
	var quotes map[place]quotation
	if len(d.sources) > 0 {
		if quotes, err = quote(ctx, in, []place{sourcePlace(&d.sources[0])}); err != nil {
			return err
		}
	}
	buffer := bufio.NewWriter(w)
	p := &page{w: buffer, width: in.Width, colour: in.Colour}
	d.title(p)
	d.gradesAndScores(p)
	d.passages(p, best)
	if best != nil {
		d.source(p, best, unit, quotes)
	}
	d.lists(p, unit)
	return buffer.Flush()
}

// chooseSpan returns the span to show: nil when the probe has none and none was asked for.
func chooseSpan(ctx context.Context, in Input, probe string, index int64) (*schemas.Span, error) {
	c, err := open(ctx, in, schemas.Spans, probeIn[schemas.Span])
	if err != nil {
		return nil, err
	}
	defer c.close()
	var best exhibit
	found := false
	err = c.each(probe, func(r *schemas.Span) {
		if index < 0 {
			best.offer(r)
		} else if r.SpanIndex == index {
			best.span = *r
		}
		if found = best.span.ProbeID != ""; found {
			best.span = cloneSpan(best.span)
		}
	})
	switch {
	case err != nil:
		return nil, err
	case found:
		return &best.span, nil
	case index >= 0:
		return nil, fmt.Errorf("span %d of probe %q: %w", index, probe, ErrNoProbe)
	}
	return nil, nil
}

func (d *dossier) title(p *page) {
	r := &d.probe
	p.heading("Probe " + quoted(r.ProbeID, p.width-8))
	length := count(r.Words, "word") + ", " + count(r.Bytes, "byte")
	p.line("  %s, %s", plain(r.Kind), length)
	p.wrapped("  ", "from "+plain(localPath(r.SourceURI))+" row "+thousands(r.SourceRow)+", sha256 "+short(r.SHA256))
	for _, n := range []struct {
		name  string
		value *string
	}{{"title", r.Title}, {"author", r.Author}, {"rights holder", r.RightsHolder}, {"licence declared", r.License}} {
		if n.value != nil {
			p.wrapped("  ", n.name+": "+quoted(*n.value, 200))
		}
	}
	if r.Label != nil {
		p.line("  known to be %s", map[bool]string{true: "in the training set", false: "outside the training set"}[*r.Label])
	}
}

func (d *dossier) gradesAndScores(p *page) {
	for i := range d.evidence {
		e := &d.evidence[i]
		if i == 0 {
			p.heading("Grades")
			p.wrapped("  ", "corpus: "+plain(e.CorpusGrade)+". "+plain(e.CorpusReason))
			if e.Distinctiveness != nil {
				p.wrapped("  ", "best run: "+distinctName(*e.Distinctiveness))
			}
			if e.ExactDocuments != nil && e.ExactWordsDocuments != nil {
				p.wrapped("  ", "the same bytes in "+count(*e.ExactDocuments, "document")+", the same words in "+
					count(*e.ExactWordsDocuments, "document"))
			}
		}
		p.wrapped("  ", "model"+nameOf(e.Model)+": "+plain(e.ModelGrade)+". "+plain(e.ModelReason))
		if e.PValue != nil && e.Controls != nil {
			line := "p " + strconv.FormatFloat(*e.PValue, 'g', 2, 64) + " among " + count(*e.Controls, "control")
			if e.QValue != nil {
				line += ", q " + strconv.FormatFloat(*e.QValue, 'g', 2, 64)
			}
			p.wrapped("    ", line+", by "+optional(e.ScoreName))
		}
	}
	if len(d.likelihood) > 0 {
		p.heading("Likelihood")
	}
	for i := range d.likelihood {
		l := &d.likelihood[i]
		line := plain(l.Model) + " (" + plain(l.Role) + "): " + count(l.ScoredTokens, "token")
		if l.BitsPerByte != nil {
			line += ", " + fixed(*l.BitsPerByte, 3) + " bits/byte"
		}
		if l.MemorizedBits != nil {
			line += ", " + fixed(*l.MemorizedBits, 1) + " memorized bits"
		}
		p.wrapped("  ", line)
	}
	for i := range d.canary {
		c := &d.canary[i]
		if c.ControlRank != nil {
			p.wrapped("  ", "rank "+thousands(*c.ControlRank)+" of "+thousands(c.Controls+1)+" among its controls under "+plain(c.Model))
		}
	}
}

func nameOf(model *string) string {
	if model == nil {
		return ""
	}
	return " " + plain(*model)
}

// passages shows the prompt, and the text around the span.
func (d *dossier) passages(p *page, best *schemas.Span) {
	if d.probe.Kind == fold.Generation {
		p.heading("What it was written after")
		switch {
		case d.prompt == nil:
			p.wrapped("  ", "not known: "+d.noWhy)
		case d.prompt.total == 0:
			p.line("  nothing: the prompt is declared empty")
		default:
			p.wrapped("  ", plain(d.prompt.text))
		}
		if a := d.attempt; a != nil && a.Tokens != nil && a.SameTokens != nil {
			p.wrapped("  ", "("+thousands(a.PromptTokens)+" tokens of "+quoted(a.WorkID, 60)+
				", "+plain(a.Sampling)+"; "+thousands(*a.SameTokens)+" of the "+
				thousands(a.Asked)+" tokens asked for are the work's own)")
		}
	}
	if d.text == nil {
		return
	}
	p.heading("Text")
	var marks []mark
	if best != nil {
		marks = []mark{{interval{best.ByteStart, best.ByteEnd}, "best"}}
	}
	d.text.write(p, marks)
}

// write shows an excerpt, what is marked between ⟦ and ⟧.
func (e *excerpt) write(p *page, marks []mark) {
	text := ""
	if n := e.before(); n > 0 {
		text = "(" + count(n, "byte") + ") … "
	}
	for _, piece := range e.pieces(marks) {
		if piece.Class != "" {
			piece.Text = "⟦" + piece.Text + "⟧"
		}
		text += piece.Text
	}
	if n := e.after(); n > 0 {
		text += " … (" + count(n, "byte") + ")"
	}
	for line := range strings.SplitSeq(text, "\n") {
		p.wrapped("  ", line)
	}
}

func (d *dossier) source(p *page, s *schemas.Span, unit string, quotes map[place]quotation) {
	p.heading("Run " + thousands(s.SpanIndex) + ": " + count(s.Words, unit) + " (" + thousands(s.WordStart) + "-" + thousands(s.WordEnd) + ")")
	p.wrapped("  ", "in "+count(s.Documents, "document")+", "+count(s.Occurrences, "occurrence")+", rarity "+
		fixed(s.RarityBits, 1)+" bits, at most "+
		count(s.MaxWordMatches, "match")+" over a "+unit)
	for i := range d.sources {
		r := &d.sources[i]
		license := "no licence declared"
		if r.License != nil {
			license = "licence " + quoted(*r.License, 40)
		}
		line := quoted(r.DocumentID, 60) + " (" + license + "), " + where(r.DocumentURI, r.DocumentRow, r.ByteStart, r.ByteEnd)
		if r.URL != nil {
			line += ", " + quoted(*r.URL, 200)
		}
		p.wrapped("  ", line)
		if i > 0 {
			continue
		}
		q := quotes[sourcePlace(r)]
		if q.why != "" {
			p.wrapped("    ", "its words are not shown: "+q.why)
			continue
		}
		q.excerpt.write(&page{w: p.w, width: p.width}, []mark{{interval{r.ByteStart, r.ByteEnd}, "best"}})
		if s.Text != nil && q.passage != nil {
			switch equal, known := agree(unit+"s", []byte(*s.Text), q.passage); {
			case !equal:
				p.wrapped("    ", "COMPARED AGAIN: the passages differ; the object is not what the run read, or the tables were altered")
			case known:
				p.line("    compared again: the same %ss in the same order", unit)
			}
		}
		if c := d.beside(s, r, &q); c != nil {
			c.write(p)
		}
	}
	if n := s.Documents - int64(len(d.sources)); n > 0 {
		p.line("  and %s more, which the run does not list", thousands(n))
	}
}

// lists shows the other rows of the probe.
func (d *dossier) lists(p *page, unit string) {
	if len(d.spans) > 1 {
		p.heading("All its runs: " + thousands(int64(len(d.spans))))
		for _, s := range d.spans[:min(len(d.spans), maxExplained)] {
			p.line("  %s: %s (%s-%s), in %s", thousands(s.SpanIndex), count(s.Words, unit), thousands(s.WordStart), thousands(s.WordEnd),
				count(s.Documents, "document"))
		}
		d.more(p, len(d.spans))
	}
	if len(d.matches) > 0 {
		p.heading("Documents that match it")
		for i := range d.matches[:min(len(d.matches), maxExplained)] {
			m := &d.matches[i]
			line := strings.ReplaceAll(plain(m.Relation), "_", " ") + ": " + quoted(m.DocumentID, 60) + ", row " + thousands(m.DocumentRow)
			if m.ProbeCoverage != nil {
				line += ", holds " + percent(*m.ProbeCoverage) + " of it"
			}
			if m.LongestWords != nil {
				line += ", longest " + count(*m.LongestWords, unit)
			}
			if m.NearVerbatimRecall != nil {
				line += ", near-verbatim recall " + percent(*m.NearVerbatimRecall)
			}
			p.wrapped("  ", line)
		}
		d.more(p, len(d.matches))
	}
	if len(d.windows) == 0 {
		return
	}
	p.heading("Passages that the model was asked for, the likeliest first")
	logP := func(w *schemas.Window) float64 {
		if w.LogP == nil {
			return math.Inf(-1)
		}
		return *w.LogP
	}
	slices.SortStableFunc(d.windows, func(a, b schemas.Window) int {
		if x, y := logP(&a), logP(&b); x != y {
			if x > y {
				return -1
			}
			return 1
		}
		return 0
	})
	for i := range d.windows[:min(len(d.windows), maxExplained)] {
		w := &d.windows[i]
		line := plain(w.Model) + " " + thousands(w.WindowIndex) + ":"
		if w.LogP != nil {
			line += " P " + tiny(math.Exp(*w.LogP))
		}
		if w.Greedy != nil && *w.Greedy {
			line += ", its own first choices"
		}
		if w.SuffixByteStart != nil && w.ByteEnd != nil {
			line += ", bytes " + thousands(*w.SuffixByteStart) + " to " + thousands(*w.ByteEnd)
		}
		if w.DrawsForP50 != nil {
			line += ", " + count(*w.DrawsForP50, "draw") + " to see it with probability .5"
		}
		p.wrapped("  ", line)
	}
	d.more(p, len(d.windows))
}

func (d *dossier) more(p *page, n int) {
	if n > maxExplained {
		p.line("  and %s more", thousands(int64(n-maxExplained)))
	}
}
