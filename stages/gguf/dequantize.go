package gguf

import (
	"encoding/binary"
	"math"
)

// Dequantize writes to dst the numbers that src holds, whole blocks of a supported type: len(dst)/t.Block() blocks. They are what ggml
// defines as the blocks' values (ggml-quants.c), each product and sum rounded to float32.
func Dequantize(t Type, dst []float32, src []byte) {
	block := t.Block()
	size := t.BlockBytes()
	src = src[:len(dst)/block*size]
	switch t {
	case F32:
		for i := range dst {
			dst[i] = math.Float32frombits(binary.LittleEndian.Uint32(src[4*i:]))
		}
		return
	case F16:
		for i := range dst {
			dst[i] = half(src[2*i:])
		}
		return
	case BF16:
		for i := range dst {
			dst[i] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(src[2*i:])) << 16)
		}
		return
	}
	for len(dst) >= block && len(src) >= size {
		switch t {
		case Q4_0:
			d := half(src)
			dequantize4((*[32]float32)(dst), (*[16]byte)(src[2:]), d, float32(-8*d))
		case Q4_1:
			dequantize4((*[32]float32)(dst), (*[16]byte)(src[4:]), half(src), half(src[2:]))
		case Q5_0:
			d := half(src)
			dequantize5((*[32]float32)(dst), (*[16]byte)(src[6:]), binary.LittleEndian.Uint32(src[2:]), d, float32(-16*d))
		case Q5_1:
			dequantize5((*[32]float32)(dst), (*[16]byte)(src[8:]), binary.LittleEndian.Uint32(src[4:]), half(src), half(src[2:]))
		case Q8_0:
			d := half(src)
			to, q := (*[32]float32)(dst), (*[32]byte)(src[2:])
			for i := range to {
				to[i] = float32(int8(q[i])) * d
			}
		case Q4_K:
			dequantize4K((*[256]float32)(dst), src)
		case Q5_K:
			dequantize5K((*[256]float32)(dst), src)
		case Q6_K:
			dequantize6K((*[256]float32)(dst), src)
		}
		dst, src = dst[block:], src[size:]
	}
}

// half converts an IEEE 754 binary16, whose values float32 all has.
func half(b []byte) float32 {
	h := uint32(binary.LittleEndian.Uint16(b))
	sign, rest := h&0x8000<<16, h&0x7FFF
	switch {
	case rest >= 0x7C00: // infinite or NaN
		return math.Float32frombits(sign | 0x7F800000 | rest&0x3FF<<13)
	case rest >= 0x400:
		return math.Float32frombits(sign | rest<<13 + 112<<23)
	}
	v := float32(rest) * (1.0 / (1 << 24)) // subnormal or 0
	return math.Float32frombits(sign | math.Float32bits(v))
}

// dequantize4 gives the low halves of 16 bytes and then their high halves, from 0 to 15, times d plus m. The products -8d and q*d are
// exact, so that Q4_0's (q-8)*d comes out as the sum.
func dequantize4(to *[32]float32, q *[16]byte, d, m float32) {
	for i, b := range q {
		to[i] = float32(float32(b&15)*d) + m
		to[i+16] = float32(float32(b>>4)*d) + m
	}
}

// dequantize5 is dequantize4 with a fifth bit of each number in high.
func dequantize5(to *[32]float32, q *[16]byte, high uint32, d, m float32) {
	for i, b := range q {
		low, up := uint32(b&15)|high>>i&1<<4, uint32(b>>4)|high>>(i+16)&1<<4
		to[i] = float32(float32(low)*d) + m
		to[i+16] = float32(float32(up)*d) + m
	}
}
