//go:build goexperiment.simd

package minhash

import (
	"math/bits"
	"simd/archsimd"
)

func init() {
	if archsimd.X86.AVX512() {
		affine, mersenne, sha1Sums = affineLanes, mersenneLanes, sha1Lanes
		spaces = spacesLanes
	}
}

// affineLanes is affinePortable for 64 permutations at a step, 16 in a register. What is left over is portable.
func affineLanes(low, a, b, hashes []uint32) {
	i := 0
	for ; i+64 <= len(low); i += 64 {
		a0, b0, low0 := load32(a[i:]), load32(b[i:]), load32(low[i:])
		a1, b1, low1 := load32(a[i+16:]), load32(b[i+16:]), load32(low[i+16:])
		a2, b2, low2 := load32(a[i+32:]), load32(b[i+32:]), load32(low[i+32:])
		a3, b3, low3 := load32(a[i+48:]), load32(b[i+48:]), load32(low[i+48:])
		for _, h := range hashes {
			h := archsimd.BroadcastUint32x16(h)
			low0, low1 = low0.Min(a0.Mul(h).Add(b0)), low1.Min(a1.Mul(h).Add(b1))
			low2, low3 = low2.Min(a2.Mul(h).Add(b2)), low3.Min(a3.Mul(h).Add(b3))
		}
		low0.StoreSlice(low[i:])
		low1.StoreSlice(low[i+16:])
		low2.StoreSlice(low[i+32:])
		low3.StoreSlice(low[i+48:])
	}
	archsimd.ClearAVXUpperBits()
	affinePortable(low[i:], a[i:], b[i:], hashes)
}

// mersenneLanes is mersennePortable for 16 permutations at a step, 8 in a register.
func mersenneLanes(low, a, b, hashes []uint64, mask uint64) {
	p, m := archsimd.BroadcastUint64x8(prime), archsimd.BroadcastUint64x8(mask)
	i := 0
	for ; i+16 <= len(low); i += 16 {
		a0, b0, low0 := load64(a[i:]), load64(b[i:]), load64(low[i:])
		a1, b1, low1 := load64(a[i+8:]), load64(b[i+8:]), load64(low[i+8:])
		for _, h := range hashes {
			h := archsimd.BroadcastUint64x8(h)
			x0, x1 := a0.Mul(h).Add(b0), a1.Mul(h).Add(b1)
			x0, x1 = x0.And(p).Add(x0.ShiftAllRight(61)), x1.And(p).Add(x1.ShiftAllRight(61))
			x0, x1 = x0.Min(x0.Sub(p)), x1.Min(x1.Sub(p))
			low0, low1 = low0.Min(x0.And(m)), low1.Min(x1.And(m))
		}
		low0.StoreSlice(low[i:])
		low1.StoreSlice(low[i+8:])
	}
	archsimd.ClearAVXUpperBits()
	mersennePortable(low[i:], a[i:], b[i:], hashes, mask)
}

func load32(s []uint32) archsimd.Uint32x16 { return archsimd.LoadUint32x16Slice(s) }

func load64(s []uint64) archsimd.Uint64x8 { return archsimd.LoadUint64x8Slice(s) }

// spacesLanes is spacesPortable for 64 bytes at a step. It stops where another step's spaces might not fit.
func spacesLanes(dst []int, stream []byte, from int) (n, next int) {
	space := archsimd.BroadcastUint8x64(' ')
	for n+64 <= len(dst) && from < len(stream) {
		var found uint64
		if rest := stream[from:]; len(rest) >= 64 {
			found = archsimd.LoadUint8x64Slice(rest).Equal(space).ToBits()
		} else {
			found = archsimd.LoadUint8x64SlicePart(rest).Equal(space).ToBits()
		}
		for ; found != 0; found &= found - 1 {
			dst[n] = from + bits.TrailingZeros64(found)
			n++
		}
		from += 64
	}
	archsimd.ClearAVXUpperBits()
	return n, min(from, len(stream))
}
