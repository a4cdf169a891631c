package tokenizer

import (
	"errors"

	"palimpsest/stages/gguf"
)

// VocabularyOf returns what the metadata of a GGUF say of its tokenizer. What they leave out is as llama.cpp has it.
func VocabularyOf(m gguf.Metadata) (v Vocabulary, err error) {
	if v.Model, err = gguf.Value[string](m, metadataPrefix+"model"); err != nil {
		return v, err
	}
	if v.Tokens, err = gguf.Value[[]string](m, metadataPrefix+"tokens"); err != nil {
		return v, err
	}
	v.BOS, v.EOS = -1, -1
	if v.Model == "llama" {
		v.AddBOS, v.AddSpacePrefix, v.BOS, v.EOS = true, true, 1, 2
	}
	if err := optional(m, "pre", &v.Pre); err != nil {
		return v, err
	}
	switch v.Pre {
	case "llama3", "llama-v3", "llama-bpe", "falcon3":
		v.AddBOS = true
	}
	return v, errors.Join(
		optional(m, "token_type", &v.Types), optional(m, "scores", &v.Scores), optional(m, "merges", &v.Merges),
		optional(m, "add_bos_token", &v.AddBOS), optional(m, "add_space_prefix", &v.AddSpacePrefix),
		optionalID(m, "bos_token_id", &v.BOS), optionalID(m, "eos_token_id", &v.EOS),
	)
}

const metadataPrefix = "tokenizer.ggml."

// optional reads a value that may be absent.
func optional[T any](m gguf.Metadata, name string, to *T) error {
	key := metadataPrefix + name
	if _, ok := m[key]; !ok {
		return nil
	}
	v, err := gguf.Value[T](m, key)
	if err == nil {
		*to = v
	}
	return err
}

// optionalID reads the id of a token that may be absent.
func optionalID(m gguf.Metadata, name string, to *int64) error {
	key := metadataPrefix + name
	if _, ok := m[key]; !ok {
		return nil
	}
	v, err := m.Uint(key)
	if err == nil {
		*to = int64(v)
	}
	return err
}
