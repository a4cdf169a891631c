package tokenizer

import (
	"math/bits"
	"slices"
)

// symbols are the strings that merging passes through: the tokens that text can become, and others that only lead to them. A symbol's
// number has no meaning beyond this table.
type symbols struct {
	number map[string]int32
	token  []int32    // of each symbol; -1 where it is no token and is spelt in bytes
	byte   [256]int32 // the tokens of single bytes; -1 for none
	long   int        // bytes of the longest symbol
}

// intern returns the number of a symbol.
func (s *symbols) intern(text string) int32 {
	n, ok := s.number[text]
	if !ok {
		n = int32(len(s.token))
		s.number[text] = n
		s.token = append(s.token, -1)
		s.long = max(s.long, len(text))
	}
	return n
}

// pairs is a hash table from two neighbouring symbols to the merge they make: its rank and its symbol. Probing is linear, at most half
// of the places are taken, and the key of a free one is none.
type pairs struct {
	table []pair
	shift uint8
}

type pair struct {
	key    uint64 // left << 32 | right
	rank   int32
	merged int32
}

const none = ^uint64(0)

func newPairs(n int) pairs {
	size := bits.Len(uint(2*n + 1))
	p := pairs{table: make([]pair, 1<<size), shift: uint8(64 - size)}
	for i := range p.table {
		p.table[i].key = none
	}
	return p
}

// find returns the place of a pair in the table, taken or free.
func (p *pairs) find(left, right int32) *pair {
	key := uint64(uint32(left))<<32 | uint64(uint32(right))
	for i := key * 0x9E3779B97F4A7C15 >> p.shift; ; i = (i + 1) & uint64(len(p.table)-1) {
		if e := &p.table[i]; e.key == key || e.key == none {
			return e
		}
	}
}

// add adds a merge, unless the pair has one already.
func (p *pairs) add(left, right, rank, merged int32) {
	if e := p.find(left, right); e.key == none {
		*e = pair{key: uint64(uint32(left))<<32 | uint64(uint32(right)), rank: rank, merged: merged}
	}
}

// encoder is the work of one call of Encode.
type encoder struct {
	t            *Tokenizer
	ids, offsets []int64

	// The symbols of the word in hand, a list linked both ways. A symbol keeps the place of its first byte or character.
	list []link
	heap []uint64 // rank << 32 | place of the left symbol: the least is merged first
}

type link struct {
	symbol     int32 // -1: merged into the one before it
	prev, next int32 // -1: none
	start      int32 // in the text
}

// encode appends the tokens of text[start:end].
func (e *encoder) encode(text []byte, start, end int) {
	if e.t.split == nil {
		if start < end {
			e.characters(text, start, end)
			e.merge()
			e.emit(text, end)
		}
		return
	}
	for start < end {
		n := e.t.split(text[start:end])
		e.word(text, start, start+n)
		start += n
	}
}

// word appends the tokens of a word of byte-level BPE.
func (e *encoder) word(text []byte, start, end int) {
	s := &e.t.symbols
	if e.t.whole && end-start <= s.long {
		if n, ok := s.number[string(text[start:end])]; ok && s.token[n] >= 0 {
			e.ids, e.offsets = append(e.ids, int64(s.token[n])), append(e.offsets, int64(start))
			return
		}
	}
	e.list = slices.Grow(e.list[:0], end-start)
	for i := start; i < end; i++ {
		e.push(int32(text[i]), i)
	}
	e.merge()
	e.emit(text, end)
}

// push appends a symbol to the list. The numbers of single bytes are the bytes themselves.
func (e *encoder) push(symbol int32, start int) {
	n := int32(len(e.list))
	if n > 0 {
		e.list[n-1].next = n
	}
	e.list = append(e.list, link{symbol: symbol, prev: n - 1, next: -1, start: int32(start)})
}

// merge makes all merges of the list, that of lowest rank first, of equal ranks the leftmost. The heap keeps merges that another one
// has made impossible; they are known by the rank that their place has now. Each merge removes a symbol and proposes two more merges,
// so that n symbols take O(n log n) steps whatever they are.
func (e *encoder) merge() {
	e.heap = slices.Grow(e.heap[:0], len(e.list))
	for i := range int32(len(e.list) - 1) {
		if p := e.t.pairs.find(e.list[i].symbol, e.list[i+1].symbol); p.key != none {
			e.heap = append(e.heap, uint64(p.rank)<<32|uint64(i))
		}
	}
	for i := len(e.heap)/2 - 1; i >= 0; i-- {
		e.sink(i)
	}
	for len(e.heap) > 0 {
		top := e.heap[0]
		last := len(e.heap) - 1
		e.heap[0] = e.heap[last]
		e.heap = e.heap[:last]
		e.sink(0)

		left := &e.list[uint32(top)]
		if left.symbol < 0 || left.next < 0 {
			continue
		}
		right := &e.list[left.next]
		p := e.t.pairs.find(left.symbol, right.symbol)
		if p.key == none || uint64(p.rank) != top>>32 {
			continue
		}
		left.symbol = p.merged
		right.symbol = -1
		left.next = right.next
		if left.next >= 0 {
			e.list[left.next].prev = int32(uint32(top))
			e.propose(int32(uint32(top)))
		}
		if left.prev >= 0 {
			e.propose(left.prev)
		}
	}
}

// propose puts the merge of the symbol at this place with the next one on the heap, if there is one.
func (e *encoder) propose(place int32) {
	left := e.list[place]
	p := e.t.pairs.find(left.symbol, e.list[left.next].symbol)
	if p.key == none {
		return
	}
	item := uint64(p.rank)<<32 | uint64(place)
	e.heap = append(e.heap, item)
	i := len(e.heap) - 1
	for i > 0 && e.heap[(i-1)/2] > item {
		e.heap[i] = e.heap[(i-1)/2]
		i = (i - 1) / 2
	}
	e.heap[i] = item
}

// sink moves the item at i down to its place in the heap.
func (e *encoder) sink(i int) {
	h := e.heap
	if i >= len(h) {
		return
	}
	item := h[i]
	for {
		c := 2*i + 1
		if c >= len(h) {
			break
		}
		if c+1 < len(h) && h[c+1] < h[c] {
			c++
		}
		if h[c] >= item {
			break
		}
		h[i] = h[c]
		i = c
	}
	h[i] = item
}

// emit appends the tokens of the list, whose text ends at end. Symbols that are no token are spelt in bytes, as far as there are tokens
// for them.
func (e *encoder) emit(text []byte, end int) {
	s := &e.t.symbols
	for i := int32(0); i >= 0; {
		l := e.list[i]
		i = l.next
		if id := s.token[l.symbol]; id >= 0 {
			e.ids, e.offsets = append(e.ids, int64(id)), append(e.offsets, int64(l.start))
			continue
		}
		to := end
		if i >= 0 {
			to = int(e.list[i].start)
		}
		for k := int(l.start); k < to; k++ {
			if id := s.byte[text[k]]; id >= 0 {
				e.ids, e.offsets = append(e.ids, int64(id)), append(e.offsets, int64(k))
			}
		}
	}
}
