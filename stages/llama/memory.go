package llama

import (
	"fmt"
	"io"

	"palimpsest/stages/gguf"
)

// Memory returns how many bytes an engine of the GGUF file may take: its weights, and for each worker a batch of tokens in hand and the
// keys and values of a text as long as the context. Of the file only the head is read.
func Memory(src io.ReaderAt, size int64, o Options) (int64, error) {
	f, err := gguf.Open(src, size)
	if err != nil {
		return 0, fmt.Errorf("llama: %w", err)
	}
	s, err := readShape(f)
	if err != nil {
		return 0, fmt.Errorf("llama: %w", err)
	}
	const float = 4
	weights, elements, vocabulary := size, int64(0), int64(0)
	for i := range f.Tensors {
		elements += f.Tensors[i].Elements()
	}
	if embedding := f.Tensor("token_embd.weight"); embedding != nil {
		vocabulary = embedding.Elements() / int64(s.width)
	}
	if expanded := elements * float; expanded <= o.Expand {
		weights = expanded
	}
	context := min(s.context, mostContext)
	if o.Context > 0 {
		context = min(s.context, o.Context)
	}
	rows := int64(4*s.width + 2*s.inner + 3*s.heads*s.head)
	worker := batch*(rows+vocabulary)*float + int64((context+page-1)/page)*int64(s.layout().floats)*float
	return weights + int64(max(1, o.Workers))*worker, nil
}
