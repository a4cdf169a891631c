package minhash

// prime is the Mersenne prime 2^61-1.
const prime = 1<<61 - 1

// The kernels lower each value of low to the least that its permutation gives over the hashes. Their numbers of permutations are
// multiples of 4. init replaces them where the CPU has better ones.
var (
	affine   = affinePortable
	mersenne = mersennePortable
)

// affinePortable permutes by a*h + b mod 2^32, a odd, which is one to one (datasketch, scheme affine32).
func affinePortable(low, a, b, hashes []uint32) {
	for i := 0; i+4 <= len(low); i += 4 {
		a, b, low := (*[4]uint32)(a[i:]), (*[4]uint32)(b[i:]), (*[4]uint32)(low[i:])
		a0, a1, a2, a3 := a[0], a[1], a[2], a[3]
		b0, b1, b2, b3 := b[0], b[1], b[2], b[3]
		low0, low1, low2, low3 := low[0], low[1], low[2], low[3]
		for _, h := range hashes {
			low0, low1 = min(low0, a0*h+b0), min(low1, a1*h+b1)
			low2, low3 = min(low2, a2*h+b2), min(low3, a3*h+b3)
		}
		low[0], low[1], low[2], low[3] = low0, low1, low2, low3
	}
}

// mersennePortable permutes by ((a*h + b) mod 2^64) mod 2^61-1 and takes the bits of mask. That the product wraps is no part of
// the theory, but of both libraries: their arithmetic is numpy's uint64.
func mersennePortable(low, a, b, hashes []uint64, mask uint64) {
	for i := 0; i+4 <= len(low); i += 4 {
		a, b, low := (*[4]uint64)(a[i:]), (*[4]uint64)(b[i:]), (*[4]uint64)(low[i:])
		a0, a1, a2, a3 := a[0], a[1], a[2], a[3]
		b0, b1, b2, b3 := b[0], b[1], b[2], b[3]
		low0, low1, low2, low3 := low[0], low[1], low[2], low[3]
		for _, h := range hashes {
			low0, low1 = min(low0, reduce(a0*h+b0)&mask), min(low1, reduce(a1*h+b1)&mask)
			low2, low3 = min(low2, reduce(a2*h+b2)&mask), min(low3, reduce(a3*h+b3)&mask)
		}
		low[0], low[1], low[2], low[3] = low0, low1, low2, low3
	}
}

// reduce returns x mod 2^61-1. The sum is below 2^61+7; less the prime it wraps to a great number, unless it was not below it.
func reduce(x uint64) uint64 {
	x = x&prime + x>>61
	return min(x, x-prime)
}

// finalise is the last step of MurmurHash3's 32-bit variant, which datasketch applies to a hash before the affine permutations.
func finalise(h uint32) uint32 {
	h ^= h >> 16
	h *= 0x85ebca6b
	h ^= h >> 13
	h *= 0xc2b2ae35
	return h ^ h>>16
}
