package server

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"golang.org/x/sync/errgroup"

	"palimpsest/stages/model"
)

// Score returns what the model says of the requests' tokens. Answers that the cache has are not asked for; the others go out in
// batches, and each is kept as soon as it is there. Equal requests are asked once unless they are Fresh. A request without ids gets
// them from Tokenize.
func (e *Engine) Score(ctx context.Context, requests []model.Request) ([]model.Scored, error) {
	todo := make([]model.Request, len(requests))
	out := make([]model.Scored, len(requests))
	found := make([]bool, len(requests))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(e.options.Concurrency)
	for i, r := range requests {
		g.Go(func() (err error) {
			if todo[i], err = e.prepare(gctx, r); err != nil {
				return fmt.Errorf("request %d of %d: %w", i+1, len(requests), err)
			}
			switch {
			case len(todo[i].IDs) == 0:
				found[i] = true // nothing to ask
			case e.cache != nil && !r.Fresh:
				found[i], err = e.cache.get(gctx, e.cache.scoreKey(todo[i]), &out[i])
			}
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	if err := e.ask(ctx, todo, found, out); err != nil {
		return nil, err
	}
	return out, nil
}

// prepare returns a request with its ids, or says why it cannot be sent.
func (e *Engine) prepare(ctx context.Context, r model.Request) (model.Request, error) {
	if r.IDs == nil && len(r.Text) > 0 {
		tokens, err := e.Tokenize(ctx, r.Text)
		if err != nil {
			return r, err
		}
		r.IDs = tokens.IDs
	}
	n := len(r.IDs)
	if most := e.facts.Context; most > 0 && n > most {
		return r, fmt.Errorf("%d tokens are more than the server's context takes, %d", n, most)
	}
	if r.From < 0 || r.From > n {
		return r, fmt.Errorf("token %d is asked for as the first of %d", r.From, n)
	}
	if !e.partial {
		r.From = 0
	}
	if e.texts && n > 0 {
		return r, sendable(r.Text)
	}
	return r, nil
}

// ask sends the requests that were not found, in batches of equal Top whose replies stay below mostReply, and fills out.
func (e *Engine) ask(ctx context.Context, todo []model.Request, found []bool, out []model.Scored) error {
	var order []int             // requests to send
	twins := map[string][]int{} // others equal to one that is sent, by its key
	names := make([]string, len(todo))
	for i, r := range todo {
		if found[i] {
			continue
		}
		if !r.Fresh {
			names[i] = requestName(r)
			if same, ok := twins[names[i]]; ok {
				twins[names[i]] = append(same, i)
				continue
			}
			twins[names[i]] = nil
		}
		order = append(order, i)
	}
	slices.SortStableFunc(order, func(a, b int) int { return todo[a].Top - todo[b].Top })
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(e.options.Concurrency)
	for len(order) > 0 {
		n, top, tokens := 1, todo[order[0]].Top, e.sent(todo[order[0]])
		for n < len(order) && n < e.batch && todo[order[n]].Top == top {
			if tokens += e.sent(todo[order[n]]); replyLimit(tokens, top) > mostReply {
				break
			}
			n++
		}
		part := order[:n]
		order = order[n:]
		g.Go(func() error { return e.askBatch(gctx, part, todo, out) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for i, name := range names {
		if name == "" {
			continue
		}
		for _, twin := range twins[name] {
			if twin != i {
				out[twin] = clone(out[i])
			}
		}
		delete(twins, name)
	}
	return nil
}

func (e *Engine) askBatch(ctx context.Context, part []int, todo []model.Request, out []model.Scored) error {
	requests := make([]model.Request, len(part))
	for k, i := range part {
		requests[k] = todo[i]
	}
	scored, err := e.protocol.score(ctx, e, requests)
	if err != nil {
		return fmt.Errorf("score %d texts with %s: %w", len(part), e.facts.Model, err)
	}
	if len(scored) != len(part) {
		return model.Faultf(model.CheckCount, "%d answers to %d texts in a request", len(scored), len(part))
	}
	for k, i := range part {
		if got, want := len(scored[k].LogProbs), len(todo[i].IDs); got != want {
			return model.Faultf(model.CheckCount, "%d values for %d tokens", got, want)
		}
		out[i] = scored[k]
		if e.cache != nil && !todo[i].Fresh {
			if err := e.cache.put(ctx, e.cache.scoreKey(todo[i]), scored[k]); err != nil {
				return err
			}
		}
	}
	return nil
}

func clone(s model.Scored) model.Scored {
	return model.Scored{
		LogProbs: slices.Clone(s.LogProbs), TokenIDs: slices.Clone(s.TokenIDs), Offsets: slices.Clone(s.Offsets),
		Ranks: slices.Clone(s.Ranks), Means: slices.Clone(s.Means), Deviations: slices.Clone(s.Deviations),
		TopIDs: cloneAll(s.TopIDs), TopLogProbs: cloneAll(s.TopLogProbs),
	}
}

func cloneAll[T any](lists [][]T) [][]T {
	if lists == nil {
		return nil
	}
	out := make([][]T, len(lists))
	for i, l := range lists {
		out[i] = slices.Clone(l)
	}
	return out
}

// Generate continues the prompts, each with a request of its own; the answers are kept like those of Score. Servers draw with their own
// generators, of which they promise nothing for equal seeds.
func (e *Engine) Generate(ctx context.Context, prompts []model.Prompt) ([]model.Continuation, error) {
	out := make([]model.Continuation, len(prompts))
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(e.options.Concurrency)
	for i, p := range prompts {
		g.Go(func() error {
			if err := e.generate(gctx, p, &out[i]); err != nil {
				return fmt.Errorf("continue prompt %d of %d with %s: %w", i+1, len(prompts), e.facts.Model, err)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, err
	}
	return out, nil
}

func (e *Engine) generate(ctx context.Context, p model.Prompt, out *model.Continuation) error {
	if p.Length < 1 {
		return errors.New("a continuation of no tokens is asked for")
	}
	if p.IDs == nil && len(p.Text) > 0 && !e.texts {
		tokens, err := e.Tokenize(ctx, p.Text)
		if err != nil {
			return err
		}
		p.IDs = tokens.IDs
	}
	if len(p.IDs)+len(p.Text) == 0 && len(e.bos) == 0 {
		return errors.New("an empty prompt without BOS cannot be continued")
	}
	if e.texts {
		if err := sendable(p.Text); err != nil {
			return err
		}
	}
	if most := e.facts.Context; most > 0 && len(p.IDs)+p.Length > most+1 {
		return fmt.Errorf("a prompt of %d tokens and a continuation of %d are more than the server's context takes, %d",
			len(p.IDs), p.Length, most+1)
	}
	if e.cache != nil {
		if ok, err := e.cache.get(ctx, e.cache.promptKey(p), out); ok || err != nil {
			return err
		}
	}
	c, err := e.protocol.generate(ctx, e, p)
	if err != nil {
		return err
	}
	if len(c.IDs) > p.Length || c.LogProbs != nil && c.IDs != nil && len(c.LogProbs) != len(c.IDs) {
		return model.Faultf(model.CheckCount, "%d tokens with %d values came for a continuation of %d", len(c.IDs), len(c.LogProbs), p.Length)
	}
	if c.IDs == nil {
		if c.IDs, err = e.written(ctx, p, c); err != nil {
			return err
		}
	}
	*out = c
	if e.cache != nil {
		return e.cache.put(ctx, e.cache.promptKey(p), c)
	}
	return nil
}

// sent returns of how many tokens a reply tells: BOS, those of the request, and one that is generated.
func (e *Engine) sent(r model.Request) int { return len(e.bos) + len(r.IDs) + 1 }

// prompt returns the ids that are sent for a text's ids.
func (e *Engine) prompt(ids []int64) []int64 { return slices.Concat(e.bos, ids) }

// seed31 folds a seed into what every server takes.
func seed31(seed uint64) int64 { return int64((seed ^ seed>>31 ^ seed>>62) & (1<<31 - 1)) }

const (
	// entryBytes bounds what a token takes in a reply, its own value or one of the likeliest. vLLM's, with the name of each number, take 75
	// to 100, the others' less; a token of many bytes takes more, but not all are.
	entryBytes = 160
	// mostReply bounds the reply to a batch, which is read whole. A text that needs more is asked for alone.
	mostReply = 64 << 20
)

// replyLimit bounds the reply to a request for so many tokens with so many likeliest each.
func replyLimit(tokens, top int) int64 { return 1<<20 + int64(tokens)*int64(top+2)*entryBytes }
