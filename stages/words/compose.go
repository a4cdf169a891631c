package words

import (
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
		simple  = true  // every rune so far is isolated
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
		p, low := pageOf(r), r&0xff
		k := p.class[low]
		switch k & kind {
		case separator:
			if start < 0 {
				next += size
			}
			return c.finish(dst, before, text, start, end, next, simple, crowded)
		case format:
			next += size
			continue
		case letter:
			if alone {
				return c.finish(dst, before, text, start, end, next, simple, crowded)
			}
			marks = 0
		case lone:
			if start >= 0 {
				return c.finish(dst, before, text, start, end, next, simple, crowded)
			}
			alone, marks = true, 0
		case mark:
			marks++
			crowded = crowded || marks > maxMarks
		}
		if start < 0 {
			start = next
		}
		next += size
		end = next
		if k&isolated == 0 {
			simple = false
		}
		if simple {
			dst = append(dst, p.keys[p.key[low]:p.key[low+1]]...)
		}
	}
	return c.finish(dst, before, text, start, end, next, simple, crowded)
}

// maxMarks is well below the 30 non-starters after which package norm, for the sake of streaming, inserts a grapheme joiner that
// NFKC does not have; a compatibility mark can stand for several.
const maxMarks = 8

func (c *composer) finish(dst []byte, before int, text []byte, start, end, next int, simple, crowded bool) ([]byte, int, int, int) {
	if start < 0 || simple {
		return dst, start, end, next
	}
	dst, c.run = dst[:before], c.run[:0]
	for i := start; i < end; {
		r, size := utf8.DecodeRune(text[i:])
		if pageOf(r).class[r&0xff]&kind != format {
			c.run = append(c.run, text[i:i+size]...)
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
		p, low := pageOf(r), r&0xff
		c.folded = append(c.folded, p.folds[p.fold[low]:p.fold[low+1]]...)
		i += size
	}
	c.normal = nfkc(c.normal[:0], c.folded)
	for i := 0; i < len(c.normal); {
		r, size := utf8.DecodeRune(c.normal[i:])
		if k := pageOf(r).class[r&0xff] & kind; k != separator && k != format {
			dst = append(dst, c.normal[i:i+size]...)
		}
		i += size
	}
	return dst, start, end, next
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
