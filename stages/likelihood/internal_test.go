package likelihood

import (
	"math"
	"testing"
)

// The shares of methods.md's worked values that no run uses.
func TestMeanOfLowest(t *testing.T) {
	worked := []float64{-.1, -2, -.5, -4, -.05, -1, -3, -.2, -.7, -6}
	z := []float64{.633092, -1.590008, -3, 1, -2.501457}
	for _, c := range []struct {
		values []float64
		share  float64
		want   float64
	}{
		{worked, .1, -6}, {worked, .2, -5}, {worked, .3, -4.333333}, {z, .2, -3}, {z, .4, -2.750729}, {z[:1], .2, .633092},
	} {
		got := meanOfLowest(append([]float64(nil), c.values...), c.share)
		if math.Abs(got-c.want) > 1e-6 {
			t.Errorf("%v, share %g: %v, want %v", c.values, c.share, got, c.want)
		}
	}
}
