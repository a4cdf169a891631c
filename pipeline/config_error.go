package pipeline

import (
	"fmt"
	"strings"
	"unicode"
)

// ConfigError is everything that is wrong with a configuration, in the order of the file, then of the --set flags.
type ConfigError struct{ Problems []ConfigProblem }

// Error gives every problem a line.
func (e *ConfigError) Error() string {
	lines := make([]string, len(e.Problems))
	for i, p := range e.Problems {
		lines[i] = p.String()
	}
	return strings.Join(lines, "\n")
}

// ConfigProblem is one thing that is wrong, with its remedy.
type ConfigProblem struct {
	File    string // as the user named it; empty for a --set
	Line    int    // from 1
	Set     string // the key of the --set, or empty
	Key     string // dotted path, for instance probes.0.kind; empty for the file as a whole
	Problem string
}

// String writes the problem as "FILE:LINE: KEY: problem; remedy", or "--set KEY: problem; remedy".
func (p ConfigProblem) String() string {
	var b strings.Builder
	if p.Set != "" {
		fmt.Fprintf(&b, "--set %s: ", p.Set)
		if p.Key != p.Set && p.Key != "" {
			fmt.Fprintf(&b, "%s: ", p.Key)
		}
	} else {
		fmt.Fprintf(&b, "%s:%d: ", p.File, p.Line)
		if p.Key != "" {
			fmt.Fprintf(&b, "%s: ", p.Key)
		}
	}
	return oneLine(b.String() + p.Problem)
}

// oneLine escapes what would break a line or play tricks on a terminal.
func oneLine(s string) string {
	if !strings.ContainsFunc(s, unicode.IsControl) {
		return s
	}
	var b strings.Builder
	for _, r := range s {
		if unicode.IsControl(r) {
			fmt.Fprintf(&b, "\\x%02x", r)
		} else {
			b.WriteRune(r)
		}
	}
	return b.String()
}

// nearest returns " did you mean X?" for the candidate that a slip of the fingers could turn into word, else a list of all.
func nearest(word string, candidates []string) string {
	best, least := "", 1+max(1, len(word)/3)
	for _, c := range candidates {
		if d := edits(strings.ToLower(word), c); d < least {
			best, least = c, d
		}
	}
	if best != "" {
		return fmt.Sprintf("did you mean %s?", best)
	}
	return "known: " + strings.Join(candidates, ", ")
}

// edits is the number of bytes to insert, delete, replace or swap with a neighbour that turns a into b (optimal string
// alignment). Words longer than any key are far from all.
func edits(a, b string) int {
	if len(a) > 64 {
		return len(a)
	}
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range len(b) + 1 {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			rows[i][j] = min(rows[i-1][j]+1, rows[i][j-1]+1, rows[i-1][j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
