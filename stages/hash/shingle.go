package hash

import (
	"encoding/binary"
	"math/bits"
)

// shingleWords is the number of words of a shingle.
const shingleWords = 5

// shingle is five words of a stream, stream[from:to], without the spaces around them.
type shingle struct {
	hash     uint64
	from, to int
}

// shingler hands out the shingles of a stream in order. A stream of fewer than five words has none.
//
// A word is hashed eight bytes at a step, and a shingle's hash is that of its words, each turned by its place, so that the next
// shingle takes one word in and lets one go. It depends on the five keys alone.
type shingler struct {
	stream []byte
	at     int // where the next word begins
	words  int // words taken in
	hash   uint64
	hashes [shingleWords]uint64 // of the last words, by their number modulo five
	starts [shingleWords]int
}

func newShingler(stream []byte) shingler { return shingler{stream: stream, at: 1} }

// next returns the next shingle, and false at the end.
func (s *shingler) next() (shingle, bool) {
	for s.at < len(s.stream) {
		start, oldest := s.at, s.words%shingleWords
		var h uint64
		h, s.at = hashWord(s.stream, start)
		s.hash = roll(s.hash, s.hashes[oldest], h)
		s.hashes[oldest], s.starts[oldest] = h, start
		s.words++
		if s.words >= shingleWords {
			return shingle{s.hash, s.starts[s.words%shingleWords], s.at - 1}, true
		}
	}
	return shingle{}, false
}

// turn is by how many bits each further word turns those before it: five places, all apart in 64 bits.
const turn = 13

// roll takes the word with hash in into the hash of a shingle, and lets out go, the word five before it.
func roll(hash, out, in uint64) uint64 {
	return bits.RotateLeft64(hash^bits.RotateLeft64(out, turn*(shingleWords-1)), turn) ^ in
}

// wordSeed is what the hash of a word begins with.
const wordSeed = 0xa0761d6478bd642f

// hashWord returns the hash of the word of a stream that begins at the given place, and where the next word begins. Keys hold no
// zero byte, so a last piece padded with zeros is no other piece.
func hashWord(stream []byte, at int) (hash uint64, next int) {
	hash = wordSeed
	for ; at+8 <= len(stream); at += 8 {
		x := binary.LittleEndian.Uint64(stream[at:])
		if b := blanks(x); b != 0 {
			return mix(hash ^ upToBlank(x, b)), at + bits.TrailingZeros64(b)/8 + 1
		}
		hash = mix(hash ^ x)
	}
	last := [8]byte{' ', ' ', ' ', ' ', ' ', ' ', ' ', ' '}
	copy(last[:], stream[at:])
	x := binary.LittleEndian.Uint64(last[:])
	b := blanks(x)
	return mix(hash ^ upToBlank(x, b)), at + bits.TrailingZeros64(b)/8 + 1
}

// blanks sets the highest bit of the first byte of x that is a space, and may set bits of bytes above it.
func blanks(x uint64) uint64 {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	x ^= ones * ' '
	return (x - ones) &^ x & highs
}

// upToBlank clears x from its first space on, which blanks found.
func upToBlank(x, blanks uint64) uint64 { return x & ((blanks ^ (blanks - 1)) >> 8) }

func mix(x uint64) uint64 {
	hi, lo := bits.Mul64(x, 0x9fb21c651e98df25)
	return hi ^ lo
}
