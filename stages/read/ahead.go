package read

import (
	"context"
	"io"
	"sync"
	"sync/atomic"
)

// Part is one row group to read, and the columns of it.
type Part struct {
	File    *File
	Group   int
	Columns []Column
}

// Ahead reads row groups before they are asked for. One goroutine reserves their memory in the order of the plan, and never a later
// one's before an earlier one's, so that the group which is needed next is the one that is fetched; the fetches themselves overlap.
type Ahead struct {
	queue  chan *fetched
	taken  chan struct{} // tells that a part was taken from the queue
	cancel context.CancelFunc
	wg     sync.WaitGroup
	end    error // why the queue was closed; io.EOF after the last part

	parts, bytes atomic.Int64 // in the queue
}

type fetched struct {
	index int
	bytes int64
	done  chan struct{} // closed when the rest is there
	group *Group
	err   error
}

// Small row groups are read further ahead than large ones: what hides the latency of a store is how many bytes are on their way.
const (
	smallAhead = 16 << 20 // bytes of memory that parts beyond the depth may take together
	mostAhead  = 64       // parts
)

// Ahead starts to read the parts before they are asked for: at most depth of them, or more that are small, up to 64 parts or 16 MiB of
// memory. Close must be called.
func (s *Source) Ahead(ctx context.Context, parts []Part, depth int) *Ahead {
	ctx, cancel := context.WithCancel(ctx)
	depth = max(depth, 1)
	a := &Ahead{queue: make(chan *fetched, max(depth, mostAhead)), taken: make(chan struct{}, 1), cancel: cancel, end: io.EOF}
	a.wg.Go(func() {
		defer close(a.queue)
		for i, p := range parts {
			f := &fetched{index: i, done: make(chan struct{})}
			if p.Group >= 0 && p.Group < p.File.Groups() {
				_, f.bytes = p.File.Size(p.Group, p.Columns...)
			}
			if !a.await(ctx, int64(depth), f.bytes) {
				a.end = context.Cause(ctx)
				return
			}
			need, err := p.File.reserve(ctx, p.Group, p.Columns)
			if err != nil {
				f.err = err
				close(f.done)
			} else {
				a.wg.Go(func() {
					defer close(f.done)
					f.group, f.err = p.File.fetch(ctx, p.Group, p.Columns, need)
				})
			}
			a.parts.Add(1)
			a.bytes.Add(f.bytes)
			a.queue <- f // await left room
		}
	})
	return a
}

// await waits until a part of that many bytes may be read ahead, and reports whether it may: false when ctx has ended.
func (a *Ahead) await(ctx context.Context, depth, bytes int64) bool {
	for {
		n := a.parts.Load()
		if n < depth || n < mostAhead && bytes <= smallAhead-a.bytes.Load() {
			return ctx.Err() == nil
		}
		select {
		case <-a.taken:
		case <-ctx.Done():
			return false
		}
	}
}

// take counts a part out of the queue.
func (a *Ahead) take(f *fetched) {
	a.parts.Add(-1)
	a.bytes.Add(-f.bytes)
	select {
	case a.taken <- struct{}{}:
	default: // it is told already
	}
}

// Next returns the next part, in the order of the plan: its position there, and its group or why it could not be read. After the
// last part, the error is io.EOF and the position -1. A part that fails does not end the reading. Several goroutines may call Next;
// each must release its group before it asks for another.
func (a *Ahead) Next(ctx context.Context) (part int, g *Group, err error) {
	select {
	case f, ok := <-a.queue:
		if !ok {
			return -1, nil, a.end
		}
		a.take(f)
		<-f.done // a fetch that is cancelled ends at once
		return f.index, f.group, f.err
	case <-ctx.Done():
		return -1, nil, context.Cause(ctx)
	}
}

// Close stops reading and releases the groups that nobody asked for. Groups that Next returned stay with their holders.
func (a *Ahead) Close() {
	a.cancel()
	for f := range a.queue {
		a.take(f)
		a.drop(f)
	}
	a.wg.Wait()
	dropBuffers() // what comes next has other needs
}

func (a *Ahead) drop(f *fetched) {
	<-f.done
	if f.group != nil {
		f.group.Release()
	}
}
