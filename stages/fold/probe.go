package fold

import (
	"unicode/utf8"

	"palimpsest/stages/tokens"
)

// Probe is a text whose traces are looked for: a generation, a work, a canary, or a control. A probe is known to the folds by
// its position in the run's probes.
type Probe struct {
	ID        string
	Kind      string // Generation, Work or Canary
	Control   bool   // a control: it calibrates, and has no evidence of its own
	SourceURI string // object it was read from
	SourceRow int64  // row of that object
	Text      []byte
	Tokens    tokens.Text // in unit tokens only

	// FromCorpus says that the probe is itself a document of the corpus, at SourceURI and SourceRow: it does not match itself.
	FromCorpus bool

	// Writer is the name of the target model that wrote the text in this run, when it was prompted with the work at SourceURI and
	// SourceRow; empty otherwise.
	Writer string

	Prompt       *string // what a generation was prompted with; nil unknown, empty declared absent
	PromptTokens []byte  // in unit tokens only: the stream of the prompt; nil unknown
	ControlGroup *string
	CanaryNull   *string // how a canary was made: Slot, Shuffle or Sibling; nil undeclared

	Title, Author, RightsHolder, License *string

	Label *bool // known membership in the training set
}

// The kinds of probe.
const (
	Generation = "generation"
	Work       = "work"
	Canary     = "canary"
)

// The declared nulls of a canary (methods, section 6).
const (
	Slot    = "slot"
	Shuffle = "shuffle"
	Sibling = "sibling"
)

// UTF8 reports whether the text is valid UTF-8.
func (p *Probe) UTF8() bool { return utf8.Valid(p.Text) }

// PromptKnown reports whether it is known what the probe was prompted with. Only generations have prompts.
func (p *Probe) PromptKnown() bool {
	return p.Kind != Generation || p.Prompt != nil || p.PromptTokens != nil
}

// Unprompted reports whether it is declared that the probe had no prompt.
func (p *Probe) Unprompted() bool {
	if p.PromptTokens != nil {
		return string(p.PromptTokens) == tokens.Empty
	}
	return p.Prompt != nil && *p.Prompt == ""
}
