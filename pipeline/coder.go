package pipeline

import (
	"context"
	"encoding/hex"
	"fmt"

	"palimpsest/stages/coder"
	"palimpsest/stages/llama"
	"palimpsest/stages/store"
)

// Coder opens the GGUF file at a path or URL as the model of package coder. It is used by one goroutine at a time.
func Coder(ctx context.Context, s *store.Store, url string) (*coder.Model, error) {
	objects, err := s.List(ctx, []string{url})
	if err != nil {
		return nil, err
	}
	if len(objects) != 1 {
		return nil, badUsage("%s: %d files; name one model", url, len(objects))
	}
	e, err := openLlama(ctx, s, objects[0], llama.Options{})
	if err != nil {
		return nil, err
	}
	facts, session := e.Facts(), e.NewSession()
	m := &coder.Model{
		Name: facts.Model, Vocabulary: facts.Vocabulary, Context: facts.Context, Start: session.Start, Next: session.Next,
		Bytes: e.Bytes, Prefix: e.Prefix(),
		Tokenize: func(text []byte) ([]int64, error) {
			t, err := e.Tokenize(ctx, text)
			return t.IDs, err
		},
	}
	if facts.BOS {
		m.Context-- // BOS takes a place
	}
	for _, d := range []struct {
		to  []byte
		hex string
	}{{m.SHA256[:], facts.ModelSHA256}, {m.TokenizerSHA256[:], facts.TokenizerSHA256}} {
		if n, err := hex.Decode(d.to, []byte(d.hex)); err != nil || n != len(d.to) {
			return nil, &BugError{fmt.Errorf("%q is no sha256", d.hex)}
		}
	}
	return m, nil
}
