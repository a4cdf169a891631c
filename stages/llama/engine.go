// Package llama runs models of the Llama family in the process, from GGUF files: RMS norms, rotated positions, grouped attention, gated
// feed-forward layers (Touvron et al., arXiv 2302.13971 and 2307.09288). It is an Engine of package model.
//
// What a model says of a token is the same bits however the token came: in a text scored whole, token by token, among other texts, on one
// goroutine or many, by vector instructions or without, on any processor. An arithmetic coder needs that, since one machine decodes what
// another encoded, and so does evidence. It holds because every sum has one fixed order and only operations that IEEE 754 defines are
// used (functions.go, product.go).
//
// Weights are used as the file defines them: blocks are turned into float32, and activations stay float32. llama.cpp rounds activations
// to eight bits before it multiplies them with quantized weights, so its values differ from these by more than rounding there.
//
// No library was found that does this. townsendmerino/goinfer v0.18.0 needs Go 1.27 and its values differ by processor; goccy/go-llama
// v0.4.2 is llama.cpp in WebAssembly, with activations of eight bits; zerfoo v1.49.1 is a large framework with local replacements in its
// go.mod; gotzmann/llama.go reads no GGUF and knows no grouped attention; gomlx v0.26.0 has neither GGUF nor Llama, and multiplied at 4
// GFLOPS.
package llama

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"runtime"
	"strconv"

	"palimpsest/stages/gguf"
	"palimpsest/stages/model"
	"palimpsest/stages/tokenizer"
)

// Options are an engine's settings; the zero value works.
type Options struct {
	// Workers is how many goroutines compute at a time, on different texts, or on one when there are no others. 0 is one a processor.
	Workers int
	// Context is the number of tokens that a request may have. 0 is the model's own, but at most 4,096: a text's keys and values take
	// layers*groups*head*8 bytes a token.
	Context int
	// Expand is how many bytes the weights may take as float32. Weights that are not float32 in the file and would take more stay as they
	// are there, and are turned into float32 for every batch anew: two thirds as fast on long texts, a tenth token by token.
	// 0 is 1 GiB; below 0 they always stay.
	Expand int64
}

const (
	mostContext   = 4096
	defaultExpand = 1 << 30
)

// Engine runs one model. See model.Engine.
type Engine struct {
	weights   *weights
	layout    layout
	pages     pages
	passes    chan *pass // those that no call uses; nil ones are made when first used
	workers   int
	tokenizer *tokenizer.Tokenizer
	bos       []int64        // what goes before every text: BOS or nothing
	ends      map[int64]bool // the tokens that end a text
	prefix    string         // what the tokenizer puts before one
	facts     model.Facts
}

var _ model.Engine = (*Engine)(nil)

// Open reads a GGUF file of size bytes: once for its digest, once for its tensors. The file is not needed afterwards.
func Open(ctx context.Context, src io.ReaderAt, size int64, o Options) (*Engine, error) {
	f, err := gguf.Open(src, size)
	if err != nil {
		return nil, fmt.Errorf("llama: %w", err)
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	if o.Expand == 0 {
		o.Expand = defaultExpand
	}
	e := &Engine{workers: o.Workers, passes: make(chan *pass, o.Workers)}
	for range o.Workers {
		e.passes <- nil
	}
	if e.weights, err = readWeights(f, o.Expand); err != nil {
		return nil, fmt.Errorf("llama: %w", err)
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	e.layout = e.weights.layout()
	e.pages.floats = e.layout.floats
	if err := e.readVocabulary(f.Metadata); err != nil {
		return nil, fmt.Errorf("llama: %w", err)
	}
	digest := sha256.New()
	if _, err := io.Copy(digest, io.NewSectionReader(src, 0, size)); err != nil {
		return nil, fmt.Errorf("llama: digest of the model: %w", err)
	}
	tokens := min(e.weights.context, mostContext)
	if o.Context > 0 {
		tokens = min(e.weights.context, o.Context)
	}
	e.facts = model.Facts{
		Engine:          "embedded",
		Model:           name(f.Metadata),
		ModelSHA256:     hex.EncodeToString(digest.Sum(nil)),
		TokenizerSHA256: e.tokenizer.SHA256(),
		ModelBytes:      size,
		Parameters:      e.weights.parameters,
		Vocabulary:      e.weights.vocabulary,
		Context:         tokens,
		BOS:             len(e.bos) > 0,
		Moments:         true,
		Ranks:           true,
		MostTop:         e.weights.vocabulary,
		Settings: map[string]string{
			"architecture": "llama",
			"arithmetic":   "float32, fixed order",
			"context":      strconv.Itoa(e.weights.context),
		},
	}
	return e, nil
}

// readVocabulary makes the tokenizer and finds the tokens that begin and end texts.
func (e *Engine) readVocabulary(m gguf.Metadata) error {
	v, err := tokenizer.VocabularyOf(m)
	if err != nil {
		return err
	}
	if len(v.Tokens) != e.weights.vocabulary {
		return fmt.Errorf("%d tokens for %d rows of tensor \"token_embd.weight\"", len(v.Tokens), e.weights.vocabulary)
	}
	if e.tokenizer, err = tokenizer.New(v); err != nil {
		return err
	}
	if v.Model == "llama" && v.AddSpacePrefix {
		e.prefix = " "
	}
	has := func(id int64) bool { return id >= 0 && id < int64(len(v.Tokens)) }
	if v.AddBOS && has(v.BOS) {
		e.bos = []int64{v.BOS}
	}
	e.ends = make(map[int64]bool)
	e.ends[v.EOS] = has(v.EOS)
	for _, key := range []string{"eot", "eom"} { // of a turn, a message; EOS is of a text
		if id, err := m.Uint("tokenizer.ggml." + key + "_token_id"); err == nil && id < uint64(len(v.Tokens)) {
			e.ends[int64(id)] = true
		}
	}
	return nil
}

// Facts returns what is recorded of the engine and its model.
func (e *Engine) Facts() model.Facts { return e.facts }

// Tokenize cuts a text into the model's tokens, BOS not among them.
func (e *Engine) Tokenize(ctx context.Context, text []byte) (model.Tokens, error) {
	if err := ctx.Err(); err != nil {
		return model.Tokens{}, err
	}
	ids, offsets := e.tokenizer.Encode(text)
	return model.Tokens{IDs: ids, Offsets: offsets}, nil
}

// Bytes returns what a token spells: nothing for one that is no text. They must not be changed.
func (e *Engine) Bytes(id int64) []byte { return e.tokenizer.Bytes(id) }

// Prefix returns what Tokenize puts before every text: a space or nothing.
func (e *Engine) Prefix() string { return e.prefix }

// Close lets the weights go.
func (e *Engine) Close() error {
	e.weights, e.passes, e.pages.free = nil, nil, nil
	return nil
}

// take waits for a pass that no other call uses.
func (e *Engine) take(ctx context.Context, threads int) (*pass, error) {
	select {
	case p := <-e.passes:
		if p == nil {
			p = e.newPass(batch, e.workers)
		}
		p.threads = threads
		return p, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// give returns a pass.
func (e *Engine) give(p *pass) { e.passes <- p }

// check returns the tokens of a request or prompt, and their offsets where they are known.
func (e *Engine) check(ctx context.Context, text []byte, ids []int64) (model.Tokens, error) {
	if ids == nil {
		return e.Tokenize(ctx, text)
	}
	for i, id := range ids {
		if id < 0 || id >= int64(e.weights.vocabulary) {
			return model.Tokens{}, fmt.Errorf("token %d has id %d; the vocabulary has %d", i, id, e.weights.vocabulary)
		}
	}
	return model.Tokens{IDs: ids, Offsets: e.offsets(text, ids)}, nil
}

// offsets returns where the tokens stand in the text, nil when their bytes are not those of the text.
func (e *Engine) offsets(text []byte, ids []int64) []int64 {
	offsets := make([]int64, len(ids))
	at := 0
	for i, id := range ids {
		b := e.tokenizer.Bytes(id)
		if len(b) > len(text)-at || string(b) != string(text[at:at+len(b)]) {
			return nil
		}
		offsets[i], at = int64(at), at+len(b)
	}
	if at != len(text) {
		return nil
	}
	return offsets
}
