package llama

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"palimpsest/stages/gguf"
)

// synthetic is a GGUF file with random weights and a vocabulary of bytes and pairs of letters. Its form has what the testbed's has not:
// heads that share keys, a part of each head that is not rotated, factors of frequencies, a head of its own, and every type of tensor.
type synthetic struct {
	metadata map[string]any
	tensors  []syntheticTensor
}

type syntheticTensor struct {
	name  string
	typ   gguf.Type
	shape []int
	bytes []byte
}

const (
	syntheticVocabulary = 256 + 3 + 50
	syntheticBOS        = 256
	syntheticEnd        = 257
)

func newSynthetic() *synthetic {
	tokens, types, merges := []string{}, []int32{}, []string{}
	for b := range 256 {
		tokens, types = append(tokens, string(escaped(byte(b)))), append(types, 1)
	}
	for _, name := range []string{"<begin>", "<end>", "<turn>"} {
		tokens, types = append(tokens, name), append(types, 3)
	}
	for i := range 50 {
		a, b := string(rune('a'+i%7)), string(rune('a'+i/7))
		tokens, types, merges = append(tokens, a+b), append(types, 1), append(merges, a+" "+b)
	}
	s := &synthetic{metadata: map[string]any{
		"general.architecture": "llama", "general.name": "synthetic",
		"llama.embedding_length": uint32(256), "llama.feed_forward_length": uint32(512), "llama.block_count": uint32(2),
		"llama.attention.head_count": uint32(6), "llama.attention.head_count_kv": uint32(2), "llama.context_length": uint32(300),
		"llama.attention.key_length": uint32(40), "llama.attention.value_length": uint32(40),
		"llama.rope.dimension_count": uint32(24), "llama.rope.freq_base": float32(5000),
		"llama.attention.layer_norm_rms_epsilon": float32(1e-5),
		"tokenizer.ggml.model":                   "gpt2", "tokenizer.ggml.pre": "gpt-2",
		"tokenizer.ggml.tokens": tokens, "tokenizer.ggml.token_type": types, "tokenizer.ggml.merges": merges,
		"tokenizer.ggml.bos_token_id": uint32(syntheticBOS), "tokenizer.ggml.eos_token_id": uint32(syntheticEnd),
		"tokenizer.ggml.add_bos_token": true,
	}}
	r := rand.New(rand.NewPCG(7, 8))
	s.add(r, "token_embd.weight", gguf.Q8_0, 256, syntheticVocabulary)
	s.add(r, "output.weight", gguf.Q6_K, 256, syntheticVocabulary)
	s.add(r, "output_norm.weight", gguf.F32, 256)
	s.add(r, "rope_freqs.weight", gguf.F32, 12)
	for i, types := range [][7]gguf.Type{
		{gguf.Q4_1, gguf.Q4_0, gguf.Q5_0, gguf.F16, gguf.Q4_K, gguf.Q5_K, gguf.Q6_K},
		{gguf.F32, gguf.BF16, gguf.Q5_1, gguf.F32, gguf.Q8_0, gguf.F16, gguf.Q4_1},
	} {
		name := func(part string) string { return fmt.Sprintf("blk.%d.%s.weight", i, part) }
		s.add(r, name("attn_norm"), gguf.F32, 256)
		s.add(r, name("attn_q"), types[0], 256, 240)
		s.add(r, name("attn_k"), types[1], 256, 80)
		s.add(r, name("attn_v"), types[2], 256, 80)
		s.add(r, name("attn_output"), types[3], 240, 256)
		s.add(r, name("ffn_norm"), gguf.F32, 256)
		s.add(r, name("ffn_gate"), types[4], 256, 512)
		s.add(r, name("ffn_up"), types[5], 256, 512)
		s.add(r, name("ffn_down"), types[6], 512, 256)
	}
	return s
}

// escaped is how byte-level vocabularies write a byte.
func escaped(b byte) rune {
	n := rune(256)
	for c := range rune(256) {
		printable := '!' <= c && c <= '~' || '¡' <= c && c <= '¬' || '®' <= c
		if c == rune(b) {
			if printable {
				return c
			}
			return n
		}
		if !printable {
			n++
		}
	}
	panic("unreachable")
}

// add adds a tensor: vectors near 1, matrices of small numbers, blocks of random bits with small scales.
func (s *synthetic) add(r *rand.Rand, name string, typ gguf.Type, shape ...int) {
	n := 1
	for _, d := range shape {
		n *= d
	}
	var b []byte
	switch typ {
	case gguf.F32, gguf.F16, gguf.BF16:
		for range n {
			v := float32(1 + r.Float64()/2)
			if len(shape) == 2 {
				v = float32(r.NormFloat64() / 12)
			}
			switch typ {
			case gguf.F32:
				b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
			case gguf.F16: // 15 of its exponents, 10 bits of fraction
				b = binary.LittleEndian.AppendUint16(b, uint16(r.IntN(2)<<15|(8+r.IntN(4))<<10|r.IntN(1024)))
			case gguf.BF16:
				b = binary.LittleEndian.AppendUint16(b, uint16(math.Float32bits(v)>>16))
			}
		}
	default:
		b = make([]byte, n/typ.Block()*typ.BlockBytes())
		for i := range b {
			b[i] = byte(r.Uint32())
		}
		for block := b; len(block) > 0; block = block[typ.BlockBytes():] {
			const small = 8 << 10 // a half between 2^-7 and 2^-6
			at, scale := []int{0}, uint16(small+r.IntN(1024))
			switch typ {
			case gguf.Q4_1, gguf.Q5_1:
				binary.LittleEndian.PutUint16(block[2:], scale|0x8000+3<<10)
			case gguf.Q8_0:
				scale -= 4 << 10
			case gguf.Q4_K, gguf.Q5_K:
				scale -= 5 << 10
				binary.LittleEndian.PutUint16(block[2:], scale+2<<10)
			case gguf.Q6_K:
				at, scale = []int{208}, uint16(r.IntN(200))
			}
			for _, i := range at {
				binary.LittleEndian.PutUint16(block[i:], scale)
			}
		}
	}
	s.tensors = append(s.tensors, syntheticTensor{name, typ, shape, b})
}

// file writes the GGUF file.
func (s *synthetic) file() []byte {
	le := binary.LittleEndian
	str := func(b []byte, v string) []byte { return append(le.AppendUint64(b, uint64(len(v))), v...) }
	b := le.AppendUint64(le.AppendUint64(le.AppendUint32([]byte("GGUF"), 3), uint64(len(s.tensors))), uint64(len(s.metadata)))
	for key, value := range s.metadata {
		b = str(b, key)
		switch v := value.(type) {
		case uint32:
			b = le.AppendUint32(le.AppendUint32(b, 4), v)
		case float32:
			b = le.AppendUint32(le.AppendUint32(b, 6), math.Float32bits(v))
		case bool:
			b = append(le.AppendUint32(b, 7), 0)
			if v {
				b[len(b)-1] = 1
			}
		case string:
			b = str(le.AppendUint32(b, 8), v)
		case []string:
			b = le.AppendUint64(le.AppendUint32(le.AppendUint32(b, 9), 8), uint64(len(v)))
			for _, e := range v {
				b = str(b, e)
			}
		case []int32:
			b = le.AppendUint64(le.AppendUint32(le.AppendUint32(b, 9), 5), uint64(len(v)))
			for _, e := range v {
				b = le.AppendUint32(b, uint32(e))
			}
		default:
			panic(fmt.Sprintf("metadata of %T", v))
		}
	}
	var data []byte
	for _, t := range s.tensors {
		b = le.AppendUint32(str(b, t.name), uint32(len(t.shape)))
		for _, d := range t.shape {
			b = le.AppendUint64(b, uint64(d))
		}
		b = le.AppendUint64(le.AppendUint32(b, uint32(t.typ)), uint64(len(data)))
		data = append(data, t.bytes...)
		data = append(data, make([]byte, (32-len(data)%32)%32)...)
	}
	b = append(b, make([]byte, (32-len(b)%32)%32)...)
	return append(b, data...)
}

// openBytes opens a file that the test made.
func openBytes(t testing.TB, b []byte, o Options) *Engine {
	t.Helper()
	e, err := Open(t.Context(), bytes.NewReader(b), int64(len(b)), o)
	if err != nil {
		t.Fatal(err)
	}
	return e
}
