package server

import (
	"context"
	"fmt"
	"math"
	"slices"

	"palimpsest/stages/model"
)

// What several kinds of server have in common: /v1/models, /tokenize and /v1/completions.

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
	if len(without.Tokens) == 0 {
		return nil, fmt.Errorf("%w: %w: /tokenize gives no tokens for a text", ErrRefused, errNoRoute) // llama.cpp's server reads another field
	}
	for n := range with.Tokens {
		rest := with.Tokens[n:]
		if len(rest) >= len(without.Tokens) && slices.Equal(rest[:len(without.Tokens)], without.Tokens) {
			return with.Tokens[:n:n], nil // an end-of-text token may follow: it conditions nothing
		}
	}
	return nil, model.Faultf(model.CheckIdentity, "/tokenize gives other tokens with special tokens than without")
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

// neutral adds what leaves the model's distribution as it is, by the names that vLLM, SGLang and llama-cpp-python have in common. None
// of it is left to the server: vLLM and SGLang take what a request does not say from the model's generation_config.json
// (--generation-config, --sampling-defaults). Penalties change greedy continuations too.
func neutral(params map[string]any) {
	params["top_p"], params["min_p"], params["presence_penalty"], params["frequency_penalty"] = 1, 0, 0, 0
	params["repetition_penalty"] = 1 // llama-cpp-python's is repeat_penalty
}

// sampling adds what vLLM and llama-cpp-python call the parameters. all is the top_k that means the whole vocabulary.
func sampling(ask map[string]any, p model.Prompt, all int) {
	neutral(ask)
	ask["temperature"], ask["top_k"] = 0, all
	if p.TopK == 1 {
		return
	}
	ask["temperature"], ask["seed"] = 1, seed31(p.Seed)
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
