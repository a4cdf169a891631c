// Package ngram finds every run of words that the probes share with the corpus: exact, complete, and as fast as the pages
// decompress (methods, section 2).
//
// What is searched is the normalised stream (package words), the raw bytes, or the stream of a model's tokens, which are words of one
// length (package tokens). A match of a probe and a document is a pair of equal intervals that cannot grow on either side and is at
// least MinWords words and MinBytes bytes of stream long; with the spaces around its words it is then at least L bytes long, L the
// greater of 2*MinWords+1 and MinBytes+2. MinWords tokens with their spaces are exactly L = 4*MinWords+1 bytes.
//
// # Why sampling misses nothing
//
// The index holds every K-byte gram of the probes' streams. Of a document only the grams at multiples of the stride S = L-K+1
// are looked up: a match of L bytes or more holds at least S consecutive gram starts, so one of them is looked up, is in the
// index, and growing it both ways gives the whole match. Hashes only propose. A gram has to pass a small bit table and a bucket
// of 64 bytes with 31-bit tags; then bytes are compared. K is about L/2, so that seeds are rare and strides long; when L is below
// 9 (small thresholds) K is L and every position is looked up. Where memory is short, only every so many-th place of the probes is
// indexed and more of the documents are looked up (Sampling): the same proof with another period.
//
// A match holds several looked-up grams and must be reported once: by the first. A gram that can be moved left by a whole period
// within the match is not the first. That takes one comparison of so many bytes, so long matches cost time in proportion to their
// length, and no memory of what was seen is kept.
//
// # What many documents share
//
// Licence headers and navigation text are in thousands of documents and hundreds of probes; to grow, count and list every pair anew costs
// their product. Places with the same bytes before them are passed over as one (Index). And stretches of text that keep coming back, a
// header, the top and the end of a page, are learned: each is searched once, as if it were a document, and remembered with its matches
// (passage). A document is then a row of a few passages. What a passage adds to the probes is not added but tallied, and added as many
// times before the state is read (tally). For each document only that is worked out which depends on what stands side by side in it:
// matches that go on from one passage into the next (own matches), and probes that several passages touch, which count the document once
// and have one hit (meet). Where to cut, and what to remember, changes cost, never a result.
//
// Text that repeats itself without end is beyond this, since each of its offsets is a match of its own: it is found exactly, and slowly.
//
// # Why counts add up
//
// A span is an interval of the probe that some document holds and that lies in no longer such interval: maximal over the whole
// corpus. Per probe the state is an antichain of intervals with their counts. Matches of one document are added to it; an interval
// inside a longer one is dropped for good, whenever they meet. Every occurrence of an interval that survives to the end is a
// match with exactly that interval (else a longer interval would hold it), so its counts are sums over documents, shards and
// merges in any order. Coverage at every n follows from the same antichain.
package ngram

import (
	"fmt"

	"palimpsest/stages/fold"
	"palimpsest/stages/words"
)

// Config says what a span is and what is listed.
type Config struct {
	Unit       fold.Unit
	MinWords   int // least units of a span; not used in unit bytes
	MinBytes   int // least bytes of a span's stream of words, or of the span in unit bytes; not used in unit tokens
	MaxSources int // documents listed a span
}

// Texts are the searched bytes of the probes, one after the other: streams of words or tokens, or the texts themselves in unit bytes.
type Texts struct {
	probes []*fold.Probe
	unit   fold.Unit
	buf    []byte
	start  []uint32 // probe i is buf[start[i]:start[i+1]]
	units  []int32  // its length in units
	blanks []uint32 // spaces of buf before each multiple of blankBlock
	before []uint32 // spaces of buf before each probe
	owner  []int32  // the probe that holds each multiple of blankBlock

	drawn map[place]bool // where the probes stand that were drawn from the corpus
}

// place is a row of an object.
type place struct {
	uri string
	row int64
}

// NewTexts makes the probes' searched bytes. In unit tokens they have to be cut already.
func NewTexts(probes []*fold.Probe, unit fold.Unit) (*Texts, error) {
	size := 0
	for _, p := range probes {
		size += max(len(p.Text), len(p.Tokens.Stream)) + 2
	}
	t := &Texts{probes: probes, unit: unit, buf: make([]byte, 0, size), start: make([]uint32, 1, len(probes)+1)}
	var n words.Normaliser
	for _, p := range probes {
		if p.FromCorpus {
			if t.drawn == nil {
				t.drawn = make(map[place]bool)
			}
			t.drawn[place{p.SourceURI, p.SourceRow}] = true
		}
		switch unit {
		case fold.Bytes:
			t.buf = append(t.buf, p.Text...)
		case fold.Tokens:
			t.buf = append(t.buf, p.Tokens.Stream...)
		default:
			t.buf = n.AppendStream(t.buf, p.Text)
		}
		if len(t.buf) > MostText {
			return nil, fmt.Errorf("the probes' texts exceed %d bytes at probe %q: split the probes over several runs", MostText, p.ID)
		}
		t.start = append(t.start, uint32(len(t.buf)))
		units := int64(len(p.Text))
		if unit != fold.Bytes {
			units = words.Count(t.Stream(len(t.units)))
		}
		t.units = append(t.units, int32(units))
	}
	t.summarise()
	return t, nil
}

// MostText keeps positions in 31 bits.
const MostText = 1<<31 - 1<<16

// Stream returns the searched bytes of probe i.
func (t *Texts) Stream(i int) []byte { return t.buf[t.start[i]:t.start[i+1]] }

// Units returns the length of probe i in units.
func (t *Texts) Units(i int) int64 { return int64(t.units[i]) }

// isDrawn reports whether the document is itself one of the probes.
func (t *Texts) isDrawn(d *fold.Document) bool {
	if t.drawn == nil {
		return false
	}
	r := d.Ref()
	return t.drawn[place{r.URI, r.Row}]
}

// Searchable reports whether probe i is long enough for one span.
func (t *Texts) Searchable(i int, c Config) bool {
	units, size := t.Units(i), int64(len(t.Stream(i)))
	switch t.unit {
	case fold.Bytes:
		return size >= int64(c.MinBytes) && size > 0
	case fold.Tokens:
		return units >= int64(c.MinWords) && units > 0
	}
	return units >= int64(c.MinWords) && size-2 >= int64(c.MinBytes)
}
