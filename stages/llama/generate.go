package llama

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"

	"palimpsest/stages/model"
)

// Generate continues the prompts. The draws of a prompt come from a PCG generator of its seed (math/rand/v2), one number a token, so they
// depend on nothing else. A prompt that is empty, for a model without BOS, is an error: there is nothing to continue.
func (e *Engine) Generate(ctx context.Context, prompts []model.Prompt) ([]model.Continuation, error) {
	texts := make([]*writing, len(prompts))
	for i, r := range prompts {
		t, err := e.check(ctx, r.Text, r.IDs)
		switch {
		case err != nil:
		case len(t.IDs)+max(r.Length, 0) > e.facts.Context:
			err = fmt.Errorf("%d tokens and %d to come; the context has %d", len(t.IDs), r.Length, e.facts.Context)
		case len(e.bos)+len(t.IDs) == 0:
			err = fmt.Errorf("an empty prompt, and the model has no BOS to begin with")
		}
		if err != nil {
			return nil, fmt.Errorf("llama: prompt %d: %w", i, err)
		}
		texts[i] = &writing{
			pending: append(slices.Clone(e.bos), t.IDs...), length: r.Length, k: r.TopK,
			random: rand.New(rand.NewPCG(r.Seed, 0)),
		}
	}
	err := e.share(ctx, len(texts), func(ctx context.Context, p *pass, next func() int) error {
		return e.write(ctx, p, texts, next)
	})
	if err != nil {
		return nil, fmt.Errorf("llama: %w", err)
	}
	continuations := make([]model.Continuation, len(texts))
	for i, t := range texts {
		for _, id := range t.to.IDs {
			t.to.Text = append(t.to.Text, e.tokenizer.Bytes(id)...)
		}
		continuations[i] = t.to
	}
	return continuations, nil
}

// writing is a text while it is continued.
type writing struct {
	cache   cache
	pending []int64 // tokens that the model has yet to read
	length  int
	k       int
	random  *rand.Rand
	to      model.Continuation
}

// together is how many texts a goroutine continues side by side: a step takes the weights from memory once for all of them.
const together = 16

// write takes texts until there are none, and continues up to sixteen side by side.
func (e *Engine) write(ctx context.Context, p *pass, texts []*writing, next func() int) error {
	var (
		segments   []segment
		open, read []*writing // read: whose pending tokens are all in the batch, in its order
	)
	defer func() {
		for _, t := range open {
			p.pages.release(&t.cache)
		}
	}()
	for {
		for len(open) < together {
			i := next()
			if i == len(texts) {
				break
			}
			if texts[i].length > 0 {
				open = append(open, texts[i])
			}
		}
		if len(open) == 0 {
			return nil
		}
		segments, read = segments[:0], read[:0]
		room := batch
		for _, t := range open {
			n := min(room, len(t.pending))
			if n == 0 {
				break
			}
			s := segment{cache: &t.cache, ids: t.pending[:n], want: n}
			if n == len(t.pending) {
				s.want = n - 1
				read = append(read, t)
			}
			segments = append(segments, s)
			t.pending, room = t.pending[n:], room-n
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		p.forward(segments)
		for i, t := range read {
			if err := t.step(p.logitsOf(i), p.vocabulary, e.ends); err != nil {
				return err
			}
		}
		open = slices.DeleteFunc(open, func(t *writing) bool {
			done := t.to.Ended || len(t.to.IDs) == t.length
			if done {
				p.pages.release(&t.cache)
			}
			return done
		})
	}
}

// step chooses the next token.
func (t *writing) step(logits []float32, vocabulary int, ends map[int64]bool) error {
	d, ok := newDistribution(logits)
	if !ok {
		return ErrBroken
	}
	id := model.Draw(logits[:vocabulary], t.k, Exp, t.random)
	if ends[id] {
		t.to.Ended = true
		return nil
	}
	t.to.IDs = append(t.to.IDs, id)
	t.to.LogProbs = append(t.to.LogProbs, d.of(logits[id]))
	t.pending = append(t.pending, id)
	return nil
}
