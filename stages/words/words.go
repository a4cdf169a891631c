// Package words turns text into the words that overlap and hashing compare: it defines the unit of evidence (methods, section 1).
//
// A word is a maximal run of letters, marks and numbers (Unicode categories L, M, N). Everything else separates, invalid UTF-8
// too; format characters (Cf: soft hyphen, zero-width joiner, byte order mark) are skipped. A letter of the Han, Hiragana,
// Katakana, Thai, Lao, Khmer or Myanmar script is a word of its own, with the marks that follow it. The key of a word is
// NFKC(casefold(NFKC(run))), of which only letters, marks and numbers are kept; a word without a key is none.
//
// The normalised stream of a text is its keys, each between two spaces: " the cat sat ". Keys hold no space, so equal bytes
// from space to space are equal words, and n words are at least 2n+1 bytes. A text without words has the stream " ".
//
// Stretches of ASCII are normalised two bytes at a step, by a table, or 64 where the processor has AVX-512 VBMI2 and the build
// its support (GOEXPERIMENT=simd); then most two-byte letters go along. Other text is taken rune by rune: a table has the key
// of each rune, and whether it stands whatever comes before it, or only after marks of no higher combining class and after
// nothing that it composes with. Words where that fails, decomposed ones mostly, go through package norm. The tables are filled
// as runes are met. Offsets into the original text cost nothing here: Locate finds them again for the few documents that need
// them.
package words

import (
	"bytes"
	"unicode"
)

// UnicodeVersion is the version of the Unicode tables in use.
const UnicodeVersion = unicode.Version

// Normaliser normalises texts, reusing its buffers. It is used by one goroutine at a time.
type Normaliser struct {
	stream, piece []byte
	word          composer
}

// Stream returns the normalised stream of text, valid until the next call, and the number of its words.
func (n *Normaliser) Stream(text []byte) ([]byte, int64) {
	n.stream = n.AppendStream(n.stream[:0], text)
	stream := n.stream
	if cap(n.stream) > retained {
		n.stream = nil // one giant document must not hold its memory for the rest of the run
	}
	return stream, Count(stream)
}

// retained is the largest buffer, in bytes, that a Normaliser keeps from one text to the next.
const retained = 16 << 20

// Count returns the number of words of a stream.
func Count(stream []byte) int64 { return int64(bytes.Count(stream, space)) - 1 }

var space = []byte{' '}

// ascii maps each ASCII byte to its byte in the stream: letters and digits in lower case, everything else a space.
var ascii = func() (t [256]byte) {
	for i := range t {
		t[i] = ' '
	}
	for c := byte('0'); c <= '9'; c++ {
		t[c] = c
	}
	for c := byte('a'); c <= 'z'; c++ {
		t[c], t[c-'a'+'A'] = c, c
	}
	return t
}()

// AppendStream appends the normalised stream of text to dst.
func (n *Normaliser) AppendStream(dst, text []byte) []byte {
	dst = append(dst, ' ')
	for i := 0; i < len(text); { // the two take turns, and each gets on
		dst, i = appendASCII(dst, text, i)
		if i < len(text) {
			dst, i = n.appendRunes(dst, text, i)
		}
	}
	if dst[len(dst)-1] != ' ' {
		dst = append(dst, ' ')
	}
	return dst
}
