package server

import (
	"context"
	"strconv"

	"palimpsest/stages/model"
)

// vllm asks vLLM's own server (https://docs.vllm.ai): the log-probabilities of a prompt are its extension prompt_logprobs of OpenAI's
// completions. The first entry is null; every other maps token ids, as strings, to values, the N likeliest and the prompt's own token on
// top. -9999 stands for minus infinity.
type vllm struct{}

func (p vllm) open(ctx context.Context, e *Engine) error {
	var models modelList
	if err := e.client.call(ctx, "GET", "/v1/models", nil, smallReply, &models); err != nil {
		return err
	}
	if err := e.chooseModel(models.names()); err != nil {
		return err
	}
	var version struct {
		Version string `json:"version"`
	}
	if err := e.client.call(once(ctx), "GET", "/version", nil, smallReply, &version); err == nil {
		e.facts.Version = version.Version
	}
	if err := e.chooseBOS(func() ([]int64, error) { return tokenizeBOS(ctx, e) }); err != nil {
		return err
	}
	if err := e.checkTokenizer(ctx); err != nil {
		return err
	}
	e.limitContext(models.context(e.facts.Model))
	e.batch = e.options.Batch
	e.facts.Ranks = true
	return e.findTop(ctx, probeText)
}

func (vllm) encode(ctx context.Context, e *Engine, text string) (model.Tokens, error) {
	reply, err := tokenizeRoute(ctx, e, text, false)
	if err != nil {
		return model.Tokens{}, err
	}
	tokens := model.Tokens{IDs: reply.Tokens}
	if len(reply.Strings) == len(reply.Tokens) {
		tokens.Offsets = offsetsOf(text, reply.Strings)
	}
	return tokens, nil
}

func (vllm) decode(context.Context, *Engine, []int64) ([]string, error) { return nil, errNoRoute }

func (vllm) score(ctx context.Context, e *Engine, requests []model.Request) ([]model.Scored, error) {
	top := requests[0].Top
	prompts := make([][]int64, len(requests))
	total := 0
	for i, r := range requests {
		prompts[i] = e.prompt(r.IDs)
		total += len(prompts[i])
	}
	var reply completion
	err := e.client.call(ctx, "POST", "/v1/completions", map[string]any{
		"model": e.facts.Model, "prompt": prompts, "max_tokens": 1, "temperature": 0, "prompt_logprobs": top,
	}, replyLimit(total, top), &reply)
	if err != nil {
		return nil, err
	}
	return reply.promptValues(requests, len(e.bos), total)
}

// promptValues reads prompt_logprobs. bos tokens come before those of each request; total is how many were sent in all.
func (c *completion) promptValues(requests []model.Request, bos, total int) ([]model.Scored, error) {
	if len(c.Choices) != len(requests) {
		return nil, model.Faultf(model.CheckCount, "%d choices for %d prompts", len(c.Choices), len(requests))
	}
	out := make([]model.Scored, len(requests))
	for k := range c.Choices {
		choice := &c.Choices[k]
		i := choice.Index
		if i < 0 || i >= len(out) || out[i].LogProbs != nil {
			return nil, model.Faultf(model.CheckCount, "choices are numbered wrongly: %d of %d comes twice or is none", i, len(out))
		}
		if choice.Prompt == nil {
			return nil, model.Faultf(model.CheckCount, "the server ignores prompt_logprobs: no value for the prompt's %d tokens; it is not "+
				"vLLM, or too old", len(requests[i].IDs))
		}
		ids := requests[i].IDs
		if got, want := len(choice.Prompt), bos+len(ids); got != want {
			return nil, short(got, want, "")
		}
		s := blank(ids)
		s.Ranks = make([]int64, len(ids))
		if requests[i].Top > 0 {
			s.TopIDs, s.TopLogProbs = make([][]int64, len(ids)), make([][]float64, len(ids))
		}
		for t, id := range ids {
			at := choice.Prompt[bos+t]
			if len(at) == 0 && bos+t == 0 {
				continue // the first token of all has no value
			}
			own, ok := at[strconv.FormatInt(id, 10)]
			switch {
			case len(at) == 0 || ok && own.LP == nil:
				return nil, missing(t, len(ids))
			case !ok:
				return nil, model.Faultf(model.CheckIdentity, "token %d of %d was sent as id %d and comes back without it", t, len(ids), id)
			}
			s.LogProbs[t] = *own.LP
			if s.Ranks != nil && own.Rank != nil {
				s.Ranks[t] = *own.Rank
			} else {
				s.Ranks = nil
			}
			if requests[i].Top > 0 {
				entries := make([]entry, 0, len(at))
				for name, v := range at {
					other, err := strconv.ParseInt(name, 10, 64)
					if err != nil || v.LP == nil {
						return nil, model.Faultf(model.CheckIdentity, "likeliest token %q at token %d is no id with a value", name, t)
					}
					entries = append(entries, entry{other, *v.LP})
				}
				s.TopIDs[t], s.TopLogProbs[t] = likeliest(entries, min(requests[i].Top, len(entries)))
			}
		}
		out[i] = s
	}
	if c.Usage != nil && c.Usage.Prompt > 0 && c.Usage.Prompt != total {
		return nil, short(c.Usage.Prompt, total, ", as its usage says")
	}
	return out, nil
}

func (vllm) generate(ctx context.Context, e *Engine, p model.Prompt) (model.Continuation, error) {
	ask := map[string]any{
		"model": e.facts.Model, "prompt": e.prompt(p.IDs), "max_tokens": p.Length, "logprobs": 0, "return_tokens_as_token_ids": true,
	}
	sampling(ask, p, -1) // versions before 0.9 refuse 0
	var reply completion
	if err := e.client.call(ctx, "POST", "/v1/completions", ask, replyLimit(p.Length, 1), &reply); err != nil {
		return model.Continuation{}, err
	}
	return reply.continuation()
}
