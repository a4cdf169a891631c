package llama

import (
	"math"
	"testing"

	"palimpsest/stages/gguf"
)

// oracle is the model as the papers write it, in float64, without a cache and without any of the engine's code but Dequantize.
type oracle struct {
	tensors map[string][][]float64 // rows
	base    float64
}

func newOracle(s *synthetic) *oracle {
	o := &oracle{tensors: make(map[string][][]float64), base: 5000}
	for _, t := range s.tensors {
		in, out := t.shape[0], 1
		if len(t.shape) == 2 {
			out = t.shape[1]
		}
		numbers := make([]float32, in*out)
		gguf.Dequantize(t.typ, numbers, t.bytes)
		for r := range out {
			row := make([]float64, in)
			for i := range row {
				row[i] = float64(numbers[r*in+i])
			}
			o.tensors[t.name] = append(o.tensors[t.name], row)
		}
	}
	return o
}

func (o *oracle) times(name string, x []float64) []float64 {
	y := make([]float64, len(o.tensors[name]))
	for r, row := range o.tensors[name] {
		for i, w := range row {
			y[r] += w * x[i]
		}
	}
	return y
}

func (o *oracle) normalised(name string, x []float64) []float64 {
	sum := 0.0
	for _, v := range x {
		sum += v * v
	}
	y := make([]float64, len(x))
	for i, v := range x {
		y[i] = v / math.Sqrt(sum/float64(len(x))+1e-5) * o.tensors[name][0][i]
	}
	return y
}

func (o *oracle) rotated(x []float64, head, position int) []float64 {
	for h := 0; h < len(x); h += head {
		for i := range 12 {
			angle := float64(position) * math.Pow(o.base, -2*float64(i)/24) / o.tensors["rope_freqs.weight"][0][i]
			a, b := x[h+2*i], x[h+2*i+1]
			x[h+2*i], x[h+2*i+1] = a*math.Cos(angle)-b*math.Sin(angle), a*math.Sin(angle)+b*math.Cos(angle)
		}
	}
	return x
}

// logProbs returns what the model says after each token: log p of the whole vocabulary.
func (o *oracle) logProbs(ids []int64) [][]float64 {
	const head, heads, groups = 40, 6, 2
	x := make([][]float64, len(ids))
	for t, id := range ids {
		x[t] = append([]float64(nil), o.tensors["token_embd.weight"][id]...)
	}
	for _, l := range []string{"blk.0.", "blk.1."} {
		var keys, values [][]float64
		for t := range x {
			y := o.normalised(l+"attn_norm.weight", x[t])
			query := o.rotated(o.times(l+"attn_q.weight", y), head, t)
			keys = append(keys, o.rotated(o.times(l+"attn_k.weight", y), head, t))
			values = append(values, o.times(l+"attn_v.weight", y))
			mixed := make([]float64, heads*head)
			for h := range heads {
				g := h / (heads / groups) * head
				shares, sum := make([]float64, t+1), 0.0
				for s := range shares {
					for i := range head {
						shares[s] += query[h*head+i] * keys[s][g+i]
					}
					shares[s] = math.Exp(shares[s] / math.Sqrt(head))
					sum += shares[s]
				}
				for s, share := range shares {
					for i := range head {
						mixed[h*head+i] += share / sum * values[s][g+i]
					}
				}
			}
			for i, v := range o.times(l+"attn_output.weight", mixed) {
				x[t][i] += v
			}
		}
		for t := range x {
			y := o.normalised(l+"ffn_norm.weight", x[t])
			gate, up := o.times(l+"ffn_gate.weight", y), o.times(l+"ffn_up.weight", y)
			for i, g := range gate {
				up[i] *= g / (1 + math.Exp(-g))
			}
			for i, v := range o.times(l+"ffn_down.weight", up) {
				x[t][i] += v
			}
		}
	}
	var logs [][]float64
	for t := range x {
		logits := o.times("output.weight", o.normalised("output_norm.weight", x[t]))
		sum := 0.0
		for _, v := range logits {
			sum += math.Exp(v)
		}
		for i := range logits {
			logits[i] -= math.Log(sum)
		}
		logs = append(logs, logits)
	}
	return logs
}

// A model of every type of tensor, with shared keys, heads that are rotated in part and factors of frequencies, says what its formulas say.
func TestOracle(t *testing.T) {
	s := newSynthetic()
	e, o := openBytes(t, s.file(), Options{}), newOracle(s)
	requests := syntheticTexts()[1:3]
	scored, err := e.Score(t.Context(), requests)
	if err != nil {
		t.Fatal(err)
	}
	worst, low, high := 0.0, 0.0, math.Inf(-1)
	for i, r := range requests {
		logs := o.logProbs(append([]int64{syntheticBOS}, r.IDs...))
		for j, id := range r.IDs {
			mean, square, rank := 0.0, 0.0, int64(1)
			for _, v := range logs[j] {
				mean += math.Exp(v) * v
				if v > logs[j][id] {
					rank++
				}
			}
			for _, v := range logs[j] {
				square += math.Exp(v) * (v - mean) * (v - mean)
			}
			got := scored[i]
			worst = max(worst, math.Abs(got.LogProbs[j]-logs[j][id]), math.Abs(got.Means[j]-mean),
				math.Abs(got.Deviations[j]-math.Sqrt(square)))
			low, high = min(low, logs[j][id]), max(high, logs[j][id])
			if got.Ranks[j] != rank {
				t.Errorf("text %d, token %d: rank %d, want %d", i, j, got.Ranks[j], rank)
			}
		}
	}
	t.Logf("log-probabilities from %.3g to %.3g; the largest difference is %.2g", low, high, worst)
	if worst > 1e-5 {
		t.Errorf("the largest difference is %g", worst)
	}
}
