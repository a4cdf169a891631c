package ngram

import (
	"bytes"
	"cmp"
	"slices"

	"palimpsest/stages/fold"
	"palimpsest/stages/words"
)

// summary is what one document adds to the probes.
type summary struct {
	effects []effect // by probe, then as the intervals come in inProbeOrder
	cuts    []cut
	hits    []fold.Hit
}

// effect is what a document adds to one interval of a probe, in units.
type effect struct {
	probe, start, end int32
	cut               int32 // its first occurrence in the document, among the cuts; negative inside a longer interval that is there too
	n                 int32 // occurrences in the document
	again             bool  // the document counts for the interval already
}

// cut is a stretch of the document in searched bytes, without the spaces around.
type cut struct{ from, to int64 }

func (c cut) compare(o cut) int { return cmp.Or(cmp.Compare(c.from, o.from), cmp.Compare(c.to, o.to)) }

func (s *summary) reset() { s.effects, s.cuts, s.hits = s.effects[:0], s.cuts[:0], s.hits[:0] }

// inProbeOrder orders matches by probe and interval. Of intervals that begin together the longest comes first, so that those inside it
// are known when they come.
func inProbeOrder(a, b match) int {
	switch {
	case a.probe != b.probe:
		return cmp.Compare(a.probe, b.probe)
	case a.start != b.start:
		return cmp.Compare(a.start, b.start)
	case a.end != b.end:
		return cmp.Compare(b.end, a.end)
	}
	return cmp.Compare(a.from, b.from)
}

// summarise turns matches with the document into its summary and its hits, both in order of probe.
func (m *matcher) summarise(text []byte, matches []match) {
	m.summary.reset()
	slices.SortFunc(matches, inProbeOrder)
	for rest := matches; len(rest) > 0; {
		n := 1
		for n < len(rest) && rest[n].probe == rest[0].probe {
			n++
		}
		m.summary.hits = append(m.summary.hits, m.summariseProbe(text, rest[:n]))
		rest = rest[n:]
	}
}

// summariseProbe takes in the matches of one probe, in order.
func (m *matcher) summariseProbe(text []byte, matches []match) fold.Hit {
	s := &m.summary
	hit := fold.Hit{Probe: matches[0].probe, Overlap: fold.Overlap{Qualifying: true}}
	var reached int32
	for i := 0; i < len(matches); {
		x, n := matches[i], 1
		for i+n < len(matches) && matches[i+n].start == x.start && matches[i+n].end == x.end {
			n++
		}
		i += n
		hit.Longest = max(hit.Longest, int64(x.end-x.start))
		e := effect{probe: x.probe, start: x.start, end: x.end, cut: -1, n: int32(n)}
		if x.end > reached {
			hit.ProbeCovered += int64(x.end - max(x.start, reached))
			reached = x.end
			e.cut = int32(len(s.cuts))
			s.cuts = append(s.cuts, cut{x.from, x.to})
		}
		s.effects = append(s.effects, e)
	}
	hit.DocCovered = m.documentUnits(text, matches)
	return hit
}

// documentUnits returns the units of the document in the union of the matches.
func (m *matcher) documentUnits(text []byte, matches []match) int64 {
	m.single = append(m.single[:0], matches...)
	slices.SortFunc(m.single, func(a, b match) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to)) })
	var units, reached int64
	for _, x := range m.single {
		switch {
		case x.to <= reached:
			continue
		case m.config.Unit == fold.Bytes:
			units += x.to - max(x.from, reached)
		case x.from < reached: // the words after those already counted, each with the space before it
			units += int64(bytes.Count(text[reached:x.to], blank))
		default:
			units += int64(x.end - x.start)
		}
		reached = x.to
	}
	return units
}

// ranges returns the original bytes of stretches of the document, found in one pass over its text.
func (m *matcher) ranges(d *fold.Document, text []byte, cuts []cut) []words.Range {
	ranges := make([]words.Range, len(cuts))
	if m.config.Unit == fold.Bytes {
		for i, c := range cuts {
			ranges[i] = words.Range{Start: c.from, End: c.to}
		}
		return ranges
	}
	// Where words begin and end, in the stream; then which words those are; then where these stand in the text.
	var ends []int64
	for _, c := range cuts {
		ends = append(ends, c.from, c.to)
	}
	slices.Sort(ends)
	ends = slices.Compact(ends)
	number := make([]int64, len(ends))
	counted, units := int64(0), int64(-1)
	var wanted []int64
	for i, at := range ends {
		units += int64(bytes.Count(text[counted:at], blank))
		counted, number[i] = at, units
		wanted = append(wanted, units)
	}
	wanted = slices.Compact(wanted)
	at := locate(m.config.Unit, &m.words, d.Text, d.Tokens, wanted)
	where := func(end int64) words.Range {
		i, _ := slices.BinarySearch(ends, end)
		k, _ := slices.BinarySearch(wanted, number[i])
		return at[k]
	}
	for i, c := range cuts {
		ranges[i] = words.Range{Start: where(c.from).Start, End: where(c.to).End}
	}
	return ranges
}
