package words

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"
	"sync/atomic"
	"unicode/utf8"
)

// state is how far the stream of a text has come.
type state struct {
	i, j int
	open int   // 1 while the stream ends within a word
	last entry // of the rune before, while its word may go on
}

// appendRunes appends the stream of text[i:] rune by rune, at least of one, up to the end or a stretch that is for appendASCII. dst
// ends with a space or within a word; text[i] is what appendASCII stopped before.
func (n *Normaliser) appendRunes(dst, text []byte, i int) ([]byte, int) {
	s := state{i: i, j: len(dst)}
	if dst[s.j-1] != ' ' {
		s.open, s.last = 1, entryBefore(text, i)
	}
	out := dst[:cap(dst)]
	for begun := !wide; ; begun = true { // what stopped the wide form would stop plainRunes as well: it begins with appendRune
		if len(out)-s.j < len(text)-s.i+16 {
			out = slices.Grow(out[:s.j], 2*(len(text)-s.i)+16)
			out = out[:cap(out)]
		}
		if begun {
			s = plainRunes(out, text, s)
			// A mark may yet come after a lone letter, which only s remembers.
			if s.i == len(text) || s.last&solo == 0 && stretch(text[s.i:]) {
				return out[:s.j], s.i
			}
		}
		out, s = n.appendRune(out, text, s)
	}
}

// plainRunes is the short way of appendRunes: from text[s.i:] it puts into out[s.j:] what a table and the rune before decide. It stops
// before other runes and invalid bytes, a stretch for appendASCII, and near the end of either slice.
func plainRunes(out, text []byte, s state) state {
	i, j, open, last := s.i, s.j, s.open, s.last
	for i < len(text)-7 && j < len(out)-15 {
		eight := load(text, i)
		if eight&highBits == 0 || wide && eight&(eight<<1)&(eight<<2)&highBits == 0 {
			break // for appendASCII
		}
		if eight&0xC0C0F0 == 0x8080E0 {
			e := long.at(eight&0xF<<12 | eight>>2&0xFC0 | eight>>16&0x3F)
			if (e^plain)&(plain|last>>1&joins) != 0 && !e.joinsTo(last) {
				break
			}
			opening := int(e >> opensShift & 1)
			out[j] = ' '
			j += open &^ opening
			store(out, j, uint64(e))
			j += e.length()
			i += 3
			open, last = opening, e
			if byte(eight>>24) == ' ' { // the end of a word is foretold badly: once is enough
				out[j] = ' '
				j += opening
				i++
				open, last = 0, 0
			}
			continue
		}
		// One byte or two, without a branch, for words of two-byte letters end at no place that could be foretold.
		e := short.at(uint64(bits.ReverseBytes16(uint16(eight))) >> (^eight >> 4 & 8))
		if (e^plain)&(plain|last>>1&joins) != 0 && !e.joinsTo(last) {
			break
		}
		opening := int(e >> opensShift & 1)
		out[j] = ' '
		j += open &^ opening
		store(out, j, uint64(e))
		j += e.length()
		i += 1 + int(text[i]>>7) // not of eight, for the next step waits for it
		open, last = opening, e
	}
	return state{i, j, open, last}
}

// table holds the entries of runes that were met, and 0 for others.
type table [1 << 16]atomic.Uint64

var (
	short table // by the one or two bytes of a rune, the first being the higher
	long  table // by the rune, if it is of three bytes; what else three bytes can spell has no entry, and is left to package utf8
)

func (t *table) at(k uint64) entry { return entry(t[k&0xFFFF].Load()) }

// learn makes the short way know a rune.
func learn(r rune, e entry) {
	t, k := &long, r
	switch {
	case r >= 0x10000 || r == utf8.RuneError:
		return
	case r < utf8.RuneSelf:
		t = &short
	case r < 0x800:
		t, k = &short, 0xC080|r&0x7C0<<2|r&0x3F
	}
	if t[k].Load() == 0 { // a load is much the cheaper
		t[k].Store(uint64(e))
	}
}

// load and store are of eight bytes.
func load(b []byte, i int) uint64 { return binary.LittleEndian.Uint64(b[i:]) }

func store(b []byte, i int, v uint64) { binary.LittleEndian.PutUint64(b[i:], v) }

// appendRune puts the rune at text[s.i], or its whole word, into out[s.j:].
func (n *Normaliser) appendRune(out, text []byte, s state) ([]byte, state) {
	r, size := utf8.DecodeRune(text[s.i:]) // of invalid bytes, a separator of one byte
	e := entryOf(r)
	learn(r, e)
	if e&kind == format {
		for e&kind == format && s.i < len(text) { // all of them, so that entryBefore goes back over them once
			s.i += size
			r, size = utf8.DecodeRune(text[s.i:])
			e = entryOf(r)
		}
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

// stretch reports whether appendASCII is likely to get on with text: its eight bytes are ASCII or, for the wide form, no rune of
// three bytes or more is near.
func stretch(text []byte) bool {
	if len(text) < 8 {
		return false
	}
	if binary.LittleEndian.Uint64(text)&highBits == 0 {
		return true
	}
	if !wide || len(text) < 32 {
		return false
	}
	long := uint64(0)
	for k := 0; k < 32; k += 8 {
		eight := binary.LittleEndian.Uint64(text[k:])
		long |= eight & (eight << 1) & (eight << 2)
	}
	return long&highBits == 0
}

// entryBefore returns the entry of the rune that goes on a word before text[i].
func entryBefore(text []byte, i int) entry {
	for i > 0 {
		r, size := utf8.DecodeLastRune(text[:i])
		if e := entryOf(r); e&kind != format {
			return e
		}
		i -= size
	}
	return 0
}
