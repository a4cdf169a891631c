//go:build goexperiment.simd && amd64

package llama_test

// every is of how many of the testbed's texts one is scored.
const every = 1
