package server_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"palimpsest/stages/likelihood"
	"palimpsest/stages/model"
	"palimpsest/stages/server"
)

// examineWindows are those that every server is asked about: more of the likeliest tokens than most give.
var examineWindows = likelihood.Windows{Prefix: 6, Suffix: 4, Stride: 3, TopK: 40}

// limited is a fake of a protocol with a context of a few tokens, which not every protocol tells, and few likeliest tokens.
func limited(t testing.TB, fake, protocol string, own bool) *server.Engine {
	f := &fakeServer{protocol: fake, context: 24}
	if fake == "vllm" || fake == "openai" || fake == "llama-cpp-python" {
		f.wrong.mostTop = 5
	}
	options := server.Options{Context: 24}
	if own {
		options.Tokenizer = func(text []byte) (model.Tokens, error) {
			ids, offsets := tiny.encode(string(text))
			return model.Tokens{IDs: ids, Offsets: offsets}, nil
		}
	}
	return open(t, start(t, f), protocol, options)
}

// Every server can be examined, whatever it gives: the sums are the model's, and what is not given is unknown and no error.
func TestExamined(t *testing.T) {
	for _, p := range protocols {
		t.Run(p.fake, func(t *testing.T) {
			e := limited(t, p.fake, p.protocol, true)
			facts := e.Facts()
			x, err := likelihood.NewExaminer(e, likelihood.Questions{Windows: examineWindows})
			if err != nil {
				t.Fatal(err)
			}
			if facts.Context < 20 || facts.Context >= 24 {
				t.Fatalf("a context of %d tokens", facts.Context)
			}
			short, long := []byte("the cat sat on"), []byte(strings.Repeat("the tired cat at the quill, ", 4))
			for _, text := range [][]byte{short, long} {
				ids, _ := tiny.encode(string(text))
				r, _, err := x.Examine(context.Background(), likelihood.Text{Bytes: text})
				if err != nil {
					t.Fatalf("%q: %v", text, err)
				}
				if int64(len(ids)) != r.Tokens || (facts.BOS && r.ScoredTokens != r.Tokens) {
					t.Errorf("%q: %d of %d tokens were scored, want %d", text, r.ScoredTokens, r.Tokens, len(ids))
				}
				if len(ids) <= facts.Context {
					want := 0.0
					for i, lp := range tiny.values(ids, true) {
						if i > 0 || facts.BOS {
							want += lp
						}
					}
					if !(math.Abs(r.LogProb-want) < 1e-9) {
						t.Errorf("%q: log-probability %v, want %v", text, r.LogProb, want)
					}
				}
				checkWindows(t, r, ids, facts)
			}
		})
	}
}

// checkWindows compares windows with tiny's values. Of servers that take text those are left out whose text encodes to other tokens.
func checkWindows(t *testing.T, r *likelihood.Score, ids []int64, facts model.Facts) {
	t.Helper()
	w, known := examineWindows, 0
	if n := 1 + (len(ids)-w.Prefix-w.Suffix)/w.Stride; len(r.Windows) != max(n, 0) && len(ids) >= w.Prefix+w.Suffix {
		t.Fatalf("%d windows of %d tokens", len(r.Windows), len(ids))
	}
	for i, v := range r.Windows {
		if math.IsNaN(v.LogP) {
			continue
		}
		known++
		window := ids[i*w.Stride : i*w.Stride+w.Prefix+w.Suffix]
		want := 0.0
		for _, lp := range tiny.values(window, true)[w.Prefix:] {
			want += lp
		}
		if math.Abs(v.LogP-want) > 1e-9 {
			t.Errorf("window %d: log-probability %v, want %v", i, v.LogP, want)
		}
		if facts.MostTop < w.TopK && v.TopKExcluded == likelihood.No {
			t.Errorf("window %d: within the %d likeliest, of which %d are given", i, w.TopK, facts.MostTop)
		}
	}
	if left := len(r.Windows) - known; int64(left) != r.Notes.Reencoded || left > 0 && facts.Settings["prompt"] != "text" {
		t.Errorf("%d of %d windows have no value, %d for want of a text that encodes to them", left, len(r.Windows), r.Notes.Reencoded)
	}
}

// A text that is not UTF-8 is scored by servers that take ids, given a tokenizer; of the others it is unusable, and the run goes on.
func TestExaminedBytes(t *testing.T) {
	text := []byte("the cat \xff\xfe sat on the caf\xe9")
	ids, _ := tiny.encode(string(text))
	for _, p := range protocols {
		for _, own := range []bool{true, false} {
			e := limited(t, p.fake, p.protocol, own)
			x, err := likelihood.NewExaminer(e, likelihood.Questions{Windows: examineWindows})
			if err != nil {
				t.Fatal(err)
			}
			r, _, err := x.Examine(context.Background(), likelihood.Text{Bytes: text})
			if facts := e.Facts(); own && facts.Settings["prompt"] == "ids" {
				if err != nil {
					t.Errorf("%s: %v", p.fake, err)
				} else {
					checkWindows(t, r, ids, facts)
				}
				continue
			}
			if _, ok := errors.AsType[*likelihood.Unusable](err); !ok || !errors.Is(err, model.ErrReencoded) {
				t.Errorf("%s, tokenizer %v: %v", p.fake, own, err)
			}
		}
	}
}
