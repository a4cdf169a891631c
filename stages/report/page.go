package report

import (
	"bufio"
	"fmt"
	"slices"
	"strings"
)

// page is where the summary is written. Errors of the writer come out when it is flushed.
type page struct {
	w      *bufio.Writer
	width  int
	colour bool
	begun  bool
}

func (p *page) line(format string, args ...any) {
	fmt.Fprintf(p.w, format, args...)
	p.w.WriteByte('\n') //nolint:errcheck // comes out at Flush
}

// heading begins a part.
func (p *page) heading(text string) {
	if p.begun {
		p.line("")
	}
	p.begun = true
	p.line("%s", p.bold(text))
}

func (p *page) bold(text string) string {
	if !p.colour {
		return text
	}
	return "\x1b[1m" + text + "\x1b[0m"
}

// wrapped writes text in lines that fit, each after the indent.
func (p *page) wrapped(indent, text string) {
	room := max(p.width-cells(indent), 20)
	line, used := "", 0
	for _, word := range strings.Fields(text) {
		for _, piece := range pieces(word, room) {
			n := cells(piece)
			if used > 0 && used+1+n > room {
				p.line("%s", indent+line)
				line, used = "", 0
			}
			if used > 0 {
				line, used = line+" ", used+1
			}
			line, used = line+piece, used+n
		}
	}
	if used > 0 {
		p.line("%s", indent+line)
	}
}

// pieces cuts a word that no line can hold.
func pieces(word string, room int) []string {
	if cells(word) <= room {
		return []string{word}
	}
	var out []string
	start, used := 0, 0
	for i, r := range word {
		if n := cell(r); used+n > room {
			out, start, used = append(out, word[start:i]), i, 0
		}
		used += cell(r)
	}
	return append(out, word[start:])
}

// column is a column of a table in text.
type column struct {
	over  string // heading over this column and its neighbours of the same
	name  string
	left  bool // aligned to the left
	spare int  // dropped when the table is too wide, the greatest first; 0: never
}

// gap returns the space before column i: two, or one between neighbours under one heading.
func gap(columns []column, i int) int {
	if i > 0 && columns[i].over != "" && columns[i].over == columns[i-1].over {
		return 1
	}
	return 2
}

// without returns the table without column i.
func without(columns []column, rows [][]string, i int) ([]column, [][]string) {
	less := make([][]string, len(rows))
	for r := range rows {
		less[r] = slices.Delete(slices.Clone(rows[r]), i, i+1)
	}
	return slices.Delete(slices.Clone(columns), i, i+1), less
}

// table writes rows under columns, as many columns as the width holds, and none that is undefined throughout. It returns the names
// of those that are shown, and of those that the width left out.
func (p *page) table(columns []column, rows [][]string) (shown, dropped []string) {
	for i := len(columns) - 1; i >= 0; i-- {
		if columns[i].spare > 0 && !slices.ContainsFunc(rows, func(r []string) bool { return r[i] != none }) {
			columns, rows = without(columns, rows, i)
		}
	}
	widths := make([]int, len(columns))
	for i, c := range columns {
		widths[i] = cells(c.name)
		for _, r := range rows {
			widths[i] = max(widths[i], cells(r[i]))
		}
	}
	total := func() int {
		n := 0
		for i, w := range widths {
			n += gap(columns, i) + w
		}
		return n
	}
	for total() > p.width {
		worst := 0
		for i, c := range columns {
			if c.spare > columns[worst].spare {
				worst = i
			}
		}
		if columns[worst].spare == 0 {
			break
		}
		dropped = append(dropped, columns[worst].name)
		widths = slices.Delete(widths, worst, worst+1)
		columns, rows = without(columns, rows, worst)
	}
	p.overhead(columns, widths)
	for _, c := range columns {
		shown = append(shown, c.name)
	}
	for _, r := range append([][]string{shown}, rows...) {
		var b strings.Builder
		for i, c := range columns {
			pad := strings.Repeat(" ", widths[i]-cells(r[i]))
			b.WriteString(strings.Repeat(" ", gap(columns, i)))
			if c.left {
				b.WriteString(r[i] + pad)
			} else {
				b.WriteString(pad + r[i])
			}
		}
		p.line("%s", strings.TrimRight(b.String(), " "))
	}
	return shown, dropped
}

// overhead writes the line of headings over several columns, if there are any. A column under a longer heading is widened.
func (p *page) overhead(columns []column, widths []int) {
	var b strings.Builder
	named := false
	for i := 0; i < len(columns); {
		over, span := columns[i].over, widths[i]
		i++
		for ; i < len(columns) && columns[i].over == over && over != ""; i++ {
			span += 1 + widths[i]
		}
		if more := len(over) - span; more > 0 {
			widths[i-1] += more
			span += more
		}
		if named = named || over != ""; over != "" {
			if len(over)+2 <= span {
				over += " " + strings.Repeat("-", span-len(over)-1)
			}
		}
		b.WriteString("  " + over + strings.Repeat(" ", span-len(over)))
	}
	if named {
		p.line("%s", strings.TrimRight(b.String(), " "))
	}
}
