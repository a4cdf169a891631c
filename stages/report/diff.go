package report

import (
	"strings"
	"unicode/utf8"

	"palimpsest/stages/verbatim"
	"palimpsest/stages/words"
)

// What a comparison of a text and its source takes at most. A run may be a book, and what surrounds it too.
const (
	reach     = 2000 // bytes compared on either side of a run
	maxPieces = 121  // pieces shown, those nearest to the run
	maxChange = 300  // columns shown of what stands between equal words
	maxWhole  = 1000 // columns shown of equal words that are few, and may have much between them
)

// diff sets the passage around a run beside that of a source, by words whatever the unit of the run: what is the same, and what of the one
// or the other stands between. It goes on as far as the two are nearly the same (nv-recall; methods, section 2), within reach.
type diff struct {
	pieces           []change // the first and the last are equal
	less, more       bool     // whether the passage has pieces before and after these
	same, here, away int64    // words of the passage: in both, in the text alone, in the source alone
}

// change is a piece of both texts.
type change struct {
	equal      bool
	best       bool   // the run lies in it
	here, away string // of the text and of the source: as they stand there
	hereWords  int64
	awayWords  int64
}

// compare sets the run at these bytes of a text beside those of a source. It is nil when nothing around the run is nearly the same, or
// everything is.
func compare(text, source *excerpt, at, in interval) *diff {
	of := func(e *excerpt, i interval) words.Range {
		return words.Range{Start: i.from - e.from, End: i.to - e.from}
	}
	aligned := verbatim.Align([]byte(text.text), []byte(source.text), of(text, at), of(source, in))
	if len(aligned) < 3 {
		return nil
	}
	d := &diff{}
	best, most := 0, int64(0)
	for i, p := range aligned {
		switch {
		case p.Equal:
			d.same += p.Probe.Words()
			if shared := min(p.Probe.ByteEnd, at.to-text.from) - max(p.Probe.ByteStart, at.from-text.from); shared > most {
				best, most = i, shared
			}
		default:
			d.here, d.away = d.here+p.Probe.Words(), d.away+p.Document.Words()
		}
	}
	first := max(best-maxPieces/2, 0)
	end := min(best+maxPieces/2+1, len(aligned))
	d.less, d.more = first > 0, end < len(aligned)
	for i, p := range aligned[first:end] {
		c := change{equal: p.Equal, best: first+i == best, hereWords: p.Probe.Words(), awayWords: p.Document.Words()}
		c.here, c.away = text.text[p.Probe.ByteStart:p.Probe.ByteEnd], source.text[p.Document.ByteStart:p.Document.ByteEnd]
		d.pieces = append(d.pieces, c)
	}
	return d
}

// summary says how much is the same.
func (d *diff) summary() string {
	return count(d.same, "word") + " of the passage are the same in both; " + thousands(d.here) + " the text alone has, " + thousands(d.away) +
		" the document alone"
}

// The most columns of equal words that are shown whole, and of longer ones what is shown at either end.
const (
	maxEqual = 180
	equalEnd = 80
)

// long reports whether the piece has too many words to show them all.
func (c *change) long() bool { return cells(c.here) > maxEqual && cells(c.away) > maxEqual }

// lastOf is the end of a text that is longer than what is shown.
func lastOf(s string) string {
	s = strings.Join(strings.Fields(plain(s)), " ")
	used, from := 0, len(s)
	for from > 0 {
		r, size := utf8.DecodeLastRuneInString(s[:from])
		if used += cell(r); used > equalEnd {
			break
		}
		from -= size
	}
	if i := strings.IndexByte(s[from:], ' '); from > 0 && i >= 0 && i < (len(s)-from)/2 {
		from += i + 1
	}
	return s[from:]
}

// The marks around words of one text alone in a terminal, and their colours.
const (
	removed, removedEnd, red = "[-", "-]", "31"
	added, addedEnd, green   = "{+", "+}", "32"
)

// write shows the passage as it stands in the text, with the words of the document that it does not have between [- and -], and the words
// that it has and the document has not between {+ and +}.
func (d *diff) write(p *page) {
	p.wrapped("    ", "word by word, as far as both go on nearly the same: "+d.summary())
	f := flow{page: p, indent: "    "}
	f.add("", removed+"the document alone"+removedEnd)
	f.add("", added+"the text alone"+addedEnd)
	f.end()
	if d.less && !d.pieces[0].long() {
		f.add("", "…")
	}
	for i, c := range d.pieces {
		if !c.equal {
			if c.awayWords > 0 {
				f.add(red, removed+quoted(c.away, maxChange)+removedEnd)
			}
			if c.hereWords > 0 {
				f.add(green, added+quoted(c.here, maxChange)+addedEnd)
			}
			continue
		}
		if !c.long() {
			f.add("", quoted(c.here, maxWhole))
			continue
		}
		if i > 0 {
			f.add("", quoted(c.here, equalEnd))
		} else {
			f.add("", "…")
		}
		if i+1 < len(d.pieces) {
			f.add("", lastOf(c.here))
		}
	}
	if d.more && !d.pieces[len(d.pieces)-1].long() {
		f.add("", "…")
	}
	f.end()
}

// flow writes words in lines that fit, some of them in colour.
type flow struct {
	*page
	indent string
	line   strings.Builder
	used   int
}

// add appends the words of a text, in a colour if the page has any and it is not empty.
func (f *flow) add(colour, text string) {
	room := max(f.width-cells(f.indent), 20)
	for _, word := range strings.Fields(text) {
		for _, piece := range pieces(word, room) {
			n := cells(piece)
			if f.used > 0 && f.used+1+n > room {
				f.end()
			}
			if f.used > 0 {
				f.line.WriteByte(' ')
				f.used++
			}
			if f.used += n; f.colour && colour != "" {
				piece = "\x1b[" + colour + "m" + piece + "\x1b[0m"
			}
			f.line.WriteString(piece)
		}
	}
}

// end ends the line.
func (f *flow) end() {
	if f.used > 0 {
		f.page.line("%s", f.indent+f.line.String())
	}
	f.line.Reset()
	f.used = 0
}
