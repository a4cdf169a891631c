package match

import "palimpsest/stages/fold"

// Most documents that hold some of a probe hold too little of it to be listed, or to be its best. What a document has to hold is the
// probe's floor: less changes nothing. Boilerplate stays below it once a few documents with more have been met.

// Floors are those of the state that the states of one goroutine are merged into, for those that it fills later.
type Floors struct{ probes fold.Table[int64] }

// of returns what is listed of a probe.
func (s *State) of(probe int32) *listed {
	if l := s.probes.Get(probe); l != nil {
		return l
	}
	l := new(listed)
	if f := s.config.Floors; f != nil {
		if floor := f.probes.Get(probe); floor != nil {
			l.floor = *floor
		}
	}
	s.probes.Set(probe, l)
	return l
}

// raise sets the floor of the probe anew.
func (l *listed) raise(probe int32, c Config) {
	floor := l.best.ProbeCovered
	switch {
	case c.Max == 0:
	case len(l.others) == c.Max:
		floor = l.others[c.Max-1].ProbeCovered
	case c.holds(probe, floor): // any document that holds enough is listed
		floor = int64(c.MinCoverage * float64(c.Units(int(probe))))
		for floor > 0 && c.holds(probe, floor) {
			floor--
		}
	}
	l.floor = max(l.floor, floor)
}

// listShared adds the document to the lists of those probes that it has no hit of its own with. Shared hits that are all below their floors
// stay there, and are not looked at again.
func (s *State) listShared(d *fold.Document, all *fold.Shared, units int64) {
	own, idle := d.Hits(), true
	for i := range all.Hits {
		h := &all.Hits[i]
		for len(own) > 0 && own[0].Probe < h.Probe {
			own = own[1:]
		}
		if len(own) == 0 || own[0].Probe > h.Probe {
			s.list(d, h, units)
		}
		idle = idle && h.ProbeCovered < s.of(h.Probe).floor
	}
	if idle {
		if s.idle == nil {
			s.idle = make(map[*fold.Shared]bool)
		}
		s.idle[all] = true
	}
}
