//go:build !linux

package ngram

// adviseHuge does nothing where the system has no such hint.
func adviseHuge[T any]([]T) {}
