package verbatim_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os/exec"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"palimpsest/stages/verbatim"
)

// stream is the normalised stream of these words.
func stream(words []string) []byte {
	if len(words) == 0 {
		return []byte(" ")
	}
	return []byte(" " + strings.Join(words, " ") + " ")
}

// slow finds the blocks as the documentation of difflib defines them.
func slow(a, b []string) (blocks []verbatim.Block) {
	var within func(a0, a1, b0, b1 int)
	within = func(a0, a1, b0, b1 int) {
		var best verbatim.Block
		for i := a0; i < a1; i++ {
			for j := b0; j < b1; j++ {
				n := 0
				for i+n < a1 && j+n < b1 && a[i+n] == b[j+n] {
					n++
				}
				if n > best.Words {
					best = verbatim.Block{Probe: i, Document: j, Words: n}
				}
			}
		}
		if best.Words == 0 {
			return
		}
		within(a0, best.Probe, b0, best.Document)
		if k := len(blocks) - 1; k >= 0 && blocks[k].Probe+blocks[k].Words == best.Probe && blocks[k].Document+blocks[k].Words == best.Document {
			blocks[k].Words += best.Words
		} else {
			blocks = append(blocks, best)
		}
		within(best.Probe+best.Words, a1, best.Document+best.Words, b1)
	}
	within(0, len(a), 0, len(b))
	return blocks
}

// recalled counts the equal words of the passages by the two passes, one pair of neighbours after the other.
func recalled(blocks []verbatim.Block) int {
	type passage struct{ a, b, aEnd, bEnd, words int }
	var all []passage
	for _, x := range blocks {
		all = append(all, passage{x.Probe, x.Document, x.Probe + x.Words, x.Document + x.Words, x.Words})
	}
	for _, pass := range [][3]int{{2, 1, 20}, {10, 3, 100}} {
		var merged []passage
		for _, p := range all {
			if k := len(merged) - 1; k >= 0 {
				m := &merged[k]
				gapA, gapB := p.a-m.aEnd, p.b-m.bEnd
				if gapA <= pass[0] && gapB <= pass[0] && gapA-gapB <= pass[1] && gapB-gapA <= pass[1] {
					m.aEnd, m.bEnd, m.words = p.aEnd, p.bEnd, m.words+p.words
					continue
				}
			}
			merged = append(merged, p)
		}
		all = slices.DeleteFunc(merged, func(p passage) bool { return p.words < pass[2] })
	}
	n := 0
	for _, p := range all {
		n += p.words
	}
	return n
}

// TestBlocks shows that the blocks and the passages are those of the definitions.
func TestBlocks(t *testing.T) {
	var c verbatim.Comparer
	rapid.Check(t, func(r *rapid.T) {
		word := rapid.SampledFrom([]string{"a", "b", "ab", "the", "é", "zz"}[:rapid.IntRange(1, 6).Draw(r, "alphabet")])
		texts := rapid.SliceOfN(rapid.SliceOfN(word, 0, 40), 1, 3).Draw(r, "texts")
		text := rapid.Custom(func(r *rapid.T) (all []string) {
			for range rapid.IntRange(0, 4).Draw(r, "parts") {
				all = append(all, rapid.SampledFrom(texts).Draw(r, "part")...)
				all = append(all, rapid.SliceOfN(word, 0, 3).Draw(r, "between")...)
			}
			return all
		})
		a, b := text.Draw(r, "probe"), text.Draw(r, "document")
		check(r, &c, a, b, slow(a, b))
	})
}

// matched is the number of equal words in passages.
func matched(c *verbatim.Comparer, stream []byte) (n int) {
	for _, p := range c.Passages(stream) {
		n += p.Words()
	}
	return n
}

// check compares a and b, whose blocks are to be these.
func check(t rapid.TB, c *verbatim.Comparer, a, b []string, want []verbatim.Block) {
	t.Helper()
	c.Probe(stream(a))
	if got := slices.Clone(c.Blocks(stream(b))); !slices.Equal(got, want) {
		t.Fatalf("%q\n%q: blocks (-want +got):\n%s", a, b, gocmp.Diff(want, got))
	}
	if got, want := matched(c, stream(b)), recalled(want); got != want {
		t.Fatalf("%q\n%q: %d words in passages, not %d", a, b, got, want)
	}
}

// oracle prints the blocks of pairs of texts, a line of JSON each.
const oracle = `
import difflib, json, sys
for line in sys.stdin:
    a, b = json.loads(line)
    print(json.dumps([m for m in difflib.SequenceMatcher(None, a, b, autojunk=False).get_matching_blocks() if m.size]))
`

// TestDifflib compares thousands of pairs with what Python says of them.
func TestDifflib(t *testing.T) {
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("no python3 to compare with: ", err)
	}
	var pairs [][2][]string
	for seed := range uint64(4000) {
		a, b := pair(rand.New(rand.NewPCG(seed, 1)))
		pairs = append(pairs, [2][]string{append([]string{}, a...), append([]string{}, b...)}) // nil would be null, which is no list
	}
	var in bytes.Buffer
	for _, p := range pairs {
		if err := json.NewEncoder(&in).Encode(p); err != nil {
			t.Fatal(err)
		}
	}
	run := exec.CommandContext(t.Context(), python, "-c", oracle)
	run.Stdin = &in
	out, err := run.Output()
	if err != nil {
		if failed := (*exec.ExitError)(nil); errors.As(err, &failed) {
			t.Fatalf("%v: %s", err, failed.Stderr)
		}
		t.Fatal(err)
	}
	var c verbatim.Comparer
	lines := json.NewDecoder(bytes.NewReader(out))
	passages := 0
	for _, p := range pairs {
		var found [][3]int
		if err := lines.Decode(&found); err != nil {
			t.Fatal(err)
		}
		var want []verbatim.Block
		for _, f := range found {
			want = append(want, verbatim.Block{Probe: f[0], Document: f[1], Words: f[2]})
		}
		check(t, &c, p[0], p[1], want)
		if recalled(want) > 0 {
			passages++
		}
	}
	if passages < len(pairs)/10 || passages > len(pairs)*9/10 {
		t.Errorf("%d of %d pairs have a passage: they show little", passages, len(pairs))
	}
}

// pair returns two texts: one is put together from the other's parts, some changed, between words of its own.
func pair(r *rand.Rand) (a, b []string) {
	words := []float64{2, 10, 100, 1000}[r.IntN(4)]
	word := func() string { return fmt.Sprint("w", int(r.ExpFloat64()*words)) }
	for range r.IntN(400) {
		a = append(a, word())
	}
	for rate := []float64{0, .02, .05, .2}[r.IntN(4)]; len(b) < 400; {
		from := r.IntN(len(a) + 1)
		to := from + r.IntN(len(a)-from+1)
		for _, w := range a[from:to] {
			switch x := r.Float64(); {
			case x > rate:
				b = append(b, w)
			case x > rate/2:
				b = append(b, word())
			case x > rate/4:
				b = append(b, w, word())
			}
		}
		for range r.IntN(30) {
			b = append(b, word())
		}
		if r.IntN(3) == 0 {
			break
		}
	}
	if r.IntN(2) == 0 {
		return b, a
	}
	return a, b
}
