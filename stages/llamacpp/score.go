//go:build llamacpp

package llamacpp

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"github.com/hybridgroup/yzma/pkg/llama"

	"palimpsest/stages/model"
)

// Score returns what the model says of the requests' tokens.
func (e *engine) Score(ctx context.Context, requests []model.Request) ([]model.Scored, error) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	scored := make([]model.Scored, len(requests))
	for i := range requests {
		var err error
		if scored[i], err = e.score(ctx, &requests[i]); err != nil {
			return nil, fmt.Errorf("llamacpp: request %d: %w", i, err)
		}
	}
	return scored, nil
}

func (e *engine) score(ctx context.Context, r *model.Request) (s model.Scored, err error) {
	tokens, err := e.check(ctx, r.Text, r.IDs)
	if err != nil {
		return s, err
	}
	n := len(tokens.IDs)
	if n > e.facts.Context {
		return s, fmt.Errorf("%d tokens; the context has %d", n, e.facts.Context)
	}
	s = model.Scored{
		LogProbs: make([]float64, n), TokenIDs: slices.Clone(tokens.IDs), Offsets: tokens.Offsets, Ranks: make([]int64, n),
		Means: make([]float64, n), Deviations: make([]float64, n),
	}
	if r.Top > 0 {
		s.TopIDs, s.TopLogProbs = make([][]int64, n), make([][]float64, n)
	}
	first := 1 - len(e.bos) // the first input says what this token is
	from := max(r.From, first)
	for t := range min(from, n) {
		s.LogProbs[t], s.Means[t], s.Deviations[t] = math.NaN(), math.NaN(), math.NaN()
	}
	if from >= n {
		return s, nil
	}
	input := slices.Clone(e.bos)
	for _, id := range tokens.IDs[:n-1] {
		input = append(input, llama.Token(id))
	}
	if err := e.forget(); err != nil {
		return s, err
	}
	for at := 0; at < len(input); at += batchTokens {
		if err := ctx.Err(); err != nil {
			return s, err
		}
		part := input[at:min(at+batchTokens, len(input))]
		want := max(0, from-first-at)
		if err := e.read(part, at, want); err != nil {
			return s, err
		}
		for i := want; i < len(part); i++ {
			if err := e.fill(&s, first+at+i, i, r.Top); err != nil {
				return s, fmt.Errorf("token %d: %w", first+at+i, err)
			}
		}
	}
	return s, nil
}

// fill takes a token's values from the logits after the i-th token of the last read.
func (e *engine) fill(s *model.Scored, token, i, top int) error {
	logits, err := e.logits(i)
	if err != nil {
		return err
	}
	d, err := newDistribution(logits)
	if err != nil {
		return err
	}
	own := logits[s.TokenIDs[token]]
	s.LogProbs[token], s.Ranks[token] = d.of(own), model.Rank(logits, own)
	s.Means[token], s.Deviations[token] = d.mean, d.deviation
	if top > 0 {
		s.TopIDs[token] = model.Likeliest(logits, top)
		for _, id := range s.TopIDs[token] {
			s.TopLogProbs[token] = append(s.TopLogProbs[token], d.of(logits[id]))
		}
	}
	return nil
}

// Generate continues the prompts. The draws of a prompt come from a PCG generator of its seed (math/rand/v2), one number a token, so they
// depend on nothing else. A prompt that is empty, for a model without BOS, is an error: there is nothing to continue.
func (e *engine) Generate(ctx context.Context, prompts []model.Prompt) ([]model.Continuation, error) {
	e.mutex.Lock()
	defer e.mutex.Unlock()
	continuations := make([]model.Continuation, len(prompts))
	for i := range prompts {
		var err error
		if continuations[i], err = e.generate(ctx, &prompts[i]); err != nil {
			return nil, fmt.Errorf("llamacpp: prompt %d: %w", i, err)
		}
	}
	return continuations, nil
}

func (e *engine) generate(ctx context.Context, p *model.Prompt) (c model.Continuation, err error) {
	tokens, err := e.check(ctx, p.Text, p.IDs)
	switch {
	case err != nil:
		return c, err
	case len(tokens.IDs)+max(p.Length, 0) > e.facts.Context:
		return c, fmt.Errorf("%d tokens and %d to come; the context has %d", len(tokens.IDs), p.Length, e.facts.Context)
	case len(e.bos)+len(tokens.IDs) == 0:
		return c, fmt.Errorf("an empty prompt, and the model has no BOS to begin with")
	}
	pending := slices.Clone(e.bos)
	for _, id := range tokens.IDs {
		pending = append(pending, llama.Token(id))
	}
	if err := e.forget(); err != nil {
		return c, err
	}
	random := rand.New(rand.NewPCG(p.Seed, 0))
	for at := 0; len(c.IDs) < p.Length; {
		if err := ctx.Err(); err != nil {
			return c, err
		}
		part := pending[:min(batchTokens, len(pending))]
		want := len(part) // no logits yet
		if len(part) == len(pending) {
			want--
		}
		if err := e.read(part, at, want); err != nil {
			return c, err
		}
		at, pending = at+len(part), pending[len(part):]
		if len(pending) > 0 {
			continue
		}
		logits, err := e.logits(len(part) - 1)
		if err != nil {
			return c, err
		}
		d, err := newDistribution(logits)
		if err != nil {
			return c, err
		}
		id := model.Draw(logits, p.TopK, math.Exp, random)
		if e.ends[id] {
			c.Ended = true
			break
		}
		c.IDs, c.LogProbs = append(c.IDs, id), append(c.LogProbs, d.of(logits[id]))
		c.Text = append(c.Text, e.pieces[id]...)
		pending = []llama.Token{llama.Token(id)}
	}
	return c, nil
}
