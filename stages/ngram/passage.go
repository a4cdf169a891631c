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
// A passage is a stretch of a document from space to space (in unit bytes, any stretch) with every match that lies in it. Another
// document that has the same text has the same matches there, and they are whole, when the word before it is none that precedes the
// passage's beginning in a probe, and the word after it none that follows its end: a match that went on beyond would hold a gram at either
// end of the passage, and the words beside all places of these are known. A match whose first looked-up gram lies outside the passage is
// found there; so a passage is used only where no gram was found for a period before it.
type passage struct {
	text         []byte
	id           [sha256.Size]byte
	end          []byte   // the last bytes of text
	matches      []match  // from and to count from the beginning of text; ordered
	before, next []uint64 // hashes of units that must not stand before the passage, nor after it; sorted
}

// known says where in a passage a gram stands: the first that is looked up of an occurrence may be any near its beginning.
type known struct {
	*passage
	lead int
}

// memory holds the passages that a matcher has met. It is forgotten as a whole when it is full: it changes no result.
type memory struct {
	grams    [1 << 13]uint64    // a bit for the hash of each gram in byGram: most grams that are found are in no passage
	byGram   map[uint64][]known // by partition and value of the gram's entry
	passages map[[sha256.Size]byte]*passage
	bytes    int
}

const (
	manyPlaces    = 16   // places that are grown before a passage is worth remembering
	knownPerGram  = 1024 // passages remembered for a gram
	bytesPerMatch = 32
	bytesPerKnown = 64 // with its part of the map
)

// occurrence is a passage that the document at hand has.
type occurrence struct {
	*passage
	at int
}

// recall returns the passage around text[at:] that the document has and that is remembered for the gram there, of that hash and entry.
func (m *matcher) recall(text []byte, at int, h, e uint64) (occurrence, bool) {
	if m.memory.grams[h>>51]>>(h>>45&63)&1 == 0 {
		return occurrence{}, false
	}
	for _, k := range m.memory.byGram[m.gramKey(h, e)] {
		from := at - k.lead
		end := from + len(k.text)
		// Passages of one gram begin alike, so their ends are compared first.
		if from < 0 || end > len(text) || !bytes.HasSuffix(text[from:end], k.end) || !bytes.Equal(text[from:end], k.text) {
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
	if m.config.Unit == fold.Bytes || at == 0 {
		return text[max(at-1, 0):at]
	}
	return text[bytes.LastIndexByte(text[:at], ' ')+1 : at]
}

// unitAfter returns the unit after text[:end], which ends with a space in words; nothing at the end.
func (m *matcher) unitAfter(text []byte, end int) []byte {
	if m.config.Unit == fold.Bytes {
		return text[end:min(end+1, len(text))]
	}
	if n := bytes.IndexByte(text[end:], ' '); n >= 0 {
		return text[end : end+n]
	}
	return nil
}

// exploration is the text around a gram that some place shares.
type exploration struct {
	from, to int
	grown    bool // since it was last cut to whole words
}

func (x *exploration) reach(from, to int) {
	if from < x.from || to > x.to {
		x.from, x.to, x.grown = min(x.from, from), max(x.to, to), true
	}
}

// explore looks up the grams around text[at:], whose hash and entry are given, as far as what is found there reaches, adds the matches,
// and remembers the passage. It returns how far it looked grams up.
func (m *matcher) explore(text []byte, at int, h, e uint64, d *fold.Document) (end int) {
	before, grown := len(m.matches), m.grown
	x := &exploration{from: at, to: at + m.Gram, grown: true}
	m.exploring = x
	var from, to int
	for p := at; ; {
		m.visit(text, p, h, e, d)
		if x.grown {
			from, to = m.whole(text, x)
			x.grown = false
		}
		e = 0
		for e == 0 && !m.stopped {
			if p += m.Stride; p+m.Gram > to {
				break
			}
			h = hash(text[p:], m.Gram)
			e = m.lookUp(h, text[p:])
		}
		if e == 0 {
			end = p
			break
		}
	}
	m.exploring = nil
	// A passage has to hold the gram that it is known by, and to be longer than those at its ends.
	if m.stopped || m.grown-grown < manyPlaces || from > at || at+m.Gram > to || to-from < m.Gram+m.Every {
		return end
	}
	p := m.keep(text, from, to, m.matches[before:])
	m.matches = m.matches[:before]
	m.occurrences = append(m.occurrences, occurrence{p, from})
	return end
}

// whole cuts what was explored to whole words. Nothing is left of less than one.
func (m *matcher) whole(text []byte, x *exploration) (from, to int) {
	if m.config.Unit == fold.Bytes {
		return x.from, x.to
	}
	first := bytes.IndexByte(text[x.from:x.to], ' ')
	last := bytes.LastIndexByte(text[x.from:x.to], ' ')
	if first == last {
		return x.from, x.from
	}
	return x.from + first, x.from + last + 1
}

// keep returns the passage text[from:to], which it remembers, with its matches.
func (m *matcher) keep(text []byte, from, to int, matches []match) *passage {
	id := sha256.Sum256(text[from:to])
	if p := m.memory.passages[id]; p != nil {
		return p // known, but not here: the words beside it are among those that must not be
	}
	if m.memory.bytes > m.room/3 {
		m.forget()
	}
	p := &passage{text: bytes.Clone(text[from:to]), id: id, matches: slices.Clone(matches)}
	p.end = p.text[max(len(p.text)-16, 0):]
	for i := range p.matches {
		p.matches[i].from -= int64(from)
		p.matches[i].to -= int64(from)
	}
	slices.SortFunc(p.matches, inProbeOrder)
	m.neighbours(p)
	m.memory.passages[id] = p
	m.memory.bytes += len(p.text) + len(p.matches)*bytesPerMatch + 8*(len(p.before)+len(p.next))
	for lead := 0; lead < m.period() && lead+m.Gram <= len(p.text); lead++ {
		h := hash(p.text[lead:], m.Gram)
		e := m.lookUp(h, p.text[lead:])
		if e == 0 {
			continue
		}
		key := m.gramKey(h, e)
		if all := m.memory.byGram[key]; len(all) < knownPerGram {
			m.memory.grams[h>>51] |= 1 << (h >> 45 & 63)
			m.memory.byGram[key] = append(all, known{p, lead})
			m.memory.bytes += bytesPerKnown
		}
	}
	return p
}

// neighbours notes the units that probes have beside the passage. Of a match that goes on beyond an end, a gram at the end stands in the
// index: one of the last Every that lie within the passage.
func (m *matcher) neighbours(p *passage) {
	size := len(p.text)
	for i := range m.Every {
		m.eachPlace(p.text[i:], func(probe []byte, at int) {
			if at >= i && bytes.Equal(probe[at-i:at], p.text[:i]) {
				p.before = appendUnit(p.before, m.unitBefore(probe, at-i))
			}
		})
		tail := p.text[size-m.Gram-i:]
		m.eachPlace(tail, func(probe []byte, at int) {
			if end := at + len(tail); end <= len(probe) && bytes.Equal(probe[at:end], tail) {
				p.next = appendUnit(p.next, m.unitAfter(probe, end))
			}
		})
	}
	for _, units := range []*[]uint64{&p.before, &p.next} {
		slices.Sort(*units)
		*units = slices.Clip(slices.Compact(*units))
	}
}

func appendUnit(units []uint64, unit []byte) []uint64 {
	if len(unit) == 0 {
		return units
	}
	return append(units, xxh3.Hash(unit))
}

// eachPlace calls fn for the indexed places of the gram that text begins with: with the probe's stream and the position there.
func (m *matcher) eachPlace(text []byte, fn func(probe []byte, at int)) {
	h := hash(text, m.Gram)
	e := m.lookUp(h, text)
	if e == 0 {
		return
	}
	visit := func(place uint32) {
		probe := m.texts.probeAt(int(place))
		fn(m.texts.Stream(probe), int(place)-int(m.texts.start[probe]))
	}
	if e&listBit == 0 {
		visit(uint32(e&valueMask) - 1)
		return
	}
	list := m.list(e, h)
	for list = list[1 : 1+list[0]]; len(list) > 0; {
		if list[0]&alone != 0 {
			visit(list[0] &^ alone)
			list = list[1:]
			continue
		}
		n := list[0]
		for _, place := range list[1 : 1+n] {
			visit(place)
		}
		list = list[1+n:]
	}
}

// lookUp returns the entry of the gram that text begins with; 0 when no probe has it.
func (m *matcher) lookUp(h uint64, text []byte) uint64 {
	if m.passes(h) == 0 {
		return 0
	}
	return m.Index.find(h, text)
}

func (m *matcher) forget() {
	m.memory = memory{byGram: make(map[uint64][]known), passages: make(map[[sha256.Size]byte]*passage)}
}

// gramKey names a gram: no two of a partition have the same entry but for the tag.
func (m *matcher) gramKey(h, e uint64) uint64 { return h>>m.partShift<<tagShift | e&(1<<tagShift-1) }
