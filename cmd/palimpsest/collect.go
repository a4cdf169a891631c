package main

import (
	"runtime"
	"runtime/debug"
	heap "runtime/metrics"

	"palimpsest/pipeline"
)

// Most of a large heap is buffers of text and tables of numbers. They cost the collector nothing to look at, so that collecting often keeps
// the memory near what is in use. A collection takes some milliseconds all the same, for what the drivers of object stores set up when the
// program starts: even a small heap may grow by leastGrowth before the next one.
const leastGrowth = 32 << 20

// collectWithin keeps the heap below that many bytes, if that can be, and has it collected whenever it has grown by so many per cent of
// what is in use, and by leastGrowth at least. It is called once.
func collectWithin(memory pipeline.ByteSize, percent int) {
	debug.SetMemoryLimit(int64(memory))
	p := &pace{percent, []heap.Sample{{Name: "/gc/heap/live:bytes"}}}
	p.set()
}

// pace is of no use to anyone, and so tells of every collection by its finalizer.
type pace struct {
	percent int
	live    []heap.Sample
}

// set sets the percentage by what the last collection left, and again after the next one.
func (p *pace) set() {
	heap.Read(p.live)
	live := max(p.live[0].Value.Uint64(), 1<<20)
	debug.SetGCPercent(max(p.percent, int(leastGrowth*100/live)))
	runtime.SetFinalizer(p, (*pace).set)
}
