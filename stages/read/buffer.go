package read

import (
	"math/bits"
	"sync"
)

// Stored chunks and decompressed pages live in buffers that are used again. Sizes are rounded up to one of four steps a doubling, so
// that at most a fifth of a buffer is unused. The collector empties the pools.
var buffers [4 * 64]sync.Pool

const smallestBuffer = 4096

// classOf returns the pool for buffers of at least n bytes, and their size.
func classOf(n int) (class, size int) {
	n = max(n, smallestBuffer)
	shift := bits.Len(uint(n-1)) - 3 // the three leading bits are kept
	step := (n + 1<<shift - 1) >> shift
	return shift<<2 | step&3, step << shift
}

// getBuffer returns a buffer of n bytes with any content.
func getBuffer(n int) []byte {
	class, size := classOf(n)
	if p, ok := buffers[class].Get().(*[]byte); ok {
		return (*p)[:n]
	}
	return make([]byte, n, size)
}

// putBuffer gives a buffer of getBuffer back. It must not be used afterwards.
func putBuffer(b []byte) {
	if cap(b) == 0 {
		return
	}
	class, size := classOf(cap(b))
	if size == cap(b) {
		buffers[class].Put(&b)
	}
}
