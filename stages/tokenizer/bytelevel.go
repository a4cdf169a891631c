package tokenizer

import (
	"fmt"
	"strings"
)

// byteRunes are the characters that stand for the bytes in the strings of a byte-level vocabulary: printable characters of Latin-1 for
// themselves, and those from U+0100 for the other bytes, in order (GPT-2's bytes_to_unicode).
var byteRunes = func() (runes [256]rune) {
	other := rune(0x100)
	for b := range runes {
		if b >= '!' && b <= '~' || b >= 0xA1 && b <= 0xAC || b >= 0xAE {
			runes[b] = rune(b)
		} else {
			runes[b] = other
			other++
		}
	}
	return runes
}()

var runeBytes = func() map[rune]byte {
	m := make(map[rune]byte, len(byteRunes))
	for b, r := range byteRunes {
		m[r] = byte(b)
	}
	return m
}()

// unescape returns the bytes that a string of a byte-level vocabulary stands for, and false when it holds other characters.
func unescape(s string) (string, bool) {
	raw := make([]byte, 0, len(s))
	for _, r := range s {
		b, ok := runeBytes[r]
		if !ok {
			return s, false
		}
		raw = append(raw, b)
	}
	return string(raw), true
}

// byteLevel makes t the tokenizer of a "gpt2" vocabulary.
func (t *Tokenizer) byteLevel(v *Vocabulary) error {
	rule, ok := rules[v.Pre]
	if !ok {
		return fmt.Errorf("pre-tokenizer %q is not known; known are %s", v.Pre, strings.Join(knownRules(), ", "))
	}
	t.split, t.whole = rule.split, rule.whole

	s := &t.symbols
	s.number = make(map[string]int32, len(v.Tokens)+256)
	for b := range 256 {
		s.intern(string([]byte{byte(b)})) // so that a byte's symbol is its value
	}
	for id, token := range v.Tokens {
		switch v.kind(id) {
		case typeControl, typeUnknown:
			continue
		case typeUserDefined:
			t.bytes[id] = []byte(token)
			continue
		}
		raw, ok := unescape(token)
		t.bytes[id] = []byte(raw)
		if !ok || raw == "" {
			continue // no text becomes it
		}
		s.token[s.intern(raw)] = int32(id)
	}
	copy(s.byte[:], s.token)
	t.pairs = newPairs(len(v.Merges))
	for rank, merge := range v.Merges {
		left, right, ok := cutMerge(merge)
		if !ok {
			return fmt.Errorf("merge %d is %q; two byte-level symbols with a space between are expected", rank, merge)
		}
		t.pairs.add(s.intern(left), s.intern(right), int32(rank), s.intern(left+right))
	}
	return nil
}

// cutMerge returns the two symbols of a merge.
func cutMerge(merge string) (left, right string, ok bool) {
	left, right, _ = strings.Cut(merge, " ")
	if left, ok = unescape(left); !ok || left == "" {
		return "", "", false
	}
	right, ok = unescape(right)
	return left, right, ok && right != ""
}
