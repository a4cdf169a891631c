// Package extract asks a model to go on with the beginnings of works, so that what it writes can be searched for in the corpus like any
// other output (the loop of Franceschelli et al., arXiv 2407.13493, Figure 1: from the weights back to the bytes of a source).
//
// A work is tokenised whole and cut like the extraction windows are (methods, section 5): a prefix of so many tokens every so many, as
// far as the work goes on for the whole length that is asked for. Each prefix is continued greedily, by draws from the k likeliest
// tokens, or both. Every attempt is kept, also those that found nothing: they are the denominator.
package extract

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"

	"github.com/zeebo/xxh3"

	"palimpsest/stages/model"
)

// Prompts says how works are turned into prompts, and how often each is asked.
type Prompts struct {
	Prefix int    // tokens of a prompt
	Length int    // tokens that are asked for
	Stride int    // tokens from one prompt of a work to the next
	Most   int    // prompts of one work; 0 for no limit
	Greedy bool   // once by the likeliest tokens
	Draws  int    // times by sampling
	TopK   int    // from so many of the likeliest tokens
	Seed   uint64 // of the draws
}

// Attempt is one continuation of one prompt.
type Attempt struct {
	Start                  int   // the prompt's first token in the work
	PromptStart, PromptEnd int64 // bytes of the work
	Prompt                 []byte
	TopK                   int    // 1 for greedy
	Draw                   int    // from 0; 0 for greedy
	Seed                   uint64 // of the draw; 0 for greedy

	model.Continuation

	// Same is how many tokens the continuation begins with that are those of the work; at Prompts.Length the work was given back.
	Same int
}

// batch is how many prompts are asked at once.
const batch = 16

// ErrNoOffsets says that an engine does not tell where a text's tokens begin, so that none can be cut into prompts.
var ErrNoOffsets = errors.New("the engine does not say where the work's tokens begin, so there are no prompts; name the model's tokenizer")

// Continue asks the model to go on with a work's beginnings. Attempts come in order of their prompt, greedy before draws. The id is of
// the work: the draws of different works are seeded differently. Of a server that takes text alone some prompts cannot be asked, since
// they are no UTF-8: refused counts the attempts that were not made, and a whole work of that kind is model.ErrReencoded.
func Continue(ctx context.Context, e model.Engine, p Prompts, id string, work []byte) (made []Attempt, refused int, err error) {
	tokens, err := e.Tokenize(ctx, work)
	if err != nil {
		return nil, 0, fmt.Errorf("tokenizing: %w", err)
	}
	if tokens.Offsets == nil {
		return nil, 0, ErrNoOffsets
	}
	end := func(t int) int64 {
		if t < len(tokens.Offsets) {
			return tokens.Offsets[t]
		}
		return int64(len(work))
	}
	var all []Attempt
	for start, n := 0, 0; start+p.Prefix+p.Length <= len(tokens.IDs) && (p.Most == 0 || n < p.Most); start, n = start+p.Stride, n+1 {
		a := Attempt{Start: start, PromptStart: end(start), PromptEnd: end(start + p.Prefix)}
		a.Prompt = work[a.PromptStart:a.PromptEnd]
		if p.Greedy {
			a.TopK = 1
			all = append(all, a)
		}
		for d := range p.Draws {
			a.TopK, a.Draw = p.TopK, d
			a.Seed = p.Seed ^ xxh3.HashString(id+"\x00"+strconv.Itoa(start)+"\x00"+strconv.Itoa(d))
			all = append(all, a)
		}
	}
	if all != nil {
		made = make([]Attempt, 0, len(all)) // not nil where all are refused
	}
	for some := range slices.Chunk(all, batch) {
		written, err := ask(ctx, e, p, tokens.IDs, some)
		if errors.Is(err, model.ErrReencoded) { // of some: one by one then
			for i := range some {
				one, err := ask(ctx, e, p, tokens.IDs, some[i:i+1])
				if err != nil && !errors.Is(err, model.ErrReencoded) {
					return nil, 0, err
				}
				made = append(made, one...)
				refused += 1 - len(one)
			}
			continue
		}
		if err != nil {
			return nil, 0, err
		}
		made = append(made, written...)
	}
	return made, refused, nil
}

// ask makes the attempts and returns them.
func ask(ctx context.Context, e model.Engine, p Prompts, ids []int64, some []Attempt) ([]Attempt, error) {
	prompts := make([]model.Prompt, len(some))
	for i, a := range some {
		prompts[i] = model.Prompt{Text: a.Prompt, IDs: ids[a.Start : a.Start+p.Prefix], Length: p.Length, TopK: a.TopK, Seed: a.Seed}
	}
	written, err := e.Generate(ctx, prompts)
	if err != nil {
		return nil, fmt.Errorf("going on after token %d: %w", some[0].Start+p.Prefix, err)
	}
	for i := range some {
		a := &some[i]
		a.Continuation = written[i]
		own := ids[a.Start+p.Prefix:][:p.Length]
		for a.Same < min(len(own), len(a.IDs)) && own[a.Same] == a.IDs[a.Same] {
			a.Same++
		}
	}
	return some, nil
}
