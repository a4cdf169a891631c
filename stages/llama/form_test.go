package llama

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// form is one way of computing the loops that have several.
type form struct {
	name         string
	multiply     func(dst []float32, stride int, x, w []float32, rows int, onto bool)
	exponentials func(x []float32, highest float32) float64
	moments      func(x []float32, highest float32) (zeroth, first, second float64)
	swiglu       func(gate, up []float32)
}

// forms are those that this processor has.
var forms = []form{{"portable", multiplyPortable, exponentialsPortable, momentsPortable, swigluPortable}}

// use makes the engine compute by a form for the rest of the test.
func (f form) use(t testing.TB) {
	before := form{"", multiply, exponentials, moments, swiglu}
	multiply, exponentials, moments, swiglu = f.multiply, f.exponentials, f.moments, f.swiglu
	t.Cleanup(func() {
		multiply, exponentials, moments, swiglu = before.multiply, before.exponentials, before.moments, before.swiglu
	})
}

func random(r *rand.Rand, n int, scale float64) []float32 {
	x := make([]float32, n)
	for i := range x {
		x[i] = float32(r.NormFloat64() * scale)
	}
	return x
}

func sameBits(t *testing.T, what string, got, want []float32) {
	t.Helper()
	for i := range want {
		if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
			t.Fatalf("%s: %d of %d is %g, want %g", what, i, len(want), got[i], want[i])
		}
	}
}

// Every form of multiply gives the sums in the order of the inputs, whole or cut in two.
func TestMultiply(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, rows := range []int{1, tile} {
		for _, k := range []int{1, 2, 7, 128, 200} {
			x, w, begin := random(r, k*rows, 1), random(r, k*panel, 1), random(r, tile*40, 1)
			want := append([]float32(nil), begin...)
			for row := range rows {
				for j := range panel {
					sum := begin[row*40+j]
					for i := range k {
						sum += float32(x[i*rows+row] * w[i*panel+j])
					}
					want[row*40+j] = sum
				}
			}
			for _, f := range forms {
				got := append([]float32(nil), begin...)
				f.multiply(got, 40, x, w, rows, true)
				sameBits(t, fmt.Sprintf("%s, %d rows, %d inputs", f.name, rows, k), got, want)

				half := k / 2
				f.multiply(got, 40, x[:half*rows], w[:half*panel], rows, false)
				f.multiply(got, 40, x[half*rows:], w[half*panel:], rows, true)
				whole := append([]float32(nil), begin...)
				multiplyPortable(whole, 40, x, w, rows, false)
				sameBits(t, f.name+" in two parts", got, whole)
			}
		}
	}
}

// Every form of the other loops gives the same bits, at the ends of their ranges too.
func TestForms(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	x := random(r, 64, 20)
	copy(x, []float32{0, 1, -1, 88, -88, 700, -700, 1e30, -1e30, float32(math.Inf(-1)), 5e-40, -5e-40, float32(math.Copysign(0, -1))})
	up := random(r, 64, 2)
	highest := highestOf(x)
	for _, scale := range []float32{highest, 30} {
		below := append([]float32(nil), x...)
		for i, v := range below {
			below[i] = min(v, scale)
		}
		terms := append([]float32(nil), below...)
		sum := exponentialsPortable(terms, scale)
		zeroth, first, second := momentsPortable(below, scale)
		for _, f := range forms[1:] {
			got := append([]float32(nil), below...)
			if s := f.exponentials(got, scale); s != sum {
				t.Errorf("%s: the exponentials' sum is %g, want %g", f.name, s, sum)
			}
			sameBits(t, f.name+": exponentials", got, terms)
			if a, b, c := f.moments(below, scale); a != zeroth || b != first || c != second {
				t.Errorf("%s: moments %g %g %g, want %g %g %g", f.name, a, b, c, zeroth, first, second)
			}
		}
	}
	want := append([]float32(nil), x...)
	want[9] = 0 // a gate is finite
	gates := append([]float32(nil), want...)
	swigluPortable(want, up)
	for _, f := range forms[1:] {
		got := append([]float32(nil), gates...)
		f.swiglu(got, up)
		sameBits(t, f.name+": swiglu", got, want)
	}
}

// The functions are those that package math computes, to the last bits but one.
func TestFunctions(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	var exp, log, sine float64
	for range 100000 {
		x := r.Float64()*1416 - 708
		exp = max(exp, math.Abs(Exp(x)/math.Exp(x)-1))
		x = 1 + r.ExpFloat64()*1000
		log = max(log, math.Abs(logarithm(x)-math.Log(x))/math.Log(x))
		x = r.Float64() * 8192
		s, c := sineCosine(x)
		sine = max(sine, math.Abs(s-math.Sin(x)), math.Abs(c-math.Cos(x)))
	}
	t.Logf("largest differences: exponential %.2g, logarithm %.2g, sine %.2g", exp, log, sine)
	if exp > 6e-16 || log > 6e-16 || sine > 6e-16 {
		t.Error("the functions are not exact enough")
	}
	for x, want := range map[float64]float64{0: 1, -1e9: Exp(-708), 1e9: Exp(708)} {
		if got := Exp(x); got != want {
			t.Errorf("Exp(%g) is %g, want %g", x, got, want)
		}
	}
	if logarithm(1) != 0 {
		t.Errorf("the logarithm of 1 is %g", logarithm(1))
	}
}

// BenchmarkMultiply multiplies three rows of 192 inputs with a panel, both in the innermost cache.
func BenchmarkMultiply(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	const inputs = 192
	x, w, dst := random(r, inputs*tile, 1), random(r, inputs*panel, 1), make([]float32, tile*panel)
	for _, f := range forms {
		b.Run(f.name, func(b *testing.B) {
			b.SetBytes(4 * inputs * panel)
			for b.Loop() {
				f.multiply(dst, panel, x, w, tile, false)
			}
			b.ReportMetric(2*inputs*panel*tile*float64(b.N)/float64(b.Elapsed().Nanoseconds()), "GFLOPS")
		})
	}
}

// BenchmarkMoments takes the moments of 2,048 logits.
func BenchmarkMoments(b *testing.B) {
	x := random(rand.New(rand.NewPCG(1, 2)), 2048, 4)
	highest := highestOf(x)
	for _, f := range forms {
		b.Run(f.name, func(b *testing.B) {
			b.SetBytes(4 * int64(len(x)))
			for b.Loop() {
				f.moments(x, highest)
			}
		})
	}
}
