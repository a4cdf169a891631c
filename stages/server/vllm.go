package server

import (
	"context"
	"math"
	"strconv"

	"palimpsest/stages/model"
)

// vllm asks vLLM's own server (https://docs.vllm.ai): the log-probabilities of a prompt are its extension prompt_logprobs of OpenAI's
// completions. The first entry is null; every other maps token ids, as strings, to values, the N likeliest and the prompt's own token on
// top. -9999 stands for minus infinity.
type vllm struct{}

// modelList is the reply of /v1/models; vLLM and SGLang add max_model_len, llama.cpp meta.
type modelList struct {
	Data []struct {
		ID          string `json:"id"`
		MaxModelLen int    `json:"max_model_len"`
		Meta        struct {
			Vocabulary int   `json:"n_vocab"`
			Parameters int64 `json:"n_params"`
			Size       int64 `json:"size"`
		} `json:"meta"`
	} `json:"data"`
}

func (l modelList) names() []string {
	var names []string
	for _, m := range l.Data {
		names = append(names, m.ID)
	}
	return names
}

// context returns how many tokens the named model takes, 0 where the list does not say.
func (l modelList) context(name string) int {
	for _, m := range l.Data {
		if m.ID == name {
			return m.MaxModelLen
		}
	}
	return 0
}

// smallReply bounds replies whose length does not depend on the question.
const smallReply = 4 << 20

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
	e.limitContext(models.context(e.facts.Model))
	e.batch = e.options.Batch
	e.facts.Ranks = true
	return e.findTop(ctx, probeText)
}

// tokenizeReply is that of /tokenize of vLLM and SGLang.
type tokenizeReply struct {
	Tokens  []int64  `json:"tokens"`
	Strings []string `json:"token_strs"`
}

func tokenizeRoute(ctx context.Context, e *Engine, text string, special bool) (tokenizeReply, error) {
	var reply tokenizeReply
	err := e.client.call(ctx, "POST", "/tokenize", map[string]any{
		"model": e.facts.Model, "prompt": text, "add_special_tokens": special, "return_token_strs": true,
	}, smallReply+replyLimit(len(text), 0), &reply)
	return reply, err
}

// tokenizeBOS returns what the server's tokenizer puts before a text.
func tokenizeBOS(ctx context.Context, e *Engine) ([]int64, error) {
	with, err := tokenizeRoute(ctx, e, probeText, true)
	if err != nil {
		return nil, err
	}
	without, err := tokenizeRoute(ctx, e, probeText, false)
	if err != nil {
		return nil, err
	}
	for n := range with.Tokens {
		rest := with.Tokens[n:]
		if len(rest) >= len(without.Tokens) && equalIDs(rest[:len(without.Tokens)], without.Tokens) {
			return with.Tokens[:n:n], nil // an end-of-text token may follow: it conditions nothing
		}
	}
	return nil, model.Faultf(model.CheckIdentity, "/tokenize gives other tokens with special tokens than without")
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

// completion is the reply of /v1/completions, of every kind of server.
type completion struct {
	Choices []struct {
		Index    int    `json:"index"`
		Text     string `json:"text"`
		Finish   string `json:"finish_reason"`
		Logprobs *struct {
			Tokens  []string              `json:"tokens"`
			Values  []*float64            `json:"token_logprobs"`
			Top     []map[string]*float64 `json:"top_logprobs"`
			Content []chatEntry           `json:"content"` // the shape of chat completions, which llama.cpp's server gives
			Offsets []int64               `json:"text_offset"`
		} `json:"logprobs"`
		Prompt []map[string]struct {
			LP   *float64 `json:"logprob"`
			Rank *int64   `json:"rank"`
		} `json:"prompt_logprobs"`
	} `json:"choices"`
	Usage *struct {
		Prompt     int  `json:"prompt_tokens"`
		Completion *int `json:"completion_tokens"`
	} `json:"usage"`
}

type chatEntry struct {
	ID int64    `json:"id"`
	LP *float64 `json:"logprob"`
}

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
	sampling(ask, p)
	var reply completion
	if err := e.client.call(ctx, "POST", "/v1/completions", ask, replyLimit(p.Length, 1), &reply); err != nil {
		return model.Continuation{}, err
	}
	return reply.continuation()
}

// sampling adds what vLLM and llama-cpp-python call the parameters.
func sampling(ask map[string]any, p model.Prompt) {
	if p.TopK == 1 {
		ask["temperature"] = 0
		return
	}
	ask["temperature"], ask["top_p"], ask["min_p"], ask["seed"] = 1, 1, 0, seed31(p.Seed)
	ask["top_k"] = -1
	if p.TopK > 0 {
		ask["top_k"] = p.TopK
	}
}

// continuation reads a generated text. The ids are known where the server writes token_id:N for a token; the token that ended the text is
// then the last of them.
func (c *completion) continuation() (model.Continuation, error) {
	if len(c.Choices) != 1 {
		return model.Continuation{}, model.Faultf(model.CheckCount, "%d choices for one prompt", len(c.Choices))
	}
	choice := &c.Choices[0]
	out := model.Continuation{Text: []byte(choice.Text), Ended: choice.Finish == "stop"}
	if choice.Logprobs == nil || len(choice.Logprobs.Values) != len(choice.Logprobs.Tokens) {
		return out, nil
	}
	ids, known := tokenIDs(choice.Logprobs.Tokens)
	for _, v := range choice.Logprobs.Values {
		if v == nil {
			out.LogProbs = append(out.LogProbs, math.NaN())
			continue
		}
		out.LogProbs = append(out.LogProbs, *v)
	}
	if known {
		out.IDs = ids
		if n := len(ids); out.Ended && n > 0 {
			out.IDs, out.LogProbs = out.IDs[:n-1], out.LogProbs[:n-1]
		}
	}
	return out, nil
}
