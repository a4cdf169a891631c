package report

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"
)

// interval is a range of bytes of a text, half-open.
type interval struct{ from, to int64 }

// excerpt is a part of a text, cut at whole characters, and where it lies.
type excerpt struct {
	text  string
	from  int64 // its first byte in the whole text
	total int64 // bytes of the whole text
}

// The most that is shown of a text: of the passage itself, and of what stands around it.
const (
	maxPassage = 4000 // bytes
	around     = 400  // bytes on either side
)

// cut takes the interval out of a text with what stands around it. Of a passage too long to be shown its beginning is taken.
func cut(text string, at interval) excerpt { return cutWith(text, at, around) }

// cutWith is cut with so many bytes on either side.
func cutWith(text string, at interval, around int64) excerpt {
	total := int64(len(text))
	from := min(max(at.from, 0), total)
	to := min(max(at.to, from), from+maxPassage, total)
	from, to = max(from-around, 0), min(to+around, total)
	for from < to && from > 0 && !utf8.RuneStart(text[from]) {
		from++
	}
	for to > from && to < total && !utf8.RuneStart(text[to]) {
		to--
	}
	return excerpt{strings.Clone(text[from:to]), from, total}
}

// before and after are the bytes that the excerpt leaves out.
func (e *excerpt) before() int64 { return e.from }
func (e *excerpt) after() int64  { return e.total - e.from - int64(len(e.text)) }

// mark is a range of a text that is set off, in bytes of the whole text. Where marks overlap, a piece has the classes of all.
type mark struct {
	interval
	class string
}

// piece is a part of an excerpt under the same marks.
type piece struct {
	Text  string // safe to be shown
	Class string // of the marks, separated by spaces; empty outside them
}

// pieces cuts the excerpt where marks begin and end.
func (e *excerpt) pieces(marks []mark) []piece {
	end := e.from + int64(len(e.text))
	bounds := []int64{e.from, end}
	for _, m := range marks {
		bounds = append(bounds, min(max(m.from, e.from), end), min(max(m.to, e.from), end))
	}
	slices.Sort(bounds)
	bounds = slices.Compact(bounds)
	// Marks in order of their beginnings; those that have ended are dropped, so that many marks of a long text take no longer than
	// there are pieces and marks over each.
	marks = slices.Clone(marks)
	slices.SortStableFunc(marks, func(a, b mark) int { return cmp.Compare(a.from, b.from) })
	var out []piece
	var open []mark
	for i := 0; i+1 < len(bounds); i++ {
		from, to := bounds[i], bounds[i+1]
		for len(marks) > 0 && marks[0].from <= from {
			open, marks = append(open, marks[0]), marks[1:]
		}
		open = slices.DeleteFunc(open, func(m mark) bool { return m.to <= from })
		var classes []string
		for _, m := range open {
			if !slices.Contains(classes, m.class) {
				classes = append(classes, m.class)
			}
		}
		slices.Sort(classes)
		class, text := strings.Join(classes, " "), shown(e.text[from-e.from:to-e.from])
		if n := len(out); n > 0 && out[n-1].Class == class {
			out[n-1].Text += text
			continue
		}
		out = append(out, piece{text, class})
	}
	return out
}

// shown makes text of strangers safe to be read on a page: like plain, but lines stay lines.
func shown(s string) string {
	s = strings.ReplaceAll(s, "\r\n", "\n")
	lines := strings.Split(s, "\n")
	for i := range lines {
		lines[i] = plain(lines[i])
	}
	return strings.Join(lines, "\n")
}
