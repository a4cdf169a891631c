package match

import (
	"slices"

	"palimpsest/stages/fold"
)

// Documents that share their hits (fold.Shared) are kept together, and are added to each of their probes when the state is read or when
// they take too much room: the lists are then what they would be if each had come alone.

// shared are documents with the same hits, but for those that one or another has of its own.
type shared struct {
	hits      []fold.Hit
	documents []sharer // ascending by reference
	alone     int      // documents without a hit of their own
}

// sharer is a document that shares its hits, and the probes with which it has one of its own instead.
type sharer struct {
	*fold.Ref
	units int64
	own   []int32 // ascending
}

// hitBytes and sharerBytes are what a hit and a document take.
const (
	hitBytes    = 56
	sharerBytes = 300 // with the reference
)

// share adds documents to those that share their hits. Those are kept that some probe may list: the first ones without a hit of their
// own, as many as are listed, and what stands before the last of these.
func (s *State) share(key string, more *shared) {
	all := s.shared[key]
	if all == nil {
		if s.shared == nil {
			s.shared = make(map[string]*shared)
		}
		all = &shared{hits: more.hits}
		s.shared[key] = all
		s.sharedRoom += int64(len(all.hits)) * hitBytes
	}
	before := len(all.documents)
	for _, d := range more.documents {
		all.add(d, max(s.config.Max, 1))
	}
	if len(all.documents) > 16*s.config.Max+64 { // most have hits of their own: this key gains nothing
		s.spreadKey(all)
		s.sharedRoom -= int64(before)*sharerBytes + int64(len(all.hits))*hitBytes
		delete(s.shared, key)
		return
	}
	if s.sharedRoom += int64(len(all.documents)-before) * sharerBytes; s.sharedRoom > s.config.Room {
		s.spread()
	}
}

func (a *shared) add(d sharer, most int) {
	if n := len(a.documents); a.alone >= most && a.documents[n-1].Compare(d.Ref) < 0 {
		return
	}
	i, _ := slices.BinarySearchFunc(a.documents, d, func(a, b sharer) int { return a.Compare(b.Ref) })
	a.documents = slices.Insert(a.documents, i, d)
	if len(d.own) == 0 {
		a.alone++
	}
	for n := len(a.documents) - 1; a.alone > most || a.alone == most && len(a.documents[n].own) > 0; n-- {
		if len(a.documents[n].own) == 0 {
			a.alone--
		}
		a.documents = a.documents[:n]
	}
}

// spread adds the documents that share their hits to the probes, as if each had come alone.
func (s *State) spread() {
	for _, all := range s.shared {
		s.spreadKey(all)
	}
	s.shared, s.sharedRoom = nil, 0
}

func (s *State) spreadKey(all *shared) {
	for _, h := range all.hits {
		for _, d := range all.documents {
			if _, own := slices.BinarySearch(d.own, h.Probe); !own {
				s.list(pair{d.Ref, h, d.units})
			}
		}
	}
}
