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

// TestAlign shows two texts side by side around a match, with what is different: [the probe's|the document's].
func TestAlign(t *testing.T) {
	for _, c := range []struct{ probe, document, match, want string }{
		{spelt(0, 100) + ".", "Before. " + strings.ToUpper(spelt(0, 100)), spelt(0, 100), spelt(0, 100)},
		{ // the second pass' bounds, and a block of the match that is short
			spelt(0, 60) + " a b c d e " + spelt(60, 73), spelt(0, 60) + ": v x y " + spelt(60, 73), spelt(60, 73),
			spelt(0, 60) + "[ a b c d e |: v x y ]" + spelt(60, 73),
		},
		{ // the first pass merges before it drops
			spelt(0, 13) + ", then " + spelt(13, 26) + " Ä " + spelt(26, 39), "“" + spelt(0, 13) + " " + spelt(13, 26) + " o " + spelt(26, 39) + "”",
			spelt(13, 26), spelt(0, 13) + "[, then | ]" + spelt(13, 26) + "[ Ä | o ]" + spelt(26, 39),
		},
		{ // a word that both have between, dropped
			spelt(0, 30) + " a b c same d e f " + spelt(30, 60), spelt(0, 30) + " u v w same x y z " + spelt(30, 60), spelt(0, 30),
			spelt(0, 30) + "[ a b c same d e f | u v w same x y z ]" + spelt(30, 60),
		},
		{ // too far from the match
			spelt(0, 100) + " between " + spelt(200, 310), spelt(0, 100) + " " + spelt(500, 550) + " " + spelt(200, 310), spelt(200, 310), spelt(200, 310),
		},
		{spelt(0, 9), spelt(0, 9), "w4", spelt(0, 9)},
		{"a b", "a c", "b", ""},
		{"", "", "", ""},
	} {
		at := strings.Index(c.probe, c.match)
		in := strings.Index(strings.ToLower(c.document), c.match)
		of := func(i int) words.Range { return words.Range{Start: int64(i), End: int64(i + len(c.match))} }
		var got strings.Builder
		for _, p := range verbatim.Align([]byte(c.probe), []byte(c.document), of(at), of(in)) {
			probe, document := c.probe[p.Probe.ByteStart:p.Probe.ByteEnd], c.document[p.Document.ByteStart:p.Document.ByteEnd]
			if p.Equal {
				got.WriteString(probe)
			} else {
				fmt.Fprintf(&got, "[%s|%s]", probe, document)
			}
		}
		if got.String() != c.want {
			t.Errorf("%q\n%q:\n%q, not\n%q", c.probe, c.document, got.String(), c.want)
		}
	}
}

// TestAlignment shows that pieces of any two texts are what they say, and that the passage holds the block that the match lies in.
func TestAlignment(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		word := rapid.SampledFrom([]string{"Ünder", "the", "中文", "so\u00adft", "it's", "a", "…", "ﬁ", "b", "-", "\xff", "3.14"})
		base := rapid.SliceOfN(word, 0, 250).Draw(r, "base")
		text := func(name string) []byte {
			all := slices.Clone(base)
			for range rapid.IntRange(0, 6).Draw(r, name+" changes") {
				i := rapid.IntRange(0, len(all)).Draw(r, "at")
				all = slices.Replace(all, i, min(i+rapid.IntRange(0, 1).Draw(r, "of"), len(all)), rapid.SliceOfN(word, 0, 3).Draw(r, "by")...)
			}
			return []byte(strings.Join(all, rapid.SampledFrom([]string{" ", "\n", ", "}).Draw(r, name+" separator")))
		}
		probe, document := text("probe"), text("document")
		var n words.Normaliser
		keys := func(text []byte, s verbatim.Stretch) string {
			stream, count := n.Stream(text[s.ByteStart:s.ByteEnd])
			if count != s.Words() {
				r.Fatalf("%+v of %q has %d words", s, text, count)
			}
			return string(stream)
		}
		whole := func(text []byte) words.Range { return words.Range{End: int64(len(text))} }
		aligned := verbatim.Align(probe, document, whole(probe), whole(document))
		var c verbatim.Comparer
		stream, _ := n.Stream(probe)
		c.Probe(stream)
		stream, _ = n.Stream(document)
		blocks := slices.Clone(c.Blocks(stream))
		if (aligned == nil) != (len(blocks) == 0) {
			r.Fatalf("%d blocks, %+v", len(blocks), aligned)
		}
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
			b0 := verbatim.Block{Probe: int(p.Probe.WordStart), Document: int(p.Document.WordStart), Words: int(p.Probe.Words())}
			if p.Equal && !slices.Contains(blocks, b0) {
				r.Fatalf("%+v is none of the blocks %+v", b0, blocks)
			}
		}
	})
}
