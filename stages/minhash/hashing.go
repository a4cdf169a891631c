package minhash

import (
	"crypto/sha1"
	"encoding/binary"

	"github.com/cespare/xxhash/v2"
)

// hashing is how a shingle becomes a number.
type hashing int

const (
	sha1Hash hashing = iota // the first bytes of SHA-1, little-endian; 4 of them are permuted
	xxHash                  // XXH64 with seed 0
)

// bits covers the bits of a sum that are permuted.
func (h hashing) bits() uint64 {
	if h == sha1Hash {
		return 1<<32 - 1
	}
	return ^uint64(0)
}

// sums hashes shingles to 64 bits. Shingle i is what the stream has between the spaces at before[i] and after[i].
func (h hashing) sums(dst []uint64, stream []byte, before, after []int) {
	if h == sha1Hash {
		sha1Sums(dst, stream, before, after)
		return
	}
	for i := range dst {
		dst[i] = xxhash.Sum64(stream[before[i]+1 : after[i]])
	}
}

// sha1Sums is replaced by init where the CPU has a better one.
var sha1Sums = sha1Portable

func sha1Portable(dst []uint64, stream []byte, before, after []int) {
	for i := range dst {
		sum := sha1.Sum(stream[before[i]+1 : after[i]])
		dst[i] = binary.LittleEndian.Uint64(sum[:])
	}
}
