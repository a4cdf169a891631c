package report

import (
	"strings"

	"palimpsest/stages/evidence"
)

// generations is what the model's own outputs repeat of the corpus.
type generations struct {
	count, searched, repeating, assessed, verbatim int64
	longest                                        int64
	longestID                                      string
	outside                                        int64 // longest run outside the prompt
	outsideID                                      string
}

func (g *generations) add(p *probe) {
	g.count++
	if p.ModelGrade != evidence.NotAssessed {
		g.assessed++
	}
	if p.ModelGrade == evidence.Verbatim {
		g.verbatim++
	}
	if p.Spans == nil {
		return
	}
	if !p.tooShort {
		g.searched++
	}
	if *p.Spans > 0 {
		g.repeating++
	}
	if n := p.LongestSpanWords; n != nil && *n > g.longest {
		g.longest, g.longestID = *n, strings.Clone(p.ProbeID)
	}
	if n := p.LongestOutsidePrompt; n != nil && *n > g.outside {
		g.outside, g.outsideID = *n, strings.Clone(p.ProbeID)
	}
}

// verbatimTakes is the run of each unit from which a generation is verbatim (methods, section 7).
var verbatimTakes = map[string]string{"word": "50 words and 250 bytes", "byte": "250 bytes", "token": "50 tokens"}

func (g *generations) write(p *page, unit string) {
	if g.count == 0 {
		return
	}
	p.heading("What the model wrote itself")
	p.line("  generations                        %s", thousands(g.count))
	if g.searched == 0 {
		p.line("  the corpus was not searched for runs of them")
		return
	}
	p.line("  with a run that the corpus holds   %s  (%s of those searched)", thousands(g.repeating), share(g.repeating, g.searched))
	p.line("  graded verbatim                    %s  (%s of those assessed; it takes %s)", thousands(g.verbatim),
		share(g.verbatim, g.assessed), verbatimTakes[unit])
	if g.longest == 0 {
		p.line("  none repeats the corpus word for word")
		return
	}
	p.line("  longest run                        %s, in %s", count(g.longest, unit), quoted(g.longestID, 40))
	if g.outside > 0 {
		p.line("  longest run outside the prompt     %s, in %s", count(g.outside, unit), quoted(g.outsideID, 40))
	}
}
