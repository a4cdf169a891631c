package report

import (
	"slices"
	"strings"

	"palimpsest/stages/fold"
)

// diffView is a text beside its source, word by word, as the page shows it.
type diffView struct {
	Summary      string
	Text, Source string // what stands in the two columns
	Rows         []diffRow
}

// diffRow is a part of both that stands side by side.
type diffRow struct{ Text, Source []diffSpan }

// diffSpan is a piece of one of them.
type diffSpan struct {
	Kind string  // same, ins: the text's alone, del: the source's alone, gap: only the other has words here
	Swap bool    // the other has words in the same place
	Same []piece // marked like copied words
	Text string  // of the others
}

// rowEnd is the number of columns of text after which a row ends.
const rowEnd = 160

// view sets the pieces in rows. Equal words that are too many to be shown end a row with their beginning and open one with their end.
func (d *diff) view(text, source string) *diffView {
	v := &diffView{Summary: d.summary(), Text: text, Source: source}
	var row diffRow
	used := 0
	next := func() {
		if used > 0 {
			v.Rows = append(v.Rows, row)
		}
		row, used = diffRow{}, 0
	}
	same := func(c *change, here, away string) {
		class := "copied"
		if c.best {
			class = "copied best"
		}
		row.Text = append(row.Text, diffSpan{Kind: "same", Same: []piece{{here, class}}})
		row.Source = append(row.Source, diffSpan{Kind: "same", Same: []piece{{away, class}}})
		used += max(cells(here), cells(away))
	}
	for i := range d.pieces {
		c := &d.pieces[i]
		if !c.equal {
			swap := c.hereWords > 0 && c.awayWords > 0
			here, away := changed("ins", c.here, c.hereWords, swap), changed("del", c.away, c.awayWords, swap)
			row.Text, row.Source = append(row.Text, here), append(row.Source, away)
			used += max(cells(here.Text), cells(away.Text))
			continue
		}
		if !c.long() {
			if same(c, quoted(c.here, maxWhole), quoted(c.away, maxWhole)); used > rowEnd {
				next()
			}
			continue
		}
		if i > 0 {
			same(c, quoted(c.here, equalEnd), quoted(c.away, equalEnd))
		}
		if next(); i+1 < len(d.pieces) {
			same(c, "… "+lastOf(c.here), "… "+lastOf(c.away))
		}
	}
	next()
	if d.less || d.more {
		v.Summary += "; the part around the run is shown"
	}
	return v
}

// changed is what one of the two has between equal words.
func changed(kind, text string, words int64, swap bool) diffSpan {
	if words == 0 {
		return diffSpan{Kind: "gap", Text: quoted(text, maxChange)}
	}
	return diffSpan{Kind: kind, Swap: swap, Text: quoted(text, maxChange)}
}

// recalled says how much of the work, or of the document that is shown beside an output, stands in passages that are nearly the same.
func (d *dossier) recalled(x *exhibitView, kind string) string {
	i := slices.IndexFunc(x.Sources, func(s sourceView) bool { return s.Shown })
	if i < 0 || i >= len(d.sources) {
		return ""
	}
	r := &d.sources[i]
	for k := range d.matches {
		m := &d.matches[k]
		if m.DocumentURI != r.DocumentURI || m.DocumentRow != r.DocumentRow || m.NearVerbatimRecall == nil || *m.NearVerbatimRecall == 0 {
			continue
		}
		of := "it"
		if kind == fold.Generation {
			of = "document " + x.Sources[i].Document
		}
		return strings.Join([]string{percent(*m.NearVerbatimRecall), "of", of, "in passages of 100 equal words or more"}, " ")
	}
	return ""
}
