package ngram

import (
	"bytes"
	"encoding/binary"
	"math/bits"

	"palimpsest/stages/fold"
)

// Index finds the places of the probes at which a gram stands. It does not change once built, and any number of scanners share
// it.
//
// Per distinct gram: 16 to 32 bits of gate, 10 bytes of bucket, 8 of posting offset; per place, 4 bytes of posting. The texts
// themselves stay, to compare bytes with.
type Index struct {
	config              Config
	texts               *Texts
	least, gram, stride int

	gate      []uint64 // bit table over the high bits of the hash
	gateShift uint
	buckets   []bucket // open addressing, by the hash
	mask      uint64   // buckets - 1
	offsets   []uint32 // gram g stands at postings[offsets[g]:offsets[g+1]]
	postings  []uint32
}

// bucket is one cache line of eight entries: a tag of the hash above the number of the gram plus one. Zero is free.
type bucket [8]uint64

const tagShift = 32

// NewIndex builds the index of the probes that are long enough for a span.
func NewIndex(texts *Texts, config Config) *Index {
	x := &Index{config: config, texts: texts}
	x.least, x.gram, x.stride = config.lengths()
	places := x.places(func(int) {})
	x.size(places)

	// Number the grams in order of first place, and count their places.
	number := make([]uint32, 0, places)
	var counts, first []uint32
	x.places(func(at int) {
		h := hash(texts.buf[at:], x.gram)
		x.gate[h>>x.gateShift>>6] |= 1 << (h >> x.gateShift & 63)
		g := x.insert(h, at, &first)
		if int(g) == len(counts) {
			counts = append(counts, 0)
		}
		counts[g]++
		number = append(number, g)
	})
	x.offsets = make([]uint32, len(counts)+1)
	for g, n := range counts {
		x.offsets[g+1] = x.offsets[g] + n
	}
	x.postings = make([]uint32, places)
	next := counts
	copy(next, x.offsets)
	i := 0
	x.places(func(at int) {
		g := number[i]
		x.postings[next[g]] = uint32(at)
		next[g]++
		i++
	})
	return x
}

// places calls f with every position of a gram within a searchable probe, ascending, and returns their number.
func (x *Index) places(f func(at int)) int {
	n := 0
	for i := range x.texts.probes {
		if !x.texts.Searchable(i, x.config) {
			continue
		}
		for at, end := int(x.texts.start[i]), int(x.texts.start[i+1])-x.gram; at <= end; at++ {
			f(at)
			n++
		}
	}
	return n
}

// size allots the gate and the buckets for at most that many distinct grams.
func (x *Index) size(grams int) {
	gateBits := max(bits.Len(uint(grams*gateBitsPerGram)), 13)
	x.gate, x.gateShift = make([]uint64, 1<<(gateBits-6)), uint(64-gateBits)
	buckets := 1 << bits.Len(uint(grams/6))
	x.buckets, x.mask = make([]bucket, buckets), uint64(buckets-1)
}

// gateBitsPerGram makes the gate pass about one foreign gram in sixteen to thirty-two. A larger gate costs cache, a smaller one
// sends more grams to the buckets.
const gateBitsPerGram = 16

// Memory returns the bytes that an index over texts of that many bytes takes at most, the texts included.
func (c Config) Memory(textBytes int64) int64 {
	const gate, bucketed, offset, posting, texts = gateBitsPerGram / 8 * 2, 8 * 8 / 3, 4, 4, 1
	const building = 12 // numbers, counts and first places, while the index is built
	return textBytes * (gate + bucketed + offset + posting + texts + building)
}

// insert returns the number of the gram at that position, a new one if the gram is new.
func (x *Index) insert(h uint64, at int, first *[]uint32) uint32 {
	tag := h << tagShift >> tagShift // low half: the high bits choose the gate's bit
	for b := bucketOf(h) & x.mask; ; b = (b + 1) & x.mask {
		for i, e := range x.buckets[b] {
			if e == 0 {
				g := uint32(len(*first))
				*first = append(*first, uint32(at))
				x.buckets[b][i] = tag<<tagShift | uint64(g+1)
				return g
			}
			if e>>tagShift == tag {
				g := uint32(e) - 1
				p := int((*first)[g])
				if bytes.Equal(x.texts.buf[p:p+x.gram], x.texts.buf[at:at+x.gram]) {
					return g
				}
			}
		}
	}
}

// bucketOf spreads the hash anew, so that neither the gate's bits nor the tag decide the bucket.
func bucketOf(h uint64) uint64 { return h * 0x9e3779b97f4a7c15 >> 20 }

// find returns the places of the gram that text begins with, whose hash is h.
func (x *Index) find(h uint64, text []byte) []uint32 {
	tag := h << tagShift >> tagShift
	for b := bucketOf(h) & x.mask; ; b = (b + 1) & x.mask {
		for _, e := range &x.buckets[b] {
			if e == 0 {
				return nil
			}
			if e>>tagShift != tag {
				continue
			}
			g := uint32(e) - 1
			places := x.postings[x.offsets[g]:x.offsets[g+1]]
			p := int(places[0])
			if bytes.Equal(x.texts.buf[p:p+x.gram], text[:x.gram]) {
				return places
			}
		}
	}
}

// hash mixes the first k bytes of text, 1 <= k <= 32.
func hash(text []byte, k int) uint64 {
	if k < 8 {
		var short [8]byte
		copy(short[:], text[:k])
		return mix(binary.LittleEndian.Uint64(short[:]), uint64(k))
	}
	_ = text[k-1]
	lo := binary.LittleEndian.Uint64(text)
	hi := binary.LittleEndian.Uint64(text[k-8:])
	if k > 16 {
		lo ^= bits.RotateLeft64(binary.LittleEndian.Uint64(text[8:]), 23)
	}
	if k > 24 {
		hi ^= bits.RotateLeft64(binary.LittleEndian.Uint64(text[16:]), 41)
	}
	return mix(lo, hi)
}

func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a^0xa0761d6478bd642f, b^0xe7037ed1a0b428db)
	return hi ^ lo
}

// Probes returns the probes in the order that the index numbers them.
func (x *Index) Probes() []*fold.Probe { return x.texts.probes }
