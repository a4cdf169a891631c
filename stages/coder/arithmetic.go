package coder

import "math/bits"

// The arithmetic coder narrows an interval of 64-bit numbers, symbol by symbol, to each symbol's share of it, and writes a byte of its
// lower end whenever the interval is a 256th as wide as it can be. The ends of a share are computed exactly from 128-bit products, so
// that neighbouring shares touch and nothing is lost to rounding but the last bit of an interval of at least 2^56 / 2^40.
const (
	totalBits = 40 // the shares of all symbols add up to 2^40 at most
	total     = 1 << totalBits
	narrow    = 1 << 56 // an interval below this writes a byte
)

// share is a symbol's part of the total, half-open.
type share struct{ from, to uint64 }

// scale is floor(width * n / total).
func scale(width, n uint64) uint64 {
	high, low := bits.Mul64(width, n)
	return high<<(64-totalBits) | low>>totalBits
}

type encoder struct {
	low, width uint64
	out        []byte
}

func (e *encoder) init() { *e = encoder{width: 1<<64 - 1, out: e.out[:0]} }

func (e *encoder) encode(s share) {
	from := scale(e.width, s.from)
	e.width = scale(e.width, s.to) - from
	e.add(from)
	for e.width < narrow {
		e.out = append(e.out, byte(e.low>>56))
		e.low <<= 8
		e.width <<= 8
	}
}

// add moves the lower end up. A carry out of it goes into the bytes that are written: a run of 255 turns to 0, which the next carry
// stops at, so carries take constant time on average.
func (e *encoder) add(n uint64) {
	var carry uint64
	e.low, carry = bits.Add64(e.low, n, 0)
	for i := len(e.out) - 1; carry > 0; i-- {
		e.out[i]++
		if e.out[i] != 0 {
			return
		}
	}
}

// escape writes bytes that are no tokens: in runs of 256 at most, each the escape symbol, its length and its bytes, 8 bits each.
func (e *encoder) escape(f *frequencies, raw []byte) {
	for len(raw) > 0 {
		n := min(len(raw), longestEscape)
		e.encode(f.interval(f.escape()))
		e.encode(byteShare(n - 1))
		for _, b := range raw[:n] {
			e.encode(byteShare(int(b)))
		}
		raw = raw[n:]
	}
}

const longestEscape = 256

func byteShare(b int) share {
	return share{uint64(b) << (totalBits - 8), uint64(b+1) << (totalBits - 8)}
}

// finish writes the shortest bytes that, followed by zeros, lie in the interval, and returns all that was written. The last interval
// is at least 2^56 wide: one byte is enough.
func (e *encoder) finish() []byte {
	if e.low > 0 {
		e.add(narrow - 1)
		e.out = append(e.out, byte(e.low>>56))
	}
	return e.out
}

type decoder struct {
	code, width uint64 // the number that is read, less the interval's lower end, and the interval's width; code < width
	in          []byte
	past        int // bytes that were read after the end, all zero
}

func (d *decoder) init(body []byte) {
	*d = decoder{in: body, width: 1<<64 - 1}
	for range 8 {
		d.code = d.code<<8 | d.next()
	}
	if d.code == d.width { // no encoder writes it
		d.code--
	}
}

func (d *decoder) next() uint64 {
	if len(d.in) == 0 {
		d.past++
		return 0
	}
	b := d.in[0]
	d.in = d.in[1:]
	return uint64(b)
}

// ranOut reports whether more was read than an encoder leaves to read.
func (d *decoder) ranOut() bool { return d.past > 8 }

// value is the largest n with scale(width, n) <= code: the share that holds it is the next symbol's.
func (d *decoder) value() uint64 {
	high, low := (d.code+1)>>(64-totalBits), (d.code+1)<<totalBits
	low, borrow := bits.Sub64(low, 1, 0)
	n, _ := bits.Div64(high-borrow, low, d.width)
	return n
}

// take moves on past a symbol, whose share holds value.
func (d *decoder) take(s share) {
	from := scale(d.width, s.from)
	d.width = scale(d.width, s.to) - from
	d.code -= from
	for d.width < narrow {
		d.code = d.code<<8 | d.next()
		d.width <<= 8
	}
}

// unescape appends the bytes of one escape, of which the text has room for size in all.
func (d *decoder) unescape(text []byte, size int) ([]byte, error) {
	n := d.byte() + 1
	if n > size-len(text) {
		return nil, damaged("it holds more text than it says")
	}
	for range n {
		text = append(text, byte(d.byte()))
	}
	if d.ranOut() {
		return nil, damaged("it ends early")
	}
	return text, nil
}

func (d *decoder) byte() int {
	b := int(d.value() >> (totalBits - 8))
	d.take(byteShare(b))
	return b
}
