package report

import (
	"math"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/width"

	"palimpsest/stages/evidence"
)

// none is how what is undefined is shown.
const none = "-"

// plain makes text of strangers safe for a terminal, on one line: white space becomes a space, control characters their pictures,
// and what is invisible or turns the direction of writing U+FFFD, like bytes that are not UTF-8.
func plain(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\t' || r == '\n' || r == '\r' || r == '\u0085' || r == '\u2028' || r == '\u2029':
			return ' '
		case r < ' ':
			return 0x2400 + r
		case r == 0x7f:
			return 0x2421
		case r == '\u00ad' || r == '\u200c' || r == '\u200d': // hyphenation and joining, which scripts need
			return r
		case unicode.Is(unicode.Cc, r) || unicode.Is(unicode.Cf, r):
			return utf8.RuneError
		}
		return r
	}, s)
}

// quoted makes a passage safe and single-spaced, and cuts it after so many columns.
func quoted(s string, columns int) string {
	s = strings.Join(strings.Fields(plain(s)), " ")
	if cells(s) <= columns {
		return s
	}
	used := 0
	for i, r := range s {
		if used += cell(r); used > columns {
			s = s[:i]
			break
		}
	}
	if at := strings.LastIndexByte(s, ' '); at > len(s)/2 {
		s = s[:at]
	}
	return s + " …"
}

// cells is the number of terminal columns that text takes.
func cells(s string) int {
	n := 0
	for _, r := range s {
		n += cell(r)
	}
	return n
}

func cell(r rune) int {
	if r < 0x300 {
		return 1
	}
	if unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf) {
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// count returns "1 document" or "1,234 documents".
func count(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	if strings.HasSuffix(noun, "ch") {
		return thousands(n) + " " + noun + "es"
	}
	if stem, ok := strings.CutSuffix(noun, "ary"); ok {
		return thousands(n) + " " + stem + "aries"
	}
	return thousands(n) + " " + noun + "s"
}

// thousands writes n with commas.
func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0 && s[i-1] != '-'; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// percent writes a fraction in whole percent, without rounding to none or all.
func percent(v float64) string {
	n := strconv.FormatFloat(math.Round(v*100), 'f', -1, 64)
	switch {
	case v > 0 && n == "0":
		return "<1%"
	case v < 1 && n == "100":
		return ">99%"
	}
	return n + "%"
}

// share writes k of n as a percentage with its exact 95 % interval.
func share(k, n int64) string {
	if n == 0 {
		return none
	}
	low, high := evidence.ClopperPearson(k, n)
	return percent(float64(k)/float64(n)) + " [" + whole(low) + "-" + whole(high) + "]"
}

// whole writes the end of an interval in percent: whole ones, with a decimal where they would be none or all.
func whole(v float64) string {
	if v > 0 && v < .01 || v > .99 && v < 1 {
		return fixed(v*100, 1)
	}
	return fixed(math.Round(v*100), 0)
}

// fixed writes a number with so many decimals.
func fixed(v float64, decimals int) string { return strconv.FormatFloat(v, 'f', decimals, 64) }

// tiny writes a probability, which may be very small, with one digit: its size is what counts.
func tiny(p float64) string { return strconv.FormatFloat(p, 'g', 1, 64) }

// end writes the end of an interval within [0, 1] in two decimals, without the zero that leads.
func end(v float64) string {
	s := fixed(v, 2)
	switch s {
	case "0.00":
		return "0"
	case "1.00":
		return "1"
	}
	return s[1:]
}
