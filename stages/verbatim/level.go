package verbatim

import "math/bits"

// none is the number of a word, or run, that the other text does not have, or that it is not known to have.
const none = -1

// text is a probe or a document by numbers: words[i] is that of word i, runs[p][i] that of the 2^p words from i.
type text struct {
	words []int32
	runs  [][]int32 // runs[0] is words
}

// level returns room for the numbers of runs of 2^p words, n of them.
func (t *text) level(p, n int) []int32 {
	for len(t.runs) <= p {
		t.runs = append(t.runs, nil)
	}
	if cap(t.runs[p]) < n {
		t.runs[p] = make([]int32, n)
	}
	t.runs[p] = t.runs[p][:n]
	return t.runs[p]
}

// run names a run of words by the runs of 2^p words at its two ends, which overlap if it is not twice as long. The other text does not have
// it when it is not ok.
func (t *text) run(i, words, p int) (name uint64, ok bool) {
	first, last := t.runs[p][i], t.runs[p][i+words-1<<p]
	return runOf(first, last), first != none && last != none
}

func runOf(first, last int32) uint64 { return uint64(uint32(first))<<32 | uint64(uint32(last)) }

// levels are the two texts by numbers, and what finding blocks takes.
type levels struct {
	a, b text // probe and document

	most   int     // the greatest p for which there are numbers
	met    []int32 // by number: the time at which it was last met in one text
	shared []int32 // and in both
	now    int32
	table  table
	places [2]places
	next   []int32 // by place in the document: the next place of the same run there
	stop   func() bool
}

func (l *levels) stopped() bool { return l.stop != nil && l.stop() }

// places are where the texts have runs that both have, ascending.
type places struct{ a, b []int32 }

// begin starts the marking of numbers below n.
func (l *levels) begin(n int) {
	if l.now++; len(l.met) < n || l.now < 0 {
		l.met, l.shared, l.now = make([]int32, n), make([]int32, n), 1
	}
}

// number gives runs of 2, 4, 8 words and so on their numbers, as far as both texts have runs of that length. Of a run that the document
// does not have the probe's number is none.
func (l *levels) number() {
	l.a.level(0, 0)
	l.b.level(0, 0)
	l.a.runs[0], l.b.runs[0] = l.a.words, l.b.words
	for l.most = 0; ; l.most++ {
		half := 1 << l.most
		n, m := len(l.a.words)-2*half+1, len(l.b.words)-2*half+1
		if n <= 0 || m <= 0 {
			return
		}
		a, b := l.a.runs[l.most], l.b.runs[l.most]
		longerA, longerB := l.a.level(l.most+1, n), l.b.level(l.most+1, m)
		l.table.reset(n)
		for i := range longerA {
			longerA[i] = none
			if a[i] != none && a[i+half] != none {
				longerA[i] = l.table.put(runOf(a[i], a[i+half]))
			}
		}
		l.begin(len(l.table.keys))
		some := false
		for j := range longerB {
			longerB[j] = none
			if b[j] != none && b[j+half] != none {
				if longerB[j] = l.table.find(runOf(b[j], b[j+half])); longerB[j] != none {
					l.met[longerB[j]], some = l.now, true
				}
			}
		}
		if !some {
			return
		}
		for i, id := range longerA {
			if id != none && l.met[id] != l.now {
				longerA[i] = none
			}
		}
	}
}

// region is a stretch of both texts, in words.
type region struct{ a, aEnd, b, bEnd int }

// large is the number of words in a region above which it is asked whether to stop.
const large = 10_000

// within appends the blocks in a region, in no order, whose longest is known to have no more than most words.
func (l *levels) within(blocks []Block, r region, most int) []Block {
	most = min(most, r.aEnd-r.a, r.bEnd-r.b)
	if most <= 0 || r.aEnd-r.a+r.bEnd-r.b > large && l.stopped() {
		return blocks
	}
	words, p, at := l.longest(r, most)
	if words == 0 {
		return blocks
	}
	first := len(blocks)
	blocks = l.chain(blocks, words, p, at)
	a, b := r.a, r.b
	for i, end := first, len(blocks); i < end; i++ {
		x := blocks[i]
		blocks = l.within(blocks, region{a, x.Probe, b, x.Document}, words-1)
		a, b = x.Probe+words, x.Document+words
	}
	return l.within(blocks, region{a, r.aEnd, b, r.bEnd}, words-1)
}

// longest returns the length of the region's longest blocks, the greatest p for which 2^p is not more, and the places of both texts that
// runs of 2^p words begin at which the other has in the region too.
func (l *levels) longest(r region, most int) (words, p int, at *places) {
	for q := 0; q <= l.most && 1<<q <= most; q++ {
		next := &l.places[q&1]
		if !l.common(next, at, r, q) {
			break
		}
		p, at = q, next
	}
	if at == nil {
		return 0, 0, nil
	}
	words = 1 << p
	for over := min(2*words, most+1); over-words > 1; { // words are found, over are not
		if middle := (words + over) / 2; l.has(r, middle, p, at) {
			words = middle
		} else {
			over = middle
		}
	}
	return words, p, l.ending(r, words, at)
}

// ending leaves out the places from which so many words do not lie in the region.
func (l *levels) ending(r region, words int, at *places) *places {
	for len(at.a) > 0 && int(at.a[len(at.a)-1])+words > r.aEnd {
		at.a = at.a[:len(at.a)-1]
	}
	for len(at.b) > 0 && int(at.b[len(at.b)-1])+words > r.bEnd {
		at.b = at.b[:len(at.b)-1]
	}
	return at
}

// common finds the places of runs of 2^p words that both texts have in the region. Those of runs half as long are known but for p = 0. It
// reports whether there are any.
func (l *levels) common(found, half *places, r region, p int) bool {
	l.now++ // numbers are below len(l.met) at every level
	if l.now < 0 {
		l.begin(len(l.met))
	}
	a, b := l.a.runs[p], l.b.runs[p]
	aEnd, bEnd := r.aEnd-1<<p, r.bEnd-1<<p // last places
	found.a, found.b = found.a[:0], found.b[:0]
	if half == nil {
		for i := r.a; i <= aEnd; i++ {
			if a[i] != none {
				l.met[a[i]] = l.now
			}
		}
		for j := r.b; j <= bEnd; j++ {
			if id := b[j]; id != none && l.met[id] == l.now {
				l.shared[id] = l.now
				found.b = append(found.b, int32(j))
			}
		}
		if len(found.b) == 0 {
			return false
		}
		for i := r.a; i <= aEnd; i++ {
			if id := a[i]; id != none && l.shared[id] == l.now {
				found.a = append(found.a, int32(i))
			}
		}
		return true
	}
	for _, i := range half.a {
		if int(i) <= aEnd && a[i] != none {
			l.met[a[i]] = l.now
		}
	}
	for _, j := range half.b {
		if int(j) > bEnd {
			break
		}
		if id := b[j]; id != none && l.met[id] == l.now {
			l.shared[id] = l.now
			found.b = append(found.b, j)
		}
	}
	if len(found.b) == 0 {
		return false
	}
	for _, i := range half.a {
		if int(i) > aEnd {
			break
		}
		if id := a[i]; id != none && l.shared[id] == l.now {
			found.a = append(found.a, i)
		}
	}
	return true
}

// has reports whether both texts have a run of so many words in the region, at least 2^p and less than twice that.
func (l *levels) has(r region, words, p int, at *places) bool {
	l.table.reset(len(at.a))
	for _, i := range at.a {
		if int(i)+words > r.aEnd {
			break
		}
		if name, ok := l.a.run(int(i), words, p); ok {
			l.table.put(name)
		}
	}
	for _, j := range at.b {
		if int(j)+words > r.bEnd {
			break
		}
		if name, ok := l.b.run(int(j), words, p); ok && l.table.find(name) != none {
			return true
		}
	}
	return false
}

// chain appends the blocks of so many words that difflib takes one after the other in a region that has no longer ones: always the first
// that begins after the one before, in the probe and then in the document.
func (l *levels) chain(blocks []Block, words, p int, at *places) []Block {
	l.table.reset(len(at.a))
	for _, i := range at.a {
		if name, ok := l.a.run(int(i), words, p); ok {
			l.table.put(name)
		}
	}
	if len(l.next) < len(l.b.words) {
		l.next = make([]int32, cap(l.b.words))
	}
	first := l.table.values()
	for k := len(at.b) - 1; k >= 0; k-- {
		j := at.b[k]
		if name, ok := l.b.run(int(j), words, p); ok {
			if id := l.table.find(name); id != none {
				l.next[j], first[id] = first[id], j
			}
		}
	}
	a, b := int32(0), int32(0)
	for _, i := range at.a {
		name, ok := l.a.run(int(i), words, p)
		if !ok || i < a {
			continue
		}
		id := l.table.find(name)
		j := first[id]
		for j != none && j < b {
			j = l.next[j]
		}
		if first[id] = j; j != none {
			blocks = append(blocks, Block{int(i), int(j), words})
			a, b = i+int32(words), j+int32(words)
		}
	}
	return blocks
}

// table numbers runs: a run's number is its place.
type table struct {
	keys  []uint64 // 0: none
	first []int32
	shift uint
}

// reset empties the table and makes room for n runs.
func (t *table) reset(n int) {
	size := 1 << bits.Len(uint(2*n))
	if cap(t.keys) < size {
		t.keys, t.first = make([]uint64, size), make([]int32, size)
	} else {
		t.keys = t.keys[:size]
		clear(t.keys)
	}
	t.shift = uint(65 - bits.Len(uint(size)))
}

// values returns room for a value of each run, none at first.
func (t *table) values() []int32 {
	t.first = t.first[:len(t.keys)]
	for i := range t.first {
		t.first[i] = none
	}
	return t.first
}

// slot returns where the run stands, or where it would.
func (t *table) slot(run uint64) int {
	i := int(run * 0x9e3779b97f4a7c15 >> t.shift)
	for t.keys[i] != 0 && t.keys[i] != run+1 {
		i = (i + 1) & (len(t.keys) - 1)
	}
	return i
}

func (t *table) put(run uint64) int32 {
	i := t.slot(run)
	t.keys[i] = run + 1
	return int32(i)
}

func (t *table) find(run uint64) int32 {
	if i := t.slot(run); t.keys[i] != 0 {
		return int32(i)
	}
	return none
}
