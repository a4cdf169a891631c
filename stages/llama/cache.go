package llama

import "sync"

// page is how many positions a page of a cache holds.
const page = 64

// cache holds the keys and values of one text's tokens, in pages, so that a text takes memory by its length. In a page stand, for every
// layer and group, the keys of its positions and then the values, both as panels for multiply: keys with positions for outputs
// ([panel of positions][head][32]), values with a head's numbers for outputs ([panel of the head][position][32]).
type cache struct {
	pages  [][]float32
	length int // positions that are filled
}

// layout says where in a page things stand.
type layout struct {
	head, valuePanels int
	keys, group       int // floats of a group's keys; of its keys and values
	groups, floats    int // groups; floats of a page
}

func (s *shape) layout() layout {
	l := layout{head: s.head, valuePanels: panelsOf(s.head), groups: s.groups}
	l.keys = page * s.head
	l.group = l.keys + page*padded(s.head)
	l.floats = s.layers * s.groups * l.group
	return l
}

// keysOf returns the panel of keys that begins with a position, which is a multiple of 32.
func (l *layout) keysOf(c *cache, layer, group, position int) []float32 {
	b := c.pages[position/page][(layer*l.groups+group)*l.group:][:l.keys]
	return b[position%page*l.head:][:panel*l.head]
}

// valuesOf returns a panel of the values of a page, of as many of its positions as are asked for.
func (l *layout) valuesOf(c *cache, layer, group, p, pageIndex, positions int) []float32 {
	b := c.pages[pageIndex][(layer*l.groups+group)*l.group+l.keys:][:l.group-l.keys]
	return b[p*page*panel:][:positions*panel]
}

// put stores a position's key and value of a group.
func (l *layout) put(c *cache, layer, group, position int, key, value []float32) {
	k := l.keysOf(c, layer, group, position&^(panel-1))[position%panel:]
	for i, v := range key[:l.head] {
		k[i*panel] = v
	}
	at := position % page
	for p := range l.valuePanels {
		part := value[p*panel : min((p+1)*panel, l.head)]
		copy(l.valuesOf(c, layer, group, p, position/page, page)[at*panel:], part)
	}
}

// pages lends pages, cleared, and takes them back.
type pages struct {
	mu     sync.Mutex
	free   [][]float32
	floats int
}

// extend gives a cache room for length positions.
func (p *pages) extend(c *cache, length int) {
	for len(c.pages)*page < length {
		p.mu.Lock()
		var b []float32
		if n := len(p.free); n > 0 {
			b, p.free = p.free[n-1], p.free[:n-1]
		}
		p.mu.Unlock()
		if b == nil {
			b = make([]float32, p.floats)
		}
		c.pages = append(c.pages, b)
	}
}

// release empties a cache. What is taken back is cleared: a broken model's infinities must not reach the next text.
func (p *pages) release(c *cache) {
	for _, b := range c.pages {
		clear(b)
	}
	p.mu.Lock()
	p.free = append(p.free, c.pages...)
	p.mu.Unlock()
	c.pages, c.length = nil, 0
}
