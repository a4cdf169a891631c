package evidence

import (
	"cmp"
	"maps"
	"math"
	"math/bits"
	"slices"
	"strconv"

	"palimpsest/schemas"
	"palimpsest/stages/fold"
)

// sliceAll is the slice of all labelled probes.
const sliceAll = "all"

// slice is a set of labelled probes, by their places.
type slice struct {
	members, others []int
	dose            bool // members with so many copies in the corpus, against all non-members of their group
}

// sliced makes the slices of the labelled works and canaries: all, each control group, and each dose of a group: the members with so
// many copies in the corpus against all its non-members. Controls are not judged and generations are the model's own output, so
// neither counts.
func sliced(probes []Subject) map[string]*slice {
	made := map[string]*slice{}
	of := func(name string) *slice {
		s := made[name]
		if s == nil {
			s = &slice{}
			made[name] = s
		}
		return s
	}
	doses := map[string]string{} // slice by dose to the slice that its non-members are of
	for i := range probes {
		x := &probes[i]
		if x.Probe.Label == nil || x.Probe.Control || x.Probe.Kind == fold.Generation {
			continue
		}
		all, group := of(sliceAll), of(sliceName(groupOf(x.Probe)))
		if !*x.Probe.Label {
			all.others, group.others = append(all.others, i), append(group.others, i)
			continue
		}
		all.members, group.members = append(all.members, i), append(group.members, i)
		if x.Corpus.Hashed {
			name := doseName(groupOf(x.Probe), &x.Corpus)
			doses[name] = sliceName(groupOf(x.Probe))
			dose := of(name)
			dose.dose, dose.members = true, append(dose.members, i)
		}
	}
	for name, group := range doses {
		made[name].others = made[group].others
	}
	delete(made, noGroup)
	return made
}

// Evaluate measures how well each score tells known members of the training set from known non-members, over all of them and slice by
// slice, and whether it does so better than the baseline; without one (nil) that is null. Rows are sorted by score and slice; a score
// that no labelled probe has gives none.
func Evaluate(runID, model string, probes []Subject, blind *Blind) []schemas.Evaluation {
	var rows []schemas.Evaluation
	cut := sliced(probes)
	for _, s := range scores {
		for name, of := range cut {
			members, others := s.ofEach(probes, of.members), s.ofEach(probes, of.others)
			if len(members) == 0 && (of.dose || len(others) == 0) {
				continue
			}
			r := schemas.Evaluation{RunID: runID, Model: model, Score: s.name, Slice: name, Members: int64(len(members)),
				NonMembers: int64(len(others))}
			evaluate(&r, slices.Sorted(maps.Values(members)), slices.Sorted(maps.Values(others)))
			if blind != nil {
				blind.compare(&r, members, others)
			}
			rows = append(rows, r)
		}
	}
	slices.SortFunc(rows, func(a, b schemas.Evaluation) int {
		return cmp.Or(cmp.Compare(a.Score, b.Score), cmp.Compare(a.Slice, b.Slice))
	})
	return rows
}

// ofEach returns the member-likeness of those of the probes that have the score.
func (s score) ofEach(probes []Subject, places []int) map[*fold.Probe]float64 {
	values := make(map[*fold.Probe]float64, len(places))
	for _, i := range places {
		if v := s.likeness(&probes[i]); !math.IsNaN(v) {
			values[probes[i].Probe] = v
		}
	}
	return values
}

// evaluate fills in a row from member-likenesses, sorted ascending.
func evaluate(r *schemas.Evaluation, members, others []float64) {
	if len(members) == 0 || len(others) == 0 {
		return
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
