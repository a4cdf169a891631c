package words

import "unicode/utf8"

// Range is the bytes of a word, or of a span of words, in the original text.
type Range struct{ Start, End int64 }

// Scan calls yield for each word of text with its key, valid during the call, and its byte range. It stops when yield returns
// false.
func (n *Normaliser) Scan(text []byte, yield func(key []byte, at Range) bool) {
	var key []byte
	for i := 0; i < len(text); {
		start, simple := i, true
		key = key[:0]
		for i < len(text) && ascii[text[i]] != ' ' {
			key = append(key, ascii[text[i]])
			i++
		}
		end := i
		if i < len(text) && text[i] >= utf8.RuneSelf {
			simple = false
		}
		if !simple {
			key, start, end, i = n.word.append(key[:0], text, start)
		} else if i == start {
			i++
		}
		if len(key) > 0 && !yield(key, Range{int64(start), int64(end)}) {
			return
		}
	}
}

// Locate returns the byte ranges of the words with the given indexes, which must ascend. It reads text only as far as the last.
func (n *Normaliser) Locate(text []byte, indexes []int64) []Range {
	ranges := make([]Range, 0, len(indexes))
	if len(indexes) == 0 {
		return ranges
	}
	word := int64(0)
	n.Scan(text, func(_ []byte, at Range) bool {
		for len(ranges) < len(indexes) && indexes[len(ranges)] == word {
			ranges = append(ranges, at)
		}
		word++
		return len(ranges) < len(indexes)
	})
	return ranges
}
