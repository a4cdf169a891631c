package read

import (
	"encoding/binary"
	"fmt"
	"math/bits"

	"github.com/parquet-go/parquet-go/format"
)

// levelsV1 decodes the levels at the front of a page, each with its length before it, and returns what follows.
func (p *pages) levelsV1(h *pageHeader, data []byte) (values []byte, err error) {
	take := func(highest int, enc format.Encoding) ([]byte, error) {
		if highest == 0 {
			return nil, nil
		}
		if enc != format.RLE {
			return nil, unsupported("levels with encoding %s", enc)
		}
		if len(data) < 4 {
			return nil, corrupt("the page ends within its levels")
		}
		n := int(binary.LittleEndian.Uint32(data))
		if n > len(data)-4 {
			return nil, corrupt("levels of %d bytes in a page of %d", n, len(data))
		}
		levels := data[4 : 4+n]
		data = data[4+n:]
		return levels, nil
	}
	reps, err := take(p.leaf.maxRep, h.repEnc)
	if err != nil {
		return nil, err
	}
	defs, err := take(p.leaf.maxDef, h.defEnc)
	if err != nil {
		return nil, err
	}
	return data, p.levels(reps, defs)
}

func (p *pages) levelsV2(h *pageHeader, data []byte) error {
	reps, defs := data[:h.repBytes], data[h.repBytes:h.repBytes+h.defBytes]
	return p.levels(reps, defs)
}

// levels decodes repetition and definition levels.
func (p *pages) levels(reps, defs []byte) error {
	p.reps, p.defs, p.valid = nil, nil, p.n
	if p.leaf.maxRep > 0 {
		p.repBuf = grow(p.repBuf, p.n)
		p.reps = p.repBuf
		if _, err := decodeLevels(p.reps, reps, p.leaf.maxRep); err != nil {
			return fmt.Errorf("repetition levels: %w", err)
		}
	}
	width := bits.Len(uint(p.leaf.maxDef))
	if p.leaf.maxDef == 0 || single(defs, width, p.n, byte(p.leaf.maxDef)) {
		return nil
	}
	p.defBuf = grow(p.defBuf, p.n)
	p.defs = p.defBuf
	highest, err := decodeLevels(p.defs, defs, p.leaf.maxDef)
	if err != nil {
		return fmt.Errorf("definition levels: %w", err)
	}
	p.valid = highest
	return nil
}

// decodeLevels fills dst and returns how many levels are the highest one.
func decodeLevels(dst, src []byte, highest int) (n int, err error) {
	if _, err := hybrid(dst, src, bits.Len(uint(highest))); err != nil {
		return 0, err
	}
	for _, l := range dst {
		if int(l) >= highest {
			if int(l) > highest {
				return 0, corrupt("level %d where %d is the highest", l, highest)
			}
			n++
		}
	}
	return n, nil
}

// indexes decodes the page's indexes into the dictionary.
func (p *pages) indexes() ([]uint32, error) {
	if !p.dictionary.loaded {
		return nil, corrupt("indexes into a dictionary that is not there")
	}
	if p.valid == 0 {
		return nil, nil
	}
	if len(p.values) == 0 {
		return nil, corrupt("the page ends before its indexes")
	}
	width := int(p.values[0])
	if width > 32 {
		return nil, corrupt("indexes of %d bits", width)
	}
	p.index = grow(p.index, p.valid)
	if _, err := hybrid(p.index, p.values[1:], width); err != nil {
		return nil, err
	}
	for _, x := range p.index {
		if int64(x) >= int64(p.dictionary.n) {
			return nil, corrupt("index %d into a dictionary of %d values", x, p.dictionary.n)
		}
	}
	return p.index, nil
}

// grow returns a slice of n elements with any content, in s when it is large enough.
func grow[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	return s[:n]
}
