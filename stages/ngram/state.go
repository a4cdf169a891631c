package ngram

import (
	"cmp"
	"slices"

	"palimpsest/stages/fold"
	"palimpsest/stages/words"
)

// State is the fold: of each probe that was touched, its antichain of spans with their counts.
type State struct {
	matcher *matcher
	probes  fold.Table[touched]

	tallies    map[string]*tally // by the passage's text; not yet added to probes
	tallyBytes int
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

// NewState returns the state of no documents. What it becomes depends on the documents that it takes in, and not on what the matcher
// remembers of those before.
func (m *Matcher) NewState() *State {
	return &State{matcher: (*matcher)(m)}
}

// Add takes in one document: a corpus document in reading order or any other.
func (s *State) Add(d *fold.Document) {
	m := s.matcher
	text := d.Searched(m.config.Unit)
	m.document, m.text = d, text
	m.find(text)
	if len(m.matches) == 0 && len(m.passages) == 0 || m.stopped {
		return
	}
	if m.texts.isDrawn(d) {
		m.joined = m.appendAll(m.joined[:0])
		m.matches = append(m.matches[:0], m.joined...)
		m.matches = slices.DeleteFunc(m.matches, func(x match) bool { return d.Is(m.texts.probes[x.probe]) })
		m.passages = m.passages[:0]
	}
	m.summarise(text, m.matches)
	s.meet(d)
	s.apply(d, text)
	for _, o := range m.passages {
		s.tally(d, text, o)
	}
	if s.tallyBytes > m.room/2 {
		s.spread()
	}
	m.learn()
}

// apply adds the document's own matches to its probes.
func (s *State) apply(d *fold.Document, text []byte) {
	m := s.matcher
	if len(m.passages) > 0 {
		s.cover(text)
	}
	m.wanted = m.wanted[:0]
	for i, e := range m.summary.effects {
		t := s.probes.At(e.probe)
		if len(m.passages) == 0 {
			t.cover.add(e.start, e.end, int64(e.n))
		}
		if e.cut < 0 {
			continue // inside a longer one that the document holds too
		}
		sp := t.insert(e.start, e.end)
		if sp == nil {
			continue
		}
		sp.occurrences += int64(e.n)
		if !e.again {
			sp.documents++
		}
		if s.samples(sp, d) {
			m.wanted = append(m.wanted, int32(i))
		}
	}
	if len(m.wanted) == 0 {
		return
	}
	cuts := make([]cut, len(m.wanted))
	for i, w := range m.wanted {
		cuts[i] = m.summary.cuts[m.summary.effects[w].cut]
	}
	for i, at := range m.ranges(d, text, cuts) {
		e := m.summary.effects[m.wanted[i]]
		if sp := s.probes.At(e.probe).insert(e.start, e.end); sp != nil {
			sp.sources = insertSource(sp.sources, source{d.Ref(), at, d.WordsSHA256()}, m.config.sample())
		}
	}
}

// sampleSize is the least number of sources kept of a span, whatever is listed: whether they are copies of one text tells
// boilerplate from a work that is there many times.
const sampleSize = 10

// samples reports whether the document belongs to the span's sources so far.
func (s *State) samples(sp *span, d *fold.Document) bool {
	n := s.matcher.config.sample()
	return len(sp.sources) < n || d.Ref().Compare(sp.sources[n-1].Ref) <= 0
}

func (c Config) sample() int { return max(c.MaxSources, sampleSize) }

// insertSource adds a source. Of two for the same document the first occurrence stays.
func insertSource(sources []source, s source, limit int) []source {
	i, known := slices.BinarySearchFunc(sources, s, func(a, b source) int { return a.Compare(b.Ref) })
	if known {
		if s.Start < sources[i].Start {
			sources[i] = s
		}
		return sources
	}
	if i == limit {
		return sources
	}
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

// Merge takes in the state of other documents.
func (s *State) Merge(o *State) {
	o.spread()
	for probe, from := range o.probes.All() {
		s.merge(probe, from)
	}
	o.probes = fold.Table[touched]{}
}

// merge takes in what other documents have in common with the probe.
func (s *State) merge(probe int32, from *touched) {
	t := s.probes.Get(probe)
	if t == nil {
		s.probes.Set(probe, from)
		return
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
