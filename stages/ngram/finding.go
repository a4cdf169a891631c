package ngram

import (
	"math"
	"slices"
	"unicode/utf8"

	"palimpsest/schemas"
	"palimpsest/stages/fold"
	"palimpsest/stages/tokens"
	"palimpsest/stages/words"
)

// Finding is all that overlap says of one probe, as rows and as the figures that evidence rests on.
type Finding struct {
	Overlap []schemas.Overlap
	Spans   []schemas.Span
	Sources []schemas.SpanSource

	Units           int64    // length of the probe
	Searchable      bool     // long enough for one span
	Documents       int64    // documents with at least one match
	Longest         int64    // longest span, in units
	Coverage        *float64 // share of units inside some span; null without units
	CreativityIndex *float64 // null unless min_words <= 5 and min_bytes = 0, in words

	LongestOutsidePrompt *int64 // longest run inside a span that does not repeat the prompt; null when the prompt is unknown
	OutsidePromptBytes   int64  // most stream bytes of such a run of at least 50 units; of the longest run when none is that long

	Best *Best // the span that is the strongest evidence: over words that few matches cover, then the longest; nil without spans
}

// Best is a span with what tells boilerplate from evidence.
type Best struct {
	schemas.Span
	Quoted  bool         // it stands between quotation marks in the probe
	Sources []BestSource // a sample of at least ten, whatever is listed
}

// BestSource is a document that holds the span.
type BestSource struct {
	License     *string
	WordsSHA256 string
}

// Finder makes findings of a state that has seen the whole corpus. It is used by one goroutine at a time.
type Finder struct {
	state     *State
	documents int64 // of the corpus
	report    []int // the n of the overlap table
	texts     bool  // whether spans carry their text
	words     words.Normaliser
}

// NewFinder reports on the state at the end of a corpus of that many documents. The state takes no more of them: what it needs to look
// documents up in is let go.
func NewFinder(s *State, documents int64, report []int, texts bool) *Finder {
	s.spread()
	s.matcher = &matcher{Index: textsAlone(s.matcher.texts, s.matcher.config)}
	return &Finder{state: s, documents: documents, report: report, texts: texts}
}

// Find returns what was found of probe i.
func (f *Finder) Find(i int) Finding {
	x := f.state.matcher.Index
	p, config := x.texts.probes[i], x.config
	out := Finding{Units: x.texts.Units(i), Searchable: x.texts.Searchable(i, config)}
	t := f.state.probes.Get(int32(i))
	if t == nil {
		t = new(touched)
	}
	t.cover.settle()
	prompt := x.promptMask(i, &f.words)
	known := p.PromptKnown()

	out.Documents = t.documents
	for _, s := range t.spans {
		out.Longest = max(out.Longest, int64(s.end-s.start))
	}
	f.spans(&out, i, t, prompt, known)
	for _, n := range f.report {
		out.Overlap = append(out.Overlap, overlapAt(p.ID, t.spans, out.Units, int64(n), prompt, known))
	}
	if out.Units > 0 {
		out.Coverage = ratio(covered(t.spans, 1, nil), out.Units)
	}
	if config.Unit == fold.Words && config.MinWords <= 5 && config.MinBytes == 0 && out.Units > 0 {
		index := 0.0
		for n := int64(5); n <= 12; n++ {
			index += 1 - float64(covered(t.spans, n, nil))/float64(out.Units)
		}
		out.CreativityIndex = &index
	}
	return out
}

// spans fills in the rows of the probe's spans and what follows from them.
func (f *Finder) spans(out *Finding, i int, t *touched, prompt []bool, known bool) {
	p := f.state.matcher.texts.probes[i]
	if known {
		out.LongestOutsidePrompt = new(int64)
	}
	ranges := f.locate(i, t.spans)
	cover := highest{at: t.cover.at}
	for k, s := range t.spans {
		row := schemas.Span{
			ProbeID: p.ID, SpanIndex: int64(k),
			WordStart: int64(s.start), WordEnd: int64(s.end), Words: int64(s.end - s.start),
			ByteStart: ranges[k].Start, ByteEnd: ranges[k].End,
			Documents: s.documents, Occurrences: s.occurrences,
			RarityBits:     math.Log2(float64(f.documents) / float64(s.documents)),
			MaxWordMatches: cover.over(s.start, s.end),
		}
		if known {
			masked := int64(0)
			for _, m := range within(prompt, s) {
				if m {
					masked++
				}
			}
			row.PromptWords = &masked
			f.outsidePrompt(out, i, s, prompt)
		}
		if text := p.Text[row.ByteStart:row.ByteEnd]; f.texts && utf8.Valid(text) {
			copied := string(text)
			row.Text = &copied
		}
		out.Spans = append(out.Spans, row)
		for _, src := range inKeyOrder(s.sources[:min(len(s.sources), f.state.matcher.config.MaxSources)]) {
			out.Sources = append(out.Sources, schemas.SpanSource{
				ProbeID: p.ID, SpanIndex: row.SpanIndex,
				DocumentID: src.ID, DocumentURI: src.URI, DocumentRow: src.Row, ByteStart: src.Start, ByteEnd: src.End,
				URL: src.URL, License: src.License, RightsHolder: src.RightsHolder, OptOut: src.OptOut,
				Reservation: src.Reservation, ReservationRule: src.ReservationRule,
			})
		}
		if b := out.Best; b == nil || row.MaxWordMatches < b.MaxWordMatches || row.MaxWordMatches == b.MaxWordMatches && row.Words > b.Words {
			out.Best = &Best{Span: row, Quoted: quoted(p.Text, row.ByteStart, row.ByteEnd)}
			for _, src := range s.sources {
				out.Best.Sources = append(out.Best.Sources, BestSource{src.License, src.words})
			}
		}
	}
}

// locate returns the original bytes of the spans.
func (f *Finder) locate(i int, spans []span) []words.Range {
	x := f.state.matcher.Index
	ranges := make([]words.Range, len(spans))
	if x.config.Unit == fold.Bytes {
		for k, s := range spans {
			ranges[k] = words.Range{Start: int64(s.start), End: int64(s.end)}
		}
		return ranges
	}
	var ends []int64
	for _, s := range spans {
		ends = append(ends, int64(s.start), int64(s.end)-1)
	}
	slices.Sort(ends)
	ends = slices.Compact(ends)
	p := x.texts.probes[i]
	at := locate(x.config.Unit, &f.words, p.Text, p.Tokens, ends)
	for k, s := range spans {
		first, _ := slices.BinarySearch(ends, int64(s.start))
		last, _ := slices.BinarySearch(ends, int64(s.end)-1)
		ranges[k] = words.Range{Start: at[first].Start, End: at[last].End}
	}
	return ranges
}

// locate returns the original bytes of the words or tokens with these indexes, which must ascend.
func locate(unit fold.Unit, n *words.Normaliser, text []byte, cut tokens.Text, indexes []int64) []words.Range {
	if unit != fold.Tokens {
		return n.Locate(text, indexes)
	}
	ranges := make([]words.Range, len(indexes))
	for i, k := range indexes {
		ranges[i] = words.Range{Start: cut.Offsets[k], End: cut.Offsets[k+1]}
	}
	return ranges
}

// inKeyOrder returns the sources in the order of the table's key.
func inKeyOrder(sources []source) []source {
	sorted := slices.Clone(sources)
	slices.SortFunc(sorted, func(a, b source) int { return a.CompareKey(b.Ref) })
	return sorted
}

// overlapAt returns the row of the overlap table at n.
func overlapAt(probe string, spans []span, units, n int64, prompt []bool, known bool) schemas.Overlap {
	row := schemas.Overlap{ProbeID: probe, N: n, Ngrams: max(units-n+1, 0), CoveredWords: covered(spans, n, nil)}
	var reached int64
	for _, s := range spans {
		if start, end := int64(s.start), int64(s.end)-n+1; end > start {
			row.Matched += max(end-max(start, reached), 0)
			reached = max(reached, end)
		}
	}
	row.MatchedFraction = ratio(row.Matched, row.Ngrams)
	row.Coverage = ratio(row.CoveredWords, units)
	if known {
		outside := units
		for _, m := range prompt {
			if m {
				outside--
			}
		}
		row.CoverageOutsidePrompt = ratio(covered(spans, n, prompt), outside)
	}
	return row
}

// covered returns the units inside some span of at least n, those of mask left out.
func covered(spans []span, n int64, mask []bool) int64 {
	var total int64
	var reached int32
	for _, s := range spans {
		if int64(s.end-s.start) < n {
			continue
		}
		for start := max(s.start, reached); start < s.end; start++ {
			if mask == nil || !mask[start] {
				total++
			}
		}
		reached = max(reached, s.end)
	}
	return total
}

// ratio returns a/b, and null when b is 0.
func ratio(a, b int64) *float64 {
	if b == 0 {
		return nil
	}
	r := float64(a) / float64(b)
	return &r
}
