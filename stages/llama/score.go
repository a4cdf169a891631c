package llama

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"palimpsest/stages/model"
)

// ErrBroken says that a model's weights are broken: what it gives is not finite.
var ErrBroken = errors.New("the model's output is not finite")

// Score returns what the model says of the requests' tokens. Means are sum p log p over the vocabulary: the negative of the entropy, nats.
func (e *Engine) Score(ctx context.Context, requests []model.Request) ([]model.Scored, error) {
	texts := make([]scoring, len(requests))
	for i := range requests {
		t, err := e.check(ctx, requests[i].Text, requests[i].IDs)
		if err == nil && len(t.IDs) > e.facts.Context {
			err = fmt.Errorf("%d tokens; the context has %d", len(t.IDs), e.facts.Context)
		}
		if err != nil {
			return nil, fmt.Errorf("llama: request %d: %w", i, err)
		}
		texts[i] = e.scoring(t, requests[i])
	}
	err := e.share(ctx, len(texts), func(ctx context.Context, p *pass, next func() int) error {
		return p.score(ctx, texts, next)
	})
	if err != nil {
		return nil, fmt.Errorf("llama: %w", err)
	}
	scored := make([]model.Scored, len(texts))
	for i := range texts {
		scored[i] = texts[i].to
	}
	return scored, nil
}

// share divides n things among goroutines, which take them one by one by next until it returns n. Goroutines that would have none help
// the others.
func (e *Engine) share(ctx context.Context, n int, f func(ctx context.Context, p *pass, next func() int) error) error {
	takers := min(n, e.workers)
	if takers == 0 {
		return nil
	}
	var taken atomic.Int64
	next := func() int { return min(n, int(taken.Add(1))-1) }
	group, ctx := errgroup.WithContext(ctx)
	for range takers {
		group.Go(func() error {
			p, err := e.take(ctx, e.workers/takers)
			if err != nil {
				return err
			}
			defer e.give(p)
			return f(ctx, p, next)
		})
	}
	return group.Wait()
}

// scoring is a text while it is scored.
type scoring struct {
	cache  cache
	input  []int64 // what the model reads: BOS, where it has one, and all tokens but the last
	ids    []int64
	first  int // input i says what token i+first is
	from   int // the first token whose values are asked for
	top    int
	fed    int // of input
	filled int // tokens before this one have their values
	to     model.Scored
}

func (e *Engine) scoring(t model.Tokens, r model.Request) scoring {
	n := len(t.IDs)
	s := scoring{ids: t.IDs, first: 1 - len(e.bos), top: r.Top}
	s.from = max(r.From, s.first)
	s.filled = s.from
	if s.from < n {
		s.input = append(slices.Clone(e.bos), t.IDs[:n-1]...)
	}
	s.to = model.Scored{
		LogProbs: make([]float64, n), TokenIDs: slices.Clone(t.IDs), Offsets: t.Offsets, Ranks: make([]int64, n),
		Means: make([]float64, n), Deviations: make([]float64, n),
	}
	if r.Top > 0 {
		s.to.TopIDs, s.to.TopLogProbs = make([][]int64, n), make([][]float64, n)
	}
	for i := range min(s.from, n) {
		s.to.LogProbs[i], s.to.Means[i], s.to.Deviations[i] = math.NaN(), math.NaN(), math.NaN()
	}
	return s
}

// score takes texts until there are none, and fills each batch with as many as it holds.
func (p *pass) score(ctx context.Context, texts []scoring, next func() int) error {
	var (
		segments []segment
		open     []int // the texts of the batch; of them only the last may go on in the next batch
	)
	defer func() {
		for _, i := range open {
			p.pages.release(&texts[i].cache)
		}
	}()
	for {
		segments = segments[:0]
		for room := batch; room > 0; {
			if len(open) == 0 || texts[open[len(open)-1]].fed == len(texts[open[len(open)-1]].input) {
				i := next()
				if i == len(texts) {
					break
				}
				open = append(open, i)
			}
			t := &texts[open[len(open)-1]]
			n := min(room, len(t.input)-t.fed)
			if n == 0 {
				continue
			}
			segments = append(segments, segment{cache: &t.cache, ids: t.input[t.fed:][:n], want: max(0, t.from-t.first-t.fed)})
			t.fed, room = t.fed+n, room-n
		}
		if len(segments) == 0 {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		p.forward(segments)
		if err := p.fill(texts, open); err != nil {
			return err
		}
		keep := open[:0]
		for _, i := range open {
			if texts[i].fed < len(texts[i].input) {
				keep = append(keep, i)
			} else {
				p.pages.release(&texts[i].cache)
			}
		}
		open = keep
	}
}

// fill takes the values of the open texts' tokens from the logits.
func (p *pass) fill(texts []scoring, open []int) error {
	type place struct{ text, token int }
	var places []place
	for _, i := range open {
		for t := &texts[i]; t.filled-t.first < t.fed; t.filled++ {
			places = append(places, place{i, t.filled})
		}
	}
	failed := make([]bool, len(places))
	p.parallel(len(places), len(places)*p.vocabulary*64, func(i int, _ *scratch) {
		t := &texts[places[i].text]
		failed[i] = !t.fill(places[i].token, p.logitsOf(i))
	})
	if i := slices.Index(failed, true); i >= 0 {
		return fmt.Errorf("request %d, token %d: %w", places[i].text, places[i].token, ErrBroken)
	}
	return nil
}

// fill takes the values of a token from the logits, and reports whether they are finite.
func (s *scoring) fill(token int, logits []float32) bool {
	d, ok := newDistribution(logits)
	if !ok {
		return false
	}
	own := logits[s.ids[token]]
	s.to.LogProbs[token] = d.of(own)
	s.to.Ranks[token] = model.Rank(logits, own)
	s.to.Means[token], s.to.Deviations[token] = d.mean, d.deviation
	if s.top > 0 {
		s.to.TopIDs[token] = model.Likeliest(logits, s.top)
		for _, id := range s.to.TopIDs[token] {
			s.to.TopLogProbs[token] = append(s.to.TopLogProbs[token], d.of(logits[id]))
		}
	}
	return true
}

// distribution is what logits say as a whole.
type distribution struct {
	highest         float64
	logSum          float64 // of e^(logit-highest)
	mean, deviation float64 // of log p under p
}

// newDistribution reports false for logits that are no numbers or infinite. How many there are is a multiple of eight.
func newDistribution(logits []float32) (d distribution, ok bool) {
	for _, v := range logits {
		if v != v {
			return d, false
		}
	}
	highest := highestOf(logits)
	zeroth, first, second := moments(logits, highest)
	if !(zeroth >= 1) || math.IsInf(float64(highest), 0) {
		return d, false
	}
	d.highest, d.logSum = float64(highest), logarithm(zeroth)
	mean := first / zeroth
	d.mean = mean - d.logSum
	d.deviation = math.Sqrt(max(0, second/zeroth-float64(mean*mean)))
	return d, true
}

// of returns the log-probability of a logit.
func (d *distribution) of(logit float32) float64 { return float64(logit) - d.highest - d.logSum }
