package fold

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strconv"
	"strings"

	"github.com/zeebo/xxh3"

	"palimpsest/stages/tokens"
)

// Ref names a corpus document and carries what the corpus declares about it. It outlives the document's bytes.
type Ref struct {
	ID     string // the id column, or URI#Row
	URI    string
	Row    int64
	Hash64 uint64 // XXH3-64 of ID: the order in which sources are sampled

	URL, License, RightsHolder, OptOut *string

	Reservation, ReservationRule *string // what all signals come to, and why (package reservation); nil when no signal is read
}

// declared returns what the corpus declares about the document, in the order of records.
func (r *Ref) declared() []**string {
	return []**string{&r.URL, &r.License, &r.RightsHolder, &r.OptOut, &r.Reservation, &r.ReservationRule}
}

// NewRef returns the reference of the document at that row. An empty id stands for none.
func NewRef(id, uri string, row int64) Ref {
	if id == "" {
		id = uri + "#" + strconv.FormatInt(row, 10)
	}
	return Ref{ID: id, URI: uri, Row: row, Hash64: xxh3.HashString(id)}
}

// Compare orders references by sampling order: by Hash64, then by id, object and row, so that the order is total even where ids
// repeat.
func (r *Ref) Compare(o *Ref) int {
	if r.Hash64 != o.Hash64 {
		return cmp.Compare(r.Hash64, o.Hash64)
	}
	return r.CompareKey(o)
}

// CompareKey orders references as the tables do: by id, object and row.
func (r *Ref) CompareKey(o *Ref) int {
	return cmp.Or(strings.Compare(r.ID, o.ID), strings.Compare(r.URI, o.URI), cmp.Compare(r.Row, o.Row))
}

// Document is one corpus document in the hands of the folds. Text, Stream and Tokens belong to the reader and are valid only during Add.
type Document struct {
	Text   []byte
	Stream []byte      // the normalised stream of package words
	Words  int64       // words of the stream
	Tokens tokens.Text // in unit tokens only; Reset forgets them

	// Stop tells, when it is set, whether the run was stopped: what the folds make of the document is then thrown away.
	Stop func() bool

	ref       func() Ref // reads the metadata columns, so only for documents that hit
	reference *Ref
	wordsSum  string
	hits      []Hit // in order of probe
	parts     []Part
	settle    func(probe int32) Overlap
}

// Shared are hits that a document has in common with others, in order of probe. None is to be settled.
type Shared struct {
	Hits    []Hit
	Longest int64 // the greatest of the hits
}

// Part is what a document has of shared hits: all but a number of them, with whose probes it has hits of its own.
type Part struct {
	*Shared
	Replaced int
}

// Hit is what one document and one probe share. The folds that find it fill their own fields; match reads them all.
type Hit struct {
	Probe      int32
	Exact      bool    // same bytes
	ExactWords bool    // same words
	Near       bool    // near-duplicates, among them those with the same words
	Jaccard    float64 // similarity of near-duplicates, of their sets of 5-word shingles
	Overlap
}

// Overlap is what ngram found.
type Overlap struct {
	ProbeCovered int64 // units of the probe in the union of its matches with the document
	DocCovered   int64 // units of the document in that union
	Longest      int64 // longest match, in units
	Qualifying   bool  // at least one match of ngram
	Unsettled    bool  // DocCovered is yet to be worked out: see Document.Settle
}

// Contained is the share of one text inside its matches with another from which the other counts as containing it (methods,
// section 2).
const Contained = .9

// Reset makes d the document with that text and stream, found nothing in yet. ref is called at most once, and only if a fold
// asks for the reference.
func (d *Document) Reset(text, stream []byte, words int64, ref func() Ref) {
	d.Text, d.Stream, d.Words, d.Tokens, d.ref, d.reference, d.wordsSum = text, stream, words, tokens.Text{}, ref, nil, ""
	d.hits, d.parts, d.settle = d.hits[:0], d.parts[:0], nil
}

// Stopped reports whether the run was stopped.
func (d *Document) Stopped() bool { return d.Stop != nil && d.Stop() }

// Ref returns the document's reference. It stays valid after the document is gone.
func (d *Document) Ref() *Ref {
	if d.reference == nil {
		r := d.ref()
		d.reference = &r
	}
	return d.reference
}

// WordsSHA256 returns the digest of the document's words, and "" for a document without any.
func (d *Document) WordsSHA256() string {
	if d.wordsSum == "" {
		d.wordsSum = WordsSHA256(d.Stream)
	}
	return d.wordsSum
}

// SHA256 returns the digest of text in hexadecimal.
func SHA256(text []byte) string {
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// WordsSHA256 returns the digest of the keys of a normalised stream joined by one space, and "" for a stream without words.
func WordsSHA256(stream []byte) string {
	if len(stream) < 2 {
		return ""
	}
	return SHA256(stream[1 : len(stream)-1])
}

// Is reports whether the document is the probe itself: a probe that was taken from the corpus.
func (d *Document) Is(p *Probe) bool {
	if !p.FromCorpus {
		return false
	}
	r := d.Ref()
	return r.Row == p.SourceRow && r.URI == p.SourceURI
}

// Hit returns the document's own hit with that probe, a new one if there was none. The pointer is valid until the next call.
func (d *Document) Hit(probe int32) *Hit {
	i := len(d.hits)
	if i > 0 && d.hits[i-1].Probe >= probe { // most come in order
		var found bool
		if i, found = search(d.hits, probe); found {
			return &d.hits[i]
		}
	}
	h := Hit{Probe: probe}
	for k := range d.parts {
		if at, found := search(d.parts[k].Hits, probe); found {
			h = d.parts[k].Hits[at]
			d.parts[k].Replaced++
		}
	}
	d.hits = slices.Insert(d.hits, i, h)
	return &d.hits[i]
}

func search(hits []Hit, probe int32) (int, bool) {
	return slices.BinarySearchFunc(hits, probe, func(h Hit, probe int32) int { return cmp.Compare(h.Probe, probe) })
}

// Hits returns what the folds before have found in this document alone, in order of probe.
func (d *Document) Hits() []Hit { return d.hits }

// Share gives the document these hits too. Of a probe that it has an own hit with already there may be any number among what is shared, of
// another at most one.
func (d *Document) Share(p Part) { d.parts = append(d.parts, p) }

// Parts returns the hits that the document has in common with others.
func (d *Document) Parts() []Part { return d.parts }

// SettleBy says how the overlap with a probe is worked out where a hit leaves that open. It is called while the document is at hand.
func (d *Document) SettleBy(settle func(probe int32) Overlap) { d.settle = settle }

// Settle works out what the hit leaves open.
func (d *Document) Settle(h *Hit) {
	if h.Unsettled {
		h.Overlap = d.settle(h.Probe)
	}
}
