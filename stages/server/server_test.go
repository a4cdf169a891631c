package server_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"palimpsest/stages/model"
	"palimpsest/stages/server"
)

// protocols are the fakes, and the protocol by which each is asked.
var protocols = []struct{ fake, protocol string }{
	{"vllm", server.VLLM}, {"sglang", server.SGLang}, {"tgi", server.TGI}, {"openai", server.OpenAI},
	{"llama-cpp-python", server.OpenAI}, {"llamacpp", server.LlamaCPP},
}

func open(t testing.TB, url, protocol string, options server.Options) *server.Engine {
	t.Helper()
	options.URL, options.Protocol = url, protocol
	e, err := server.Open(context.Background(), options)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

var texts = []string{
	"the cat sat on the mat", "memorization at the quill", "x", "caf\u00e9 on the sea: \u4e16\u754c and a tired inn",
	strings.Repeat("another line of the text, ", 8),
}

// requests returns the texts as requests with their ids.
func requests(t testing.TB, e *server.Engine, top int) []model.Request {
	t.Helper()
	var list []model.Request
	for _, text := range texts {
		tokens, err := e.Tokenize(context.Background(), []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, model.Request{Text: []byte(text), IDs: tokens.IDs, Top: top})
	}
	return list
}

// sameValues compares an answer with tiny's own values. first says whether the first token has one.
func sameValues(t testing.TB, got []model.Scored, bos, first bool) {
	t.Helper()
	if len(got) != len(texts) {
		t.Fatalf("%d answers to %d texts", len(got), len(texts))
	}
	for i, text := range texts {
		ids, _ := tiny.encode(text)
		if !slices.Equal(got[i].TokenIDs, ids) {
			t.Errorf("%q: tokens %v, want %v", text, got[i].TokenIDs, ids)
		}
		want := tiny.values(ids, bos)
		for k := range want {
			if k == 0 && !first {
				if !math.IsNaN(got[i].LogProbs[0]) {
					t.Errorf("%q: the first token has %g", text, got[i].LogProbs[0])
				}
				continue
			}
			if !(math.Abs(got[i].LogProbs[k]-want[k]) < 1e-9) {
				t.Fatalf("%q: token %d has %g, want %g", text, k, got[i].LogProbs[k], want[k])
			}
		}
		if _, err := got[i].Check([]byte(text)); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestScoresAreTheModels(t *testing.T) {
	for _, p := range protocols {
		for _, noBOS := range []bool{false, true} {
			if noBOS && p.fake == "llama-cpp-python" {
				continue // it gives wrong values then
			}
			t.Run(fmt.Sprintf("%s/bos=%v", p.fake, !noBOS), func(t *testing.T) {
				f := &fakeServer{protocol: p.fake, wrong: wrong{noBOS: noBOS}}
				e := open(t, start(t, f), p.protocol, server.Options{Batch: 2})
				facts := e.Facts()
				first := !noBOS && p.fake != "llama-cpp-python"
				if facts.BOS != first {
					t.Errorf("facts say BOS %v: %+v", facts.BOS, facts)
				}
				top := min(5, facts.MostTop)
				list := requests(t, e, top)
				got, err := e.Score(context.Background(), list)
				if err != nil {
					t.Fatal(err)
				}
				sameValues(t, got, !noBOS, first)
				checkTop(t, got, facts, top, !noBOS)

				if testing.Short() && p.fake == "llamacpp" {
					return // a request a token
				}
				checks, err := model.Conform(context.Background(), e)
				if err != nil {
					t.Errorf("%v\n%+v", err, checks)
				}
				if len(checks) != 8 {
					t.Errorf("%d checks: %+v", len(checks), checks)
				}
			})
		}
	}
}

// checkTop compares ranks, moments and likeliest tokens with tiny's distribution at the last token of the first text.
func checkTop(t *testing.T, got []model.Scored, facts model.Facts, top int, bos bool) {
	t.Helper()
	ids, _ := tiny.encode(texts[0])
	before := slices.Clone(ids[:len(ids)-1])
	if bos {
		before = append([]int64{tinyBOS}, before...)
	}
	d, last := tiny.distribution(before), len(ids)-1
	order := best(d, len(d))
	if facts.Ranks {
		if want := int64(1 + slices.Index(order, ids[last])); got[0].Ranks[last] != want {
			t.Errorf("rank %d, want %d", got[0].Ranks[last], want)
		}
	}
	if facts.Moments {
		mean, square := 0.0, 0.0
		for _, lp := range d {
			mean, square = mean+math.Exp(lp)*lp, square+math.Exp(lp)*lp*lp
		}
		if math.Abs(got[0].Means[last]-mean) > 1e-9 || math.Abs(got[0].Deviations[last]-math.Sqrt(square-mean*mean)) > 1e-9 {
			t.Errorf("mean %g and deviation %g, want mean %g", got[0].Means[last], got[0].Deviations[last], mean)
		}
	}
	if top == 0 {
		return
	}
	if ids := got[0].TopIDs; ids != nil && !slices.Equal(ids[last], order[:top]) {
		t.Errorf("likeliest %v, want %v", ids[last], order[:top])
	}
	for k, lp := range got[0].TopLogProbs[last] {
		if math.Abs(lp-d[order[k]]) > 1e-9 {
			t.Errorf("likeliest %d has %g, want %g", k, lp, d[order[k]])
		}
	}
}

func TestOffsets(t *testing.T) {
	for _, c := range []struct {
		text    string
		unknown []string // servers whose strings do not add up to the text
	}{
		{"caf\u00e9 on the sea", []string{"llama-cpp-python"}},
		{"caf\u00e9: \u4e16\u754c", []string{"llama-cpp-python", "tgi"}}, // tokens that are parts of characters
	} {
		_, want := tiny.encode(c.text)
		for _, p := range protocols {
			e := open(t, start(t, &fakeServer{protocol: p.fake}), p.protocol, server.Options{})
			tokens, err := e.Tokenize(context.Background(), []byte(c.text))
			if err != nil {
				t.Fatal(err)
			}
			known := !slices.Contains(c.unknown, p.fake)
			if known != (tokens.Offsets != nil) || known && !slices.Equal(tokens.Offsets, want) {
				t.Errorf("%s: offsets %v, want %v", p.fake, tokens.Offsets, want)
			}
		}
	}
}

// A server that is wrong is caught when it is opened, by Conform, or by the first score; always with the check's name.
func TestWrongServersAreNamed(t *testing.T) {
	for _, c := range []struct {
		fake, protocol string
		wrong          wrong
		check          string
		says           string
	}{
		{"llamacpp", server.OpenAI, wrong{}, model.CheckCount, "ignores echo"},
		{"openai", server.OpenAI, wrong{ignoresEcho: true}, model.CheckCount, "ignores echo"},
		{"vllm", server.VLLM, wrong{ignoresEcho: true}, model.CheckCount, "ignores prompt_logprobs"},
		{"sglang", server.SGLang, wrong{ignoresEcho: true}, model.CheckCount, "ignores return_logprob"},
		{"tgi", server.TGI, wrong{ignoresEcho: true}, model.CheckCount, "--enable-prefill-logprobs"},
		{"vllm", server.VLLM, wrong{shift: 1}, model.CheckShift, "next position"},
		{"vllm", server.VLLM, wrong{shift: -1}, model.CheckShift, "position before"},
		{"sglang", server.SGLang, wrong{shift: 1}, model.CheckShift, "next position"},
		{"sglang", server.SGLang, wrong{shift: -1}, model.CheckShift, "position before"},
		{"openai", server.OpenAI, wrong{shift: 1}, model.CheckShift, "next position"},
		{"openai", server.OpenAI, wrong{shift: -1}, model.CheckShift, "position before"},
		{"tgi", server.TGI, wrong{shift: 1}, model.CheckShift, "next position"},
		{"llama-cpp-python", server.OpenAI, wrong{shift: 1}, model.CheckShift, "next position"},
		{"llama-cpp-python", server.OpenAI, wrong{noBOS: true, shift: 1}, model.CheckShift, "next position"},
		{"llamacpp", server.LlamaCPP, wrong{truncate: 200}, model.CheckCount, "truncate"},
		{"vllm", server.VLLM, wrong{truncate: 200}, model.CheckCount, "truncate"},
		{"sglang", server.SGLang, wrong{truncate: 200}, model.CheckCount, "truncate"},
		{"openai", server.OpenAI, wrong{truncate: 200}, model.CheckCount, "truncate"},
		{"tgi", server.TGI, wrong{truncate: 200}, model.CheckCount, "truncate"},
		{"llama-cpp-python", server.OpenAI, wrong{truncate: 200}, model.CheckCount, "truncate"},
		{"vllm", server.VLLM, wrong{clamp: -9}, model.CheckClamp, "clamp"},
		{"tgi", server.TGI, wrong{clamp: -9}, model.CheckClamp, "clamp"},
		{"vllm", server.VLLM, wrong{merges: true}, model.CheckBoundary, "merged"},
		{"sglang", server.SGLang, wrong{merges: true}, model.CheckBoundary, "merged"},
		{"openai", server.OpenAI, wrong{merges: true}, model.CheckBoundary, "merged"},
		{"vllm", server.VLLM, wrong{drifts: true}, model.CheckPrefix, "apart"},
		{"sglang", server.SGLang, wrong{drifts: true}, model.CheckRepeat, "prefix cache"},
		{"sglang", server.SGLang, wrong{positive: true}, model.CheckRange, "losses"},
	} {
		t.Run(fmt.Sprintf("%s %+v", c.fake, c.wrong), func(t *testing.T) {
			url := start(t, &fakeServer{protocol: c.fake, wrong: c.wrong})
			e, err := server.Open(context.Background(), server.Options{URL: url, Protocol: c.protocol})
			if err == nil {
				defer e.Close()
				var checks []model.Check
				checks, err = model.Conform(context.Background(), e)
				failed := slices.ContainsFunc(checks, func(k model.Check) bool { return k.Name == c.check && !k.OK })
				if !failed {
					t.Errorf("%s did not fail: %+v", c.check, checks)
				}
			} else if !errors.Is(err, server.ErrCapability) && !errors.Is(err, server.ErrRefused) {
				t.Errorf("the error is of no kind: %v", err)
			}
			if err == nil || !strings.Contains(err.Error(), c.check+": ") || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("%v; want %s: ... %s", err, c.check, c.says)
			}
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("the error has several lines: %v", err)
			}
			t.Log(err)
		})
	}
}

func TestIDsThatTextDoesNotEncodeTo(t *testing.T) {
	ids := []int64{1 + 't', 1 + 'h', 1 + 'e'}
	for _, p := range protocols {
		e := open(t, start(t, &fakeServer{protocol: p.fake}), p.protocol, server.Options{})
		got, err := e.Score(context.Background(), []model.Request{{Text: []byte("the"), IDs: ids}})
		if e.Facts().Settings["prompt"] == "text" {
			if !errors.Is(err, model.ErrReencoded) {
				t.Errorf("%s: %v", p.fake, err)
			}
			continue
		}
		if err != nil || !slices.Equal(got[0].TokenIDs, ids) || math.Abs(got[0].LogProbs[2]-tiny.values(ids, true)[2]) > 1e-9 {
			t.Errorf("%s: %v %v", p.fake, got, err)
		}
	}
}

func TestTopIsAsMuchAsTheServerGives(t *testing.T) {
	for _, p := range protocols[:5] {
		if p.fake == "sglang" || p.fake == "tgi" {
			continue // no limit; none at all
		}
		e := open(t, start(t, &fakeServer{protocol: p.fake, wrong: wrong{mostTop: 20}}), p.protocol, server.Options{})
		if got := e.Facts().MostTop; got != 20 {
			t.Errorf("%s: %d", p.fake, got)
		}
	}
}

func TestTokenizerOfOnesOwn(t *testing.T) {
	own := func(text []byte) (model.Tokens, error) {
		ids, offsets := tiny.encode(string(text))
		return model.Tokens{IDs: ids, Offsets: offsets}, nil
	}
	f := &fakeServer{protocol: "vllm", wrong: wrong{noTokenize: true}}
	url := start(t, f)
	if _, err := server.Open(context.Background(), server.Options{URL: url, Protocol: server.VLLM}); !errors.Is(err, server.ErrCapability) {
		t.Errorf("without any tokenizer: %v", err)
	}
	e := open(t, url, server.VLLM, server.Options{BOS: "0", Tokenizer: own})
	tokens, err := e.Tokenize(context.Background(), []byte("caf\xe9")) // not UTF-8
	if err != nil || len(tokens.Offsets) != 4 {
		t.Fatal(tokens, err)
	}
	got, err := e.Score(context.Background(), []model.Request{{Text: []byte("caf\xe9"), IDs: tokens.IDs}})
	if err != nil || math.Abs(got[0].LogProbs[3]-tiny.values(tokens.IDs, true)[3]) > 1e-9 {
		t.Fatal(got, err)
	}
}

// A tokenizer that is not the served model's is refused where the server can say so, by its tokens or by their strings.
func TestTokenizerOfAnotherModel(t *testing.T) {
	tokenizer := func(permuted bool) func(text []byte) (model.Tokens, error) {
		return func(text []byte) (model.Tokens, error) {
			ids, offsets := tiny.encode(string(text))
			for i, id := range ids {
				if permuted && id != tinyBOS {
					ids[i] = 1 + id%int64(tiny.vocabulary()-1)
				}
			}
			return model.Tokens{IDs: ids, Offsets: offsets}, nil
		}
	}
	for _, p := range protocols {
		for _, noTokenize := range []bool{false, true} {
			if noTokenize && p.fake != "sglang" && p.fake != "openai" {
				continue
			}
			url := start(t, &fakeServer{protocol: p.fake, wrong: wrong{noTokenize: noTokenize}})
			options := server.Options{URL: url, Protocol: p.protocol, Tokenizer: tokenizer(true)}
			if noTokenize {
				options.BOS = "0"
			}
			_, err := server.Open(context.Background(), options)
			if !errors.Is(err, server.ErrCapability) || !strings.Contains(err.Error(), "set tokenizer to") || strings.Contains(err.Error(), "\n") {
				t.Errorf("%s, without a route %v: %v", p.fake, noTokenize, err)
			}
			t.Log(err)
			options.Tokenizer = tokenizer(false)
			open(t, url, p.protocol, options)
		}
	}
}

func TestGenerate(t *testing.T) {
	prompt, _ := tiny.encode("the cat")
	want, lps := continued(append([]int64{tinyBOS}, prompt...), 6)
	for _, p := range protocols {
		e := open(t, start(t, &fakeServer{protocol: p.fake}), p.protocol, server.Options{})
		got, err := e.Generate(context.Background(), []model.Prompt{{Text: []byte("the cat"), IDs: prompt, Length: 6, TopK: 1}})
		if err != nil {
			t.Fatalf("%s: %v", p.fake, err)
		}
		if c := got[0]; c.IDs != nil && !slices.Equal(c.IDs, want) || len(c.LogProbs) != 6 || math.Abs(c.LogProbs[5]-lps[5]) > 1e-9 {
			t.Errorf("%s: %+v, want %v", p.fake, c, want)
		}
		if text := tiny.text(want); p.fake == "llamacpp" && string(got[0].Text) != text {
			t.Errorf("%s: %q, want %q", p.fake, got[0].Text, text)
		}
	}
}

// llama-cpp-python's server gives the text that it wrote and not its ids: they are those of prompt and text together, where the prompt's
// are the first of them.
func TestIDsOfWhatWasWritten(t *testing.T) {
	var text string
	var values []float64
	f := &fakeServer{protocol: "llama-cpp-python"}
	url := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if r.URL.Path == "/v1/completions" && !bytes.Contains(body, []byte(`"echo":true`)) {
			names := make([]string, len(values))
			reply(w, object{"choices": []object{{"text": text, "finish_reason": "length", "logprobs": object{
				"tokens": names, "token_logprobs": values}}}})
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		f.ServeHTTP(w, r)
	}))
	e := open(t, url, server.OpenAI, server.Options{})
	own := func(text []byte) (model.Tokens, error) {
		ids, offsets := tiny.encode(string(text))
		return model.Tokens{IDs: ids, Offsets: offsets}, nil
	}
	local := open(t, url, server.OpenAI, server.Options{Tokenizer: own})
	on, _ := tiny.encode(" on the mat")
	for _, c := range []struct {
		prompt, text string
		values       int
		want         []int64
	}{
		{"the cat", " on the mat", len(on), on},
		{"the cat", " on the mat", len(on) + 1, nil}, // another number of tokens was generated
		{"the ca", "t on", 3, nil},                   // " ca" and "t" are one token
		{"the cat", " caf\uFFFD", 5, nil},
		{"the cat", "", 0, nil},
	} {
		text, values = c.text, make([]float64, c.values)
		for i, e := range []*server.Engine{e, local} {
			got, err := e.Generate(context.Background(), []model.Prompt{{Text: []byte(c.prompt), Length: 9, TopK: 1}})
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(got[0].IDs, c.want) || string(got[0].Text) != c.text {
				t.Errorf("engine %d: %q and %q: %+v, want %v", i, c.prompt, c.text, got[0], c.want)
			}
		}
	}
}

// What a request does not say, some servers take from the model's own configuration: every request says what is neutral.
func TestGenerateIsNeutral(t *testing.T) {
	neutral := map[string]float64{"top_p": 1, "min_p": 0, "presence_penalty": 0, "frequency_penalty": 0, "repetition_penalty": 1}
	for _, p := range protocols {
		f := &fakeServer{protocol: p.fake}
		var asked map[string]any
		url := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				t.Error(err)
			}
			if len(body) > 0 {
				asked = nil
				if err := json.Unmarshal(body, &asked); err != nil {
					t.Error(err)
				}
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			f.ServeHTTP(w, r)
		}))
		e := open(t, url, p.protocol, server.Options{})
		for topK := range 3 {
			prompt := model.Prompt{Text: []byte("the cat"), Length: 4, TopK: topK}
			if _, err := e.Generate(context.Background(), []model.Prompt{prompt}); err != nil {
				t.Fatal(err)
			}
			params := asked
			for _, inner := range []string{"sampling_params", "parameters"} {
				if m, ok := asked[inner].(map[string]any); ok {
					params = m
				}
			}
			switch p.fake {
			case "tgi": // refuses the neutral value of top_p, and takes nothing from the model
				if _, given := params["top_p"]; given {
					t.Errorf("%s, top k %d: %v", p.fake, topK, params)
				}
				continue
			case "llamacpp": // names the samplers that it uses
				if fmt.Sprint(params["samplers"]) != "[top_k temperature]" {
					t.Errorf("%s, top k %d: %v", p.fake, topK, params)
				}
				continue
			case "llama-cpp-python":
				if params["repeat_penalty"] != 1. || params["top_k"].(float64) < 0 {
					t.Errorf("%s, top k %d: %v", p.fake, topK, params)
				}
			}
			for name, want := range neutral {
				if params[name] != want {
					t.Errorf("%s, top k %d: %s is %v, want %v", p.fake, topK, name, params[name], want)
				}
			}
		}
	}
}

func TestLimits(t *testing.T) {
	f := &fakeServer{protocol: "tgi", delay: 5 * time.Millisecond}
	e := open(t, start(t, f), server.TGI, server.Options{Concurrency: 3})
	var list []model.Request
	for i := range 30 {
		list = append(list, model.Request{Text: fmt.Appendf(nil, "text %d", i)})
	}
	if _, err := e.Score(context.Background(), list); err != nil {
		t.Fatal(err)
	}
	if f.most != 3 {
		t.Errorf("%d requests at once, 3 were allowed", f.most)
	}
	list[0].Text = []byte(strings.Repeat("z", 5000))
	if _, err := e.Score(context.Background(), list); err == nil || !strings.Contains(err.Error(), "context") {
		t.Errorf("a text longer than the context: %v", err)
	}
}

func TestOptionsThatCannotBe(t *testing.T) {
	url := start(t, &fakeServer{protocol: "vllm"})
	for _, c := range []struct {
		options server.Options
		says    string
	}{
		{server.Options{URL: "localhost:8000", Protocol: server.VLLM}, "http://HOST:PORT"},
		{server.Options{URL: url, Protocol: "grpc"}, "choose one of vllm"},
		{server.Options{URL: url, Protocol: server.VLLM, KeyVariable: "PALIMPSEST_NO_SUCH_KEY"}, "PALIMPSEST_NO_SUCH_KEY"},
		{server.Options{URL: url, Protocol: server.VLLM, Model: "huge"}, `no model "huge"; it lists tiny`},
		{server.Options{URL: url, Protocol: server.VLLM, BOS: "yes"}, "neither auto nor none"},
		{server.Options{URL: url, Protocol: server.TGI}, "check the server's URL and the protocol"},
		{server.Options{URL: url, Protocol: server.VLLM, Cache: "mem://x"}, "store"},
	} {
		_, err := server.Open(context.Background(), c.options)
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%+v: %v; want %s", c.options, err, c.says)
		}
	}
}
