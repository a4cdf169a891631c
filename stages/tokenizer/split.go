package tokenizer

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// splitter returns the length of the first word of a text that is not empty. The words' lengths add up to the text's: nothing is left
// out. The published rules are regular expressions with a look-ahead; these functions find the same words in time proportional to the
// text. Each looks at a run of white space at most thrice.
type splitter func(text []byte) int

// class is what the rules tell characters apart by.
type class uint8

const (
	other  class = iota
	letter       // Lm, Lo
	upper        // Lu, Lt
	lower        // Ll
	mark         // M*
	number       // N*
	blank        // White_Space
)

var asciiClass = func() (t [utf8.RuneSelf]class) {
	for c := range t {
		t[c] = runeClass(rune(c))
	}
	return t
}()

func runeClass(r rune) class {
	switch {
	case unicode.IsLower(r):
		return lower
	case unicode.IsUpper(r), unicode.IsTitle(r):
		return upper
	case unicode.IsLetter(r):
		return letter
	case unicode.IsSpace(r):
		return blank
	case unicode.IsNumber(r):
		return number
	case unicode.IsMark(r):
		return mark
	}
	return other
}

// first returns the class and length of the text's first character; bytes that are not UTF-8 are of class other, and so is the end of
// the text, of length 0.
func first(text []byte) (class, int) {
	if len(text) == 0 {
		return other, 0
	}
	if text[0] < utf8.RuneSelf {
		return asciiClass[text[0]], 1
	}
	r, n := utf8.DecodeRune(text)
	if n == 1 {
		return other, 1
	}
	return runeClass(r), n
}

// set is a set of classes.
type set uint8

const (
	letters = set(1<<letter | 1<<upper | 1<<lower)
	marks   = set(1 << mark)
	numbers = set(1 << number)
	blanks  = set(1 << blank)
	signs   = set(1 << other)
)

func (s set) has(c class) bool { return s>>c&1 != 0 }

// run returns where the characters of the set that stand from i on end.
func (s set) run(text []byte, i int) int {
	for i < len(text) {
		c, n := first(text[i:])
		if !s.has(c) {
			break
		}
		i += n
	}
	return i
}

// gpt2 cuts by
//
//	's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
func gpt2(text []byte) int { return spaced(text, 0) }

// digitsApart cuts every number character out first, and the text between by gpt2.
func digitsApart(text []byte) int {
	if c, n := first(text); c == number {
		return n
	}
	return spaced(text, numbers)
}

// spaced finds the first word by the rules that let a word begin with a space. A character of apart ends the text.
func spaced(text []byte, apart set) int {
	if n := contraction(text, false); n > 0 {
		return n
	}
	at := 0
	if text[0] == ' ' && len(text) > 1 {
		at = 1
	}
	switch c, _ := first(text[at:]); {
	case apart.has(c):
	case letters.has(c):
		return letters.run(text, at)
	case c == number:
		return numbers.run(text, at)
	case c != blank:
		return (marks | signs).run(text, at)
	}
	end, last := blankRun(text)
	if c, _ := first(text[end:]); end == len(text) || apart.has(c) {
		return end
	}
	return last
}

// digitsByThree cuts by
//
//	(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+
func digitsByThree(text []byte) int { return contracted(text, letters, 3) }

// singleDigits is digitsByThree with \p{N} for \p{N}{1,3}.
func singleDigits(text []byte) int { return contracted(text, letters, 1) }

// marksInWords is singleDigits with [\p{L}\p{M}] for \p{L}.
func marksInWords(text []byte) int { return contracted(text, letters|marks, 1) }

func contracted(text []byte, inWords set, digits int) int {
	if n := contraction(text, true); n > 0 {
		return n
	}
	c, n := first(text)
	if inWords.has(c) {
		return inWords.run(text, n)
	}
	if mayLead(text, c) {
		if next, m := first(text[n:]); inWords.has(next) {
			return inWords.run(text, n+m)
		}
	}
	return lines(text, (marks|signs)&^inWords, digits, "\r\n")
}

// byCase cuts words where a capital follows small letters, by
//
//	P?[U]*[V]+|P?[U]+[V]*|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+
//
// with P for [^\r\n\p{L}\p{N}], U for \p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M} and V for \p{Ll}\p{Lm}\p{Lo}\p{M}.
func byCase(text []byte) int {
	c, n := first(text)
	if mayLead(text, c) {
		if end := smallEnd(text, n); end > n {
			return end
		}
		if end := smallEnd(text, 0); end > 0 {
			return end
		}
		if end := capitals.run(text, n); end > n {
			return end
		}
	} else if letters.has(c) {
		if end := smallEnd(text, 0); end > 0 {
			return end
		}
		return capitals.run(text, 0)
	}
	return lines(text, marks|signs, 1, "\r\n/")
}

const (
	capitals = set(1<<upper | 1<<letter | 1<<mark)
	small    = set(1<<lower | 1<<letter | 1<<mark)
)

// smallEnd returns where [U]*[V]+ from i on ends, or i. Without a small letter after the capitals it ends at the last character of them
// that counts as both.
func smallEnd(text []byte, i int) int {
	end := i
	for i < len(text) {
		c, n := first(text[i:])
		if c == lower {
			return small.run(text, i)
		}
		if !capitals.has(c) {
			break
		}
		i += n
		if c != upper {
			end = i
		}
	}
	return end
}

// mayLead reports whether the text's first character, of class c, may stand before the letters of a word: [^\r\n\p{L}\p{N}].
func mayLead(text []byte, c class) bool {
	return c != number && !letters.has(c) && text[0] != '\r' && text[0] != '\n'
}

// lines finds the first word of a text that starts with none of letters, by the rules that keep line ends at a word's end: they stand
// after symbols if they are in tail.
func lines(text []byte, symbols set, digits int, tail string) int {
	c, n := first(text)
	if c == number {
		for k := 1; k < digits; k++ {
			c, m := first(text[n:])
			if c != number {
				break
			}
			n += m
		}
		return n
	}
	at := 0
	if text[0] == ' ' && len(text) > 1 {
		at = 1
	}
	if end := symbols.run(text, at); end > at {
		for end < len(text) && strings.IndexByte(tail, text[end]) >= 0 {
			end++
		}
		return end
	}
	run := text[:blanks.run(text, 0)]
	for k := len(run) - 1; k >= 0; k-- {
		if run[k] == '\r' || run[k] == '\n' {
			return k + 1
		}
	}
	end, last := blankRun(text)
	if end == len(text) {
		return end
	}
	return last
}

// blankRun returns where the white space that a text starts with ends, and where the word in it ends when something follows: before the
// last character, which goes with what follows, unless that is alone.
func blankRun(text []byte) (end, word int) {
	last := 0
	for end < len(text) {
		c, n := first(text[end:])
		if c != blank {
			break
		}
		last = end
		end += n
	}
	if last == 0 {
		return end, end
	}
	return end, last
}

// contraction returns the length of 's 't 'm 'd 're 've 'll at the start of the text, or 0.
func contraction(text []byte, anyCase bool) int {
	if len(text) < 2 || text[0] != '\'' {
		return 0
	}
	var low [2]byte
	for i := range low {
		if i+1 < len(text) {
			low[i] = text[i+1]
			if anyCase && low[i] >= 'A' && low[i] <= 'Z' {
				low[i] += 'a' - 'A'
			}
		}
	}
	switch low[0] {
	case 's', 't', 'm', 'd':
		return 2
	}
	switch string(low[:]) {
	case "re", "ve", "ll":
		return 3
	}
	return 0
}

// fallback is llama.cpp's rule for files that name none. Runs of punctuation are words; of the text between, which gpt2 cuts, numbers
// stand apart from the space before them, and of numbers every three ASCII digits.
func fallback(text []byte) int {
	at := 0
	for n := punctuation(text); n > 0; n = punctuation(text[at:]) {
		at += n
	}
	if at > 0 {
		return at
	}
	c, _ := first(text)
	if c == number {
		return digitTriple(text)
	}
	if text[0] == ' ' {
		c, _ = first(text[1:])
		if c == number {
			return 1
		}
		at = 1
	}
	switch {
	case letters.has(c):
		return letters.run(text, at)
	case c == blank:
		end, word := blankRun(text)
		if end == len(text) || punctuation(text[end:]) > 0 {
			return end
		}
		return word
	}
	for at < len(text) && punctuation(text[at:]) == 0 {
		c, n := first(text[at:])
		if !(marks | signs).has(c) {
			break
		}
		at += n
	}
	return at
}

// punctuation returns the length of the text's first character if fallback sets it apart as punctuation, or 0.
func punctuation(text []byte) int {
	r, n := utf8.DecodeRune(text)
	if unicode.IsPunct(r) || r == '$' || r == '+' || r == '<' || r == '=' || r == '>' || r == '^' || r == '~' || r == '|' {
		return n
	}
	return 0
}

// digitTriple returns the length of the first part of the number that a text starts with: three ASCII digits, or what stands before the
// first three.
func digitTriple(text []byte) int {
	digits := 0
	for i := 0; i < len(text); {
		c, n := first(text[i:])
		if c != number {
			return i
		}
		i += n
		if n > 1 { // ASCII has no other numbers
			digits = 0
			continue
		}
		if digits++; digits == 3 {
			if i == 3 {
				return 3
			}
			return i - 3
		}
	}
	return len(text)
}
