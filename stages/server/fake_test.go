package server_test

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"palimpsest/stages/server"
)

// wrong is what a server does that it should not.
type wrong struct {
	ignoresEcho bool    // answers with the generated token alone
	shift       int     // values of the position so far after
	truncate    int     // keeps the last tokens of a prompt, 0 for all
	clamp       float64 // gives -9999 below it, 0 for never
	merges      bool    // encodes anew what it is sent
	drifts      bool    // values change from request to request
	positive    bool    // gives losses
	noBOS       bool    // has no BOS
	mostTop     int     // refuses more likeliest tokens; 0 for no limit
	noTokenize  bool
}

// fakeServer answers like a server of a protocol that runs tiny.
type fakeServer struct {
	protocol string
	wrong    wrong
	delay    time.Duration
	context  int // tokens that it takes; 0 for 4096

	mu    sync.Mutex
	paths []string // of the requests
	texts int      // prompts that were scored
	now   int
	most  int // requests at once
}

func (f *fakeServer) scored() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.texts
}

func start(t testing.TB, f http.Handler) string {
	s := httptest.NewServer(f)
	t.Cleanup(s.Close)
	return s.URL
}

// ask is a request of any protocol.
type ask struct {
	Prompt, Inputs, Content, Input json.RawMessage
	InputIDs                       [][]int64 `json:"input_ids"`
	Text                           bool      `json:"return_text_in_logprobs"`
	PromptLogprobs                 *int      `json:"prompt_logprobs"`
	Logprobs                       *int
	Echo                           bool
	MaxTokens                      int  `json:"max_tokens"`
	AsIDs                          bool `json:"return_tokens_as_token_ids"`
	Special                        bool `json:"add_special_tokens"`
	LlamaSpecial                   bool `json:"add_special"`
	TopLogprobs                    int  `json:"top_logprobs_num"`
	Predict                        int  `json:"n_predict"`
	Probs                          int  `json:"n_probs"`
	Parameters                     struct {
		Prefill bool `json:"decoder_input_details"`
		Length  int  `json:"max_new_tokens"`
	}
	Sampling struct {
		Length int `json:"max_new_tokens"`
	} `json:"sampling_params"`
}

type object = map[string]any

func (f *fakeServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.paths = append(f.paths, r.URL.Path)
	f.now++
	f.most = max(f.most, f.now)
	f.mu.Unlock()
	defer func() { f.mu.Lock(); f.now--; f.mu.Unlock() }()
	time.Sleep(f.delay)
	var a ask
	if r.Method == http.MethodPost {
		if err := json.NewDecoder(r.Body).Decode(&a); err != nil {
			refuse(w, 422, err.Error())
			return
		}
	}
	switch f.protocol + " " + r.URL.Path {
	case "vllm /v1/models", "sglang /v1/models", "openai /v1/models", "llama-cpp-python /v1/models":
		reply(w, object{"data": []object{{"id": "tiny", "max_model_len": f.longest()}}})
	case "llamacpp /v1/models":
		reply(w, object{"data": []object{{"id": "tiny", "meta": object{"n_vocab": tiny.vocabulary(), "n_params": 1000, "size": 4000}}}})
	case "vllm /version":
		reply(w, object{"version": "0.0"})
	case "sglang /get_server_info":
		reply(w, object{"version": "0.0", "max_req_input_len": f.longest(), "dtype": "float32"})
	case "llamacpp /props":
		reply(w, object{"build_info": "b0", "default_generation_settings": object{"n_ctx": f.longest()}})
	case "tgi /info":
		reply(w, object{"model_id": "tiny", "version": "3.0", "max_input_tokens": f.longest() - 1, "model_dtype": "float32"})
	case "vllm /tokenize", "sglang /tokenize", "openai /tokenize":
		f.tokenizeIDs(w, a)
	case "llama-cpp-python /extras/tokenize":
		ids, _ := tiny.encode(str(a.Input))
		reply(w, object{"tokens": append(f.bos(), ids...)})
	case "tgi /tokenize":
		f.tokenizeTGI(w, a)
	case "llamacpp /tokenize":
		f.tokenizeLlama(w, a)
	case "vllm /v1/completions", "openai /v1/completions", "llama-cpp-python /v1/completions", "llamacpp /v1/completions":
		f.completions(w, a)
	case "sglang /generate":
		f.sglang(w, a)
	case "tgi /generate":
		f.tgi(w, a)
	case "llamacpp /completion":
		f.llama(w, a)
	default:
		refuse(w, 404, "Not Found")
	}
}

func reply(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(v)
}

func refuse(w http.ResponseWriter, code int, message string) {
	w.WriteHeader(code)
	reply(w, object{"error": object{"message": message, "code": code}})
}

func str(raw json.RawMessage) string {
	var s string
	json.Unmarshal(raw, &s)
	return s
}

func (f *fakeServer) longest() int { return cmp.Or(f.context, 4096) }

func (f *fakeServer) bos() []int64 {
	if f.wrong.noBOS {
		return nil
	}
	return []int64{tinyBOS}
}

func (f *fakeServer) tokenizeIDs(w http.ResponseWriter, a ask) {
	if f.wrong.noTokenize {
		refuse(w, 404, "Not Found")
		return
	}
	ids, _ := tiny.encode(str(a.Prompt))
	var pieces []string
	for _, id := range ids {
		pieces = append(pieces, byteLevel(tiny.bytes(id)))
	}
	if a.Special {
		ids, pieces = append(f.bos(), ids...), nil
	}
	reply(w, object{"tokens": ids, "token_strs": pieces, "count": len(ids)})
}

// byteLevel writes bytes in GPT-2's alphabet.
func byteLevel(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		switch r := rune(c); {
		case r <= ' ':
			b.WriteRune(0x100 + r)
		case r >= 0x7F && r <= 0xA0:
			b.WriteRune(0x121 + r - 0x7F)
		case r == 0xAD:
			b.WriteRune(0x143)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

func (f *fakeServer) tokenizeTGI(w http.ResponseWriter, a ask) {
	ids, offsets := tiny.encode(str(a.Inputs))
	list := []object{}
	for range f.bos() {
		list = append(list, object{"id": tinyBOS, "text": "", "start": 0, "stop": 0})
	}
	for i, id := range ids {
		list = append(list, object{"id": id, "text": tiny.bytes(id), "start": offsets[i], "stop": offsets[i] + 1})
	}
	reply(w, list)
}

func (f *fakeServer) tokenizeLlama(w http.ResponseWriter, a ask) {
	ids, _ := tiny.encode(str(a.Content))
	list := []object{}
	if a.LlamaSpecial {
		for range f.bos() {
			list = append(list, object{"id": tinyBOS, "piece": ""})
		}
	}
	for _, id := range ids {
		var piece any = tiny.bytes(id)
		if b := tiny.bytes(id); len(b) == 1 && b[0] >= 0x80 {
			piece = []int{int(b[0])}
		}
		list = append(list, object{"id": id, "piece": piece})
	}
	reply(w, object{"tokens": list})
}

// given returns the tokens and values that the server gives for a prompt, BOS among them, and the distributions. The first value is NaN.
func (f *fakeServer) given(prompt []int64) (ids []int64, lps []float64, all [][]float64) {
	f.mu.Lock()
	f.texts++
	nth := f.texts
	f.mu.Unlock()
	w := f.wrong
	if w.merges {
		begin := 0
		if len(prompt) > 0 && prompt[0] == tinyBOS {
			begin = 1
		}
		again, _ := tiny.encode(tiny.text(prompt))
		prompt = slices.Concat(prompt[:begin], again)
	}
	if w.truncate > 0 && len(prompt) > w.truncate {
		prompt = prompt[len(prompt)-w.truncate:]
	}
	for t, id := range prompt {
		at := min(max(t+w.shift, 0), len(prompt)-1)
		d := tiny.distribution(prompt[:at])
		own := d[prompt[at]]
		if w.drifts {
			own -= .1 * float64(nth%5)
		}
		if w.clamp != 0 && own < w.clamp {
			own = -9999
		}
		if w.positive {
			own = -own
		}
		if t == 0 {
			own = math.NaN()
		}
		ids, lps, all = append(ids, id), append(lps, own), append(all, d)
	}
	return ids, lps, all
}

func value(lp float64) any {
	if math.IsNaN(lp) {
		return nil
	}
	return lp
}

func (f *fakeServer) completions(w http.ResponseWriter, a ask) {
	var prompts [][]int64
	var one []int64
	takesIDs := f.protocol == server.VLLM || f.protocol == server.OpenAI
	if json.Unmarshal(a.Prompt, &prompts) != nil {
		prompts = nil
		if json.Unmarshal(a.Prompt, &one) == nil {
			prompts = [][]int64{one}
		}
	}
	if prompts == nil {
		ids, _ := tiny.encode(str(a.Prompt))
		prompts = [][]int64{append(f.bos(), ids...)}
	} else if !takesIDs {
		refuse(w, 500, "4 validation errors: Input should be a valid string")
		return
	}
	top := 0
	if a.PromptLogprobs != nil {
		top = *a.PromptLogprobs
	} else if a.Logprobs != nil {
		top = *a.Logprobs
	}
	if f.wrong.mostTop > 0 && top > f.wrong.mostTop {
		refuse(w, 400, fmt.Sprintf("Requested logprobs of %d, which is greater than max allowed: %d", top, f.wrong.mostTop))
		return
	}
	choices := []object{}
	total := 0
	for i, p := range prompts {
		total += len(p)
		switch {
		case f.protocol == server.LlamaCPP || a.Echo && f.wrong.ignoresEcho:
			one := []object{{"id": 5, "token": "a", "logprob": -3e-5}}
			choices = append(choices, object{"index": i, "text": "", "logprobs": object{"content": one}})
		case a.PromptLogprobs != nil && f.wrong.ignoresEcho:
			choices = append(choices, object{"index": i, "text": "a", "prompt_logprobs": nil})
		case a.PromptLogprobs != nil:
			choices = append(choices, object{"index": i, "text": "a", "prompt_logprobs": f.promptLogprobs(p, top)})
		case a.Echo:
			choices = append(choices, object{"index": i, "text": "a", "logprobs": f.echo(p, top, a.AsIDs && takesIDs)})
		default:
			ids, lps := continued(p, a.MaxTokens)
			var names []string
			for _, id := range ids {
				names = append(names, f.name(id, a.AsIDs && takesIDs))
			}
			choices = append(choices, object{"index": i, "text": strings.ToValidUTF8(tiny.text(ids), "\uFFFD"), "finish_reason": "length",
				"logprobs": object{"tokens": names, "token_logprobs": lps}})
		}
	}
	slices.Reverse(choices) // their index says which is which
	reply(w, object{"choices": choices, "usage": object{"prompt_tokens": total, "completion_tokens": len(prompts)}})
}

func (f *fakeServer) promptLogprobs(p []int64, top int) []any {
	ids, lps, all := f.given(p)
	list := []any{nil}
	for t := 1; t < len(ids); t++ {
		at := object{}
		for k, id := range best(all[t], top) {
			at[fmt.Sprint(id)] = object{"logprob": all[t][id], "rank": k + 1, "decoded_token": tiny.bytes(id)}
		}
		rank := 1 + slices.Index(best(all[t], len(all[t])), ids[t])
		at[fmt.Sprint(ids[t])] = object{"logprob": lps[t], "rank": rank, "decoded_token": tiny.bytes(ids[t])}
		list = append(list, at)
	}
	return list
}

// name is how a token is written: llama-cpp-python leaves out bytes that are not UTF-8.
func (f *fakeServer) name(id int64, asID bool) string {
	if asID {
		return fmt.Sprintf("token_id:%d", id)
	}
	return strings.ToValidUTF8(tiny.bytes(id), "")
}

func (f *fakeServer) echo(p []int64, top int, asIDs bool) object {
	ids, lps, all := f.given(p)
	if f.protocol == "llama-cpp-python" && !f.wrong.noBOS {
		ids, lps, all = ids[1:], lps[1:], all[1:]
		lps[0] = math.NaN()
	}
	d := tiny.distribution(p)
	next := best(d, 1)[0]
	ids, lps, all = append(ids, next), append(lps, d[next]), append(all, d)
	var names []string
	var values, tops []any
	for t, id := range ids {
		names, values = append(names, f.name(id, asIDs)), append(values, value(lps[t]))
		if t == 0 {
			tops = append(tops, nil)
			continue
		}
		at := object{}
		for _, other := range best(all[t], top) {
			at[f.name(other, asIDs)] = all[t][other]
		}
		at[f.name(id, asIDs)] = value(lps[t])
		tops = append(tops, at)
	}
	return object{"tokens": names, "token_logprobs": values, "top_logprobs": tops}
}

func (f *fakeServer) sglang(w http.ResponseWriter, a ask) {
	list := []object{}
	for _, p := range a.InputIDs {
		var input, tops, output []any
		if a.Sampling.Length == 1 && !f.wrong.ignoresEcho {
			ids, lps, all := f.given(p)
			for t, id := range ids {
				var text any
				if a.Text {
					text = strings.ToValidUTF8(tiny.bytes(id), "\uFFFD")
				}
				input = append(input, []any{value(lps[t]), id, text})
				var at []any
				for _, other := range best(all[t], a.TopLogprobs) {
					at = append(at, []any{all[t][other], other, nil})
				}
				tops = append(tops, at)
			}
		}
		ids, lps := continued(p, a.Sampling.Length)
		for i, id := range ids {
			output = append(output, []any{lps[i], id, nil})
		}
		list = append(list, object{"text": strings.ToValidUTF8(tiny.text(ids), "\uFFFD"), "meta_info": object{
			"prompt_tokens": len(input), "input_token_logprobs": input, "input_top_logprobs": tops, "output_token_logprobs": output,
			"finish_reason": object{"type": "length", "length": len(ids)},
		}})
	}
	reply(w, list)
}

func (f *fakeServer) tgi(w http.ResponseWriter, a ask) {
	ids, _ := tiny.encode(str(a.Inputs))
	prompt := append(f.bos(), ids...)
	prefill := []object{}
	if a.Parameters.Prefill && !f.wrong.ignoresEcho {
		given, lps, _ := f.given(prompt)
		for t, id := range given {
			prefill = append(prefill, object{"id": id, "text": tiny.bytes(id), "logprob": value(lps[t])})
		}
	}
	tokens := []object{}
	out, lps := continued(prompt, a.Parameters.Length)
	for i, id := range out {
		tokens = append(tokens, object{"id": id, "text": strings.ToValidUTF8(tiny.bytes(id), "\uFFFD"), "logprob": lps[i]})
	}
	reply(w, object{"generated_text": strings.ToValidUTF8(tiny.text(out), "\uFFFD"), "details": object{
		"finish_reason": "length", "prefill": prefill, "tokens": tokens,
	}})
}

func (f *fakeServer) llama(w http.ResponseWriter, a ask) {
	var prompt []int64
	if json.Unmarshal(a.Prompt, &prompt) != nil || len(prompt) == 0 {
		refuse(w, 400, "the prompt is empty")
		return
	}
	if a.Predict > 1 {
		probs := []object{}
		ids, lps := continued(prompt, a.Predict)
		for i, id := range ids {
			var b []int
			for _, c := range []byte(tiny.bytes(id)) {
				b = append(b, int(c))
			}
			probs = append(probs, object{"id": id, "logprob": lps[i], "bytes": b})
		}
		reply(w, object{"content": "", "stop_type": "limit", "tokens": ids, "completion_probabilities": probs})
		return
	}
	f.mu.Lock()
	f.texts++
	f.mu.Unlock()
	if f.wrong.truncate > 0 && len(prompt) > f.wrong.truncate {
		prompt = prompt[len(prompt)-f.wrong.truncate:]
	}
	d := tiny.distribution(prompt[:len(prompt)-min(max(-f.wrong.shift, 0), len(prompt)-1)])
	top := []object{}
	for _, id := range best(d, a.Probs) {
		top = append(top, object{"id": id, "logprob": d[id]})
	}
	reply(w, object{"content": "", "tokens_evaluated": len(prompt), "completion_probabilities": []object{
		{"id": top[0]["id"], "logprob": top[0]["logprob"], "top_logprobs": top},
	}})
}
