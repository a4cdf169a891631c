//go:build goexperiment.simd && amd64

package words

import (
	"math/bits"
	"simd/archsimd"
	"slices"
	"unicode/utf8"
)

func init() {
	if archsimd.X86.AVX512VBMI() && archsimd.X86.AVX512VBMI2() {
		appendASCII = wideASCII
	}
}

// wideASCII is portableASCII with 64 bytes at a step. AVX-512 VBMI maps them by a table that registers hold, and VBMI2 closes up
// the bytes that stay. A step writes a whole register, which the slack makes room for; the last one reads less.
func wideASCII(dst, text []byte, i int) ([]byte, int) {
	dst = slices.Grow(dst, len(text)-i+64)
	out := dst[len(dst):cap(dst)]
	low, high := archsimd.LoadUint8x64((*[64]byte)(ascii[:64])), archsimd.LoadUint8x64((*[64]byte)(ascii[64:128]))
	space, beyond := archsimd.BroadcastUint8x64(' '), archsimd.BroadcastUint8x64(0x80)
	var after uint64 // 1 after a space
	if dst[len(dst)-1] == ' ' {
		after = 1
	}
	rest := text[i:]
	for len(rest) >= 64 {
		bytes := archsimd.LoadUint8x64((*[64]byte)(rest))
		if bytes.GreaterEqual(beyond).ToBits() != 0 {
			break
		}
		keys := low.ConcatPermute(high, bytes)
		spaces := keys.Equal(space).ToBits()
		kept := ^(spaces & (spaces<<1 | after))
		after = spaces >> 63
		keys.Compress(archsimd.Mask8x64FromBits(kept)).Store((*[64]byte)(out))
		out, rest = out[bits.OnesCount64(kept):], rest[64:]
	}
	if len(rest) > 0 && rest[0] < utf8.RuneSelf {
		bytes := archsimd.LoadUint8x64SlicePart(rest)
		size := min(bits.TrailingZeros64(bytes.GreaterEqual(beyond).ToBits()), len(rest))
		keys := low.ConcatPermute(high, bytes)
		spaces := keys.Equal(space).ToBits()
		kept := ^(spaces & (spaces<<1 | after)) & (1<<size - 1)
		keys.Compress(archsimd.Mask8x64FromBits(kept)).Store((*[64]byte)(out))
		out, rest = out[bits.OnesCount64(kept):], rest[size:]
	}
	archsimd.ClearAVXUpperBits()
	return dst[:cap(dst)-len(out)], len(text) - len(rest)
}
