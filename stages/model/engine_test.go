package model_test

import (
	"context"
	"math"
	"slices"
	"sync"

	"palimpsest/stages/model"
)

// byteEngine is an engine whose tokens are bytes, and whose values are a hash of a token and all before it in its request. It counts what
// it is asked for.
type byteEngine struct {
	facts model.Facts
	spoil func(r model.Request, s *model.Scored, nth int) // makes an answer wrong
	err   error

	mu    sync.Mutex
	calls int
	sizes []int         // tokens of each request
	asked map[int64]int // times that the token with this id was asked for
}

func (e *byteEngine) Facts() model.Facts { return e.facts }
func (e *byteEngine) Close() error       { return nil }

func (e *byteEngine) Tokenize(_ context.Context, text []byte) (model.Tokens, error) {
	var t model.Tokens
	for i, b := range text {
		t.IDs, t.Offsets = append(t.IDs, int64(b)), append(t.Offsets, int64(i))
	}
	return t, nil
}

func (e *byteEngine) Generate(context.Context, []model.Prompt) ([]model.Continuation, error) {
	return nil, nil
}

func (e *byteEngine) Score(_ context.Context, requests []model.Request) ([]model.Scored, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.err != nil {
		return nil, e.err
	}
	if e.asked == nil {
		e.asked = map[int64]int{}
	}
	out := make([]model.Scored, len(requests))
	for i, r := range requests {
		e.calls++
		e.sizes = append(e.sizes, len(r.IDs))
		for _, id := range r.IDs[r.From:] {
			e.asked[id]++
		}
		out[i] = value(r)
		if e.spoil != nil {
			e.spoil(r, &out[i], e.calls)
		}
	}
	return out, nil
}

func value(r model.Request) model.Scored {
	s := model.Scored{TokenIDs: slices.Clone(r.IDs)}
	h := uint64(1469598103934665603)
	for _, id := range r.IDs {
		h = (h ^ uint64(id)) * 1099511628211
		s.LogProbs = append(s.LogProbs, -float64((h*0x9E3779B97F4A7C15)>>40)/(1<<22)-.01)
		s.Ranks = append(s.Ranks, 2)
		if r.Top > 0 {
			s.TopIDs, s.TopLogProbs = append(s.TopIDs, []int64{id}), append(s.TopLogProbs, []float64{-.001})
		}
	}
	return s
}

var nan = math.NaN()
