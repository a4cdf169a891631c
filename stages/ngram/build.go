package ngram

import (
	"bytes"
	"context"
	"math/bits"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"
)

// Building goes partition by partition, so that each one's buckets and bits of the gate lie in the cache while it is filled: placed one
// by one in an index of 1 GB, every gram costs two misses. Grams are dealt to partitions in rounds of at most roundPlaces; each round
// hashes all texts anew, which costs less than keeping all hashes.

const (
	partPlaces  = 1 << 14 // places of a partition, about: 160 KiB of buckets, 40 KiB of gate
	roundPlaces = 8 << 20
	dealtBytes  = 16 // a place, its hash, and the place before it with the same gram
	segmentSize = 1 << 18
)

// buildBytes returns the memory that building takes beside the index, or reading it where that takes more.
func buildBytes(textBytes, places int64) int64 {
	return max(min(places, roundPlaces+2*partPlaces)*dealtBytes, textBytes/8)
}

// segment is a stretch of a probe's places, each Every bytes from the last.
type segment struct{ from, end int }

// places returns how many places it has.
func (s segment) places(every int) int { return (s.end - s.from + every - 1) / every }

// builder fills an index.
type builder struct {
	*Index
	workers  int
	segments []segment
	shares   []int   // worker w deals segments[shares[w]:shares[w+1]]: in which order places are dealt does not depend on how many there are
	counts   [][]int // by worker and partition

	// The round in hand. A place's next leads to the one dealt before it with the same gram: its position in the partition, plus one.
	hashes       []uint64
	places, next []uint32
}

// NewIndex builds the index of the probes that are long enough for a span, on so many goroutines.
func NewIndex(ctx context.Context, texts *Texts, config Config, sampling Sampling, workers int) (*Index, error) {
	x := &Index{config: config, Sampling: sampling, texts: texts, least: config.least()}
	b := &builder{Index: x, workers: max(workers, 1)}
	var places int
	b.segments, places = x.segments()
	x.size(places)
	dealt := 0
	for i, s := range b.segments {
		for dealt >= len(b.shares)*places/b.workers { // the next worker's share begins
			b.shares = append(b.shares, i)
		}
		dealt += s.places(x.Every)
	}
	for len(b.shares) <= b.workers {
		b.shares = append(b.shares, len(b.segments))
	}
	if err := b.count(ctx); err != nil {
		return nil, err
	}
	return x, b.fill(ctx)
}

// segments returns the places to index and how many they are.
func (x *Index) segments() (all []segment, places int) {
	for i := range x.texts.probes {
		if !x.texts.Searchable(i, x.config) {
			continue
		}
		first, end := int(x.texts.start[i]), int(x.texts.start[i+1])-x.Gram+1
		for from := first; from < end; from += segmentSize * x.Every {
			s := segment{from, min(from+segmentSize*x.Every, end)}
			places += s.places(x.Every)
			all = append(all, s)
		}
	}
	return all, places
}

// size makes the gate, and as many partitions as so many places want.
func (x *Index) size(places int) {
	bitsLog := max(bits.Len(uint(max(places*gateBitsPerGram-1, 1))), 13)
	x.gate, x.gateShift = make([]uint64, 1<<(bitsLog-6)), uint(64-bitsLog+6)
	parts := 1 << bits.Len(uint(places/partPlaces))
	x.parts, x.partShift = make([]uint32, parts+1), uint(64-bits.Len(uint(parts-1)))
	x.lists = make([][]uint32, parts)
	adviseHuge(x.gate)
}

// eachSegment calls fn for each segment on the goroutine of the worker whose share it is.
func (b *builder) eachSegment(ctx context.Context, fn func(worker int, s segment)) error {
	eg, ctx := errgroup.WithContext(ctx)
	for w := range b.workers {
		eg.Go(func() error {
			for _, s := range b.segments[b.shares[w]:b.shares[w+1]] {
				if err := ctx.Err(); err != nil {
					return context.Cause(ctx)
				}
				fn(w, s)
			}
			return nil
		})
	}
	return eg.Wait()
}

// share calls fn for each of n things on the builder's goroutines, which take the next one when they are done with one.
func (b *builder) share(ctx context.Context, n int, fn func(i int)) error {
	var taken atomic.Int64
	eg, ctx := errgroup.WithContext(ctx)
	for range b.workers {
		eg.Go(func() error {
			for i := int(taken.Add(1)) - 1; i < n; i = int(taken.Add(1)) - 1 {
				if err := ctx.Err(); err != nil {
					return context.Cause(ctx)
				}
				fn(i)
			}
			return nil
		})
	}
	return eg.Wait()
}

// count finds out how many places each partition has, and makes the buckets.
func (b *builder) count(ctx context.Context) error {
	x := b.Index
	for range b.workers {
		b.counts = append(b.counts, make([]int, len(x.lists)))
	}
	err := b.eachSegment(ctx, func(w int, s segment) {
		counts := b.counts[w]
		for at := s.from; at < s.end; at += x.Every {
			counts[hash(x.texts.buf[at:], x.Gram)>>x.partShift]++
		}
	})
	buckets := 0
	for p := range x.lists {
		n := 0
		for w := range b.counts {
			n += b.counts[w][p]
		}
		buckets += int(float64(n)/bucketLoad) + 1
		x.parts[p+1] = uint32(buckets)
	}
	x.buckets = make([]bucket, buckets)
	adviseHuge(x.buckets)
	return err
}

// fill deals the places to the partitions, round by round, and fills each.
func (b *builder) fill(ctx context.Context) error {
	parts := len(b.lists)
	starts := make([][]int, b.workers) // by worker, of this round's partitions
	for w := range starts {
		starts[w] = make([]int, parts)
	}
	var ends []int
	for first := 0; first < parts; {
		end, dealt := first, 0
		ends = ends[:0]
		for ; end < parts && (end == first || dealt < roundPlaces); end++ {
			for w := range starts {
				starts[w][end] = dealt
				dealt += b.counts[w][end]
			}
			ends = append(ends, dealt)
		}
		if cap(b.hashes) < dealt {
			b.hashes, b.places, b.next = make([]uint64, dealt), make([]uint32, dealt), make([]uint32, dealt)
		}
		err := b.eachSegment(ctx, func(w int, s segment) { b.deal(s, starts[w], first, end) })
		if err != nil {
			return err
		}
		err = b.share(ctx, end-first, func(i int) {
			from := 0
			if i > 0 {
				from = ends[i-1]
			}
			b.fillPart(first+i, from, ends[i])
		})
		if err != nil {
			return err
		}
		first = end
	}
	return nil
}

// deal writes the segment's places of partitions [first, end) where starts says, and moves starts on.
func (b *builder) deal(s segment, starts []int, first, end int) {
	for at := s.from; at < s.end; at += b.Every {
		h := hash(b.texts.buf[at:], b.Gram)
		if p := int(h >> b.partShift); p >= first && p < end {
			i := starts[p]
			starts[p]++
			b.hashes[i], b.places[i] = h, uint32(at)
		}
	}
}

// fillPart fills partition p with the places dealt to [from, end) of the round.
func (b *builder) fillPart(p, from, end int) {
	hashes, places, next := b.hashes[from:end], b.places[from:end], b.next[from:end]
	part := b.buckets[b.parts[p]:b.parts[p+1]]
	for i, h := range hashes {
		next[i] = 0
		b.gate[h>>b.gateShift] |= 1<<(h&63) | 1<<(h>>6&63)
		b.insert(h, i, places, next)
	}
	var list []uint32
	for k := range part {
		for j, e := range part[k] {
			if e == 0 {
				break
			}
			i := int(e&valueMask) - 1
			if next[i] == 0 {
				part[k][j] = e&^valueMask | uint64(places[i]+1)
				continue
			}
			part[k][j] = e&^valueMask | listBit | uint64(len(list)+1)
			list = b.appendList(list, i, places, next)
		}
	}
	b.lists[p] = slices.Clone(list)
}

// insert adds the i-th of the places dealt to a partition. Values of entries are positions among these until all are in.
func (b *builder) insert(h uint64, i int, places, next []uint32) {
	part, k := b.bucketsOf(h)
	tag := h & tagMask
	gram := b.texts.buf[places[i] : int(places[i])+b.Gram]
	for {
		for j, e := range &part[k] {
			if e == 0 {
				part[k][j] = tag<<tagShift | uint64(i+1)
				return
			}
			if e>>tagShift != tag {
				continue
			}
			before := int(e&valueMask) - 1
			if at := int(places[before]); bytes.Equal(b.texts.buf[at:at+b.Gram], gram) {
				next[i] = uint32(before + 1)
				part[k][j] = tag<<tagShift | uint64(i+1)
				return
			}
		}
		if k++; k == len(part) {
			k = 0
		}
	}
}

// appendList appends the list of the places that the chain from i leads to.
func (b *builder) appendList(list []uint32, i int, places, next []uint32) []uint32 {
	start := len(list)
	list = append(list, 0)
	var chain []uint32
	for {
		chain = append(chain, places[i])
		if next[i] == 0 {
			break
		}
		i = int(next[i]) - 1
	}
	slices.SortFunc(chain, func(p, q uint32) int {
		if c := bytes.Compare(b.before(p), b.before(q)); c != 0 {
			return c
		}
		return int(p) - int(q)
	})
	for len(chain) > 0 {
		n := 1
		for n < len(chain) && bytes.Equal(b.before(chain[0]), b.before(chain[n])) {
			n++
		}
		if n == 1 {
			list = append(list, chain[0]|alone)
		} else {
			list = append(list, uint32(n))
			list = append(list, chain[:n]...)
		}
		chain = chain[n:]
	}
	list[start] = uint32(len(list) - start - 1)
	return list
}

// before returns what stands before a place in its probe, as far as a text could go on from an earlier gram.
func (x *Index) before(place uint32) []byte {
	low := x.texts.start[x.texts.probeAt(int(place))]
	return x.texts.buf[max(int(low), int(place)-x.period()):place]
}
