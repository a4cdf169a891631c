package ngram

import (
	"cmp"
	"slices"
)

// memory holds the passages that a matcher has learned. What it holds, and when it forgets, changes no result.
type memory struct {
	byGram   map[uint64][]known // by the gram's hash, the longest first
	grams    [1 << 10]uint64    // a bit for the hash of each gram in byGram: most grams that are found are in no passage
	passages map[string]*passage
	bytes    int

	seen       [1 << 12]uint64 // hashes of stretches that were met once: most are not met again
	vain, skip int             // documents that were let pass before the last lesson in vain; those still to let pass
}

// known says where in a passage a gram stands: the first that is looked up of an occurrence may be any near its beginning.
type known struct {
	*passage
	lead int
}

const (
	knownPerGram  = 1024 // passages remembered for a gram
	bytesPerKnown = 64   // with its part of the map
)

func (m *matcher) forget() {
	m.memory = memory{byGram: make(map[uint64][]known), passages: make(map[string]*passage)}
}

// bit returns the place of a gram's bit.
func (c *memory) bit(h uint64) (word *uint64, bit uint64) {
	return &c.grams[h>>54], 1 << (h >> 48 & 63)
}

// recall returns the longest passage around text[at:] that the document has and that is remembered for the gram there, of that hash. It
// begins after the last gram that was visited, since the matches there were found, and overlaps no passage before it.
func (m *matcher) recall(text []byte, at int, h uint64, visited int) (o occurrence, ok bool) {
	if word, bit := m.memory.bit(h); *word&bit == 0 {
		return occurrence{}, false
	}
	least := visited + 1
	if n := len(m.passages); n > 0 {
		_, end := m.within(m.passages[n-1])
		least = max(least, int(end))
	}
	for _, k := range m.memory.byGram[h] {
		from := at - k.lead
		end := from + len(k.text)
		if from < least || end > len(text) {
			continue
		}
		// Passages of one gram begin alike, so their ends are compared first.
		if tail := len(k.text) - m.Gram; string(text[end-m.Gram:end]) == k.text[tail:] && string(text[from:end]) == k.text {
			k.recalls++
			return occurrence{k.passage, from}, true
		}
	}
	return occurrence{}, false
}

// keep remembers a passage.
func (m *matcher) keep(p *passage) {
	if m.memory.bytes+p.size() > m.room/2 {
		m.tidy()
	}
	m.memory.bytes += p.size()
	m.memory.passages[p.text] = p
	text := []byte(p.text)
	for lead := 0; lead < m.period() && lead+m.Gram <= len(text); lead++ {
		h := hash(text[lead:], m.Gram)
		if m.lookUp(h, text[lead:]) == 0 {
			continue
		}
		if all := m.memory.byGram[h]; len(all) < knownPerGram {
			word, bit := m.memory.bit(h)
			*word |= bit
			longer := func(k known, size int) int { return cmp.Compare(size, len(k.text)) }
			i, _ := slices.BinarySearchFunc(all, len(p.text), longer)
			m.memory.byGram[h] = slices.Insert(all, i, known{p, lead})
			m.memory.bytes += bytesPerKnown
		}
	}
}

// tidy makes room: it forgets the passages that have spared least for what they take.
func (m *matcher) tidy() {
	var all []*passage
	for _, p := range m.memory.passages {
		all = append(all, p)
	}
	spared := func(p *passage) float64 { return float64(p.recalls) * float64(len(p.matches)+4) / float64(p.size()) }
	slices.SortFunc(all, func(a, b *passage) int { return cmp.Compare(spared(b), spared(a)) })
	seen := m.memory.seen
	m.forget()
	m.memory.seen = seen
	for _, p := range all {
		if p.recalls /= 2; m.memory.bytes+p.size()+m.period()*bytesPerKnown < m.room*3/8 {
			m.keep(p)
		}
	}
}
