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
		Name: facts.Model, Vocabulary: facts.Vocabulary, Context: facts.Context, Next: session.Next, Bytes: e.Bytes,
		Tokenize: func(text []byte) ([]int64, error) {
			t, err := e.Tokenize(ctx, text)
			return t.IDs, err
		},
	}
	bos, begins := e.BOS()
	if begins {
		m.Context-- // BOS takes a place
	}
	m.Start = func() ([]float64, error) {
		session.Reset()
		if !begins {
			return nil, nil
		}
		return session.Next(bos)
	}
	for _, d := range []struct {
		to  []byte
		hex string
	}{{m.SHA256[:], facts.ModelSHA256}, {m.TokenizerSHA256[:], facts.TokenizerSHA256}} {
		if n, err := hex.Decode(d.to, []byte(d.hex)); err != nil || n != len(d.to) {
			return nil, &BugError{fmt.Errorf("%q is no sha256", d.hex)}
		}
	}
	if m.Prefix, err = prefixOf(m); err != nil {
		return nil, fmt.Errorf("%s: %w", url, err)
	}
	return m, nil
}

// prefixOf asks the tokenizer what it puts before a text.
func prefixOf(m *coder.Model) (string, error) {
	const text = "a"
	ids, err := m.Tokenize([]byte(text))
	if err != nil {
		return "", err
	}
	var spelt []byte
	for _, id := range ids {
		spelt = append(spelt, m.Bytes(id)...)
	}
	if n := len(spelt) - len(text); n > 0 && string(spelt[n:]) == text {
		return string(spelt[:n]), nil
	}
	return "", nil
}
