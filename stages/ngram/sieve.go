package ngram

// batch is the number of grams that are looked up together.
const batch = 256

// sieve finds which of some grams may be in an index. A look-up waits for memory as soon as gate or buckets are larger than a core's own
// caches, so each step goes through all that are left of a batch, and holds little but loads that do not depend on each other and no branch
// that waits for one: the processor then has many of them under way.
type sieve struct {
	hashes [batch]uint64
	words  [batch]uint64 // of the gate
	left   [batch]uint8  // which hashes are left, ascending
}

// sift returns which of the first n hashes pass the gate and, as far as their first bucket says, the tags.
func (s *sieve) sift(x *Index, n int) []uint8 {
	hashes, words := s.hashes[:n], s.words[:n]
	gate, shift := x.gate, x.gateShift&63
	for j, h := range hashes {
		words[j] = gate[h>>shift]
	}
	kept := 0
	for j, h := range hashes {
		word := words[j]
		s.left[kept&(batch-1)] = uint8(j)
		kept += int(word >> (h & 63) & (word >> (h >> 6 & 63)) & 1)
	}
	left := s.left[:kept]
	kept = 0
	for _, j := range left {
		h := hashes[j]
		part, b := x.bucketsOf(h)
		left[kept] = j
		kept += int(part[b].may(h & tagMask))
	}
	return left[:kept]
}

// may reports, as 0 or 1, whether the bucket has an entry with that tag, or is full, so that the next one may have it.
func (b *bucket) may(tag uint64) uint64 {
	var has uint64 // in the highest bit
	for _, e := range b {
		has |= (e>>tagShift ^ tag) - 1 // 0 alone becomes negative, for tags have 31 bits
	}
	return (has | b[7] | -b[7]) >> 63
}
