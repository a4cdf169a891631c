package words

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// appendASCII appends the stream of text[i:] up to its first non-ASCII byte, and returns the position of that byte. dst ends
// with a space or within a word that text[:i] began. It is portableASCII or, where the processor and the build allow, a wider
// form of it that gives the same bytes.
var appendASCII = portableASCII

const (
	each     = 0x0101010101010101 // times a byte: that byte in all eight places
	highBits = 0x80 * each
)

// portableASCII takes eight bytes at a step, as one word. Each becomes a space or its lower case, and of two spaces in a row the
// second is dropped: most steps drop one run of bytes or none, in no order that a processor could foretell, so one run is always
// closed up by shifts and masks, and only a second one takes a branch. A step stores eight bytes, whatever it keeps.
func portableASCII(dst, text []byte, i int) ([]byte, int) {
	dst = slices.Grow(dst, len(text)-i+stretch+8)
	out := dst[len(dst):cap(dst)]
	var after uint64 // the high bit of the first byte, after a space
	if dst[len(dst)-1] == ' ' {
		after = 0x80
	}
	rest := text[i:]
	for len(rest) >= stretch && len(out) >= stretch+8 {
		from, to := (*[stretch]byte)(rest), (*[stretch + 8]byte)(out)
		size, kept := 0, 0
		for ; size < stretch; size += 8 {
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
			at := kept & (stretch - 1) // kept, and the compiler sees that it is in bounds
			if run&(run+first) == 0 {  // the carry went through every dropped byte: they are one run
				width := ones * each >> 56
				keys ^= (keys ^ keys>>(8*width&63)) & -first
				binary.LittleEndian.PutUint64(to[at:], keys)
				kept += 8 - int(width)
			} else {
				keys, n := closeUp(keys, dropped)
				binary.LittleEndian.PutUint64(to[at:], keys)
				kept += n
			}
		}
		rest, out = rest[size:], out[kept:]
		if size < stretch {
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
		keys, kept := closeUp(keys, dropped)
		binary.LittleEndian.PutUint64(out, keys)
		rest, out = rest[size:], out[kept+size-8:]
		if size < 8 {
			break
		}
	}
	return dst[:cap(dst)-len(out)], len(text) - len(rest)
}

// stretch is the bytes between two checks of the bounds.
const stretch = 64

// lowerEight maps eight ASCII bytes to their bytes of the stream; spaces has the high bit of each that is a space.
func lowerEight(eight uint64) (keys, spaces uint64) {
	lower := eight | 0x20*each // of a letter; and what else it makes of others is no letter
	// A sum's high bit says that its byte is at or above the bound; two of them differ between the bounds.
	kept := ((lower + (0x80-'a')*each) ^ (lower + (0x7f-'z')*each) ^ (eight + (0x80-'0')*each) ^ (eight + (0x7f-'9')*each)) & highBits
	return lower&(kept-kept>>7) | 0x20*each, kept ^ highBits
}

// closeUp drops the bytes of keys whose high bits dropped has, and returns the rest and its length.
//
//go:noinline
func closeUp(keys, dropped uint64) (uint64, int) {
	kept := 8
	for ones := dropped >> 7; ones != 0; kept-- {
		first := ones & -ones
		keys ^= (keys ^ keys>>8) & -first
		ones = (ones ^ first) >> 8
	}
	return keys, kept
}
