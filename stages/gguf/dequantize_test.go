package gguf_test

import (
	"math"
	"math/rand/v2"
	"testing"

	"palimpsest/stages/gguf"
)

// half is the value of a binary16, in the words of IEEE 754.
func half(b []byte) float64 {
	h := int(b[0]) | int(b[1])<<8
	sign, exponent, fraction := 1.0, h>>10&31, float64(h&1023)
	if h>>15 == 1 {
		sign = -1
	}
	switch exponent {
	case 0:
		return sign * math.Ldexp(fraction, -24)
	case 31:
		if fraction > 0 {
			return math.NaN()
		}
		return sign * math.Inf(1)
	}
	return sign * math.Ldexp(1024+fraction, exponent-25)
}

// value is number i of a block, by the layout alone: every bit is looked up on its own.
func value(t gguf.Type, b []byte, i int) float64 {
	bit := func(at int) int { return int(b[at/8]) >> (at % 8) & 1 }
	bits := func(at, n int) (v int) {
		for k := range n {
			v |= bit(at+k) << k
		}
		return v
	}
	nibble := func(from, i int) int { return bits(8*(from+i%16)+i/16*4, 4) } // of 32 numbers in 16 bytes
	group, in := i/32, i%32
	scale := func(least bool) float64 { // of a group of Q4_K and Q5_K
		at := group
		if least {
			at += 4
		}
		if group < 4 {
			return float64(bits(8*(4+at), 6))
		}
		low := bits(8*(4+group+4), 4)
		high := bits(8*(4+group-4)+6, 2)
		if least {
			low, high = bits(8*(4+group+4)+4, 4), bits(8*(4+group)+6, 2)
		}
		return float64(low | high<<4)
	}
	switch t {
	case gguf.F32:
		return float64(math.Float32frombits(uint32(bits(0, 32))))
	case gguf.F16:
		return half(b)
	case gguf.BF16:
		return float64(math.Float32frombits(uint32(bits(0, 16)) << 16))
	case gguf.Q4_0:
		return half(b) * float64(nibble(2, i)-8)
	case gguf.Q4_1:
		return half(b)*float64(nibble(4, i)) + half(b[2:])
	case gguf.Q5_0:
		return half(b) * float64(nibble(6, i)|bit(16+i)<<4-16)
	case gguf.Q5_1:
		return half(b)*float64(nibble(8, i)|bit(32+i)<<4) + half(b[2:])
	case gguf.Q8_0:
		return half(b) * float64(int8(b[2+i]))
	case gguf.Q4_K:
		q := bits(8*(16+group/2*32+in)+group%2*4, 4)
		return half(b)*scale(false)*float64(q) - half(b[2:])*scale(true)
	case gguf.Q5_K:
		q := bits(8*(48+group/2*32+in)+group%2*4, 4) | bit(8*(16+in)+group)<<4
		return half(b)*scale(false)*float64(q) - half(b[2:])*scale(true)
	case gguf.Q6_K:
		part := group % 4
		q := bits(8*(i/128*64+part%2*32+in)+part/2*4, 4) | bits(8*(128+i/128*32+in)+2*part, 2)<<4
		return half(b[208:]) * float64(int8(b[192+i/16])) * float64(q-32)
	}
	panic("no such type")
}

var types = []gguf.Type{
	gguf.F32, gguf.F16, gguf.BF16, gguf.Q4_0, gguf.Q4_1, gguf.Q5_0, gguf.Q5_1, gguf.Q8_0, gguf.Q4_K, gguf.Q5_K, gguf.Q6_K,
}

// Dequantize gives what the layouts say, to the rounding of float32.
func TestDequantize(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, typ := range types {
		const blocks = 200
		src := make([]byte, blocks*typ.BlockBytes())
		for i := range src {
			src[i] = byte(r.Uint32())
		}
		dst := make([]float32, blocks*typ.Block())
		gguf.Dequantize(typ, dst, src)
		for i, got := range dst {
			b := src[i/typ.Block()*typ.BlockBytes():][:typ.BlockBytes()]
			want := value(typ, b, i%typ.Block())
			if math.IsNaN(want) && math.IsNaN(float64(got)) || float64(got) == want {
				continue
			}
			largest := math.Abs(want) // of the terms, which may cancel
			if typ.Block() > 1 {
				largest += math.Abs(half(b)) + math.Abs(half(b[2:]))*64
			}
			if !(math.Abs(float64(got)-want) <= largest*0x1p-22) {
				t.Fatalf("%v: number %d is %g, want %g", typ, i, got, want)
			}
		}
	}
}

func BenchmarkDequantize(b *testing.B) {
	for _, typ := range types {
		b.Run(typ.String(), func(b *testing.B) {
			dst := make([]float32, 4096)
			src := make([]byte, 4096/typ.Block()*typ.BlockBytes())
			b.SetBytes(4 * 4096)
			for b.Loop() {
				gguf.Dequantize(typ, dst, src)
			}
		})
	}
}
