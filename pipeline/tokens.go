package pipeline

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"palimpsest/stages/fold"
	"palimpsest/stages/read"
	"palimpsest/stages/tokenizer"
	"palimpsest/stages/tokens"
)

// In unit tokens a text is cut by the columns of its row, token_ids with byte_offsets, or by the tokenizer, which also finds where the
// ids of a row without byte_offsets stand in its text. Ids do not tell which vocabulary they are from: that those of the corpus, the
// probes and the tokenizer are from one is for the configuration to see to.

// The roles of columns of tokens. They are read in unit tokens alone.
const (
	tokenIDsRole    = "token_ids"
	byteOffsetsRole = "byte_offsets"
	promptIDsRole   = "prompt_token_ids"
)

var tokenRoles = []string{tokenIDsRole, byteOffsetsRole, promptIDsRole}

// cutter gives the texts of one row group after the other their tokens. It is used by one goroutine at a time.
type cutter struct {
	tokenizer *tokenizer.Tokenizer // nil: all come from columns

	ids, offsets, prompts *read.Values[int64] // of the row group; nil where no column is mapped

	text    tokens.Text // of the row
	speller tokens.Speller
}

// newCutter returns a cutter that has seen nothing; nil in other units.
func (p *Plan) newCutter() *cutter {
	if n := p.Config.Ngram; n == nil || n.unit() != fold.Tokens {
		return nil
	}
	return &cutter{tokenizer: p.tokenizer}
}

// begin decodes the columns of a row group.
func (c *cutter) begin(s shard, g *read.Group) error {
	if c == nil {
		return nil
	}
	for _, x := range []struct {
		role string
		to   **read.Values[int64]
	}{{tokenIDsRole, &c.ids}, {byteOffsetsRole, &c.offsets}, {promptIDsRole, &c.prompts}} {
		*x.to = nil
		column, ok := s.column(x.role)
		if !ok {
			continue
		}
		v, err := g.Ints(column)
		if err != nil {
			return err
		}
		*x.to = v
	}
	return nil
}

// cut returns the tokens of the row's text, valid until the next call; none in other units. An error says what is wrong with the row.
func (c *cutter) cut(row int, text []byte) (tokens.Text, error) {
	if c == nil {
		return tokens.Text{}, nil
	}
	if cap(c.text.Stream) > retainedTokens {
		c.text = tokens.Text{} // one giant document must not hold its memory for the rest of the run
	}
	ids, ok, err := list(c.ids, row)
	if err != nil {
		return tokens.Text{}, fmt.Errorf("%s: %w", tokenIDsRole, err)
	}
	starts, placed, err := list(c.offsets, row)
	if err != nil {
		return tokens.Text{}, fmt.Errorf("%s: %w", byteOffsetsRole, err)
	}
	c.text.Offsets = c.text.Offsets[:0]
	switch {
	case !ok && c.tokenizer == nil:
		return tokens.Text{}, errors.New("token_ids is null, and there is no tokenizer to cut the text")
	case !ok && len(text) > math.MaxInt32:
		return tokens.Text{}, fmt.Errorf("a text of %s is too long for the tokenizer", formatBytes(int64(len(text))))
	case !ok:
		ids, starts = c.tokenizer.Encode(text)
		c.text.Offsets = append(append(c.text.Offsets, starts...), int64(len(text)))
	case placed:
		if err := tokens.CheckOffsets(starts, len(ids), len(text)); err != nil {
			return tokens.Text{}, fmt.Errorf("%s: %w", byteOffsetsRole, err)
		}
		c.text.Offsets = append(append(c.text.Offsets, starts...), int64(len(text)))
	case c.tokenizer == nil:
		return tokens.Text{}, errors.New("byte_offsets is null, and there is no tokenizer to tell where the tokens stand")
	default:
		if c.text.Offsets, err = c.speller.AppendOffsets(c.text.Offsets, text, ids, c.tokenizer.Bytes); err != nil {
			return tokens.Text{}, fmt.Errorf("%s: %w; another tokenizer's, or give byte_offsets", tokenIDsRole, err)
		}
	}
	if c.text.Stream, err = tokens.AppendStream(c.text.Stream[:0], ids); err != nil {
		return tokens.Text{}, fmt.Errorf("%s: %w", tokenIDsRole, err)
	}
	return c.text, nil
}

// cutPrompt returns the stream of the row's prompt; nil when the prompt is unknown.
func (c *cutter) cutPrompt(row int, prompt *string) ([]byte, error) {
	if c == nil {
		return nil, nil
	}
	ids, ok, err := list(c.prompts, row)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", promptIDsRole, err)
	}
	switch {
	case !ok && prompt == nil:
		return nil, nil
	case !ok && c.tokenizer == nil && *prompt != "":
		return nil, errors.New("prompt_token_ids is null, and there is no tokenizer to cut the prompt")
	case !ok && *prompt != "":
		ids, _ = c.tokenizer.Encode([]byte(*prompt))
	}
	stream, err := tokens.AppendStream(nil, ids)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", promptIDsRole, err)
	}
	return stream, nil
}

// cutsAlike reports whether the model's tokens are those of the run's tokenizer.
func (j *Job) cutsAlike(m *planned) bool {
	return j.tokenizer != nil && j.tokenizer.SHA256() == j.engines[m].Facts().TokenizerSHA256
}

// cutWritten cuts what a model wrote and its prompt: by the ids that it wrote, where they are the tokenizer's own and spell the text.
func (c *cutter) cutWritten(p *fold.Probe, prompt []byte, ids []int64, own bool) (err error) {
	if c == nil {
		return nil
	}
	if own {
		if offsets, err := c.speller.AppendOffsets(nil, p.Text, ids, c.tokenizer.Bytes); err == nil {
			p.Tokens.Offsets = offsets
		}
	}
	if p.Tokens.Offsets == nil {
		var starts []int64
		ids, starts = c.tokenizer.Encode(p.Text)
		p.Tokens.Offsets = append(starts, int64(len(p.Text)))
	}
	if p.Tokens.Stream, err = tokens.AppendStream(nil, ids); err != nil {
		return err
	}
	ids, _ = c.tokenizer.Encode(prompt)
	p.PromptTokens, err = tokens.AppendStream(nil, ids)
	return err
}

// retainedTokens is the longest stream whose buffers are kept from one text to the next, in bytes.
const retainedTokens = 16 << 20

// list returns the numbers of a row, and false where it is null or no column is mapped.
func list(v *read.Values[int64], row int) (values []int64, ok bool, err error) {
	if v == nil {
		return nil, false, nil
	}
	values, null, ok := v.Row(row)
	if k := slices.Index(null, true); ok && k >= 0 {
		return nil, false, fmt.Errorf("entry %d is null", k)
	}
	return values, ok, nil
}

// searchedBytes returns the bytes of the probe's text, or of what is searched for of it where that is longer.
func searchedBytes(p *fold.Probe) int64 { return int64(max(len(p.Text), len(p.Tokens.Stream))) + 2 }

// tokensMemory returns the bytes that a probe's tokens take beside its text.
func tokensMemory(p *fold.Probe) int64 {
	return int64(len(p.Tokens.Stream) + len(p.PromptTokens) + 8*len(p.Tokens.Offsets))
}

// expectedTokens returns the bytes that the tokens of texts of so many bytes are expected to take: a stream as long as the text and an
// offset for every four bytes, since that is a token's usual length. What they really take is known when the texts are cut.
func expectedTokens(textBytes int64) int64 { return 3 * textBytes }
