package minhash

import "bytes"

// spaces writes the places of the stream's spaces to dst, those from the given place on and before next, which is the stream's
// length if these are all. It is replaced by init where the CPU has a better one. dst holds 64 or more.
var spaces = spacesPortable

func spacesPortable(dst []int, stream []byte, from int) (n, next int) {
	for n < len(dst) {
		i := bytes.IndexByte(stream[from:], ' ')
		if i < 0 {
			return n, len(stream)
		}
		dst[n] = from + i
		n++
		from += i + 1
	}
	return n, from
}
