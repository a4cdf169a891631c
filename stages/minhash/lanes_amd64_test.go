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
			stream = append(append(stream, bytes.Repeat([]byte{byte(i*37 + n)}, n)...), ' ')
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
