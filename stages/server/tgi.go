package server

import (
	"context"
	"math"

	"palimpsest/stages/model"
)

// tgi asks Hugging Face's text-generation-inference: /generate with decoder_input_details, whose details.prefill lists the prompt's
// tokens as {id, text, logprob}, BOS among them, the first without a value. From version 3 the server gives them only when it was started
// with --enable-prefill-logprobs. It takes text alone and gives no likeliest tokens of a prompt.
type tgi struct{}

func (tgi) open(ctx context.Context, e *Engine) error {
	if err := e.serverBOS(); err != nil {
		return err
	}
	var info struct {
		Model    string `json:"model_id"`
		Revision string `json:"model_sha"`
		Dtype    string `json:"model_dtype"`
		Version  string `json:"version"`
		Input    int    `json:"max_input_tokens"`
		OldInput int    `json:"max_input_length"`
	}
	if err := e.client.call(ctx, "GET", "/info", nil, smallReply, &info); err != nil {
		return err
	}
	if err := e.chooseModel([]string{info.Model}); err != nil {
		return err
	}
	e.facts.Version, e.texts = info.Version, true
	for name, value := range map[string]string{"dtype": info.Dtype, "revision": info.Revision} {
		if value != "" {
			e.facts.Settings[name] = value
		}
	}
	longest := max(info.Input, info.OldInput)
	if longest > 0 {
		longest++ // the limit is that of the prompt alone
	}
	tokens, err := tgiTokenize(ctx, e, probeText)
	if err != nil {
		return err
	}
	for _, t := range tokens {
		if t.Start != t.Stop {
			break
		}
		e.bos = append(e.bos, t.ID)
	}
	if err := e.checkTokenizer(ctx); err != nil {
		return err
	}
	e.limitContext(longest)
	return e.findTop(ctx, probeText)
}

type tgiToken struct {
	ID    int64    `json:"id"`
	Text  string   `json:"text"`
	LP    *float64 `json:"logprob"`
	Start int      `json:"start"`
	Stop  int      `json:"stop"`
}

func tgiTokenize(ctx context.Context, e *Engine, text string) ([]tgiToken, error) {
	var tokens []tgiToken
	err := e.client.call(ctx, "POST", "/tokenize", map[string]any{"inputs": text}, smallReply+replyLimit(len(text), 0), &tokens)
	return tokens, err
}

func (tgi) encode(ctx context.Context, e *Engine, text string) (model.Tokens, error) {
	list, err := tgiTokenize(ctx, e, text)
	if err != nil {
		return model.Tokens{}, err
	}
	if len(list) < len(e.bos) {
		return model.Tokens{}, model.Faultf(model.CheckCount, "/tokenize gives %d tokens, fewer than it puts before a text", len(list))
	}
	var tokens model.Tokens
	var pieces []string
	for _, t := range list[len(e.bos):] {
		tokens.IDs = append(tokens.IDs, t.ID)
		pieces = append(pieces, t.Text)
	}
	tokens.Offsets = offsetsOf(text, pieces) // its start and stop count characters in some versions and bytes in others
	return tokens, nil
}

func (tgi) decode(context.Context, *Engine, []int64) ([]string, error) { return nil, errNoRoute }

type tgiReply struct {
	Text    string `json:"generated_text"`
	Details struct {
		Finish  string     `json:"finish_reason"`
		Prefill []tgiToken `json:"prefill"`
		Tokens  []tgiToken `json:"tokens"`
	} `json:"details"`
}

func (tgi) score(ctx context.Context, e *Engine, requests []model.Request) ([]model.Scored, error) {
	r := requests[0]
	if r.Top > 0 {
		return nil, errNoTop
	}
	var reply tgiReply
	err := e.client.call(ctx, "POST", "/generate", map[string]any{"inputs": string(r.Text), "parameters": map[string]any{
		"max_new_tokens": 1, "do_sample": false, "details": true, "decoder_input_details": true,
	}}, replyLimit(len(r.IDs)+len(e.bos), 0), &reply)
	if err != nil {
		return nil, err
	}
	s, differs, err := reply.values(r.IDs, e.bos)
	if differs {
		err = e.reencoded(ctx, r, err)
	}
	if err != nil {
		return nil, err
	}
	return []model.Scored{s}, nil
}

// values reads the prefill of a prompt. differs says that other tokens came back, which the text may explain.
func (r *tgiReply) values(ids, bos []int64) (s model.Scored, differs bool, err error) {
	prefill := r.Details.Prefill
	given := 0
	for _, t := range prefill {
		if t.LP != nil {
			given++
		}
	}
	if len(prefill) == 0 || given == 0 && len(prefill) > 1 {
		return s, false, model.Faultf(model.CheckCount, "the server gives no value for the prompt's %d tokens; start it with "+
			"--enable-prefill-logprobs", len(ids))
	}
	if len(prefill) != len(bos)+len(ids) {
		return s, true, short(len(prefill), len(bos)+len(ids), "")
	}
	s = blank(ids)
	for t, id := range ids {
		at := prefill[len(bos)+t]
		if at.ID != id {
			return s, true, model.Faultf(model.CheckIdentity, "token %d of %d was sent as id %d and comes back as %d", t, len(ids), id, at.ID)
		}
		if at.LP != nil {
			s.LogProbs[t] = *at.LP
		} else if len(bos)+t > 0 {
			return s, false, missing(t, len(ids))
		}
	}
	return s, false, nil
}

func (tgi) generate(ctx context.Context, e *Engine, p model.Prompt) (model.Continuation, error) {
	params := map[string]any{"max_new_tokens": p.Length, "details": true, "do_sample": p.TopK != 1}
	// What is not said is neutral to TGI, whatever the model's generation_config.json says; it refuses a top_p of 1 and a top_k of 0.
	if p.TopK != 1 {
		params["seed"] = seed31(p.Seed)
		if p.TopK > 0 {
			params["top_k"] = p.TopK
		}
	}
	var reply tgiReply
	err := e.client.call(ctx, "POST", "/generate", map[string]any{"inputs": string(p.Text), "parameters": params},
		replyLimit(p.Length, 1), &reply)
	if err != nil {
		return model.Continuation{}, err
	}
	return reply.continuation(), nil
}

func (r *tgiReply) continuation() model.Continuation {
	out := model.Continuation{Text: []byte(r.Text), Ended: r.Details.Finish == "eos_token"}
	for _, t := range r.Details.Tokens {
		lp := math.NaN()
		if t.LP != nil {
			lp = *t.LP
		}
		out.IDs, out.LogProbs = append(out.IDs, t.ID), append(out.LogProbs, lp)
	}
	if n := len(out.IDs); out.Ended && n > 0 {
		out.IDs, out.LogProbs = out.IDs[:n-1], out.LogProbs[:n-1]
	}
	return out
}
