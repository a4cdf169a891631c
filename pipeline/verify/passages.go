package verify

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"palimpsest/schemas"
	"palimpsest/stages/fold"
	"palimpsest/stages/words"
)

// passagesAtOnce is how many cited passages are gathered, sorted and read in one go through the table.
const passagesAtOnce = 1 << 20

// citation is a passage that a span cites, by the position of the span in its table.
type citation struct {
	*origin
	row, start, end int64
	span            uint32
}

// round is a part of the citations: all of some objects, or some of one object, by their order in the table.
type round struct {
	of       map[*origin]bool
	from, to int64 // citations of each object
}

// checkPassages compares the bytes that the spans' sources name with the words of the spans.
func (v *verifier) checkPassages(ctx context.Context) error {
	rounds, err := v.rounds(ctx)
	if err != nil {
		return v.fault(v.url, err)
	}
	for i := range rounds {
		all, err := v.gather(ctx, &rounds[i])
		if err != nil {
			return v.fault(v.url, err)
		}
		if err := v.comparePassages(ctx, all); err != nil {
			return err
		}
	}
	return nil
}

// rounds counts the citations of each object, and deals them out.
func (v *verifier) rounds(ctx context.Context) ([]round, error) {
	counts := make(map[*origin]int64)
	sources, err := rowsOf(v, schemas.SpanSources, "document_uri")
	if err != nil {
		return nil, err
	}
	defer sources.close()
	if err := sources.each(ctx, func(r *schemas.SpanSource) error {
		counts[v.originOf(r.DocumentURI)]++
		return nil
	}); err != nil {
		return nil, err
	}
	var order []*origin
	for o := range counts {
		order = append(order, o)
	}
	slices.SortFunc(order, func(a, b *origin) int { return strings.Compare(a.uri, b.uri) })
	var all []round
	n := int64(passagesAtOnce) // in the last round; none is begun
	for _, o := range order {
		c := counts[o]
		if n+c > passagesAtOnce {
			for from := int64(0); from+passagesAtOnce < c; from += passagesAtOnce {
				all = append(all, round{map[*origin]bool{o: true}, from, from + passagesAtOnce})
			}
			last := (c - 1) / passagesAtOnce * passagesAtOnce
			all = append(all, round{make(map[*origin]bool), last, last + passagesAtOnce})
			if n = c - last; last > 0 {
				n = passagesAtOnce // the next object begins another, since it has an order of its own
			}
		} else {
			n += c
		}
		all[len(all)-1].of[o] = true
	}
	return all, nil
}

// gather returns the citations of a round, in order of object and row.
func (v *verifier) gather(ctx context.Context, r *round) ([]citation, error) {
	sources, err := rowsOf(v, schemas.SpanSources, "document_uri", "document_row", "byte_start", "byte_end")
	if err != nil {
		return nil, err
	}
	defer sources.close()
	var all []citation
	passed := make(map[*origin]int64)
	span, left := -1, uint32(0)
	if err := sources.each(ctx, func(s *schemas.SpanSource) error {
		for left == 0 {
			span++
			left = v.cited[span]
		}
		left--
		o := v.originOf(s.DocumentURI)
		if n := passed[o]; r.of[o] && n >= r.from && n < r.to {
			all = append(all, citation{o, s.DocumentRow, s.ByteStart, s.ByteEnd, uint32(span)})
		}
		passed[o]++
		return nil
	}); err != nil {
		return nil, err
	}
	slices.SortFunc(all, func(a, b citation) int {
		return cmp.Or(strings.Compare(a.uri, b.uri), cmp.Compare(a.row, b.row), cmp.Compare(a.start, b.start), cmp.Compare(a.span, b.span))
	})
	return all, nil
}

// misquoted is a passage that is not what it has to be.
type misquoted struct {
	where, what string
	span        uint32
}

// comparePassages reads what the citations name.
func (v *verifier) comparePassages(ctx context.Context, all []citation) error {
	var (
		n       words.Normaliser
		wrong   []misquoted
		unknown int64
	)
	err := v.visit(ctx, visit{
		what: "comparing the spans with their sources", n: len(all),
		at:    func(i int) (*origin, int64) { return all[i].origin, all[i].row },
		names: func(*origin) []string { return []string{v.config.Corpus.Columns["text"]} },
		see: func(i int, text *passage) {
			c := &all[i]
			fail := func(what string) {
				if len(wrong) == passagesAtOnce/1024 {
					v.report.More++
					return
				}
				where := fmt.Sprintf("row group %d, column %s, row %d: %s", text.group, text.column, c.row, what)
				wrong = append(wrong, misquoted{c.uri, where, c.span})
			}
			switch {
			case text.null:
				fail("null, cited as a source of")
				return
			case c.start < 0 || c.start >= c.end || c.end > int64(len(text.text)):
				fail(fmt.Sprintf("%d bytes, of which bytes %d to %d are cited as a source of", len(text.text), c.start, c.end))
				return
			}
			switch same, known := v.sameAs(&n, c.span, text.text[c.start:c.end]); {
			case !known:
				unknown++
			case !same || v.unit() == fold.Words && loose(text.text, c.start, c.end):
				fail(fmt.Sprintf("bytes %d to %d are not the words of", c.start, c.end))
			default:
				v.report.Passages++
			}
		},
	})
	if unknown > 0 {
		v.report.Unchecked += unknown
		why := "their spans' texts are neither in the tables nor in any source"
		if v.unit() == fold.Tokens {
			why = "they are spelt otherwise than their spans, which may be the same tokens all the same"
		}
		v.warn(v.url, "%d cited passages could not be compared: %s", unknown, why)
	}
	if named := v.nameSpans(ctx, wrong); named != nil {
		return named
	}
	return err
}

// nameSpans looks up which spans are misquoted, and notes it.
func (v *verifier) nameSpans(ctx context.Context, wrong []misquoted) error {
	if len(wrong) == 0 {
		return nil
	}
	names := make(map[uint32]string)
	for _, w := range wrong {
		names[w.span] = ""
	}
	spans, err := rowsOf(v, schemas.Spans, "probe_id", "span_index")
	if err != nil {
		return v.fault(v.url, err)
	}
	defer spans.close()
	err = spans.each(ctx, func(s *schemas.Span) error {
		if _, asked := names[uint32(spans.at)]; asked {
			names[uint32(spans.at)] = fmt.Sprintf("span %d of probe %.100q", s.SpanIndex, s.ProbeID)
		}
		return nil
	})
	if err != nil {
		return v.fault(v.url, err)
	}
	for _, w := range wrong {
		v.problem(w.where, "%s %s", w.what, names[w.span])
	}
	return nil
}

// loose reports whether a passage does not begin and end with the first and the last byte of a word: what is around words separates them,
// and two letters or digits of ASCII are always of one word.
func loose(text []byte, start, end int64) bool {
	first, _ := utf8.DecodeRune(text[start:end])
	last, _ := utf8.DecodeLastRune(text[start:end])
	return !inWord(first) || !inWord(last) || withinWord(text, start) || withinWord(text, end)
}

func inWord(r rune) bool { return unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.Cf) }

func withinWord(text []byte, at int64) bool {
	return at > 0 && at < int64(len(text)) && isWord(text[at-1]) && isWord(text[at])
}

func isWord(c byte) bool { return c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }
