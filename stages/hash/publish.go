package hash

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"github.com/zeebo/xxh3"

	"palimpsest/stages/flat"
	"palimpsest/stages/fold"
)

// A published index is the tables of near-duplicates as they lie in memory (package flat): to build them takes tens of times as long as all
// the rest, which is made anew of the probes.

const (
	publishedKind   = "palimpsest index of near-duplicates"
	publishedFormat = 1 // goes up when the hash of a shingle changes, or the order of shingles
)

// made returns what the tables were made for.
func (x *near) made() []flat.Field {
	digest := xxh3.New()
	_, _ = digest.Write(x.buf)
	for _, at := range x.starts {
		var b [4]byte
		binary.LittleEndian.PutUint32(b[:], at)
		_, _ = digest.Write(b[:])
	}
	sum := digest.Sum128()
	return []flat.Field{
		{Name: "format", Value: publishedFormat}, {Name: "least similarity (as bits)", Value: math.Float64bits(x.threshold)},
		{Name: "number of texts", Value: uint64(len(x.members))},
		{Name: "digest of the probes' words", Value: sum.Hi}, {Name: "digest of the probes' words", Value: sum.Lo},
	}
}

// WriteTo publishes what near-duplicates are looked for with: the same bytes for the same probes and least similarity, and none where they
// are not looked for.
func (x *Index) WriteTo(to io.Writer) (int64, error) {
	n := x.near
	if n == nil {
		return 0, nil
	}
	w := flat.NewWriter(to, publishedKind, n.made())
	flat.Write(w, []uint64{uint64(len(n.at)), uint64(len(n.sets)), uint64(len(n.prefixed))})
	flat.Write(w, n.at)
	flat.Write(w, n.slots)
	flat.Write(w, n.gate.table)
	flat.Write(w, n.ends)
	flat.Write(w, n.sets)
	flat.Write(w, n.lists)
	flat.Write(w, n.prefixed)
	return w.Close()
}

// ReadIndex returns the index of the probes, of which near-duplicates are not worked out, but read: what WriteTo has written for the same
// probes and least similarity. What was made for others is an error that names it, and so is what is not whole.
func ReadIndex(ctx context.Context, from io.Reader, probes []*fold.Probe, nearDuplicate float64) (*Index, error) {
	x, err := newEqual(ctx, probes, nearDuplicate)
	if err != nil || x.near == nil {
		return x, err
	}
	if err := x.near.read(from); err != nil {
		return nil, fmt.Errorf("the index of near-duplicates: %w", err)
	}
	return x, nil
}

func (x *near) read(from io.Reader) error {
	x.byWords = nil
	r := flat.NewReader(from, publishedKind, x.made())
	if r.Err() != nil {
		return r.Err()
	}
	places, slots := x.places()
	shingles, numbers := r.Len(places), r.Len(places)
	prefixed := r.Len(numbers)
	if r.Err() != nil {
		return r.Err()
	}
	x.at, x.slots, x.gate = make([]uint32, shingles), make([]uint64, slots), newGate(shingles)
	x.ends, x.sets = make([]uint32, len(x.members)), make([]uint32, numbers)
	x.lists, x.prefixed = make([]uint32, shingles+1), make([]uint32, prefixed)
	flat.Read(r, x.at)
	flat.Read(r, x.slots)
	flat.Read(r, x.gate.table)
	flat.Read(r, x.ends)
	flat.Read(r, x.sets)
	flat.Read(r, x.lists)
	flat.Read(r, x.prefixed)
	if err := r.Close(); err != nil {
		return err
	}
	if !x.sound() {
		return errors.New("it does not fit the probes")
	}
	x.size()
	return nil
}

// sound reports whether tables that were read cannot lead a search astray. That they are those of the probes is left to the digest.
func (x *near) sound() bool {
	taken := 0
	for _, e := range x.slots {
		if n := uint32(e); e != 0 {
			if n == 0 || int(n) > len(x.at) {
				return false
			}
			taken++
		}
	}
	if taken != len(x.at) { // so that one slot at least is free, and what no probe has is not looked for without end
		return false
	}
	for _, at := range x.at {
		if int(at) >= len(x.buf) {
			return false
		}
	}
	return ascend(x.ends, len(x.sets)) && ascend(x.lists, len(x.prefixed)) && below(x.sets, len(x.at)) && below(x.prefixed, len(x.members))
}

// ascend reports whether the ends of parts of a list do, up to its length.
func ascend(ends []uint32, length int) bool {
	last := uint32(0)
	for _, end := range ends {
		if end < last {
			return false
		}
		last = end
	}
	return int(last) == length
}

func below(numbers []uint32, limit int) bool {
	for _, n := range numbers {
		if int(n) >= limit {
			return false
		}
	}
	return true
}
