package model_test

import (
	"fmt"
	"math"
	"testing"

	"palimpsest/stages/model"
)

func TestLikeliest(t *testing.T) {
	infinite := float32(math.Inf(-1))
	logits := []float32{1, 3, 2, 3, infinite, 2, 2, 0, 5, infinite}
	for k, want := range map[int]string{
		1: "[8]", 2: "[8 1 3]", 3: "[8 1 3]", 4: "[8 1 3 2 5 6]", 7: "[8 1 3 2 5 6 0]", 99: "[8 1 3 2 5 6 0 7]",
	} {
		if got := fmt.Sprint(model.Likeliest(logits, k)); got != want {
			t.Errorf("of %v the likeliest %d are %s, want %s", logits, k, got, want)
		}
	}
	if n := model.Rank(logits, 2); n != 4 {
		t.Errorf("2 has rank %d, want 4", n)
	}
	if ids := model.Likeliest(nil, 3); ids != nil {
		t.Errorf("of no logits the likeliest are %v", ids)
	}
}
