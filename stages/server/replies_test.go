package server

import (
	"context"
	"errors"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"palimpsest/stages/model"
)

// replied reads a recorded reply.
func replied(t testing.TB, name string, reply any) {
	t.Helper()
	data, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if err := decode(data, reply); err != nil {
		t.Fatal(err)
	}
}

func equal(t *testing.T, name string, got []float64, want ...float64) {
	t.Helper()
	same := slices.EqualFunc(got, want, func(a, b float64) bool { return a == b || math.IsNaN(a) && math.IsNaN(b) })
	if !same {
		t.Errorf("%s: %v, want %v", name, got, want)
	}
}

var nan = math.NaN()

func TestRecordedTGI(t *testing.T) {
	var r tgiReply
	replied(t, "tgi-llama.json", &r)
	s, _, err := r.values([]int64{4321, 2009}, []int64{1})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "llama", s.LogProbs, -8.6875, -11.546875)
	if _, differs, err := r.values([]int64{4321, 2010}, []int64{1}); err == nil || !differs {
		t.Errorf("other ids: %v %v", differs, err)
	}
	if c := r.continuation(); !slices.Equal(c.IDs, []int64{363, 847}) || string(c.Text) != " for /" || c.Ended {
		t.Errorf("%+v", c)
	}
	if offsetsOf("Test request", []string{"Test", "request"}) != nil {
		t.Error("strings that lost their space were taken for the text's")
	}

	r = tgiReply{}
	replied(t, "tgi-bloom.json", &r)
	var ids []int64
	var pieces []string
	for _, p := range r.Details.Prefill {
		ids, pieces = append(ids, p.ID), append(pieces, p.Text)
	}
	if s, _, err = r.values(ids, nil); err != nil {
		t.Fatal(err)
	}
	equal(t, "bloom", s.LogProbs, nan, -10.5703125, -.14746094, -1.9277344, -15.421875, -7.5820312, -1.4013672, -1.5664062, -.94189453,
		-3.6816406, -1.7753906)
	want := []int64{0, 4, 9, 14, 17, 21, 25, 26, 29, 34, 39}
	if got := offsetsOf("Pour d\u00e9guster un ortolan, il faut tout d'abord", pieces); !slices.Equal(got, want) {
		t.Errorf("offsets %v, want %v", got, want)
	}

	r = tgiReply{}
	replied(t, "tgi-no-prefill.json", &r)
	if _, _, err := r.values([]int64{1, 2}, nil); err == nil || !strings.Contains(err.Error(), "--enable-prefill-logprobs") {
		t.Errorf("%v", err)
	}
}

func TestRecordedVLLM(t *testing.T) {
	var c completion
	replied(t, "vllm.json", &c)
	got, err := c.promptValues([]model.Request{{IDs: []int64{3923, 596}, Top: 2}}, 1, 3)
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "values", got[0].LogProbs, -8.304518699645996, -9999)
	if !slices.Equal(got[0].Ranks, []int64{310, 2}) || !slices.Equal(got[0].TopIDs[0], []int64{14924, 755}) {
		t.Errorf("%+v", got[0])
	}
	if notes, err := got[0].Check([]byte("What's")); err != nil || notes.Clamped != 1 || !math.IsNaN(got[0].LogProbs[1]) {
		t.Errorf("a clamp is no number: %v %v", notes, err)
	}
	for _, wrong := range []struct {
		ids   []int64
		bos   int
		total int
		check string
	}{
		{[]int64{3923, 374, 5}, 1, 4, model.CheckCount},
		{[]int64{3923, 5}, 1, 3, model.CheckIdentity},
		{[]int64{3923, 596}, 1, 4, model.CheckCount},
	} {
		if _, err := c.promptValues([]model.Request{{IDs: wrong.ids}}, wrong.bos, wrong.total); err == nil ||
			!strings.HasPrefix(err.Error(), wrong.check) {
			t.Errorf("%v: %v", wrong, err)
		}
	}
}

func TestRecordedSGLang(t *testing.T) {
	var r []sglangReply
	replied(t, "sglang.json", &r)
	got, err := sglangValues(r, []model.Request{{IDs: []int64{2, 3}, Top: 2}}, []int64{1})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "values", got[0].LogProbs, -.5, -1)
	if !slices.Equal(got[0].TopIDs[1], []int64{7, 3}) {
		t.Errorf("%+v", got[0])
	}
	if _, err := sglangValues(r, []model.Request{{IDs: []int64{2, 4}}}, []int64{1}); err == nil {
		t.Error("another id passed")
	}
	if c := r[0].continuation(); !slices.Equal(c.IDs, []int64{20}) || string(c.Text) != " 5" {
		t.Errorf("%+v", c)
	}
}

// TestMisshapen reads replies that are JSON, of another shape than the protocol's.
func TestMisshapen(t *testing.T) {
	for _, reply := range []string{
		`[{"meta_info":{"input_token_logprobs":[[]]}}]`, `[{"meta_info":{"input_token_logprobs":[[-1]]}}]`,
		`[{"meta_info":{"input_token_logprobs":[["a",1]]}}]`, `[{"meta_info":{"input_token_logprobs":[{}]}}]`, `{}`, `[1]`,
	} {
		var many []sglangReply
		err := decode([]byte(reply), &many)
		if !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), "check the protocol") {
			t.Errorf("%s: %v", reply, err)
		}
	}
}

func TestRecordedEcho(t *testing.T) {
	var c completion
	replied(t, "echo.json", &c)
	request := model.Request{Text: []byte("The cat sat"), IDs: []int64{695, 270, 267, 1626}, Top: 2}
	s, _, err := c.echoValues(0, request, 0, []int64{0})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, "values", s.LogProbs, nan, -7.199181079864502, -3.5685389041900635, -14.670331954956055)
	equal(t, "likeliest", s.TopLogProbs[3], -1.6079561710357666, -2.226970911026001)
	if s.TopIDs != nil || !slices.Equal(s.Offsets, []int64{0, 3, 5, 7}) {
		t.Errorf("%+v", s)
	}
	request.Text = []byte("The cat sang")
	if _, differs, err := c.echoValues(0, request, 0, []int64{0}); !differs || err == nil {
		t.Errorf("another text: %v", err)
	}

	c = completion{}
	replied(t, "echo-bytes.json", &c)
	s, _, err = c.echoValues(0, model.Request{Text: []byte("\u00e9\u4e16"), IDs: []int64{1, 2, 3, 4, 5}, Top: 1}, 0, []int64{0})
	if err != nil {
		t.Fatal(err)
	}
	if s.Offsets != nil || s.TopLogProbs[1] != nil {
		t.Errorf("tokens whose strings are empty were taken for known: %+v", s)
	}

	for name, says := range map[string]string{"echo-no-bos.json": "no BOS", "echo-ignored.json": "ignores echo"} {
		c = completion{}
		replied(t, name, &c)
		_, _, err := c.echoValues(0, model.Request{Text: []byte("The cat sat"), IDs: []int64{504, 2644, 2643}}, 0, nil)
		if err == nil || !strings.HasPrefix(err.Error(), "count: ") || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestRecordedCompletion(t *testing.T) {
	var r llamaReply
	replied(t, "completion.json", &r)
	if _, err := r.distribution(2, 2048); err == nil || !strings.Contains(err.Error(), "2 of the vocabulary's 2048") {
		t.Errorf("%v", err)
	}
	if c := r.continuation(); !slices.Equal(c.IDs, []int64{356}) || string(c.Text) != " v" {
		t.Errorf("%+v", c)
	}
}

// Whatever a server sends, the parsers return an answer of the right length or an error.
func FuzzReplies(f *testing.F) {
	for _, name := range []string{"tgi-llama", "tgi-bloom", "tgi-no-prefill", "vllm", "sglang", "echo", "echo-bytes", "echo-no-bos",
		"echo-ignored", "completion"} {
		data, err := os.ReadFile("testdata/" + name + ".json")
		if err != nil {
			f.Fatal(err)
		}
		f.Add(data)
	}
	f.Add([]byte(`{"tokens":[{"id":1,"piece":[195]},{"id":2,"piece":"a"}]}`))
	f.Fuzz(func(t *testing.T, data []byte) {
		requests := []model.Request{{Text: []byte("The cat"), IDs: []int64{2, 3}, Top: 2}}
		check := func(s model.Scored) {
			if len(s.LogProbs) != 2 || s.TopLogProbs != nil && len(s.TopLogProbs) != 2 || s.Ranks != nil && len(s.Ranks) != 2 {
				t.Fatalf("%+v for two tokens", s)
			}
			s.Check([]byte("The cat"))
		}
		errorInside(data)
		reason(data)
		var c completion
		if decode(data, &c) == nil {
			for _, bos := range [][]int64{nil, {1}} {
				if got, err := c.promptValues(requests, len(bos), 3); err == nil {
					check(got[0])
				}
				for k := range c.Choices {
					if s, _, err := c.echoValues(k, requests[0], len(bos), bos); err == nil {
						check(s)
					}
				}
			}
			c.continuation()
		}
		var many []sglangReply
		if decode(data, &many) == nil {
			if got, err := sglangValues(many, requests, []int64{1}); err == nil {
				check(got[0])
			}
			for _, r := range many {
				r.continuation()
			}
		}
		var tg tgiReply
		if decode(data, &tg) == nil {
			if s, _, err := tg.values(requests[0].IDs, []int64{1}); err == nil {
				check(s)
			}
			tg.continuation()
		}
		var l llamaReply
		if decode(data, &l) == nil {
			if entries, err := l.distribution(2, 4); err == nil {
				s := blank(requests[0].IDs)
				s.Ranks, s.Means, s.Deviations = make([]int64, 2), make([]float64, 2), make([]float64, 2)
				s.TopIDs, s.TopLogProbs = make([][]int64, 2), make([][]float64, 2)
				if place(&s, 0, entries, 2) == nil {
					check(s)
				}
			}
			l.continuation()
		}
		var tokens struct {
			Tokens []struct {
				Piece piece `json:"piece"`
			} `json:"tokens"`
		}
		decode(data, &tokens)
	})
}

// What a cache holds is read back, or not taken.
func FuzzCache(f *testing.F) {
	f.Add(sealed([]byte(`{"log_probs":[null,-1],"ids":[1,2]}`)))
	f.Add([]byte("x"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if payload, ok := unsealed(data); ok {
			if again, ok := unsealed(sealed(payload)); !ok || string(again) != string(payload) {
				t.Fatal("what was read cannot be written")
			}
		}
	})
}

// Offsets that are given lie in the text, one a piece.
func FuzzOffsets(f *testing.F) {
	f.Add("the cat", "the", " cat")
	f.Add("caf\u00e9", "caf", "\u00c3\u00a9")
	f.Add("a b", "\u2581a", "\u2581b")
	f.Add("\u00e9", "<0xC3>", "<0xA9>")
	f.Fuzz(func(t *testing.T, text, a, b string) {
		offsets := offsetsOf(text, []string{a, b})
		if offsets == nil {
			return
		}
		if len(offsets) != 2 || offsets[0] != 0 || offsets[1] < 0 || offsets[1] > int64(len(text)) {
			t.Fatalf("%v in %q", offsets, text)
		}
		spelled(text, []string{a, b})
	})
}

// A reply of full length is read, and one of a batch is never long.
func TestReplyLimit(t *testing.T) {
	long := len(`"128000":{"logprob":-12.345678901234567,"rank":128000,"decoded_token":"\u2581internationalization"},`)
	for _, c := range []struct{ tokens, top int }{{1, 0}, {4096, 0}, {4096, 40}, {1 << 17, 0}, {100_000, 100}} {
		if needed := int64(c.tokens * (c.top + 1) * long); replyLimit(c.tokens, c.top) < needed*5/4 {
			t.Errorf("%d tokens with %d likeliest: %d bytes are allowed, %d needed", c.tokens, c.top, replyLimit(c.tokens, c.top), needed)
		}
	}
}

func TestBatchesByLength(t *testing.T) {
	lengths := []int{4096, 4096, 4096, 10, 4096, 60_000, 10, 10}
	for _, c := range []struct {
		top  int
		want []int // texts in each request
	}{
		{0, []int{8}},
		{40, []int{2, 3, 1, 2}},
		{100, []int{1, 1, 1, 1, 1, 1, 2}},
	} {
		p := &counting{}
		e := &Engine{options: Options{Concurrency: 1}, protocol: p, batch: 16}
		var list []model.Request
		for i, n := range lengths {
			ids := make([]int64, n)
			ids[0] = int64(i)
			list = append(list, model.Request{IDs: ids, Top: c.top})
		}
		if _, err := e.Score(t.Context(), list); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(p.batches, c.want) {
			t.Errorf("top %d: batches of %v, want %v", c.top, p.batches, c.want)
		}
	}
}

// counting counts the texts of each request.
type counting struct {
	protocol
	batches []int
}

func (p *counting) score(_ context.Context, e *Engine, requests []model.Request) ([]model.Scored, error) {
	p.batches = append(p.batches, len(requests))
	out := make([]model.Scored, len(requests))
	for i, r := range requests {
		out[i] = blank(r.IDs)
	}
	return out, nil
}
