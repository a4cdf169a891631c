package server

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"palimpsest/stages/model"
)

// Tokenize cuts a text into the model's tokens: by the tokenizer of the options, or by the server's own route. Offsets are nil where
// the server does not say what bytes its tokens stand for, or says it in a way that does not add up to the text.
func (e *Engine) Tokenize(ctx context.Context, text []byte) (model.Tokens, error) {
	if e.options.Tokenizer != nil {
		return e.options.Tokenizer(text)
	}
	if len(text) == 0 {
		return model.Tokens{}, nil
	}
	if err := sendable(text); err != nil {
		return model.Tokens{}, fmt.Errorf("%w; a tokenizer of its own would be needed", err)
	}
	var tokens model.Tokens
	if e.cache != nil {
		if ok, err := e.cache.get(ctx, e.cache.textKey(text), &tokens); ok || err != nil {
			return tokens, err
		}
	}
	tokens, err := e.protocol.encode(ctx, e, string(text))
	if errors.Is(err, errNoRoute) {
		return tokens, fmt.Errorf("%w: it has no route that tokenizes, and no tokenizer is configured; name the model's tokenizer file: %w",
			ErrCapability, err)
	}
	if err != nil {
		return tokens, fmt.Errorf("tokenize %d bytes: %w", len(text), err)
	}
	if e.cache != nil {
		err = e.cache.put(ctx, e.cache.textKey(text), tokens)
	}
	return tokens, err
}

// tokenizerTexts tell tokenizers apart: by their words, numbers, capitals and marks.
var tokenizerTexts = []string{
	probeText, "In 1984 the committee spent $12,500 on 37 unread memoranda.", "def encode(TEXT):\n    return [vocabulary[w] for w in TEXT]",
}

// checkTokenizer refuses a tokenizer of the options that is not the served model's: a server that takes ids gives back whatever ids it
// was sent. Where the server can neither tokenize nor name the tokens that it was sent, nothing can be said.
func (e *Engine) checkTokenizer(ctx context.Context) error {
	if e.options.Tokenizer == nil {
		return nil
	}
	for _, text := range tokenizerTexts {
		own, err := e.options.Tokenizer([]byte(text))
		if err != nil {
			return fmt.Errorf("tokenizer: %w", err)
		}
		differs := ""
		served, err := e.protocol.encode(once(ctx), e, text)
		if err == nil && len(served.IDs) > 0 {
			differs = differentIDs(own.IDs, served.IDs)
		} else if err == nil || errors.Is(err, ErrRefused) || errors.Is(err, errNoRoute) {
			var pieces []string
			if pieces, err = e.protocol.decode(once(ctx), e, own.IDs); err == nil && !sameText(text, pieces) {
				differs = fmt.Sprintf("its ids are %s to the server", line(fmt.Sprintf("%q", strings.Join(pieces, ""))))
			}
		}
		_, fault := errors.AsType[*model.Fault](err)
		if err != nil && !fault && !errors.Is(err, ErrRefused) && !errors.Is(err, errNoRoute) {
			return err
		}
		if differs != "" {
			return fmt.Errorf("%w: the tokenizer that is configured is not the served model's: of the text %q %s; set tokenizer to the served "+
				"model's own file", ErrCapability, text, differs)
		}
	}
	return nil
}

// differentIDs says where a text's ids first differ from the server's, after which an end-of-text token may follow; "" for nowhere.
func differentIDs(own, served []int64) string {
	for i := range min(len(own), len(served)) {
		if own[i] != served[i] {
			return fmt.Sprintf("token %d is %d by it and %d by the server", i, own[i], served[i])
		}
	}
	if n := len(served) - len(own); n != 0 && n != 1 {
		return fmt.Sprintf("it gives %d tokens and the server %d", len(own), len(served))
	}
	return ""
}

// sameText reports whether strings that a server gives for tokens are the text, in one of the alphabets of offsetsOf. Spaces are not
// compared: SentencePiece's get lost where tokens are decoded one by one.
func sameText(text string, pieces []string) bool {
	squeezed := strings.Join(strings.Fields(text), "")
	return slices.ContainsFunc([]func(string) (string, bool){plain, byteLevel, sentencePiece}, func(decode func(string) (string, bool)) bool {
		var b strings.Builder
		for _, p := range pieces {
			s, ok := decode(p)
			if !ok {
				return false
			}
			b.WriteString(s)
		}
		return strings.Join(strings.Fields(b.String()), "") == squeezed
	})
}

// sendable says why a text cannot be sent as it is: JSON holds UTF-8.
func sendable(text []byte) error {
	switch {
	case len(text) == 0:
		return fmt.Errorf("%w: the bytes of the tokens are not known", model.ErrReencoded)
	case !utf8.Valid(text):
		return fmt.Errorf("%w: it is not UTF-8", model.ErrReencoded)
	}
	return nil
}

// reencoded tells why tokens other than the request's came back for its text: ErrReencoded when the text encodes to others, which the
// server cannot help, and otherwise fault.
func (e *Engine) reencoded(ctx context.Context, r model.Request, fault error) error {
	tokens, err := e.Tokenize(ctx, r.Text)
	if err != nil {
		return err
	}
	if !slices.Equal(tokens.IDs, r.IDs) {
		return model.ErrReencoded
	}
	return fault
}

// written returns the ids of a continuation of which the server gave the text alone: those of prompt and text together, after the
// prompt's. It is nil where they cannot be the ones that were generated: the text may merge with the prompt, may hold U+FFFD for bytes
// that are not UTF-8, or may encode to another number of tokens than were generated. A model that wrote a text in as many other tokens
// than its tokenizer cuts is not found out.
func (e *Engine) written(ctx context.Context, p model.Prompt, c model.Continuation) ([]int64, error) {
	if len(c.Text) == 0 || len(p.Text) == 0 && len(p.IDs) > 0 || strings.ContainsRune(string(c.Text), utf8.RuneError) {
		return nil, nil
	}
	prompt, err := e.Tokenize(ctx, p.Text)
	var both model.Tokens
	if err == nil {
		both, err = e.Tokenize(ctx, slices.Concat(p.Text, c.Text))
	}
	if errors.Is(err, ErrCapability) || errors.Is(err, ErrRefused) {
		return nil, nil // it cannot be known
	}
	if err != nil {
		return nil, fmt.Errorf("the tokens of a continuation: %w", err)
	}
	n := len(prompt.IDs)
	if len(both.IDs) < n || !slices.Equal(both.IDs[:n], prompt.IDs) || p.IDs != nil && !slices.Equal(p.IDs, prompt.IDs) {
		return nil, nil
	}
	if ids := both.IDs[n:]; len(ids) <= p.Length && (c.LogProbs == nil || len(c.LogProbs) == len(ids)) {
		return ids, nil
	}
	return nil, nil
}

// offsetsOf returns the byte at which each token begins in the text, from the strings that a server gives for them, or nil: a
// string may be of the vocabulary's own alphabet, or a replacement for bytes that are not UTF-8. The strings are taken only when
// all of them together are the text, in one of three alphabets: plain, GPT-2's for bytes, or SentencePiece's. SentencePiece may put a
// space before the text.
func offsetsOf(text string, pieces []string) []int64 {
	for _, decode := range []func(string) (string, bool){plain, byteLevel, sentencePiece} {
		if offsets := fitted(text, pieces, decode); offsets != nil {
			return offsets
		}
	}
	return nil
}

func fitted(text string, pieces []string, decode func(string) (string, bool)) []int64 {
	offsets := make([]int64, len(pieces))
	at := 0
	for i, p := range pieces {
		s, ok := decode(p)
		if !ok {
			return nil
		}
		offsets[i] = int64(at)
		if i == 0 && !strings.HasPrefix(text, s) {
			s = strings.TrimPrefix(s, " ")
		}
		if !strings.HasPrefix(text[at:], s) {
			return nil
		}
		at += len(s)
	}
	if at != len(text) {
		return nil
	}
	return offsets
}

func plain(s string) (string, bool) { return s, true }

// byteLevel decodes the alphabet of GPT-2's tokenizer, in which every byte is a printable character.
func byteLevel(s string) (string, bool) {
	b := make([]byte, 0, len(s))
	for _, r := range s {
		switch {
		case r >= '!' && r <= '~', r >= 0xA1 && r <= 0xAC, r >= 0xAE && r <= 0xFF:
			b = append(b, byte(r))
		case r >= 0x100 && r <= 0x120: // 0 to 32
			b = append(b, byte(r-0x100))
		case r >= 0x121 && r <= 0x142: // 127 to 160
			b = append(b, byte(r-0x121+0x7F))
		case r == 0x143:
			b = append(b, 0xAD)
		default:
			return "", false
		}
	}
	return string(b), true
}

// sentencePiece decodes the alphabet in which a space is U+2581 and a lone byte is written <0xE4>.
func sentencePiece(s string) (string, bool) {
	var b byte
	if len(s) == 6 && strings.HasPrefix(s, "<0x") && s[5] == '>' {
		if _, err := fmt.Sscanf(s[3:5], "%02X", &b); err == nil {
			return string([]byte{b}), true
		}
	}
	return strings.ReplaceAll(s, "\u2581", " "), true
}
