package verify

import (
	"cmp"
	"context"
	"hash/maphash"
	"math"
	"slices"

	"palimpsest/schemas"
	"palimpsest/stages/fold"
	"palimpsest/stages/hash"
	"palimpsest/stages/words"
)

// agreeFindings goes through the probes with all that was found of each, works out anew what follows from the spans and the text, and
// remembers of every span what its sources have to hold.
func (v *verifier) agreeFindings(ctx context.Context) (err error) {
	f := &findings{verifier: v}
	if f.probes, err = rowsOf(v, schemas.Probes, "probe_id", "kind", "source_uri", "source_row", "bytes", "words", "sha256", "words_sha256",
		"utf8_valid", "label", "text"); err != nil {
		return err
	}
	defer f.probes.close()
	if f.overlap, err = rowsOf(v, schemas.Overlaps, "probe_id", "n", "ngrams", "matched", "matched_fraction", "covered_words",
		"coverage"); err != nil {
		return err
	}
	defer f.overlap.close()
	if f.spans, err = rowsOf(v, schemas.Spans, "probe_id", "span_index", "word_start", "word_end", "words", "byte_start", "byte_end",
		"prompt_words", "documents", "occurrences", "rarity_bits", "text"); err != nil {
		return err
	}
	defer f.spans.close()
	if f.sources, err = rowsOf(v, schemas.SpanSources, "probe_id", "span_index", "byte_start", "byte_end"); err != nil {
		return err
	}
	defer f.sources.close()
	if f.matches, err = rowsOf(v, schemas.Matches, "probe_id", "relation", "covered_words", "probe_coverage",
		"document_coverage"); err != nil {
		return err
	}
	defer f.matches.close()
	if f.evidence, err = rowsOf(v, schemas.Evidences, "probe_id", "kind", "spans", "longest_span_words", "coverage", "documents",
		"label"); err != nil {
		return err
	}
	defer f.evidence.close()
	if err := f.probes.each(ctx, func(p *schemas.Probe) error { return f.probe(ctx, p) }); err != nil {
		return err
	}
	for _, rest := range []func() error{
		func() error { return f.overlap.rest(ctx, ofOverlap) },
		func() error { return f.spans.rest(ctx, ofSpan) },
		func() error { return f.sources.rest(ctx, ofSource) },
		func() error { return f.matches.rest(ctx, ofMatch) },
		func() error { return f.evidence.rest(ctx, ofEvidence) },
	} {
		if err := rest(); err != nil {
			return err
		}
	}
	return nil
}

func ofOverlap(r *schemas.Overlap) string   { return r.ProbeID }
func ofSpan(r *schemas.Span) string         { return r.ProbeID }
func ofSource(r *schemas.SpanSource) string { return r.ProbeID }
func ofMatch(r *schemas.Match) string       { return r.ProbeID }
func ofEvidence(r *schemas.Evidence) string { return r.ProbeID }

// findings are the tables that agreeFindings goes through, and what it has of the probe in hand.
type findings struct {
	*verifier
	probes   *cursor[schemas.Probe]
	overlap  *cursor[schemas.Overlap]
	spans    *cursor[schemas.Span]
	sources  *cursor[schemas.SpanSource]
	matches  *cursor[schemas.Match]
	evidence *cursor[schemas.Evidence]

	of    []extent // spans of the probe
	words words.Normaliser
}

// extent is what is kept of a span while its probe is in hand.
type extent struct {
	start, end int64 // in units
	bytes      words.Range
	documents  int64
	sources    int64
}

// units returns the length of the probe in the run's unit; -1 in tokens, where the tables do not say.
func (f *findings) units(p *schemas.Probe) int64 {
	switch f.unit() {
	case fold.Bytes:
		return p.Bytes
	case fold.Tokens:
		return -1
	}
	return p.Words
}

// unit returns the unit of overlap.
func (v *verifier) unit() fold.Unit {
	if n := v.config.Ngram; n != nil {
		return fold.UnitNamed(n.Unit)
	}
	return fold.Words
}

func (f *findings) probe(ctx context.Context, p *schemas.Probe) error {
	if p.Kind != fold.Generation && p.Kind != fold.Work && p.Kind != fold.Canary {
		f.probes.problem("kind", "%.100q is no kind of probe", p.Kind)
	}
	switch texts := *f.config.Evidence.Texts && p.UTF8Valid; {
	case texts != (p.Text != nil):
		f.probes.problem("text", "it is there or not against utf8_valid and evidence.texts")
	case p.Text != nil:
		f.checkText(p)
	}
	f.of = f.of[:0]
	if err := f.spans.of(ctx, p.ProbeID, ofSpan, func(s *schemas.Span) { f.span(p, s) }); err != nil {
		return err
	}
	f.checkPlaces(p)
	if err := f.sources.of(ctx, p.ProbeID, ofSource, f.cite); err != nil {
		return err
	}
	for i := range f.of {
		s := &f.of[i]
		f.cited = append(f.cited, uint32(s.sources))
		if want := min(s.documents, int64(*f.config.Ngram.MaxSources)); s.sources != want {
			f.problem(f.sources.where, "probe %.100q, span %d: %d sources, where %d of its %d documents are listed", p.ProbeID, i, s.sources,
				want, s.documents)
		}
	}
	if err := f.overlap.of(ctx, p.ProbeID, ofOverlap, func(o *schemas.Overlap) { f.checkOverlap(p, o) }); err != nil {
		return err
	}
	if err := f.matches.of(ctx, p.ProbeID, ofMatch, func(m *schemas.Match) { f.checkMatch(p, m) }); err != nil {
		return err
	}
	rows := 0
	if err := f.evidence.of(ctx, p.ProbeID, ofEvidence, func(e *schemas.Evidence) { rows++; f.checkEvidence(p, e) }); err != nil {
		return err
	}
	// What a model wrote is judged for that model alone.
	if want := f.targets(); f.evidence != nil && rows != want && (p.Kind != fold.Generation || rows == 0 || rows > want) {
		f.problem(f.evidence.where, "probe %.100q: %d rows, and there are %d targets", p.ProbeID, rows, want)
	}
	return nil
}

// checkText works out from the text what the row says of it.
func (f *findings) checkText(p *schemas.Probe) {
	sums := hash.SumsOf(&f.words, []byte(*p.Text))
	none := ""
	switch {
	case int64(len(*p.Text)) != p.Bytes:
		f.probes.problem("bytes", "%d, and the text has %d", p.Bytes, len(*p.Text))
	case sums.SHA256 != p.SHA256:
		f.probes.problem("sha256", "%s, and the text has %s", p.SHA256, sums.SHA256)
	case sums.Words != p.Words:
		f.probes.problem("words", "%d, and the text has %d", p.Words, sums.Words)
	case sums.WordsSHA256 != *cmp.Or(p.WordsSHA256, &none):
		f.probes.problem("words_sha256", "another than the text's, %s", sums.WordsSHA256)
	}
}

// span checks a span by itself and against the one before.
func (f *findings) span(p *schemas.Probe, s *schemas.Span) {
	n, c := len(f.of), f.spans
	x := extent{s.WordStart, s.WordEnd, words.Range{Start: s.ByteStart, End: s.ByteEnd}, s.Documents, 0}
	f.of = append(f.of, x)
	f.expected = append(f.expected, 0)
	switch units := f.units(p); {
	case s.SpanIndex != int64(n):
		c.problem("span_index", "%d, where %d follows", s.SpanIndex, n)
		return
	case x.start < 0 || x.start >= x.end || units >= 0 && x.end > units:
		c.problem("word_start", "words %d to %d of %d", x.start, x.end, units)
		return
	case s.Words != x.end-x.start:
		c.problem("words", "%d, and it goes from %d to %d", s.Words, x.start, x.end)
	case s.ByteStart < 0 || s.ByteStart >= s.ByteEnd || s.ByteEnd > p.Bytes:
		c.problem("byte_start", "bytes %d to %d of %d", s.ByteStart, s.ByteEnd, p.Bytes)
		return
	case n > 0 && (x.start <= f.of[n-1].start || x.end <= f.of[n-1].end):
		c.problem("word_end", "a span inside another, or out of order: %d to %d after %d to %d", x.start, x.end, f.of[n-1].start, f.of[n-1].end)
	case s.PromptWords != nil && (*s.PromptWords < 0 || *s.PromptWords > s.Words):
		c.problem("prompt_words", "%d of %d words", *s.PromptWords, s.Words)
	case s.Documents < 1 || s.Documents > f.documents || s.Occurrences < s.Documents:
		c.problem("documents", "%d of %d documents, with %d occurrences", s.Documents, f.documents, s.Occurrences)
	case !near(s.RarityBits, math.Log2(float64(f.documents)/float64(s.Documents))):
		c.problem("rarity_bits", "%v, where %d of %d documents have %v", s.RarityBits, s.Documents, f.documents,
			math.Log2(float64(f.documents)/float64(s.Documents)))
	}
	if s.Text == nil {
		return // not UTF-8, or texts are off: the source tells
	}
	if p.Text != nil && (*p.Text)[s.ByteStart:s.ByteEnd] != *s.Text {
		c.problem("text", "other than bytes %d to %d of the probe's text", s.ByteStart, s.ByteEnd)
		return
	}
	passage := []byte(*s.Text)
	if f.unit() == fold.Words {
		if _, words := f.words.Stream(passage); words != s.Words {
			c.problem("words", "%d, and the text has %d", s.Words, words)
		}
	}
	f.expected[len(f.expected)-1] = f.keyOf(&f.words, passage)
}

// keyOf returns the hash of a passage's words; of its bytes in other units. It is never 0.
func (v *verifier) keyOf(n *words.Normaliser, passage []byte) uint64 {
	if v.unit() == fold.Words {
		passage, _ = n.Stream(passage)
	}
	return max(maphash.Bytes(v.seed, passage), 1)
}

// checkPlaces finds the words of the spans in the probe's text again.
func (f *findings) checkPlaces(p *schemas.Probe) {
	if p.Text == nil || f.unit() != fold.Words || len(f.of) == 0 {
		return
	}
	var indexes []int64
	for _, s := range f.of {
		if s.start < 0 || s.start >= s.end || s.end > p.Words {
			return // said already
		}
		indexes = append(indexes, s.start, s.end-1)
	}
	slices.Sort(indexes)
	indexes = slices.Compact(indexes)
	at := f.words.Locate([]byte(*p.Text), indexes)
	if len(at) < len(indexes) {
		return // fewer words than the row says, which was said
	}
	for i, s := range f.of {
		first, _ := slices.BinarySearch(indexes, s.start)
		last, _ := slices.BinarySearch(indexes, s.end-1)
		if want := (words.Range{Start: at[first].Start, End: at[last].End}); s.bytes != want {
			f.problem(f.spans.where, "probe %.100q, span %d: bytes %d to %d, and words %d to %d are bytes %d to %d", p.ProbeID, i, s.bytes.Start,
				s.bytes.End, s.start, s.end, want.Start, want.End)
		}
	}
}

// cite counts a source of a span.
func (f *findings) cite(r *schemas.SpanSource) {
	if r.SpanIndex < 0 || r.SpanIndex >= int64(len(f.of)) {
		f.sources.problem("span_index", "table spans has no span %d of probe %.100q", r.SpanIndex, r.ProbeID)
		return
	}
	f.of[r.SpanIndex].sources++
	if r.ByteStart < 0 || r.ByteStart >= r.ByteEnd {
		f.sources.problem("byte_start", "bytes %d to %d", r.ByteStart, r.ByteEnd)
	}
}

// covered returns the units inside some span of at least n.
func (f *findings) covered(n int64) (total int64) {
	reached := int64(0)
	for _, s := range f.of {
		if s.end-s.start >= n {
			total += max(s.end-max(s.start, reached), 0)
			reached = max(reached, s.end)
		}
	}
	return total
}

// checkOverlap works out from the spans what is covered at an n (methods, section 2).
func (f *findings) checkOverlap(p *schemas.Probe, o *schemas.Overlap) {
	var matched, reached int64
	for _, s := range f.of {
		if start, end := s.start, s.end-o.N+1; end > start {
			matched += max(end-max(start, reached), 0)
			reached = max(reached, end)
		}
	}
	units := f.units(p)
	switch covered := f.covered(o.N); {
	case !slices.Contains(f.config.Ngram.Report, int(o.N)):
		f.overlap.problem("n", "%d, which ngram.report does not have", o.N)
	case units >= 0 && o.Ngrams != max(units-o.N+1, 0):
		f.overlap.problem("ngrams", "%d, and the probe has %d", o.Ngrams, max(units-o.N+1, 0))
	case o.Matched != matched:
		f.overlap.problem("matched", "%d, and the spans make %d", o.Matched, matched)
	case o.CoveredWords != covered:
		f.overlap.problem("covered_words", "%d, and the spans make %d", o.CoveredWords, covered)
	case !ratio(o.MatchedFraction, matched, o.Ngrams):
		f.overlap.problem("matched_fraction", "other than matched / ngrams, %d / %d", matched, o.Ngrams)
	case units >= 0 && !ratio(o.Coverage, covered, units):
		f.overlap.problem("coverage", "other than %d / %d words", covered, units)
	}
}

var relations = []string{"exact", "exact_words", "near_duplicate", "probe_in_document", "document_in_probe", "overlaps"}

func (f *findings) checkMatch(p *schemas.Probe, m *schemas.Match) {
	units := f.units(p)
	switch {
	case !slices.Contains(relations, m.Relation):
		f.matches.problem("relation", "%.100q is none", m.Relation)
	case m.CoveredWords != nil && units >= 0 && m.ProbeCoverage != nil && !ratio(m.ProbeCoverage, *m.CoveredWords, units):
		f.matches.problem("probe_coverage", "%v, other than %d / %d words", *m.ProbeCoverage, *m.CoveredWords, units)
	case m.DocumentCoverage != nil && (*m.DocumentCoverage < 0 || *m.DocumentCoverage > 1):
		f.matches.problem("document_coverage", "%v is no share", *m.DocumentCoverage)
	}
}

func (f *findings) checkEvidence(p *schemas.Probe, e *schemas.Evidence) {
	var longest, most int64
	for _, s := range f.of {
		longest, most = max(longest, s.end-s.start), max(most, s.documents)
	}
	units := f.units(p)
	switch c := f.evidence; {
	case e.Kind != p.Kind:
		c.problem("kind", "%.100q, and table probes says %q", e.Kind, p.Kind)
	case (e.Label == nil) != (p.Label == nil) || e.Label != nil && *e.Label != *p.Label:
		c.problem("label", "other than in table probes")
	case f.spans == nil && (e.Spans != nil || e.LongestSpanWords != nil):
		c.problem("spans", "a count of spans in a run without table spans")
	case f.spans == nil:
	case e.Spans == nil || *e.Spans != int64(len(f.of)):
		c.problem("spans", "another number than in table spans, %d", len(f.of))
	case e.LongestSpanWords == nil || *e.LongestSpanWords != longest:
		c.problem("longest_span_words", "other than in table spans, %d", longest)
	case e.Documents == nil || *e.Documents < most:
		c.problem("documents", "less than the %d of a span", most)
	case units >= 0 && !ratio(e.Coverage, f.covered(1), units):
		c.problem("coverage", "other than %d / %d words", f.covered(1), units)
	}
}

// ratio reports whether r is a / b, null when b is 0.
func ratio(r *float64, a, b int64) bool {
	if r == nil || b == 0 {
		return r == nil && b == 0
	}
	return near(*r, float64(a)/float64(b))
}

// near reports whether two results of the same sum are equal but for how a processor rounds.
func near(a, b float64) bool { return math.Abs(a-b) <= 1e-12*max(1, math.Abs(a), math.Abs(b)) }
