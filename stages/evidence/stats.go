package evidence

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/mathext"
)

// z95 is the standard normal quantile of a two-sided 95 % interval.
const z95 = 1.959963984540054

// ClopperPearson returns the exact 95 % interval of a proportion of which k successes in n trials were seen. Without trials it
// knows nothing: [0, 1].
func ClopperPearson(k, n int64) (low, high float64) {
	low, high = 0, 1
	if n <= 0 || k < 0 || k > n {
		return low, high
	}
	const tail = .025
	if k > 0 {
		low = mathext.InvRegIncBeta(float64(k), float64(n-k+1), tail)
	}
	if k < n {
		high = mathext.InvRegIncBeta(float64(k+1), float64(n-k), 1-tail)
	}
	return low, high
}

// BenjaminiHochberg returns the q-value of every p-value of one family: the least false discovery rate at which it is a discovery.
// Equal p-values get equal q-values, whatever their order.
func BenjaminiHochberg(p []float64) []float64 {
	order := make([]int, len(p))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return cmp.Or(cmp.Compare(p[a], p[b]), cmp.Compare(a, b)) })
	q := make([]float64, len(p))
	least := 1.0
	for k := len(order) - 1; k >= 0; k-- {
		i := order[k]
		least = min(least, p[i]*float64(len(p))/float64(k+1))
		q[i] = least
	}
	return q
}

// NeededToReach returns how many of m tests must beat every one of n controls before any q-value can be at most q, and false when
// not even all of them would do.
func NeededToReach(q float64, n, m int64) (int64, bool) {
	// The least p-value is 1/(n+1); k tests that share it have q = m / ((n+1) k).
	attained := func(k int64) bool { return float64(m)/(float64(n+1)*float64(k)) <= q }
	if m <= 0 || !attained(m) {
		return 0, false
	}
	k := max(1, int64(math.Ceil(float64(m)/(float64(n+1)*q))))
	for k > 1 && attained(k-1) {
		k--
	}
	for !attained(k) {
		k++
	}
	return k, true
}

// auroc is the probability that a positive is above a negative, ties half, counted exactly. Both slices must be sorted
// ascending and hold something.
func auroc(positives, negatives []float64) float64 {
	below, equal := 0, 0 // negatives below the positive in hand, and equal to it
	halves := int64(0)
	for i, v := range positives {
		if i == 0 || v != positives[i-1] {
			for below < len(negatives) && negatives[below] < v {
				below++
			}
			equal = 0
			for below+equal < len(negatives) && negatives[below+equal] == v {
				equal++
			}
		}
		halves += 2*int64(below) + int64(equal)
	}
	return float64(halves) / 2 / float64(len(positives)) / float64(len(negatives))
}

// newcombe returns the 95 % interval of an AUROC from m positives and n negatives by method 5 of Newcombe (Statistics in
// Medicine 25:559, 2006): the values theta for which |theta - auroc| <= z sqrt(V(theta)), with Hanley and McNeil's variance V for
// exponential distributions in which both sample sizes less one are replaced by their mean less one.
func newcombe(auroc float64, m, n int) (low, high float64) {
	size := float64(m+n)/2 - 1
	within := func(theta float64) bool {
		v := theta * (1 - theta) * (1 + size*((1-theta)/(2-theta)+theta/(1+theta))) / (float64(m) * float64(n))
		return math.Abs(theta-auroc) <= z95*math.Sqrt(v)
	}
	// The estimate is within; the ends 0 and 1, where V is 0, are not unless they are the estimate. Halving the gap between a
	// value within and one outside ends when no number lies between them.
	edge := func(inside, outside float64) float64 {
		if within(outside) {
			return outside
		}
		for {
			middle := (inside + outside) / 2
			if middle == inside || middle == outside {
				return inside
			}
			if within(middle) {
				inside = middle
			} else {
				outside = middle
			}
		}
	}
	return edge(auroc, 0), edge(auroc, 1)
}

// tprAt returns the share of positives above the threshold that one in every n negatives passes: the negative at index
// floor(N/n), counted from the highest, strictly. It reports false with fewer than n negatives. Both slices must be sorted
// ascending and the positives hold something.
func tprAt(n int, positives, negatives []float64) (float64, bool) {
	if len(negatives) < n {
		return 0, false
	}
	threshold := negatives[len(negatives)-1-len(negatives)/n]
	above, _ := slices.BinarySearchFunc(positives, threshold, func(v, t float64) int {
		if v <= t {
			return -1
		}
		return 1
	})
	return float64(len(positives)-above) / float64(len(positives)), true
}
