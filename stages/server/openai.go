package server

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"palimpsest/stages/model"
)

// openai asks servers that kept OpenAI's echo: /v1/completions with echo and logprobs returns the prompt's tokens and their values before
// the generated ones. OpenAI itself refuses that now, and llama.cpp's server ignores it.
//
// max_tokens is 1 and not 0, which llama-cpp-python's server takes for no limit; the generated token at the end is dropped. That server
// takes text alone, gives null for the first token though it put BOS before it, and writes "" for a token that is part of a
// character. vLLM takes ids and gives them back when it is asked to.
type openai struct {
	tokenize string // route that tokenizes, "" when there is none
	lead     int    // BOS entries before those of the text
}

func (p *openai) open(ctx context.Context, e *Engine) error {
	var models modelList
	if err := e.client.call(ctx, "GET", "/v1/models", nil, smallReply, &models); err != nil {
		return err
	}
	if err := e.chooseModel(models.names()); err != nil {
		return err
	}
	var page struct {
		Info struct{ Title, Version string }
	}
	if err := e.client.call(once(ctx), "GET", "/openapi.json", nil, smallReply, &page); err == nil {
		e.facts.Version = strings.TrimSpace(page.Info.Title + " " + page.Info.Version)
	}
	// Whether it echoes at all, before anything else can go wrong.
	reply, err := p.ask(ctx, e, []model.Request{{Text: []byte(probeText)}}, nil)
	if err != nil {
		return err
	}
	if _, err := reply.choice(len(strings.Fields(probeText))); err != nil {
		return fmt.Errorf("%w: %w", ErrCapability, err)
	}
	bos, err := p.findTokenizer(ctx, e)
	if err != nil {
		return err
	}
	if err := e.checkTokenizer(ctx); err != nil {
		return err
	}
	tokens, err := e.Tokenize(ctx, []byte(probeText))
	if err != nil {
		return err
	}
	probe := model.Request{Text: []byte(probeText), IDs: tokens.IDs}

	// Ids first: with them nothing is encoded anew.
	_, err = p.ask(once(ctx), e, []model.Request{probe}, [][]int64{tokens.IDs})
	switch {
	case err == nil:
		if err := e.chooseBOS(func() ([]int64, error) { return bos, p.knownBOS() }); err != nil {
			return err
		}
		p.lead, e.batch = len(e.bos), e.options.Batch
	case errors.Is(err, ErrRefused):
		if err := e.serverBOS(); err != nil {
			return err
		}
		e.texts, e.bos = true, bos
		if p.tokenize == "" {
			e.facts.Settings["bos"] = "unknown"
		}
		if err := p.findLead(ctx, e, probe); err != nil {
			return err
		}
	default:
		return err
	}
	e.limitContext(models.context(e.facts.Model))
	return e.findTop(ctx, probeText)
}

// findTokenizer finds the route that tokenizes and returns what it puts before a text.
func (p *openai) findTokenizer(ctx context.Context, e *Engine) ([]int64, error) {
	bos, err := tokenizeBOS(once(ctx), e)
	if err == nil {
		p.tokenize = "/tokenize"
		return bos, nil
	}
	if !errors.Is(err, ErrRefused) {
		return nil, err
	}
	bos, err = extrasTokenize(once(ctx), e, "")
	if err == nil {
		p.tokenize = "/extras/tokenize"
		return bos, nil
	}
	if !errors.Is(err, ErrRefused) {
		return nil, err
	}
	return nil, nil
}

func (p *openai) knownBOS() error {
	if p.tokenize == "" {
		return errNoRoute
	}
	return nil
}

// extrasTokenize asks llama-cpp-python's server, which puts BOS before the tokens.
func extrasTokenize(ctx context.Context, e *Engine, text string) ([]int64, error) {
	var reply struct {
		Tokens []int64 `json:"tokens"`
	}
	err := e.client.call(ctx, "POST", "/extras/tokenize", map[string]any{"model": e.facts.Model, "input": text},
		smallReply+replyLimit(len(text), 0), &reply)
	return reply.Tokens, err
}

// findLead finds how many entries of a reply stand before the text's, and whether its first token gets a value.
func (p *openai) findLead(ctx context.Context, e *Engine, probe model.Request) error {
	reply, err := p.ask(ctx, e, []model.Request{probe}, nil)
	if err != nil {
		return err
	}
	c, err := reply.choice(len(probe.IDs))
	if err != nil {
		return fmt.Errorf("%w: %w", ErrCapability, err)
	}
	entries := len(c.values)
	if entries-c.generated > len(probe.IDs) {
		p.lead = min(len(e.bos), entries-c.generated-len(probe.IDs))
	}
	if len(e.bos) > 0 && p.lead < entries && c.values[p.lead] == nil {
		e.facts.Settings["first"] = "the first token's value is not given"
	}
	return nil
}

func (p *openai) encode(ctx context.Context, e *Engine, text string) (model.Tokens, error) {
	switch p.tokenize {
	case "/tokenize":
		return vllm{}.encode(ctx, e, text)
	case "/extras/tokenize":
		ids, err := extrasTokenize(ctx, e, text)
		if err != nil {
			return model.Tokens{}, err
		}
		bos, err := extrasTokenize(ctx, e, "")
		if err != nil {
			return model.Tokens{}, err
		}
		if len(ids) < len(bos) || !slices.Equal(ids[:len(bos)], bos) {
			return model.Tokens{}, model.Faultf(model.CheckIdentity, "/extras/tokenize does not put before a text what it puts before none")
		}
		return model.Tokens{IDs: ids[len(bos):]}, nil
	}
	return model.Tokens{}, errNoRoute
}

// decode asks for an echo of ids without their numbers.
func (p *openai) decode(ctx context.Context, e *Engine, ids []int64) ([]string, error) {
	var reply completion
	err := e.client.call(ctx, "POST", "/v1/completions", map[string]any{
		"model": e.facts.Model, "prompt": [][]int64{ids}, "max_tokens": 1, "temperature": 0, "echo": true, "logprobs": 0,
	}, replyLimit(len(ids), 0), &reply)
	if err != nil {
		return nil, err
	}
	c, err := reply.choice(len(ids))
	if err != nil {
		return nil, err
	}
	if _, numbers := tokenIDs(c.tokens); numbers || len(c.tokens)-c.generated != len(ids) {
		return nil, errNoRoute
	}
	return c.tokens[:len(ids)], nil
}

// ask sends the requests: as the ids of prompts, or as text when there are none.
func (p *openai) ask(ctx context.Context, e *Engine, requests []model.Request, prompts [][]int64) (*completion, error) {
	top, total := requests[0].Top, 0
	var prompt any = prompts
	if prompts == nil {
		prompt = string(requests[0].Text)
	}
	for _, r := range requests {
		total += e.sent(r)
	}
	var reply completion
	err := e.client.call(ctx, "POST", "/v1/completions", map[string]any{
		"model": e.facts.Model, "prompt": prompt, "max_tokens": 1, "temperature": 0, "echo": true, "logprobs": top,
		"return_tokens_as_token_ids": true,
	}, replyLimit(total, top), &reply)
	return &reply, err
}

func (p *openai) score(ctx context.Context, e *Engine, requests []model.Request) ([]model.Scored, error) {
	var prompts [][]int64
	if !e.texts {
		for _, r := range requests {
			prompts = append(prompts, e.prompt(r.IDs))
		}
	}
	reply, err := p.ask(ctx, e, requests, prompts)
	if err != nil {
		return nil, err
	}
	if len(reply.Choices) != len(requests) {
		return nil, model.Faultf(model.CheckCount, "%d choices for %d prompts", len(reply.Choices), len(requests))
	}
	out := make([]model.Scored, len(requests))
	for k := range reply.Choices {
		i := reply.Choices[k].Index
		if i < 0 || i >= len(out) || out[i].LogProbs != nil {
			return nil, model.Faultf(model.CheckCount, "choices are numbered wrongly: %d of %d comes twice or is none", i, len(out))
		}
		s, differs, err := reply.echoValues(k, requests[i], p.lead, e.bos)
		if differs && e.texts {
			err = e.reencoded(ctx, requests[i], err)
		}
		if err != nil {
			return nil, err
		}
		out[i] = s
	}
	return out, nil
}

// echo is what a choice says of prompt and continuation, entry by entry.
type echo struct {
	tokens    []string
	values    []*float64
	top       []map[string]*float64
	generated int // entries at the end that are not the prompt's
}

// choice returns the only choice of a reply.
func (c *completion) choice(n int) (echo, error) {
	if len(c.Choices) != 1 {
		return echo{}, model.Faultf(model.CheckCount, "%d choices for one prompt", len(c.Choices))
	}
	return c.echo(0, n)
}

// echo returns what the k-th choice says of a prompt of n tokens, or the fault that shows that it says nothing of it.
func (c *completion) echo(k, n int) (echo, error) {
	choice := &c.Choices[k]
	switch lp := choice.Logprobs; {
	case lp == nil:
		return echo{}, model.Faultf(model.CheckCount, "the server ignores logprobs: no value for the prompt's %d tokens", n)
	case lp.Tokens == nil && lp.Values == nil && lp.Content != nil:
		return echo{}, model.Faultf(model.CheckCount, "the server ignores echo: %d value, of a generated token, for the prompt's %d tokens, in "+
			"the shape of a chat; llama.cpp's server does so, ask it by the protocol %s", len(lp.Content), n, LlamaCPP)
	case len(lp.Tokens) != len(lp.Values):
		return echo{}, model.Faultf(model.CheckCount, "%d tokens with %d values", len(lp.Tokens), len(lp.Values))
	case len(lp.Values) <= 1 && n > 1:
		return echo{}, model.Faultf(model.CheckCount, "the server ignores echo: %d value for the prompt's %d tokens", len(lp.Values), n)
	default:
		e := echo{tokens: lp.Tokens, values: lp.Values, top: lp.Top, generated: 1}
		if c.Usage != nil && c.Usage.Completion != nil && len(c.Choices) == 1 {
			e.generated = *c.Usage.Completion
		}
		return e, nil
	}
}

// echoValues reads the k-th choice as the answer to r. lead entries are BOS. differs says that other tokens came back than were sent,
// which the text may explain.
func (c *completion) echoValues(k int, r model.Request, lead int, bos []int64) (s model.Scored, differs bool, err error) {
	n := len(r.IDs)
	e, err := c.echo(k, n)
	if err != nil {
		return s, false, err
	}
	want := lead + n
	got := len(e.values) - e.generated
	if len(c.Choices) > 1 && len(e.values) == want {
		got = want // a prompt among several whose text the model ended at once
	}
	if got != want {
		hint := ""
		if len(bos) == 0 {
			hint = "; llama-cpp-python's server loses one when the model has no BOS, and gives the values of the position after"
		}
		return s, true, short(max(got, 0), want, hint)
	}
	tokens := e.tokens[lead:want]
	ids, known := tokenIDs(tokens)
	if known && !slices.Equal(ids, r.IDs) {
		return s, true, model.Faultf(model.CheckIdentity, "the tokens of a prompt came back as other ones")
	}
	if known && lead > 0 {
		if first, ok := tokenIDs(e.tokens[:lead]); !ok || !slices.Equal(first, bos) {
			return s, true, model.Faultf(model.CheckIdentity, "BOS was sent and did not come back")
		}
	}
	s = blank(r.IDs)
	if !known && len(r.Text) > 0 {
		if !spelled(string(r.Text), tokens) {
			return s, true, model.Faultf(model.CheckIdentity, "the strings of the tokens that came back do not spell the text")
		}
		s.Offsets = offsetsOf(string(r.Text), tokens)
	}
	for t, v := range e.values[lead:want] {
		if v != nil {
			s.LogProbs[t] = *v
		} else if t > 0 {
			return s, false, missing(t, n)
		}
	}
	if r.Top > 0 {
		if len(e.top) != len(e.values) {
			return s, false, model.Faultf(model.CheckCount, "likeliest tokens for %d of %d tokens", len(e.top), len(e.values))
		}
		return s, false, addTop(&s, e.top[lead:want], r.Top, known)
	}
	return s, false, nil
}

// addTop fills in the likeliest tokens. Without ids only their values are known, and only where all their strings are whole
// characters: tokens that share a string would hide one another.
func addTop(s *model.Scored, top []map[string]*float64, n int, ids bool) error {
	s.TopLogProbs = make([][]float64, len(top))
	if ids {
		s.TopIDs = make([][]int64, len(top))
	}
	for t, at := range top {
		entries := make([]entry, 0, len(at))
		whole := len(at) >= n
		for name, lp := range at {
			if lp == nil {
				return model.Faultf(model.CheckRange, "a likeliest token at token %d has no value", t)
			}
			e := entry{lp: *lp}
			if ids {
				parsed, ok := tokenIDs([]string{name})
				if !ok {
					return model.Faultf(model.CheckIdentity, "likeliest token %q at token %d is no id", name, t)
				}
				e.id = parsed[0]
			}
			whole = whole && name != "" && !strings.ContainsRune(name, utf8.RuneError)
			entries = append(entries, e)
		}
		if !ids && !whole {
			continue
		}
		named, lps := likeliest(entries, min(n, len(entries)))
		s.TopLogProbs[t] = lps
		if ids {
			s.TopIDs[t] = named
		}
	}
	return nil
}

// tokenIDs reads tokens that vLLM wrote as ids.
func tokenIDs(tokens []string) ([]int64, bool) {
	ids := make([]int64, len(tokens))
	for i, t := range tokens {
		digits, ok := strings.CutPrefix(t, "token_id:")
		id, err := strconv.ParseInt(digits, 10, 64)
		if !ok || err != nil {
			return nil, false
		}
		ids[i] = id
	}
	return ids, true
}

// spelled reports whether the strings can be those of the text's tokens: those that are whole characters follow one another in it, and all
// of it when all are.
func spelled(text string, tokens []string) bool {
	at, whole := 0, true
	for i, t := range tokens {
		if t == "" || strings.ContainsRune(t, utf8.RuneError) {
			whole = false
			continue
		}
		if i == 0 && !strings.HasPrefix(text, t) {
			t = strings.TrimPrefix(t, " ") // SentencePiece
		}
		k := strings.Index(text[at:], t)
		if k < 0 || k > 0 && whole {
			return false
		}
		at += k + len(t)
	}
	return !whole || at == len(text)
}

func (p *openai) generate(ctx context.Context, e *Engine, prompt model.Prompt) (model.Continuation, error) {
	ask := map[string]any{"model": e.facts.Model, "max_tokens": prompt.Length, "logprobs": 0, "return_tokens_as_token_ids": true}
	ask["prompt"] = e.prompt(prompt.IDs)
	all := -1
	if e.texts {
		ask["prompt"] = string(prompt.Text)
		ask["repeat_penalty"], all = 1, 0 // llama-cpp-python's: 1.1 unless it is told, in some versions, and no top_k below 0
	}
	sampling(ask, prompt, all)
	var reply completion
	if err := e.client.call(ctx, "POST", "/v1/completions", ask, replyLimit(prompt.Length, 1), &reply); err != nil {
		return model.Continuation{}, err
	}
	out, err := reply.continuation()
	if slices.ContainsFunc(out.LogProbs, math.IsNaN) {
		out.LogProbs = nil
	}
	return out, err
}
