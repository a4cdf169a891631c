//go:build goexperiment.simd

package minhash

import (
	"encoding/binary"
	"simd/archsimd"
)

const (
	lanes      = 16 // messages that are hashed at a step, a word of each in a register
	blockBytes = 64
	mostBlocks = 2
	mostBytes  = mostBlocks*blockBytes - 9 // of a message: a mark and its length follow it
)

// sha1Lanes is sha1Portable for 16 shingles of as many blocks at a step. Those of more than two, which few are, are left to it.
func sha1Lanes(dst []uint64, stream []byte, before, after []int) {
	var waiting [mostBlocks]messages
	swap := archsimd.LoadInt8x64(&swapWords)
	for i := range dst {
		begin, end := before[i]+1, after[i]
		if end-begin > mostBytes {
			sha1Portable(dst[i:i+1], stream, before[i:], after[i:])
			continue
		}
		blocks := blocksOf(end - begin)
		m := &waiting[blocks-1]
		for b := range blocks {
			m.rows[b][m.n&(lanes-1)] = padded(stream, begin, end, b).PermuteOrZeroGrouped(swap).AsInt32x16()
		}
		m.of[m.n&(lanes-1)] = i
		if m.n++; m.n == lanes {
			m.sum(dst, blocks)
		}
	}
	for i := range waiting {
		if waiting[i].n > 0 {
			waiting[i].sum(dst, i+1)
		}
	}
	archsimd.ClearAVXUpperBits()
}

// blocksOf returns the number of blocks of a message of so many bytes.
func blocksOf(size int) int { return (size + 9 + blockBytes - 1) / blockBytes }

// messages are shingles of the same number of blocks that wait for a step.
type messages struct {
	rows [mostBlocks][lanes]archsimd.Int32x16 // the words of a block in each
	of   [lanes]int                           // the shingles
	n    int
}

// padded returns the block with that number of the message stream[begin:end].
func padded(stream []byte, begin, end, block int) archsimd.Uint8x64 {
	pad := archsimd.LoadUint8x64(&padding[end-begin][block])
	begin += block * blockBytes
	bytes := archsimd.Mask8x64FromBits(1<<uint(max(end-begin, 0)) - 1)
	if begin+blockBytes <= len(stream) {
		return archsimd.LoadMaskedUint8x64((*[blockBytes]byte)(stream[begin:]), bytes).Or(pad)
	}
	return archsimd.LoadUint8x64SlicePart(stream[min(begin, end):]).Masked(bytes).Or(pad)
}

// padding is what follows a message of so many bytes, in its blocks: a one bit, zeros, and the length in bits.
var padding = func() (t [mostBytes + 1][mostBlocks][blockBytes]byte) {
	for size := range t {
		last := blocksOf(size) - 1
		t[size][size/blockBytes][size%blockBytes] = 0x80
		binary.BigEndian.PutUint16(t[size][last][blockBytes-2:], uint16(8*size))
	}
	return t
}()

// sum hashes the messages that wait.
func (m *messages) sum(dst []uint64, blocks int) {
	var state [5]archsimd.Int32x16
	for i, word := range [5]uint32{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0} {
		state[i] = archsimd.BroadcastUint32x16(word).AsInt32x16()
	}
	for b := range blocks {
		transpose(&m.rows[b])
		sha1Block(&state, &m.rows[b])
	}
	var sums [lanes]uint64
	swap := archsimd.LoadInt8x64(&swapWords)
	first := state[0].AsUint8x64().PermuteOrZeroGrouped(swap).AsInt32x16()
	second := state[1].AsUint8x64().PermuteOrZeroGrouped(swap).AsInt32x16()
	first.ConcatPermute(second, load32(pairs[:])).AsUint64x8().StoreSlice(sums[:])
	first.ConcatPermute(second, load32(pairs[lanes:])).AsUint64x8().StoreSlice(sums[lanes/2:])
	for lane, i := range m.of[:m.n] {
		dst[i] = sums[lane]
	}
	m.n = 0
}

var (
	swapWords [64]int8          // turns the bytes of each 32 bits around
	pairs     [2 * lanes]uint32 // the words of two registers in turn

	// Each takes the 128 bits of two registers in turn, those of the lower or the upper half; the other two put halves together.
	lowQuarters  = [8]uint64{0, 1, 8, 9, 2, 3, 10, 11}
	highQuarters = [8]uint64{4, 5, 12, 13, 6, 7, 14, 15}
	lowHalves    = [8]uint64{0, 1, 2, 3, 8, 9, 10, 11}
	highHalves   = [8]uint64{4, 5, 6, 7, 12, 13, 14, 15}
)

func init() {
	for i := range swapWords {
		swapWords[i] = int8(i%16 ^ 3)
	}
	for i := range pairs {
		pairs[i] = uint32(i/2 + i%2*lanes)
	}
}

// transpose turns 16 blocks of 16 words into the words by position: word i of block j comes to be word j of w[i].
func transpose(w *[lanes]archsimd.Int32x16) {
	for r := 0; r < 16; r += 4 { // of four blocks: then 128 bits q of w[r+i] are their words 4q+i
		low01, high01 := w[r].InterleaveLoGrouped(w[r+1]).AsInt64x8(), w[r].InterleaveHiGrouped(w[r+1]).AsInt64x8()
		low23, high23 := w[r+2].InterleaveLoGrouped(w[r+3]).AsInt64x8(), w[r+2].InterleaveHiGrouped(w[r+3]).AsInt64x8()
		w[r], w[r+1] = low01.InterleaveLoGrouped(low23).AsInt32x16(), low01.InterleaveHiGrouped(low23).AsInt32x16()
		w[r+2], w[r+3] = high01.InterleaveLoGrouped(high23).AsInt32x16(), high01.InterleaveHiGrouped(high23).AsInt32x16()
	}
	quarters0, quarters1 := load64(lowQuarters[:]), load64(highQuarters[:])
	halves0, halves1 := load64(lowHalves[:]), load64(highHalves[:])
	for i := range 4 {
		r0, r1, r2, r3 := w[i].AsInt64x8(), w[i+4].AsInt64x8(), w[i+8].AsInt64x8(), w[i+12].AsInt64x8()
		low0, high0 := r0.ConcatPermute(r1, quarters0), r0.ConcatPermute(r1, quarters1)
		low1, high1 := r2.ConcatPermute(r3, quarters0), r2.ConcatPermute(r3, quarters1)
		w[i], w[i+4] = low0.ConcatPermute(low1, halves0).AsInt32x16(), low0.ConcatPermute(low1, halves1).AsInt32x16()
		w[i+8], w[i+12] = high0.ConcatPermute(high1, halves0).AsInt32x16(), high0.ConcatPermute(high1, halves1).AsInt32x16()
	}
}

// sha1Block takes a block of each message, transposed, into the state (FIPS 180-4, section 6.1). The rounds are written out because a
// loop, with the words in memory, takes a quarter longer. The compiler makes one instruction of three operands of bitwise logic, but
// only of signed ones; hence Int32x16.
func sha1Block(state *[5]archsimd.Int32x16, w *[lanes]archsimd.Int32x16) {
	w0, w1, w2, w3 := w[0], w[1], w[2], w[3]
	w4, w5, w6, w7 := w[4], w[5], w[6], w[7]
	w8, w9, w10, w11 := w[8], w[9], w[10], w[11]
	w12, w13, w14, w15 := w[12], w[13], w[14], w[15]
	a, b, c, d, e := state[0], state[1], state[2], state[3], state[4]

	k := archsimd.BroadcastUint32x16(0x5a827999).AsInt32x16()
	e, b = round(a, e, choose(b, c, d), k, w0), b.RotateAllLeft(30)
	d, a = round(e, d, choose(a, b, c), k, w1), a.RotateAllLeft(30)
	c, e = round(d, c, choose(e, a, b), k, w2), e.RotateAllLeft(30)
	b, d = round(c, b, choose(d, e, a), k, w3), d.RotateAllLeft(30)
	a, c = round(b, a, choose(c, d, e), k, w4), c.RotateAllLeft(30)
	e, b = round(a, e, choose(b, c, d), k, w5), b.RotateAllLeft(30)
	d, a = round(e, d, choose(a, b, c), k, w6), a.RotateAllLeft(30)
	c, e = round(d, c, choose(e, a, b), k, w7), e.RotateAllLeft(30)
	b, d = round(c, b, choose(d, e, a), k, w8), d.RotateAllLeft(30)
	a, c = round(b, a, choose(c, d, e), k, w9), c.RotateAllLeft(30)
	e, b = round(a, e, choose(b, c, d), k, w10), b.RotateAllLeft(30)
	d, a = round(e, d, choose(a, b, c), k, w11), a.RotateAllLeft(30)
	c, e = round(d, c, choose(e, a, b), k, w12), e.RotateAllLeft(30)
	b, d = round(c, b, choose(d, e, a), k, w13), d.RotateAllLeft(30)
	a, c = round(b, a, choose(c, d, e), k, w14), c.RotateAllLeft(30)
	e, b = round(a, e, choose(b, c, d), k, w15), b.RotateAllLeft(30)
	w0 = expand(w13, w8, w2, w0)
	d, a = round(e, d, choose(a, b, c), k, w0), a.RotateAllLeft(30)
	w1 = expand(w14, w9, w3, w1)
	c, e = round(d, c, choose(e, a, b), k, w1), e.RotateAllLeft(30)
	w2 = expand(w15, w10, w4, w2)
	b, d = round(c, b, choose(d, e, a), k, w2), d.RotateAllLeft(30)
	w3 = expand(w0, w11, w5, w3)
	a, c = round(b, a, choose(c, d, e), k, w3), c.RotateAllLeft(30)

	k = archsimd.BroadcastUint32x16(0x6ed9eba1).AsInt32x16()
	w4 = expand(w1, w12, w6, w4)
	e, b = round(a, e, parity(b, c, d), k, w4), b.RotateAllLeft(30)
	w5 = expand(w2, w13, w7, w5)
	d, a = round(e, d, parity(a, b, c), k, w5), a.RotateAllLeft(30)
	w6 = expand(w3, w14, w8, w6)
	c, e = round(d, c, parity(e, a, b), k, w6), e.RotateAllLeft(30)
	w7 = expand(w4, w15, w9, w7)
	b, d = round(c, b, parity(d, e, a), k, w7), d.RotateAllLeft(30)
	w8 = expand(w5, w0, w10, w8)
	a, c = round(b, a, parity(c, d, e), k, w8), c.RotateAllLeft(30)
	w9 = expand(w6, w1, w11, w9)
	e, b = round(a, e, parity(b, c, d), k, w9), b.RotateAllLeft(30)
	w10 = expand(w7, w2, w12, w10)
	d, a = round(e, d, parity(a, b, c), k, w10), a.RotateAllLeft(30)
	w11 = expand(w8, w3, w13, w11)
	c, e = round(d, c, parity(e, a, b), k, w11), e.RotateAllLeft(30)
	w12 = expand(w9, w4, w14, w12)
	b, d = round(c, b, parity(d, e, a), k, w12), d.RotateAllLeft(30)
	w13 = expand(w10, w5, w15, w13)
	a, c = round(b, a, parity(c, d, e), k, w13), c.RotateAllLeft(30)
	w14 = expand(w11, w6, w0, w14)
	e, b = round(a, e, parity(b, c, d), k, w14), b.RotateAllLeft(30)
	w15 = expand(w12, w7, w1, w15)
	d, a = round(e, d, parity(a, b, c), k, w15), a.RotateAllLeft(30)
	w0 = expand(w13, w8, w2, w0)
	c, e = round(d, c, parity(e, a, b), k, w0), e.RotateAllLeft(30)
	w1 = expand(w14, w9, w3, w1)
	b, d = round(c, b, parity(d, e, a), k, w1), d.RotateAllLeft(30)
	w2 = expand(w15, w10, w4, w2)
	a, c = round(b, a, parity(c, d, e), k, w2), c.RotateAllLeft(30)
	w3 = expand(w0, w11, w5, w3)
	e, b = round(a, e, parity(b, c, d), k, w3), b.RotateAllLeft(30)
	w4 = expand(w1, w12, w6, w4)
	d, a = round(e, d, parity(a, b, c), k, w4), a.RotateAllLeft(30)
	w5 = expand(w2, w13, w7, w5)
	c, e = round(d, c, parity(e, a, b), k, w5), e.RotateAllLeft(30)
	w6 = expand(w3, w14, w8, w6)
	b, d = round(c, b, parity(d, e, a), k, w6), d.RotateAllLeft(30)
	w7 = expand(w4, w15, w9, w7)
	a, c = round(b, a, parity(c, d, e), k, w7), c.RotateAllLeft(30)

	k = archsimd.BroadcastUint32x16(0x8f1bbcdc).AsInt32x16()
	w8 = expand(w5, w0, w10, w8)
	e, b = round(a, e, majority(b, c, d), k, w8), b.RotateAllLeft(30)
	w9 = expand(w6, w1, w11, w9)
	d, a = round(e, d, majority(a, b, c), k, w9), a.RotateAllLeft(30)
	w10 = expand(w7, w2, w12, w10)
	c, e = round(d, c, majority(e, a, b), k, w10), e.RotateAllLeft(30)
	w11 = expand(w8, w3, w13, w11)
	b, d = round(c, b, majority(d, e, a), k, w11), d.RotateAllLeft(30)
	w12 = expand(w9, w4, w14, w12)
	a, c = round(b, a, majority(c, d, e), k, w12), c.RotateAllLeft(30)
	w13 = expand(w10, w5, w15, w13)
	e, b = round(a, e, majority(b, c, d), k, w13), b.RotateAllLeft(30)
	w14 = expand(w11, w6, w0, w14)
	d, a = round(e, d, majority(a, b, c), k, w14), a.RotateAllLeft(30)
	w15 = expand(w12, w7, w1, w15)
	c, e = round(d, c, majority(e, a, b), k, w15), e.RotateAllLeft(30)
	w0 = expand(w13, w8, w2, w0)
	b, d = round(c, b, majority(d, e, a), k, w0), d.RotateAllLeft(30)
	w1 = expand(w14, w9, w3, w1)
	a, c = round(b, a, majority(c, d, e), k, w1), c.RotateAllLeft(30)
	w2 = expand(w15, w10, w4, w2)
	e, b = round(a, e, majority(b, c, d), k, w2), b.RotateAllLeft(30)
	w3 = expand(w0, w11, w5, w3)
	d, a = round(e, d, majority(a, b, c), k, w3), a.RotateAllLeft(30)
	w4 = expand(w1, w12, w6, w4)
	c, e = round(d, c, majority(e, a, b), k, w4), e.RotateAllLeft(30)
	w5 = expand(w2, w13, w7, w5)
	b, d = round(c, b, majority(d, e, a), k, w5), d.RotateAllLeft(30)
	w6 = expand(w3, w14, w8, w6)
	a, c = round(b, a, majority(c, d, e), k, w6), c.RotateAllLeft(30)
	w7 = expand(w4, w15, w9, w7)
	e, b = round(a, e, majority(b, c, d), k, w7), b.RotateAllLeft(30)
	w8 = expand(w5, w0, w10, w8)
	d, a = round(e, d, majority(a, b, c), k, w8), a.RotateAllLeft(30)
	w9 = expand(w6, w1, w11, w9)
	c, e = round(d, c, majority(e, a, b), k, w9), e.RotateAllLeft(30)
	w10 = expand(w7, w2, w12, w10)
	b, d = round(c, b, majority(d, e, a), k, w10), d.RotateAllLeft(30)
	w11 = expand(w8, w3, w13, w11)
	a, c = round(b, a, majority(c, d, e), k, w11), c.RotateAllLeft(30)

	k = archsimd.BroadcastUint32x16(0xca62c1d6).AsInt32x16()
	w12 = expand(w9, w4, w14, w12)
	e, b = round(a, e, parity(b, c, d), k, w12), b.RotateAllLeft(30)
	w13 = expand(w10, w5, w15, w13)
	d, a = round(e, d, parity(a, b, c), k, w13), a.RotateAllLeft(30)
	w14 = expand(w11, w6, w0, w14)
	c, e = round(d, c, parity(e, a, b), k, w14), e.RotateAllLeft(30)
	w15 = expand(w12, w7, w1, w15)
	b, d = round(c, b, parity(d, e, a), k, w15), d.RotateAllLeft(30)
	w0 = expand(w13, w8, w2, w0)
	a, c = round(b, a, parity(c, d, e), k, w0), c.RotateAllLeft(30)
	w1 = expand(w14, w9, w3, w1)
	e, b = round(a, e, parity(b, c, d), k, w1), b.RotateAllLeft(30)
	w2 = expand(w15, w10, w4, w2)
	d, a = round(e, d, parity(a, b, c), k, w2), a.RotateAllLeft(30)
	w3 = expand(w0, w11, w5, w3)
	c, e = round(d, c, parity(e, a, b), k, w3), e.RotateAllLeft(30)
	w4 = expand(w1, w12, w6, w4)
	b, d = round(c, b, parity(d, e, a), k, w4), d.RotateAllLeft(30)
	w5 = expand(w2, w13, w7, w5)
	a, c = round(b, a, parity(c, d, e), k, w5), c.RotateAllLeft(30)
	w6 = expand(w3, w14, w8, w6)
	e, b = round(a, e, parity(b, c, d), k, w6), b.RotateAllLeft(30)
	w7 = expand(w4, w15, w9, w7)
	d, a = round(e, d, parity(a, b, c), k, w7), a.RotateAllLeft(30)
	w8 = expand(w5, w0, w10, w8)
	c, e = round(d, c, parity(e, a, b), k, w8), e.RotateAllLeft(30)
	w9 = expand(w6, w1, w11, w9)
	b, d = round(c, b, parity(d, e, a), k, w9), d.RotateAllLeft(30)
	w10 = expand(w7, w2, w12, w10)
	a, c = round(b, a, parity(c, d, e), k, w10), c.RotateAllLeft(30)
	w11 = expand(w8, w3, w13, w11)
	e, b = round(a, e, parity(b, c, d), k, w11), b.RotateAllLeft(30)
	w12 = expand(w9, w4, w14, w12)
	d, a = round(e, d, parity(a, b, c), k, w12), a.RotateAllLeft(30)
	w13 = expand(w10, w5, w15, w13)
	c, e = round(d, c, parity(e, a, b), k, w13), e.RotateAllLeft(30)
	w14 = expand(w11, w6, w0, w14)
	b, d = round(c, b, parity(d, e, a), k, w14), d.RotateAllLeft(30)
	w15 = expand(w12, w7, w1, w15)
	a, c = round(b, a, parity(c, d, e), k, w15), c.RotateAllLeft(30)

	state[0], state[1], state[2], state[3], state[4] = state[0].Add(a), state[1].Add(b), state[2].Add(c), state[3].Add(d), state[4].Add(e)
}

// round returns the new a. What waits for the round before, the old a, is added last.
func round(a, e, f, k, w archsimd.Int32x16) archsimd.Int32x16 {
	return a.RotateAllLeft(5).Add(e.Add(k).Add(w).Add(f))
}

// expand returns a word of the schedule.
func expand(a, b, c, d archsimd.Int32x16) archsimd.Int32x16 {
	return a.Xor(b).Xor(c).Xor(d).RotateAllLeft(1)
}

// choose, parity and majority are the functions of rounds 0 to 19, of 20 to 39 and from 60, and of 40 to 59.
func choose(b, c, d archsimd.Int32x16) archsimd.Int32x16 { return d.Xor(b.And(c.Xor(d))) }

func parity(b, c, d archsimd.Int32x16) archsimd.Int32x16 { return b.Xor(c).Xor(d) }

func majority(b, c, d archsimd.Int32x16) archsimd.Int32x16 { return b.And(c).Or(d.And(b.Or(c))) }
