package ngram

import (
	"bytes"
	"unicode/utf8"

	"palimpsest/stages/fold"
	"palimpsest/stages/words"
)

// The least match of a generation with its own prompt that masks: arXiv 2603.20957.
const (
	promptWords = 5
	promptBytes = 20
)

// promptMask marks the units of probe i that lie in a match with its own prompt; nil when there are none.
func (x *Index) promptMask(i int, n *words.Normaliser) []bool {
	p := x.texts.probes[i]
	if p.Kind != fold.Generation || p.Prompt == nil || *p.Prompt == "" {
		return nil
	}
	text, least := x.texts.Stream(i), promptBytes
	prompt := []byte(*p.Prompt)
	if !x.config.Bytes {
		prompt, _ = n.Stream(prompt)
		prompt, least = bytes.Clone(prompt), promptWords
	}
	ends := unitEnds(text, x.config.Bytes)
	promptEnds := unitEnds(prompt, x.config.Bytes)
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

// streamBytes returns the bytes of the stream from unit start to unit end of probe i.
func (f *Finder) streamBytes(i int, start, end int32) int64 {
	x := f.state.matcher.Index
	if x.config.Bytes {
		return int64(end - start)
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
