package match

import (
	"math"

	"palimpsest/stages/fold"
)

// Most documents that hold some of a probe hold too little of it to be listed, or to be its best. What a document has to hold is the
// probe's floor: less changes nothing. Boilerplate stays below it once a few documents with more have been met.

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

// latestWith returns the greatest Hash64 of a document, no duplicate, that may still change something if this is its hit. Documents that
// hold as much of a probe as those that are listed have to come before them in sampling order, and ever fewer do.
func (l *listed) latestWith(h *fold.Hit, c Config) (latest uint64) {
	if h.ProbeCovered < l.floor {
		return 0
	}
	if latest = l.best.latestAgainst(h); c.Max == 0 {
		return latest
	}
	if len(l.others) == c.Max {
		return max(latest, l.others[c.Max-1].latestAgainst(h))
	}
	if c.holds(h.Probe, h.ProbeCovered) {
		return math.MaxUint64
	}
	return latest
}

func (p *pair) latestAgainst(h *fold.Hit) uint64 {
	switch {
	case p.Ref == nil || h.ProbeCovered > p.ProbeCovered:
		return math.MaxUint64
	case h.ProbeCovered == p.ProbeCovered:
		return p.Hash64
	}
	return 0
}

// listShared adds the document to the lists of those probes that it has no hit of its own with, and notes which documents need not be
// looked at any more for these hits.
func (s *State) listShared(d *fold.Document, all *fold.Shared, units int64) {
	own, latest := d.Hits(), uint64(0)
	for i := range all.Hits {
		h := &all.Hits[i]
		for len(own) > 0 && own[0].Probe < h.Probe {
			own = own[1:]
		}
		if len(own) == 0 || own[0].Probe > h.Probe {
			s.list(d, h, units)
		}
		latest = max(latest, s.probes.At(h.Probe).latestWith(h, s.config))
	}
	if s.latest == nil {
		s.latest = make(map[*fold.Shared]uint64)
	}
	s.latest[all] = latest
}
