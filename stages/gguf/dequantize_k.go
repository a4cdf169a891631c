package gguf

// The K types hold 256 numbers in a block, in groups with scales of their own that are themselves quantized.

// scale4K unpacks the six-bit scale and minimum of group i of 8 from 12 bytes.
func scale4K(b []byte, i int) (scale, least float32) {
	if i < 4 {
		return float32(b[i] & 63), float32(b[i+4] & 63)
	}
	return float32(b[i+4]&15 | b[i-4]>>6<<4), float32(b[i+4]>>4 | b[i]>>6<<4)
}

// dequantize4K: two halves for scale and minimum, 12 bytes of scales, and 128 bytes of numbers of four bits: of each 32 bytes the low
// halves are a group, then the high ones.
func dequantize4K(to *[256]float32, src []byte) {
	d, least := half(src), half(src[2:])
	scales, q := src[4:16], src[16:144]
	for group := 0; group < 8; group += 2 {
		s, l := scale4K(scales, group)
		s0, l0 := float32(d*s), float32(least*l)
		s, l = scale4K(scales, group+1)
		s1, l1 := float32(d*s), float32(least*l)
		low, up := (*[32]float32)(to[32*group:]), (*[32]float32)(to[32*group+32:])
		for i, b := range (*[32]byte)(q[16*group:]) {
			low[i] = float32(s0*float32(b&15)) - l0
			up[i] = float32(s1*float32(b>>4)) - l1
		}
	}
}

// dequantize5K is dequantize4K with 32 bytes of fifth bits after the scales: bit g of byte i belongs to number i of group g.
func dequantize5K(to *[256]float32, src []byte) {
	d, least := half(src), half(src[2:])
	scales, high, q := src[4:16], (*[32]byte)(src[16:48]), src[48:176]
	for group := 0; group < 8; group += 2 {
		s, l := scale4K(scales, group)
		s0, l0 := float32(d*s), float32(least*l)
		s, l = scale4K(scales, group+1)
		s1, l1 := float32(d*s), float32(least*l)
		low, up := (*[32]float32)(to[32*group:]), (*[32]float32)(to[32*group+32:])
		for i, b := range (*[32]byte)(q[16*group:]) {
			low[i] = float32(s0*float32(b&15|high[i]>>group&1<<4)) - l0
			up[i] = float32(s1*float32(b>>4|high[i]>>(group+1)&1<<4)) - l1
		}
	}
}

// dequantize6K: 128 bytes of low four bits, 64 of high two, 16 signed scales for 16 numbers each, and a half that scales them all. The
// bits of a half block of 128 numbers lie together: byte i of 32 has those of numbers i, i+32, i+64 and i+96.
func dequantize6K(to *[256]float32, src []byte) {
	d := half(src[208:])
	for h := range 2 {
		low, high, scales := (*[64]byte)(src[64*h:]), (*[32]byte)(src[128+32*h:]), (*[8]byte)(src[192+8*h:])
		out := (*[128]float32)(to[128*h:])
		for part := range 4 {
			shift := part >> 1 * 4
			for i := range 32 {
				q := low[i+part&1*32]>>shift&15 | high[i]>>(2*part)&3<<4
				s := float32(d * float32(int8(scales[2*part+i/16])))
				out[32*part+i] = s * float32(int(q)-32)
			}
		}
	}
}
