// Package evidence is the judgement: it joins what the corpus holds of a probe with what the model makes of it (methods, section 7).
//
// Every probe gets two grades, each with its reason in a sentence: corpus_grade says what the named corpus holds, model_grade what
// the model gives back. A negative result is a row like any other, and says what was tested. Likelihood alone never proves that a
// model was trained on a text: it is ranked against controls, texts of the probe's kind that the model was not trained on. It
// never grades a model's own output, which is likely by construction.
//
// Screen takes unfit controls away, Judge makes the rows of evidence, Evaluate measures the scores where membership is known. All
// three are plain functions of their arguments: the folds and the scorers have done the work.
package evidence

import (
	"strings"

	"palimpsest/stages/fold"
	"palimpsest/stages/likelihood"
)

// Subject is one probe or control with everything that was found out about it.
type Subject struct {
	Probe       *fold.Probe
	SHA256      string // digest of the text
	WordsSHA256 string // digest of its words; empty without words
	Corpus      Corpus
	Target      *likelihood.Score // under the target model; nil when it was not scored
}

// Corpus is what the folds found of a subject. Fields of a stage that did not run stay zero.
type Corpus struct {
	FromCorpus bool   // the subject is itself a document of the corpus, which the counts leave out
	Hashed     bool   // hash ran
	Exact      int64  // corpus documents with the same bytes
	ExactWords int64  // corpus documents with the same words, the former included
	Near       *int64 // near-duplicate documents; nil when they were not looked for

	Searched   bool // ngram ran
	Searchable bool // the text is long enough for one span
	Unit       fold.Unit
	MinWords   int // units of the shortest span; not in unit bytes
	MinBytes   int // bytes of normalised stream of the shortest span; not in unit tokens

	Spans           int64
	Documents       int64    // corpus documents with at least one qualifying match
	Longest         int64    // longest span, in units; 0 without spans
	Coverage        *float64 // share of the units inside some span
	CreativityIndex *float64

	LongestOutsidePrompt *int64 // units of the longest run inside a span that does not repeat the prompt; nil when the prompt is unknown
	// OutsidePromptBytes is the bytes of normalised stream, in unit tokens those of the text, of the run with the most of them, among the
	// runs outside the prompt of at least 50 units; of the longest run when none has 50.
	OutsidePromptBytes int64

	NearVerbatim *Passage // nil when documents were not compared with the text

	Contained *Containment // the document that holds most of the text, when it holds at least fold.Contained of it
	Best      *Span        // the span over the words with the fewest matches, then the longest; nil without spans
}

// Containment names a corpus document that holds the subject.
type Containment struct {
	DocumentID string
	Coverage   float64 // share of the subject's units inside matches with that document
}

// Passage is where the subject and a corpus document are nearly the same (nv-recall; methods, section 2): the largest, by equal words that
// are not of the subject's prompt.
type Passage struct {
	DocumentID string
	Words      int64 // equal ones outside the prompt; 0 without a passage
}

// Span is what the judgement needs to know of a span.
type Span struct {
	MaxWordMatches int64 // most matches, in any documents, that cover one word of it
	Documents      int64 // that hold it
	Occurrences    int64 // in them
	Quoted         bool  // it stands between quotation marks in the probe

	// The rest is what Sampled makes of its sources.

	OneText      bool // its documents are one text: a single one, or copies, at least two; one without a digest is a copy of none
	PublicDomain bool // every source is declared to be in the public domain
}

// Source is one source of the uniform sample of a span's documents: ten, or all when there are fewer, however many are listed.
type Source struct {
	License     *string // as the corpus declares it
	WordsSHA256 string  // digest of the document's words; equal digests are copies of one text
}

// unit returns the name of the unit of overlap for n of them.
func (c *Corpus) unit(n int64) string { return count(n, strings.TrimSuffix(c.Unit.String(), "s")) }
