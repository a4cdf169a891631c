package llama

import "math"

// The functions here give the same bits on every machine. Package math's do not promise that: several are assembly on some
// architectures, and the compiler fuses x*y+z where the processor can. So only +, -, *, / and the square root are used, which IEEE 754
// defines to the last bit, and every product is converted before it is added, which forbids fusing (Go specification, Floating-point
// operators).

const (
	log2e = 1 / math.Ln2
	// ln2High has 20 trailing zero bits, so that its product with an exponent is exact; ln2Low is the rest.
	ln2High = 0x1.62e42fefp-1
	ln2Low  = math.Ln2 - ln2High
	// rounding pushes the fraction of a number below 2^51 out of the significand, whose low bits then are its integer.
	rounding = 3 << 51
	// steepest bounds the exponents: e^±708 is still a normal float64.
	steepest = 708
)

// taylor are the coefficients of e^r, from the highest; on |r| <= ln(2)/2 the next would add less than 2e-16 of it.
var taylor = [...]float64{
	1. / 479001600, 1. / 39916800, 1. / 3628800, 1. / 362880, 1. / 40320, 1. / 5040, 1. / 720, 1. / 120, 1. / 24, 1. / 6, 1. / 2, 1, 1,
}

// Exp returns e^x to about 3e-16 of it, x taken to lie in [-708, 708]: the same bits on every machine.
func Exp(x float64) float64 {
	if x < -steepest {
		x = -steepest
	} else if x > steepest {
		x = steepest
	}
	t := float64(x*log2e) + rounding
	n := t - rounding
	r := x - float64(n*ln2High) - float64(n*ln2Low)
	p := taylor[0]
	for _, c := range taylor[1:] {
		p = float64(p*r) + c
	}
	return math.Float64frombits(math.Float64bits(p) + math.Float64bits(t)<<52)
}

// logarithm returns ln x of a positive, normal x: x = 2^n f with f in [1/√2, √2), and ln f = 2 artanh((f-1)/(f+1)) as its series.
func logarithm(x float64) float64 {
	b := math.Float64bits(x)
	n := int64(b>>52) - 1023
	f := math.Float64frombits(b&(1<<52-1) | 1023<<52)
	if f > math.Sqrt2 {
		f, n = f/2, n+1
	}
	s := (f - 1) / (f + 1)
	z := float64(s * s)
	p := 0.0
	for k := 23; k >= 3; k -= 2 { // z <= 0.0295: the next term is below 1e-18
		p = float64((p + 1/float64(k)) * z)
	}
	return float64(float64(n)*ln2High) + (float64(2*s) + (float64(float64(2*s)*p) + float64(float64(n)*ln2Low)))
}

// halfPi in three parts; the products of the first two with a number of quarter turns below 2^20 are exact.
const (
	halfPi1 = 0x1.921fb544p+0
	halfPi2 = 0x1.0b4611a6p-34
	halfPi3 = 0x1.3198a2e037073p-69
)

// sineCosine returns the sine and cosine of an angle of at most 2^20, to about 1e-15.
func sineCosine(x float64) (sine, cosine float64) {
	t := float64(x*(2/math.Pi)) + rounding
	n := t - rounding
	r := x - float64(n*halfPi1) - float64(n*halfPi2) - float64(n*halfPi3)
	z := float64(r * r)
	s, c := 0.0, 0.0
	for k := 17; k >= 3; k -= 2 {
		s = float64((1 - s) * z / float64(k*(k-1)))
		c = float64((1 - c) * z / float64((k-1)*(k-2)))
	}
	s, c = float64(r*(1-s)), 1-c
	switch math.Float64bits(t) & 3 {
	case 0:
		return s, c
	case 1:
		return c, -s
	case 2:
		return -s, -c
	default:
		return -c, s
	}
}

// lanes is how many running sums the sums over a vocabulary or a text have: element i goes to sum i%8, and the eight are added in pairs.
const lanes = 8

func addLanes(s *[lanes]float64) float64 {
	return ((s[0] + s[4]) + (s[2] + s[6])) + ((s[1] + s[5]) + (s[3] + s[7]))
}

// The loops below have a second form where the processor has vector instructions; both give the same bits. Lengths are multiples of
// eight, made so by minus infinity.
var (
	// exponentials replaces every x by e^(x-highest), rounded to float32, and returns their sum before rounding. e^-708 and less are 0.
	exponentials = exponentialsPortable
	// moments returns the sums of e^y, y e^y and y² e^y, with y = x-highest, at least -708.
	moments = momentsPortable
	// swiglu replaces every gate g by g/(1+e^-g) * up (Shazeer, arXiv 2002.05202).
	swiglu = swigluPortable
)

func exponentialsPortable(x []float32, highest float32) float64 {
	var sums [lanes]float64
	for ; len(x) >= lanes; x = x[lanes:] {
		for i := range sums {
			e := Exp(float64(x[i]) - float64(highest))
			sums[i] += e
			x[i] = float32(e)
		}
	}
	return addLanes(&sums)
}

func momentsPortable(x []float32, highest float32) (zeroth, first, second float64) {
	var sums, firsts, seconds [lanes]float64
	for ; len(x) >= lanes; x = x[lanes:] {
		for i := range sums {
			y := float64(x[i]) - float64(highest)
			if y < -steepest {
				y = -steepest
			}
			e := Exp(y)
			ey := float64(e * y)
			sums[i] += e
			firsts[i] += ey
			seconds[i] += float64(ey * y)
		}
	}
	return addLanes(&sums), addLanes(&firsts), addLanes(&seconds)
}

func swigluPortable(gate, up []float32) {
	for i, g := range gate {
		v := float64(g)
		gate[i] = float32(v/(1+Exp(-v))) * up[i]
	}
}

// highestOf returns the largest of x.
func highestOf(x []float32) float32 {
	highest := float32(math.Inf(-1))
	for _, v := range x {
		if v > highest {
			highest = v
		}
	}
	return highest
}
