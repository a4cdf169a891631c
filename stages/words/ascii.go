package words

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// appendASCII appends the stream of text[i:] up to its first non-ASCII byte, and returns the position of that byte. dst ends
// with a space or within a word that text[:i] began. It is portableASCII or, where the processor and the build allow, a wide form
// that gives the same bytes and takes most two-byte runes too.
var appendASCII = portableASCII

// wide says that appendASCII is the wide form.
var wide = false

const (
	each     = 0x0101010101010101 // times a byte: that byte in all eight places
	highBits = 0x80 * each
)

// portableASCII takes eight bytes at a step, as one word. Each becomes a space or its lower case, and of two spaces in a row the
// second is dropped: most steps drop one run of bytes or none, in no order that a processor could foretell, so one run is always
// closed up by shifts and masks, and only a second one takes a branch. A step stores eight bytes, whatever it keeps.
func portableASCII(dst, text []byte, i int) ([]byte, int) {
	dst = slices.Grow(dst, len(text)-i+span+8)
	out := dst[len(dst):cap(dst)]
	var after uint64 // the high bit of the first byte, after a space
	if dst[len(dst)-1] == ' ' {
		after = 0x80
	}
	rest := text[i:]
	for len(rest) >= span && len(out) >= span+8 {
		var size, kept int
		size, kept, after = lowerSpan((*[span + 8]byte)(out), (*[span]byte)(rest), after)
		rest, out = rest[size:], out[kept:]
		if size < span {
			break
		}
	}
	for len(rest) > 0 {
		eight, size := uint64(0), min(8, len(rest))
		if size == 8 {
			eight = binary.LittleEndian.Uint64(rest)
		} else {
			for k, c := range rest {
				eight |= uint64(c) << (8 * k & 63)
			}
		}
		if high := eight & highBits; high != 0 {
			size = bits.TrailingZeros64(high) / 8
			eight &= 1<<(8*size) - 1
		}
		keys, spaces := lowerEight(eight)
		dropped := spaces & (spaces<<8 | after) & (1<<(8*size) - 1)
		after = spaces >> 56
		ones := dropped >> 7
		binary.LittleEndian.PutUint64(out, closeUp(keys, ones))
		rest, out = rest[size:], out[size-int(ones*each>>56):]
		if size < 8 {
			break
		}
	}
	return dst[:cap(dst)-len(out)], len(text) - len(rest)
}

// span is the bytes between two checks of the bounds.
const span = 64

// lowerSpan puts the stream of from into to, up to the first eight bytes that are not all ASCII. after is as in portableASCII.
func lowerSpan(to *[span + 8]byte, from *[span]byte, after uint64) (size, kept int, _ uint64) {
	for ; size < span; size += 8 {
		eight := binary.LittleEndian.Uint64(from[size:])
		if eight&highBits != 0 {
			break
		}
		keys, spaces := lowerEight(eight)
		dropped := spaces & (spaces<<8 | after)
		after = spaces >> 56
		ones := dropped >> 7
		first := ones & -ones // of the first dropped byte; none is 0, which the masks below bear
		run := ones * 0xff
		width := 8 * (ones * each >> 56)
		if run&(run+first) == 0 { // the carry went through every dropped byte: they are one run
			keys ^= (keys ^ keys>>(width&63)) & -first
		} else {
			keys = closeUp(keys, ones)
		}
		binary.LittleEndian.PutUint64(to[kept&(span-1):], keys) // kept is below span, which the compiler does not know
		kept += 8 - int(width>>3)
	}
	return size, kept, after
}

// lowerEight maps eight ASCII bytes to their bytes of the stream; spaces has the high bit of each that is a space.
func lowerEight(eight uint64) (keys, spaces uint64) {
	lower := eight | 0x20*each // of a letter; and what else it makes of others is no letter
	// A sum's high bit says that its byte is at or above the bound; two of them differ between the bounds.
	kept := ((lower + (0x80-'a')*each) ^ (lower + (0x7f-'z')*each) ^ (eight + (0x80-'0')*each) ^ (eight + (0x7f-'9')*each)) & highBits
	return lower&(kept-kept>>7) | 0x20*each, kept ^ highBits
}

// closeUp drops the bytes of keys whose low bits ones has.
func closeUp(keys, ones uint64) uint64 {
	for ones != 0 {
		first := ones & -ones
		keys ^= (keys ^ keys>>8) & -first
		ones = (ones ^ first) >> 8
	}
	return keys
}
