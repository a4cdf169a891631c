package ngram

import (
	"slices"

	"palimpsest/stages/fold"
	"palimpsest/stages/words"
)

// tally counts the times that documents have a passage. Before the state is read, or when the tallies take too much room, what the passage
// adds to its probes is added as many times: the state is then what it would be had each been added by itself.
type tally struct {
	*passage
	times   int64
	sources []sharedSource // ascending by reference, at most Config.sample
}

// sharedSource is a document that has the passage, and the original bytes of each cut of its first occurrence.
type sharedSource struct {
	*fold.Ref
	at    []words.Range
	words string
}

// tally counts the passage, and lists the document if it belongs to the sources so far.
func (s *State) tally(d *fold.Document, text []byte, o occurrence) {
	t := s.tallies[o.text]
	if t == nil {
		t = &tally{passage: o.passage}
		if s.tallies == nil {
			s.tallies = make(map[string]*tally)
		}
		s.tallies[t.text] = t
		s.tallyBytes += t.size()
	}
	t.times++
	r, n := d.Ref(), s.matcher.config.sample()
	if len(t.sources) == n && r.Compare(t.sources[n-1].Ref) >= 0 {
		return
	}
	cuts := make([]cut, len(o.cuts))
	for i, c := range o.cuts {
		cuts[i] = cut{c.from + int64(o.at), c.to + int64(o.at)}
	}
	s.tallyBytes += 16*len(cuts) + 200
	t.sources = insertShared(t.sources, sharedSource{r, s.matcher.ranges(d, text, cuts), d.WordsSHA256()}, n)
}

// insertShared adds a source. Of two for the same document the one that is there stays: occurrences come in order.
func insertShared(sources []sharedSource, s sharedSource, limit int) []sharedSource {
	i, known := slices.BinarySearchFunc(sources, s, func(a, b sharedSource) int { return a.Compare(b.Ref) })
	if known || i == limit {
		return sources
	}
	sources = slices.Insert(sources, i, s)
	return sources[:min(len(sources), limit)]
}

// spread adds what was tallied to the probes.
func (s *State) spread() {
	for _, t := range s.tallies {
		for _, h := range t.hits.Hits {
			s.probes.At(h.Probe).documents += t.times
		}
		m := s.matcher
		m.joined = appendMatches(m.joined[:0], t.matches, 0)
		m.summarise([]byte(t.text), m.joined)
		for _, e := range m.summary.effects {
			p := s.probes.At(e.probe)
			p.cover.add(e.start, e.end, int64(e.n)*t.times)
			if e.cut < 0 {
				continue
			}
			sp := p.insert(e.start, e.end)
			if sp == nil {
				continue
			}
			sp.occurrences += int64(e.n) * t.times
			sp.documents += t.times
			cut, _ := slices.BinarySearchFunc(t.cuts, m.summary.cuts[e.cut], cut.compare)
			for _, src := range t.sources {
				sp.sources = insertSource(sp.sources, source{src.Ref, src.at[cut], src.words}, m.config.sample())
			}
		}
	}
	s.tallies, s.tallyBytes = nil, 0
}
