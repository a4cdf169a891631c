// Package coder stores a text in as many bits as a language model finds it unlikely, and gives it back exactly: the round trip of
// Franceschelli, Cevenini and Musolesi, "Training Foundation Models as Data Compression" (arXiv 2407.13493), figure 1.
//
// A text is cut into the model's tokens, and an arithmetic coder spends -log2 p bits on each, p being what the model gave the token
// after those before it. Whoever has the same model makes the same distributions step by step and reads the tokens back. So the size
// of the file is the model's own measure of the text, not an estimate of it, and what the model has memorised takes almost nothing.
//
// Nothing may differ between the two sides, so a distribution becomes integers (see frequencies) before it is used, in steps whose
// result every processor agrees on. A model whose own arithmetic depends on the machine reads back only what the same machine wrote.
//
// Any bytes can be stored. Those that the tokens do not spell, such as bytes that are not UTF-8 where the tokenizer drops them, are
// escaped and take 8 bits each. A text longer than the model's context is read in a window that slides (see window).
package coder

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
)

// MaxText is the longest text that is stored, in bytes. A hostile file cannot make Decompress hold more than a small multiple of it.
const MaxText = 64 << 20

// MaxVocabulary is the largest vocabulary. The sum of its weights then fits 64 bits.
const MaxVocabulary = 1 << 19

// Model is a language model as the coder needs it: one sequence, read token by token. It is used by one goroutine at a time.
type Model struct {
	Name            string // for messages; at most 255 bytes are stored
	SHA256          [sha256.Size]byte
	TokenizerSHA256 [sha256.Size]byte // zero when the model's digest covers the tokenizer

	Vocabulary int
	Context    int // tokens that fit after the beginning of the sequence; 0 for no limit

	// Start forgets everything and returns the log-probabilities of the first token, in nats, an entry a token of the vocabulary; logits
	// do as well. A model that has no beginning of a sequence returns nil, and all tokens count as equally likely.
	Start func() ([]float64, error)
	// Next reads a token and returns the log-probabilities of the one after it. They are valid until the next call.
	Next func(id int64) ([]float64, error)

	Tokenize func(text []byte) ([]int64, error)
	Prefix   string                // what Tokenize puts before every text: a space, for some tokenizers
	Bytes    func(id int64) []byte // what a token spells; nothing for a token that is no text
}

// Stats say what a text took.
type Stats struct {
	TextBytes    int64
	FileBytes    int64 // with the header, which holds the digests
	Tokens       int64
	EscapedBytes int64   // of the text, which the tokens do not spell
	Bits         int64   // of the coded text, header left out; a multiple of 8
	ModelBits    float64 // -log2 P of the tokens under the model, from what it says
	SHA256       [sha256.Size]byte
}

// BitsPerByte is what a byte of the text took, header left out; 0 for an empty text.
func (s *Stats) BitsPerByte() float64 {
	if s.TextBytes == 0 {
		return 0
	}
	return float64(s.Bits) / float64(s.TextBytes)
}

// Compress stores the text under the model. It fails on a text longer than MaxText and with the model's own errors.
func Compress(ctx context.Context, m *Model, text []byte) ([]byte, *Stats, error) {
	if len(text) > MaxText {
		return nil, nil, fmt.Errorf("a text of %d bytes is longer than the %d that are stored at once: cut it", len(text), MaxText)
	}
	pieces, err := spell(m, text)
	if err != nil {
		return nil, nil, fmt.Errorf("cutting the text into tokens: %w", err)
	}
	s := &Stats{TextBytes: int64(len(text)), SHA256: sha256.Sum256(text)}
	var (
		e encoder
		f frequencies
	)
	e.init()
	w, err := open(m, &f)
	if err != nil {
		return nil, nil, err
	}
	for _, p := range pieces {
		if p.raw != nil {
			if err := w.catchUp(); err != nil {
				return nil, nil, err
			}
			e.escape(&f, p.raw)
			s.EscapedBytes += int64(len(p.raw))
			continue
		}
		for _, id := range p.ids {
			if err := ctx.Err(); err != nil {
				return nil, nil, err
			}
			if err := w.catchUp(); err != nil {
				return nil, nil, err
			}
			e.encode(f.interval(int(id)))
			s.ModelBits += f.bits(int(id))
			s.Tokens++
			w.read(id)
		}
	}
	body := e.finish()
	h := header{
		model: m.SHA256, tokenizer: m.TokenizerSHA256, text: s.SHA256,
		name: m.Name, textBytes: uint64(len(text)), bodyBytes: uint64(len(body)),
	}
	file := append(h.append(nil), body...)
	s.Bits, s.FileBytes = 8*int64(len(body)), int64(len(file))
	return file, s, nil
}

// ErrDamaged is wrapped by the errors of Decompress that are the file's fault.
var ErrDamaged = errors.New("the file is damaged")

// OtherModelError says that a file was written with another model than the one it is read with.
type OtherModelError struct {
	Want, Have string // names and first digits of the digests
	Tokenizer  bool   // the models are the same, their tokenizers are not
}

func (e *OtherModelError) Error() string {
	what := "model"
	if e.Tokenizer {
		what = "tokenizer"
	}
	return fmt.Sprintf("the file was compressed with %s %s, not with %s: give it that %s", what, e.Want, e.Have, what)
}

// Decompress gives the stored text back. The error is an OtherModelError for another model than the one the text was stored under,
// wraps ErrDamaged for a file that is not what Compress wrote, and is else the model's own. No text is returned beside an error. It
// never holds more than the file, three times MaxText, 24 bytes a token of the vocabulary and of the context, and what the model holds.
func Decompress(ctx context.Context, m *Model, file []byte) ([]byte, *Stats, error) {
	h, body, err := parse(file)
	if err != nil {
		return nil, nil, err
	}
	if err := h.check(m); err != nil {
		return nil, nil, err
	}
	s := &Stats{TextBytes: int64(h.textBytes), FileBytes: int64(len(file)), Bits: 8 * int64(len(body)), SHA256: h.text}
	var (
		d decoder
		f frequencies
	)
	d.init(body)
	w, err := open(m, &f)
	if err != nil {
		return nil, nil, err
	}
	size := int(h.textBytes)
	if size > 0 {
		size += len(m.Prefix)
	}
	var text []byte
	for len(text) < size {
		if err := ctx.Err(); err != nil {
			return nil, nil, err
		}
		if err := w.catchUp(); err != nil {
			return nil, nil, err
		}
		id, part := f.find(d.value())
		if part == (share{}) {
			return nil, nil, damaged("its bits stand for no token")
		}
		d.take(part)
		if id == f.escape() {
			from := len(text)
			if text, err = d.unescape(text, size); err != nil {
				return nil, nil, err
			}
			s.EscapedBytes += int64(len(text) - from)
			continue
		}
		spelt := m.Bytes(int64(id))
		if len(spelt) == 0 || len(spelt) > size-len(text) || d.ranOut() {
			return nil, nil, damaged("its bits stand for another text")
		}
		text = append(text, spelt...)
		s.ModelBits += f.bits(id)
		s.Tokens++
		w.read(int64(id))
	}
	text = text[min(len(m.Prefix), len(text)):]
	if sum := sha256.Sum256(text); sum != h.text {
		return nil, nil, damaged("what it gives has sha256 %x, and %x was stored", sum[:4], h.text[:4])
	}
	return text, s, nil
}

func damaged(format string, args ...any) error {
	return fmt.Errorf("%w: %s; compress the text again with this program and model", ErrDamaged, fmt.Sprintf(format, args...))
}

// piece is a part of a text: tokens that spell it, or bytes that are escaped.
type piece struct {
	ids []int64
	raw []byte
}

// shortestCut is the length in bytes from which a part that the tokens do not spell is escaped, not cut further.
const shortestCut = 16

// spell cuts a text, after the tokenizer's prefix, into tokens and bytes that tokens do not spell. A text that its tokens do not give
// back is halved until they do, so that a few odd bytes cost only their surroundings.
func spell(m *Model, text []byte) ([]piece, error) {
	var (
		pieces []piece
		cut    func(part []byte) error
	)
	cut = func(part []byte) error {
		var (
			ids []int64
			err error
		)
		if rest, ok := bytes.CutPrefix(part, []byte(m.Prefix)); ok {
			if ids, err = m.Tokenize(rest); err != nil {
				return err
			}
		}
		switch {
		case spells(m, ids, part):
			pieces = append(pieces, piece{ids: ids})
		case len(part) > shortestCut:
			half := middle(part)
			if err := cut(part[:half]); err != nil {
				return err
			}
			return cut(part[half:])
		case len(pieces) > 0 && pieces[len(pieces)-1].raw != nil: // escaped bytes that follow each other are one piece
			last := &pieces[len(pieces)-1]
			last.raw = last.raw[:len(last.raw)+len(part)]
		default:
			pieces = append(pieces, piece{raw: part})
		}
		return nil
	}
	if len(text) == 0 {
		return nil, nil
	}
	err := cut(append([]byte(m.Prefix), text...))
	return pieces, err
}

// spells reports whether the tokens' bytes are the text.
func spells(m *Model, ids []int64, text []byte) bool {
	for _, id := range ids {
		if id < 0 || id >= int64(m.Vocabulary) {
			return false
		}
		b := m.Bytes(id)
		if len(b) == 0 || !bytes.HasPrefix(text, b) {
			return false
		}
		text = text[len(b):]
	}
	return len(text) == 0
}

// middle is a place to cut near the middle: before a space, else at the beginning of a character, else anywhere.
func middle(text []byte) int {
	at := len(text) / 2
	if i := bytes.LastIndexByte(text[at/2:at], ' '); i > 0 {
		return at/2 + i
	}
	for i := at; i > at-4; i-- {
		if text[i]&0xC0 != 0x80 {
			return i
		}
	}
	return at
}
