package ngram

import (
	"cmp"
	"encoding/binary"
	"slices"

	"github.com/zeebo/xxh3"

	"palimpsest/stages/fold"
	"palimpsest/stages/words"
)

// Documents that have the same passages are alike to the probes: whatever these passages add for one they add for all. They form a
// class. A class is worked out for its first document; of the others a number is kept, and those that can be listed as sources. Before
// the state is read, or when the classes take too much room, each is added to its probes as many times as it has documents: the state is
// then what it would be without classes, so that they change no result either. What else a document shares with the probes is added
// for itself.
type class struct {
	fold.Shared
	effects []effect
	cuts    []placed
	bound   uint64 // documents of a greater Hash64 are not among the sources: merged states hold enough of smaller ones
}

// placed is a cut within a passage of the document: it moves with it.
type placed struct {
	cut
	passage int
}

// tally counts the documents of a class.
type tally struct {
	*class
	documents int64
	sources   []sharedSource // ascending by reference, at most Config.sample
}

// sharedSource is a document of a class, and the original bytes of each cut.
type sharedSource struct {
	*fold.Ref
	at    []words.Range
	words string
}

// mostSeen bounds the combinations of passages that are remembered for having been met once.
const mostSeen = 1 << 16

func (c *class) size() int {
	return len(c.Key) + 24*len(c.effects) + 56*len(c.Hits) + 24*len(c.cuts) + 128
}

// classOf returns the class of documents with these passages, and nil when they have not been met together before: most that are met
// once are not met again.
func (m *matcher) classOf(text []byte, passages []occurrence) *class {
	key, end := m.key[:0], 0
	for _, o := range passages {
		key = append(key, o.id[:]...)
		overlap := uint32(0) // of a passage with the one before; matches in both count once
		if o.at < end {
			overlap = uint32(end - o.at)
		}
		key = binary.LittleEndian.AppendUint32(key, overlap)
		end = o.at + len(o.text)
	}
	m.key = key
	if c := m.classes[string(key)]; c != nil {
		return c
	}
	if h := xxh3.Hash(key); !m.seen[h] {
		if len(m.seen) >= mostSeen || m.seen == nil {
			m.seen = make(map[uint64]bool)
		}
		m.seen[h] = true
		return nil
	}
	m.alike = appendMatches(m.alike[:0], passages)
	m.summarise(text, m.alike)
	c := &class{
		Shared:  fold.Shared{Key: string(key), Hits: slices.Clone(m.summary.hits)},
		effects: slices.Clone(m.summary.effects), bound: 1<<64 - 1,
	}
	c.place(passages, m.summary.cuts)
	if m.classBytes += c.size(); m.classBytes > m.room/2 || m.classes == nil {
		m.classes, m.classBytes = make(map[string]*class), c.size()
	}
	m.classes[c.Key] = c
	return c
}

// alikeBy finds a class for the document at hand: by all of its passages, or by the one with the most matches. rest are the passages that
// the class does not account for.
func (m *matcher) alikeBy(text []byte) (c *class, by, rest []occurrence) {
	all := m.occurrences
	if c := m.classOf(text, all); c != nil || len(all) == 1 {
		return c, all, nil
	}
	most := 0
	for i, o := range all {
		if len(o.matches) > len(all[most].matches) {
			most = i
		}
	}
	all[0], all[most] = all[most], all[0]
	return m.classOf(text, all[:1]), all[:1], all[1:]
}

// place keeps each cut once, with the passage that it lies in.
func (c *class) place(passages []occurrence, cuts []cut) {
	known := make(map[cut]int32)
	for i := range c.effects {
		e := &c.effects[i]
		if e.cut < 0 {
			continue
		}
		x := cuts[e.cut]
		k, ok := known[x]
		if !ok {
			p := 0
			for x.from < int64(passages[p].at) || x.to > int64(passages[p].at+len(passages[p].text)) {
				p++
			}
			k = int32(len(c.cuts))
			known[x] = k
			at := int64(passages[p].at)
			c.cuts = append(c.cuts, placed{cut{x.from - at, x.to - at}, p})
		}
		e.cut = k
	}
}

// appendMatches appends the matches of a document's passages.
func appendMatches(matches []match, passages []occurrence) []match {
	for _, o := range passages {
		for _, x := range o.matches {
			x.from += int64(o.at)
			x.to += int64(o.at)
			matches = append(matches, x)
		}
	}
	return matches
}

// addAlike adds a document by its class, and by what it shares with the probes besides. It returns false, and adds nothing, when it has
// no class.
func (s *State) addAlike(d *fold.Document, text []byte) bool {
	m := s.matcher
	c, by, rest := m.alikeBy(text)
	if c == nil {
		return false
	}
	m.matches, m.occurrences = appendMatches(m.matches, rest), by
	m.summarise(text, m.matches)
	for i := range m.summary.effects {
		e := &m.summary.effects[i]
		_, e.again = slices.BinarySearchFunc(c.effects, *e, inIntervalOrder)
	}
	s.count(d, text, c)
	d.Share(&c.Shared)

	// A probe that the class touches too has one hit, of all matches.
	for _, h := range m.summary.hits {
		if c.Has(h.Probe) {
			d.Hit(h.Probe)
		} else {
			s.probes.At(h.Probe).documents++
			d.Hit(h.Probe).Overlap = h.Overlap
		}
	}
	s.apply(d, text)
	for _, h := range slices.Clone(d.Hits()) {
		if c.Has(h.Probe) {
			d.Hit(h.Probe).Overlap = m.together(text, h.Probe)
		}
	}
	if s.classBytes > s.matcher.room/2 {
		s.expand()
	}
	return true
}

// together returns what the probe and the document share, within passages and without.
func (m *matcher) together(text []byte, probe int32) fold.Overlap {
	m.alike = append(m.alike[:0], ofProbe(m.matches, probe)...)
	for _, o := range m.occurrences {
		for _, x := range ofProbe(o.matches, probe) {
			x.from += int64(o.at)
			x.to += int64(o.at)
			m.alike = append(m.alike, x)
		}
	}
	slices.SortFunc(m.alike, inProbeOrder)
	m.summary.reset()
	return m.summariseProbe(text, m.alike).Overlap
}

// ofProbe returns the matches of one probe, among matches in order of probe.
func ofProbe(matches []match, probe int32) []match {
	search := func(probe int32) int {
		i, _ := slices.BinarySearchFunc(matches, probe, func(x match, probe int32) int { return cmp.Compare(x.probe, probe) })
		return i
	}
	return matches[search(probe):search(probe+1)]
}

// count counts the document in its class, and lists it if it belongs to the sources so far.
func (s *State) count(d *fold.Document, text []byte, c *class) {
	t := s.classes[c.Key]
	if t == nil {
		t = &tally{class: c}
		s.hold(t)
	}
	t.documents++
	r, n := d.Ref(), s.matcher.config.sample()
	if r.Hash64 > c.bound || len(t.sources) == n && r.Compare(t.sources[n-1].Ref) >= 0 {
		return
	}
	cuts := make([]cut, len(c.cuts))
	for i, x := range c.cuts {
		at := int64(s.matcher.occurrences[x.passage].at)
		cuts[i] = cut{at + x.from, at + x.to}
	}
	t.sources = insertShared(t.sources, sharedSource{r, s.matcher.ranges(d, text, cuts), d.WordsSHA256()}, n)
}

func insertShared(sources []sharedSource, s sharedSource, limit int) []sharedSource {
	i, _ := slices.BinarySearchFunc(sources, s, func(a, b sharedSource) int { return a.Compare(b.Ref) })
	if i == limit {
		return sources
	}
	sources = slices.Insert(sources, i, s)
	return sources[:min(len(sources), limit)]
}

func (s *State) hold(t *tally) {
	if s.classes == nil {
		s.classes = make(map[string]*tally)
	}
	s.classes[t.Key] = t
	s.classBytes += t.size()
}

// expand adds the classes to their probes.
func (s *State) expand() {
	for _, t := range s.classes {
		for _, h := range t.Hits {
			s.probes.At(h.Probe).documents += t.documents
		}
		for _, e := range t.effects {
			sp := s.probes.At(e.probe).add(e, t.documents)
			if sp == nil {
				continue
			}
			for _, src := range t.sources {
				sp.sources = insertSource(sp.sources, source{src.Ref, src.at[e.cut], src.words}, s.matcher.config.sample())
			}
		}
	}
	s.classes, s.classBytes = nil, 0
}

// mergeClasses takes in the classes of another state, and tells it which documents need not be listed any more.
func (s *State) mergeClasses(o *State) {
	for key, from := range o.classes {
		t := s.classes[key]
		if t == nil {
			s.hold(from)
			t = from
		} else {
			t.documents += from.documents
			for _, src := range from.sources {
				t.sources = insertShared(t.sources, src, s.matcher.config.sample())
			}
		}
		if n := s.matcher.config.sample(); len(t.sources) == n {
			from.bound = t.sources[n-1].Hash64
		}
	}
	o.classes = nil
	if s.classBytes > s.matcher.room/2 {
		s.expand()
	}
}
