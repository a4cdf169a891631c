package words

import (
	"encoding/binary"
	"slices"
	"unsafe"
)

// appendASCII appends the stream of text[i:] up to its first non-ASCII byte, and returns the position of that byte. dst ends
// with a space or within a word that text[:i] began. It is portableASCII or, where the processor and the build allow, a wide form
// that gives the same bytes and takes most two-byte runes too.
var appendASCII = portableASCII

// wide says that appendASCII is the wide form.
var wide = false

const highBits = 0x8080808080808080

// portableASCII takes two bytes at a step, by a table of what they leave of the stream.
func portableASCII(dst, text []byte, i int) ([]byte, int) {
	dst = slices.Grow(dst, len(text)-i+1) // each step stores two bytes, whatever it keeps
	out := dst[len(dst):cap(dst)]
	rest := text[i:]
	var after uint32
	if dst[len(dst)-1] == ' ' {
		after = afterSpace
	}
	if len(rest) >= block {
		var taken, kept int
		taken, kept, after = lowerBlocks(out, rest, after)
		rest, out = rest[taken:], out[kept:]
	}
	for len(rest) >= 2 {
		two := uint32(binary.LittleEndian.Uint16(rest))
		if two&0x8080 != 0 {
			break
		}
		e := pairs[(two|after)&(1<<15-1)]
		binary.LittleEndian.PutUint16(out, uint16(e))
		rest, out = rest[2:], out[e>>16:]
		after = afterByte[two>>8]
	}
	if len(rest) > 0 && rest[0] < 0x80 {
		e := pairs[uint32(rest[0])|' '<<8|after]
		out[0] = byte(e)
		rest, out = rest[1:], out[(e>>16+1)/2:] // less the space that stood for a second byte
	}
	return dst[:cap(dst)-len(out)], len(text) - len(rest)
}

// pairs has, for two bytes of ASCII (the first the lower) and afterSpace where they follow a space or other separator, their bytes of
// the stream and, above 16 bits, the number of these. Of its 128 KB, 40 serve 99 pairs in a hundred of prose and of source code.
var pairs = func() (t [1 << 15]uint32) {
	for k := range t {
		space := k&afterSpace != 0
		for _, c := range [2]byte{ascii[k&0x7F], ascii[k>>8]} {
			if n := t[k] >> 16; c != ' ' || !space {
				t[k] += 1<<16 | uint32(c)<<(8*n)
			}
			space = c == ' '
		}
	}
	return t
}()

// afterSpace is free in an index of pairs, because the first byte is ASCII.
const afterSpace = 0x80

// afterByte is afterSpace for each separator. The byte before decides, not what a pair left: then only the place in the stream is
// carried from step to step, and the processor has the loads of many steps under way.
var afterByte = func() (t [256]uint32) {
	for c, key := range ascii {
		if key == ' ' {
			t[c] = afterSpace
		}
	}
	return t
}()

// block is the bytes between two checks for the end of ASCII.
const block = 16

// lowerBlocks puts the stream of text into out, up to the first block that is not whole or not all ASCII; out is no shorter than text.
//
// Bounds that it checked would cost two fifths of its speed, for the compiler cannot see that they hold: it reads whole blocks of text,
// and stores two bytes for every two that it takes, at kept, which is at most what it took before. It loads eight bytes without regard
// to alignment or order, which amd64 and arm64 bear, because the compiler would make single loads of what lowerPair reads again.
func lowerBlocks(out, text []byte, after uint32) (taken, kept int, _ uint32) {
	from, to := unsafe.Pointer(unsafe.SliceData(text)), unsafe.Pointer(unsafe.SliceData(out))
	for end := len(text) &^ (block - 1); taken < end; taken += block {
		at := unsafe.Add(from, taken)
		if (*(*uint64)(at)|*(*uint64)(unsafe.Add(at, 8)))&highBits != 0 {
			break
		}
		kept, after = lowerPair(to, kept, at, after)
		kept, after = lowerPair(to, kept, unsafe.Add(at, 2), after)
		kept, after = lowerPair(to, kept, unsafe.Add(at, 4), after)
		kept, after = lowerPair(to, kept, unsafe.Add(at, 6), after)
		kept, after = lowerPair(to, kept, unsafe.Add(at, 8), after)
		kept, after = lowerPair(to, kept, unsafe.Add(at, 10), after)
		kept, after = lowerPair(to, kept, unsafe.Add(at, 12), after)
		kept, after = lowerPair(to, kept, unsafe.Add(at, 14), after)
	}
	return taken, kept, after
}

// lowerPair takes the two bytes at from. They are ASCII, so that their index is below the 1<<15 of pairs.
func lowerPair(to unsafe.Pointer, kept int, from unsafe.Pointer, after uint32) (int, uint32) {
	two := uint32(binary.LittleEndian.Uint16((*[2]byte)(from)[:]))
	e := *(*uint32)(unsafe.Add(unsafe.Pointer(&pairs), 4*uintptr(two|after)))
	binary.LittleEndian.PutUint16((*[2]byte)(unsafe.Add(to, kept))[:], uint16(e))
	return kept + int(e>>16), afterByte[two>>8]
}
