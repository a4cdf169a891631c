package words

import (
	"sync/atomic"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"
)

// entry says what a rune does to the stream. From the lowest bit: up to five bytes of key, the kind, the flags, the combining
// class that the rune's part of the key ends with, and the length of the key.
type entry uint64

const (
	kindShift   = 40
	opensShift  = 43
	classShift  = 53
	lengthShift = 61

	kind      entry = 7 << kindShift
	separator entry = 0 << kindShift
	format    entry = 1 << kindShift // skipped
	letter    entry = 2 << kindShift // or number: continues a word
	mark      entry = 3 << kindShift // continues a word, that of a lone letter too
	lone      entry = 4 << kindShift // a letter that is a word of its own: its key has the space after it

	opens  entry = 1 << opensShift // a letter or a mark: the word goes on after it
	joins  entry = 1 << 44         // a mark
	solo   entry = 1 << 45         // a lone letter: marks go on before the space after it
	plain  entry = 1 << 46         // what it does depends on nothing before it, but for a mark after a lone letter
	nextTo entry = 1 << 52         // what it does is add its key to a word, if it follows what is before it

	// A word whose runes all follow each other safely has the concatenation of their keys as its key.
	composed entry = 1 << 47 // no rule below holds for it: its word is composed
	backward entry = 1 << 48 // may compose with the rune before it, if that one is forward
	forward  entry = 1 << 49 // may compose with a rune after it
	reorders entry = 1 << 50 // has a combining class, so marks before it must not have a higher one
)

func (e entry) length() int { return int(e >> lengthShift) }

func (e entry) class() uint8 { return uint8(e >> classShift) }

// follows reports whether the rune may stand after one with the given entry, or as the first of a word after 0, without either
// changing the other's part of the key. Normalisation only ever reorders marks of falling combining class, and composes a starter
// with a rune after it; it does not look further back than that, since a mark counts as forward.
func (e entry) follows(last entry) bool {
	if e&composed != 0 || e&backward != 0 && last&forward != 0 {
		return false
	}
	return e&reorders == 0 || last.class() <= e.class()
}

// joinsTo reports whether the rune only adds its key to the word that the rune before is of.
func (e entry) joinsTo(last entry) bool { return e&nextTo != 0 && last&solo == 0 && e.follows(last) }

// page holds what is known of some consecutive runes.
type page struct {
	entries [pageRunes]entry
	fold    [pageRunes + 1]uint16 // folds[fold[r]:fold[r+1]] is the rune's full case folding
	folds   []byte
}

const (
	pageShift = 6
	pageRunes = 1 << pageShift
)

// pages are filled on first use: the whole of Unicode would take a second at every start. Filling one twice is harmless.
var pages [unicode.MaxRune>>pageShift + 1]atomic.Pointer[page]

// entryOf returns the entry of a rune.
func entryOf(r rune) entry { return pageOf(r).entries[r&(pageRunes-1)] }

func pageOf(r rune) *page {
	p := pages[r>>pageShift].Load()
	if p == nil {
		p = newPage(r >> pageShift)
		pages[r>>pageShift].Store(p)
	}
	return p
}

func newPage(number rune) *page {
	p := new(page)
	folder := cases.Fold()
	for i := range p.entries {
		r := number<<pageShift + rune(i)
		p.entries[i] = newEntry(folder, r)
		p.folds = appendFold(p.folds, folder, r)
		p.fold[i+1] = uint16(len(p.folds))
	}
	return p
}

func newEntry(folder cases.Caser, r rune) entry {
	e := kindOf(r)
	switch e {
	case separator:
		return e | plain
	case format:
		return e
	case letter:
		e |= opens
	case mark:
		e |= opens | joins
	case lone:
		e |= solo
	}
	text := string(r)
	normal := norm.NFKC.String(text)
	folded := foldString(folder, normal)
	final := norm.NFKC.String(folded)
	var key []byte
	for _, k := range final {
		if isWord(k) {
			key = utf8.AppendRune(key, k)
		}
	}
	if len(key) > 0 && e&solo != 0 {
		key = append(key, ' ')
	}
	if len(key) == 0 || len(key) > 5 {
		return e | composed
	}
	first := norm.NFKC.PropertiesString(text)
	switch {
	case first.BoundaryBefore() && norm.NFKC.PropertiesString(folded).BoundaryBefore():
		e |= plain
	case text == normal && text == folded:
		if e&opens != 0 {
			e |= nextTo
		}
		if first.CCC() != 0 {
			e |= reorders
		}
		if norm.NFKC.QuickSpanString("x"+text) != 1+len(text) { // its quick check is not yes but maybe
			e |= backward
		}
	default:
		return e | composed
	}
	var class uint8
	for _, s := range []string{text, normal, folded, final} {
		_, size := utf8.DecodeLastRuneInString(s)
		last := norm.NFKC.PropertiesString(s[len(s)-size:])
		class = max(class, last.TrailCCC())
		if !last.BoundaryAfter() {
			e |= forward
		}
	}
	for k, b := range key {
		e |= entry(b) << (8 * k)
	}
	return e | entry(class)<<classShift | entry(len(key))<<lengthShift
}

var loneScripts = []*unicode.RangeTable{
	unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar,
}

func kindOf(r rune) entry {
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

// appendFold appends the full case folding of a rune. Unicode folds Cherokee to its capitals, which came first; package cases
// lower-cases them.
func appendFold(dst []byte, folder cases.Caser, r rune) []byte {
	switch {
	case r >= 0x13A0 && r <= 0x13F5:
		return utf8.AppendRune(dst, r)
	case r >= 0x13F8 && r <= 0x13FD:
		return utf8.AppendRune(dst, r-8)
	case r >= 0xAB70 && r <= 0xABBF:
		return utf8.AppendRune(dst, r-0xAB70+0x13A0)
	case r >= 0x2E80 && r <= 0xA4CF, r >= 0xAC00 && r <= 0xD7FF, r >= 0x0E00 && r <= 0x109F:
		return utf8.AppendRune(dst, r) // ideographs, syllables and letters without case, of which there are many
	}
	before := len(dst)
	dst = utf8.AppendRune(dst, r)
	if n, err := folder.Span(dst[before:], true); err == nil && n == len(dst)-before {
		return dst // most are their own folding, and to find that out takes less than to fold them
	}
	return append(dst[:before], folder.String(string(r))...)
}

func foldString(folder cases.Caser, s string) string {
	var b []byte
	for _, r := range s {
		b = appendFold(b, folder, r)
	}
	return string(b)
}
