package hash

import "math"

// bound is a Jaccard threshold as a fraction of 2^32, rounded down past any error of a floating-point division: every pair that the
// threshold takes keeps within the limits that are computed from it, in whole numbers. Sizes are
// below 2^31.
type bound uint64

func newBound(threshold float64) bound {
	return bound(max(math.Floor(threshold*(1<<32))-1, 0))
}

// least returns the fewest shingles that a set of n shares with one near it, which is also the size of the smallest such set.
func (b bound) least(n int) int {
	return max(int((uint64(n)*uint64(b)+1<<32-1)>>32), 1)
}

// most returns the size of the greatest set near one of n shingles.
func (b bound) most(n int) int {
	if b == 0 {
		return math.MaxInt
	}
	return int(min(uint64(n)<<32/uint64(b), math.MaxInt))
}

// shared returns the fewest shingles that sets of m and n shingles share when they are near: J(m+n) / (1+J) of them.
func (b bound) shared(m, n int) int {
	whole := uint64(b) + 1<<32
	return max(int((uint64(m+n)*uint64(b)+whole-1)/whole), 1)
}
