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
	word := int64(0) // index of the first word of the piece
	for i := 0; i < len(text) && len(ranges) < len(indexes); {
		piece := pieceOf(text[i:])
		n.piece = n.AppendStream(n.piece[:0], piece)
		count := Count(n.piece)
		if indexes[len(ranges)] < word+count {
			k := word
			n.Scan(piece, func(_ []byte, at Range) bool {
				for len(ranges) < len(indexes) && indexes[len(ranges)] == k {
					ranges = append(ranges, Range{int64(i) + at.Start, int64(i) + at.End})
				}
				k++
				return len(ranges) < len(indexes)
			})
		}
		word += count
		i += len(piece)
	}
	if cap(n.piece) > retained {
		n.piece = nil
	}
	return ranges
}

// pieceOf returns what text begins with, as far as the first ASCII separator after a length that is quickly scanned. No word goes
// over one, so pieces are normalised by themselves.
func pieceOf(text []byte) []byte {
	end := min(512, len(text))
	for end < len(text) && (text[end-1] >= utf8.RuneSelf || ascii[text[end-1]] != ' ') {
		end++
	}
	return text[:end]
}
