package verbatim_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"palimpsest/stages/verbatim"
	"palimpsest/stages/words"
)

// spelt returns words w<first> to before w<end> as a text has them.
func spelt(first, end int) string {
	var all []string
	for i := first; i < end; i++ {
		all = append(all, fmt.Sprint("w", i))
	}
	return strings.Join(all, " ")
}

// TestAlign shows two texts side by side, with what is different: [the probe's|the document's].
func TestAlign(t *testing.T) {
	for _, c := range []struct{ probe, document, want string }{
		{spelt(0, 100) + ".", "Before. " + strings.ToUpper(spelt(0, 100)), spelt(0, 100)},
		{
			spelt(0, 60) + ", then " + spelt(60, 120), "“" + spelt(0, 60) + " " + spelt(60, 120) + "”",
			spelt(0, 60) + "[, then | ]" + spelt(60, 120),
		},
		{
			spelt(0, 60) + " naïve " + spelt(60, 120), spelt(0, 60) + ": new, newer " + spelt(60, 120),
			spelt(0, 60) + "[ naïve |: new, newer ]" + spelt(60, 120),
		},
		{
			spelt(0, 100) + " between " + spelt(200, 310), spelt(0, 100) + " " + spelt(500, 550) + " " + spelt(200, 310),
			spelt(0, 100) + "\n" + spelt(200, 310),
		},
		{spelt(0, 99), spelt(0, 99), ""},
		{"", "", ""},
	} {
		var got []string
		for _, aligned := range verbatim.Align([]byte(c.probe), []byte(c.document)) {
			var line strings.Builder
			for _, p := range aligned {
				probe, document := c.probe[p.Probe.ByteStart:p.Probe.ByteEnd], c.document[p.Document.ByteStart:p.Document.ByteEnd]
				if p.Equal {
					line.WriteString(probe)
				} else {
					fmt.Fprintf(&line, "[%s|%s]", probe, document)
				}
			}
			got = append(got, line.String())
		}
		if got := strings.Join(got, "\n"); got != c.want {
			t.Errorf("%q\n%q:\n%q, not\n%q", c.probe, c.document, got, c.want)
		}
	}
}

// TestAlignment shows that pieces of any two texts are what they say.
func TestAlignment(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		word := rapid.SampledFrom([]string{"Ünder", "the", "中文", "so\u00adft", "it's", "a", "…", "ﬁ", "b", "-", "\xff", "3.14"})
		base := rapid.SliceOfN(word, 150, 250).Draw(r, "base")
		text := func(name string) []byte {
			all := slices.Clone(base)
			for range rapid.IntRange(0, 6).Draw(r, name+" changes") {
				i := rapid.IntRange(0, len(all)-1).Draw(r, "at")
				all = slices.Replace(all, i, i+rapid.IntRange(0, 1).Draw(r, "of"), rapid.SliceOfN(word, 0, 3).Draw(r, "by")...)
			}
			return []byte(strings.Join(all, rapid.SampledFrom([]string{" ", "\n", ", "}).Draw(r, name+" separator")))
		}
		probe, document := text("probe"), text("document")
		var n words.Normaliser
		keys := func(text []byte, s verbatim.Stretch) string {
			stream, count := n.Stream(text[s.ByteStart:s.ByteEnd])
			if count != s.WordEnd-s.WordStart {
				r.Fatalf("%+v of %q has %d words", s, text, count)
			}
			return string(stream)
		}
		equal := int64(0)
		for _, aligned := range verbatim.Align(probe, document) {
			for i, p := range aligned {
				a, b := keys(probe, p.Probe), keys(document, p.Document)
				if p.Equal != (i%2 == 0) || p.Equal != (a == b) {
					r.Fatalf("piece %d: %+v: %q, %q", i, p, a, b)
				}
				if i > 0 {
					before := aligned[i-1]
					if before.Probe.ByteEnd != p.Probe.ByteStart || before.Document.ByteEnd != p.Document.ByteStart {
						r.Fatalf("piece %d does not follow the one before: %+v", i, aligned)
					}
				}
				if p.Equal {
					equal += p.Probe.WordEnd - p.Probe.WordStart
				}
			}
		}
		var c verbatim.Comparer
		stream, _ := n.Stream(probe)
		c.Probe(stream)
		stream, _ = n.Stream(document)
		if matched := int64(c.Matched(stream)); matched != equal {
			r.Fatalf("%d equal words, not %d", equal, matched)
		}
	})
}
