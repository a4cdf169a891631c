package evidence

import (
	"math"
	"strconv"
	"strings"
)

// count returns "1 document" or "1,234 documents".
func count(n int64, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return thousands(n) + " " + noun + "s"
}

// thousands writes n with commas.
func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	sign := ""
	if n < 0 {
		sign, s = "-", s[1:]
	}
	var b strings.Builder
	for i, r := range s {
		if i > 0 && (len(s)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(r)
	}
	return sign + b.String()
}

// figure writes a value with three significant digits.
func figure(v float64) string { return strconv.FormatFloat(v, 'g', 3, 64) }

// percent writes a fraction as a percentage without rounding it up to 100.
func percent(v float64) string {
	return strconv.FormatFloat(math.Floor(v*1000)/10, 'f', -1, 64) + " %"
}

// probability writes a probability; a small one also as one chance in so many.
func probability(p float64) string {
	switch {
	case p == 0:
		return "p below 1e-323"
	case p < .01 && p > 1e-15:
		return "p = " + figure(p) + ", 1 in " + thousands(int64(math.Round(1/p)))
	}
	return "p = " + figure(p)
}

// sentence joins clauses by semicolons and ends them with a stop.
func sentence(clauses ...string) string {
	s := strings.Join(clauses, "; ")
	if s == "" {
		return ""
	}
	return strings.ToUpper(s[:1]) + s[1:] + "."
}
