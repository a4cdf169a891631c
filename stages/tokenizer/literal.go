package tokenizer

import (
	"cmp"
	"slices"
)

// literals are the tokens that a vocabulary's maker added to it by hand. They are cut out of the text before anything else, the
// leftmost first and of several the longest, as Hugging Face's tokenizers does. Control tokens are not among them.
type literals struct {
	byFirst [256][]literal // by the first byte, the longest first
	any     bool
}

type literal struct {
	text string
	id   int32
}

func (l *literals) add(v *Vocabulary) {
	for id, token := range v.Tokens {
		if v.kind(id) == typeUserDefined && token != "" {
			l.byFirst[token[0]] = append(l.byFirst[token[0]], literal{token, int32(id)})
			l.any = true
		}
	}
	for _, list := range l.byFirst {
		slices.SortStableFunc(list, func(a, b literal) int { return cmp.Compare(len(b.text), len(a.text)) })
	}
}

// find returns the first literal at start or after it, which stands in text[at:next]; without one both are the length of the text.
func (l *literals) find(text []byte, start int) (at int, id int32, next int) {
	if l.any {
		for at := start; at < len(text); at++ {
			for _, one := range l.byFirst[text[at]] {
				if len(text)-at >= len(one.text) && string(text[at:at+len(one.text)]) == one.text {
					return at, one.id, at + len(one.text)
				}
			}
		}
	}
	return len(text), 0, len(text)
}
