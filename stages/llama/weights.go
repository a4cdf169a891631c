package llama

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"palimpsest/stages/gguf"
)

// shape are the numbers that give the model its form.
type shape struct {
	width      int // of a token's vector
	inner      int // of the feed-forward layer
	layers     int
	heads      int // of queries
	groups     int // of keys and values; heads/groups heads share one
	head       int // width of a head
	rotated    int // how many of a head's numbers are rotated by position
	vocabulary int
	context    int // positions that the model was made for
	epsilon    float64
}

// weights are a model's.
type weights struct {
	shape
	embedding   *matrix // a row a token
	layer       []layer
	norm        []float32
	output      *matrix   // the embedding again when the file ties them
	frequencies []float64 // radians that a pair of a head's numbers turns a position
	parameters  int64
}

type layer struct {
	attentionNorm, innerNorm []float32
	query, key, value, out   *matrix
	gate, up, down           *matrix
}

// bounds of what is believed of a file, far above what any model has.
const (
	mostWidth  = 1 << 17
	mostInner  = 1 << 20
	mostLayers = 1 << 12
)

// readShape reads the form from the metadata and refuses what would be computed wrongly.
func readShape(f *gguf.File) (s shape, err error) {
	architecture, err := gguf.Value[string](f.Metadata, "general.architecture")
	if err != nil {
		return s, err
	}
	if architecture != "llama" {
		return s, fmt.Errorf("architecture %q is not known; llama is", architecture)
	}
	read := func(key string, least, most, missing int) int {
		key = "llama." + key
		if _, ok := f.Metadata[key]; !ok && missing >= 0 {
			return missing
		}
		n, e := f.Metadata.Uint(key)
		if e == nil && (n < uint64(least) || n > uint64(most)) {
			e = fmt.Errorf("metadata %q is %d; %d to %d is possible", key, n, least, most)
		}
		err = errors.Join(err, e)
		return int(n)
	}
	s.width = read("embedding_length", 1, mostWidth, -1)
	s.inner = read("feed_forward_length", 1, mostInner, -1)
	s.layers = read("block_count", 1, mostLayers, -1)
	s.heads = read("attention.head_count", 1, mostWidth, -1)
	s.groups = read("attention.head_count_kv", 1, mostWidth, s.heads)
	s.context = read("context_length", 1, math.MaxInt32, -1)
	if err != nil {
		return s, err
	}
	s.head = read("attention.key_length", 1, mostWidth, s.width/s.heads)
	value := read("attention.value_length", 1, mostWidth, s.head)
	s.rotated = read("rope.dimension_count", 0, mostWidth, s.head)
	experts := read("expert_count", 0, math.MaxInt32, 0)
	s.epsilon, _ = f.Metadata.Float("llama.attention.layer_norm_rms_epsilon")
	switch {
	case err != nil:
		return s, err
	case s.heads%s.groups != 0:
		return s, fmt.Errorf("%d heads cannot share %d keys and values evenly", s.heads, s.groups)
	case s.head != value || s.head < 1 || s.heads*s.head > mostWidth:
		return s, fmt.Errorf("%d heads with keys of %d and values of %d; the two must be equal", s.heads, s.head, value)
	case s.rotated > s.head || s.rotated%2 != 0:
		return s, fmt.Errorf("%d numbers of a head of %d are rotated", s.rotated, s.head)
	case experts > 0:
		return s, fmt.Errorf("the model has %d experts; mixtures of experts are not known", experts)
	case !(s.epsilon > 0):
		return s, errors.New("metadata \"llama.attention.layer_norm_rms_epsilon\" is missing or not above 0")
	}
	return s, nil
}

// readWeights reads all of a model's tensors. Those of other types than F32 are held as float32 too when all together take no more than
// expand bytes so.
func readWeights(f *gguf.File, expand int64) (*weights, error) {
	s, err := readShape(f)
	if err != nil {
		return nil, err
	}
	w := &weights{shape: s}
	r := reader{f: f, seen: make(map[string]bool), left: expand}
	for i := range f.Tensors {
		w.parameters += f.Tensors[i].Elements()
		if f.Tensors[i].Elements() > r.left/4 {
			r.left = 0
		} else {
			r.left -= 4 * f.Tensors[i].Elements()
		}
	}
	embedding := f.Tensor("token_embd.weight")
	if embedding == nil || len(embedding.Shape) != 2 || embedding.Shape[1] < 1 || embedding.Shape[1] > math.MaxInt32 {
		return nil, errors.New("there is no tensor \"token_embd.weight\" with a row a token")
	}
	w.vocabulary = int(embedding.Shape[1])
	w.embedding = r.matrix("token_embd.weight", s.width, w.vocabulary)
	w.output = w.embedding
	if f.Tensor("output.weight") != nil {
		w.readHead(&r)
	}
	w.norm = r.vector("output_norm.weight", s.width)
	for i := range s.layers {
		if r.err != nil {
			break
		}
		name := func(part string) string { return fmt.Sprintf("blk.%d.%s.weight", i, part) }
		w.layer = append(w.layer, layer{
			attentionNorm: r.vector(name("attn_norm"), s.width),
			innerNorm:     r.vector(name("ffn_norm"), s.width),
			query:         r.matrix(name("attn_q"), s.width, s.heads*s.head),
			key:           r.matrix(name("attn_k"), s.width, s.groups*s.head),
			value:         r.matrix(name("attn_v"), s.width, s.groups*s.head),
			out:           r.matrix(name("attn_output"), s.heads*s.head, s.width),
			gate:          r.matrix(name("ffn_gate"), s.width, s.inner),
			up:            r.matrix(name("ffn_up"), s.width, s.inner),
			down:          r.matrix(name("ffn_down"), s.inner, s.width),
		})
	}
	if r.err != nil {
		return nil, r.err
	}
	if err := w.readFrequencies(&r); err != nil {
		return nil, err
	}
	for i := range f.Tensors {
		if name := f.Tensors[i].Name; !r.seen[name] {
			return nil, fmt.Errorf("tensor %q is not one of a plain Llama, so its part in the model is not known", name)
		}
	}
	return w, nil
}

// readHead reads the head of its own that a file has. Some hold the embedding there once more: it is then kept, and counted, once.
func (w *weights) readHead(r *reader) {
	head := r.matrix("output.weight", w.width, w.vocabulary)
	if r.err != nil {
		return
	}
	if head.typ == w.embedding.typ && slices.Equal(head.panels, w.embedding.panels) && slices.Equal(head.rows, w.embedding.rows) {
		w.parameters -= int64(w.width) * int64(w.vocabulary)
		return
	}
	w.output = head
}

// readFrequencies computes how fast the pairs of a head turn: base^(-2i/rotated) (Su et al., arXiv 2104.09864), divided by a factor of
// its own where the file has rope_freqs.weight (Llama 3.1), and all by one where it says so.
func (w *weights) readFrequencies(r *reader) error {
	metadata := r.f.Metadata
	number := func(key string, missing float64) (float64, error) {
		if _, ok := metadata[key]; !ok {
			return missing, nil
		}
		v, err := metadata.Float(key)
		if err == nil && !(v > 1e-3 && v < 1e12) {
			err = fmt.Errorf("metadata %q is %g", key, v)
		}
		return v, err
	}
	base, err := number("llama.rope.freq_base", 10000)
	if err != nil {
		return err
	}
	var factor float64
	if kind, ok := metadata["llama.rope.scaling.type"]; ok && kind != "none" {
		if kind != "linear" {
			return fmt.Errorf("positions are scaled by %q; none and linear are known", kind)
		}
		if factor, err = number("llama.rope.scaling.factor", 1); err != nil {
			return err
		}
	} else if factor, err = number("llama.rope.scale_linear", 1); err != nil {
		return err
	}
	factors := make([]float32, w.rotated/2)
	for i := range factors {
		factors[i] = 1
	}
	if r.f.Tensor("rope_freqs.weight") != nil {
		if factors = r.vector("rope_freqs.weight", w.rotated/2); r.err != nil {
			return r.err
		}
		w.parameters -= int64(len(factors))
	}
	for i, f := range factors {
		if !(f >= 1e-3 && f <= 1e6) {
			return fmt.Errorf("tensor \"rope_freqs.weight\" has the factor %g", f)
		}
		turn := Exp(float64(-float64(2*i) / float64(w.rotated) * logarithm(base)))
		w.frequencies = append(w.frequencies, turn/(float64(f)*factor))
	}
	return nil
}

// reader reads tensors until the first error, and remembers which.
type reader struct {
	f    *gguf.File
	seen map[string]bool
	left int64 // of the bytes that float32 may take; 0 when all tensors together take more
	err  error
}

func (r *reader) matrix(name string, in, out int) *matrix {
	if r.err != nil {
		return nil
	}
	r.seen[name] = true
	m, err := readMatrix(r.f, name, in, out, r.left > 0)
	r.err = err
	return m
}

func (r *reader) vector(name string, n int) []float32 {
	if r.err != nil {
		return nil
	}
	r.seen[name] = true
	t, err := tensor(r.f, name, n)
	if err != nil {
		r.err = err
		return nil
	}
	b, err := r.f.Bytes(t)
	if err != nil {
		r.err = err
		return nil
	}
	v := make([]float32, n)
	gguf.Dequantize(t.Type, v, b)
	return v
}

// name returns the model's own name, "" when it gives none.
func name(m gguf.Metadata) string {
	for _, key := range []string{"general.name", "general.basename"} {
		if s, ok := m[key].(string); ok && strings.TrimSpace(s) != "" {
			return s
		}
	}
	return ""
}
