package server

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"math"

	"palimpsest/stages/model"
)

// sglang asks SGLang's native route (https://docs.sglang.ai): /generate with input_ids. meta_info.input_token_logprobs is a list of
// [value, id, text or null], the first with null for a value; input_top_logprobs likewise holds a list of them a position.
type sglang struct{}

func (sglang) open(ctx context.Context, e *Engine) error {
	var models modelList
	if err := e.client.call(ctx, "GET", "/v1/models", nil, smallReply, &models); err != nil {
		return err
	}
	if err := e.chooseModel(models.names()); err != nil {
		return err
	}
	var info struct {
		Version   string `json:"version"`
		Longest   int    `json:"max_req_input_len"`
		Dtype     string `json:"dtype"`
		CacheType string `json:"kv_cache_dtype"`
		Attention string `json:"attention_backend"`
	}
	if err := e.client.call(once(ctx), "GET", "/get_server_info", nil, smallReply, &info); err == nil {
		e.facts.Version = info.Version
		for name, value := range map[string]string{"dtype": info.Dtype, "kv_cache_dtype": info.CacheType, "attention": info.Attention} {
			if value != "" {
				e.facts.Settings[name] = value
			}
		}
	}
	if err := e.chooseBOS(func() ([]int64, error) { return tokenizeBOS(ctx, e) }); err != nil {
		return err
	}
	if err := e.checkTokenizer(ctx); err != nil {
		return err
	}
	const kept = 6 // SGLang keeps some positions of the context to itself
	longest := info.Longest
	if n := models.context(e.facts.Model); longest == 0 && n > kept {
		longest = n - kept
	}
	e.limitContext(longest)
	e.batch = e.options.Batch
	return e.findTop(ctx, probeText)
}

func (sglang) encode(ctx context.Context, e *Engine, text string) (model.Tokens, error) {
	return vllm{}.encode(ctx, e, text)
}

// decode asks for a prompt's values, which may come with the tokens' strings: versions without /tokenize give those too.
func (sglang) decode(ctx context.Context, e *Engine, ids []int64) ([]string, error) {
	var replies []sglangReply
	err := e.client.call(ctx, "POST", "/generate", map[string]any{
		"input_ids": [][]int64{ids}, "sampling_params": map[string]any{"max_new_tokens": 1, "temperature": 0},
		"return_logprob": true, "logprob_start_len": 0, "return_text_in_logprobs": true,
	}, replyLimit(len(ids), 0), &replies)
	if err != nil || len(replies) != 1 || len(replies[0].Meta.Input) != len(ids) {
		return nil, cmp.Or(err, errNoRoute)
	}
	var pieces []string
	for _, t := range replies[0].Meta.Input {
		if t.text == nil {
			return nil, errNoRoute
		}
		pieces = append(pieces, *t.text)
	}
	return pieces, nil
}

// triple is [value, id, text or null].
type triple struct {
	lp   *float64
	id   int64
	text *string
}

func (t *triple) UnmarshalJSON(b []byte) error {
	var parts []json.RawMessage
	if err := json.Unmarshal(b, &parts); err != nil {
		return err
	}
	if len(parts) < 2 {
		return errors.New("an entry of input_token_logprobs has fewer than two parts")
	}
	if err := json.Unmarshal(parts[0], &t.lp); err != nil {
		return err
	}
	if len(parts) > 2 {
		if err := json.Unmarshal(parts[2], &t.text); err != nil {
			return err
		}
	}
	return json.Unmarshal(parts[1], &t.id)
}

type sglangReply struct {
	Text string  `json:"text"`
	IDs  []int64 `json:"output_ids"`
	Meta struct {
		Prompt int        `json:"prompt_tokens"`
		Input  []triple   `json:"input_token_logprobs"`
		Top    [][]triple `json:"input_top_logprobs"`
		Output []triple   `json:"output_token_logprobs"`
		Finish *struct {
			Type    string          `json:"type"`
			Matched json.RawMessage `json:"matched"`
		} `json:"finish_reason"`
	} `json:"meta_info"`
}

func (sglang) score(ctx context.Context, e *Engine, requests []model.Request) ([]model.Scored, error) {
	top := requests[0].Top
	prompts := make([][]int64, len(requests))
	total := 0
	for i, r := range requests {
		prompts[i] = e.prompt(r.IDs)
		total += len(prompts[i])
	}
	var replies []sglangReply
	err := e.client.call(ctx, "POST", "/generate", map[string]any{
		"input_ids": prompts, "sampling_params": map[string]any{"max_new_tokens": 1, "temperature": 0},
		"return_logprob": true, "logprob_start_len": 0, "top_logprobs_num": top,
	}, replyLimit(total, top), &replies)
	if err != nil {
		return nil, err
	}
	return sglangValues(replies, requests, e.bos)
}

func sglangValues(replies []sglangReply, requests []model.Request, bos []int64) ([]model.Scored, error) {
	if len(replies) != len(requests) {
		return nil, model.Faultf(model.CheckCount, "%d answers to %d prompts", len(replies), len(requests))
	}
	out := make([]model.Scored, len(requests))
	for i, r := range replies {
		ids, b := requests[i].IDs, len(bos)
		input := r.Meta.Input
		if len(input) == 0 {
			return nil, model.Faultf(model.CheckCount, "the server ignores return_logprob: no value for the prompt's %d tokens", len(ids))
		}
		if got, want := len(input), b+len(ids); got != want {
			return nil, short(got, want, "")
		}
		if got, want := r.Meta.Prompt, b+len(ids); got > 0 && got != want {
			return nil, short(got, want, ", as prompt_tokens says")
		}
		s := blank(ids)
		top := requests[i].Top
		if top > 0 {
			if len(r.Meta.Top) != len(input) {
				return nil, model.Faultf(model.CheckCount, "likeliest tokens for %d of %d tokens", len(r.Meta.Top), len(input))
			}
			s.TopIDs, s.TopLogProbs = make([][]int64, len(ids)), make([][]float64, len(ids))
		}
		for t, id := range ids {
			at := input[b+t]
			if at.id != id {
				return nil, model.Faultf(model.CheckIdentity, "token %d of %d was sent as id %d and comes back as %d", t, len(ids), id, at.id)
			}
			if at.lp == nil {
				if b+t > 0 {
					return nil, missing(t, len(ids))
				}
				continue
			}
			s.LogProbs[t] = *at.lp
			if top == 0 {
				continue
			}
			entries := make([]entry, 0, len(r.Meta.Top[b+t]))
			for _, v := range r.Meta.Top[b+t] {
				if v.lp == nil {
					return nil, model.Faultf(model.CheckRange, "a likeliest token at token %d has no value", t)
				}
				entries = append(entries, entry{v.id, *v.lp})
			}
			s.TopIDs[t], s.TopLogProbs[t] = likeliest(entries, min(top, len(entries)))
		}
		out[i] = s
	}
	return out, nil
}

func (sglang) generate(ctx context.Context, e *Engine, p model.Prompt) (model.Continuation, error) {
	params := map[string]any{"max_new_tokens": p.Length, "temperature": 0, "top_k": -1}
	neutral(params)
	if p.TopK != 1 {
		params["temperature"], params["sampling_seed"] = 1, seed31(p.Seed)
		if p.TopK > 0 {
			params["top_k"] = p.TopK
		}
	}
	var replies []sglangReply
	err := e.client.call(ctx, "POST", "/generate", map[string]any{
		"input_ids": [][]int64{e.prompt(p.IDs)}, "sampling_params": params, "return_logprob": true,
	}, replyLimit(p.Length+len(p.IDs), 1), &replies)
	if err != nil {
		return model.Continuation{}, err
	}
	if len(replies) != 1 {
		return model.Continuation{}, model.Faultf(model.CheckCount, "%d answers to one prompt", len(replies))
	}
	return replies[0].continuation(), nil
}

func (r sglangReply) continuation() model.Continuation {
	out := model.Continuation{Text: []byte(r.Text)}
	for _, t := range r.Meta.Output {
		lp := math.NaN()
		if t.lp != nil {
			lp = *t.lp
		}
		out.IDs, out.LogProbs = append(out.IDs, t.id), append(out.LogProbs, lp)
	}
	if out.IDs == nil {
		out.IDs = r.IDs
	}
	if f := r.Meta.Finish; f != nil && f.Type == "stop" {
		out.Ended = true
		var id int64
		if n := len(out.IDs); n > 0 && json.Unmarshal(f.Matched, &id) == nil && out.IDs[n-1] == id {
			out.IDs = out.IDs[:n-1]
			out.LogProbs = out.LogProbs[:min(n-1, len(out.LogProbs))]
		}
	}
	return out
}
