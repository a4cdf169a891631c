package tokenizer

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// space stands for a space in the strings of a SentencePiece vocabulary.
const space = "\u2581"

// sentencePiece makes t the tokenizer of a "llama" vocabulary. Two neighbouring symbols, tokens or characters, merge where together
// they are a token, and the token's score is the merge's: so the merges are all cuts of all tokens in two.
func (t *Tokenizer) sentencePiece(v *Vocabulary) error {
	if len(v.Scores) != len(v.Tokens) {
		return fmt.Errorf("%d scores for %d tokens", len(v.Scores), len(v.Tokens))
	}
	s := &t.symbols
	s.number = make(map[string]int32, len(v.Tokens))
	t.prefix, t.space, t.other = v.AddSpacePrefix, s.intern(space), s.intern("")
	for b := range s.byte {
		s.byte[b] = -1
	}
	var merged []int // tokens that text can become
	for id, token := range v.Tokens {
		kind := v.kind(id)
		b, isByte := byteToken(token)
		switch {
		case kind == typeControl, kind == typeUnknown:
		case isByte && (kind == typeByte || v.Types == nil):
			s.byte[b] = int32(id)
			t.bytes[id] = []byte{b}
		case kind == typeUserDefined:
			t.bytes[id] = []byte(token)
		default:
			t.bytes[id] = []byte(strings.ReplaceAll(token, space, " "))
			if token != "" {
				s.token[s.intern(token)] = int32(id)
				merged = append(merged, id)
			}
		}
	}
	for b, id := range s.byte {
		if id < 0 {
			return fmt.Errorf("the vocabulary has no token <0x%02X>, so it cannot spell every text", b)
		}
	}

	// Equal scores have equal ranks: then the leftmost merge comes first.
	slices.SortStableFunc(merged, func(a, b int) int { return cmp.Compare(v.Scores[b], v.Scores[a]) })
	cuts := 0
	for _, id := range merged {
		cuts += max(0, utf8.RuneCountInString(v.Tokens[id])-1)
	}
	t.pairs = newPairs(cuts)
	rank := int32(0)
	for i, id := range merged {
		if i > 0 && v.Scores[id] != v.Scores[merged[i-1]] {
			rank++
		}
		token := v.Tokens[id]
		whole := s.number[token]
		if s.token[whole] != int32(id) {
			continue // the same string stands again further on
		}
		for at := range token {
			if at == 0 {
				continue
			}
			left, okLeft := s.part(token[:at])
			right, okRight := s.part(token[at:])
			if okLeft && okRight {
				t.pairs.add(left, right, rank, whole)
			}
		}
	}
	return nil
}

// part returns the symbol that a part of a token is: a token, or one character.
func (s *symbols) part(text string) (int32, bool) {
	if n, ok := s.number[text]; ok {
		return n, true
	}
	if utf8.RuneCountInString(text) == 1 {
		return s.intern(text), true
	}
	return 0, false
}

// byteToken returns the byte of a token like <0x0A>.
func byteToken(token string) (b byte, ok bool) {
	if len(token) != 6 || !strings.HasPrefix(token, "<0x") || token[5] != '>' {
		return 0, false
	}
	for _, c := range []byte(token[3:5]) {
		digit := strings.IndexByte("0123456789ABCDEF", c)
		if digit < 0 {
			return 0, false
		}
		b = b<<4 | byte(digit)
	}
	return b, true
}

// characters makes the list of the characters of text[start:end]; bytes that are not UTF-8 stand alone.
func (e *encoder) characters(text []byte, start, end int) {
	s := &e.t.symbols
	e.list = slices.Grow(e.list[:0], end-start+1)
	if e.t.prefix {
		e.push(e.t.space, start)
	}
	for i := start; i < end; {
		_, n := utf8.DecodeRune(text[i:end])
		symbol, ok := s.number[string(text[i:i+n])]
		switch {
		case text[i] == ' ':
			symbol = e.t.space
		case !ok:
			symbol = e.t.other
		}
		e.push(symbol, i)
		i += n
	}
}
