//go:build llamacpp

package llamacpp

import (
	"cmp"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
)

var errNotFinite = errors.New("the model's output is not finite")

// distribution is what logits say as a whole, in float64.
type distribution struct {
	highest         float64
	logSum          float64 // of e^(logit-highest)
	mean, deviation float64 // of log p under p
}

func newDistribution(logits []float32) (d distribution, err error) {
	d.highest = float64(slices.Max(logits))
	var zeroth, first, second float64
	for _, v := range logits {
		x := float64(v) - d.highest
		p := math.Exp(x)
		if p > 0 { // a logit of minus infinity adds nothing
			zeroth += p
			first += p * x
			second += p * x * x
		}
	}
	if !(zeroth >= 1) || math.IsInf(d.highest, 0) {
		return d, errNotFinite
	}
	d.logSum = math.Log(zeroth)
	mean := first / zeroth
	d.mean = mean - d.logSum
	d.deviation = math.Sqrt(max(0, second/zeroth-mean*mean))
	return d, nil
}

// of returns the log-probability of a logit.
func (d *distribution) of(logit float32) float64 { return float64(logit) - d.highest - d.logSum }

// rank returns 1 and the number of logits that are greater.
func rank(logits []float32, own float32) int64 {
	n := int64(1)
	for _, v := range logits {
		if v > own {
			n++
		}
	}
	return n
}

// likeliest returns the ids of the k greatest logits and of all that tie with the last, greatest first, of equal ones the smallest id.
func likeliest(logits []float32, k int) []int64 {
	k = min(k, len(logits))
	greatest := slices.Clone(logits[:k]) // so far; a heap with the least of them first
	for i := k/2 - 1; i >= 0; i-- {
		sink(greatest, i)
	}
	for _, v := range logits[k:] {
		if v > greatest[0] {
			greatest[0] = v
			sink(greatest, 0)
		}
	}
	ids := make([]int64, 0, k)
	for id, v := range logits {
		if v >= greatest[0] {
			ids = append(ids, int64(id))
		}
	}
	slices.SortFunc(ids, func(a, b int64) int { return cmp.Or(cmp.Compare(logits[b], logits[a]), cmp.Compare(a, b)) })
	return ids
}

// sink moves the element at i down to its place in the heap.
func sink(heap []float32, i int) {
	for c := 2*i + 1; c < len(heap); c = 2*i + 1 {
		if c+1 < len(heap) && heap[c+1] < heap[c] {
			c++
		}
		if heap[i] <= heap[c] {
			return
		}
		heap[i], heap[c] = heap[c], heap[i]
		i = c
	}
}

// draw chooses a token as model.Prompt says: of the likeliest in their order, or with k 0 of all in the order of ids, the first at which
// the running sum of probabilities exceeds a uniform draw from the whole.
func (d *distribution) draw(logits []float32, k int, random *rand.Rand) int64 {
	if k == 1 {
		return int64(slices.Index(logits, float32(d.highest)))
	}
	var ids []int64
	if k > 0 {
		ids = likeliest(logits, k)
	} else {
		for id := range logits {
			ids = append(ids, int64(id))
		}
	}
	sum := 0.0
	sums := make([]float64, len(ids))
	for i, id := range ids {
		sum += math.Exp(float64(logits[id]) - d.highest)
		sums[i] = sum
	}
	at := random.Float64() * sum
	i := slices.IndexFunc(sums, func(s float64) bool { return s > at })
	if i < 0 {
		i = len(ids) - 1 // the draw was rounded up to the sum
	}
	return ids[i]
}
