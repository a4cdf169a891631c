package likelihood

import (
	"cmp"
	"slices"
)

// runIndex knows, for every run of ten consecutive tokens of a text, where the same run stands first. It is built when it is first
// asked, since most texts have no window that needs it, by sorting the runs' positions: eight bytes a token, no hashes.
type runIndex struct {
	ids   []int64
	order []int32
	first []int32 // by position, the earliest position of the same run
	built bool
}

// reset makes the index that of the tokens.
func (x *runIndex) reset(ids []int64) {
	x.ids, x.built = ids, false
}

// repeats reports whether tokens [from, to) hold a run of ten tokens that also stands wholly before from.
func (x *runIndex) repeats(from, to int) bool {
	if !x.built {
		x.build()
	}
	for i := from; i+copiedRun <= to; i++ {
		if int(x.first[i])+copiedRun <= from {
			return true
		}
	}
	return false
}

func (x *runIndex) build() {
	n := max(0, len(x.ids)-copiedRun+1)
	x.order = slices.Grow(x.order[:0], n)[:n]
	x.first = slices.Grow(x.first[:0], n)[:n]
	run := func(i int32) []int64 { return x.ids[i : i+copiedRun] }
	for i := range x.order {
		x.order[i] = int32(i)
	}
	slices.SortFunc(x.order, func(a, b int32) int {
		return cmp.Or(slices.Compare(run(a), run(b)), cmp.Compare(a, b))
	})
	for k, i := range x.order {
		x.first[i] = i
		if k > 0 && slices.Equal(run(i), run(x.order[k-1])) {
			x.first[i] = x.first[x.order[k-1]]
		}
	}
	x.built = true
}
