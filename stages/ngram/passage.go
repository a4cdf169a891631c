package ngram

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/zeebo/xxh3"

	"palimpsest/stages/fold"
)

// passage is a stretch of text that keeps coming back, with what was found in it: from space to space, in unit bytes any stretch. Its
// matches are those that it has where it stands alone, as a document of its own.
//
// A document is then a row of passages with other text between them. Its matches are
//
//   - those of its passages, but for pieces: where the words before or after a passage go on with a probe too, the match that the passage
//     knows is only a piece of a longer one;
//   - its own matches: those longer ones, and what lies outside the passages.
//
// Own matches are found for each document anew, and none is missed. Each holds a gram that is looked up and indexed. If the first such gram
// lies in no passage, it leads to the match. If it lies in one, the match goes on beyond an end of that passage, and stands at one of the
// places which probes have at that end (beside): these are looked at when the word beyond the end is the one that the probe has there.
type passage struct {
	text         string
	matches      []inner // ordered
	probes       []int32 // that it touches, ascending, then noProbe
	first        []int32 // matches[first[i]:first[i+1]] are those of probes[i]
	hits         fold.Shared
	before, next []beside // the probes' places at the passage's beginning and at its end, by unit
	cuts         []cut    // of the matches that lie in no longer one
	recalls      int      // half of those before memory was last tidied
}

// inner is a match within a passage.
type inner struct {
	probe      int32
	start, end int32 // in the probe, in units
	from, to   int32 // in the passage's text, without the spaces around
}

// noProbe ends a passage's probes, and comes after all.
const noProbe = 1<<31 - 1

// beside is a place of the probes at which the passage's text begins, or ends, and the hash of the unit beyond it.
type beside struct{ unit, place uint32 }

// occurrence is a passage that the document at hand has.
type occurrence struct {
	*passage
	at int
}

func (o occurrence) end() int { return o.at + len(o.text) }

const (
	bytesPerInner = 20
	bytesPerProbe = 64 // with its hit
)

func (p *passage) size() int {
	const rest = 200
	return bytesPerInner*len(p.matches) + bytesPerProbe*len(p.probes) + 8*(len(p.before)+len(p.next)) + 16*len(p.cuts) + len(p.text) + rest
}

// of returns the matches of probes[i].
func (p *passage) of(i int) []inner { return p.matches[p.first[i]:p.first[i+1]] }

// ofProbe returns the matches of a probe, none if it has none.
func (p *passage) ofProbe(probe int32) []inner {
	i, ok := slices.BinarySearch(p.probes, probe)
	if !ok {
		return nil
	}
	return p.of(i)
}

// appendMatches appends the matches of a passage that stands at a place of the document.
func appendMatches(matches []match, all []inner, at int) []match {
	for _, x := range all {
		matches = append(matches, match{x.probe, x.start, x.end, int64(at) + int64(x.from), int64(at) + int64(x.to)})
	}
	return matches
}

// solve returns the passage of that text.
func (m *matcher) solve(text []byte) *passage {
	own := m.matches
	m.matches = m.solved[:0]
	for at := 0; at+m.Gram <= len(text) && !m.stopped; at += m.Stride {
		h := hash(text[at:], m.Gram)
		if e := m.lookUp(h, text[at:]); e != 0 {
			m.visit(text, at, h, e)
		}
	}
	p := &passage{text: string(text)}
	m.summarise(text, m.matches)
	p.cuts = slices.Clone(m.summary.cuts)
	slices.SortFunc(p.cuts, cut.compare)
	p.cuts = slices.Clip(slices.Compact(p.cuts))
	for _, x := range m.matches {
		p.matches = append(p.matches, inner{x.probe, x.start, x.end, int32(x.from), int32(x.to)})
	}
	p.hits.Hits = slices.Clone(m.summary.hits)
	for i, x := range m.matches {
		if i == 0 || x.probe != m.matches[i-1].probe {
			p.probes, p.first = append(p.probes, x.probe), append(p.first, int32(i))
		}
	}
	for _, h := range p.hits.Hits {
		p.hits.Longest = max(p.hits.Longest, h.Longest)
	}
	p.probes, p.first = append(p.probes, noProbe), append(p.first, int32(len(p.matches)))
	m.neighbours(p, text)
	m.solved, m.matches = m.matches, own
	return p
}

// neighbours notes the places that probes have at the ends of the passage. Of a match that goes on beyond an end, a gram at the end stands
// in the index: one of the last Every that lie within the passage.
func (m *matcher) neighbours(p *passage, text []byte) {
	for i := range m.Every {
		m.eachPlace(text[i:], func(probe []byte, start, at int) {
			if at >= i && bytes.Equal(probe[at-i:at], text[:i]) {
				p.before = appendBeside(p.before, m.unitBefore(probe, at-i), start+at-i)
			}
		})
		tail := text[len(text)-m.Gram-i:]
		m.eachPlace(tail, func(probe []byte, start, at int) {
			if end := at + len(tail); end <= len(probe) && bytes.Equal(probe[at:end], tail) {
				p.next = appendBeside(p.next, m.unitAfter(probe, end), start+end)
			}
		})
	}
	for _, all := range []*[]beside{&p.before, &p.next} {
		slices.SortFunc(*all, func(a, b beside) int { return cmp.Or(cmp.Compare(a.unit, b.unit), cmp.Compare(a.place, b.place)) })
		*all = slices.Clip(*all)
	}
}

func appendBeside(all []beside, unit []byte, place int) []beside {
	if len(unit) == 0 {
		return all // the probe ends, and nothing can grow
	}
	return append(all, beside{uint32(xxh3.Hash(unit)), uint32(place)})
}

// unitBefore returns the unit before text[at:], which begins with a space in words; nothing at the beginning.
func (m *matcher) unitBefore(text []byte, at int) []byte {
	if m.config.Unit == fold.Bytes || at == 0 {
		return text[max(at-1, 0):at]
	}
	return text[bytes.LastIndexByte(text[:at], ' ')+1 : at]
}

// unitAfter returns the unit after text[:end], which ends with a space in words; nothing at the end.
func (m *matcher) unitAfter(text []byte, end int) []byte {
	if m.config.Unit == fold.Bytes {
		return text[end:min(end+1, len(text))]
	}
	if n := bytes.IndexByte(text[end:], ' '); n >= 0 {
		return text[end : end+n]
	}
	return nil
}

// eachPlace calls fn for the indexed places of the gram that text begins with: with the probe's stream, where that begins in the texts, and
// the position there.
func (m *matcher) eachPlace(text []byte, fn func(probe []byte, start, at int)) {
	h := hash(text, m.Gram)
	e := m.lookUp(h, text)
	if e == 0 {
		return
	}
	visit := func(place uint32) {
		probe := m.texts.probeAt(int(place))
		start := int(m.texts.start[probe])
		fn(m.texts.Stream(probe), start, int(place)-start)
	}
	if e&listBit == 0 {
		visit(uint32(e&valueMask) - 1)
		return
	}
	list := m.list(e, h)
	for list = list[1 : 1+list[0]]; len(list) > 0; {
		if list[0]&alone != 0 {
			visit(list[0] &^ alone)
			list = list[1:]
			continue
		}
		n := list[0]
		for _, place := range list[1 : 1+n] {
			visit(place)
		}
		list = list[1+n:]
	}
}

// lookUp returns the entry of the gram that text begins with; 0 when no probe has it.
func (m *matcher) lookUp(h uint64, text []byte) uint64 {
	if m.passes(h) == 0 {
		return 0
	}
	return m.Index.find(h, text)
}

// straddle adds the matches that go on beyond an end of the passage and have a gram at that end. A match may be added more than once.
func (m *matcher) straddle(text []byte, o occurrence) {
	from, to := m.within(o)
	if unit := m.unitBefore(text, o.at); len(unit) > 0 {
		for _, b := range besides(o.before, unit) {
			if x, ok := m.around(text, o.at, int(b.place)); ok && x.from < from {
				m.matches = append(m.matches, x)
			}
		}
	}
	if unit := m.unitAfter(text, o.end()); len(unit) > 0 {
		for _, b := range besides(o.next, unit) {
			if x, ok := m.around(text, o.end(), int(b.place)); ok && x.to > to {
				m.matches = append(m.matches, x)
			}
		}
	}
}

// besides returns those of one unit.
func besides(all []beside, unit []byte) []beside {
	if len(all) == 0 {
		return nil
	}
	h := uint32(xxh3.Hash(unit))
	i, _ := slices.BinarySearchFunc(all, h, func(b beside, h uint32) int { return cmp.Compare(b.unit, h) })
	j := i
	for j < len(all) && all[j].unit == h {
		j++
	}
	return all[i:j]
}

// within returns the stretch of the document that a passage's matches lie in: the spaces at its ends belong to its neighbours too.
func (m *matcher) within(o occurrence) (from, to int64) {
	from, to = int64(o.at), int64(o.end())
	if m.config.Unit != fold.Bytes {
		from, to = from+1, to-1
	}
	return from, to
}

// passed reports whether the match lies within a passage of the document. It may have been found from outside, where it goes on by a part
// of a word.
func (m *matcher) passed(x match) bool {
	for _, o := range m.passages {
		if from, to := m.within(o); from <= x.from && x.to <= to {
			return true
		}
	}
	return false
}

// piece returns the part of a match that the passage has among its own; false when it has none, or too little of it.
func (m *matcher) piece(text []byte, x match, o occurrence) (match, bool) {
	from, to := m.within(o)
	if x.to <= from || x.from >= to {
		return match{}, false
	}
	if x.from < from {
		x.start += m.units(text[x.from:from])
		x.from = from
	}
	if x.to > to {
		x.end -= m.units(text[to:x.to])
		x.to = to
	}
	return x, x.to-x.from >= int64(m.config.MinBytes) && (m.config.Unit == fold.Bytes || int(x.end-x.start) >= m.config.MinWords)
}

// units returns the number of units in a stretch of a text, in words with a space on one side of each.
func (m *matcher) units(stretch []byte) int32 {
	if m.config.Unit == fold.Bytes {
		return int32(len(stretch))
	}
	return int32(bytes.Count(stretch, blank))
}

// appendAll appends the matches of the document at hand: its own, and those of its passages that are no pieces.
func (m *matcher) appendAll(all []match) []match {
	first := len(all)
	for _, o := range m.passages {
		all = appendMatches(all, o.matches, o.at)
	}
	pieces := make(map[match]bool)
	for _, x := range m.matches {
		for _, o := range m.passages {
			if p, ok := m.piece(m.text, x, o); ok {
				pieces[p] = true
			}
		}
	}
	if len(pieces) > 0 {
		all = append(all[:first], slices.DeleteFunc(all[first:], func(x match) bool { return pieces[x] })...)
	}
	return append(all, m.matches...)
}
