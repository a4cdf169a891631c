package ngram

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync/atomic"

	"github.com/zeebo/xxh3"
	"golang.org/x/sync/errgroup"

	"palimpsest/stages/flat"
)

// A published index is the tables of an index as they lie in memory (package flat). What the probes and the configuration say of them is
// not in it, the texts among that: to make texts anew takes less time than to read the rest. Its first bytes tell what it was made for.

const (
	publishedKind   = "palimpsest index of n-grams"
	publishedFormat = 1 // goes up when hash, or what an entry means, changes
)

// made returns what the index was made for.
func (x *Index) made(places int) []flat.Field {
	digest := xxh3.New()
	_, _ = digest.Write(x.texts.buf)
	for _, at := range x.texts.start {
		var b [4]byte
		binary.LittleEndian.PutUint32(b[:], at)
		_, _ = digest.Write(b[:])
	}
	sum := digest.Sum128()
	c := x.config
	return []flat.Field{
		{Name: "format", Value: publishedFormat},
		{Name: "unit", Value: uint64(c.Unit)}, {Name: "min_words", Value: uint64(c.MinWords)}, {Name: "min_bytes", Value: uint64(c.MinBytes)},
		{Name: "gram", Value: uint64(x.Gram)}, {Name: "stride", Value: uint64(x.Stride)}, {Name: "every", Value: uint64(x.Every)},
		{Name: "number of probes", Value: uint64(len(x.texts.probes))}, {Name: "number of places", Value: uint64(places)},
		{Name: "digest of the probes' texts", Value: sum.Hi}, {Name: "digest of the probes' texts", Value: sum.Lo},
	}
}

// WriteTo publishes the index: the same bytes for the same texts, configuration and sampling.
func (x *Index) WriteTo(to io.Writer) (int64, error) {
	_, places := x.segments()
	w := flat.NewWriter(to, publishedKind, x.made(places))
	lengths := make([]uint32, len(x.lists))
	for p, list := range x.lists {
		lengths[p] = uint32(len(list))
	}
	flat.Write(w, x.parts)
	flat.Write(w, lengths)
	flat.Write(w, x.gate)
	flat.Write(w, x.buckets)
	for _, list := range x.lists {
		flat.Write(w, list)
	}
	return w.Close()
}

// ReadIndex reads what WriteTo has written of an index over the same texts, and checks it on so many goroutines. One that was made for
// something else is an error that names it, and so is one that is not whole, or not as an index over the texts can be.
func ReadIndex(ctx context.Context, from io.Reader, texts *Texts, config Config, sampling Sampling, workers int) (*Index, error) {
	x := &Index{config: config, Sampling: sampling, texts: texts, least: config.least()}
	segments, places := x.segments()
	r := flat.NewReader(from, publishedKind, x.made(places))
	err := x.read(r, places)
	if err == nil {
		err = newAudit(x, segments).all(ctx, places, max(workers, 1))
	}
	if err != nil {
		return nil, fmt.Errorf("the index of n-grams: %w", err)
	}
	return x, nil
}

func (x *Index) read(r *flat.Reader, places int) error {
	if r.Err() != nil {
		return r.Err()
	}
	x.size(places)
	lengths := make([]uint32, len(x.lists))
	flat.Read(r, x.parts)
	flat.Read(r, lengths)
	if r.Err() != nil {
		return r.Err()
	}
	for p := range x.lists {
		if x.parts[0] != 0 || x.parts[p+1] <= x.parts[p] {
			return errors.New("its partitions do not follow each other")
		}
	}
	buckets, words := int(x.parts[len(x.lists)]), 0
	for _, n := range lengths {
		words += int(n)
	}
	// A place in a list has a word, and two of them one or two more.
	if buckets > int(float64(places)/bucketLoad)+len(x.lists) || words > 2*places {
		return fmt.Errorf("%d buckets and lists of %d words are too many for %d places", buckets, words, places)
	}
	x.buckets = make([]bucket, buckets)
	adviseHuge(x.buckets)
	lists := make([]uint32, words)
	adviseHuge(lists)
	flat.Read(r, x.gate)
	flat.Read(r, x.buckets)
	flat.Read(r, lists)
	for p, n := range lengths {
		x.lists[p], lists = lists[:n:n], lists[n:]
	}
	return r.Close()
}

// audit checks that an index that was read cannot lead a matcher astray: what stands in it are places to index, as many as there are, and
// the places of a list have one gram. That its hashes are those of its grams is left to the digest.
type audit struct {
	*Index
	places []uint64 // a bit for each place to index
}

func newAudit(x *Index, segments []segment) *audit {
	a := &audit{x, make([]uint64, len(x.texts.buf)/64+1)}
	for _, s := range segments {
		for at := s.from; at < s.end; at += x.Every {
			a.places[at/64] |= 1 << (at % 64)
		}
	}
	return a
}

// all checks every partition, and that there are so many places.
func (a *audit) all(ctx context.Context, places, workers int) error {
	var found atomic.Int64
	eg, ctx := errgroup.WithContext(ctx)
	for w := range workers {
		eg.Go(func() error {
			for p := w; p < len(a.lists); p += workers {
				if ctx.Err() != nil {
					return context.Cause(ctx)
				}
				n, ok := a.part(p)
				if !ok {
					return fmt.Errorf("partition %d has entries that lead nowhere", p)
				}
				found.Add(int64(n))
			}
			return nil
		})
	}
	if err := eg.Wait(); err != nil {
		return err
	}
	if n := found.Load(); n != int64(places) {
		return fmt.Errorf("%d places are indexed, of %d", n, places)
	}
	return nil
}

// part returns the number of places in a partition, and false when an entry is none.
func (a *audit) part(p int) (places int, ok bool) {
	list := a.lists[p]
	for _, b := range a.buckets[a.parts[p]:a.parts[p+1]] {
		for _, e := range b {
			if e == 0 {
				continue
			}
			n, value := 0, uint32(e&valueMask)
			if e&listBit == 0 {
				n, ok = 1, a.indexed(value-1)
			} else if ok = 0 < value && int(value) <= len(list); ok {
				n, ok = a.list(list[value-1:])
			}
			if !ok {
				return 0, false
			}
			places += n
		}
	}
	return places, true
}

// indexed reports whether it is a place to index.
func (a *audit) indexed(place uint32) bool {
	word := int(place / 64)
	return word < len(a.places) && a.places[word]>>(place%64)&1 != 0
}

// list returns the number of places in a list, and false when it is none.
func (a *audit) list(list []uint32) (places int, ok bool) {
	if int(list[0]) >= len(list) {
		return 0, false
	}
	list = list[1 : 1+list[0]]
	var gram []byte
	for len(list) > 0 {
		group, mark := list[:1], uint32(alone)
		if list[0]&alone == 0 {
			n := int(list[0])
			if list = list[1:]; n == 0 || n > len(list) {
				return 0, false
			}
			group, mark = list[:n], 0
		}
		list = list[len(group):]
		for _, place := range group {
			if place ^= mark; !a.indexed(place) {
				return 0, false
			}
			g := a.texts.buf[place : int(place)+a.Gram]
			if gram == nil {
				gram = g
			} else if !bytes.Equal(gram, g) {
				return 0, false
			}
		}
		places += len(group)
	}
	return places, gram != nil
}
