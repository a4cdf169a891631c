// Package verbatim finds what two texts share nearly word for word: passages that are the same but for a few words changed, left out or
// put in (nv-recall, arXiv 2601.02671; methods, section 2).
//
// It starts from the blocks of equal words that difflib.SequenceMatcher of Python's standard library has, with autojunk off: the longest
// block that both texts have, of these the one that begins first in the probe and then first in the document, and the same again between
// what stands before it in both, and between what stands after it. Blocks close to each other are then merged, what stays short is
// dropped, and both once more with wider bounds. What remains are the passages. The words between merged blocks never count.
// The paper counts blocks of 100 words and more alike; that a block's length is that of its equal words, without the gaps, and the bounds
// of both passes are as methods, section 2 has them.
//
// difflib takes quadratic time and more on texts that repeat themselves. Here blocks are found by length, the longest first: all blocks of
// one length in one go, then those in the gaps between them. Every word of the probe has a number, every two words in a row, every four
// and so on, and words of the document have the same numbers where they are the same, so that runs of any length are compared by two
// numbers. A level takes time in proportion to both texts, and there are no more levels than lengths of blocks, which are fewer than the
// square root of twice the probe's words.
package verbatim

import "slices"

// Block is a run of words that both texts have.
type Block struct {
	Probe, Document int // its first word in each
	Words           int
}

// Passage is a stretch of both texts that is nearly the same: its blocks of equal words, in order.
type Passage []Block

// Words returns how many words of the passage are equal.
func (p Passage) Words() (n int) {
	for _, b := range p {
		n += b.Words
	}
	return n
}

// rule says which passages are merged and which are then long enough, in words.
type rule struct{ gap, drift, least int }

// rules are the two passes.
var rules = [...]rule{{2, 1, 20}, {10, 3, Least}}

// Least is the number of equal words from which there is a passage.
const Least = 100

// passages merges blocks, which are in order, and leaves out what stays too short, but for what has the block that is held, if any.
func passages(blocks []Block, held *Block) []Passage {
	all := make([]Passage, len(blocks))
	for i := range blocks {
		all[i] = blocks[i : i+1 : i+1]
	}
	for _, r := range rules {
		all = r.apply(all, held)
	}
	return all
}

func (r rule) apply(all []Passage, held *Block) (kept []Passage) {
	for i := 0; i < len(all); {
		p := all[i]
		for i++; i < len(all) && r.joins(p, all[i]); i++ {
			p = append(p, all[i]...)
		}
		if p.Words() >= r.least || held != nil && slices.Contains(p, *held) {
			kept = append(kept, p)
		}
	}
	return kept
}

// joins reports whether q follows p so closely in both texts that they are one.
func (r rule) joins(p, q Passage) bool {
	last, next := p[len(p)-1], q[0]
	probe, document := next.Probe-last.Probe-last.Words, next.Document-last.Document-last.Words
	return max(probe, document) <= r.gap && max(probe-document, document-probe) <= r.drift
}
