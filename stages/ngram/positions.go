package ngram

import (
	"bytes"

	"palimpsest/stages/fold"
)

// blankBlock is the distance, in bytes, at which the number of spaces so far and the owner are noted: a position is then placed by
// looking at half a block on average.
const blankBlock = 512

var blank = []byte{' '}

func (t *Texts) summarise() {
	n := len(t.buf)/blankBlock + 1
	t.blanks, t.owner = make([]uint32, n), make([]int32, n)
	count, probe := 0, 0
	for i := range n {
		at := i * blankBlock
		t.blanks[i] = uint32(count)
		for probe+1 < len(t.start)-1 && int(t.start[probe+1]) <= at {
			probe++
		}
		t.owner[i] = int32(probe)
		count += bytes.Count(t.buf[at:min(at+blankBlock, len(t.buf))], blank)
	}
	t.before = make([]uint32, len(t.units))
	for i := range t.before {
		t.before[i] = uint32(t.blanksBefore(int(t.start[i])))
	}
}

// probeAt returns the probe that holds position at.
func (t *Texts) probeAt(at int) int {
	i := int(t.owner[at/blankBlock])
	for int(t.start[i+1]) <= at {
		i++
	}
	return i
}

// blanksBefore returns the number of spaces of the texts before position at.
func (t *Texts) blanksBefore(at int) int {
	block := at / blankBlock
	return int(t.blanks[block]) + bytes.Count(t.buf[block*blankBlock:at], blank)
}

// unitAt returns the index, within probe i, of the unit that begins at position at.
func (t *Texts) unitAt(i, at int) int32 {
	if t.unit == fold.Bytes {
		return int32(at - int(t.start[i]))
	}
	return int32(t.blanksBefore(at) - int(t.before[i]) - 1)
}
