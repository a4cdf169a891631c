package evidence

import (
	"cmp"
	"context"
	"slices"

	"github.com/zeebo/xxh3"

	"palimpsest/stages/fold"
	"palimpsest/stages/hash"
)

// folds is how many parts a slice is cut into. Each is judged by a classifier that learned from the others.
const folds = 5

// nearDuplicate is the Jaccard similarity of near-duplicates, whatever the run counts as such in the corpus (methods, section 3).
const nearDuplicate = .8

// together holds texts that are never parted, as trees of a union-find whose roots are their least members.
type together []int32

// related puts together the probes of one work, by title and author where a title is given, and near-duplicates. What is near to
// something near is so too: a chain of texts is never parted.
func related(ctx context.Context, probes []*fold.Probe) (together, error) {
	t := make(together, len(probes))
	type work struct{ title, author string }
	works := map[work]int{}
	for i, p := range probes {
		t[i] = int32(i)
		if p.Title == nil {
			continue
		}
		w := work{title: *p.Title}
		if p.Author != nil {
			w.author = *p.Author
		}
		if first, ok := works[w]; ok {
			t.join(first, i)
		} else {
			works[w] = i
		}
	}
	return t, hash.Pairs(ctx, probes, nearDuplicate, func(a, b int) bool { return t.root(a) == t.root(b) }, t.join)
}

func (t together) root(i int) int32 {
	for t[i] != int32(i) {
		t[i] = t[t[i]]
		i = int(t[i])
	}
	return int32(i)
}

func (t together) join(a, b int) {
	low, high := t.root(a), t.root(b)
	if low > high {
		low, high = high, low
	}
	t[high] = low
}

// order puts texts in an order that depends on their bytes alone, and on their ids where these are equal.
func order(probes []*fold.Probe) []int32 {
	hashes, place := make([]uint64, len(probes)), make([]int32, len(probes))
	all := make([]int32, len(probes))
	for i, p := range probes {
		all[i], hashes[i] = int32(i), xxh3.Hash(p.Text)
	}
	slices.SortStableFunc(all, func(a, b int32) int {
		return cmp.Or(cmp.Compare(hashes[a], hashes[b]), cmp.Compare(probes[a].ID, probes[b].ID))
	})
	for at, i := range all {
		place[i] = int32(at)
	}
	return place
}

// deal gives every text of a slice its fold, by position. Texts that belong together are dealt as one, the largest such group first,
// to the fold that has the smallest share of what the group is made of, members and non-members: the folds are as alike in both as
// the groups allow. place is the order among groups of one size.
func deal(texts []example, t together, place []int32) []int8 {
	type group struct {
		members, others int
		place           int32
		texts           []int
	}
	groups := map[int32]*group{}
	members, others := 0, 0
	for i, x := range texts {
		root := t.root(int(x.text))
		g := groups[root]
		if g == nil {
			g = &group{place: place[x.text]}
			groups[root] = g
		}
		g.place = min(g.place, place[x.text])
		g.texts = append(g.texts, i)
		if x.member {
			g.members, members = g.members+1, members+1
		} else {
			g.others, others = g.others+1, others+1
		}
	}
	dealt := make([]*group, 0, len(groups))
	for _, g := range groups {
		dealt = append(dealt, g)
	}
	slices.SortFunc(dealt, func(a, b *group) int {
		return cmp.Or(cmp.Compare(len(b.texts), len(a.texts)), cmp.Compare(a.place, b.place))
	})
	var have [folds]struct{ members, others float64 } // shares of the slice's
	fold := make([]int8, len(texts))
	for _, g := range dealt {
		m, n := float64(g.members)/float64(max(members, 1)), float64(g.others)/float64(max(others, 1))
		best := 0
		for f := 1; f < folds; f++ {
			if have[f].members*m+have[f].others*n < have[best].members*m+have[best].others*n {
				best = f
			}
		}
		have[best].members += m
		have[best].others += n
		for _, i := range g.texts {
			fold[i] = int8(best)
		}
	}
	return fold
}
