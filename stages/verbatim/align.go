package verbatim

import "palimpsest/stages/words"

// Aligned is a passage of two texts side by side: pieces that follow each other without a gap in both, of equal words and, between two of
// these, of what is different.
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

// Align returns the passages in which two texts are nearly the same, to be shown side by side.
func Align(probe, document []byte) (all []Aligned) {
	var (
		c Comparer
		n words.Normaliser
	)
	stream, _ := n.Stream(probe)
	c.Probe(stream)
	stream, _ = n.Stream(document)
	passages := Passages(c.Blocks(stream))
	var starts, others []int64 // the first and last word of each block, in the probe and in the document
	for _, p := range passages {
		for _, b := range p {
			starts = append(starts, int64(b.Probe), int64(b.Probe+b.Words-1))
			others = append(others, int64(b.Document), int64(b.Document+b.Words-1))
		}
	}
	inProbe, inDocument := locate(&n, probe, starts), locate(&n, document, others)
	for _, p := range passages {
		var aligned Aligned
		for i := range p {
			x := Piece{true, inProbe[0], inDocument[0]}
			if i > 0 {
				before := aligned[len(aligned)-1]
				aligned = append(aligned, Piece{false, before.Probe.until(x.Probe), before.Document.until(x.Document)})
			}
			aligned, inProbe, inDocument = append(aligned, x), inProbe[1:], inDocument[1:]
		}
		all = append(all, aligned)
	}
	return all
}

// locate returns where the stretches stand of which the first and last words are given.
func locate(n *words.Normaliser, text []byte, ends []int64) (all []Stretch) {
	// A block of one word has the same first and last, which Locate gives twice.
	at := n.Locate(text, ends)
	for i := 0; i < len(ends); i += 2 {
		all = append(all, Stretch{ends[i], ends[i+1] + 1, at[i].Start, at[i+1].End})
	}
	return all
}

// until returns what stands between two stretches.
func (s Stretch) until(next Stretch) Stretch {
	return Stretch{s.WordEnd, next.WordStart, s.ByteEnd, next.ByteStart}
}
