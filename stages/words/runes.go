package words

import (
	"sync/atomic"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// class says how a rune behaves in a text.
type class uint8

const (
	separator class = iota
	format          // skipped
	letter          // or number: continues a word
	mark            // continues a word, that of a lone letter too
	lone            // a letter that is a word of its own

	kind     class = 7 // mask of the above
	isolated class = 8 // set when no neighbour can change the rune's part of the key
)

// page holds what is known of 256 consecutive runes.
type page struct {
	class [256]class
	key   [257]uint16 // keys[key[r]:key[r+1]] is the part of the key that an isolated rune gives
	fold  [257]uint16 // folds[fold[r]:fold[r+1]] is the rune's full case folding
	keys  []byte
	folds []byte
}

// pages are filled on first use: the whole of Unicode would take a second at every start. Filling one twice is harmless.
var pages [unicode.MaxRune>>8 + 1]atomic.Pointer[page]

func pageOf(r rune) *page {
	if p := pages[r>>8].Load(); p != nil {
		return p
	}
	p := newPage(r &^ 0xff)
	pages[r>>8].Store(p)
	return p
}

func newPage(first rune) *page {
	p := new(page)
	folder := cases.Fold()
	for i := range p.class {
		r := first + rune(i)
		c := classOf(r)
		text := string(r)
		p.folds = append(p.folds, foldRune(folder, r)...)
		if k := c & kind; k == letter || k == mark || k == lone {
			folded := foldString(folder, norm.NFKC.String(text))
			if norm.NFKC.PropertiesString(text).BoundaryBefore() && norm.NFKC.PropertiesString(folded).BoundaryBefore() {
				c |= isolated
			}
			for _, k := range norm.NFKC.String(folded) {
				if isWord(k) {
					p.keys = utf8.AppendRune(p.keys, k)
				}
			}
		}
		p.class[i] = c
		p.key[i+1], p.fold[i+1] = uint16(len(p.keys)), uint16(len(p.folds))
	}
	return p
}

var loneScripts = []*unicode.RangeTable{
	unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar,
}

func classOf(r rune) class {
	switch {
	case unicode.Is(unicode.Cf, r):
		return format
	case unicode.IsLetter(r):
		if unicode.In(r, loneScripts...) {
			return lone
		}
		return letter
	case unicode.IsNumber(r):
		return letter
	case unicode.IsMark(r):
		return mark
	}
	return separator
}

func isWord(r rune) bool { return unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsNumber(r) }

// foldRune returns the full case folding of a rune. Unicode folds Cherokee to its capitals, which came first; package cases
// lower-cases them.
func foldRune(folder cases.Caser, r rune) string {
	switch {
	case r >= 0x13A0 && r <= 0x13F5:
		return string(r)
	case r >= 0x13F8 && r <= 0x13FD:
		return string(r - 8)
	case r >= 0xAB70 && r <= 0xABBF:
		return string(r - 0xAB70 + 0x13A0)
	}
	return folder.String(string(r))
}

func foldString(folder cases.Caser, s string) string {
	var b []byte
	for _, r := range s {
		b = append(b, foldRune(folder, r)...)
	}
	return string(b)
}
