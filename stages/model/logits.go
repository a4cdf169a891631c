package model

import (
	"cmp"
	"math"
	"math/rand/v2"
	"slices"
)

// What engines that hold logits themselves have in common, so that equal logits give equal answers: ranks, likeliest tokens, and draws as
// Prompt says.

// Rank returns the rank of a logit: 1 and the number of logits that are greater.
func Rank(logits []float32, own float32) int64 {
	n := int64(1)
	for _, v := range logits {
		if v > own {
			n++
		}
	}
	return n
}

// Likeliest returns the ids of the k greatest logits and of all that tie with the last, greatest first, of equal ones the smallest id. A
// logit of minus infinity is of no token.
func Likeliest(logits []float32, k int) []int64 {
	heap := make([]float32, 0, min(k, len(logits))) // the greatest so far, the least of them first
	for _, v := range logits {
		switch {
		case math.IsInf(float64(v), -1):
		case len(heap) < cap(heap):
			heap = append(heap, v)
			for i := len(heap) - 1; i > 0 && heap[i] < heap[(i-1)/2]; i = (i - 1) / 2 {
				heap[i], heap[(i-1)/2] = heap[(i-1)/2], heap[i]
			}
		case len(heap) > 0 && v > heap[0]:
			heap[0] = v
			sink(heap)
		}
	}
	if len(heap) == 0 {
		return nil
	}
	ids := make([]int64, 0, len(heap))
	for id, v := range logits {
		if v >= heap[0] {
			ids = append(ids, int64(id))
		}
	}
	slices.SortFunc(ids, func(a, b int64) int {
		return cmp.Or(cmp.Compare(logits[b], logits[a]), cmp.Compare(a, b))
	})
	return ids
}

// sink restores the heap's order after its first element grew.
func sink(heap []float32) {
	for i := 0; ; {
		child := 2*i + 1
		if child >= len(heap) {
			return
		}
		if child+1 < len(heap) && heap[child+1] < heap[child] {
			child++
		}
		if heap[i] <= heap[child] {
			return
		}
		heap[i], heap[child] = heap[child], heap[i]
		i = child
	}
}

// Draw chooses a token as Prompt says: the first, from the likeliest on or with k 0 in the order of ids, at which the running sum of
// probabilities exceeds a uniform draw from all of them. exp is the exponential function, of which some are the same on every processor.
func Draw(logits []float32, k int, exp func(float64) float64, random *rand.Rand) int64 {
	highest := slices.Max(logits)
	if k == 1 {
		return int64(slices.Index(logits, highest))
	}
	var ids []int64
	if k > 0 {
		ids = Likeliest(logits, k)
	} else {
		ids = make([]int64, len(logits))
		for i := range ids {
			ids[i] = int64(i)
		}
	}
	sum := 0.0
	sums := make([]float64, len(ids))
	for i, id := range ids {
		sum += exp(float64(logits[id]) - float64(highest))
		sums[i] = sum
	}
	draw := float64(random.Float64() * sum)
	for i, s := range sums {
		if s > draw {
			return ids[i]
		}
	}
	return ids[len(ids)-1] // the draw was rounded up to the sum
}
