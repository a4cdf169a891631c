package evidence

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"

	"palimpsest/schemas"
	"palimpsest/stages/fold"
)

// maxBlind is the most bytes of labelled texts that a baseline is made of: with the index of their near-duplicates they take up to a
// gigabyte.
const maxBlind = 128 << 20

// Blind is what a classifier that never asks a model makes of labelled texts (Das, Zhang, Tramèr: Blind Baselines Beat Membership
// Inference Attacks, arXiv 2406.16201): how well words and length alone tell the members of a slice from its non-members. Members
// and non-members that differ in period or topic are told apart so; a score that does no better shows nothing of what a model was
// trained on.
//
// For each slice logistic regression learns from four fifths of the texts and guesses the fifth that is left, five times over.
// Probes of one work and near-duplicates are never parted. The guesses are made once and hold for all models and scores.
type Blind struct {
	slices map[string]blindSlice // by name; those without a baseline are absent
}

// blindSlice is the baseline of one slice.
type blindSlice struct {
	auroc   float64 // mean of the folds'
	guesses map[*fold.Probe]guess
}

// guess is how member-like a text looks to a classifier that has seen neither it nor anything near it. Guesses of different folds do
// not compare.
type guess struct {
	fold  int8
	value float64
}

// NewBlind makes the baseline of every slice that Evaluate makes of these probes; nil when the labelled texts take more than 128 MiB.
//
// The cost is bounded. A fit takes at most fifty steps over half a million words, each counted once a text; where a slice has more, it
// learns from members and non-members by turns, in an order of no meaning, until it has them.
func NewBlind(ctx context.Context, probes []Subject) (*Blind, error) {
	cut := sliced(probes)
	all, ok := cut[sliceAll]
	if !ok {
		return nil, nil
	}
	var texts []*fold.Probe
	total := 0
	position := map[int]int32{} // among the texts, by place in probes
	for _, i := range slices.Sorted(slices.Values(slices.Concat(all.members, all.others))) {
		position[i] = int32(len(texts))
		texts = append(texts, probes[i].Probe)
		total += len(probes[i].Probe.Text)
	}
	if total > maxBlind {
		return nil, nil
	}
	t, err := related(ctx, texts)
	if err != nil {
		return nil, fmt.Errorf("grouping the labelled probes by near-duplicates: %w", err)
	}
	b, bags, place := &Blind{slices: map[string]blindSlice{}}, newBags(texts), order(texts)
	for name, s := range cut {
		var examples []example
		for _, i := range s.members {
			examples = append(examples, example{position[i], true})
		}
		for _, i := range s.others {
			examples = append(examples, example{position[i], false})
		}
		slices.SortFunc(examples, func(a, b example) int { return cmp.Compare(place[a.text], place[b.text]) })
		own, ok, err := crossValidate(ctx, bags, examples, deal(examples, t, place))
		if err != nil {
			return nil, err
		}
		if !ok {
			continue
		}
		known := blindSlice{guesses: make(map[*fold.Probe]guess, len(examples))}
		var cells [folds]sides
		for i, x := range examples {
			known.guesses[texts[x.text]] = own[i]
			cells[own[i].fold].add(x.member, own[i].value)
		}
		for f := range cells {
			known.auroc += cells[f].auroc() / folds
		}
		b.slices[name] = known
	}
	return b, nil
}

// crossValidate guesses each text by a classifier that learned from the other folds, and reports false when some fold lacks members or
// non-members.
func crossValidate(ctx context.Context, b *bags, texts []example, parts []int8) (guesses []guess, ok bool, err error) {
	var has [folds][2]bool
	for i, x := range texts {
		side := 0
		if x.member {
			side = 1
		}
		has[parts[i]][side] = true
	}
	for _, h := range has {
		if !h[0] || !h[1] {
			return nil, false, nil
		}
	}
	guesses = make([]guess, len(texts))
	for part := range int8(folds) {
		if err := ctx.Err(); err != nil {
			return nil, false, err
		}
		c := newClassifier(b, training(b, texts, parts, part))
		for i, x := range texts {
			if parts[i] == part {
				guesses[i] = guess{part, c.guess(x.text)}
			}
		}
	}
	return guesses, true, nil
}

// training returns the texts outside a part that its classifier learns from: members and non-members by turns, in their order, as
// many as maxTraining allows. When those of one side are used up the others go on.
func training(b *bags, texts []example, parts []int8, without int8) []example {
	var sides [2][]example
	for i, x := range texts {
		switch {
		case parts[i] == without:
		case x.member:
			sides[0] = append(sides[0], x)
		default:
			sides[1] = append(sides[1], x)
		}
	}
	var chosen []example
	for entries, turn := 0, 0; entries < maxTraining && len(sides[0])+len(sides[1]) > 0; turn = 1 - turn {
		if len(sides[turn]) == 0 {
			continue
		}
		x := sides[turn][0]
		sides[turn] = sides[turn][1:]
		chosen = append(chosen, x)
		entries += len(b.of(x.text))
	}
	return chosen
}

// sides are the values of members and of non-members.
type sides struct{ members, others []float64 }

func (s *sides) add(member bool, v float64) {
	if member {
		s.members = append(s.members, v)
	} else {
		s.others = append(s.others, v)
	}
}

// auroc sorts the values; both sides must hold some.
func (s *sides) auroc() float64 {
	slices.Sort(s.members)
	slices.Sort(s.others)
	return auroc(s.members, s.others)
}

// compare fills in what the baseline makes of the row's slice, and whether the score does better: on the same texts, fold by fold.
// members and others are the probes with the score, and how member-like it finds them.
func (b *Blind) compare(r *schemas.Evaluation, members, others map[*fold.Probe]float64) {
	s, ok := b.slices[r.Slice]
	if !ok {
		return
	}
	r.BlindAUROC = &s.auroc
	var scored, blind [folds]sides
	for p, v := range members {
		scored[s.guesses[p].fold].add(true, v)
		blind[s.guesses[p].fold].add(true, s.guesses[p].value)
	}
	for p, v := range others {
		scored[s.guesses[p].fold].add(false, v)
		blind[s.guesses[p].fold].add(false, s.guesses[p].value)
	}
	d := make([]float64, folds)
	for f := range d {
		if len(scored[f].members) == 0 || len(scored[f].others) == 0 {
			return
		}
		d[f] = scored[f].auroc() - blind[f].auroc()
	}
	low := lowerEnd(d)
	beats := low > 0
	r.BlindDifferenceLow, r.BeatsBlind = &low, &beats
}

// t95 is the quantile of Student's t with four degrees of freedom for a two-sided 95 % interval: five folds.
const t95 = 2.7764451051977934

// lowerEnd returns the lower end of the 95 % interval of the mean of five values.
func lowerEnd(d []float64) float64 {
	n := float64(len(d))
	mean, squares := 0., 0.
	for _, v := range d {
		mean += v / n
	}
	for _, v := range d {
		squares += (v - mean) * (v - mean)
	}
	return mean - t95*math.Sqrt(squares/(n-1)/n)
}
