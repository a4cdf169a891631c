package hash

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/zeebo/xxh3"
)

// equals proposes the probes that a text may equal. A glance at its length and 24 of its bytes lets nearly all texts go; XXH3-64 of
// the rest finds the probes.
type equals struct {
	glances gate
	entries []entry // ascending by hash
}

type entry struct {
	hash  uint64 // XXH3-64
	probe int32
}

func newEquals(probes int) *equals {
	return &equals{glances: newGate(probes), entries: make([]entry, 0, probes)}
}

// add takes in the text of a probe. After the last one the entries must be sorted.
func (e *equals) add(text []byte, probe int) {
	e.glances.add(glance(text))
	e.entries = append(e.entries, entry{xxh3.Hash(text), int32(probe)})
}

func (e *equals) sort() {
	slices.SortFunc(e.entries, func(a, b entry) int { return cmp.Or(cmp.Compare(a.hash, b.hash), cmp.Compare(a.probe, b.probe)) })
}

// propose returns the probes that text may equal.
func (e *equals) propose(text []byte) []entry {
	if !e.glances.passes(glance(text)) {
		return nil
	}
	hash := xxh3.Hash(text)
	from, _ := slices.BinarySearchFunc(e.entries, hash, func(e entry, hash uint64) int { return cmp.Compare(e.hash, hash) })
	to := from
	for to < len(e.entries) && e.entries[to].hash == hash {
		to++
	}
	return e.entries[from:to]
}

// glance mixes the length of a text and its first, middle and last eight bytes.
func glance(text []byte) uint64 {
	n := len(text)
	if n < 8 {
		var short [8]byte
		copy(short[:], text)
		return mix(mix(uint64(n)^wordSeed) ^ binary.LittleEndian.Uint64(short[:]))
	}
	h := mix(uint64(n)^wordSeed) ^ binary.LittleEndian.Uint64(text)
	h = mix(h) ^ binary.LittleEndian.Uint64(text[n/2-4:])
	return mix(mix(h) ^ binary.LittleEndian.Uint64(text[n-8:]))
}
