package words

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"
	"sync/atomic"
	"unicode/utf8"
)

// plainRunes is the short way of appendRunes: from text[i:] it puts into out[j:] what needs neither a look back nor more than a
// table. It stops before a rune that does, before invalid bytes, a stretch of ASCII, or the end of either slice.
func plainRunes(out, text []byte, s state) state {
	i, j, open, last := s.i, s.j, s.open, s.last
	for i < len(text)-7 && j < len(out)-15 {
		eight := load(text, i)
		if eight&highBits == 0 {
			break
		}
		var e entry
		size := 3
		if eight&0xC0C0F0 == 0x8080E0 {
			e = long.at(eight&0xF<<12 | eight>>2&0xFC0 | eight>>16&0x3F)
		} else {
			// One byte or two, without a branch, for words of two-byte letters end at no place that could be foretold.
			e = short.at(uint64(bits.ReverseBytes16(uint16(eight))) >> (^eight >> 4 & 8))
			size = 1 + int(text[i]>>7) // not of eight, for the next step waits for it
		}
		if (e^plain)&(plain|last>>1&joins) != 0 {
			if e&nextTo == 0 || last&solo != 0 || !e.follows(last) {
				break
			}
		}
		opening := int(e >> opensShift & 1)
		out[j] = ' '
		j += open &^ opening
		store(out, j, uint64(e))
		j += e.length()
		i += size
		open, last = opening, e
	}
	return state{i, j, open, last}
}

// table holds the entries that the short way has met, 0 for others: by what long says of three bytes, by the bytes themselves if
// there are one or two. Bytes that are no rune stay 0.
type table [1 << 16]atomic.Uint64

var short, long table

func (t *table) at(k uint64) entry { return entry(t[k&0xFFFF].Load()) }

// learn makes the short way know a rune.
func learn(r rune, e entry) {
	switch {
	case r < utf8.RuneSelf:
		short[r].Store(uint64(e))
	case r < 0x800:
		short[0xC080|r&0x7C0<<2|r&0x3F].Store(uint64(e))
	case r < 0x10000:
		long[r].Store(uint64(e))
	}
}

// state is how far the stream of a text has come.
type state struct {
	i, j int
	open int   // 1 while the stream ends within a word
	last entry // of the rune before, while its word may go on
}

func load(b []byte, i int) uint64 { return binary.LittleEndian.Uint64(b[i:]) }

func store(b []byte, i int, v uint64) { binary.LittleEndian.PutUint64(b[i:], v) }

// appendRunes appends the stream of text[i:] rune by rune, up to the end or a stretch of ASCII. dst ends with a space or within a
// word; text[i] is not ASCII.
func (n *Normaliser) appendRunes(dst, text []byte, i int) ([]byte, int) {
	s := state{i: i, j: len(dst)}
	if dst[s.j-1] != ' ' {
		s.open, s.last = 1, entryOf(rune(text[i-1])) // only ASCII can have left a word open
	}
	out := dst[:cap(dst)]
	for {
		if len(out)-s.j < len(text)-s.i+16 {
			out = slices.Grow(out[:s.j], 2*(len(text)-s.i)+16)
			out = out[:cap(out)]
		}
		s = plainRunes(out, text, s)
		if s.i == len(text) || len(text)-s.i >= 8 && load(text, s.i)&highBits == 0 {
			return out[:s.j], s.i
		}
		out, s = n.appendRune(out, text, s)
	}
}

// appendRune puts the rune at text[s.i], or its whole word, into out[s.j:].
func (n *Normaliser) appendRune(out, text []byte, s state) ([]byte, state) {
	r, size := utf8.DecodeRune(text[s.i:]) // of invalid bytes, a separator of one byte
	e := entryOf(r)
	if r != utf8.RuneError {
		learn(r, e)
	}
	if e&kind == format {
		s.i += size
		return out, s
	}
	marked := s.last&solo != 0 && e&joins != 0 // a mark of a lone letter
	if e&opens == 0 || s.last&solo != 0 && !marked {
		s.last = 0 // a word ends
	}
	if e&opens == 0 {
		out[s.j] = ' '
		s.j += s.open
		s.open = 0
	}
	if !e.follows(s.last) {
		word, cut := s.i, s.j
		if marked || s.open == 1 {
			word, cut = wordStart(text, s.i), bytes.LastIndexByte(out[:s.j-1], ' ')+1
		}
		dst, _, _, next := n.word.append(out[:cut], text, word)
		if len(dst) > cut {
			dst = append(dst, ' ')
		}
		return dst[:cap(dst)], state{i: next, j: len(dst)}
	}
	s.i += size
	if marked { // goes before the space; what follows may still belong to the lone letter
		store(out, s.j-1, uint64(e))
		s.j += e.length()
		out[s.j-1] = ' '
		s.last = e | solo
		return out, s
	}
	store(out, s.j, uint64(e))
	s.j += e.length()
	s.open = int(e >> opensShift & 1)
	s.last = e
	return out, s
}

// wordStart returns where the word that goes on at text[i] began: after a separator, at a lone letter with nothing but marks since,
// or after the marks of one.
func wordStart(text []byte, i int) int {
	start := i
	for k := i; k > 0; {
		r, size := utf8.DecodeLastRune(text[:k])
		e := entryOf(r)
		if e&kind == separator {
			break
		}
		if e&solo != 0 {
			after := k
			for after < i {
				r, size := utf8.DecodeRune(text[after:])
				if k := entryOf(r) & kind; k != mark && k != format {
					return after
				}
				after += size
			}
			return k - size
		}
		k -= size
		if e&kind != format {
			start = k
		}
	}
	return start
}
