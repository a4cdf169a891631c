//go:build goexperiment.simd

package minhash

import (
	"encoding/binary"
	"simd/archsimd"
)

func init() {
	if archsimd.X86.AVX512() {
		affine, mersenne, sha1Sums = affineLanes, mersenneLanes, sha1Lanes
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

// oneBlock is the longest shingle, in bytes, that SHA-1 takes in one block: 64 less the mark and the length.
const oneBlock = 55

// sha1Lanes is sha1Portable for 16 shingles at a step. Shingles of more than one block, which few are, are left to sha1Portable.
func sha1Lanes(dst []uint64, shingles [][]byte) {
	var (
		words [16][16]uint32 // of the message, by position and lane
		used  [16]int        // words of the lane's last message, before the length
		sums  [2][16]uint32
	)
	for i := 0; i < len(shingles); i += 16 {
		some := shingles[i:min(i+16, len(shingles))]
		for lane, s := range some {
			if len(s) > oneBlock {
				continue
			}
			lane &= 15
			words[15][lane] = uint32(len(s)) * 8
			w := 0
			for ; len(s) >= 4; s = s[4:] {
				words[w&15][lane] = binary.BigEndian.Uint32(s)
				w++
			}
			last := uint32(0x80) << 24
			for k := len(s) - 1; k >= 0; k-- {
				last = last>>8 | uint32(s[k])<<24
			}
			words[w&15][lane] = last
			for k := w + 1; k <= used[lane]; k++ {
				words[k&15][lane] = 0
			}
			used[lane] = w
		}
		sha1Blocks(&sums, &words)
		for lane, s := range some {
			if len(s) > oneBlock {
				sha1Portable(dst[i+lane:i+lane+1], some[lane:lane+1])
				continue
			}
			var sum [8]byte
			binary.BigEndian.PutUint32(sum[:], sums[0][lane])
			binary.BigEndian.PutUint32(sum[4:], sums[1][lane])
			dst[i+lane] = binary.LittleEndian.Uint64(sum[:])
		}
	}
}

// sha1Blocks gives the first two words of the SHA-1 (FIPS 180-4, section 6.1) of 16 messages of one block.
func sha1Blocks(sums *[2][16]uint32, words *[16][16]uint32) {
	var w [16]archsimd.Uint32x16
	for i := range w {
		w[i] = archsimd.LoadUint32x16(&words[i])
	}
	a0, b0 := archsimd.BroadcastUint32x16(0x67452301), archsimd.BroadcastUint32x16(0xefcdab89)
	a, b := a0, b0
	c, d, e := archsimd.BroadcastUint32x16(0x98badcfe), archsimd.BroadcastUint32x16(0x10325476), archsimd.BroadcastUint32x16(0xc3d2e1f0)

	k := archsimd.BroadcastUint32x16(0x5a827999)
	for t := range 16 {
		f := d.Xor(b.And(c.Xor(d)))
		a, b, c, d, e = a.RotateAllLeft(5).Add(f).Add(e.Add(k).Add(w[t])), a, b.RotateAllLeft(30), c, d
	}
	for t := 16; t < 20; t++ {
		x := w[(t-3)&15].Xor(w[(t-8)&15]).Xor(w[(t-14)&15].Xor(w[t&15])).RotateAllLeft(1)
		w[t&15] = x
		f := d.Xor(b.And(c.Xor(d)))
		a, b, c, d, e = a.RotateAllLeft(5).Add(f).Add(e.Add(k).Add(x)), a, b.RotateAllLeft(30), c, d
	}
	k = archsimd.BroadcastUint32x16(0x6ed9eba1)
	for t := 20; t < 40; t++ {
		x := w[(t-3)&15].Xor(w[(t-8)&15]).Xor(w[(t-14)&15].Xor(w[t&15])).RotateAllLeft(1)
		w[t&15] = x
		f := b.Xor(c).Xor(d)
		a, b, c, d, e = a.RotateAllLeft(5).Add(f).Add(e.Add(k).Add(x)), a, b.RotateAllLeft(30), c, d
	}
	k = archsimd.BroadcastUint32x16(0x8f1bbcdc)
	for t := 40; t < 60; t++ {
		x := w[(t-3)&15].Xor(w[(t-8)&15]).Xor(w[(t-14)&15].Xor(w[t&15])).RotateAllLeft(1)
		w[t&15] = x
		f := b.And(c).Or(d.And(b.Or(c)))
		a, b, c, d, e = a.RotateAllLeft(5).Add(f).Add(e.Add(k).Add(x)), a, b.RotateAllLeft(30), c, d
	}
	k = archsimd.BroadcastUint32x16(0xca62c1d6)
	for t := 60; t < 80; t++ {
		x := w[(t-3)&15].Xor(w[(t-8)&15]).Xor(w[(t-14)&15].Xor(w[t&15])).RotateAllLeft(1)
		w[t&15] = x
		f := b.Xor(c).Xor(d)
		a, b, c, d, e = a.RotateAllLeft(5).Add(f).Add(e.Add(k).Add(x)), a, b.RotateAllLeft(30), c, d
	}
	a.Add(a0).Store(&sums[0])
	b.Add(b0).Store(&sums[1])
	archsimd.ClearAVXUpperBits()
}
