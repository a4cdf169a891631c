package evidence

import (
	"math"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func close(a, b, tolerance float64) bool { return math.Abs(a-b) <= tolerance }

func TestClopperPearson(t *testing.T) {
	for _, c := range []struct {
		k, n      int64
		low, high float64
	}{
		{0, 1000, 0, .00368208}, {5, 1000, .00162542, .0116295}, // methods.md, section 7
		{1000, 1000, 1 - .00368208, 1}, {0, 0, 0, 1}, {1, 1, .025, 1}, {0, 1, 0, .975},
	} {
		low, high := ClopperPearson(c.k, c.n)
		if !close(low, c.low, 1e-6*max(c.low, 1e-2)) || !close(high, c.high, 1e-6*max(c.high, 1e-1)) {
			t.Errorf("%d/%d: [%v, %v], want [%v, %v]", c.k, c.n, low, high, c.low, c.high)
		}
	}
}

// The ends are where the binomial's tails hold 2.5 %.
func TestClopperPearsonTails(t *testing.T) {
	atLeast := func(k, n int64, p float64) float64 {
		sum := 0.0
		for i := k; i <= n; i++ {
			c := 1.0
			for j := range i {
				c *= float64(n-j) / float64(j+1)
			}
			sum += c * math.Pow(p, float64(i)) * math.Pow(1-p, float64(n-i))
		}
		return sum
	}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.Int64Range(1, 30).Draw(t, "n")
		k := rapid.Int64Range(0, n).Draw(t, "k")
		low, high := ClopperPearson(k, n)
		if k > 0 && !close(atLeast(k, n, low), .025, 1e-9) {
			t.Fatalf("%d/%d: P(X >= k) at %v is %v", k, n, low, atLeast(k, n, low))
		}
		if k < n && !close(1-atLeast(k+1, n, high), .025, 1e-9) {
			t.Fatalf("%d/%d: P(X <= k) at %v is %v", k, n, high, 1-atLeast(k+1, n, high))
		}
	})
}

func TestBenjaminiHochberg(t *testing.T) {
	p := []float64{.001, .008, .039, .041, .042, .06, .074, .205, .212, .216} // methods.md, section 7
	want := []float64{.01, .04, .084, .084, .084, .1, .105714, .216, .216, .216}
	for i, q := range BenjaminiHochberg(p) {
		if !close(q, want[i], 1e-6) {
			t.Errorf("q of %v = %v, want %v", p[i], q, want[i])
		}
	}
	if q := BenjaminiHochberg(nil); len(q) != 0 {
		t.Errorf("got %v", q)
	}
}

// q is the least m p' / #{p <= p'} over the p-values p' that are at least p, at most 1.
func TestBenjaminiHochbergOracle(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.SliceOfN(rapid.SampledFrom([]float64{.001, .01, .02, .05, .2, .7, 1}), 1, 30).Draw(t, "p")
		q := BenjaminiHochberg(p)
		for i := range p {
			want := 1.0
			for _, v := range p {
				n := 0
				for _, u := range p {
					if u <= v {
						n++
					}
				}
				if v >= p[i] {
					want = min(want, v*float64(len(p))/float64(n))
				}
			}
			if !close(q[i], want, 1e-15) {
				t.Fatalf("q of %v among %v = %v, want %v", p[i], p, q[i], want)
			}
		}
	})
}

func TestNeededToReach(t *testing.T) {
	for _, c := range []struct {
		n, m, want int64
		ok         bool
	}{
		{1000, 100_000, 1999, true}, // methods.md, section 7
		{19, 1, 1, true}, {18, 1, 0, false}, {18, 1000, 0, false}, {19, 1000, 1000, true}, {400, 40, 2, true}, {0, 5, 0,
			false}, {9, 0, 0, false},
	} {
		got, ok := NeededToReach(.05, c.n, c.m)
		if got != c.want || ok != c.ok {
			t.Errorf("%d controls, %d tests: %d, %v; want %d, %v", c.n, c.m, got, ok, c.want, c.ok)
		}
		if !ok {
			continue
		}
		p := make([]float64, c.m) // so many at the least p, the rest at 1
		for i := range p {
			p[i] = 1
			if int64(i) < got {
				p[i] = 1 / float64(c.n+1)
			}
		}
		if q := BenjaminiHochberg(p); q[0] > .05 {
			t.Errorf("%d controls, %d tests: q = %v with %d", c.n, c.m, q[0], got)
		}
	}
}

func TestNewcombe(t *testing.T) {
	low, high := newcombe(1, 40, 400) // methods.md, section 7
	if !close(low, .973, 5e-4) || high != 1 {
		t.Errorf("40 against 400 at AUROC 1: [%v, %v], want [.973, 1]", low, high)
	}
	low, high = newcombe(0, 40, 400)
	if low != 0 || !close(high, .027, 5e-4) {
		t.Errorf("40 against 400 at AUROC 0: [%v, %v]", low, high)
	}
	rapid.Check(t, func(t *rapid.T) {
		a := rapid.Float64Range(0, 1).Draw(t, "auroc")
		m, n := rapid.IntRange(1, 500).Draw(t, "m"), rapid.IntRange(1, 500).Draw(t, "n")
		low, high := newcombe(a, m, n)
		if !(0 <= low && low <= a && a <= high && high <= 1) {
			t.Fatalf("[%v, %v] around %v", low, high, a)
		}
		mirrorLow, mirrorHigh := newcombe(1-a, m, n)
		if !close(mirrorLow, 1-high, 1e-9) || !close(mirrorHigh, 1-low, 1e-9) {
			t.Fatalf("[%v, %v] around %v, but [%v, %v] around its complement", low, high, a, mirrorLow, mirrorHigh)
		}
	})
}

// AUROC and TPR against the plainest reading of their definitions, with many ties.
func TestAUROCAndTPR(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.Map(rapid.IntRange(-6, 6), func(i int) float64 { return float64(i) })
		positives := rapid.SliceOfN(value, 1, 40).Draw(t, "positives")
		negatives := rapid.SliceOfN(value, 1, 150).Draw(t, "negatives")
		slices.Sort(positives)
		slices.Sort(negatives)
		sum := 0.0
		for _, p := range positives {
			for _, n := range negatives {
				switch {
				case p > n:
					sum++
				case p == n:
					sum += .5
				}
			}
		}
		want := sum / float64(len(positives)) / float64(len(negatives))
		if got := auroc(positives, negatives); !close(got, want, 1e-12) {
			t.Fatalf("auroc %v, want %v", got, want)
		}
		for _, n := range []int{20, 100} {
			got, ok := tprAt(n, positives, negatives)
			if ok != (len(negatives) >= n) {
				t.Fatalf("%d negatives at 1/%d: %v", len(negatives), n, ok)
			}
			if !ok {
				continue
			}
			from := slices.Clone(negatives)
			slices.Reverse(from)
			threshold := from[len(negatives)/n]
			above := 0
			for _, p := range positives {
				if p > threshold {
					above++
				}
			}
			if got != float64(above)/float64(len(positives)) {
				t.Fatalf("tpr %v, want %d of %d", got, above, len(positives))
			}
		}
	})
}

func TestPublicDomain(t *testing.T) {
	for license, want := range map[string]bool{
		"public-domain": true, "Public Domain": true, "publicdomain": true, "PD": true, "CC0-1.0": true, "cc0": true, "CC-0": true,
		"CC0 1.0 Universal": true, "CC0-1.0/US-Gov-PD": true, "PDDL-1.0": true, "ODC-PDDL-1.0": true, "PDDL-1.0/CC0-1.0": true,
		"US-PD": true, "US-Gov-PD": true, "Public Domain Mark 1.0": true, "PDM-1.0": true, "LicenseRef-public-domain": true,
		"https://creativecommons.org/publicdomain/zero/1.0/": true, "Public domain in the USA.": true,
		"CC0-1.0 OR MIT": true, "(MIT OR CC0-1.0)": true, "CC0-1.0 AND PDDL-1.0": true, "US government work": true,
		"": false, "MIT": false, "CC-BY-4.0": false, "CC0-1.0 AND MIT": false, "not public domain": false,
		"NOASSERTION": false, "NONE": false,
		"public-domain/MIT": false, "MIT AND (BSD-3-Clause OR CC0-1.0)": false, "PSF-2.0": false, "PostgreSQL": false, "unknown": false,
		"MIT, CC0-1.0": false, "/": false, "proprietary": false, "CC0-1.0 WITH exception": false, "()": false, "((": false,
	} {
		if got := IsPublicDomain(license); got != want {
			t.Errorf("%q: %v, want %v", license, got, want)
		}
	}
}

func TestDistinctiveness(t *testing.T) {
	pd, mit := "public-domain", "MIT"
	sources := func(license *string, digests ...string) []Source {
		var out []Source
		for _, d := range digests {
			out = append(out, Source{license, d})
		}
		return out
	}
	for name, c := range map[string]struct {
		span    Span
		sources []Source
		want    string
	}{
		"plain":                                  {Span{MaxWordMatches: 1, Documents: 1}, sources(&mit, "a"), Distinctive},
		"ten matches":                            {Span{MaxWordMatches: 10, Documents: 10}, sources(&mit, "a", "b"), Distinctive},
		"eleven unrelated":                       {Span{MaxWordMatches: 11, Documents: 11, Quoted: true}, sources(&pd, "a", "b"), Common},
		"copies of one text":                     {Span{MaxWordMatches: 64, Documents: 64}, sources(&mit, "a", "a"), Distinctive},
		"copies and ten matches elsewhere":       {Span{MaxWordMatches: 74, Documents: 64, Occurrences: 64}, sources(&mit, "a", "a"), Distinctive},
		"copies and eleven elsewhere":            {Span{MaxWordMatches: 75, Documents: 64, Occurrences: 64}, sources(&mit, "a", "a"), Common},
		"copies that each hold it twice":         {Span{MaxWordMatches: 128, Documents: 64, Occurrences: 128}, sources(&mit, "a", "a", "a"), Distinctive},
		"one document that holds it often":       {Span{MaxWordMatches: 40, Documents: 1, Occurrences: 40}, sources(&mit, "a"), Distinctive},
		"one document without words":             {Span{MaxWordMatches: 11, Documents: 1, Occurrences: 11}, sources(&mit, ""), Distinctive},
		"one source of many documents":           {Span{MaxWordMatches: 64, Documents: 64, Occurrences: 64}, sources(&mit, "a"), Common},
		"unrelated, few documents, many matches": {Span{MaxWordMatches: 40, Documents: 2, Occurrences: 40}, sources(&mit, "a", "b"), Common},
		"boilerplate and one chance word":        {Span{MaxWordMatches: 500, Documents: 1}, sources(&mit, "a"), Common},
		"unknown digests are unrelated":          {Span{MaxWordMatches: 11, Documents: 11}, sources(&mit, "", ""), Common},
		"nothing listed":                         {Span{MaxWordMatches: 11, Documents: 11}, nil, Common},
		"public domain, quoted":                  {Span{MaxWordMatches: 2, Documents: 2, Quoted: true}, sources(&pd, "a", "b"), PublicDomain},
		"one source without a licence":           {Span{MaxWordMatches: 2, Documents: 2}, []Source{{&pd, "a"}, {nil, "b"}}, Distinctive},
		"one source under another licence":       {Span{MaxWordMatches: 2, Documents: 2, Quoted: true}, []Source{{&pd, "a"}, {&mit, "b"}}, Quotation},
	} {
		c.span.Sampled(c.sources)
		if got := c.span.distinctiveness(); *got != c.want {
			t.Errorf("%s: %s, want %s", name, *got, c.want)
		}
	}
	if (*Span)(nil).distinctiveness() != nil {
		t.Error("no span, yet a distinctiveness")
	}
}
