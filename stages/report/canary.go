package report

import (
	"cmp"
	"context"
	"maps"
	"math"
	"slices"
	"strings"

	"palimpsest/schemas"
	"palimpsest/stages/evidence"
)

// canaries says where the canaries stand, by target model, by their null and by whether the corpus holds them.
type canaries map[canaryKey]*canaryRanks

type canaryKey struct {
	model, null string // null is empty for found sentences
	planted     string // yes, no, or none where it is not known
}

// canaryRanks are the ranks of some canaries. A rank of 1 is the likeliest.
type canaryRanks struct {
	count              int64
	ranked, first      int64 // among controls
	tested, elevated   int64 // with a p-value, and one of at most evidence.ElevatedP
	permuted, unbeaten int64 // among the orders of their own words
	exposure           []float64
	most               float64 // the greatest exposure that the controls allow
}

func (c *canaries) read(ctx context.Context, in Input) error {
	*c = canaries{}
	return readAll(ctx, in, schemas.Canaries, func(r *schemas.Canary) {
		k := canaryKey{model: r.Model, planted: none}
		if r.CanaryNull != nil {
			k.null = *r.CanaryNull
		}
		if r.ExactDocuments != nil {
			k.planted = pick(min(*r.ExactDocuments, 1), "yes", "no")
		}
		x := (*c)[k]
		if x == nil {
			x = &canaryRanks{}
			k.model, k.null = strings.Clone(k.model), strings.Clone(k.null)
			(*c)[k] = x
		}
		x.count++
		if r.ControlRank != nil {
			x.ranked++
			x.first += ones(*r.ControlRank == 1)
		}
		if r.PermutationRank != nil {
			x.permuted++
			x.unbeaten += ones(*r.PermutationRank == 1)
		}
		if r.PValue == nil {
			return
		}
		x.exposure = appendSome(x.exposure, r.Exposure)
		if x.most = max(x.most, math.Log2(float64(r.Controls+1))); 1/float64(r.Controls+1) <= evidence.ElevatedP {
			x.tested++
			x.elevated += ones(*r.PValue <= evidence.ElevatedP)
		}
	})
}

// ones counts what holds.
func ones(holds bool) int64 {
	if holds {
		return 1
	}
	return 0
}

func (c canaries) write(p *page, several bool) {
	if len(c) == 0 {
		return
	}
	columns := []column{
		{name: "null", left: true}, {name: "model", left: true}, {name: "planted", left: true}, {name: "canaries"},
		{over: "among controls", name: "likeliest"}, {over: "among controls", name: "p <= .01", spare: 1},
		{over: "among controls", name: "exposure", left: true, spare: 2},
		{name: "beats its own words", left: true, spare: 1},
	}
	keys := slices.SortedFunc(maps.Keys(c), func(a, b canaryKey) int {
		return cmp.Or(strings.Compare(a.null, b.null), strings.Compare(a.model, b.model), -strings.Compare(a.planted, b.planted))
	})
	var rows [][]string
	for i, k := range keys {
		x := c[k]
		name, model := cmp.Or(plain(k.null), "found"), quoted(k.model, 16)
		if i > 0 && keys[i-1].null == k.null {
			name = ""
			if keys[i-1].model == k.model {
				model = ""
			}
		}
		row := []string{name, model, k.planted, thousands(x.count), of(x.first, x.ranked), of(x.elevated, x.tested), none, none}
		if m, ok := median(x.exposure); ok {
			row[6] = fixed(m, 1) + " of " + fixed(x.most, 1)
		}
		if x.permuted > 0 {
			row[7] = thousands(x.unbeaten) + ": " + share(x.unbeaten, x.permuted)
		}
		rows = append(rows, row)
	}
	if !several {
		columns, rows = without(columns, rows, 1)
	}
	p.heading("Canaries: sentences ranked by their probability")
	shown, _ := p.table(columns, rows)
	legend := "planted: the corpus holds it."
	if slices.Contains(shown, "exposure") {
		legend += " exposure: median, in bits, of the most that the controls allow."
	}
	if slices.Contains(shown, "beats its own words") {
		legend += " beats its own words: likelier than any other order of them that was tried; so is a sentence it never saw."
	}
	p.wrapped("  ", legend)
}

// of writes k of n.
func of(k, n int64) string {
	if n == 0 {
		return none
	}
	return thousands(k) + "/" + thousands(n)
}
