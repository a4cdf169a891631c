package report

import (
	"bufio"
	"bytes"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// written shows a comparison as a terminal does.
func written(d *diff, width int, colour bool) string {
	var b bytes.Buffer
	w := bufio.NewWriter(&b)
	d.write(&page{w: w, width: width, colour: colour})
	w.Flush()
	return b.String()
}

// spanOf is a text that is shown whole, and where a part of it stands.
func spanOf(text, part string) (*excerpt, interval) {
	from := int64(strings.Index(text, part))
	return &excerpt{text, 0, int64(len(text))}, interval{from, from + int64(len(part))}
}

const poem = "I met a traveller from an antique land, who said: two vast and trunkless legs of stone stand in the desert"

func TestCompare(t *testing.T) {
	long := strings.Repeat("round the decay of that colossal wreck boundless and bare ", 6) + "end"
	for _, c := range []struct {
		name, text, source, run, want string
	}{
		{"replaced, added, left out", "Yes! " + poem + ". Near them", strings.NewReplacer("vast", "huge", "from an", "from", "in the", "in all the").Replace(poem) +
			". Far away", "trunkless legs of stone stand in",
			"word by word, as far as both go on nearly the same: 19 words of the passage are the same in both; 2 the text alone has, 2 the document alone\n" +
				"[-the document alone-] {+the text alone+}\n" +
				"I met a traveller from {+an+} antique land, who said: two [-huge-] {+vast+} and trunkless legs of stone stand in [-all-] the desert\n"},
		{"much that is the same", "One two three four five six: " + long + " " + long, "One two three four 5 six! " + long + " " + long + " more", "boundless",
			"word by word, as far as both go on nearly the same: 127 words of the passage are the same in both; 1 the text alone has, 1 the document alone\n" +
				"[-the document alone-] {+the text alone+}\n" +
				"One two three four [-5-] {+five+} six: round the decay of that colossal wreck boundless and bare round the decay …\n"},
		{"nothing but the run", "a " + poem, "b " + poem, "two vast", ""},
		{"all the same", poem, strings.ToUpper(poem), "two vast", ""},
	} {
		text, at := spanOf(c.text, c.run)
		source, in := spanOf(c.source, c.run)
		if in.from < 0 {
			_, in = spanOf(strings.ToLower(c.source), c.run)
		}
		got := ""
		if d := compare(text, source, at, in); d != nil {
			got = strings.ReplaceAll(written(d, 400, false), "\n    ", "\n")[4:]
		}
		if got != c.want {
			t.Errorf("%s:\n%s\nwant\n%s", c.name, got, c.want)
		}
	}
}

// Whatever stands in two texts, what is shown of them is bounded, fits its lines, has no control characters but its own colours, and says
// the same with and without these.
func TestComparisons(t *testing.T) {
	escapes := regexp.MustCompile("\x1b\\[3[12]m|\x1b\\[0m")
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.SampledFrom([]string{"the", "Ünder", "中文", "it's", "a", "\x1b[31m", "<ins>", "{+", "-]", "\n", "\xff", "…", "b", strings.Repeat("x", 90)})
		base := rapid.SliceOfN(word, 0, 600).Draw(t, "base")
		text := func(name string) string {
			all := append([]string(nil), base...)
			for range rapid.IntRange(0, 300).Draw(t, name+" changes") {
				if i := rapid.IntRange(0, len(all)).Draw(t, "at"); i < len(all) {
					all[i] = word.Draw(t, "by")
				}
			}
			return strings.Join(all, " ")
		}
		texts := [2]string{text("text"), text("source")}
		var cuts [2]excerpt
		var at [2]interval
		for i, s := range texts {
			at[i].from = rapid.Int64Range(0, int64(len(s))).Draw(t, "from")
			at[i].to = rapid.Int64Range(at[i].from, int64(len(s))).Draw(t, "to")
			cuts[i] = cutWith(s, at[i], reach)
		}
		d := compare(&cuts[0], &cuts[1], at[0], at[1])
		if d == nil {
			return
		}
		width := rapid.IntRange(40, 200).Draw(t, "width")
		plainly, coloured := written(d, width, false), written(d, width, true)
		if escapes.ReplaceAllString(coloured, "") != plainly {
			t.Fatalf("in colour:\n%q\nwithout:\n%q", coloured, plainly)
		}
		if !utf8.ValidString(plainly) || strings.ContainsFunc(plainly, func(r rune) bool { return r < ' ' && r != '\n' }) {
			t.Fatalf("%q", plainly)
		}
		for line := range strings.SplitSeq(plainly, "\n") {
			if cells(line) > width {
				t.Fatalf("%d columns of %d: %q", cells(line), width, line)
			}
		}
		v := d.view("text", "source")
		if len(plainly) > 200_000 || len(v.Rows) > maxPieces {
			t.Fatalf("%d bytes, %d rows", len(plainly), len(v.Rows))
		}
		for _, row := range v.Rows {
			if len(row.Text) != len(row.Source) || len(row.Text) == 0 {
				t.Fatalf("a row of %d and %d pieces", len(row.Text), len(row.Source))
			}
		}
	})
}
