//go:build goexperiment.simd && amd64

package words

import (
	"math/bits"
	"simd/archsimd"
	"slices"
	"sync"
)

func init() {
	if archsimd.X86.AVX512VBMI() && archsimd.X86.AVX512VBMI2() {
		appendASCII, wide = wideASCII, true
	}
}

// wideASCII is portableASCII with 64 bytes at a step. AVX-512 VBMI maps them by tables that registers hold, and VBMI2 closes up
// the bytes that stay. A step writes a whole register, which the slack makes room for; the last one reads less. Two-byte runes
// whose keys are two bytes, such as most Latin, Cyrillic, Arabic and Hebrew letters, go with it, and so do the separators of
// General Punctuation: quotation marks, dashes, the ellipsis. It stops before any other.
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
	for len(rest) > 0 {
		if len(rest) >= 64 {
			bytes := archsimd.LoadUint8x64((*[64]byte)(rest))
			if bytes.GreaterEqual(beyond).ToBits() == 0 {
				keys := low.ConcatPermute(high, bytes)
				spaces := keys.Equal(space).ToBits()
				kept := ^(spaces & (spaces<<1 | after))
				after = spaces >> 63
				keys.Compress(archsimd.Mask8x64FromBits(kept)).Store((*[64]byte)(out))
				out, rest = out[bits.OnesCount64(kept):], rest[64:]
				continue
			}
		}
		bytes := archsimd.LoadUint8x64SlicePart(rest)
		keys := low.ConcatPermute(high, bytes)
		size := min(64, len(rest))
		if above := bytes.GreaterEqual(beyond).ToBits(); above != 0 {
			tables := twoBytes()
			follow := above & bytes.Less(archsimd.BroadcastUint8x64(0xC0)).ToBits() // bytes 10xxxxxx
			two := above &^ follow & bytes.Less(archsimd.BroadcastUint8x64(0xE0)).ToBits()
			three := bytes.Equal(archsimd.BroadcastUint8x64(0xE2)).ToBits()
			// What stops the step: leads of other lengths, leads without what should follow, and what follows no lead.
			bad := above&^follow&^two&^three | (two|three)&^(follow>>1) | three&^(follow>>2) | follow&^((two|three)<<1|three<<2)
			next := bytes.Permute(archsimd.LoadUint8x64(&oneOn))
			for leads := two; leads != 0; {
				lead := rest[bits.TrailingZeros64(leads)]
				these := bytes.Equal(archsimd.BroadcastUint8x64(lead)).ToBits()
				table := &tables.leads[lead&0x1F]
				keys = archsimd.LoadUint8x64(&table.first).Permute(next).Merge(keys, archsimd.Mask8x64FromBits(these))
				keys = archsimd.LoadUint8x64(&table.second).Permute(bytes).Merge(keys, archsimd.Mask8x64FromBits(these<<1))
				leads &^= these
			}
			if three != 0 {
				bad |= three << 1 &^ bytes.Equal(beyond).ToBits()
				keys = space.Merge(keys, archsimd.Mask8x64FromBits(three|three<<1))
				keys = archsimd.LoadUint8x64(&tables.punctuation).Permute(bytes).Merge(keys, archsimd.Mask8x64FromBits(three<<2))
			}
			bad |= keys.Equal(archsimd.Uint8x64{}).ToBits()
			if bad != 0 {
				begins := ^follow & (2<<bits.TrailingZeros64(bad) - 1)
				size = min(size, bits.Len64(begins|1)-1)
			}
		}
		spaces := keys.Equal(space).ToBits()
		kept := ^(spaces & (spaces<<1 | after)) & (1<<size - 1)
		keys.Compress(archsimd.Mask8x64FromBits(kept)).Store((*[64]byte)(out))
		out, rest = out[bits.OnesCount64(kept):], rest[size:]
		if size < 62 { // above that a rune may only have been cut
			break
		}
		after = spaces >> (size - 1) & 1
	}
	archsimd.ClearAVXUpperBits()
	return dst[:cap(dst)-len(out)], len(text) - len(rest)
}

// oneOn moves each byte of a register to the place before.
var oneOn = func() (t [64]byte) {
	for i := range t {
		t[i] = byte(min(i+1, 63))
	}
	return t
}()

// wideTables are what entries say of the runes that wideASCII takes, by their last six bits: the two bytes of the key, or two
// spaces. 0 stands for what it does not take.
type wideTables struct {
	leads       [32]struct{ first, second [64]byte }
	punctuation [64]byte // of U+2000 and up
}

var twoBytes = sync.OnceValue(func() *wideTables {
	t := new(wideTables)
	for r := rune(0x80); r < 0x800; r++ {
		e := entryOf(r)
		lead, k := &t.leads[r>>6], r&0x3F
		switch {
		case e&plain == 0:
		case e&kind == separator:
			lead.first[k], lead.second[k] = ' ', ' '
		case e&kind == letter && e.length() == 2:
			lead.first[k], lead.second[k] = byte(e), byte(e>>8)
		}
	}
	for k := range t.punctuation {
		if entryOf(0x2000+rune(k))&kind == separator {
			t.punctuation[k] = ' '
		}
	}
	return t
})
