package llama

// All products of matrices, attention's among them, are made of one: three rows of inputs, or one, with a panel of 32 outputs. Output j of
// row r is the sum over k, in rising order, of x[r][k]*w[k][j], every product and every sum rounded to float32. So no output depends on
// how many rows there are, on what other rows hold, or on which of the forms below computed it, and a sum that was cut can be gone on
// with. The lanes of a vector are outputs, never terms of one sum. Products are not fused with sums, because only a machine that fuses
// could then give these bits quickly; where multiplying and adding have units of their own, as in AMD's Zen, it costs nothing.

const (
	tile  = 3  // rows that are multiplied together
	panel = 32 // outputs of a panel
)

// multiply adds the products of k inputs to the 32 outputs of 1 or 3 rows, row r of which begins at dst[r*stride]. Inputs are x[k*rows+r],
// weights w[k*32+j], k up to len(w)/32. Unless onto is set the sums start from 0 instead of dst's values.
var multiply = multiplyPortable

func multiplyPortable(dst []float32, stride int, x, w []float32, rows int, onto bool) {
	if rows == 1 {
		multiplyOne(dst, x, w, onto)
		return
	}
	for j := 0; j < panel; j += 2 {
		var a0, a1, b0, b1, c0, c1 float32
		a, b, c := dst[j:j+2], dst[stride+j:stride+j+2], dst[2*stride+j:2*stride+j+2]
		if onto {
			a0, a1, b0, b1, c0, c1 = a[0], a[1], b[0], b[1], c[0], c[1]
		}
		x := x
		for w := w; len(w) >= panel && len(x) >= tile; w, x = w[panel:], x[tile:] {
			w0, w1 := w[j], w[j+1]
			a0 += float32(x[0] * w0)
			a1 += float32(x[0] * w1)
			b0 += float32(x[1] * w0)
			b1 += float32(x[1] * w1)
			c0 += float32(x[2] * w0)
			c1 += float32(x[2] * w1)
		}
		a[0], a[1], b[0], b[1], c[0], c[1] = a0, a1, b0, b1, c0, c1
	}
}

func multiplyOne(dst, x, w []float32, onto bool) {
	for j := 0; j < panel; j += 8 {
		to := (*[8]float32)(dst[j:])
		var s [8]float32
		if onto {
			s = *to
		}
		s0, s1, s2, s3, s4, s5, s6, s7 := s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7]
		x := x
		for w := w; len(w) >= panel && len(x) > 0; w, x = w[panel:], x[1:] {
			v, w := x[0], (*[8]float32)(w[j:])
			s0 += float32(v * w[0])
			s1 += float32(v * w[1])
			s2 += float32(v * w[2])
			s3 += float32(v * w[3])
			s4 += float32(v * w[4])
			s5 += float32(v * w[5])
			s6 += float32(v * w[6])
			s7 += float32(v * w[7])
		}
		*to = [8]float32{s0, s1, s2, s3, s4, s5, s6, s7}
	}
}

// tiled arranges rows for multiply: a tile of three rows holds input k of each side by side. Of the rows that do not fill a tile, one
// stands alone and two are filled up with zeros. Row r begins at src[r*stride].
func tiled(dst, src []float32, stride, inputs, rows int) {
	for ; rows > 1; rows -= tile {
		to := dst[:tile*inputs]
		for r := range tile {
			if r >= rows {
				for k := r; k < len(to); k += tile {
					to[k] = 0
				}
				continue
			}
			for k, v := range src[r*stride:][:inputs] {
				to[k*tile+r] = v
			}
		}
		dst, src = dst[tile*inputs:], src[min(tile*stride, len(src)):]
	}
	if rows == 1 {
		copy(dst, src[:inputs])
	}
}

// tileRows returns how many rows multiply takes of the tile that begins with row r of n: 3, or 1 for a last row alone.
func tileRows(r, n int) int {
	if n-r == 1 {
		return 1
	}
	return tile
}
