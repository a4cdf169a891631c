package report

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"palimpsest/schemas"
	"palimpsest/stages/evidence"
	"palimpsest/stages/fold"
)

const (
	maxExhibits = 3
	maxQuote    = 300 // columns of a quoted span, and no more than
	quoteLines  = 2   // lines
)

// exhibit is the span of a probe that shows most, with one of its sources.
type exhibit struct {
	span       schemas.Span
	kind       string
	modelGrade string
	source     *schemas.SpanSource

	distinctiveness string // empty when it is not known
}

// offer keeps the span if it is the probe's best: over words that few matches cover, then the longest. It is the span that the
// probe's distinctiveness is of.
func (e *exhibit) offer(s *schemas.Span) {
	if e.span.ProbeID == "" || s.MaxWordMatches < e.span.MaxWordMatches ||
		s.MaxWordMatches == e.span.MaxWordMatches && s.Words > e.span.Words {
		e.span = *s
	}
}

// rank orders kinds of evidence: what the model wrote itself, what it gives back when it is given the words before, and what is
// only in the corpus.
func (e *exhibit) rank() int {
	switch {
	case e.kind == fold.Generation:
		return 0
	case e.modelGrade == evidence.Extractable || e.modelGrade == evidence.Verbatim:
		return 1
	}
	return 2
}

// distinctness lists the values of distinctiveness from the one that says most of where a text came from.
var distinctness = []string{evidence.Distinctive, evidence.PublicDomain, evidence.Quotation, evidence.Common, ""}

// compareExhibits puts the exhibit that shows more first. Copies of one text make many matches and do not make it less telling, so
// that few matches only decide between runs of equal length: boilerplate is told by its distinctiveness.
func compareExhibits(a, b exhibit) int {
	return cmp.Or(cmp.Compare(slices.Index(distinctness, a.distinctiveness), slices.Index(distinctness, b.distinctiveness)),
		cmp.Compare(a.rank(), b.rank()), cmp.Compare(b.span.Words, a.span.Words),
		cmp.Compare(a.span.MaxWordMatches, b.span.MaxWordMatches), strings.Compare(a.span.ProbeID, b.span.ProbeID))
}

// exhibits are the spans that show most, the best first, no two of the same text.
type exhibits struct {
	searched bool // whether the run has spans
	most     int  // how many are kept
	best     []exhibit
}

func (x *exhibits) add(e exhibit) {
	same := slices.IndexFunc(x.best, func(o exhibit) bool { return alike(&o.span, &e.span) })
	if same >= 0 {
		if compareExhibits(x.best[same], e) <= 0 {
			return
		}
		x.best = slices.Delete(x.best, same, same+1)
	}
	if len(x.best) == x.most && compareExhibits(x.best[x.most-1], e) <= 0 {
		return
	}
	at, _ := slices.BinarySearchFunc(x.best, e, compareExhibits)
	e.span = cloneSpan(e.span)
	x.best = slices.Insert(x.best, at, e)
	x.best = x.best[:min(len(x.best), x.most)]
}

// cloneSpan takes the strings out of the batch they were read in.
func cloneSpan(s schemas.Span) schemas.Span {
	s.ProbeID = strings.Clone(s.ProbeID)
	if s.Text != nil {
		t := strings.Clone(*s.Text)
		s.Text = &t
	}
	return s
}

// alike reports whether one span's text holds the other's.
func alike(a, b *schemas.Span) bool {
	if a.Text == nil || b.Text == nil {
		return false
	}
	return strings.Contains(*a.Text, *b.Text) || strings.Contains(*b.Text, *a.Text)
}

// readSources gives every exhibit its first listed source.
func (x *exhibits) readSources(ctx context.Context, in Input) error {
	if len(x.best) == 0 {
		return nil
	}
	sources, err := open(ctx, in, schemas.SpanSources, nil)
	if err != nil {
		return err
	}
	defer sources.close()
	return sources.all(func(r *schemas.SpanSource) {
		for i := range x.best {
			e := &x.best[i]
			if e.source == nil && e.span.ProbeID == r.ProbeID && e.span.SpanIndex == r.SpanIndex {
				row := *r
				e.source = &row
			}
		}
	})
}

func (x *exhibits) write(p *page, unit string) {
	if !x.searched {
		return
	}
	p.heading("Runs that probe and corpus share word for word, the most telling first")
	if len(x.best) == 0 {
		p.line("  none: no probe shares a run of the length looked for with the corpus")
		return
	}
	shared := x.directory()
	if shared != "" {
		p.line("  documents lie in %s", plain(localPath(shared)))
	}
	for i := range x.best {
		e := &x.best[i]
		s := &e.span
		p.line("  %d. %s (%s): %s (%s-%s)%s", i+1, quoted(s.ProbeID, 40), plain(e.kind), count(s.Words, unit), thousands(s.WordStart),
			thousands(s.WordEnd), e.remark())
		text := "(texts are kept out of this run's tables)"
		if s.Text != nil {
			text = "\"" + quoted(*s.Text, min(maxQuote, quoteLines*(p.width-10))) + "\""
		}
		p.wrapped("     ", text)
		p.wrapped("     ", "in "+e.where(shared)+"; "+count(s.Documents, "document")+", "+count(s.Occurrences, "occurrence")+
			", rarity "+fixed(s.RarityBits, 1)+" bits")
	}
}

// remark says what else is known of the probe and its span.
func (e *exhibit) remark() string {
	marks := ""
	if e.distinctiveness != "" {
		name := strings.ReplaceAll(plain(e.distinctiveness), "_", " ")
		if e.distinctiveness == evidence.PublicDomain {
			name = "declared " + name
		}
		marks += ", " + name
	}
	if n := e.span.PromptWords; n != nil && *n > 0 {
		marks += ", " + thousands(*n) + " of them from its prompt"
	}
	if e.rank() == 1 || e.modelGrade == evidence.Verbatim {
		marks += ", " + e.modelGrade
	}
	return marks
}

// directory returns the directory, slash included, that the sources of all exhibits lie in; empty when they do not share one.
func (x *exhibits) directory() string {
	shared := ""
	for i := range x.best {
		if x.best[i].source == nil {
			continue
		}
		uri := x.best[i].source.DocumentURI
		dir := uri[:strings.LastIndexByte(uri, '/')+1]
		if shared != "" && dir != shared {
			return ""
		}
		shared = dir
	}
	return shared
}

// where names the source of the span, its URI without the directory that all share.
func (e *exhibit) where(shared string) string {
	r := e.source
	if r == nil {
		return "documents that are not listed"
	}
	license := "no licence declared"
	if r.License != nil {
		license = "licence " + quoted(*r.License, 40)
	}
	object := plain(localPath(strings.TrimPrefix(r.DocumentURI, shared)))
	return fmt.Sprintf("%s (%s), %s#%d bytes %d-%d", quoted(r.DocumentID, 60), license, object, r.DocumentRow, r.ByteStart, r.ByteEnd)
}
