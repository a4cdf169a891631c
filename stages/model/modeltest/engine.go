// Package modeltest has a language model for tests: small enough that what it says can be worked out again by hand, and sensitive to
// everything before a token, so that a shift, a lost prefix or a wrong context shows.
package modeltest

import (
	"cmp"
	"context"
	"math"
	"slices"
	"sync/atomic"

	"palimpsest/stages/model"
)

// Engine is a model whose tokens are bytes. Its next byte depends on how many bytes came before and on the last one.
type Engine struct {
	Context int                 // tokens; 0 is unlimited
	Edit    func(*model.Scored) // spoils an answer; nil spoils none
	Asked   atomic.Int64        // tokens whose values were asked for
}

// vocabulary is the number of tokens.
const vocabulary = 256

// LogProbs returns the log-probabilities of every byte after that context, in nats.
func LogProbs(before []byte) []float64 {
	last := byte(0)
	if n := len(before); n > 0 {
		last = before[n-1]
	}
	x := uint64(len(before))*0x9E3779B97F4A7C15 ^ uint64(last)*0xD1B54A32D192ED03
	weights := make([]float64, vocabulary)
	sum := 0.0
	for i := range weights {
		h := (x ^ uint64(i)*0xA24BAED4963EE407) * 0x9FB21C651E98DF25
		h ^= h >> 32
		weights[i] = 1 + float64(h%64) // many ties
		if byte(i) == last+1 {
			weights[i] = 20000 // letters go on in order: abcdef is likely
		}
		sum += weights[i]
	}
	for i := range weights {
		weights[i] = math.Log(weights[i] / sum)
	}
	return weights
}

// Facts tells what the engine can do.
func (e *Engine) Facts() model.Facts {
	return model.Facts{Engine: "test", Vocabulary: vocabulary, Context: e.Context, BOS: true, Moments: true, Ranks: true,
		MostTop: vocabulary}
}

// Tokenize gives a token a byte.
func (e *Engine) Tokenize(_ context.Context, text []byte) (model.Tokens, error) {
	t := model.Tokens{IDs: make([]int64, len(text)), Offsets: make([]int64, len(text))}
	for i, b := range text {
		t.IDs[i], t.Offsets[i] = int64(b), int64(i)
	}
	return t, nil
}

// Score works every token out anew.
func (e *Engine) Score(ctx context.Context, requests []model.Request) ([]model.Scored, error) {
	all := make([]model.Scored, len(requests))
	for k, r := range requests {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		s := &all[k]
		s.TokenIDs = r.IDs
		text := make([]byte, len(r.IDs))
		for i, id := range r.IDs {
			text[i] = byte(id)
		}
		for t := range text {
			lps := LogProbs(text[:t])
			lp := lps[text[t]]
			rank, mean, square := int64(1), 0.0, 0.0
			for _, v := range lps {
				if v > lp {
					rank++
				}
				mean += math.Exp(v) * v
				square += math.Exp(v) * v * v
			}
			if t < r.From {
				lp = math.NaN()
			} else {
				e.Asked.Add(1)
			}
			s.LogProbs, s.Ranks = append(s.LogProbs, lp), append(s.Ranks, rank)
			s.Means, s.Deviations = append(s.Means, mean), append(s.Deviations, math.Sqrt(max(0, square-mean*mean)))
			if r.Top > 0 {
				ids, values := top(lps, r.Top)
				s.TopIDs, s.TopLogProbs = append(s.TopIDs, ids), append(s.TopLogProbs, values)
			}
		}
		if e.Edit != nil {
			e.Edit(s)
		}
	}
	return all, nil
}

// top returns the k likeliest tokens with all that tie with the last.
func top(lps []float64, k int) (ids []int64, values []float64) {
	order := make([]int64, len(lps))
	for i := range order {
		order[i] = int64(i)
	}
	slices.SortFunc(order, func(a, b int64) int { return cmp.Or(cmp.Compare(lps[b], lps[a]), cmp.Compare(a, b)) })
	for i, id := range order {
		if i >= k && lps[id] != values[len(values)-1] {
			break
		}
		ids, values = append(ids, id), append(values, lps[id])
	}
	return ids, values
}

// Generate goes on greedily, or by a sampling that the seed alone decides.
func (e *Engine) Generate(_ context.Context, prompts []model.Prompt) ([]model.Continuation, error) {
	all := make([]model.Continuation, len(prompts))
	for k, p := range prompts {
		text := make([]byte, len(p.IDs))
		for i, id := range p.IDs {
			text[i] = byte(id)
		}
		seed := p.Seed
		for range p.Length {
			lps := LogProbs(text)
			ids, _ := top(lps, max(1, p.TopK))
			seed = seed*6364136223846793005 + 1442695040888963407
			id := ids[0]
			if p.TopK != 1 {
				id = ids[seed>>33%uint64(len(ids))]
			}
			text = append(text, byte(id))
			all[k].IDs, all[k].LogProbs = append(all[k].IDs, id), append(all[k].LogProbs, lps[id])
		}
		all[k].Text = text[len(p.IDs):]
	}
	return all, nil
}

// Close does nothing.
func (e *Engine) Close() error { return nil }
