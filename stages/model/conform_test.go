package model_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"palimpsest/stages/model"
)

func TestConform(t *testing.T) {
	good := model.Facts{Context: 600, BOS: true, MostTop: 1}
	for _, c := range []struct {
		name  string
		facts model.Facts
		spoil func(r model.Request, s *model.Scored, nth int)
		check string // that fails; none for a good engine
	}{
		{"good", good, nil, ""},
		{"no BOS", model.Facts{}, func(_ model.Request, s *model.Scored, _ int) { s.LogProbs[0] = nan }, ""},
		{"no likeliest tokens, no ids", model.Facts{Context: 600, BOS: true}, func(_ model.Request, s *model.Scored, _ int) {
			s.TokenIDs = nil
		}, ""},
		{"one value for a text", good, func(_ model.Request, s *model.Scored, _ int) {
			*s = model.Scored{LogProbs: s.LogProbs[:1]}
		}, model.CheckCount},
		{"long prompts are truncated", good, func(r model.Request, s *model.Scored, _ int) {
			if n := len(r.IDs); n > 256 {
				*s = model.Scored{LogProbs: s.LogProbs[:256]}
			}
		}, model.CheckCount},
		{"other ids", good, func(_ model.Request, s *model.Scored, _ int) { s.TokenIDs[2]++ }, model.CheckIdentity},
		{"values of the next position", good, func(_ model.Request, s *model.Scored, _ int) {
			s.LogProbs = append(s.LogProbs[1:], -1)
			s.TopIDs, s.TopLogProbs = nil, nil
		}, model.CheckShift},
		{"values of the position before", good, func(_ model.Request, s *model.Scored, _ int) {
			s.LogProbs = append([]float64{-1}, s.LogProbs[:len(s.LogProbs)-1]...)
		}, model.CheckShift},
		{"values that change from call to call", good, func(_ model.Request, s *model.Scored, nth int) {
			for i := range s.LogProbs {
				s.LogProbs[i] -= float64(nth)
			}
		}, model.CheckPrefix},
		{"a cache that gives other values", good, func(_ model.Request, s *model.Scored, nth int) {
			if nth == 5 {
				s.LogProbs[4] -= .1
			}
		}, model.CheckRepeat},
		{"losses", good, func(_ model.Request, s *model.Scored, _ int) {
			for i := range s.LogProbs {
				s.LogProbs[i] *= -1
			}
		}, model.CheckRange},
		{"a token without value", good, func(_ model.Request, s *model.Scored, _ int) { s.LogProbs[5] = nan }, model.CheckRange},
		{"BOS promised, no first value", good, func(_ model.Request, s *model.Scored, _ int) { s.LogProbs[0] = nan }, model.CheckRange},
		{"more than 1", good, func(r model.Request, s *model.Scored, _ int) {
			for i := range s.TopLogProbs {
				s.TopIDs[i], s.TopLogProbs[i] = []int64{1, 2}, []float64{-.001, -.001}
			}
		}, model.CheckRange},
		{"a clamp", good, func(_ model.Request, s *model.Scored, _ int) {
			for i, lp := range s.LogProbs {
				if lp < -3.5 {
					s.LogProbs[i] = -9999
				}
			}
		}, model.CheckClamp},
		{"a vocabulary that does not add up", model.Facts{BOS: true, MostTop: 2, Vocabulary: 2}, func(r model.Request, s *model.Scored, _ int) {
			for i := range s.TopLogProbs {
				s.TopIDs[i], s.TopLogProbs[i] = []int64{1, 2}, []float64{-.001, -1e-9 - 9}
			}
			if r.Top == 2 {
				s.TopLogProbs[3] = []float64{-.01, -9}
			}
		}, model.CheckRange},
	} {
		t.Run(c.name, func(t *testing.T) {
			checks, err := model.Conform(context.Background(), &byteEngine{facts: c.facts, spoil: c.spoil})
			if c.check == "" {
				if err != nil || len(checks) != 8 {
					t.Fatalf("%v: %+v", err, checks)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.check+": ") {
				t.Fatalf("%v; want %s", err, c.check)
			}
			if !slices.ContainsFunc(checks, func(k model.Check) bool { return k.Name == c.check && !k.OK && k.Detail != "" }) {
				t.Errorf("%+v", checks)
			}
			for _, k := range checks {
				if k.Name == c.check && k.OK {
					t.Errorf("%s passed and failed", c.check)
				}
			}
		})
	}
}

func TestConformOfAnEngineThatDoesNotAnswer(t *testing.T) {
	gone := errors.New("gone")
	if _, err := model.Conform(context.Background(), &byteEngine{err: gone}); !errors.Is(err, gone) {
		t.Errorf("%v", err)
	}
}

func TestConformAsksForFreshValues(t *testing.T) {
	e := &byteEngine{facts: model.Facts{BOS: true, MostTop: 1}, spoil: func(r model.Request, _ *model.Scored, _ int) {
		if !r.Fresh {
			panic("a request that a cache may answer")
		}
	}}
	if _, err := model.Conform(context.Background(), e); err != nil {
		t.Error(err)
	}
	longest := slices.Max(e.sizes)
	if longest < 900 || longest > 1024 || e.calls > 16 {
		t.Errorf("%d requests, the longest of %d tokens", e.calls, longest)
	}
}
