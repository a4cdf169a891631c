package coder

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// A file is, in this order:
//
//	magic      7 bytes, "PALIMPS", then the version of the format, 1
//	model      32 bytes, sha256 of the model
//	tokenizer  32 bytes, sha256 of the tokenizer, or zeros
//	text       32 bytes, sha256 of the text
//	name       1 byte for the length, then the model's name
//	text size  uvarint, bytes
//	body size  uvarint, bytes
//	body       the coded tokens
//
// Nothing follows. The version changes with anything that changes the bits of a body: the frequencies, the coder, the window.
const (
	magic   = "PALIMPS"
	version = 1
	fixed   = len(magic) + 1 + 3*sha256.Size
)

type header struct {
	model, tokenizer, text [sha256.Size]byte
	name                   string
	textBytes, bodyBytes   uint64
}

func (h *header) append(b []byte) []byte {
	b = append(append(b, magic...), version)
	b = append(append(append(b, h.model[:]...), h.tokenizer[:]...), h.text[:]...)
	name := h.name[:min(len(h.name), 255)]
	b = append(append(b, byte(len(name))), name...)
	return binary.AppendUvarint(binary.AppendUvarint(b, h.textBytes), h.bodyBytes)
}

// parse reads a file's header and returns it with the body.
func parse(file []byte) (h header, body []byte, err error) {
	if len(file) < len(magic)+1 || string(file[:len(magic)]) != magic {
		return h, nil, fmt.Errorf("%w: it does not begin with %s; only what compress wrote can be decompressed", ErrDamaged, magic)
	}
	if v := file[len(magic)]; v != version {
		return h, nil, fmt.Errorf("%w: it has version %d and this program reads version %d; use the program that wrote it",
			ErrDamaged, v, version)
	}
	if len(file) < fixed+1 {
		return h, nil, damaged("it ends in its header")
	}
	rest := file[len(magic)+1:]
	for _, sum := range []*[sha256.Size]byte{&h.model, &h.tokenizer, &h.text} {
		rest = rest[copy(sum[:], rest):]
	}
	n := int(rest[0])
	if len(rest) < 1+n {
		return h, nil, damaged("it ends in its header")
	}
	h.name, rest = string(rest[1:1+n]), rest[1+n:]
	for _, size := range []*uint64{&h.textBytes, &h.bodyBytes} {
		v, n := binary.Uvarint(rest)
		if n <= 0 {
			return h, nil, damaged("it has no sizes")
		}
		*size, rest = v, rest[n:]
	}
	switch {
	case h.textBytes > MaxText:
		return h, nil, damaged("it says to hold %d bytes of text, and %d is the most", h.textBytes, MaxText)
	case h.bodyBytes != uint64(len(rest)):
		return h, nil, damaged("%d bytes of coded text where it says %d", len(rest), h.bodyBytes)
	}
	return h, rest, nil
}

// check reports an OtherModelError unless the file was written with the model.
func (h *header) check(m *Model) error {
	named := func(name string, sum [sha256.Size]byte) string {
		return fmt.Sprintf("%q (sha256 %x…)", name, sum[:6])
	}
	switch {
	case h.model != m.SHA256:
		return &OtherModelError{Want: named(h.name, h.model), Have: named(m.Name, m.SHA256)}
	case h.tokenizer != m.TokenizerSHA256:
		return &OtherModelError{Want: fmt.Sprintf("sha256 %x…", h.tokenizer[:6]), Have: fmt.Sprintf("sha256 %x…", m.TokenizerSHA256[:6]),
			Tokenizer: true}
	}
	return nil
}
