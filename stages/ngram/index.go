package ngram

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// Index finds the places of the probes at which a gram stands. It does not change once built, and any number of scanners share
// it.
//
// Two bytes of gate a place let most foreign grams go; a bucket entry of ten bytes a distinct gram, at four fifths of load, leads to
// the last place of the gram, and four bytes a place lead from each to the one before. With the texts themselves, which bytes are
// compared with, that is 17 bytes a byte of probes.
type Index struct {
	config              Config
	texts               *Texts
	least, gram, stride int

	gate     []uint64 // bit table
	gateBits uint64
	buckets  []bucket // open addressing
	before   []uint32 // the place before each place of the same gram, plus one; zero at the first
}

// bucket is one cache line of eight entries: a tag of the hash above the place of a gram plus one. Zero is free.
type bucket [8]uint64

const (
	tagShift        = 32
	gateBitsPerGram = 16  // passes one foreign gram in sixteen; more costs cache, fewer sends more grams to the buckets
	bucketLoad      = 6.4 // grams a bucket, of eight
)

// Memory returns the bytes that an index over texts of that many bytes takes at most, the texts included.
func (c Config) Memory(textBytes int64) int64 {
	const texts, gate, buckets, before = 1, gateBitsPerGram / 8, 8 * 8 / bucketLoad, 4
	return int64(float64(textBytes)*(texts+gate+buckets+before)) + 1<<16
}

// NewIndex builds the index of the probes that are long enough for a span.
func NewIndex(texts *Texts, config Config) *Index {
	x := &Index{config: config, texts: texts}
	x.least, x.gram, x.stride = config.lengths()
	places := 0
	for i := range texts.probes {
		if texts.Searchable(i, config) {
			places += len(texts.Stream(i)) - x.gram + 1
		}
	}
	x.gateBits = uint64(max(places*gateBitsPerGram, 1<<13))
	x.gate = make([]uint64, x.gateBits/64+1)
	x.buckets = make([]bucket, int(float64(places)/bucketLoad)+1)
	x.before = make([]uint32, len(texts.buf))
	for i := range texts.probes {
		if !texts.Searchable(i, config) {
			continue
		}
		for at, end := int(texts.start[i]), int(texts.start[i+1])-x.gram; at <= end; at++ {
			x.insert(hash(texts.buf[at:], x.gram), at)
		}
	}
	return x
}

// insert adds the place of a gram with hash h.
func (x *Index) insert(h uint64, at int) {
	bit := x.gateBit(h)
	x.gate[bit/64] |= 1 << (bit % 64)
	tag := h << tagShift
	for b := x.bucketOf(h); ; b = (b + 1) % uint64(len(x.buckets)) {
		for i, e := range x.buckets[b] {
			if e == 0 {
				x.buckets[b][i] = tag | uint64(at+1)
				return
			}
			if e&^(1<<tagShift-1) != tag {
				continue
			}
			if last := int(uint32(e)) - 1; bytes.Equal(x.texts.buf[last:last+x.gram], x.texts.buf[at:at+x.gram]) {
				x.before[at] = uint32(e)
				x.buckets[b][i] = tag | uint64(at+1)
				return
			}
		}
	}
}

// gateBit and bucketOf scale the hash to their tables; bucketOf mixes it anew, so that neither the gate's bit nor the tag decides.
func (x *Index) gateBit(h uint64) uint64 {
	bit, _ := bits.Mul64(h, x.gateBits)
	return bit
}

func (x *Index) bucketOf(h uint64) uint64 {
	b, _ := bits.Mul64(h*0x9e3779b97f4a7c15, uint64(len(x.buckets)))
	return b
}

// find returns the last place of the gram that text begins with, whose hash is h, plus one; zero when no probe has it.
func (x *Index) find(h uint64, text []byte) uint32 {
	tag := h << tagShift
	for b := x.bucketOf(h); ; b = (b + 1) % uint64(len(x.buckets)) {
		for _, e := range &x.buckets[b] {
			if e == 0 {
				return 0
			}
			if e&^(1<<tagShift-1) != tag {
				continue
			}
			if last := int(uint32(e)) - 1; bytes.Equal(x.texts.buf[last:last+x.gram], text[:x.gram]) {
				return uint32(e)
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
