package report

import (
	"strconv"
	"strings"
)

// sheet is a table of the page. Every figure carries its exact value, and the query that gives the same rows from the run's tables.
type sheet struct {
	ID      string
	Caption string
	Columns []sheetColumn
	Rows    [][]figure
	Note    string
	Query   string // in DuckDB's SQL, over views named like the tables; its columns are those with a key
	Folded  bool   // whether it is shown only when asked for
	More    int    // rows that are not shown, beyond maxSheet
}

// maxSheet is how many rows of a sheet are shown. The query gives all of them.
const maxSheet = 400

type sheetColumn struct {
	Name string
	Key  string // column of the query; empty where none gives it
	Left bool   // words, not figures
}

// figure is what stands in a sheet. Value is the exact figure, or the name as it is in the tables; null is "null".
type figure struct{ Text, Value string }

const nullValue = "null"

func whole64(n int64) figure { return figure{thousands(n), strconv.FormatInt(n, 10)} }

func called(s string) figure { return figure{quoted(s, maxName), brief(s)} }

// brief makes text of strangers safe for a page where a few words are expected, and no book.
func brief(s string) string {
	if len(s) <= maxBrief {
		return plain(s)
	}
	return quoted(s, maxBrief)
}

// maxBrief is how many characters of reasons and names a page shows.
const maxBrief = 1000

// maxName is how many characters of a name a sheet shows.
const maxName = 48

// beside is a figure that follows from others.
func beside(text string) figure {
	if text == none {
		text = "–"
	}
	return figure{Text: text}
}

func exact(v float64, text string) figure { return figure{text, strconv.FormatFloat(v, 'g', -1, 64)} }

// maybe shows a value that may be undefined.
func maybe(v *float64, show func(float64) string) figure {
	if v == nil {
		return figure{"–", nullValue}
	}
	return exact(*v, show(*v))
}

// middle shows the median of some values.
func middle(values []float64, show func(float64) string) figure {
	m, ok := median(values)
	if !ok {
		return figure{"–", nullValue}
	}
	return exact(m, show(m))
}

func decimals(n int) func(float64) string { return func(v float64) string { return fixed(v, n) } }

// fit leaves out the columns that are undefined throughout, and the rows beyond what is shown.
func (s *sheet) fit() *sheet {
	if n := len(s.Rows); n > maxSheet {
		s.More, s.Rows = n-maxSheet, s.Rows[:maxSheet]
	}
	for i := len(s.Columns) - 1; i >= 0; i-- {
		empty := len(s.Rows) > 0
		for _, r := range s.Rows {
			empty = empty && r[i].Text == "–"
		}
		if !empty {
			continue
		}
		s.Columns = append(s.Columns[:i:i], s.Columns[i+1:]...)
		for j, r := range s.Rows {
			s.Rows[j] = append(r[:i:i], r[i+1:]...)
		}
	}
	return s
}

// literal quotes a string for SQL as it is in the tables. Characters that a page does not show as they are stand as their numbers.
func literal(s string) string {
	var parts []string
	quote := func(run string) {
		if run != "" || len(parts) == 0 && run == s {
			parts = append(parts, "'"+strings.ReplaceAll(run, "'", "''")+"'")
		}
	}
	begun := 0
	for i, r := range s {
		if one := string(r); plain(one) != one {
			quote(s[begun:i])
			parts, begun = append(parts, "chr("+strconv.Itoa(int(r))+")"), i+len(one)
		}
	}
	quote(s[begun:])
	if len(parts) == 1 {
		return parts[0]
	}
	return "(" + strings.Join(parts, " || ") + ")"
}

// isModel is the condition that a row is of the model; of none where the name is empty.
func isModel(column, model string) string {
	if model == "" {
		return column + " IS NULL"
	}
	return column + " = " + literal(model)
}
