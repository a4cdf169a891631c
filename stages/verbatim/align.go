package verbatim

import (
	"slices"

	"palimpsest/stages/words"
)

// Aligned is a passage of two texts side by side: pieces that follow each other without a gap in both, of equal words and, between two of
// these, of what is different. The first and the last are equal.
type Aligned []Piece

// Piece is a stretch of both texts.
type Piece struct {
	Equal           bool // the same words, as methods, section 1 defines them: case and what separates them may differ
	Probe, Document Stretch
}

// Stretch is where a piece stands in one text. One of equal words is from the first to the last of them; one that is different has what
// stands between the words before and after it, which may be no word of one text.
type Stretch struct {
	WordStart, WordEnd int64
	ByteStart, ByteEnd int64
}

// Words is the number of words in it.
func (s Stretch) Words() int64 { return s.WordEnd - s.WordStart }

// Align returns the passage around a match, which stands at these bytes of the two texts. Blocks, merging and dropping are those of
// nv-recall (methods, section 2), but that the block of the match is never dropped: a match has fewer words than a passage at times. The
// passage is nil where the two have no block in the match, as texts that repeat themselves may not: blocks are chosen by their length.
func Align(probe, document []byte, at, in words.Range) Aligned {
	var (
		c Comparer
		n words.Normaliser
	)
	stream, _ := n.Stream(probe)
	c.Probe(stream)
	stream, _ = n.Stream(document)
	blocks := c.Blocks(stream)
	inProbe := locate(&n, probe, blocks, func(b Block) int { return b.Probe })
	inDocument := locate(&n, document, blocks, func(b Block) int { return b.Document })
	held, most := -1, int64(0)
	for i := range blocks {
		if shared := min(inProbe[i].within(at), inDocument[i].within(in)); shared > most {
			held, most = i, shared
		}
	}
	if held < 0 {
		return nil
	}
	for _, p := range passages(blocks, &blocks[held]) {
		if !slices.Contains(p, blocks[held]) {
			continue
		}
		var all Aligned
		for i, b := range blocks { // those that were dropped between two of the passage are of what is different
			if len(p) == 0 || b != p[0] {
				continue
			}
			p = p[1:]
			x := Piece{true, inProbe[i], inDocument[i]}
			if len(all) > 0 {
				before := all[len(all)-1]
				all = append(all, Piece{false, before.Probe.until(x.Probe), before.Document.until(x.Document)})
			}
			all = append(all, x)
		}
		return all
	}
	return nil
}

// locate returns where the blocks stand in a text.
func locate(n *words.Normaliser, text []byte, blocks []Block, first func(Block) int) []Stretch {
	ends := make([]int64, 0, 2*len(blocks))
	for _, b := range blocks {
		ends = append(ends, int64(first(b)), int64(first(b)+b.Words-1)) // a block of one word has it twice, and so has Locate
	}
	at := n.Locate(text, ends)
	all := make([]Stretch, len(blocks))
	for i := range all {
		all[i] = Stretch{ends[2*i], ends[2*i+1] + 1, at[2*i].Start, at[2*i+1].End}
	}
	return all
}

// within is the number of the stretch's bytes that lie in the range.
func (s Stretch) within(r words.Range) int64 {
	return max(min(s.ByteEnd, r.End)-max(s.ByteStart, r.Start), 0)
}

// until returns what stands between two stretches.
func (s Stretch) until(next Stretch) Stretch {
	return Stretch{s.WordEnd, next.WordStart, s.ByteEnd, next.ByteStart}
}
