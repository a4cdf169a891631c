package server

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"strconv"

	"palimpsest/stages/model"
)

// llamacpp asks llama.cpp's own server. It gives no value of a prompt, but all of the next token's distribution: each token is asked
// for with the tokens before it as the prompt, one to generate, and as many likeliest as the vocabulary has. That is exact, gives ranks,
// means and deviations too, and costs a request and a reply of the vocabulary's length a token: it is for spot checks. The server's
// prompt cache makes each prompt cost one token. An empty prompt is refused, so without BOS the first token has no value.
//
// The distribution is left out of the reply when the token that was drawn ends inside a character. So a plain token is made sure to
// be drawn, by a bias; the values are those before it.
type llamacpp struct {
	plain int64 // a token of whole characters
}

func (p *llamacpp) open(ctx context.Context, e *Engine) error {
	var models modelList
	if err := e.client.call(ctx, "GET", "/v1/models", nil, smallReply, &models); err != nil {
		return err
	}
	if err := e.chooseModel(models.names()); err != nil {
		return err
	}
	for _, m := range models.Data {
		if m.ID == e.facts.Model {
			e.facts.Vocabulary, e.facts.Parameters, e.facts.ModelBytes = m.Meta.Vocabulary, m.Meta.Parameters, m.Meta.Size
		}
	}
	if e.facts.Vocabulary < 1 || e.facts.Vocabulary > 1<<20 {
		return model.Faultf(model.CheckCount, "/v1/models gives no vocabulary size (%d); this is not llama.cpp's server, or too old",
			e.facts.Vocabulary)
	}
	var props struct {
		Build    string `json:"build_info"`
		Settings struct {
			Context int `json:"n_ctx"`
		} `json:"default_generation_settings"`
	}
	if err := e.client.call(ctx, "GET", "/props", nil, smallReply, &props); err != nil {
		return err
	}
	e.facts.Version = props.Build
	err := e.chooseBOS(func() ([]int64, error) {
		ids, _, err := llamaTokenize(ctx, e, "", true)
		return ids, err
	})
	if err != nil {
		return err
	}
	if err := e.checkTokenizer(ctx); err != nil {
		return err
	}
	plain, _, err := llamaTokenize(ctx, e, "a", false)
	if err != nil {
		return err
	}
	if len(plain) == 0 {
		return model.Faultf(model.CheckCount, "/tokenize gives no tokens for a letter")
	}
	p.plain = plain[len(plain)-1]
	e.limitContext(props.Settings.Context)
	e.facts.Ranks, e.facts.Moments, e.facts.MostTop = true, true, e.facts.Vocabulary
	return nil
}

// piece is a token's bytes: a string, or a list of numbers when they are not UTF-8.
type piece string

func (p *piece) UnmarshalJSON(b []byte) error {
	if len(b) == 0 || b[0] != '[' {
		return json.Unmarshal(b, (*string)(p))
	}
	var list []uint8
	for _, n := range bytes.Split(bytes.Trim(b, "[]"), []byte(",")) {
		v, err := strconv.ParseUint(string(bytes.TrimSpace(n)), 10, 8)
		if err != nil {
			return err
		}
		list = append(list, byte(v))
	}
	*p = piece(list)
	return nil
}

func llamaTokenize(ctx context.Context, e *Engine, text string, special bool) (ids []int64, pieces []string, err error) {
	var reply struct {
		Tokens []struct {
			ID    int64 `json:"id"`
			Piece piece `json:"piece"`
		} `json:"tokens"`
	}
	err = e.client.call(ctx, "POST", "/tokenize", map[string]any{
		"content": text, "add_special": special, "parse_special": false, "with_pieces": true,
	}, smallReply+replyLimit(len(text), 0), &reply)
	for _, t := range reply.Tokens {
		ids, pieces = append(ids, t.ID), append(pieces, string(t.Piece))
	}
	return ids, pieces, err
}

func (*llamacpp) encode(ctx context.Context, e *Engine, text string) (model.Tokens, error) {
	ids, pieces, err := llamaTokenize(ctx, e, text, false)
	if err != nil {
		return model.Tokens{}, err
	}
	return model.Tokens{IDs: ids, Offsets: offsetsOf(text, pieces)}, nil
}

func (*llamacpp) decode(context.Context, *Engine, []int64) ([]string, error) { return nil, errNoRoute }

// llamaReply is the reply of /completion.
type llamaReply struct {
	Content       string  `json:"content"`
	Stop          string  `json:"stop_type"`
	Evaluated     int     `json:"tokens_evaluated"`
	Truncated     bool    `json:"truncated"`
	Tokens        []int64 `json:"tokens"`
	Probabilities []struct {
		ID    int64    `json:"id"`
		LP    *float64 `json:"logprob"`
		Bytes []uint16 `json:"bytes"` // numbers, not base64
		Top   []struct {
			ID int64    `json:"id"`
			LP *float64 `json:"logprob"`
		} `json:"top_logprobs"`
	} `json:"completion_probabilities"`
}

func (p *llamacpp) score(ctx context.Context, e *Engine, requests []model.Request) ([]model.Scored, error) {
	r := requests[0] // batch is 1
	n := len(r.IDs)
	s := blank(r.IDs)
	s.Ranks, s.Means, s.Deviations = make([]int64, n), make([]float64, n), make([]float64, n)
	for t := range n {
		s.Means[t], s.Deviations[t] = math.NaN(), math.NaN()
	}
	if r.Top > 0 {
		s.TopIDs, s.TopLogProbs = make([][]int64, n), make([][]float64, n)
	}
	sent := e.prompt(r.IDs)
	for t := r.From; t < n; t++ {
		before := sent[:len(e.bos)+t]
		if len(before) == 0 {
			continue
		}
		var reply llamaReply
		err := e.client.call(ctx, "POST", "/completion", map[string]any{
			"prompt": before, "n_predict": 1, "n_probs": e.facts.Vocabulary, "temperature": 1, "top_k": 0, "top_p": 1, "min_p": 0,
			"cache_prompt": true, "logit_bias": [][2]int64{{p.plain, 1000}},
		}, replyLimit(e.facts.Vocabulary, 0), &reply)
		if err != nil {
			return nil, err
		}
		entries, err := reply.distribution(len(before), e.facts.Vocabulary)
		if err != nil {
			return nil, err
		}
		if err := place(&s, t, entries, r.Top); err != nil {
			return nil, err
		}
	}
	return []model.Scored{s}, nil
}

// distribution returns the values of the whole vocabulary after a prompt of n tokens.
func (r *llamaReply) distribution(n, vocabulary int) ([]entry, error) {
	if r.Truncated {
		return nil, model.Faultf(model.CheckCount, "a prompt of %d tokens was truncated", n)
	}
	if r.Evaluated != 0 && r.Evaluated != n {
		return nil, short(r.Evaluated, n, ", as tokens_evaluated says")
	}
	if len(r.Probabilities) != 1 || len(r.Probabilities[0].Top) != vocabulary {
		got := 0
		if len(r.Probabilities) > 0 {
			got = len(r.Probabilities[0].Top)
		}
		return nil, model.Faultf(model.CheckCount, "%d of the vocabulary's %d tokens have a value; a token that is absent is unknown, not "+
			"impossible", got, vocabulary)
	}
	entries := make([]entry, vocabulary)
	seen := make([]bool, vocabulary)
	for i, v := range r.Probabilities[0].Top {
		if v.ID < 0 || v.ID >= int64(vocabulary) || seen[v.ID] || v.LP == nil {
			return nil, model.Faultf(model.CheckIdentity, "token %d comes twice, has no value, or is not of the vocabulary", v.ID)
		}
		seen[v.ID] = true
		entries[i] = entry{v.ID, *v.LP}
	}
	return entries, nil
}

// place puts into s what a distribution says of token t.
func place(s *model.Scored, t int, entries []entry, top int) error {
	own, mass, mean, square := math.NaN(), 0.0, 0.0, 0.0
	for _, v := range entries {
		if v.id == s.TokenIDs[t] {
			own = v.lp
		}
	}
	rank := int64(1)
	for _, v := range entries {
		if v.lp > own {
			rank++
		}
		if p := math.Exp(v.lp); p > 0 {
			mass, mean, square = mass+p, mean+p*v.lp, square+p*v.lp*v.lp
		}
	}
	switch {
	case math.IsNaN(own):
		return model.Faultf(model.CheckIdentity, "token id %d is not of the vocabulary", s.TokenIDs[t])
	case math.Abs(mass-1) > 1e-3:
		return model.Faultf(model.CheckRange, "the probabilities of the whole vocabulary at token %d add up to %g", t, mass)
	}
	mean, square = mean/mass, square/mass
	s.LogProbs[t], s.Ranks[t] = own, rank
	s.Means[t], s.Deviations[t] = mean, math.Sqrt(max(square-mean*mean, 0))
	if top > 0 {
		s.TopIDs[t], s.TopLogProbs[t] = likeliest(entries, min(top, len(entries)))
	}
	return nil
}

func (*llamacpp) generate(ctx context.Context, e *Engine, p model.Prompt) (model.Continuation, error) {
	ask := map[string]any{
		"prompt": e.prompt(p.IDs), "n_predict": p.Length, "n_probs": 1, "cache_prompt": true, "return_tokens": true,
		"samplers": []string{"top_k", "temperature"}, "temperature": 1, "top_k": p.TopK, "seed": seed31(p.Seed),
	}
	if p.TopK == 1 {
		ask["temperature"] = 0
	}
	var reply llamaReply
	if err := e.client.call(ctx, "POST", "/completion", ask, replyLimit(p.Length, 2), &reply); err != nil {
		return model.Continuation{}, err
	}
	return reply.continuation(), nil
}

func (r *llamaReply) continuation() model.Continuation {
	out := model.Continuation{Ended: r.Stop == "eos"}
	for _, v := range r.Probabilities {
		lp := math.NaN()
		if v.LP != nil {
			lp = *v.LP
		}
		out.IDs, out.LogProbs = append(out.IDs, v.ID), append(out.LogProbs, lp)
		for _, b := range v.Bytes {
			out.Text = append(out.Text, byte(b))
		}
	}
	if out.IDs == nil {
		out.IDs, out.Text = r.Tokens, []byte(r.Content)
	}
	return out
}
