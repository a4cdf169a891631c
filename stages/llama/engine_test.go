package llama

import (
	"bytes"
	"context"
	"errors"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"

	"palimpsest/stages/gguf"
	"palimpsest/stages/model"
)

// A file that would be computed wrongly, or cannot be, is refused by an error that says why.
func TestRefused(t *testing.T) {
	set := func(key string, value any) func(*synthetic) {
		return func(s *synthetic) { s.metadata[key] = value }
	}
	for _, c := range []struct {
		name, want string
		change     func(*synthetic)
	}{
		{"another architecture", `architecture "qwen3" is not known; llama is`, set("general.architecture", "qwen3")},
		{"no architecture", `"general.architecture" is missing`, func(s *synthetic) { delete(s.metadata, "general.architecture") }},
		{"no width", `"llama.embedding_length" is missing`, func(s *synthetic) { delete(s.metadata, "llama.embedding_length") }},
		{"no heads", `"llama.attention.head_count" is 0`, set("llama.attention.head_count", uint32(0))},
		{"uneven groups", "6 heads cannot share 4 keys", set("llama.attention.head_count_kv", uint32(4))},
		{"wide values", "keys of 40 and values of 48", set("llama.attention.value_length", uint32(48))},
		{"odd rotation", "25 numbers of a head of 40 are rotated", set("llama.rope.dimension_count", uint32(25))},
		{"experts", "the model has 8 experts", set("llama.expert_count", uint32(8))},
		{"no epsilon", "layer_norm_rms_epsilon", set("llama.attention.layer_norm_rms_epsilon", float32(0))},
		{"yarn", `positions are scaled by "yarn"`, set("llama.rope.scaling.type", "yarn")},
		{"base", `"llama.rope.freq_base" is 0`, set("llama.rope.freq_base", float32(0))},
		{"other layers", `tensor "blk.2.attn_norm.weight" is missing`, set("llama.block_count", uint32(3))},
		{"other width", `tensor "token_embd.weight" has shape [256 309]; [128 309] is expected`, set("llama.embedding_length", uint32(128))},
		{"a bias", `tensor "blk.0.attn_q.bias" is not one of a plain Llama`, func(s *synthetic) {
			s.tensors = append(s.tensors, syntheticTensor{"blk.0.attn_q.bias", gguf.F32, []int{32}, make([]byte, 128)})
		}},
		{"fewer tokens", `308 tokens for 309 rows of tensor "token_embd.weight"`, func(s *synthetic) {
			s.metadata["tokenizer.ggml.tokens"] = s.metadata["tokenizer.ggml.tokens"].([]string)[:308]
		}},
		{"another tokenizer", `tokenizer model "bert" is not known`, set("tokenizer.ggml.model", "bert")},
		{"an unsupported type", "type IQ4_XS is not supported", func(s *synthetic) { s.tensors[len(s.tensors)-1].typ = 23 }},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSynthetic()
			c.change(s)
			b := s.file()
			_, err := Open(t.Context(), bytes.NewReader(b), int64(len(b)), Options{})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("the error is %v; it should say %q", err, c.want)
			}
		})
	}
	b := newSynthetic().file()
	if _, err := Open(t.Context(), bytes.NewReader(b[:len(b)-100]), int64(len(b)), Options{}); err == nil {
		t.Error("a file shorter than was said was opened")
	}
}

// Requests that cannot be answered are errors that name the request.
func TestRequests(t *testing.T) {
	e := openBytes(t, newSynthetic().file(), Options{Context: 50})
	long := make([]int64, 51)
	for _, c := range []struct {
		want    string
		request model.Request
	}{
		{"request 1: token 2 has id 309; the vocabulary has 309", model.Request{IDs: []int64{0, 1, 309}}},
		{"request 1: token 0 has id -1", model.Request{IDs: []int64{-1}}},
		{"request 1: 51 tokens; the context has 50", model.Request{IDs: long}},
	} {
		_, err := e.Score(t.Context(), []model.Request{{IDs: long[:50]}, c.request})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("the error is %v; it should say %q", err, c.want)
		}
	}
	if _, err := e.Generate(t.Context(), []model.Prompt{{IDs: long[:40], Length: 11}}); err == nil {
		t.Error("a continuation beyond the context was written")
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := e.Score(cancelled, []model.Request{{IDs: long[:50]}}); !errors.Is(err, context.Canceled) {
		t.Errorf("the error of a cancelled call is %v", err)
	}
}

// The values of tokens before From are left out and change no others; text and ids are answered alike.
func TestFrom(t *testing.T) {
	e := openBytes(t, newSynthetic().file(), Options{})
	text := []byte("The quick brown fox abacab dadada jumps over the lazy dog, abcdefg, and so on, until a batch is full and more.")
	all, err := e.Score(t.Context(), []model.Request{{Text: text}})
	if err != nil {
		t.Fatal(err)
	}
	n := len(all[0].LogProbs)
	if !slices.Equal(all[0].Offsets[:3], []int64{0, 1, 2}) || n >= len(text) {
		t.Errorf("%d tokens for %d bytes, offsets %d", n, len(text), all[0].Offsets)
	}
	for _, from := range []int{0, 1, n - 1, n, n + 5} {
		some, err := e.Score(t.Context(), []model.Request{{Text: text, IDs: all[0].TokenIDs, From: from}})
		if err != nil {
			t.Fatal(err)
		}
		s := some[0]
		if !slices.Equal(s.Offsets, all[0].Offsets) {
			t.Errorf("offsets of ids %d, of the text %d", s.Offsets, all[0].Offsets)
		}
		for i, lp := range s.LogProbs {
			if i < from && (!math.IsNaN(lp) || s.Ranks[i] != 0) || i >= from && lp != all[0].LogProbs[i] {
				t.Errorf("from %d: token %d has %g, rank %d; %g in the whole", from, i, lp, s.Ranks[i], all[0].LogProbs[i])
			}
		}
	}
}

// Without BOS the first token has no value, and the second is what it is after the first alone.
func TestWithoutBOS(t *testing.T) {
	s := newSynthetic()
	s.metadata["tokenizer.ggml.add_bos_token"] = false
	e := openBytes(t, s.file(), Options{})
	with := openBytes(t, newSynthetic().file(), Options{})
	ids := []int64{syntheticBOS, 70, 71, 72}
	got, err := e.Score(t.Context(), []model.Request{{IDs: ids, Top: 1}, {IDs: ids[:1], Top: 1}})
	if err != nil {
		t.Fatal(err)
	}
	want, err := with.Score(t.Context(), []model.Request{{IDs: ids[1:]}})
	if err != nil {
		t.Fatal(err)
	}
	if e.Facts().BOS || !math.IsNaN(got[0].LogProbs[0]) || !math.IsNaN(got[1].LogProbs[0]) ||
		!slices.Equal(got[0].LogProbs[1:], want[0].LogProbs) {
		t.Errorf("without BOS %g, after it %g", got[0].LogProbs, want[0].LogProbs)
	}
	for i := range got {
		if _, err := got[i].Check([]byte("text")); err != nil {
			t.Error(err)
		}
	}
	if _, err := e.Generate(t.Context(), []model.Prompt{{Length: 1}}); err == nil {
		t.Error("nothing was continued")
	}
	session := e.NewSession()
	if logs, err := session.Start(); logs != nil || err != nil {
		t.Errorf("a session without BOS starts with %d values, %v", len(logs), err)
	}
	if logs, err := session.Next(syntheticBOS); err != nil || logs[70] != got[0].LogProbs[1] {
		t.Errorf("a session's first token: %v", err)
	}
}

// A continuation depends on its prompt and seed alone, and is what the model says it is.
func TestGenerate(t *testing.T) {
	file := newSynthetic().file()
	var prompts []model.Prompt
	for i := range 40 {
		text := []byte(strings.Repeat("abc ", i))
		prompts = append(prompts, model.Prompt{Text: text, Length: 10 + i, TopK: []int{0, 1, 5}[i%3], Seed: uint64(i)})
	}
	prompts[6].Length = 0
	var want []model.Continuation
	for _, workers := range []int{1, 3} {
		e := openBytes(t, file, Options{Workers: workers})
		got, err := e.Generate(t.Context(), prompts)
		if err != nil {
			t.Fatal(err)
		}
		if want == nil {
			want = got
		}
		for i := range got {
			if !slices.Equal(got[i].IDs, want[i].IDs) || !slices.Equal(got[i].LogProbs, want[i].LogProbs) || got[i].Ended != want[i].Ended {
				t.Errorf("prompt %d with %d workers: %d, want %d", i, workers, got[i].IDs, want[i].IDs)
			}
		}
	}
	e := openBytes(t, file, Options{})
	for i, c := range want {
		if len(c.IDs) < prompts[i].Length && !c.Ended || slices.Contains(c.IDs, syntheticEnd) || len(c.Text) < len(c.IDs)/2 {
			t.Errorf("prompt %d: %d tokens, ended %t: %q", i, len(c.IDs), c.Ended, c.Text)
		}
		prompt, err := e.Tokenize(t.Context(), prompts[i].Text)
		if err != nil {
			t.Fatal(err)
		}
		scored, err := e.Score(t.Context(), []model.Request{{IDs: append(prompt.IDs, c.IDs...), Top: max(1, prompts[i].TopK)}})
		if err != nil {
			t.Fatal(err)
		}
		for j, lp := range c.LogProbs {
			at := len(prompt.IDs) + j
			if lp != scored[0].LogProbs[at] {
				t.Errorf("prompt %d, token %d: written with %g, scored with %g", i, j, lp, scored[0].LogProbs[at])
			}
			if k := prompts[i].TopK; k > 0 && scored[0].Ranks[at] > int64(k) {
				t.Errorf("prompt %d, token %d: rank %d with k %d", i, j, scored[0].Ranks[at], k)
			}
		}
	}
}

// Draws follow the probabilities.
func TestDraws(t *testing.T) {
	e := openBytes(t, newSynthetic().file(), Options{})
	const n = 3000
	prompts := make([]model.Prompt, n)
	for i := range prompts {
		prompts[i] = model.Prompt{IDs: []int64{65}, Length: 1, TopK: 4, Seed: uint64(i)}
	}
	got, err := e.Generate(t.Context(), prompts)
	if err != nil {
		t.Fatal(err)
	}
	counts, odds, mass := map[int64]int{}, map[int64]float64{}, 0.0
	for _, c := range got {
		if len(c.IDs) == 0 {
			t.Fatal("the model ended a text; choose another prompt")
		}
		counts[c.IDs[0]]++
		odds[c.IDs[0]] = math.Exp(c.LogProbs[0])
	}
	for _, p := range odds {
		mass += p
	}
	if len(counts) != 4 {
		t.Errorf("%d tokens were drawn from the likeliest 4: %v", len(counts), slices.Sorted(maps.Keys(counts)))
	}
	for id, c := range counts {
		p := odds[id] / mass
		if d := math.Abs(float64(c)/n - p); d > 5*math.Sqrt(p*(1-p)/n) {
			t.Errorf("token %d was drawn %d of %d times; its probability is %g", id, c, n, p)
		}
	}
}

// Weights that are not finite give an error, not values.
func TestNotFinite(t *testing.T) {
	for _, f := range forms {
		for name, at := range map[string]int{
			"output_norm.weight": 0, "output.weight": 208, "blk.1.attn_q.weight": 0, "blk.0.ffn_down.weight": 208,
		} {
			t.Run(f.name+" "+name, func(t *testing.T) {
				f.use(t)
				s := newSynthetic()
				i := slices.IndexFunc(s.tensors, func(t syntheticTensor) bool { return t.name == name })
				copy(s.tensors[i].bytes[at:], []byte{0xFF, 0x7F, 0xFF, 0x7F}) // not a number, as half and as float32
				testNotFinite(t, openBytes(t, s.file(), Options{}))
			})
		}
	}
}

func testNotFinite(t *testing.T, e *Engine) {
	if _, err := e.Score(t.Context(), []model.Request{{IDs: []int64{1, 2}}}); !errors.Is(err, ErrBroken) {
		t.Errorf("the error is %v", err)
	}
	if _, err := e.NewSession().Next(1); !errors.Is(err, ErrBroken) {
		t.Errorf("the error is %v", err)
	}
	if _, err := e.Generate(t.Context(), []model.Prompt{{IDs: []int64{1}, Length: 1}}); !errors.Is(err, ErrBroken) {
		t.Errorf("the error is %v", err)
	}
}
