package ngram

import (
	"bytes"
	"cmp"
	"slices"

	"palimpsest/stages/fold"
	"palimpsest/stages/words"
)

// State is the fold: of each probe that was touched, its antichain of spans with their counts.
type State struct {
	matcher matcher
	words   words.Normaliser
	probes  map[int32]*touched
	single  []match // the matches of one probe, reused
	wanted  []match // the matches whose spans take the document for a source, reused
}

var _ fold.Fold[*State] = (*State)(nil)

// touched is what the documents so far have in common with one probe.
type touched struct {
	spans     []span // an antichain: ascending by start, and so by end
	documents int64  // documents with at least one match
	cover     steps  // matches over each unit of the probe
}

// span is an interval of a probe, in units, and where it stands in the corpus.
type span struct {
	start, end             int32
	documents, occurrences int64
	sources                []source // ascending by reference, at most Config.sample
}

// source is a document that holds a span, and the original bytes of its first occurrence there.
type source struct {
	*fold.Ref
	words.Range
	words string // digest of the document's words
}

// NewState returns the state of no documents.
func NewState(x *Index) *State {
	return &State{matcher: matcher{Index: x}, probes: make(map[int32]*touched)}
}

// Add takes in one document: a corpus document in reading order or any other.
func (s *State) Add(d *fold.Document) {
	text := d.Stream
	if s.matcher.config.Bytes {
		text = d.Text
	}
	matches := s.matcher.find(text, d)
	if len(matches) == 0 {
		return
	}
	// Of intervals that begin together the longest comes first, so that those inside it are known when they come.
	slices.SortFunc(matches, func(a, b match) int {
		return cmp.Or(cmp.Compare(a.probe, b.probe), cmp.Compare(a.start, b.start), cmp.Compare(b.end, a.end), cmp.Compare(a.from, b.from))
	})
	s.wanted = s.wanted[:0]
	for len(matches) > 0 {
		n := 1
		for n < len(matches) && matches[n].probe == matches[0].probe {
			n++
		}
		s.addProbe(d, text, matches[:n])
		matches = matches[n:]
	}
	s.addSources(d, text)
}

// addProbe takes in the matches of one probe with one document, ordered by their interval of the probe.
func (s *State) addProbe(d *fold.Document, text []byte, matches []match) {
	probe := matches[0].probe
	t := s.probes[probe]
	if t == nil {
		t = new(touched)
		s.probes[probe] = t
	}
	t.documents++
	hit := d.Hit(probe)
	hit.Qualifying = true
	var reached int32
	for i := 0; i < len(matches); {
		m, n := matches[i], 1
		for i+n < len(matches) && matches[i+n].start == m.start && matches[i+n].end == m.end {
			n++
		}
		i += n
		hit.Longest = max(hit.Longest, int64(m.end-m.start))
		t.cover.add(m.start, m.end, int64(n))
		if m.end <= reached {
			continue // inside a longer one that this document holds too
		}
		hit.ProbeCovered += int64(m.end - max(m.start, reached))
		reached = m.end
		if sp := t.insert(m.start, m.end); sp != nil {
			sp.documents++
			sp.occurrences += int64(n)
			if s.samples(sp, d) {
				s.wanted = append(s.wanted, m)
			}
		}
	}
	hit.DocCovered = s.documentUnits(text, matches)
}

// sampleSize is the least number of sources kept of a span, whatever is listed: whether they are copies of one text tells
// boilerplate from a work that is there many times.
const sampleSize = 10

// samples reports whether the document belongs to the span's sources so far.
func (s *State) samples(sp *span, d *fold.Document) bool {
	n := s.matcher.config.sample()
	return len(sp.sources) < n || d.Ref().Compare(sp.sources[n-1].Ref) < 0
}

func (c Config) sample() int { return max(c.MaxSources, sampleSize) }

// addSources adds the document to the sources of the spans that want it, found in one pass over its text.
func (s *State) addSources(d *fold.Document, text []byte) {
	if len(s.wanted) == 0 {
		return
	}
	slices.SortFunc(s.wanted, func(a, b match) int { return cmp.Compare(a.from, b.from) })
	first := make([]int64, len(s.wanted)) // first unit of each in the document
	var ends []int64
	counted, units := int64(0), int64(-1)
	for i, m := range s.wanted {
		units += int64(bytes.Count(text[counted:m.from], blank))
		counted = m.from
		first[i] = units
		ends = append(ends, units, units+int64(m.end-m.start)-1)
	}
	slices.Sort(ends)
	ends = slices.Compact(ends)
	var at []words.Range
	if !s.matcher.config.Bytes {
		at = s.words.Locate(d.Text, ends)
	}
	for i, m := range s.wanted {
		where := words.Range{Start: m.from, End: m.to}
		if at != nil {
			a, _ := slices.BinarySearch(ends, first[i])
			b, _ := slices.BinarySearch(ends, first[i]+int64(m.end-m.start)-1)
			where = words.Range{Start: at[a].Start, End: at[b].End}
		}
		sp := s.probes[m.probe].insert(m.start, m.end)
		sp.sources = insertSource(sp.sources, source{d.Ref(), where, d.WordsSHA256()}, s.matcher.config.sample())
	}
}

func insertSource(sources []source, s source, limit int) []source {
	i, _ := slices.BinarySearchFunc(sources, s, func(a, b source) int { return a.Compare(b.Ref) })
	sources = slices.Insert(sources, i, s)
	return sources[:min(len(sources), limit)]
}

// insert returns the antichain's span with that interval, a new one if need be, or nil when the interval lies inside a longer
// one. Spans inside the interval are dropped.
func (t *touched) insert(start, end int32) *span {
	// Spans ascend by start and by end, so those inside [start, end) are neighbours.
	i, _ := slices.BinarySearchFunc(t.spans, start, func(s span, start int32) int { return cmp.Compare(s.start, start) })
	if i > 0 && t.spans[i-1].end >= end {
		return nil
	}
	if i < len(t.spans) && t.spans[i].start == start {
		switch {
		case t.spans[i].end == end:
			return &t.spans[i]
		case t.spans[i].end > end:
			return nil
		}
	}
	j := i
	for j < len(t.spans) && t.spans[j].end <= end {
		j++
	}
	if j == i {
		t.spans = slices.Insert(t.spans, i, span{start: start, end: end})
	} else {
		t.spans[i] = span{start: start, end: end}
		t.spans = slices.Delete(t.spans, i+1, j)
	}
	return &t.spans[i]
}

// documentUnits returns the units of the document in the union of the matches.
func (s *State) documentUnits(text []byte, matches []match) int64 {
	s.single = append(s.single[:0], matches...)
	slices.SortFunc(s.single, func(a, b match) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to)) })
	var units, reached int64
	for _, m := range s.single {
		switch {
		case m.to <= reached:
			continue
		case s.matcher.config.Bytes:
			units += m.to - max(m.from, reached)
		case m.from < reached: // the words after those already counted, each with the space before it
			units += int64(bytes.Count(text[reached:m.to], blank))
		default:
			units += int64(bytes.Count(text[m.from:m.to], blank)) + 1
		}
		reached = m.to
	}
	return units
}

// Merge takes in the state of other documents.
func (s *State) Merge(o *State) {
	for probe, from := range o.probes {
		t := s.probes[probe]
		if t == nil {
			s.probes[probe] = from
			continue
		}
		t.documents += from.documents
		t.cover.merge(&from.cover)
		for _, sp := range from.spans {
			if mine := t.insert(sp.start, sp.end); mine != nil {
				mine.documents += sp.documents
				mine.occurrences += sp.occurrences
				for _, src := range sp.sources {
					mine.sources = insertSource(mine.sources, src, s.matcher.config.sample())
				}
			}
		}
	}
	o.probes = nil
}
