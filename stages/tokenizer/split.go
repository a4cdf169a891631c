package tokenizer

import (
	"maps"
	"slices"
	"unicode"
	"unicode/utf8"
)

// splitter returns the length of the first word of a text that is not empty. The words' lengths add up to the text's: nothing is left
// out. The published rules are regular expressions with a look-ahead; these functions find the same words in time proportional to the
// text. Each looks at a run of white space at most thrice.
type splitter func(text []byte) int

// rule is how a model family cuts text into words. With whole, a word that is a token is that token, whatever the merges say.
type rule struct {
	split splitter
	whole bool
}

// rules has the rules by their names in GGUF files, which say the family that a rule was first seen with.
var rules = map[string]rule{
	"gpt-2":           {split: gpt2},
	"phi-2":           {split: gpt2},
	"olmo":            {split: gpt2},
	"mpt":             {split: gpt2},
	"jais":            {split: gpt2},
	"trillion":        {split: gpt2},
	"exaone4":         {split: gpt2},
	"mellum":          {split: gpt2},
	"modern-bert":     {split: gpt2},
	"roberta-bpe":     {split: gpt2},
	"gigachat":        {split: gpt2},
	"granite-docling": {split: gpt2},

	"smollm":     {split: digitsApart},
	"starcoder":  {split: digitsApart},
	"refact":     {split: digitsApart},
	"command-r":  {split: digitsApart},
	"codeshell":  {split: digitsApart},
	"exaone":     {split: digitsApart},
	"minerva-7b": {split: digitsApart},

	"llama-bpe":   {split: digitsByThree, whole: true},
	"llama3":      {split: digitsByThree, whole: true},
	"llama-v3":    {split: digitsByThree, whole: true},
	"falcon3":     {split: digitsByThree, whole: true},
	"falcon-h1":   {split: digitsByThree, whole: true},
	"lfm2":        {split: digitsByThree, whole: true},
	"pixtral":     {split: digitsByThree, whole: true},
	"dbrx":        {split: digitsByThree},
	"smaug-bpe":   {split: digitsByThree},
	"chatglm-bpe": {split: digitsByThree},
	"glm4":        {split: digitsByThree},

	"qwen2":            {split: singleDigits},
	"deepseek-r1-qwen": {split: singleDigits},
	"stablelm2":        {split: singleDigits},
	"megrez":           {split: singleDigits},
	"hunyuan":          {split: singleDigits},
	"grok-2":           {split: singleDigits},
	"solar-open":       {split: singleDigits},
	"qwen35":           {split: marksInWords},

	"default": {split: fallback},
	"":        {split: fallback},
}

func knownRules() []string {
	names := slices.Sorted(maps.Keys(rules))
	return names[1:] // without ""
}

// class is what the rules tell characters apart by.
type class uint8

const (
	other  class = iota
	letter       // L*
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
	letters = set(1 << letter)
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
	case c == letter:
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
func digitsByThree(text []byte) int { return lines(text, letters, 3) }

// singleDigits is digitsByThree with \p{N} for \p{N}{1,3}.
func singleDigits(text []byte) int { return lines(text, letters, 1) }

// marksInWords is singleDigits with [\p{L}\p{M}] for \p{L}.
func marksInWords(text []byte) int { return lines(text, letters|marks, 1) }

// lines finds the first word by the rules that keep line ends at a word's end.
func lines(text []byte, inWords set, digits int) int {
	if n := contraction(text, true); n > 0 {
		return n
	}
	c, n := first(text)
	if inWords.has(c) {
		return inWords.run(text, n)
	}
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
	if text[0] != '\r' && text[0] != '\n' {
		if next, m := first(text[n:]); inWords.has(next) {
			return inWords.run(text, n+m)
		}
	}
	at := 0
	if text[0] == ' ' && len(text) > 1 {
		at = 1
	}
	symbols := (marks | signs) &^ inWords
	if end := symbols.run(text, at); end > at {
		for end < len(text) && (text[end] == '\r' || text[end] == '\n') {
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
		if len(text) == 1 || c == number || punctuation(text[1:]) > 0 {
			return 1
		}
		at = 1
	}
	switch c {
	case letter:
		return letters.run(text, at)
	case blank:
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
