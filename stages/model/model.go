// Package model says what a language model is asked and what it answers, whatever computes the answers.
//
// An Engine runs one model: in the process (package llama), through llama.cpp's libraries (llamacpp), or behind a server (server). It
// is asked for the tokens of a text, for what the model said of every token (Scored), and for continuations. Everything it says passes
// Scored.Check, and Conform before the first use: a server that answers something else than what it was asked is caught there. Long
// scores texts longer than the model's context, each token once.
package model

import "context"

// Engine runs one model. Its methods may be called from several goroutines; what they return belongs to the caller.
type Engine interface {
	// Facts returns what is recorded of the engine and its model with the run.
	Facts() Facts

	// Tokenize cuts a text into the model's tokens, BOS not among them.
	Tokenize(ctx context.Context, text []byte) (Tokens, error)

	// Score returns what the model says of the requests' tokens, one Scored a request, in their order. Each token is conditioned on BOS,
	// where the model has one, and on all tokens of its request before it. A request longer than Facts.Context is an error.
	Score(ctx context.Context, requests []Request) ([]Scored, error)

	// Generate continues the prompts, one Continuation a prompt, in their order.
	Generate(ctx context.Context, prompts []Prompt) ([]Continuation, error)

	// Close releases what the engine holds. It is called once, after all other calls have returned.
	Close() error
}

// Tokens are a text's tokens, BOS not among them.
type Tokens struct {
	IDs     []int64
	Offsets []int64 // byte of each token's first byte in the text; nil when the engine does not know them
}

// Request asks for what the model says of one text. IDs are sent where the engine takes them. Otherwise the text is, and an answer that
// has other tokens is an error.
type Request struct {
	Text []byte  // the bytes of the tokens; of IDs from the middle of a text they need not be UTF-8
	IDs  []int64 // nil: the engine cuts the text itself
	From int     // the tokens before this one are context alone: their values are not asked for and may be NaN
	Top  int     // how many of the likeliest tokens are asked for, with all that tie with the last; 0 for none

	// Fresh asks for values computed anew, not remembered from an earlier request: Conform compares two answers.
	Fresh bool
}

// Prompt asks for a continuation.
type Prompt struct {
	Text   []byte
	IDs    []int64 // as in Request
	Length int     // tokens to generate; fewer come when the model ends the text

	// TopK tokens are sampled from at each step, in proportion to their probabilities, those that tie with the last among them
	// (temperature 1). 1 is greedy: the likeliest, of several the one with the smallest id. 0 samples from all.
	TopK int
	Seed uint64 // of the sampling: engines in the process give equal continuations for equal seeds
}

// Continuation is what a model wrote.
type Continuation struct {
	IDs      []int64
	LogProbs []float64 // nats, under the full softmax; nil when the engine does not say
	Text     []byte    // the tokens' bytes, which need not be UTF-8; those that end a text have none
	Ended    bool      // the model ended the text: its token for that is not among IDs
}

// Facts are what is recorded of an engine and its model with the run. Empty and 0 are unknown.
type Facts struct {
	Engine          string            `json:"engine"`
	Version         string            `json:"version,omitzero"`
	Model           string            `json:"model,omitzero"` // the model's own name
	ModelSHA256     string            `json:"model_sha256,omitzero"`
	TokenizerSHA256 string            `json:"tokenizer_sha256,omitzero"`
	ModelBytes      int64             `json:"model_bytes,omitzero"`
	Parameters      int64             `json:"parameters,omitzero"`
	Vocabulary      int               `json:"vocabulary,omitzero"`
	Context         int               `json:"context,omitzero"`  // tokens that a request may have, BOS not counted
	BOS             bool              `json:"bos"`               // the first token is conditioned on BOS and so has a value
	Moments         bool              `json:"moments"`           // Means and Deviations come with every answer
	Ranks           bool              `json:"ranks"`             // Ranks come with every answer
	MostTop         int               `json:"most_top,omitzero"` // most likeliest tokens that can be asked for
	Settings        map[string]string `json:"settings,omitempty"`
}
