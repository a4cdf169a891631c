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
	sources                []source // ascending by reference, at most MaxSources
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
	matches := s.matcher.find(text, func(probe int) bool { return d.Is(s.matcher.texts.probes[probe]) })
	if len(matches) == 0 {
		return
	}
	slices.SortFunc(matches, func(a, b match) int {
		return cmp.Or(cmp.Compare(a.probe, b.probe), cmp.Compare(a.start, b.start), cmp.Compare(a.end, b.end), cmp.Compare(a.from, b.from))
	})
	for len(matches) > 0 {
		n := 1
		for n < len(matches) && matches[n].probe == matches[0].probe {
			n++
		}
		s.addProbe(d, text, matches[:n])
		matches = matches[n:]
	}
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
		if m.end > reached {
			hit.ProbeCovered += int64(m.end - max(m.start, reached))
			reached = m.end
		}
		hit.Longest = max(hit.Longest, int64(m.end-m.start))
		t.cover.add(m.start, m.end, int64(n))
		s.addSpan(t, d, text, m, int64(n))
		i += n
	}
	hit.DocCovered = s.documentUnits(text, matches)
}

// addSpan counts one more document that holds the interval of m at n places, of which m is the first.
func (s *State) addSpan(t *touched, d *fold.Document, text []byte, m match, n int64) {
	sp := t.insert(m.start, m.end)
	if sp == nil {
		return
	}
	sp.documents++
	sp.occurrences += n
	limit := s.matcher.config.MaxSources
	ref := d.Ref()
	if limit == 0 || len(sp.sources) == limit && ref.Compare(sp.sources[limit-1].Ref) >= 0 {
		return
	}
	at := words.Range{Start: m.from, End: m.to}
	if !s.matcher.config.Bytes {
		first := int64(bytes.Count(text[:m.from], blank)) - 1
		ends := s.words.Locate(d.Text, []int64{first, first + int64(m.end-m.start) - 1})
		at = words.Range{Start: ends[0].Start, End: ends[1].End}
	}
	sp.sources = insertSource(sp.sources, source{ref, at, d.WordsSHA256()}, limit)
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
					mine.sources = insertSource(mine.sources, src, s.matcher.config.MaxSources)
				}
			}
		}
	}
	o.probes = nil
}
