package read

import (
	"encoding/binary"
	"math"
)

// delta decodes DELTA_BINARY_PACKED (https://github.com/apache/parquet-format/blob/master/Encodings.md) into all of dst and returns
// the bytes used. The count in the encoding must be len(dst): it is not what memory is given for. Sums wrap around, as the format
// has it.
func delta(dst []int64, src []byte) (used int, err error) {
	size := len(src)
	short := func() (int, error) { return 0, corrupt("delta-encoded numbers end early") }
	var head [3]uint64 // values in a block, miniblocks in a block, values in all
	for i := range head {
		v, n := binary.Uvarint(src)
		if n <= 0 {
			return short()
		}
		head[i], src = v, src[n:]
	}
	first, n := binary.Varint(src)
	if n <= 0 {
		return short()
	}
	src = src[n:]
	if head[2] != uint64(len(dst)) {
		return 0, corrupt("%d delta-encoded numbers where the page has %d", head[2], len(dst))
	}
	if head[0] == 0 || head[1] == 0 || head[0] > math.MaxInt32 || head[0]%head[1] != 0 || head[0]/head[1]%8 != 0 {
		return 0, corrupt("delta-encoded numbers in blocks of %d values and %d miniblocks", head[0], head[1])
	}
	minis, per := int(head[1]), int(head[0]/head[1])
	if len(dst) == 0 {
		return size - len(src), nil
	}
	dst[0] = first
	last, at := first, 1
	for at < len(dst) {
		least, n := binary.Varint(src)
		if n <= 0 || len(src)-n < minis {
			return short()
		}
		widths := src[n : n+minis]
		src = src[n+minis:]
		for _, w := range widths {
			if at == len(dst) {
				break // widths of miniblocks without values mean nothing
			}
			if w > 64 {
				return 0, corrupt("delta-encoded numbers of %d bits", w)
			}
			k := min(per, len(dst)-at)
			if len(src) < (k*int(w)+7)/8 {
				return short()
			}
			last = undelta(dst[at:at+k], src, int(w), least, last)
			at += k
			// The last miniblock is padded; some writers leave the padding out.
			src = src[min(len(src), per*int(w)/8):]
		}
	}
	return size - len(src), nil
}

// undelta adds up one miniblock of differences of width bits. src must hold them all.
func undelta(dst []int64, src []byte, width int, least, last int64) int64 {
	var acc, high uint64 // high holds what of a byte does not fit acc
	have := 0
	mask := uint64(math.MaxUint64)
	if width < 64 {
		mask = 1<<width - 1
	}
	for i := range dst {
		for have < width {
			b := uint64(src[0])
			src = src[1:]
			acc |= b << have
			if have > 56 {
				high = b >> (64 - have)
			}
			have += 8
		}
		d := acc & mask
		if width == 64 {
			acc = high
		} else {
			acc >>= width
			if have > 64 {
				acc |= high << (64 - width)
			}
		}
		high = 0
		have -= width
		last += least + int64(d)
		dst[i] = last
	}
	return last
}

// lengths decodes delta-encoded lengths of byte strings into dst and returns the bytes used and their sum.
func lengths(dst []int64, src []byte) (used int, sum int64, err error) {
	if used, err = delta(dst, src); err != nil {
		return 0, 0, err
	}
	for _, n := range dst {
		if n < 0 || n > math.MaxInt32 {
			return 0, 0, corrupt("a byte string of length %d", n)
		}
		sum += n // at most 2^31 values of 2^31 bytes
	}
	return used, sum, nil
}
