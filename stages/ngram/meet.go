package ngram

import (
	"cmp"
	"slices"

	"palimpsest/stages/fold"
)

// meet gives the document at hand its hits, and sees to it that the document counts once for a probe, and for an interval of one, that
// several of its passages touch, or a passage and an own match. Passages are counted for their probes when tallies are spread.
func (s *State) meet(d *fold.Document) {
	m := s.matcher
	own, effects := m.summary.hits, m.summary.effects
	if len(m.passages) == 0 {
		for _, h := range own {
			s.probes.At(h.Probe).documents++
			d.Hit(h.Probe).Overlap = h.Overlap
		}
		return
	}
	d.SettleBy(m.settle)
	// Hits that another fold has found are to be completed, so none is shared then.
	share := len(d.Hits()) == 0
	m.cursors = m.cursors[:0]
	for _, o := range m.passages {
		m.cursors = append(m.cursors, cursor{probe: o.probes[0]})
	}
	for {
		// The passage that comes next goes on alone up to the next probe of the others.
		alone, probe, next := 0, int32(noProbe), int32(noProbe)
		if len(own) > 0 {
			next = own[0].Probe
		}
		for i := range m.cursors {
			if p := m.cursors[i].probe; p < probe {
				alone, probe, next = i, p, min(next, probe)
			} else {
				next = min(next, p)
			}
		}
		o, c := m.passages[alone], &m.cursors[alone]
		for ; c.probe < next; c.step(o) {
			if !share {
				d.Hit(c.probe).Overlap = o.hits.Hits[c.at].Overlap
			}
		}
		if next == noProbe {
			break
		}
		ownToo := len(own) > 0 && own[0].Probe == next
		if !ownToo && m.cursorsAt(next) == 1 {
			continue // it goes on alone in its turn
		}
		d.Hit(next).Overlap = m.meetTogether(s.probes.At(next), next, own, effects)
		if ownToo {
			for own = own[1:]; len(effects) > 0 && effects[0].probe == next; effects = effects[1:] {
			}
		}
	}
	if share {
		for i, o := range m.passages {
			d.Share(fold.Part{Shared: &o.hits, Replaced: m.cursors[i].together})
		}
	}
}

// cursor goes through the probes of a passage.
type cursor struct {
	probe    int32 // the one at hand
	at       int   // its place among them
	together int   // those before it that other parts of the document touch too
}

func (c *cursor) step(o occurrence) {
	c.at++
	c.probe = o.probes[c.at]
}

// cursorsAt returns how many passages are at that probe.
func (m *matcher) cursorsAt(probe int32) (n int) {
	for i := range m.cursors {
		if m.cursors[i].probe == probe {
			n++
		}
	}
	return n
}

// held is an interval of a probe that the document has, in the passage of that number, or in an own match: then by is below 0.
type held struct{ start, end, by int32 }

func (h held) compare(o held) int {
	switch {
	case h.start != o.start:
		return cmp.Compare(h.start, o.start)
	case h.end != o.end:
		return cmp.Compare(o.end, h.end)
	}
	return cmp.Compare(h.by, o.by)
}

// meetTogether counts the document once for a probe which several parts of it touch, or own matches alone, and returns its hit. The parts
// are the passages whose cursors are there, which go on, and own matches if the first of own is about the probe, with the first of
// effects. What several parts cover of the document is left to be settled.
func (m *matcher) meetTogether(p *touched, probe int32, own []fold.Hit, effects []effect) (hit fold.Overlap) {
	m.held = m.held[:0]
	parts := 0
	for i := range m.cursors {
		c := &m.cursors[i]
		if c.probe != probe {
			continue
		}
		o := m.passages[i]
		for _, x := range o.of(c.at) {
			m.held = append(m.held, held{x.start, x.end, int32(i)})
		}
		c.step(o)
		c.together++
		parts++
	}
	p.documents -= int64(parts) // each of them counts it
	p.documents++
	if len(own) > 0 && own[0].Probe == probe {
		for i := 0; i < len(effects) && effects[i].probe == probe; i++ {
			m.held = append(m.held, held{effects[i].start, effects[i].end, int32(-1 - i)})
		}
		hit.DocCovered = own[0].DocCovered
		parts++
	}
	hit.Qualifying, hit.Unsettled = true, parts > 1
	slices.SortFunc(m.held, held.compare)
	var reached int32
	for rest := m.held; len(rest) > 0; {
		x, n, passages := rest[0], 0, int64(0)
		for ; n < len(rest) && rest[n].start == x.start && rest[n].end == x.end; n++ {
			if rest[n].by >= 0 && (n == 0 || rest[n].by != rest[n-1].by) {
				passages++
			}
		}
		if x.by < 0 && passages > 0 {
			effects[-1-x.by].again = true
		}
		if passages > 1 {
			if sp := p.insert(x.start, x.end); sp != nil {
				sp.documents -= passages - 1
			}
		}
		hit.Longest = max(hit.Longest, int64(x.end-x.start))
		if x.end > reached {
			hit.ProbeCovered += int64(x.end - max(x.start, reached))
			reached = x.end
		}
		rest = rest[n:]
	}
	return hit
}

// settleProbe returns what a probe and the document at hand share, within passages and without. The pieces of longer matches add nothing to
// the units that these cover.
func (m *matcher) settleProbe(probe int32) fold.Overlap {
	m.joined = append(m.joined[:0], ofProbe(m.matches, probe)...)
	for _, o := range m.passages {
		m.joined = appendMatches(m.joined, o.ofProbe(probe), o.at)
	}
	slices.SortFunc(m.joined, inProbeOrder)
	m.summary.reset()
	return m.summariseProbe(m.text, m.joined).Overlap
}

// cover counts the document's own matches over the units of their probes. Their pieces within passages are counted there.
func (s *State) cover(text []byte) {
	m := s.matcher
	for _, x := range m.matches {
		t, from := s.probes.At(x.probe), x.start
		for _, o := range m.passages {
			if p, ok := m.piece(text, x, o); ok {
				if p.start > from {
					t.cover.add(from, p.start, 1)
				}
				from = p.end
			}
		}
		if x.end > from {
			t.cover.add(from, x.end, 1)
		}
	}
}
