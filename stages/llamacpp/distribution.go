//go:build llamacpp

package llamacpp

import (
	"errors"
	"math"
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
