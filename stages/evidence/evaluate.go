package evidence

import (
	"cmp"
	"math"
	"math/bits"
	"slices"
	"strconv"

	"palimpsest/schemas"
	"palimpsest/stages/fold"
)

// sliceAll is the slice of all labelled probes.
const sliceAll = "all"

// Evaluate measures how well each score tells known members of the training set from known non-members: over all labelled works
// and canaries, by control group, and by dose: the members of a group with so many copies in the corpus against all non-members
// of that group. Controls are not judged and generations are the model's own output, so neither counts. Rows are sorted by score
// and slice; a score that no labelled probe has gives none.
func Evaluate(runID, model string, probes []Subject) []schemas.Evaluation {
	var rows []schemas.Evaluation
	for _, s := range scores {
		members, others := map[string][]float64{}, map[string][]float64{}
		doses := map[string]string{} // slice by dose to the slice that its non-members are of
		for i := range probes {
			x := &probes[i]
			v := s.likeness(x)
			if x.Probe.Label == nil || x.Probe.Control || x.Probe.Kind == fold.Generation || math.IsNaN(v) {
				continue
			}
			to := others
			if *x.Probe.Label {
				to = members
			}
			name := sliceName(groupOf(x.Probe))
			to[sliceAll] = append(to[sliceAll], v)
			to[name] = append(to[name], v)
			if *x.Probe.Label && x.Corpus.Hashed {
				dose := doseName(groupOf(x.Probe), &x.Corpus)
				doses[dose] = name
				to[dose] = append(to[dose], v)
			}
		}
		for _, m := range []map[string][]float64{members, others} {
			for _, values := range m {
				slices.Sort(values)
			}
		}
		names := map[string]string{} // slice to the slice of its non-members
		for name := range members {
			names[name] = name
		}
		for name := range others {
			names[name] = name
		}
		for dose, name := range doses {
			names[dose] = name
		}
		delete(names, noGroup)
		for name, of := range names {
			rows = append(rows, evaluate(runID, model, s.name, name, members[name], others[of]))
		}
	}
	slices.SortFunc(rows, func(a, b schemas.Evaluation) int {
		return cmp.Or(cmp.Compare(a.Score, b.Score), cmp.Compare(a.Slice, b.Slice))
	})
	return rows
}

// evaluate makes one row of member-likenesses, sorted ascending.
func evaluate(runID, model, score, slice string, members, others []float64) schemas.Evaluation {
	r := schemas.Evaluation{RunID: runID, Model: model, Score: score, Slice: slice, Members: int64(len(members)), NonMembers: int64(len(others))}
	if len(members) == 0 || len(others) == 0 {
		return r
	}
	a := auroc(members, others)
	low, high := newcombe(a, len(members), len(others))
	r.AUROC, r.AUROCLow, r.AUROCHigh = &a, &low, &high
	if v, ok := tprAt(100, members, others); ok {
		r.TPRAt1FPR = &v
	}
	if v, ok := tprAt(20, members, others); ok {
		r.TPRAt5FPR = &v
	}
	return r
}

// noGroup stands for the probes without a control group, which have no slice of their own.
const noGroup = ""

// sliceName is the name of a control group's slice.
func sliceName(g group) string {
	switch {
	case !g.named:
		return noGroup
	case g.name == noGroup, g.name == sliceAll:
		return "control_group=" + strconv.Quote(g.name)
	}
	return g.name
}

// doseName is the name of a group's slice by copies in the corpus, in buckets that double: 0, 1, 2-3, 4-7, ... Copies are the
// documents with the same bytes, or with the same words where none has the same bytes.
func doseName(g group, c *Corpus) string {
	copies := c.Exact
	if copies == 0 {
		copies = c.ExactWords
	}
	bucket := strconv.FormatInt(copies, 10)
	if copies > 1 {
		low := int64(1) << (bits.Len64(uint64(copies)) - 1)
		bucket = strconv.FormatInt(low, 10) + "-" + strconv.FormatInt(2*low-1, 10)
	}
	if !g.named {
		return "copies=" + bucket
	}
	return sliceName(g) + " copies=" + bucket
}
