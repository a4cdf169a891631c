// Package server is the engine of a model behind HTTP: vLLM, SGLang, TGI, servers that echo as OpenAI's completions did
// (llama-cpp-python's, vLLM), and llama.cpp's own.
//
// A server may answer 200 and something else than it was asked. Every answer is therefore held against the request: one value per
// token, the tokens that were sent, no prompt cut short; what differs is a model.Fault, never a shorter list. What only several answers
// together show, as values that are off by one position, model.Conform finds.
//
// Transport: a limit on requests at once and per second, tries repeated with jitter or when the server says, and an end to the run,
// ErrUnavailable, after many failures in a row. What trying again cannot mend, ErrRefused and ErrCapability, is said at once. Answers
// are kept below a URL when one is given (cache.go), so a run that was stopped goes on where it was, and a second run asks nothing.
//
// Token ids are sent where the API takes them, with the BOS token that the server's tokenizer would put first. TGI and
// llama-cpp-python's server take text alone: what is sent must encode to the request's tokens, or the error is model.ErrReencoded.
package server

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"

	"palimpsest/stages/model"
	"palimpsest/stages/store"
)

// The protocols.
const (
	VLLM     = "vllm"     // /v1/completions with prompt_logprobs, /tokenize
	SGLang   = "sglang"   // /generate with input_ids
	TGI      = "tgi"      // /generate with decoder_input_details; needs --enable-prefill-logprobs from version 3
	OpenAI   = "openai"   // /v1/completions with echo and logprobs
	LlamaCPP = "llamacpp" // /completion, one request per token with the whole vocabulary: exact, for spot checks
)

// Protocols are the values of Options.Protocol.
var Protocols = []string{VLLM, SGLang, TGI, OpenAI, LlamaCPP}

// Options say which server is asked and how. Zero values are the defaults.
type Options struct {
	URL         string        // of the server, with or without /v1 at its end
	Protocol    string        // one of Protocols
	Model       string        // as the server lists it; empty: the only one it has
	ModelSHA256 string        // of the weights, which servers do not say: without it answers are kept for this URL alone
	KeyVariable string        // environment variable that holds the API key; empty: none is sent
	Timeout     time.Duration // of one try; 5 minutes
	Concurrency int           // requests at once; 8
	PerSecond   float64       // requests that begin in a second; 0: no limit
	Batch       int           // texts in a request, where the API takes several; 16
	Retries     int           // tries after the first; 6, or none when it is negative
	Context     int           // tokens the server takes, BOS among them, where it does not say itself

	// BOS is what conditions the first token: "auto" (the default) what the server's tokenizer puts first, "none", or a token id. A
	// server that takes text alone puts it there itself.
	BOS string

	// Tokenizer cuts a text into the model's tokens, BOS not among them. Without it the server's own route does, which does not always
	// tell byte offsets.
	Tokenizer func(text []byte) (model.Tokens, error)

	Cache string       // URL below which answers are kept; empty: they are not
	Store *store.Store // that the cache lies in
}

// Engine is a model behind a server. It is safe for concurrent use.
type Engine struct {
	options  Options
	client   *client
	protocol protocol
	cache    *cache
	facts    model.Facts

	bos     []int64 // sent before a request's tokens; of a server that takes text, put there by it
	texts   bool    // the server takes text, not ids
	batch   int     // texts in a request
	partial bool    // the protocol asks for the tokens from Request.From alone
}

// protocol is how one kind of server is asked. Every method may be called from several goroutines.
type protocol interface {
	// open asks the server what it is and fills in e's facts, bos, texts and batch.
	open(ctx context.Context, e *Engine) error
	// encode returns a text's tokens by the server's own route, BOS not among them. Its error is errNoRoute when there is none.
	encode(ctx context.Context, e *Engine, text string) (model.Tokens, error)
	// decode returns the strings that the server gives for ids. Its error is errNoRoute where it gives none, or encode would tell more.
	decode(ctx context.Context, e *Engine, ids []int64) ([]string, error)
	// score asks for the requests' tokens; all have ids and one Top. It returns one answer a request, in their order.
	score(ctx context.Context, e *Engine, requests []model.Request) ([]model.Scored, error)
	generate(ctx context.Context, e *Engine, prompt model.Prompt) (model.Continuation, error)
}

// Open asks the server what it is and whether it can score, with one or a few tiny requests.
func Open(ctx context.Context, options Options) (*Engine, error) {
	e := &Engine{options: withDefaults(options), batch: 1}
	switch e.options.Protocol {
	case VLLM:
		e.protocol = vllm{}
	case SGLang:
		e.protocol = sglang{}
	case TGI:
		e.protocol = tgi{}
	case OpenAI:
		e.protocol = &openai{}
	case LlamaCPP:
		e.protocol, e.partial = &llamacpp{}, true
	default:
		return nil, fmt.Errorf("protocol %q is not known; choose one of %s", options.Protocol, strings.Join(Protocols, ", "))
	}
	base, err := baseURL(options.URL)
	if err != nil {
		return nil, err
	}
	key := ""
	if name := options.KeyVariable; name != "" {
		if key = os.Getenv(name); key == "" {
			return nil, fmt.Errorf("the environment variable %s, which should hold the API key of %s, is not set", name, base.Redacted())
		}
	}
	e.client = newClient(base, key, e.options)
	e.facts = model.Facts{Engine: "http", Model: options.Model, ModelSHA256: options.ModelSHA256, Settings: map[string]string{
		"protocol": options.Protocol, "url": base.Redacted(),
	}}
	if err := e.open(ctx); err != nil {
		e.client.close()
		return nil, fmt.Errorf("open the %s server at %s: %w", options.Protocol, base.Redacted(), err)
	}
	return e, nil
}

func withDefaults(o Options) Options {
	if o.Timeout == 0 {
		o.Timeout = 5 * time.Minute
	}
	if o.Concurrency < 1 {
		o.Concurrency = 8
	}
	if o.Batch < 1 {
		o.Batch = 16
	}
	if o.Retries == 0 {
		o.Retries = 6
	}
	if o.BOS == "" {
		o.BOS = "auto"
	}
	return o
}

func baseURL(raw string) (*url.URL, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("%q is not the URL of a server; give http://HOST:PORT", raw)
	}
	if u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("%s: the URL of a server has no parameters", u.Redacted())
	}
	u.Path = strings.TrimSuffix(path.Clean("/"+u.Path), "/v1")
	u.Path = strings.TrimSuffix(u.Path, "/")
	return u, nil
}

func (e *Engine) open(ctx context.Context) error {
	if err := e.protocol.open(ctx, e); err != nil {
		return err
	}
	e.facts.BOS = len(e.bos) > 0 && e.facts.Settings["first"] == ""
	switch {
	case len(e.bos) > 0:
		e.facts.Settings["bos"] = strings.Trim(fmt.Sprint(e.bos), "[]")
	case e.facts.Settings["bos"] == "":
		e.facts.Settings["bos"] = "none"
	}
	e.facts.Settings["prompt"] = "ids"
	if e.texts {
		e.facts.Settings["prompt"] = "text"
	}
	if e.options.Cache == "" {
		return nil
	}
	if e.options.Store == nil {
		return errors.New("a cache needs a store to lie in")
	}
	settings := maps.Clone(e.facts.Settings)
	if e.facts.ModelSHA256 != "" {
		delete(settings, "url") // a server moves, and the digest says what it serves
	}
	e.cache = &cache{store: e.options.Store, url: e.options.Cache, texts: e.texts, base: cacheBase{
		Format: cacheFormat, Version: e.facts.Version, Model: e.facts.Model, SHA256: e.facts.ModelSHA256, Settings: settings,
	}}
	return nil
}

// chooseModel sets the model's name from those that the server lists.
func (e *Engine) chooseModel(names []string) error {
	want := e.options.Model
	switch {
	case want == "" && len(names) == 1:
		e.facts.Model = names[0]
	case want == "" && len(names) == 0:
		return fmt.Errorf("%w: it lists no model", ErrRefused)
	case want == "":
		return fmt.Errorf("%w: it has several models, name one of them: %s", ErrRefused, strings.Join(names, ", "))
	case !slices.Contains(names, want):
		return fmt.Errorf("%w: it has no model %q; it lists %s", ErrRefused, want, strings.Join(names, ", "))
	}
	return nil
}

// chooseBOS sets the token that is sent first. auto returns those that the server's tokenizer puts before a text.
func (e *Engine) chooseBOS(auto func() ([]int64, error)) error {
	switch bos := e.options.BOS; bos {
	case "none":
		return nil
	case "auto":
		ids, err := auto()
		if errors.Is(err, errNoRoute) {
			return fmt.Errorf("%w: it has no route that tokenizes, so its BOS token cannot be asked for; set bos to none or to the "+
				"token's id", ErrCapability)
		}
		e.bos = ids
		return err
	default:
		id, err := strconv.ParseInt(bos, 10, 64)
		if err != nil || id < 0 {
			return fmt.Errorf("bos %q is neither auto nor none nor a token id", bos)
		}
		e.bos = []int64{id}
		return nil
	}
}

// serverBOS refuses a BOS of the configuration for a server that takes text alone.
func (e *Engine) serverBOS() error {
	if e.options.BOS != "auto" {
		return fmt.Errorf("%w: it takes text alone and puts BOS before it as its tokenizer says; set bos to auto", ErrCapability)
	}
	return nil
}

// limitContext sets how many tokens a request may have, from how many the server takes in prompt and answer.
func (e *Engine) limitContext(server int) {
	if server == 0 {
		server = e.options.Context
	}
	if server > 0 {
		e.facts.Context = max(server-1-len(e.bos), 1) // one token is generated
	}
}

// tops are the numbers of likeliest tokens that are tried at the start; servers have a limit and do not say which.
var tops = []int{100, 40, 20, 5, 1, 0}

// findTop finds how many of the likeliest tokens the server gives, and with it whether it scores prompts at all.
func (e *Engine) findTop(ctx context.Context, text string) error {
	tokens, err := e.Tokenize(ctx, []byte(text))
	if err != nil {
		return err
	}
	request := model.Request{Text: []byte(text), IDs: tokens.IDs}
	for _, top := range tops {
		request.Top = top
		if _, err = e.protocol.score(once(ctx), e, []model.Request{request}); err == nil {
			e.facts.MostTop = top
			return nil
		}
		if fault, ok := errors.AsType[*model.Fault](err); ok {
			return fmt.Errorf("%w: %w", ErrCapability, fault)
		}
		if !errors.Is(err, ErrRefused) {
			break
		}
	}
	return err
}

// probeText is what a server is asked for at the start.
const probeText = "The cat sat on the mat."

// Facts returns what is recorded of the server and its model.
func (e *Engine) Facts() model.Facts {
	facts := e.facts
	facts.Settings = maps.Clone(facts.Settings)
	return facts
}

// Stats counts what an Engine asked since it was opened.
type Stats struct {
	Requests, Retries      int64 // HTTP requests; those of them that repeated a failed one
	CacheHits, CacheMisses int64 // answers that were kept already, and those that were not; 0 without a cache
}

// Stats returns the counts so far.
func (e *Engine) Stats() Stats {
	s := Stats{Requests: e.client.requests.Load(), Retries: e.client.retries.Load()}
	if e.cache != nil {
		s.CacheHits, s.CacheMisses = e.cache.hits.Load(), e.cache.misses.Load()
	}
	return s
}

// Close lets the connections go.
func (e *Engine) Close() error {
	e.client.close()
	return nil
}
