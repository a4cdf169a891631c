// Package tokens makes the stream that overlap searches in unit tokens (methods, section 1): tokens are words whose keys are their ids.
//
// A key is the id in Width bytes of seven bits each, none of which is a space, and the stream of a text is its keys, each between two
// spaces, as the stream of words is. Keys are of one length, so that equal bytes from space to space are equal ids, and n tokens are
// exactly Size(n) bytes. What is built on streams of words works on these as it stands.
//
// Ids mean nothing without the vocabulary they come from. Texts whose ids come from two vocabularies share runs by chance alone or
// none at all, and the ids do not tell: it is for the caller to see to it that they come from one.
package tokens

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"
)

const (
	// Width is the bytes of a key.
	Width = 3
	// Most is the number of ids that have a key. The largest vocabularies in use have half as many.
	Most = 1 << (7 * Width)
)

// Text is a text in tokens. Its zero value stands for a text that was not cut; Empty is one without tokens.
type Text struct {
	Stream  []byte
	Offsets []int64 // where each token begins in the text, in bytes; one more entry says where the last one ends
}

// Empty is the stream of no tokens.
const Empty = " "

// Len returns the number of tokens.
func (t Text) Len() int64 { return int64(len(t.Stream) / (Width + 1)) }

// Clone returns a text that shares no memory with t.
func (t Text) Clone() Text { return Text{slices.Clone(t.Stream), slices.Clone(t.Offsets)} }

// Size returns the bytes of a stream of n tokens, or of n tokens within a stream with the spaces around.
func Size(n int64) int64 { return n*(Width+1) + 1 }

// AppendStream appends the stream of the ids to dst.
func AppendStream(dst []byte, ids []int64) ([]byte, error) {
	dst = slices.Grow(dst, int(Size(int64(len(ids)))))
	dst = append(dst, ' ')
	for i, id := range ids {
		if id < 0 || id >= Most {
			return dst, fmt.Errorf("token %d has the id %d, and ids are from 0 to %d", i, id, Most-1)
		}
		dst = append(dst, 0x80|byte(id>>14), 0x80|byte(id>>7&0x7F), 0x80|byte(id&0x7F), ' ')
	}
	return dst, nil
}

// CheckOffsets reports what is wrong with the offsets of n tokens in a text of size bytes: one where each begins, in order.
func CheckOffsets(offsets []int64, n, size int) error {
	if len(offsets) != n {
		return fmt.Errorf("%d tokens with %d offsets", n, len(offsets))
	}
	before := int64(0)
	for i, at := range offsets {
		if at < before || at > int64(size) {
			return fmt.Errorf("token %d begins at byte %d, after one at %d, in a text of %d bytes", i, at, before, size)
		}
		before = at
	}
	return nil
}

// Speller finds where the tokens of a text stand in it by the bytes that each stands for.
type Speller struct {
	spelt []byte
	ends  []int
}

// AppendOffsets appends the offsets of the ids in text, with the one where the last ends. bytesOf gives the bytes of a token, none for one
// that text leaves out, such as the end of a document. A text may begin without the space that its first token stands for, and have
// U+FFFD, once or more, for tokens' bytes that are not UTF-8; otherwise the tokens have to spell it byte for byte.
func (s *Speller) AppendOffsets(dst []int64, text []byte, ids []int64, bytesOf func(id int64) []byte) ([]int64, error) {
	s.spelt, s.ends = s.spelt[:0], s.ends[:0]
	for _, id := range ids {
		s.spelt = append(s.spelt, bytesOf(id)...)
		s.ends = append(s.ends, len(s.spelt))
	}
	spelt, dropped := s.spelt, 0
	if len(spelt) > 0 && spelt[0] == ' ' && (len(text) == 0 || text[0] != ' ') {
		spelt, dropped = spelt[1:], 1
	}
	dst = append(dst, 0)
	if bytes.Equal(spelt, text) {
		for _, end := range s.ends {
			dst = append(dst, int64(max(end-dropped, 0)))
		}
		return dst, nil
	}
	i, j := 0, 0 // spelt[:i] is text[:j]
	for _, end := range s.ends {
		for end -= dropped; i < end; {
			r, size := utf8.DecodeRune(spelt[i:])
			if r != utf8.RuneError {
				if !bytes.HasPrefix(text[j:], spelt[i:i+size]) {
					return dst, errSpelling
				}
				if i+size > end { // the token ends within a rune
					break
				}
				i, j = i+size, j+size
				continue
			}
			if !bytes.HasPrefix(text[j:], replacement) {
				return dst, errSpelling
			}
			for r == utf8.RuneError && i < len(spelt) {
				i += size
				r, size = utf8.DecodeRune(spelt[i:])
			}
			for bytes.HasPrefix(text[j:], replacement) {
				j += len(replacement)
			}
		}
		dst = append(dst, int64(j+max(end-i, 0)))
	}
	if i < len(spelt) || j < len(text) {
		return dst, errSpelling
	}
	return dst, nil
}

var (
	errSpelling = errors.New("the tokens do not spell the text")
	replacement = []byte("\uFFFD")
)
