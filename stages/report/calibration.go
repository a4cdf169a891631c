package report

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strings"

	"palimpsest/stages/evidence"
	"palimpsest/stages/fold"
)

// calibration is what tells whether the tests can be believed: the scores of the probes whose membership is known, and where the
// p-values lie.
type calibration struct {
	// The scores of the members with so many copies, or of all non-members of a group (copies is nonMembers), turned so that higher is
	// always more member-like.
	scores map[doseKey][]float64
	values map[valueKey]*values
}

// nonMembers stands in a doseKey for the probes that are known not to be members.
const nonMembers = -2

// valueKey names a set of p-values: those of one model's tests of probes that are members, are not, or of which it is not known.
type valueKey struct {
	model string
	known string // "member", "non-member" or "unknown"
}

// pBins is how many bins the p-values are counted in.
const pBins = 20

// values counts p-values.
type values struct {
	tests int64
	small int64 // at most .05
	bins  [pBins]int64
}

// binOf returns the bin of a p-value. A bin holds its upper end, so that the first is p <= .05.
func binOf(p float64) int { return min(max(int(math.Ceil(p*pBins))-1, 0), pBins-1) }

func (c *calibration) add(p *probe) {
	if p.Kind == fold.Generation {
		return
	}
	if p.Label != nil && p.Score != nil && p.ScoreName != nil && !math.IsNaN(*p.Score) {
		k := doseKey{model: p.model(), copies: nonMembers}
		if p.ControlGroup != nil {
			k.group, k.named = *p.ControlGroup, true
		}
		if *p.Label {
			k.copies = copiesOf(p)
		}
		if c.scores == nil {
			c.scores = map[doseKey][]float64{}
		}
		if _, known := c.scores[k]; !known {
			k.model, k.group = strings.Clone(k.model), strings.Clone(k.group)
		}
		score := *p.Score
		if !evidence.HigherIsMember(*p.ScoreName) {
			score = -score
		}
		c.scores[k] = append(c.scores[k], score)
	}
	if p.PValue == nil || math.IsNaN(*p.PValue) {
		return
	}
	k := valueKey{p.model(), "unknown"}
	if p.Label != nil {
		k.known = map[bool]string{true: "member", false: "non-member"}[*p.Label]
	}
	x := c.values[k]
	if x == nil {
		x = &values{}
		k.model = strings.Clone(k.model)
		if c.values == nil {
			c.values = map[valueKey]*values{}
		}
		c.values[k] = x
	}
	x.tests++
	x.small += ones(*p.PValue <= .05)
	x.bins[binOf(*p.PValue)]++
}

// calibrated is a control group and a model with members and non-members, by the members' copies.
type calibrated struct {
	key     doseKey // of the non-members
	others  []float64
	members []doseKey
}

// groups returns the groups that have both, in order of name.
func (c *calibration) groups() []calibrated {
	var found []calibrated
	for k, others := range c.scores {
		if k.copies != nonMembers {
			continue
		}
		g := calibrated{key: k, others: others}
		for m := range c.scores {
			if m.copies != nonMembers && m.model == k.model && m.group == k.group && m.named == k.named {
				g.members = append(g.members, m)
			}
		}
		if len(g.members) > 0 {
			slices.SortFunc(g.members, func(a, b doseKey) int { return cmp.Compare(a.copies, b.copies) })
			found = append(found, g)
		}
	}
	slices.SortFunc(found, func(a, b calibrated) int {
		return cmp.Or(strings.Compare(a.key.model, b.key.model), strings.Compare(a.key.group, b.key.group))
	})
	return found
}

// valueKeys returns the sets of p-values, known non-members first.
func (c *calibration) valueKeys() []valueKey {
	order := []string{"non-member", "member", "unknown"}
	return slices.SortedFunc(maps.Keys(c.values), func(a, b valueKey) int {
		return cmp.Or(strings.Compare(a.model, b.model), cmp.Compare(slices.Index(order, a.known), slices.Index(order, b.known)))
	})
}

// roc returns the points of the curve: the share of non-members, and of members, at or above each threshold. Points between which only
// one of the two changes are left out, for the line passes through them.
func roc(members, others []float64) (x, y []float64) {
	down := func(a, b float64) int { return cmp.Compare(b, a) }
	m, o := slices.SortedFunc(slices.Values(members), down), slices.SortedFunc(slices.Values(others), down)
	x, y = []float64{0}, []float64{0}
	i, j := 0, 0
	for i < len(m) || j < len(o) {
		at := math.Inf(-1)
		if i < len(m) {
			at = m[i]
		}
		if j < len(o) {
			at = max(at, o[j])
		}
		for i < len(m) && m[i] >= at {
			i++
		}
		for j < len(o) && o[j] >= at {
			j++
		}
		px, py, n := float64(j)/float64(len(o)), float64(i)/float64(len(m)), len(x)
		if n > 1 && (x[n-1] == px && x[n-2] == px || y[n-1] == py && y[n-2] == py) {
			x[n-1], y[n-1] = px, py
			continue
		}
		x, y = append(x, px), append(y, py)
	}
	return x, y
}

// maxPoints is how many points of a curve are drawn.
const maxPoints = 200

// thinned keeps every so many-th point of a curve that has more than can be told apart, and its end.
func thinned(x, y []float64) ([]float64, []float64) {
	step := (len(x) + maxPoints - 1) / maxPoints
	if step <= 1 {
		return x, y
	}
	var fx, fy []float64
	for i := 0; i < len(x); i += step {
		fx, fy = append(fx, x[i]), append(fy, y[i])
	}
	return append(fx, x[len(x)-1]), append(fy, y[len(y)-1])
}
