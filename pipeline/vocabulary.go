package pipeline

import (
	"context"
	"fmt"
	"io"

	"palimpsest/stages/gguf"
	"palimpsest/stages/store"
	"palimpsest/stages/tokenizer"
)

// openTokenizer opens the tokenizer that cuts texts in unit tokens, if one is asked for.
func (p *Plan) openTokenizer(ctx context.Context) error {
	n := p.Config.Ngram
	if n == nil || n.Tokenizer == "" {
		return nil
	}
	found, err := p.store.List(ctx, []string{n.Tokenizer})
	if err != nil {
		return fmt.Errorf("ngram.tokenizer: %w", err)
	}
	if len(found) != 1 {
		return badUsage("ngram.tokenizer: %s names %d objects; name one GGUF", redact(n.Tokenizer), len(found))
	}
	if p.tokenizer, err = readTokenizer(ctx, p.store, found[0]); err != nil {
		return fmt.Errorf("ngram.tokenizer: %w", err)
	}
	p.vocabulary = found[0]
	return nil
}

// readTokenizer makes the tokenizer of the GGUF at o. Of its tensors only the names are read.
func readTokenizer(ctx context.Context, s *store.Store, o store.Object) (*tokenizer.Tokenizer, error) {
	r, err := s.Open(ctx, o)
	if err != nil {
		return nil, err
	}
	f, err := gguf.Open(&headReader{ctx: ctx, object: r}, o.Size)
	if err != nil {
		return nil, badData("%s: %w", o.URI, err)
	}
	v, err := tokenizer.VocabularyOf(f.Metadata)
	if err != nil {
		return nil, badData("%s: %w", o.URI, err)
	}
	t, err := tokenizer.New(v)
	if err != nil {
		return nil, badData("%s: %w", o.URI, err)
	}
	return t, nil
}

// headReader reads an object from its beginning on, in pieces that are worth a request each.
type headReader struct {
	ctx    context.Context
	object *store.Reader
	at     int64 // of the piece in the object
	piece  []byte
}

const headPiece = 4 << 20

func (h *headReader) ReadAt(p []byte, off int64) (n int, err error) {
	for n < len(p) {
		at := off + int64(n)
		if at >= h.object.Object().Size {
			return n, io.EOF
		}
		if at < h.at || at >= h.at+int64(len(h.piece)) {
			piece := make([]byte, min(headPiece, h.object.Object().Size-at))
			if err := h.object.ReadRange(h.ctx, piece, at); err != nil {
				return n, err
			}
			h.at, h.piece = at, piece
		}
		n += copy(p[n:], h.piece[at-h.at:])
	}
	return n, nil
}
