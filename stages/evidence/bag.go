package evidence

import (
	"bytes"
	"cmp"
	"math"
	"slices"

	"palimpsest/stages/fold"
	"palimpsest/stages/words"
)

// bags are texts as sets of counted words. A word has a number, in order of its key; words of a single text have none, for no other
// text can be told by them.
type bags struct {
	vocabulary int // numbers given
	entries    []entry
	ends       []int        // text i has entries[ends[i-1]:ends[i]]
	length     [][2]float64 // logarithms of words and of bytes, each plus one
}

// entry is one word of a text.
type entry struct {
	word  int32
	count float32 // log(1 + times it stands there): in a long text the hundredth "the" says less than the first
}

func (b *bags) of(i int32) []entry {
	if i == 0 {
		return b.entries[:b.ends[0]]
	}
	return b.entries[b.ends[i-1]:b.ends[i]]
}

func newBags(texts []*fold.Probe) *bags {
	b := &bags{ends: make([]int, len(texts)), length: make([][2]float64, len(texts))}
	var n words.Normaliser
	numbers := map[string]int32{}
	var keys []string
	var holders []int32 // texts that each word stands in
	var seen []int32
	for i, p := range texts {
		stream, count := n.Stream(p.Text)
		b.length[i] = [2]float64{math.Log1p(float64(count)), math.Log1p(float64(len(p.Text)))}
		seen = seen[:0]
		for at := 1; at < len(stream); {
			end := at + bytes.IndexByte(stream[at:], ' ')
			number, ok := numbers[string(stream[at:end])]
			if !ok {
				number = int32(len(keys))
				keys = append(keys, string(stream[at:end]))
				numbers[keys[number]] = number
				holders = append(holders, 0)
			}
			seen = append(seen, number)
			at = end + 1
		}
		slices.Sort(seen)
		for from := 0; from < len(seen); {
			to := from
			for to < len(seen) && seen[to] == seen[from] {
				to++
			}
			holders[seen[from]]++
			b.entries = append(b.entries, entry{seen[from], float32(math.Log1p(float64(to - from)))})
			from = to
		}
		b.ends[i] = len(b.entries)
	}
	b.renumber(keys, holders)
	return b
}

// renumber gives the words of several texts their numbers, and lets go of the others.
func (b *bags) renumber(keys []string, texts []int32) {
	var kept []int32
	for old, n := range texts {
		if n > 1 {
			kept = append(kept, int32(old))
		}
	}
	slices.SortFunc(kept, func(a, c int32) int { return cmp.Compare(keys[a], keys[c]) })
	numbers := make([]int32, len(keys))
	for i := range numbers {
		numbers[i] = -1
	}
	for number, old := range kept {
		numbers[old] = int32(number)
	}
	b.vocabulary = len(kept)
	to, from := 0, 0
	for i, end := range b.ends {
		first := to
		for ; from < end; from++ {
			if e := b.entries[from]; numbers[e.word] >= 0 {
				b.entries[to] = entry{numbers[e.word], e.count}
				to++
			}
		}
		slices.SortFunc(b.entries[first:to], func(a, c entry) int { return cmp.Compare(a.word, c.word) })
		b.ends[i] = to
	}
	b.entries = slices.Clip(b.entries[:to])
}
