package read

import (
	"context"
	"io"
	"sync"
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
	cancel context.CancelFunc
	wg     sync.WaitGroup
	end    error // why the queue was closed; io.EOF after the last part
}

type fetched struct {
	index int
	done  chan struct{} // closed when the rest is there
	group *Group
	err   error
}

// Ahead starts to read the parts, at most depth of them before they are asked for. Close must be called.
func (s *Source) Ahead(ctx context.Context, parts []Part, depth int) *Ahead {
	ctx, cancel := context.WithCancel(ctx)
	a := &Ahead{queue: make(chan *fetched, max(depth, 1)), cancel: cancel, end: io.EOF}
	a.wg.Go(func() {
		defer close(a.queue)
		for i, p := range parts {
			f := &fetched{index: i, done: make(chan struct{})}
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
			select {
			case a.queue <- f:
			case <-ctx.Done():
				a.end = context.Cause(ctx)
				a.drop(f)
				return
			}
		}
	})
	return a
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
