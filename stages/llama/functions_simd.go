//go:build goexperiment.simd && amd64

package llama

import "simd/archsimd"

// exp512 is Exp of eight numbers that lie within its bounds, with the same operations in the same order.
func exp512(x archsimd.Float64x8) archsimd.Float64x8 {
	r0 := archsimd.BroadcastFloat64x8(rounding)
	t := x.Mul(archsimd.BroadcastFloat64x8(log2e)).Add(r0)
	n := t.Sub(r0)
	r := x.Sub(n.Mul(archsimd.BroadcastFloat64x8(ln2High))).Sub(n.Mul(archsimd.BroadcastFloat64x8(ln2Low)))
	p := archsimd.BroadcastFloat64x8(taylor[0])
	for i := 1; i < len(taylor); i++ {
		p = p.Mul(r).Add(archsimd.BroadcastFloat64x8(taylor[i]))
	}
	return p.AsInt64x8().Add(t.AsInt64x8().ShiftAllLeft(52)).AsFloat64x8()
}

func exponentials512(x []float32, highest float32) float64 {
	var sums archsimd.Float64x8
	top, least := archsimd.BroadcastFloat64x8(float64(highest)), archsimd.BroadcastFloat64x8(-steepest)
	for ; len(x) >= lanes; x = x[lanes:] {
		to := (*[8]float32)(x)
		e := exp512(archsimd.LoadFloat32x8(to).ConvertToFloat64().Sub(top).Max(least))
		sums = sums.Add(e)
		e.ConvertToFloat32().Store(to)
	}
	var s [lanes]float64
	sums.Store(&s)
	archsimd.ClearAVXUpperBits()
	return addLanes(&s)
}

func moments512(x []float32, highest float32) (zeroth, first, second float64) {
	var sums, firsts, seconds archsimd.Float64x8
	top, least := archsimd.BroadcastFloat64x8(float64(highest)), archsimd.BroadcastFloat64x8(-steepest)
	for ; len(x) >= lanes; x = x[lanes:] {
		y := archsimd.LoadFloat32x8((*[8]float32)(x)).ConvertToFloat64().Sub(top).Max(least)
		e := exp512(y)
		ey := e.Mul(y)
		sums, firsts, seconds = sums.Add(e), firsts.Add(ey), seconds.Add(ey.Mul(y))
	}
	var s, f, q [lanes]float64
	sums.Store(&s)
	firsts.Store(&f)
	seconds.Store(&q)
	archsimd.ClearAVXUpperBits()
	return addLanes(&s), addLanes(&f), addLanes(&q)
}

func swiglu512(gate, up []float32) {
	one, zero := archsimd.BroadcastFloat64x8(1), archsimd.Float64x8{}
	least, most := archsimd.BroadcastFloat64x8(-steepest), archsimd.BroadcastFloat64x8(steepest)
	for ; len(gate) >= lanes && len(up) >= lanes; gate, up = gate[lanes:], up[lanes:] {
		to := (*[8]float32)(gate)
		v := archsimd.LoadFloat32x8(to).ConvertToFloat64()
		e := exp512(zero.Sub(v).Max(least).Min(most))
		v.Div(one.Add(e)).ConvertToFloat32().Mul(archsimd.LoadFloat32x8((*[8]float32)(up))).Store(to)
	}
	archsimd.ClearAVXUpperBits()
}

// exp256 is exp512 of four numbers.
func exp256(x archsimd.Float64x4) archsimd.Float64x4 {
	r0 := archsimd.BroadcastFloat64x4(rounding)
	t := x.Mul(archsimd.BroadcastFloat64x4(log2e)).Add(r0)
	n := t.Sub(r0)
	r := x.Sub(n.Mul(archsimd.BroadcastFloat64x4(ln2High))).Sub(n.Mul(archsimd.BroadcastFloat64x4(ln2Low)))
	p := archsimd.BroadcastFloat64x4(taylor[0])
	for i := 1; i < len(taylor); i++ {
		p = p.Mul(r).Add(archsimd.BroadcastFloat64x4(taylor[i]))
	}
	return p.AsInt64x4().Add(t.AsInt64x4().ShiftAllLeft(52)).AsFloat64x4()
}

func exponentials256(x []float32, highest float32) float64 {
	var low, high archsimd.Float64x4
	top, least := archsimd.BroadcastFloat64x4(float64(highest)), archsimd.BroadcastFloat64x4(-steepest)
	for ; len(x) >= lanes; x = x[lanes:] {
		to, more := (*[4]float32)(x), (*[4]float32)(x[4:])
		e := exp256(archsimd.LoadFloat32x4(to).ConvertToFloat64().Sub(top).Max(least))
		low = low.Add(e)
		e.ConvertToFloat32().Store(to)
		e = exp256(archsimd.LoadFloat32x4(more).ConvertToFloat64().Sub(top).Max(least))
		high = high.Add(e)
		e.ConvertToFloat32().Store(more)
	}
	var s [lanes]float64
	low.Store((*[4]float64)(s[:]))
	high.Store((*[4]float64)(s[4:]))
	archsimd.ClearAVXUpperBits()
	return addLanes(&s)
}

func moments256(x []float32, highest float32) (zeroth, first, second float64) {
	var sums, firsts, seconds [2]archsimd.Float64x4
	top, least := archsimd.BroadcastFloat64x4(float64(highest)), archsimd.BroadcastFloat64x4(-steepest)
	for ; len(x) >= lanes; x = x[lanes:] {
		for h := range 2 {
			y := archsimd.LoadFloat32x4((*[4]float32)(x[4*h:])).ConvertToFloat64().Sub(top).Max(least)
			e := exp256(y)
			ey := e.Mul(y)
			sums[h], firsts[h], seconds[h] = sums[h].Add(e), firsts[h].Add(ey), seconds[h].Add(ey.Mul(y))
		}
	}
	var s, f, q [lanes]float64
	for h := range 2 {
		sums[h].Store((*[4]float64)(s[4*h:]))
		firsts[h].Store((*[4]float64)(f[4*h:]))
		seconds[h].Store((*[4]float64)(q[4*h:]))
	}
	archsimd.ClearAVXUpperBits()
	return addLanes(&s), addLanes(&f), addLanes(&q)
}

func swiglu256(gate, up []float32) {
	one, zero := archsimd.BroadcastFloat64x4(1), archsimd.Float64x4{}
	least, most := archsimd.BroadcastFloat64x4(-steepest), archsimd.BroadcastFloat64x4(steepest)
	for ; len(gate) >= 4 && len(up) >= 4; gate, up = gate[4:], up[4:] {
		to := (*[4]float32)(gate)
		v := archsimd.LoadFloat32x4(to).ConvertToFloat64()
		e := exp256(zero.Sub(v).Max(least).Min(most))
		v.Div(one.Add(e)).ConvertToFloat32().Mul(archsimd.LoadFloat32x4((*[4]float32)(up))).Store(to)
	}
	archsimd.ClearAVXUpperBits()
}
