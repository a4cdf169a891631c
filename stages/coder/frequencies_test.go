package coder

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// Every symbol has its share, shares touch, and find is the inverse of interval.
func TestShares(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		spread := rapid.SampledFrom([]float64{0, 1, 20, 1e308}).Draw(t, "spread")
		logits := rapid.SliceOfN(rapid.Map(rapid.Float64Range(-1, 1), func(v float64) float64 { return v * spread }), 1, 50).Draw(t, "logits")
		if rapid.Bool().Draw(t, "impossible") {
			logits = append(logits, math.Inf(-1))
		}
		var f frequencies
		if err := f.set(logits, len(logits)); err != nil {
			t.Fatal(err)
		}
		at := uint64(0)
		for symbol := range len(logits) + 1 {
			s := f.interval(symbol)
			if s.from != at || s.to <= s.from {
				t.Fatalf("symbol %d has [%d, %d) after %d", symbol, s.from, s.to, at)
			}
			for _, n := range []uint64{s.from, (s.from + s.to) / 2, s.to - 1} {
				if got, part := f.find(n); got != symbol || part != s {
					t.Fatalf("%d in %v of symbol %d is found as %d, %v", n, s, symbol, got, part)
				}
			}
			at = s.to
		}
		if at > total || at < total-uint64(len(logits))-2 {
			t.Fatalf("the shares add up to %d of %d", at, total)
		}
		if _, part := f.find(at); part != (share{}) {
			t.Fatalf("a number above all shares was found in %v", part)
		}
	})
}

// The frequencies are the same on every processor and in every version: files depend on them.
func TestFrequenciesStay(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	h := sha256.New()
	for range 20 {
		logits := make([]float64, 3000)
		for i := range logits {
			logits[i] = float64(r.IntN(1<<20)-1<<19) / (1 << 14)
		}
		var f frequencies
		if err := f.set(logits, len(logits)); err != nil {
			t.Fatal(err)
		}
		for symbol := range logits {
			if err := binary.Write(h, binary.LittleEndian, f.interval(symbol).to); err != nil {
				t.Fatal(err)
			}
		}
	}
	const want = "0fccd2bc7b767e88bee451dc092aa0af21c1440b7fd5163474844c674dec25af"
	if got := hex.EncodeToString(h.Sum(nil)); got != want {
		t.Errorf("the frequencies have digest %s, not %s: files of version %d no longer decode, so the version must change", got, want, version)
	}
}

// Shares at the edges force carries through long runs of bytes. The code's interval is kept exactly beside, as an oracle.
func TestArithmetic(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		edge := rapid.OneOf(rapid.Uint64Range(0, 3), rapid.Uint64Range(total-4, total-1), rapid.Uint64Range(0, total-1))
		shares := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) share {
			from := edge.Draw(t, "from")
			return share{from, from + 1 + rapid.OneOf(rapid.Uint64Range(0, 2), rapid.Uint64Range(0, total)).Draw(t, "more")%(total-from)}
		}), 0, 60).Draw(t, "shares")
		var e encoder
		e.init()
		low, shift := new(big.Int), uint(0) // the lower end, to that many bits after the 64 of the first interval
		for _, s := range shares {
			low.Add(low, new(big.Int).SetUint64(scale(e.width, s.from)))
			before := len(e.out)
			e.encode(s)
			moved := uint(8 * (len(e.out) - before))
			low.Lsh(low, moved)
			shift += moved
		}
		width := e.width
		code := new(big.Int).SetBytes(e.finish())
		if bits := 64 + int(shift) - 8*len(e.out); bits >= 0 {
			code.Lsh(code, uint(bits))
		} else {
			t.Fatalf("%d bytes for an interval of %d bits", len(e.out), 64+shift)
		}
		if over := code.Sub(code, low); over.Sign() < 0 || over.Cmp(new(big.Int).SetUint64(width)) >= 0 {
			t.Fatalf("the code lies %v from an interval of %d", over, width)
		}
		var d decoder
		d.init(e.out)
		for i, s := range shares {
			if v := d.value(); v < s.from || v >= s.to {
				t.Fatalf("symbol %d of share %v is read as %d", i, s, v)
			}
			d.take(s)
		}
		if d.ranOut() {
			t.Fatal("the decoder ran out of bytes")
		}
	})
}

func BenchmarkSet(b *testing.B) {
	for _, vocabulary := range []int{2048, 49152, 200_000} {
		r := rand.New(rand.NewPCG(1, 1))
		logits := make([]float64, vocabulary)
		for i := range logits {
			logits[i] = r.NormFloat64() * 4
		}
		b.Run(big.NewInt(int64(vocabulary)).String(), func(b *testing.B) {
			var f frequencies
			b.SetBytes(int64(8 * vocabulary))
			b.ReportAllocs()
			for b.Loop() {
				if err := f.set(logits, vocabulary); err != nil {
					b.Fatal(err)
				}
				f.interval(vocabulary - 1)
			}
		})
	}
}
