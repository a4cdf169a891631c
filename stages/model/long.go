package model

import (
	"context"
	"fmt"
	"slices"
)

// Long returns what the model says of a text, which may be longer than the engine's context, each token asked for once. tokens are
// those of the text as the engine cuts it; top is Request.Top.
//
// A text within the context is one request. A longer one is cut into overlapping contexts: each one after the first begins with tokens
// that the one before has scored, at least half a context of them, so no token is scored on less. The last one reaches back as far as a
// context allows. They go to the engine a few at a time.
//
// Offsets are those of tokens, or the engine's own where the text is one request. Another slot is nil unless every part has it.
func Long(ctx context.Context, engine Engine, text []byte, tokens Tokens, top int) (Scored, error) {
	windows, err := cut(len(tokens.IDs), engine.Facts().Context)
	if err != nil {
		return Scored{}, err
	}
	if n := len(tokens.Offsets); tokens.Offsets != nil && (n != len(tokens.IDs) || !offsetsLieIn(text, tokens.Offsets)) {
		return Scored{}, fmt.Errorf("the offsets of the %d tokens do not lie in the text of %d bytes in order", len(tokens.IDs), len(text))
	}
	parts := make([]Scored, 0, len(windows))
	for some := range slices.Chunk(windows, atOnce) {
		requests := make([]Request, len(some))
		for i, w := range some {
			requests[i] = Request{Text: bytesOf(text, tokens, w), IDs: tokens.IDs[w.start:w.end:w.end], From: w.scored - w.start, Top: top}
		}
		answers, err := engine.Score(ctx, requests)
		if err != nil {
			return Scored{}, err
		}
		if len(answers) != len(requests) {
			return Scored{}, Faultf(CheckCount, "%d answers to %d requests", len(answers), len(requests))
		}
		for i, w := range some {
			if got := len(answers[i].LogProbs); got != w.end-w.start {
				return Scored{}, Faultf(CheckCount, "%d log-probabilities for tokens %d to %d", got, w.start, w.end)
			}
			if ids := answers[i].TokenIDs; ids != nil && !slices.Equal(ids, requests[i].IDs) {
				return Scored{}, Faultf(CheckIdentity, "tokens %d to %d came back as other tokens", w.start, w.end)
			}
		}
		parts = append(parts, answers...)
	}
	whole := joined(parts, windows)
	if len(parts) == 1 {
		whole.Offsets = parts[0].Offsets
	}
	if tokens.Offsets != nil {
		whole.Offsets, whole.Cut = slices.Clone(tokens.Offsets), true
	}
	return whole, nil
}

// atOnce is how many windows of a text are asked for at once.
const atOnce = 16

// window is one request of a long text: tokens start to end, of which those before scored were asked for with an earlier window.
type window struct{ start, scored, end int }

// cut returns the windows of n tokens. A context of 0 is unknown, and taken as long enough.
func cut(n, context int) ([]window, error) {
	if context == 0 || n <= context {
		return []window{{0, 0, n}}, nil
	}
	if context < 2 {
		return nil, fmt.Errorf("a text of %d tokens cannot be scored in contexts of %d", n, context)
	}
	windows := []window{{0, 0, context}}
	for end := context; end < n; {
		start := min(end-(context+1)/2, n-context)
		w := window{start, end, start + context}
		windows = append(windows, w)
		end = w.end
	}
	return windows, nil
}

// bytesOf returns the bytes of a window's tokens, nil where the offsets are unknown.
func bytesOf(text []byte, tokens Tokens, w window) []byte {
	n := len(tokens.IDs)
	if w.start == 0 && w.end == n {
		return text
	}
	if tokens.Offsets == nil {
		return nil
	}
	from, to := int64(0), int64(len(text))
	if w.start > 0 {
		from = tokens.Offsets[w.start]
	}
	if w.end < n {
		to = tokens.Offsets[w.end]
	}
	return text[from:to]
}

// joined puts the values together that each window was asked for.
func joined(parts []Scored, windows []window) Scored {
	return Scored{
		LogProbs:    join(parts, windows, func(s *Scored) []float64 { return s.LogProbs }),
		TokenIDs:    join(parts, windows, func(s *Scored) []int64 { return s.TokenIDs }),
		Ranks:       join(parts, windows, func(s *Scored) []int64 { return s.Ranks }),
		Means:       join(parts, windows, func(s *Scored) []float64 { return s.Means }),
		Deviations:  join(parts, windows, func(s *Scored) []float64 { return s.Deviations }),
		TopIDs:      join(parts, windows, func(s *Scored) [][]int64 { return s.TopIDs }),
		TopLogProbs: join(parts, windows, func(s *Scored) [][]float64 { return s.TopLogProbs }),
	}
}

// join puts one slot together; it is nil unless every part has a value for each of its tokens.
func join[T any](parts []Scored, windows []window, slot func(*Scored) []T) []T {
	whole := make([]T, 0, windows[len(windows)-1].end)
	for i, w := range windows {
		values := slot(&parts[i])
		if values == nil || len(values) != w.end-w.start {
			return nil
		}
		whole = append(whole, values[w.scored-w.start:]...)
	}
	return whole
}
