//go:build !llamacpp

package llamacpp_test

import (
	"strings"
	"testing"

	"palimpsest/stages/llamacpp"
)

// A program without the engine says how to get one.
func TestAbsent(t *testing.T) {
	_, err := llamacpp.Open(t.Context(), llamacpp.Options{})
	if err == nil || !strings.Contains(err.Error(), "-tags llamacpp") || !strings.Contains(err.Error(), "@node-llama-cpp") {
		t.Errorf("error %v, want one that names the tag and the libraries", err)
	}
}
