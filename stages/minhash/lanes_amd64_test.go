//go:build goexperiment.simd

package minhash

import (
	"bytes"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// The lanes give the bits of the portable code, for any hashes, numbers of permutations and shingles.
func TestLanes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := 4 * rapid.IntRange(1, 40).Draw(t, "quarters of permutations")
		a, b := rapid.SliceOfN(rapid.Uint64(), n, n).Draw(t, "a"), rapid.SliceOfN(rapid.Uint64(), n, n).Draw(t, "b")
		hashes := rapid.SliceOf(rapid.Uint64()).Draw(t, "hashes")
		mask := rapid.SampledFrom([]uint64{1<<32 - 1, 1<<64 - 1}).Draw(t, "mask")
		one, two := make([]uint64, n), make([]uint64, n)
		fill(one, ^uint64(0))
		fill(two, ^uint64(0))
		mersennePortable(one, a, b, hashes, mask)
		mersenne(two, a, b, hashes, mask)
		if !slices.Equal(one, two) {
			t.Fatalf("mersenne: %x, portable %x", two, one)
		}
		one32, two32 := narrow(one), narrow(one)
		affinePortable(one32, narrow(a), narrow(b), narrow(hashes))
		affine(two32, narrow(a), narrow(b), narrow(hashes))
		if !slices.Equal(one32, two32) {
			t.Fatalf("affine: %x, portable %x", two32, one32)
		}
		lengths := rapid.SliceOfN(rapid.IntRange(0, 130), 0, 70).Draw(t, "lengths")
		stream, ends := []byte{' '}, make([]int, len(lengths)+1)
		for i, n := range lengths {
			for k := range n {
				stream = append(stream, byte(i*37+k*101+n))
			}
			stream = append(stream, ' ')
			ends[i+1] = len(stream) - 1
		}
		one, two = make([]uint64, len(lengths)), make([]uint64, len(lengths))
		sha1Portable(one, stream, ends, ends[1:])
		sha1Sums(two, stream, ends, ends[1:])
		if !slices.Equal(one, two) {
			t.Fatalf("SHA-1: %x, portable %x", two, one)
		}
	})
}

// A text has the same signature and shingles by the lanes and by the portable code, whatever its words and the batches they fall in.
func TestLanesSign(t *testing.T) {
	lanesAffine, lanesMersenne, lanesSpaces, lanesSHA1 := affine, mersenne, spaces, sha1Sums
	defer func() { affine, mersenne, spaces, sha1Sums = lanesAffine, lanesMersenne, lanesSpaces, lanesSHA1 }()
	for _, p := range profiles {
		s := NewSigner(p)
		rapid.Check(t, func(t *rapid.T) {
			lengths := rapid.SliceOfN(rapid.SampledFrom([]int{1, 2, 3, 5, 8, 11, 16, 24, 60, 130}), 1, 30).Draw(t, "lengths of words")
			stream := []byte{' '}
			for i := range rapid.IntRange(0, batch+batch/2).Draw(t, "words") {
				n := lengths[i%len(lengths)]
				stream = append(append(stream, bytes.Repeat([]byte{byte('a' + i*i%25)}, n)...), ' ')
			}
			affine, mersenne, spaces, sha1Sums = lanesAffine, lanesMersenne, lanesSpaces, lanesSHA1
			signature, shingles := s.Sign(stream)
			signature = slices.Clone(signature)
			affine, mersenne, spaces, sha1Sums = affinePortable, mersennePortable, spacesPortable, sha1Portable
			if portable, n := s.Sign(stream); n != shingles || !slices.Equal(signature, portable) {
				t.Fatalf("%s: %d shingles, %x, portable %d, %x", p.Name, shingles, signature, n, portable)
			}
			if n := distinct(stream); n != shingles {
				t.Fatalf("%s: %d shingles, want %d", p.Name, shingles, n)
			}
		})
	}
}

// distinct counts the distinct shingles of a stream.
func distinct(stream []byte) int64 {
	words, seen := bytes.Fields(stream), make(map[string]bool)
	for i := range words {
		if i+ShingleWords <= len(words) || i == 0 {
			seen[string(bytes.Join(words[i:min(i+ShingleWords, len(words))], []byte{' '}))] = true
		}
	}
	return int64(len(seen))
}
