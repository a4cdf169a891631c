package read

import "encoding/binary"

// hybrid decodes the RLE and bit-packing hybrid (https://github.com/apache/parquet-format/blob/master/Encodings.md#rle) of values
// of width bits into all of dst, and returns the bytes used. Runs that are longer than what is left of dst are cut: writers fill
// their last bit-packed group.
func hybrid[T uint8 | uint32](dst []T, src []byte, width int) (used int, err error) {
	if width == 0 {
		clear(dst)
		return 0, nil
	}
	size := len(src)
	for len(dst) > 0 {
		head, n := binary.Uvarint(src)
		if n <= 0 {
			return 0, corrupt("encoded levels or indexes end %d values early", len(dst))
		}
		src = src[n:]
		if head&1 == 0 {
			bytes := (width + 7) / 8
			if len(src) < bytes {
				return 0, corrupt("encoded levels or indexes end %d values early", len(dst))
			}
			var v uint32
			for i := range bytes {
				v |= uint32(src[i]) << (8 * i)
			}
			src = src[bytes:]
			k := min(head>>1, uint64(len(dst)))
			if k == 0 {
				return 0, corrupt("an encoded run is empty")
			}
			for i := range dst[:k] {
				dst[i] = T(v)
			}
			dst = dst[k:]
			continue
		}
		groups := head >> 1
		k := len(dst)
		if groups < uint64(k+7)/8 {
			k = int(groups) * 8
		}
		if k == 0 {
			return 0, corrupt("an encoded run is empty")
		}
		// The last group may be cut short at the end of the page.
		if need := (k*width + 7) / 8; len(src) < need {
			return 0, corrupt("encoded levels or indexes end %d values early", len(dst)-len(src)*8/width)
		}
		unpack(dst[:k], src, width)
		dst = dst[k:]
		src = src[min(uint64(len(src)), groups*uint64(width)):]
	}
	return size - len(src), nil
}

// unpack reads values of width bits, at most 32, least significant bit first. src must hold them all.
func unpack[T uint8 | uint32](dst []T, src []byte, width int) {
	var acc uint64
	have := 0
	mask := uint64(1)<<width - 1
	for i := range dst {
		for have < width {
			acc |= uint64(src[0]) << have
			src = src[1:]
			have += 8
		}
		dst[i] = T(acc & mask)
		acc >>= width
		have -= width
	}
}

// single reports whether the first n values of the hybrid are one run of value.
func single(src []byte, width, n int, value byte) bool {
	head, k := binary.Uvarint(src)
	return k > 0 && head&1 == 0 && head>>1 >= uint64(n) && width > 0 && width <= 8 && len(src) > k && src[k] == value
}
