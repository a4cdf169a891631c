package report

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"palimpsest/schemas"
)

// tunings sums up what tuning changed, by tuned model and its base.
type tunings map[tuningKey]*tuned

type tuningKey struct{ model, base string }

type tuned struct {
	probes    int64
	compared  int64 // scored by both models over the same bytes
	likelier  int64
	saved     []float64 // bits per byte
	regraded  map[[2]string]int64
	unchanged int64
}

func (x *tunings) read(ctx context.Context, in Input) error {
	*x = tunings{}
	return readAll(ctx, in, schemas.Tunings, func(r *schemas.Tuning) {
		k := tuningKey{r.Model, r.BaseModel}
		t := (*x)[k]
		if t == nil {
			t = &tuned{regraded: map[[2]string]int64{}}
			k.model, k.base = strings.Clone(k.model), strings.Clone(k.base)
			(*x)[k] = t
		}
		t.probes++
		if r.LogProbDelta != nil {
			t.compared++
			t.likelier += ones(*r.LogProbDelta > 0)
		}
		t.saved = appendSome(t.saved, r.BitsPerByteDelta)
		if r.BaseModelGrade == r.ModelGrade {
			t.unchanged++
		} else {
			t.regraded[[2]string{strings.Clone(r.BaseModelGrade), strings.Clone(r.ModelGrade)}]++
		}
	})
}

func (x tunings) write(p *page) {
	if len(x) == 0 {
		return
	}
	p.heading("What tuning changed")
	for _, k := range slices.SortedFunc(maps.Keys(x), func(a, b tuningKey) int {
		return cmp.Or(strings.Compare(a.model, b.model), strings.Compare(a.base, b.base))
	}) {
		t := x[k]
		p.line("  %s, tuned from %s", plain(k.model), plain(k.base))
		line := "    likelier after it    " + thousands(t.likelier) + " of " + count(t.compared, "probe") + ": " + share(t.likelier, t.compared)
		if m, ok := median(t.saved); ok {
			line += "; median " + signed(m) + " bits/byte saved"
		}
		p.line("%s", line)
		pairs := slices.SortedFunc(maps.Keys(t.regraded), func(a, b [2]string) int {
			return cmp.Or(cmp.Compare(t.regraded[b], t.regraded[a]), cmp.Compare(a[0], b[0]), cmp.Compare(a[1], b[1]))
		})
		var parts []string
		for _, g := range pairs {
			parts = append(parts, plain(g[0])+" -> "+plain(g[1])+" "+thousands(t.regraded[g]))
		}
		parts = append(parts, "as before "+thousands(t.unchanged))
		p.wrapped("    ", "grades of the model: "+strings.Join(parts, ", "))
	}
}

// signed writes a number with its sign.
func signed(v float64) string {
	if v < 0 {
		return fixed(v, 2)
	}
	return "+" + fixed(v, 2)
}
