package model_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"palimpsest/stages/model"
)

// numbered returns n tokens, each with an id of its own, of two bytes of text each.
func numbered(n int) ([]byte, model.Tokens) {
	var t model.Tokens
	for i := range n {
		t.IDs, t.Offsets = append(t.IDs, int64(i)), append(t.Offsets, int64(2*i))
	}
	return []byte(strings.Repeat("ab", n)), t
}

func TestEveryTokenIsAskedForOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		context_ := rapid.IntRange(2, 40).Draw(t, "context")
		n := rapid.IntRange(0, 200).Draw(t, "tokens")
		top := rapid.IntRange(0, 1).Draw(t, "top")
		text, tokens := numbered(n)
		e := &byteEngine{facts: model.Facts{Context: context_}}
		var windows []model.Request
		e.spoil = func(r model.Request, _ *model.Scored, _ int) { windows = append(windows, r) }
		s, err := model.Long(context.Background(), e, text, tokens, top)
		if err != nil {
			t.Fatal(err)
		}
		for id := range int64(n) {
			if e.asked[id] != 1 {
				t.Fatalf("token %d was asked for %d times", id, e.asked[id])
			}
		}
		if n > 0 && !slices.Equal(s.TokenIDs, tokens.IDs) || len(s.LogProbs) != n || len(s.Ranks) != n ||
			!slices.Equal(s.Offsets, tokens.Offsets) {
			t.Fatalf("%+v", s)
		}
		if top > 0 && n > 0 && len(s.TopIDs) != n || top == 0 && s.TopIDs != nil {
			t.Fatalf("likeliest of %d tokens", len(s.TopIDs))
		}
		for k, w := range windows {
			if len(w.IDs) > context_ || k > 0 && len(w.IDs) != context_ {
				t.Fatalf("request %d has %d tokens in a context of %d", k, len(w.IDs), context_)
			}
			if k > 0 && 2*w.From < context_ {
				t.Fatalf("request %d begins with %d tokens of context in %d", k, w.From, context_)
			}
			if len(w.Text) != 2*len(w.IDs) {
				t.Fatalf("request %d: %d bytes for %d tokens", k, len(w.Text), len(w.IDs))
			}
			// Each value is that of the request that asked for it.
			want := value(w)
			for i := w.From; i < len(w.IDs); i++ {
				if s.LogProbs[w.IDs[i]] != want.LogProbs[i] {
					t.Fatalf("token %d has another value than request %d gave", w.IDs[i], k)
				}
			}
		}
		if n <= context_ && len(windows) != 1 {
			t.Fatalf("%d requests for a text within the context", len(windows))
		}
	})
}

func TestLongWithinTheContextIsTheAnswerItself(t *testing.T) {
	e := &byteEngine{facts: model.Facts{Context: 100}}
	s, err := model.Long(context.Background(), e, []byte("abc"), model.Tokens{IDs: []int64{'a', 'b', 'c'}}, 1)
	if err != nil {
		t.Fatal(err)
	}
	want := value(model.Request{IDs: []int64{'a', 'b', 'c'}, Top: 1})
	if fmt.Sprint(s) != fmt.Sprint(want) {
		t.Errorf("%+v, want %+v", s, want)
	}
}

func TestLongFaults(t *testing.T) {
	text, tokens := numbered(50)
	for _, c := range []struct {
		name  string
		facts model.Facts
		toks  model.Tokens
		spoil func(r model.Request, s *model.Scored, nth int)
		says  string
	}{
		{"too few values", model.Facts{Context: 20}, tokens, func(_ model.Request, s *model.Scored, nth int) {
			if nth == 2 {
				s.LogProbs = s.LogProbs[1:]
			}
		}, "count: 19 log-probabilities for tokens 10 to 30"},
		{"other tokens", model.Facts{Context: 20}, tokens, func(_ model.Request, s *model.Scored, _ int) { s.TokenIDs[3] = 999 }, "identity: "},
		{"a context of one", model.Facts{Context: 1}, tokens, nil, "contexts of 1"},
		{"offsets outside", model.Facts{Context: 20}, model.Tokens{IDs: tokens.IDs, Offsets: make([]int64, 3)}, nil, "do not lie in the text"},
	} {
		_, err := model.Long(context.Background(), &byteEngine{facts: c.facts, spoil: c.spoil}, text, c.toks, 0)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v; want %s", c.name, err, c.says)
		}
	}
}

// A slot that one part lacks is not known of the whole.
func TestLongKeepsWhatAllPartsHave(t *testing.T) {
	text, tokens := numbered(50)
	tokens.Offsets = nil
	e := &byteEngine{facts: model.Facts{Context: 20}, spoil: func(r model.Request, s *model.Scored, nth int) {
		if nth == 3 {
			s.Ranks = nil
		}
		if r.Text != nil {
			panic("text without offsets")
		}
	}}
	s, err := model.Long(context.Background(), e, text, tokens, 1)
	if err != nil || s.Ranks != nil || len(s.TopIDs) != 50 || s.Offsets != nil {
		t.Errorf("%v %+v", err, s)
	}
}
