package report

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"palimpsest/schemas"
	"palimpsest/stages/evidence"
	"palimpsest/stages/fold"
	"palimpsest/stages/likelihood"
)

// The slices of table evaluation are found by their names, which the evidence stage makes.
func TestSliceNames(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		group := rapid.OneOf(rapid.Just((*string)(nil)), rapid.Ptr(rapid.SampledFrom([]string{"", "all", "passage", "a b", "ü\""}), false)).Draw(t, "group")
		exact := rapid.Int64Range(0, 300).Draw(t, "exact")
		words := exact + rapid.Int64Range(0, 300).Draw(t, "more")
		member, other := true, false
		subject := func(label *bool) evidence.Subject {
			return evidence.Subject{
				Probe:  &fold.Probe{ID: "x", Kind: fold.Work, ControlGroup: group, Label: label},
				Corpus: evidence.Corpus{Hashed: true, Exact: exact, ExactWords: words},
				Target: &likelihood.Score{LogProb: -1},
			}
		}
		rows := evidence.Evaluate("r", "m", []evidence.Subject{subject(&member), subject(&other)}, nil)
		p := &probe{Evidence: &schemas.Evidence{ProbeID: "x", Kind: fold.Work, ControlGroup: group, ExactDocuments: &exact, ExactWordsDocuments: &words}}
		var d doses
		d.add(p)
		for k := range d {
			if !slices.ContainsFunc(rows, func(r schemas.Evaluation) bool { return r.Slice == k.slice() }) {
				t.Fatalf("no slice %q in %v", k.slice(), rows)
			}
		}
	})
}

func TestPlain(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.SliceOfN(rapid.Byte(), 0, 60).Draw(t, "bytes")
		s := string(raw) + rapid.StringOf(rapid.SampledFrom([]rune("a\x1b\n\u202e\u2066\u0301\u200b白\u009b\u2028\U000e0041"))).Draw(t, "text")
		got := plain(s)
		if !utf8.ValidString(got) || strings.ContainsAny(got, "\x1b\n\r\t\x07\x00\u202e\u2066\u200b\u009b\u2028\U000e0041") {
			t.Fatalf("%q became %q", s, got)
		}
		if q := quoted(s, 20); cells(q) > 22 {
			t.Fatalf("%q became %q, of %d columns", s, q, cells(q))
		}
	})
}

func TestNumbers(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{thousands(0), "0"}, {thousands(999), "999"}, {thousands(1000), "1,000"}, {thousands(-1234567), "-1,234,567"}, {thousands(-123), "-123"},
		{percent(0), "0%"}, {percent(.0001), "<1%"}, {percent(.5), "50%"}, {percent(.9999), ">99%"}, {percent(1), "100%"},
		{share(0, 0), "-"}, {share(0, 1000), "0% [0-0.4]"}, {share(40, 40), "100% [91-100]"}, {share(15, 40), "38% [23-54]"},
		{count(1, "canary"), "1 canary"}, {count(2, "canary"), "2 canaries"},
		{end(0), "0"}, {end(.954), ".95"}, {end(1), "1"}, {tiny(1.26e-70), "1e-70"}, {tiny(0), "0"},
		{bucket(0), "0"}, {bucket(1), "1"}, {bucket(64), "64-127"}, {bucket(unknownCopies), "-"},
	} {
		if c.got != c.want {
			t.Errorf("got %q, want %q", c.got, c.want)
		}
	}
}

// The exhibits are the best of all spans, whatever order they come in, as far as no text holds another.
func TestExhibits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var all []exhibit
		for i := range rapid.IntRange(0, 30).Draw(t, "spans") {
			text := string(rune('a' + rapid.IntRange(0, 9).Draw(t, "text")))
			all = append(all, exhibit{
				kind:            rapid.SampledFrom([]string{fold.Work, fold.Generation}).Draw(t, "kind"),
				modelGrade:      rapid.SampledFrom([]string{"none", "extractable"}).Draw(t, "grade"),
				distinctiveness: rapid.SampledFrom(distinctness).Draw(t, "distinctiveness"),
				span: schemas.Span{ProbeID: string(rune('A' + i)), Text: &text, Words: rapid.Int64Range(13, 15).Draw(t, "words"),
					MaxWordMatches: rapid.Int64Range(1, 3).Draw(t, "matches")},
			})
		}
		x := exhibits{most: maxExhibits}
		for _, e := range all {
			x.add(e)
		}
		slices.SortFunc(all, compareExhibits)
		seen := map[string]bool{}
		var want []string
		for _, e := range all {
			if !seen[*e.span.Text] && len(want) < maxExhibits {
				want = append(want, e.span.ProbeID)
			}
			seen[*e.span.Text] = true
		}
		var got []string
		for _, e := range x.best {
			got = append(got, e.span.ProbeID)
		}
		if !slices.Equal(got, want) {
			t.Fatalf("got %v, want %v", got, want)
		}
	})
}

// The pieces of an excerpt are its text, each under the marks that lie over it.
func TestPieces(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringOf(rapid.SampledFrom([]rune("ab \n白\u202e"))).Draw(t, "text")
		n := int64(len(text))
		at := rapid.Custom(func(t *rapid.T) interval {
			from := rapid.Int64Range(-3, n+3).Draw(t, "from")
			return interval{from, from + rapid.Int64Range(0, n+3).Draw(t, "length")}
		})
		var marks []mark
		for range rapid.IntRange(0, 6).Draw(t, "marks") {
			m := mark{at.Draw(t, "mark"), rapid.SampledFrom([]string{"a", "b"}).Draw(t, "class")}
			// Marks of the tables lie between characters.
			for m.from > 0 && m.from < n && !utf8.RuneStart(text[m.from]) {
				m.from--
			}
			for m.to > 0 && m.to < n && !utf8.RuneStart(text[m.to]) {
				m.to--
			}
			marks = append(marks, m)
		}
		e := cut(text, at.Draw(t, "excerpt"))
		whole := ""
		for _, p := range e.pieces(marks) {
			whole += p.Text
		}
		if whole != shown(e.text) || e.before()+int64(len(e.text))+e.after() != n {
			t.Fatalf("%q became %q", e.text, whole)
		}
		offset, classes := e.from, []string{}
		for _, r := range e.text {
			over := map[string]bool{}
			for _, m := range marks {
				if m.from <= offset && offset < m.to {
					over[m.class] = true
				}
			}
			class := ""
			for _, c := range []string{"a", "b"} {
				if over[c] {
					class = strings.TrimSpace(class + " " + c)
				}
			}
			classes, offset = append(classes, class), offset+int64(utf8.RuneLen(r))
		}
		var got []string
		for _, p := range e.pieces(marks) {
			for range []rune(p.Text) {
				got = append(got, p.Class)
			}
		}
		if !slices.Equal(got, classes) && len(e.text) > 0 {
			t.Fatalf("%q: classes %q, want %q", e.text, got, classes)
		}
	})
}

// The area under a curve is the chance that a member scores above another, ties half.
func TestCurve(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		scores := rapid.SliceOfN(rapid.Map(rapid.IntRange(0, 12), func(n int) float64 { return float64(n) }), 1, 40)
		members, others := scores.Draw(t, "members"), scores.Draw(t, "others")
		want := 0.
		for _, m := range members {
			for _, o := range others {
				want += map[int]float64{1: 1, 0: .5, -1: 0}[cmp.Compare(m, o)]
			}
		}
		want /= float64(len(members) * len(others))
		x, y := roc(members, others)
		area := 0.
		for i := 1; i < len(x); i++ {
			area += (x[i] - x[i-1]) * (y[i] + y[i-1]) / 2
		}
		if math.Abs(area-want) > 1e-12 || x[len(x)-1] != 1 || y[len(y)-1] != 1 {
			t.Fatalf("area %g, want %g: %v %v", area, want, x, y)
		}
	})
}

func TestLinks(t *testing.T) {
	for raw, want := range map[string]string{
		"https://example.org/a?b=c#d": "https://example.org/a?b=c#d", "http://example.org": "http://example.org",
		"javascript:alert(1)": "", "data:text/html,x": "", "//example.org": "", "https://": "", "https://a@example.org/": "",
		"https://example.org/\u202e": "", " https://example.org": "", "ftp://example.org/a": "",
	} {
		if got := link(raw); got != want {
			t.Errorf("%q became %q", raw, got)
		}
	}
}
