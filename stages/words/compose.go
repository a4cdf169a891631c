package words

import (
	"encoding/binary"
	"slices"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// composer makes the keys of words that may hold any rune.
type composer struct {
	run, normal, folded []byte
}

// append looks at what text[i:] begins with. A word is appended to dst as its key, with its byte range; a separator, or a word
// without a key, appends nothing. next is the position after it.
func (c *composer) append(dst, text []byte, i int) (_ []byte, start, end, next int) {
	var (
		before  = len(dst)
		simple  = true  // every rune so far follows the one before
		last    entry   // of the rune before
		alone   = false // the word is a lone letter: only marks join it
		marks   = 0     // marks in a row
		crowded = false // more marks in a row than package norm takes without putting something between
	)
	start, end = -1, i
	for next = i; next < len(text); {
		r, size := rune(text[next]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRune(text[next:])
			if r == utf8.RuneError && size == 1 {
				if start < 0 {
					next++
				}
				break
			}
		}
		e := entryOf(r)
		k := e & kind
		if k == format {
			next += size
			continue
		}
		if k == separator {
			if start < 0 {
				next += size
			}
			break
		}
		if start >= 0 && (k == lone || alone && k == letter) {
			break
		}
		if start < 0 {
			start, alone = next, k == lone
		}
		next += size
		end = next
		if marks++; k != mark {
			marks = 0
		}
		crowded = crowded || marks > maxMarks
		simple = simple && e.follows(last)
		last = e
		if simple {
			var key [8]byte
			binary.LittleEndian.PutUint64(key[:], uint64(e))
			n := e.length()
			if k == lone {
				n-- // without its space
			}
			dst = append(dst, key[:n]...)
		}
	}
	if start >= 0 && !simple {
		dst = c.compose(dst[:before], text[start:end], crowded)
	}
	return dst, start, end, next
}

// maxMarks is well below the 30 non-starters after which package norm, for the sake of streaming, inserts a grapheme joiner that
// NFKC does not have; a compatibility mark can stand for several.
const maxMarks = 8

// compose appends the key of a word by the definition.
func (c *composer) compose(dst, word []byte, crowded bool) []byte {
	c.run = c.run[:0]
	for i := 0; i < len(word); {
		r, size := utf8.DecodeRune(word[i:])
		if entryOf(r)&kind != format {
			c.run = append(c.run, word[i:i+size]...)
		}
		i += size
	}
	nfkc := func(dst, src []byte) []byte { return norm.NFKC.Append(dst, src...) }
	if crowded {
		nfkc = appendNFKC
	}
	c.normal = nfkc(c.normal[:0], c.run)
	c.folded = c.folded[:0]
	for i := 0; i < len(c.normal); {
		r, size := utf8.DecodeRune(c.normal[i:])
		p, low := pageOf(r), r&(pageRunes-1)
		c.folded = append(c.folded, p.folds[p.fold[low]:p.fold[low+1]]...)
		i += size
	}
	c.normal = nfkc(c.normal[:0], c.folded)
	for i := 0; i < len(c.normal); {
		r, size := utf8.DecodeRune(c.normal[i:])
		if k := entryOf(r) & kind; k != separator && k != format {
			dst = append(dst, c.normal[i:i+size]...)
		}
		i += size
	}
	return dst
}

// appendNFKC is NFKC by the letter of the standard (UAX 15), for the rare word with many marks in a row.
func appendNFKC(dst, src []byte) []byte {
	var runes []rune
	for _, r := range string(src) {
		runes = append(runes, []rune(norm.NFKD.String(string(r)))...)
	}
	order := func(r rune) uint8 { return norm.NFD.PropertiesString(string(r)).CCC() }
	for i := 0; i < len(runes); {
		j := i + 1
		if order(runes[i]) != 0 {
			for j < len(runes) && order(runes[j]) != 0 {
				j++
			}
			slices.SortStableFunc(runes[i:j], func(a, b rune) int { return int(order(a)) - int(order(b)) })
		}
		i = j
	}
	composed := runes[:0]
	starter := -1 // position in composed
	blocker := -1 // class of the last rune kept after the starter
	for _, r := range runes {
		o := int(order(r))
		if starter >= 0 && blocker < o {
			if pair := []rune(norm.NFC.String(string(composed[starter]) + string(r))); len(pair) == 1 {
				composed[starter] = pair[0]
				continue
			}
		}
		if o == 0 {
			starter, blocker = len(composed), -1
		} else {
			blocker = o
		}
		composed = append(composed, r)
	}
	return append(dst, string(composed)...)
}
