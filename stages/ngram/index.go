package ngram

import (
	"bytes"
	"encoding/binary"
	"math/bits"
)

// Index finds the places of the probes at which a gram stands. It does not change once built, and any number of matchers share it.
//
// A gram has to pass two gates before a byte is compared: two bits in one word of a table of 10 to 20 bits an indexed place, which let
// one foreign gram in 30 to 90 through, and the 31-bit tags of a bucket, which is one cache line of eight entries, four fifths full. An
// entry leads to the gram's only place, or to the list of its places.
//
// A list is ordered by what stands before the place: those with the same Stride*Every bytes before them form a group. A text that goes
// on from an earlier gram goes on at a whole group at once, so that a passage which a thousand probes share is passed over in a few
// steps: see Matcher.
//
// Gate and buckets are cut into partitions by the leading bits of the hash, each built by itself within the cache (see build).
type Index struct {
	config Config
	Sampling
	texts *Texts
	least int

	gate      []uint64 // bit table
	gateShift uint     // a hash's word of it is the hash shifted right
	buckets   []bucket // open addressing within a partition
	parts     []uint32 // partition p is buckets[parts[p]:parts[p+1]]
	partShift uint     // a hash's partition is the hash shifted right
	lists     [][]uint32
}

// bucket is one cache line of eight entries. Zero is free.
type bucket [8]uint64

// An entry holds, from its highest bit: the tag (31 bits of the hash), whether its value is a list, and the value (32 bits): the place
// plus one, or the position of the list in the lists of the partition plus one.
const (
	tagShift  = 33
	tagMask   = 1<<(64-tagShift) - 1
	listBit   = 1 << 32
	valueMask = 1<<32 - 1
)

const (
	gateBitsPerGram = 10  // at least: the gate is rounded up to a power of two
	bucketLoad      = 6.4 // grams a bucket, of eight
)

// Memory returns the bytes that an index over texts of that many bytes takes at most, with what building it takes.
func (c Config) Memory(textBytes int64, s Sampling) int64 {
	const gate, buckets, lists = 2 * gateBitsPerGram / 8., 8 * 8 / bucketLoad, 8
	places := float64(textBytes) / float64(s.Every)
	return int64(places*(gate+buckets+lists)) + buildBytes(int64(places)) + 1<<16
}

// TextsMemory returns the bytes that Texts of that many bytes take. A stream is longer than its text where each letter is a word: by a
// third, three bytes and a space. (A few ligatures become many letters; texts of nothing else take more.)
func TextsMemory(textBytes int64) int64 {
	stream := textBytes + textBytes/3
	return stream + stream/blankBlock*8 + 1<<10
}

// textsAlone returns an index that can look nothing up.
func textsAlone(texts *Texts, config Config) *Index { return &Index{config: config, texts: texts} }

// passes reports, as 0 or 1, whether the gate lets a hash through.
func (x *Index) passes(h uint64) uint64 {
	word := x.gate[h>>x.gateShift]
	return word >> (h & 63) & (word >> (h >> 6 & 63)) & 1
}

// bucketsOf returns the buckets of the hash's partition and the one of them that the hash belongs to. The hash is mixed anew, so that
// neither the gate's bit nor the tag decides.
func (x *Index) bucketsOf(h uint64) (part []bucket, first int) {
	p := h >> x.partShift
	part = x.buckets[x.parts[p]:x.parts[p+1]]
	b, _ := bits.Mul64(h*0x9e3779b97f4a7c15, uint64(len(part)))
	return part, int(b)
}

// find returns the entry of the gram that text begins with, whose hash is h; 0 when no probe has it.
func (x *Index) find(h uint64, text []byte) uint64 {
	part, b := x.bucketsOf(h)
	tag := h & tagMask
	for range part {
		for _, e := range &part[b] {
			if e == 0 {
				return 0
			}
			if e>>tagShift == tag && x.is(e, h, text) {
				return e
			}
		}
		if b++; b == len(part) {
			b = 0
		}
	}
	return 0
}

// is reports whether the entry's gram is the one that text begins with.
func (x *Index) is(e, h uint64, text []byte) bool {
	at := int(e&valueMask) - 1
	if e&listBit != 0 {
		at = int(firstPlace(x.list(e, h)))
	}
	return bytes.Equal(x.texts.buf[at:at+x.Gram], text[:x.Gram])
}

// list returns the list of an entry whose hash is h, and what follows it.
func (x *Index) list(e, h uint64) []uint32 {
	return x.lists[h>>x.partShift][e&valueMask-1:]
}

// A list begins with the number of its words after this one. Then come the groups: one place, marked alone, or the number of places
// and the places.
const alone = 1 << 31

// firstPlace returns the first place of a list.
func firstPlace(list []uint32) uint32 {
	if list[1]&alone != 0 {
		return list[1] &^ alone
	}
	return list[2]
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

// hash32 is hash for grams of 32 bytes.
func hash32(text *[32]byte) uint64 {
	lo := binary.LittleEndian.Uint64(text[0:]) ^ bits.RotateLeft64(binary.LittleEndian.Uint64(text[8:]), 23)
	hi := binary.LittleEndian.Uint64(text[24:]) ^ bits.RotateLeft64(binary.LittleEndian.Uint64(text[16:]), 41)
	return mix(lo, hi)
}

func mix(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a^0xa0761d6478bd642f, b^0xe7037ed1a0b428db)
	return hi ^ lo
}
