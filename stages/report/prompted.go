package report

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"palimpsest/schemas"
)

// prompted sums up what the target models wrote when they were given the beginnings of works.
type prompted map[promptedKey]*attempts

type promptedKey struct{ model, sampling string }

// attempts counts continuations. Those of one work are not independent of each other.
type attempts struct {
	count, extracted   int64
	works, worksPassed int64 // that were begun, and of which an attempt was extracted
	longest            int64 // tokens of a work that one begins with
	longestID          string

	byWork map[string]bool // whether an attempt at it was extracted
}

func (x *prompted) read(ctx context.Context, in Input) error {
	*x = prompted{}
	err := readAll(ctx, in, schemas.Generations, func(r *schemas.Generation) {
		k := promptedKey{r.Model, r.Sampling}
		a := (*x)[k]
		if a == nil {
			a = &attempts{byWork: map[string]bool{}}
			k.model, k.sampling = strings.Clone(k.model), strings.Clone(k.sampling)
			(*x)[k] = a
		}
		if r.Extracted == nil { // the server gave text alone: what the corpus holds of it stands with the other generations
			return
		}
		a.count++
		a.extracted += ones(*r.Extracted)
		if *r.SameTokens > a.longest {
			a.longest, a.longestID = *r.SameTokens, strings.Clone(r.WorkID)
		}
		if passed, ok := a.byWork[r.WorkID]; !ok || *r.Extracted && !passed {
			a.byWork[strings.Clone(r.WorkID)] = *r.Extracted
		}
	})
	for _, a := range *x {
		a.works = int64(len(a.byWork))
		for _, passed := range a.byWork {
			a.worksPassed += ones(passed)
		}
		a.byWork = nil
	}
	return err
}

func (x prompted) write(p *page, several bool) {
	if len(x) == 0 {
		return
	}
	columns := []column{
		{name: "model", left: true}, {name: "sampling", left: true}, {over: "extracted", name: "works", left: true},
		{over: "extracted", name: "attempts", left: true, spare: 1}, {over: "longest", name: "tokens"},
		{over: "longest", name: "of", left: true, spare: 2},
	}
	var rows [][]string
	for _, k := range slices.SortedFunc(maps.Keys(x), func(a, b promptedKey) int {
		return cmp.Or(strings.Compare(a.model, b.model), strings.Compare(a.sampling, b.sampling))
	}) {
		a := x[k]
		longest := none
		if a.longest > 0 {
			longest = quoted(a.longestID, 20)
		}
		rows = append(rows, []string{quoted(k.model, 16), plain(k.sampling),
			thousands(a.worksPassed) + " of " + thousands(a.works) + ": " + share(a.worksPassed, a.works),
			thousands(a.extracted) + " of " + count(a.count, "attempt") + ": " + share(a.extracted, a.count), thousands(a.longest), longest})
	}
	if !several {
		columns, rows = without(columns, rows, 0)
	}
	p.heading("What the model wrote when it was given the beginning of a work")
	p.table(columns, rows)
	p.wrapped("  ", "extracted: all tokens asked for are the work's own; 95 % interval, of which that over works is the one to cite: "+
		"attempts at one work are not independent. longest: tokens that an attempt begins with and the work goes on with.")
}
