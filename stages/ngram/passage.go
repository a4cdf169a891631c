package ngram

import (
	"bytes"
	"crypto/sha256"
	"slices"

	"github.com/zeebo/xxh3"

	"palimpsest/stages/fold"
)

// Boilerplate, a licence header say, is in thousands of documents and hundreds of probes: growing every pair anew would cost the
// product of the two. So what was found around a gram that many probes hold is remembered with the text that decides it.
//
// A passage is a stretch of a document from space to space (in unit bytes, any stretch) that holds every looked-up gram within it and
// every match that begins at one of them. Whether another document has the same matches there is told by its bytes: it must have the
// same text at the same distance from the gram, and the word before it must not be one that precedes the passage in a probe, nor the
// word after one that follows it. Then no match can be longer, and none shorter. Matches that reach into the passage from outside have
// their first gram outside, and are found there; so a passage is used only where no gram was found for a period before it.
type passage struct {
	text    []byte
	id      [sha256.Size]byte
	matches []match // from and to count from the beginning of text; ordered
}

// known is a passage, and how to tell that a document has it around a gram.
type known struct {
	*passage
	lead         int      // distance of the gram from the passage's beginning
	before, next []uint64 // hashes of units that must not stand before the passage, nor after it; sorted
}

// memory holds the passages that a matcher has met. It is forgotten as a whole when it is full: it changes no result.
type memory struct {
	byGram   map[uint64][]known // by partition and value of the gram's entry
	passages map[[sha256.Size]byte]*passage
	bytes    int
}

const (
	manyPlaces    = 16       // places that are grown before a passage is worth remembering
	knownPerGram  = 64       // passages remembered around a gram
	memoryBytes   = 32 << 20 // of passages, a matcher
	bytesPerMatch = 32
)

// occurrence is a passage that the document at hand has.
type occurrence struct {
	*passage
	at int
}

// recall returns the passage around text[at:] that the document has and that is remembered for the gram there.
func (m *matcher) recall(text []byte, at int, gram uint64) (occurrence, bool) {
	for _, k := range m.memory.byGram[gram] {
		from := at - k.lead
		end := from + len(k.text)
		if from < 0 || end > len(text) || !bytes.Equal(text[from:end], k.text) {
			continue
		}
		if stands(k.before, m.unitBefore(text, from)) || stands(k.next, m.unitAfter(text, end)) {
			continue
		}
		return occurrence{k.passage, from}, true
	}
	return occurrence{}, false
}

// stands reports whether the unit may be among those: a hash can only make a passage go unused.
func stands(units []uint64, unit []byte) bool {
	if len(unit) == 0 || len(units) == 0 {
		return false // the text ends, and nothing can grow
	}
	_, found := slices.BinarySearch(units, xxh3.Hash(unit))
	return found
}

// unitBefore returns the unit before text[at:], which begins with a space in words; nothing at the beginning.
func (m *matcher) unitBefore(text []byte, at int) []byte {
	if m.config.Bytes || at == 0 {
		return text[max(at-1, 0):at]
	}
	return text[bytes.LastIndexByte(text[:at], ' ')+1 : at]
}

// unitAfter returns the unit after text[:end], which ends with a space in words; nothing at the end.
func (m *matcher) unitAfter(text []byte, end int) []byte {
	if m.config.Bytes {
		return text[end:min(end+1, len(text))]
	}
	if n := bytes.IndexByte(text[end:], ' '); n >= 0 {
		return text[end : end+n]
	}
	return nil
}

// exploration is the work on a passage that is not remembered yet.
type exploration struct {
	from, to int    // the text that some place shares
	reaches  []pair // what the grams' places share with the document
}

// pair is a stretch of the document and the place at which the equal one of a probe begins.
type pair struct{ from, to, place int }

func (x *exploration) reach(r pair) {
	x.from, x.to = min(x.from, r.from), max(x.to, r.to)
	x.reaches = append(x.reaches, r)
}

// explore looks up the grams around text[at:], whose hash and entry are given, as far as what is found there reaches, adds the matches,
// and remembers the passage. It returns how far it looked grams up.
func (m *matcher) explore(text []byte, at int, h, e uint64, d *fold.Document) (end int) {
	before, grown := len(m.matches), m.grown
	x := &exploration{from: at, to: at + m.Gram}
	m.exploring = x
	key := m.gramKey(h, e)
	var from, to int
	for p := at; ; {
		m.visit(text, p, h, e, d)
		from, to = m.whole(text, x)
		e = 0
		for e == 0 && !m.stopped {
			if p += m.Stride; p+m.Gram > to {
				break
			}
			h = hash(text[p:], m.Gram)
			if m.passes(h) != 0 {
				e = m.Index.find(h, text[p:])
			}
		}
		if e == 0 {
			end = p
			break
		}
	}
	m.exploring = nil
	// What stands between the first gram and a passage that begins after it would be told by nothing.
	if m.stopped || m.grown-grown < manyPlaces || from >= to || from > at {
		return end
	}
	o := occurrence{m.keep(text[from:to], m.matches[before:], from), from}
	m.remember(key, m.describe(text, at, o, x))
	m.matches = m.matches[:before]
	m.occurrences = append(m.occurrences, o)
	return end
}

// whole cuts what was explored to whole words. Nothing is left of less than one.
func (m *matcher) whole(text []byte, x *exploration) (from, to int) {
	if m.config.Bytes {
		return x.from, x.to
	}
	first := bytes.IndexByte(text[x.from:x.to], ' ')
	last := bytes.LastIndexByte(text[x.from:x.to], ' ')
	if first == last {
		return x.from, x.from
	}
	return x.from + first, x.from + last + 1
}

// keep returns the passage of that text, and its matches, which lie at from.
func (m *matcher) keep(text []byte, matches []match, from int) *passage {
	id := sha256.Sum256(text)
	if p := m.memory.passages[id]; p != nil {
		return p
	}
	p := &passage{text: bytes.Clone(text), id: id, matches: slices.Clone(matches)}
	for i := range p.matches {
		p.matches[i].from -= int64(from)
		p.matches[i].to -= int64(from)
	}
	slices.SortFunc(p.matches, inProbeOrder)
	m.memory.bytes += len(text) + len(p.matches)*bytesPerMatch
	m.memory.passages[id] = p
	return p
}

// describe says how to know the occurrence in other documents: by the units that some place has before or after it.
func (m *matcher) describe(text []byte, at int, o occurrence, x *exploration) known {
	k := known{passage: o.passage, lead: at - o.at}
	end := o.at + len(o.text)
	for _, r := range x.reaches {
		probe := m.texts.Stream(m.texts.probeAt(r.place))
		place := r.place - int(m.texts.start[m.texts.probeAt(r.place)])
		if r.from <= o.at {
			if u := m.unitBefore(probe, place+o.at-r.from); len(u) > 0 {
				k.before = append(k.before, xxh3.Hash(u))
			}
		}
		if r.to >= end {
			if u := m.unitAfter(probe, place+end-r.from); len(u) > 0 {
				k.next = append(k.next, xxh3.Hash(u))
			}
		}
	}
	for _, units := range []*[]uint64{&k.before, &k.next} {
		slices.Sort(*units)
		*units = slices.Clip(slices.Compact(*units))
		m.memory.bytes += len(*units) * 8
	}
	return k
}

// remember notes the passage for the gram, in place of the oldest one when there are many.
func (m *matcher) remember(gram uint64, k known) {
	if m.memory.bytes > memoryBytes {
		m.forget()
	}
	all := m.memory.byGram[gram]
	if len(all) == knownPerGram {
		all = slices.Delete(all, 0, 1)
	}
	m.memory.byGram[gram] = append(all, k)
}

func (m *matcher) forget() {
	m.memory = memory{byGram: make(map[uint64][]known), passages: make(map[[sha256.Size]byte]*passage)}
}

// gramKey names a gram: no two of a partition have the same entry but for the tag.
func (m *matcher) gramKey(h, e uint64) uint64 { return h>>m.partShift<<tagShift | e&(1<<tagShift-1) }
