package hash

import "math/bits"

// gate is a bit table of hashes. It passes every hash that was put in, and one in sixteen of others.
type gate struct {
	table []uint64
	size  uint64 // in bits
}

const (
	gateBitsPerHash = 16
	leastGate       = 1 << 12 // bits
)

func newGate(hashes int) gate {
	size := uint64(max(hashes*gateBitsPerHash, leastGate))
	return gate{make([]uint64, size/64+1), size}
}

func (g *gate) bit(hash uint64) uint64 {
	bit, _ := bits.Mul64(hash, g.size)
	return bit
}

func (g *gate) add(hash uint64) {
	bit := g.bit(hash)
	g.table[bit/64] |= 1 << (bit % 64)
}

func (g *gate) passes(hash uint64) bool {
	bit := g.bit(hash)
	return g.table[bit/64]>>(bit%64)&1 != 0
}
