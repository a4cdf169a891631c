package ngram

import (
	"syscall"
	"unsafe"
)

// adviseHuge asks for huge pages behind a large table that is read at random: with small ones, every look-up misses the address cache
// too (26 ns against 17 in a table of 2 GB). It is a hint: without it the table is as right.
func adviseHuge[T any](table []T) {
	const huge = 2 << 20
	size := len(table) * int(unsafe.Sizeof(*new(T)))
	if size < 2*huge {
		return
	}
	memory := unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(table))), size)
	skip := -uintptr(unsafe.Pointer(unsafe.SliceData(table))) % huge
	whole := (uintptr(size) - skip) / huge * huge
	_ = syscall.Madvise(memory[skip:skip+whole], syscall.MADV_HUGEPAGE)
}
