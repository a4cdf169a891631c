package llama_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"

	"palimpsest/stages/llama"
)

// The demo's model: 2,164,416 weights, a batch of 66 tokens in hand, and 1,024 positions of 4 layers with 192 keys and values each.
func TestMemory(t *testing.T) {
	data, err := os.ReadFile(filepath.Join("..", "..", "configs", "demo", "target.gguf"))
	if err != nil {
		t.Fatal(err)
	}
	memory := func(o llama.Options) int64 {
		n, err := llama.Memory(bytes.NewReader(data), int64(len(data)), o)
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	packed, expanded := memory(llama.Options{Workers: 1, Expand: 1 << 20}), memory(llama.Options{Workers: 1, Expand: 1 << 30})
	if expanded-packed != 2_164_416*4-int64(len(data)) {
		t.Errorf("%d bytes with weights as they are, %d as float32", packed, expanded)
	}
	worker := memory(llama.Options{Workers: 3}) - memory(llama.Options{Workers: 2})
	if cache := int64(1024 * 4 * 2 * 192 * 4); worker < cache || worker > cache+2<<20 {
		t.Errorf("a worker takes %d bytes; its keys and values alone %d", worker, cache)
	}
	if short := memory(llama.Options{Workers: 1, Context: 64}); short >= packed {
		t.Errorf("%d bytes with a context of 64, %d with the model's own", short, packed)
	}
	if _, err := llama.Memory(bytes.NewReader(data[:100]), 100, llama.Options{}); err == nil {
		t.Error("half a head is a model")
	}
}
