package hash

import (
	"bytes"
	"context"
	"fmt"
	"math/bits"
	"slices"

	"palimpsest/stages/fold"
)

// near is the index of the probes' shingles. Probes with the same words are one text of it; those of fewer than five words are not
// in it.
//
// Each distinct shingle of the probes has a number; the rarer among the texts it is, the lower. A text is the ascending list of its
// numbers, so that two texts are compared without a look at their bytes.
type near struct {
	threshold float64
	bound     bound

	buf     []byte    // the texts' streams, one after the other
	starts  []uint32  // text i is buf[starts[i]:starts[i+1]]
	members [][]int32 // the probes of each text
	byWords map[string]int32

	gate  gate
	slots []uint64 // open addressing: the low half of a shingle's hash above its number plus one; zero is free
	at    []uint32 // where each shingle stands in buf

	sets  []uint32 // the texts' numbers, ascending for each
	ends  []uint32 // text i has sets[ends[i-1]:ends[i]]
	sizes []int    // the different sizes of these sets, ascending

	prefixed []uint32 // the texts that have a shingle in their prefix, by shingle
	lists    []uint32 // shingle i has prefixed[lists[i]:lists[i+1]]
}

// maxText keeps places in 32 bits.
const maxText = 1<<32 - 1<<16

const (
	slotLoad = .8 // shingles a slot

	// bytesPerShingle is what the index takes of one while it is built: gate, slot, number in a set, place, the place anew in order of
	// rarity, frequency (later the list's start), new number (later the list).
	bytesPerShingle = gateBitsPerHash/8 + 8/slotLoad + 5*4
)

// NearMemory returns the bytes that the index of near-duplicates over texts of that many bytes takes at most, beside the texts: a
// word has at least one letter and one separator. English takes less than half of it.
func NearMemory(textBytes int64) int64 {
	const stream = 1
	return int64(float64(textBytes)*(stream+bytesPerShingle/2)) + 1<<16
}

func newNear(threshold float64, probes []*fold.Probe) *near {
	size := 0
	for _, p := range probes {
		size += len(p.Text) + 2
	}
	return &near{
		threshold: threshold, bound: newBound(threshold), buf: make([]byte, 0, size), starts: []uint32{0}, byWords: make(map[string]int32),
	}
}

// add takes in a probe with at least five words. After the last one the index must be built.
func (x *near) add(probe int, id string, stream []byte, wordsSHA256 string) error {
	text, ok := x.byWords[wordsSHA256]
	if !ok {
		if len(x.buf)+len(stream) > maxText {
			return fmt.Errorf("the probes' words exceed %d bytes at probe %q, more than near-duplicates are looked for of: "+
				"split the probes over several runs", maxText, id)
		}
		text = int32(len(x.members))
		x.byWords[wordsSHA256] = text
		x.buf = append(x.buf, stream...)
		x.starts = append(x.starts, uint32(len(x.buf)))
		x.members = append(x.members, nil)
	}
	x.members[text] = append(x.members[text], int32(probe))
	return nil
}

func (x *near) stream(text int) []byte { return x.buf[x.starts[text]:x.starts[text+1]] }

func (x *near) set(text int32) []uint32 {
	from := uint32(0)
	if text > 0 {
		from = x.ends[text-1]
	}
	return x.sets[from:x.ends[text]]
}

// prefix returns the shingles of a set of which one at least is among the prefix of any set near it: were none of them shared, too
// few others would be left.
func (x *near) prefix(set []uint32) []uint32 { return set[:len(set)-x.bound.least(len(set))+1] }

func (x *near) build(ctx context.Context) error {
	x.byWords = nil
	frequency, err := x.number(ctx)
	if err != nil {
		return err
	}
	x.gate = newGate(len(x.at))
	for text := range x.members {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		s := newShingler(x.stream(text))
		for sh, ok := s.next(); ok; sh, ok = s.next() {
			x.gate.add(sh.hash)
		}
	}
	if err := x.renumber(ctx, frequency); err != nil {
		return err
	}
	x.invert(frequency)
	x.size()
	return nil
}

// size notes the sizes of the sets.
func (x *near) size() {
	for text := range x.members {
		x.sizes = append(x.sizes, len(x.set(int32(text))))
	}
	slices.Sort(x.sizes)
	x.sizes = slices.Compact(x.sizes)
}

// places returns the number of shingles of the texts, repeated ones too, and the number of slots for them.
func (x *near) places() (places, slots int) {
	for text := range x.members {
		places += max(bytes.Count(x.stream(text), blank)-shingleWords, 0)
	}
	return places, int(float64(places)/slotLoad) + 1
}

// number gives the shingles numbers as they come, makes the texts' sets of them, and returns in how many texts each is.
func (x *near) number(ctx context.Context) (frequency []uint32, err error) {
	places, slots := x.places()
	x.slots = make([]uint64, slots)
	x.at = make([]uint32, 0, places)
	x.sets = make([]uint32, 0, places)
	frequency = make([]uint32, 0, places+1)
	for text := range x.members {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		base, first := int(x.starts[text]), len(x.sets)
		s := newShingler(x.stream(text))
		for sh, ok := s.next(); ok; sh, ok = s.next() {
			slot, n := x.find(sh.hash, s.stream[sh.from:sh.to])
			if n < 0 {
				n = len(x.at)
				x.slots[slot] = sh.hash<<tagShift | uint64(n+1)
				x.at = append(x.at, uint32(base+sh.from))
				frequency = append(frequency, 0)
			}
			x.sets = append(x.sets, uint32(n))
		}
		slices.Sort(x.sets[first:])
		x.sets = x.sets[:first+len(slices.Compact(x.sets[first:]))]
		for _, n := range x.sets[first:] {
			frequency[n]++
		}
		x.ends = append(x.ends, uint32(len(x.sets)))
	}
	return frequency, nil
}

var blank = []byte{' '}

// renumber makes numbers ascend with frequency: prefixes are then made of what few texts have, and lists stay short where the texts
// share boilerplate.
func (x *near) renumber(ctx context.Context, frequency []uint32) error {
	below := make([]uint32, len(x.members)+2) // shingles of lower frequency, then the next number to give
	for _, f := range frequency {
		below[f+1]++
	}
	for f := 1; f < len(below); f++ {
		below[f] += below[f-1]
	}
	number := make([]uint32, len(x.at))
	at := make([]uint32, len(x.at))
	for old, f := range frequency {
		number[old] = below[f]
		at[below[f]] = x.at[old]
		below[f]++
	}
	x.at = at
	for i, e := range x.slots {
		if e != 0 {
			x.slots[i] = e>>tagShift<<tagShift | uint64(number[uint32(e)-1]+1)
		}
	}
	for i, old := range x.sets {
		x.sets[i] = number[old]
	}
	for text := range x.members {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		slices.Sort(x.set(int32(text)))
	}
	return nil
}

// invert lists the texts by the shingles of their prefixes. The array of frequencies is used again.
func (x *near) invert(frequency []uint32) {
	x.lists = append(frequency, 0)
	clear(x.lists)
	for text := range x.members {
		for _, n := range x.prefix(x.set(int32(text))) {
			x.lists[n+1]++
		}
	}
	for i := 1; i < len(x.lists); i++ {
		x.lists[i] += x.lists[i-1]
	}
	x.prefixed = make([]uint32, x.lists[len(x.lists)-1])
	for text := range x.members {
		for _, n := range x.prefix(x.set(int32(text))) {
			x.prefixed[x.lists[n]] = uint32(text)
			x.lists[n]++
		}
	}
	copy(x.lists[1:], x.lists) // each start was moved to its list's end, which is the next one's start
	x.lists[0] = 0
}

// withPrefix returns the texts that have the shingle in their prefix.
func (x *near) withPrefix(shingle uint32) []uint32 {
	return x.prefixed[x.lists[shingle]:x.lists[shingle+1]]
}

const tagShift = 32

// find returns the number of the shingle with that hash and those words; -1, and the slot to put it in, when no probe has it.
func (x *near) find(hash uint64, words []byte) (slot, number int) {
	tag := hash << tagShift
	start, _ := bits.Mul64(hash*0x9e3779b97f4a7c15, uint64(len(x.slots)))
	for slot = int(start); ; slot++ {
		if slot == len(x.slots) {
			slot = 0
		}
		e := x.slots[slot]
		if e == 0 {
			return slot, -1
		}
		if e>>tagShift<<tagShift == tag && x.stands(words, int(x.at[uint32(e)-1])) {
			return slot, int(uint32(e) - 1)
		}
	}
}

// stands reports whether the five words stand at that place of buf, where a shingle begins.
func (x *near) stands(words []byte, at int) bool {
	end := at + len(words)
	return end < len(x.buf) && x.buf[end] == ' ' && string(x.buf[at:end]) == string(words)
}
