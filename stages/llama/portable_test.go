//go:build !(goexperiment.simd && amd64)

package llama_test

// every is of how many of the testbed's texts one is scored: the portable code takes minutes for all.
const every = 8
