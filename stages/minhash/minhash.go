// Package minhash computes MinHash signatures of texts (Broder 1997) with the bits of the Python libraries that deduplication
// pipelines use, so that what Palimpsest exports can be joined with what they hold. It is an export: nothing in Palimpsest judges
// by it (methods, section 3).
//
// A text is a set of shingles: every 5 words that follow one another, as their keys (package words) joined by one space, in UTF-8;
// a text of 1 to 4 words has one shingle, all of them; a text without words has none, and no signature. A profile names the hash of
// a shingle and the permutations. The contract: the signature has the bits that the named library gives when it is fed with
// these shingles, in any order and any number of times.
//
//	profile                library, release checked against                      values
//	datasketch-128         datasketch 2.0.0: MinHash(128), scheme affine32       128 of 32 bits
//	datasketch-legacy-128  datasketch before 2.0, or 2.0.0 with scheme legacy    128 of 32 bits
//	datatrove              datatrove 0.10.1: MinhashDedupSignature's defaults    112 of 64 bits
//
// datasketch changed its permutations in 2.0: the two profiles cannot be compared with one another. It leaves the shingles to its
// user. datatrove makes its own, by rules that are not followed here: numbers become 0, marks are dropped, spaCy's tokeniser splits
// English, and texts of fewer than 5 words are left out. Where these change a text's shingles, the signature is not the one that a
// datatrove pipeline writes.
//
// The work is shingles times permutations. Repeated shingles are dropped first. Built with GOEXPERIMENT=simd, on a CPU with
// AVX-512, spaces are found 64 bytes at a step, 16 shingles are put through SHA-1 and 16 or 64 permutations applied; the portable code
// gives the same bits.
package minhash

import (
	"encoding/hex"
	"slices"
)

// ShingleWords is the number of words of a shingle.
const ShingleWords = 5

const (
	batch = 512  // spaces that are found before the shingles between them are hashed
	block = 2048 // hashes that a permutation is applied to before the next one is: they stay in the first cache
)

// Signer computes signatures by one profile, reusing its buffers. It is used by one goroutine at a time.
type Signer struct {
	profile   Profile
	a, b      []uint64
	a32, b32  []uint32 // of affine profiles, instead
	signature []uint64
	low       []uint32

	spaces  []int // of a batch, by their place in the stream
	hashes  []uint64
	table   []uint64
	block   []uint64
	block32 []uint32
}

// NewSigner returns a signer for the profile.
func NewSigner(p Profile) *Signer {
	s := &Signer{profile: p, signature: make([]uint64, p.Values()), spaces: make([]int, batch)}
	if s.a, s.b = p.permutations(p.Values()); p.affine {
		s.a32, s.b32, s.low = narrow(s.a), narrow(s.b), make([]uint32, p.Values())
		s.block32 = make([]uint32, block)
	} else {
		s.block = make([]uint64, block)
	}
	return s
}

func narrow(wide []uint64) []uint32 {
	out := make([]uint32, len(wide))
	for i, v := range wide {
		out[i] = uint32(v)
	}
	return out
}

// Sign returns the signature of a text, given its normalised stream (package words), and the number of its distinct shingles.
// The signature is valid until the next call; it is nil for a text without words. Shingles are told apart by 64 bits of their
// hash.
func (s *Signer) Sign(stream []byte) ([]uint64, int64) {
	if cap(s.hashes) > retained {
		s.hashes = nil // one giant document must not hold its memory for the rest of the run
	}
	s.hashes = s.hashes[:0]
	s.hashShingles(stream)
	if len(s.hashes) == 0 {
		return nil, 0
	}
	s.dropRepeats()
	s.permute()
	return s.signature, int64(len(s.hashes))
}

// roomy is the number of places up to which the table of hashes is at most a quarter full: a place that is taken costs a
// mispredicted branch, and a table of this size still fits the second cache.
const roomy = 1 << 14

// retained is the largest number of hashes whose buffer a Signer keeps from one text to the next.
const retained = 1 << 20

// hashShingles collects the hashes of the stream's shingles.
func (s *Signer) hashShingles(stream []byte) {
	kept := 0 // spaces before shingles that are not hashed yet
	for from, last := 0, false; !last; {
		n, next := spaces(s.spaces[kept:], stream, from)
		from, last = next, next == len(stream)
		found := s.spaces[:kept+n]
		shingles := max(len(found)-ShingleWords, 0)
		switch {
		case !last:
			shingles &^= 15 // whole steps
		case len(s.hashes) == 0 && shingles == 0 && len(found) > 1: // 1 to 4 words
			s.add(stream, found[:1], found[len(found)-1:])
			return
		}
		s.add(stream, found[:shingles], found[min(ShingleWords, len(found)):])
		kept = copy(s.spaces, found[shingles:])
	}
}

func (s *Signer) add(stream []byte, before, after []int) {
	n := len(s.hashes)
	s.hashes = slices.Grow(s.hashes, len(before))[:n+len(before)]
	s.profile.hash.sums(s.hashes[n:], stream, before, after)
}

// dropRepeats leaves each hash once, in any order. Up to a million hashes go through a table; more are sorted, which takes no memory.
func (s *Signer) dropRepeats() {
	if len(s.hashes) > retained {
		slices.Sort(s.hashes)
		s.hashes = slices.Compact(s.hashes)
		return
	}
	size := 16
	for n := len(s.hashes); size < 2*n || size < min(4*n, roomy); {
		size *= 2
	}
	if size > len(s.table) {
		s.table = make([]uint64, size)
	}
	table := s.table[:size]
	clear(table)
	kept, zero := 0, false
	for _, h := range s.hashes {
		if h == 0 { // stands for an empty place of the table
			if !zero {
				zero = true
				s.hashes[kept] = h
				kept++
			}
			continue
		}
		i := int(h) & (size - 1)
		for table[i] != 0 && table[i] != h {
			i = (i + 1) & (size - 1)
		}
		if table[i] == 0 {
			table[i] = h
			s.hashes[kept] = h
			kept++
		}
	}
	s.hashes = s.hashes[:kept]
}

// permute fills the signature: for each permutation the least value over the hashes.
func (s *Signer) permute() {
	if s.profile.affine {
		fill(s.low, ^uint32(0))
		for part := range slices.Chunk(s.hashes, block) {
			mixed := s.block32[:len(part)]
			for i, h := range part {
				mixed[i] = finalise(uint32(h))
			}
			affine(s.low, s.a32, s.b32, mixed)
		}
		for i, v := range s.low {
			s.signature[i] = uint64(v)
		}
		return
	}
	fill(s.signature, ^uint64(0))
	in, out := s.profile.hash.bits(), s.profile.mask()
	for part := range slices.Chunk(s.hashes, block) {
		cut := s.block[:len(part)]
		for i, h := range part {
			cut[i] = h & in
		}
		mersenne(s.signature, s.a, s.b, cut, out)
	}
}

func fill[V uint32 | uint64](s []V, v V) {
	for i := range s {
		s[i] = v
	}
}

// AppendHex appends the signature in hexadecimal: value after value in order of the permutations, each with the same number of
// digits (8 for 32 bits, 16 for 64), the most significant first.
func (p Profile) AppendHex(dst []byte, signature []uint64) []byte {
	for _, v := range signature {
		var b [8]byte
		for i := range b {
			b[i] = byte(v >> (56 - 8*i))
		}
		dst = hex.AppendEncode(dst, b[8-p.Bits/8:])
	}
	return dst
}
