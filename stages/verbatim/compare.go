package verbatim

import (
	"bytes"
	"math"
	"slices"
	"strings"
)

// Comparer compares a probe with documents. It reuses its memory. It is used by one goroutine at a time.
type Comparer struct {
	Stop func() bool // tells, when it is set, whether the run was stopped: what is found is then thrown away

	ids map[string]int32 // the probe's words, numbered from 0
	own []int32          // the probe, by number
	levels
	blocks []Block
}

// Probe makes the text of that normalised stream the one that documents are compared with.
func (c *Comparer) Probe(stream []byte) {
	if c.ids == nil || len(c.own) > retained {
		*c = Comparer{ids: make(map[string]int32), Stop: c.Stop}
	}
	clear(c.ids)
	c.own = c.own[:0]
	rest := string(stream)[min(1, len(stream)):]
	for len(rest) > 0 {
		word, after, _ := strings.Cut(rest, " ")
		id, known := c.ids[word]
		if !known {
			id = int32(len(c.ids))
			c.ids[word] = id
		}
		c.own, rest = append(c.own, id), after
	}
}

// retained is the number of words of a text above which memory is not kept for the next.
const retained = 1 << 20

// Words returns the number of the probe's words.
func (c *Comparer) Words() int { return len(c.own) }

// Blocks returns the blocks of equal words of the probe and the document of that normalised stream, in order and not next to each other
// in both. They are valid until the next call.
func (c *Comparer) Blocks(stream []byte) []Block {
	c.read(stream)
	return c.compare()
}

// Passages returns where the probe and the document of that normalised stream are nearly the same. They are valid until the next call.
func (c *Comparer) Passages(stream []byte) []Passage {
	if c.read(stream) < Least {
		return nil
	}
	return passages(c.compare(), nil)
}

// read numbers the document's words as the probe's are numbered, and returns how many words of the probe the document has at least.
func (c *Comparer) read(stream []byte) (shared int) {
	if cap(c.b.words) > retained {
		c.levels = levels{}
	}
	c.a.words, c.b.words = c.own, c.b.words[:0]
	c.begin(len(c.ids))
	for rest := stream[min(1, len(stream)):]; len(rest) > 0; {
		n := bytes.IndexByte(rest, ' ')
		if n < 0 {
			n = len(rest)
		}
		id, known := c.ids[string(rest[:n])]
		if !known {
			id = none
		} else {
			c.met[id] = c.now
		}
		c.b.words, rest = append(c.b.words, id), rest[min(n+1, len(rest)):]
	}
	for _, id := range c.own {
		if c.met[id] == c.now {
			shared++
		}
	}
	return shared
}

func (c *Comparer) compare() []Block {
	c.blocks = c.blocks[:0]
	if slices.Equal(c.own, c.b.words) {
		if len(c.own) > 0 {
			c.blocks = append(c.blocks, Block{0, 0, len(c.own)})
		}
		return c.blocks
	}
	c.stop = c.Stop
	c.number()
	c.blocks = c.within(c.blocks, region{0, len(c.own), 0, len(c.b.words)}, math.MaxInt)
	slices.SortFunc(c.blocks, func(x, y Block) int { return x.Probe - y.Probe })
	joined := c.blocks[:0]
	for _, b := range c.blocks {
		if i := len(joined) - 1; i >= 0 && joined[i].Probe+joined[i].Words == b.Probe && joined[i].Document+joined[i].Words == b.Document {
			joined[i].Words += b.Words
			continue
		}
		joined = append(joined, b)
	}
	c.blocks = joined
	return joined
}
