package read

import (
	"math/bits"
	"sync"
)

// Stored chunks and decompressed pages live in buffers that are used again. Sizes are rounded up to one of four steps a doubling, so
// that at most a fifth of a buffer is unused. Those that wait are kept here and not in a sync.Pool, which every collection empties: new
// buffers would be most of what a scan allocates, and would set off most of its collections.
var waiting struct {
	sync.Mutex
	buffers [4 * 66][][]byte // by class
	bytes   int
	most    int
}

const (
	smallestBuffer = 4096
	mostWaiting    = 32 << 20 // bytes, or an eighth of the budget of the last source; what is beyond is left to the collector
)

// waitWithin bounds what waits by a source's budget.
func waitWithin(budget int64) {
	waiting.Lock()
	waiting.most = int(min(budget/8, mostWaiting))
	waiting.Unlock()
}

// classOf returns the class of buffers of at least n bytes, and their size. Classes ascend with the size.
func classOf(n int) (class, size int) {
	n = max(n, smallestBuffer)
	shift := bits.Len(uint(n-1)) - 3    // the three leading bits are kept
	step := (n + 1<<shift - 1) >> shift // 5 to 8
	return shift<<2 + step - 5, step << shift
}

// getBuffer returns a buffer of n bytes with any content. One that waits serves if it is less than four times as large. Where none does,
// one that is too small is given up for the new one: so there come to be as many as are used at a time, each as large as it has to be.
func getBuffer(n int) []byte {
	class, size := classOf(n)
	waiting.Lock()
	defer waiting.Unlock()
	for c := class; c < class+8; c++ {
		if b := takeWaiting(c); b != nil {
			return b[:n]
		}
	}
	for c := class - 1; c >= max(class-8, 0); c-- {
		if takeWaiting(c) != nil {
			break
		}
	}
	return make([]byte, n, size)
}

// takeWaiting takes a buffer of that class; nil when none waits. The lock is held.
func takeWaiting(class int) []byte {
	free := waiting.buffers[class]
	if len(free) == 0 {
		return nil
	}
	b := free[len(free)-1]
	free[len(free)-1] = nil
	waiting.buffers[class] = free[:len(free)-1]
	waiting.bytes -= cap(b)
	return b
}

// putBuffer gives a buffer of getBuffer back. It must not be used afterwards.
func putBuffer(b []byte) {
	class, size := classOf(cap(b))
	if cap(b) == 0 || size != cap(b) {
		return
	}
	waiting.Lock()
	if waiting.bytes+size <= waiting.most {
		waiting.buffers[class] = append(waiting.buffers[class], b)
		waiting.bytes += size
	}
	waiting.Unlock()
}

// dropBuffers leaves the buffers that wait to the collector.
func dropBuffers() {
	waiting.Lock()
	for i := range waiting.buffers {
		waiting.buffers[i] = nil
	}
	waiting.bytes = 0
	waiting.Unlock()
}
