package ngram

import (
	"bytes"
	"unicode/utf8"

	"palimpsest/stages/fold"
	"palimpsest/stages/words"
)

// The least match of a generation with its own prompt that masks: arXiv 2603.20957.
const (
	promptWords = 5 // or tokens: the two are near in length, and the paper has words alone
	promptBytes = 20
)

// promptMask marks the units of probe i that lie in a match with its own prompt; nil when there are none.
func (x *Index) promptMask(i int, n *words.Normaliser) []bool {
	p := x.texts.probes[i]
	if p.Kind != fold.Generation || !p.PromptKnown() || p.Unprompted() {
		return nil
	}
	text := x.texts.Stream(i)
	switch x.config.Unit {
	case fold.Bytes:
		return repeated(text, []byte(*p.Prompt), promptBytes, true)
	case fold.Tokens:
		return repeated(text, p.PromptTokens, promptWords, false)
	}
	return PromptWords(text, n.AppendStream(nil, []byte(*p.Prompt)))
}

// PromptWords marks the words of a text that lie in a match with its own prompt, both as normalised streams.
func PromptWords(text, prompt []byte) []bool { return repeated(text, prompt, promptWords, false) }

// repeated marks the units of text that lie in a match of so many units with the prompt, or more.
func repeated(text, prompt []byte, least int, eachByte bool) []bool {
	ends := unitEnds(text, eachByte)
	promptEnds := unitEnds(prompt, eachByte)
	seen := make(map[string]bool)
	for k := 0; k+least < len(promptEnds); k++ {
		seen[string(prompt[promptEnds[k]:promptEnds[k+least]])] = true
	}
	mask := make([]bool, max(len(ends)-1, 0))
	marked := 0 // units before it are done
	for k := 0; k+least < len(ends); k++ {
		if seen[string(text[ends[k]:ends[k+least]])] {
			for u := max(k, marked); u < k+least; u++ {
				mask[u] = true
			}
			marked = k + least
		}
	}
	return mask
}

// unitEnds returns where units end in text, the first entry being where they begin: the spaces of a stream, or every byte. The
// bytes between two entries then tell units apart as the units themselves do.
func unitEnds(text []byte, eachByte bool) []int {
	var ends []int
	for at, b := range text {
		if eachByte || b == ' ' {
			ends = append(ends, at)
		}
	}
	if eachByte {
		ends = append(ends, len(text))
	}
	return ends
}

// within returns the mask over the span.
func within(mask []bool, s span) []bool {
	if mask == nil {
		return nil
	}
	return mask[s.start:s.end]
}

// verbatimUnits is the length from which a run outside the prompt can be verbatim output (methods, section 7), if it is long in bytes
// too.
const verbatimUnits = 50

// outsidePrompt keeps the longest run of the span that repeats nothing of the prompt.
func (f *Finder) outsidePrompt(out *Finding, i int, s span, mask []bool) {
	run := s.start
	for u := s.start; u <= s.end; u++ {
		if u < s.end && (mask == nil || !mask[u]) {
			continue
		}
		longest, length := *out.LongestOutsidePrompt, int64(u-run)
		switch {
		case length > longest:
			size := f.streamBytes(i, run, u)
			if longest < verbatimUnits || size > out.OutsidePromptBytes {
				out.OutsidePromptBytes = size
			}
			*out.LongestOutsidePrompt = length
		case length == longest || length >= verbatimUnits:
			out.OutsidePromptBytes = max(out.OutsidePromptBytes, f.streamBytes(i, run, u))
		}
		run = u + 1
	}
}

// streamBytes returns the bytes of the stream from unit start to unit end of probe i; those of the text in unit tokens, since keys of
// tokens are all of one length.
func (f *Finder) streamBytes(i int, start, end int32) int64 {
	x := f.state.matcher.Index
	switch x.config.Unit {
	case fold.Bytes:
		return int64(end - start)
	case fold.Tokens:
		offsets := x.texts.probes[i].Tokens.Offsets
		return offsets[end] - offsets[start]
	}
	text, skipped := x.texts.Stream(i), int32(-1)
	from := 0
	for at, b := range text {
		if b != ' ' {
			continue
		}
		skipped++
		if skipped == start {
			from = at + 1
		}
		if skipped == end {
			return int64(at - from)
		}
	}
	return int64(len(text) - from)
}

// quoted reports whether text[start:end] stands between quotation marks within its paragraph.
func quoted(text []byte, start, end int64) bool {
	before, after := text[:start], text[end:]
	if i := bytes.LastIndex(before, []byte("\n\n")); i >= 0 {
		before = before[i:]
	}
	if i := bytes.Index(after, []byte("\n\n")); i >= 0 {
		after = after[:i]
	}
	open := false
	for len(before) > 0 {
		r, size := utf8.DecodeRune(before)
		before = before[size:]
		switch r {
		case '"':
			open = !open
		case '“', '«', '„':
			open = true
		case '”', '»':
			open = false
		}
	}
	for open && len(after) > 0 {
		r, size := utf8.DecodeRune(after)
		after = after[size:]
		switch r {
		case '"', '”', '»':
			return true
		case '“', '«', '„':
			return false
		}
	}
	return false
}
