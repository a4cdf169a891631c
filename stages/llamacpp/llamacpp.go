// Package llamacpp runs a model through llama.cpp's shared libraries, without a C compiler: github.com/hybridgroup/yzma loads them at run
// time. It is an Engine of package model, for the architectures and file types that package llama does not know.
//
// The settings are exact: flash attention off, keys and values in float32, one text at a time, on the processor. Then the testbed's
// log-probabilities are those of PyTorch within 2.1e-5. With llama.cpp's own settings they are within 7.6e-3, ranks move, and a greedy
// continuation forks now and then. Values still depend on the processor in their last digits, since llama.cpp has kernels for several.
//
// The program holds this engine only when it is built with the tag llamacpp. The binding makes a program dynamically linked, and it ends
// at its start, whatever it was called for, where libffi is missing.
package llamacpp

// Options are an engine's settings.
type Options struct {
	Model     string // path of a GGUF file
	Libraries string // folder of llama.cpp's libraries, Release of them

	// Threads is how many compute at a time. 0 is one a processor.
	Threads int
	// Context is the number of tokens that a request may have. 0 is the model's own, but at most 4,096.
	Context int
}

// Release is the release of llama.cpp whose libraries the binding describes. The layout of their structures changes from one release to
// the next, and a wrong one would be read as nonsense, so no other is taken.
const Release = "v0.5.0"

// remedy is how to get the libraries.
const remedy = "npm's package @node-llama-cpp/linux-x64@3.22.1 (mac-arm64-metal and others likewise) has the libraries of llama.cpp " +
	Release + ": put those of its folder bins in one folder, and beside them links libllama.so to libllama." + Release +
	".so and libggml.so to libggml." + Release + ".so"
