// Package match lists, for each probe, the corpus documents that equal it, nearly do, or hold much of it, and records every document
// in which anything was found. It is the fold that comes after ngram and hash on the same document: it reads their hits, and
// compares nothing itself.
//
// Per probe it keeps at most Config.Max duplicates (those with the same words before near-duplicates, of each those of smallest hash64)
// and Config.Max other documents of greatest coverage, ties to the smallest hash64; both choices are the same whatever the order
// of documents. Rows of documents are handed out as they come, since their number grows with the corpus.
//
// Where it is asked for, listed documents are compared with the probe for what is nearly the same (package verbatim). That takes far more
// time than to find them, so the texts of documents that enter a list are held for a while, and only those still listed then are compared.
package match

import (
	"cmp"
	"slices"

	"palimpsest/schemas"
	"palimpsest/stages/fold"
)

// Config says what is listed.
type Config struct {
	Max         int                   // documents listed a probe, of each of the two kinds
	MinCoverage float64               // least probe_coverage of a listed document that is no duplicate
	Searched    bool                  // ngram runs: without it nothing is known of coverage
	Units       func(probe int) int64 // length of a probe, in the unit of ngram
	Unit        fold.Unit             // of ngram
	Compared    []*fold.Probe         // the probes, where listed documents are to be compared with them; nil otherwise
	Room        int64                 // bytes of documents, but for the last, that are held to be compared; it changes no result
}

// State is the fold.
type State struct {
	config    Config
	probes    fold.Table[listed]
	documents []schemas.Document
	latest    map[*fold.Shared]uint64 // documents with these hits and a greater Hash64 change nothing
	compared  comparison
}

var _ fold.Fold[*State] = (*State)(nil)

type listed struct {
	floor      int64  // a document that covers less is neither the best nor among the others
	duplicates []pair // equal ones first, then ascending by reference
	others     []pair // best first
	best       pair   // the document that holds most of the probe, listed or not; without a reference there is none
}

// pair is a probe's document with what they share.
type pair struct {
	*fold.Ref
	fold.Hit
	units int64 // of the document
	near  *near // nil where the two are not compared
}

// NewState returns the state of no documents.
func NewState(c Config) *State { return &State{config: c} }

// Add takes in one document, after the folds that look for hits in it.
func (s *State) Add(d *fold.Document) {
	hits, parts := d.Hits(), d.Parts()
	if len(hits) == 0 && len(parts) == 0 {
		return
	}
	units, ref := d.Units(s.config.Unit), d.Ref()
	row := schemas.Document{
		DocumentID: ref.ID, DocumentURI: ref.URI, DocumentRow: ref.Row,
		SHA256: fold.SHA256(d.Text), Words: d.Words, Probes: int64(len(hits)),
	}
	if sum := d.WordsSHA256(); sum != "" {
		row.WordsSHA256 = &sum
	}
	var longest int64
	if s.config.Searched {
		row.LongestWords = &longest
	}
	for i := range hits {
		longest = max(longest, hits[i].Longest)
		s.list(d, &hits[i], units)
	}
	for _, part := range parts {
		longest = max(longest, part.Longest)
		row.Probes += int64(len(part.Hits) - part.Replaced)
		if latest, known := s.latest[part.Shared]; !known || ref.Hash64 <= latest {
			s.listShared(d, part.Shared, units)
		}
	}
	s.documents = append(s.documents, row)
	s.release(d.Stopped)
}

// list adds the document to the probe's lists if it belongs there.
func (s *State) list(d *fold.Document, h *fold.Hit, units int64) {
	l, r := s.probes.At(h.Probe), d.Ref()
	if h.Exact || h.ExactWords || h.Near || r.Hash64 <= l.latestWith(h, s.config) {
		p := pair{r, *h, units, s.hold(d)}
		d.Settle(&p.Hit)
		l.add(&p, s.config)
	}
}

func (l *listed) add(p *pair, c Config) {
	if p.Qualifying && (l.best.Ref == nil || better(p, &l.best) < 0) {
		l.best = *p
		l.best.near = nil
	}
	switch {
	case p.equal() || p.Near:
		l.duplicates = keep(l.duplicates, p, c.Max, closer)
	case p.Qualifying && c.holds(p.Probe, p.ProbeCovered):
		l.others = keep(l.others, p, c.Max, better)
	}
	if p.Qualifying {
		l.raise(p.Probe, c)
	}
}

// holds reports whether so many units are enough of the probe for a document to be listed.
func (c Config) holds(probe int32, covered int64) bool {
	return float64(covered)/float64(c.Units(int(probe))) >= c.MinCoverage
}

func (p *pair) equal() bool { return p.Exact || p.ExactWords }

// closer orders duplicates: those that equal the probe come first, so that near ones do not crowd them out, then by sampling order.
func closer(a, b *pair) int {
	if equal := a.equal(); equal != b.equal() {
		if equal {
			return -1
		}
		return 1
	}
	return a.Compare(b.Ref)
}

// better orders by coverage, which of one probe is the covered units, then by sampling order.
func better(a, b *pair) int {
	if a.ProbeCovered != b.ProbeCovered {
		return cmp.Compare(b.ProbeCovered, a.ProbeCovered)
	}
	return a.Compare(b.Ref)
}

// keep inserts p into the sorted list and cuts the list to most.
func keep(list []pair, p *pair, most int, order func(a, b *pair) int) []pair {
	i := len(list)
	for i > 0 && order(&list[i-1], p) > 0 {
		i--
	}
	if i == most {
		return list
	}
	list = slices.Insert(list, i, *p)
	return list[:min(len(list), most)]
}

// Merge takes in the state of other documents.
func (s *State) Merge(o *State) {
	s.documents = append(s.documents, o.documents...)
	for probe, from := range o.probes.All() {
		s.merge(probe, from)
	}
	o.probes, o.documents = fold.Table[listed]{}, nil
}

// merge takes in what is listed of the probe among other documents.
func (s *State) merge(probe int32, from *listed) {
	l := s.probes.Get(probe)
	if l == nil {
		s.probes.Set(probe, from)
		return
	}
	for _, all := range [][]pair{from.duplicates, from.others} {
		for i := range all {
			l.add(&all[i], s.config)
		}
	}
	if from.best.Ref != nil && (l.best.Ref == nil || better(&from.best, &l.best) < 0) {
		l.best = from.best
	}
}

// TakeDocuments returns the rows of documents since the last call, in no particular order.
func (s *State) TakeDocuments() []schemas.Document {
	rows := s.documents
	s.documents = nil
	return rows
}

// Best returns the document that holds most of probe i, and which share of the probe, whatever is listed; "" when none holds any.
func (s *State) Best(i int) (documentID string, coverage float64) {
	l := s.probes.Get(int32(i))
	if l == nil || l.best.Ref == nil {
		return "", 0
	}
	return l.best.ID, float64(l.best.ProbeCovered) / float64(s.config.Units(i))
}

// The relations of a probe and a document.
const (
	Exact           = "exact"
	ExactWords      = "exact_words"
	NearDuplicate   = "near_duplicate"
	ProbeInDocument = "probe_in_document"
	DocumentInProbe = "document_in_probe"
	Overlaps        = "overlaps"
)

// Rows returns the rows of probe i with that id, in order of the table's key.
func (s *State) Rows(i int, id string) []schemas.Match {
	l := s.probes.Get(int32(i))
	if l == nil {
		return nil
	}
	pairs := slices.Concat(l.duplicates, l.others)
	slices.SortFunc(pairs, func(a, b pair) int { return a.CompareKey(b.Ref) })
	rows := make([]schemas.Match, len(pairs))
	for k, p := range pairs {
		row := schemas.Match{
			ProbeID: id, DocumentID: p.ID, DocumentURI: p.URI, DocumentRow: p.Row,
			URL: p.URL, License: p.License, RightsHolder: p.RightsHolder, OptOut: p.OptOut,
			Reservation: p.Reservation, ReservationRule: p.ReservationRule,
		}
		if s.config.Searched {
			covered, longest := p.ProbeCovered, p.Longest
			row.CoveredWords, row.LongestWords = &covered, &longest
			row.ProbeCoverage, row.DocumentCoverage = ratio(covered, s.config.Units(i)), ratio(p.DocCovered, p.units)
		}
		if p.Near {
			row.Jaccard = &p.Jaccard
		}
		if p.near != nil {
			row.NearVerbatimRecall = &p.near.recall
		}
		switch {
		case p.Exact:
			row.Relation = Exact
		case p.ExactWords:
			row.Relation = ExactWords
		case p.Near:
			row.Relation = NearDuplicate
		case *row.ProbeCoverage >= fold.Contained:
			row.Relation = ProbeInDocument
		case *row.DocumentCoverage >= fold.Contained:
			row.Relation = DocumentInProbe
		default:
			row.Relation = Overlaps
		}
		rows[k] = row
	}
	return rows
}

// ratio returns a/b, and null when b is 0.
func ratio(a, b int64) *float64 {
	if b == 0 {
		return nil
	}
	r := float64(a) / float64(b)
	return &r
}
