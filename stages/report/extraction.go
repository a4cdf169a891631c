package report

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"

	"palimpsest/schemas"
)

// extraction sums up how much of the works each target model gives back with at least some probability.
type extraction map[extractionKey]*extracted

type extractionKey struct {
	model    string
	permille int64 // the least probability, in thousandths
}

// extracted counts works, and windows over all of them.
type extracted struct {
	works, some       int64 // with a tested window; with one that is given back
	tested, windows   int64
	topK              int64
	greedy, greedyOne int64     // windows, and works with one
	coverage          []float64 // of the works where it is known
}

func (x *extraction) read(ctx context.Context, in Input) error {
	*x = extraction{}
	return readAll(ctx, in, schemas.Extractions, func(r *schemas.Extraction) {
		if r.Tested == 0 {
			return
		}
		k := extractionKey{r.Model, r.TauPermille}
		e := (*x)[k]
		if e == nil {
			e = &extracted{}
			k.model = strings.Clone(k.model)
			(*x)[k] = e
		}
		e.works++
		e.some += ones(r.Extracted > 0)
		e.tested += r.Tested
		e.windows += r.Extracted
		e.topK += r.ExtractedTopK
		e.greedy += r.Greedy
		e.greedyOne += ones(r.Greedy > 0)
		e.coverage = appendSome(e.coverage, r.Coverage)
	})
}

func (x extraction) write(p *page, several bool) {
	if len(x) == 0 {
		return
	}
	columns := []column{
		{name: "model", left: true}, {name: "p_z at least"}, {name: "works", left: true}, {over: "windows", name: "tested"},
		{over: "windows", name: "extracted"}, {over: "windows", name: "top-k", spare: 2}, {name: "covered", spare: 1},
	}
	keys := slices.SortedFunc(maps.Keys(x), func(a, b extractionKey) int {
		return cmp.Or(strings.Compare(a.model, b.model), cmp.Compare(a.permille, b.permille))
	})
	var rows [][]string
	var greedy []string
	for i, k := range keys {
		e := x[k]
		model := ""
		if i == 0 || keys[i-1].model != k.model {
			model = quoted(k.model, 16)
			of := thousands(e.greedy) + " of " + count(e.works, "work")
			if e.greedy > 0 {
				of = thousands(e.greedy) + " in " + count(e.greedyOne, "work")
			}
			if several {
				of += " under " + plain(k.model)
			}
			greedy = append(greedy, of)
		}
		covered := none
		if n := len(e.coverage); n > 0 {
			sum := 0.
			for _, v := range e.coverage {
				sum += v
			}
			covered = percent(sum / float64(n))
		}
		tau := strconv.FormatFloat(float64(k.permille)/1000, 'g', -1, 64)
		rows = append(rows, []string{model, tau, thousands(e.some) + ": " + share(e.some, e.works),
			thousands(e.tested), thousands(e.windows), thousands(e.topK), covered})
	}
	if !several {
		columns, rows = without(columns, rows, 0)
	}
	p.heading("Extraction: parts of the works that the model goes on with, given what comes before")
	p.table(columns, rows)
	p.wrapped("  ", "p_z: probability of a window's suffix after its prefix. works: with such a window, 95 % interval. covered: mean "+
		"share of a work's characters. Greedy windows, whatever their p_z: "+strings.Join(greedy, "; ")+".")
}
