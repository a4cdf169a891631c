package verify

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"slices"

	"palimpsest/schemas"
	"palimpsest/stages/fold"
	"palimpsest/stages/words"
)

// probesAtOnce is how many probes are compared with their sources in one go through them.
const probesAtOnce = 1 << 18

// probeSource is a probe and where its text was read.
type probeSource struct {
	*origin
	id     string
	row    int64
	digest [sha256.Size]byte
	spans  []spanBytes // those whose words the tables do not say

	column string // where the text was looked for last
	group  int
	found  string // digest of the text there; empty before it was read, or where it is null
	same   bool
}

// spanBytes is a span by its position in the table, and the bytes of its probe's text.
type spanBytes struct {
	span       int
	start, end int64
}

// checkProbes compares the text that each probe was read from with the probe's digest. What models wrote was read from nowhere.
func (v *verifier) checkProbes(ctx context.Context) error {
	probes, err := rowsOf(v, schemas.Probes, "probe_id", "source_uri", "source_row", "sha256")
	if err != nil {
		return v.fault(v.url, err)
	}
	defer probes.close()
	written, err := rowsOf(v, schemas.Generations, "probe_id")
	if err != nil {
		return v.fault(v.url, err)
	}
	defer written.close()
	spans, err := rowsOf(v, schemas.Spans, "probe_id", "byte_start", "byte_end")
	if err != nil {
		return v.fault(v.url, err)
	}
	defer spans.close()
	var all []probeSource
	err = probes.each(ctx, func(p *schemas.Probe) error {
		s := probeSource{id: p.ProbeID, row: p.SourceRow, origin: v.originOf(p.SourceURI)}
		err := spans.of(ctx, p.ProbeID, ofSpan, func(r *schemas.Span) {
			if v.expected[spans.at] == 0 {
				s.spans = append(s.spans, spanBytes{int(spans.at), r.ByteStart, r.ByteEnd})
			}
		})
		if err != nil {
			return err
		}
		byModel := false
		probe, found := func(r *schemas.Generation) string { return r.ProbeID }, func(*schemas.Generation) { byModel = true }
		if err := written.of(ctx, p.ProbeID, probe, found); err != nil {
			return err
		}
		digest, err := hex.DecodeString(p.SHA256)
		switch {
		case byModel:
			return nil
		case err != nil || len(digest) != sha256.Size:
			probes.problem("sha256", "%.100q is no SHA-256", p.SHA256)
			return nil
		case s.origin == nil:
			probes.problem("source_uri", "%.200q is no object that the run read", p.SourceURI)
			return nil
		case p.SourceRow < 0 || p.SourceRow >= s.rows:
			probes.problem("source_row", "%d, and the object has %d rows", p.SourceRow, s.rows)
			return nil
		}
		copy(s.digest[:], digest)
		if all = append(all, s); len(all) == probesAtOnce {
			err := v.compareProbes(ctx, all)
			clear(all)
			all = all[:0]
			return err
		}
		return nil
	})
	if err == nil {
		err = v.compareProbes(ctx, all)
	}
	return err
}

// compareProbes reads the texts of probes again.
func (v *verifier) compareProbes(ctx context.Context, all []probeSource) error {
	slices.SortFunc(all, func(a, b probeSource) int { return cmp.Or(cmp.Compare(a.uri, b.uri), cmp.Compare(a.row, b.row)) })
	var n words.Normaliser
	err := v.visit(ctx, visit{
		what: "comparing the probes with their sources", n: len(all),
		at:    func(i int) (*origin, int64) { return all[i].origin, all[i].row },
		names: v.textColumns,
		see: func(i int, text *passage) {
			s := &all[i]
			if s.same {
				return
			}
			s.group, s.column, s.found = text.group, text.column, "null"
			if text.null {
				return
			}
			sum := sha256.Sum256(text.text)
			if s.found = hex.EncodeToString(sum[:]); !bytes.Equal(sum[:], s.digest[:]) {
				return
			}
			s.same = true
			v.report.Probes++
			for _, x := range s.spans {
				if x.start >= 0 && x.start <= x.end && x.end <= int64(len(text.text)) {
					v.expected[x.span] = v.keyOf(&n, text.text[x.start:x.end])
				}
			}
		},
	})
	for i := range all {
		if s := &all[i]; s.found != "" && !s.same {
			v.problem(s.uri, "row group %d, column %s, row %d: the text has the sha256 %s, and probe %.100q the sha256 %x", s.group, s.column, s.row,
				s.found, s.id, s.digest)
		}
	}
	return err
}

// textColumns returns the columns that the texts of probes may stand in: those that the configuration maps, as far as the run read
// them there.
func (v *verifier) textColumns(o *origin) (names []string) {
	add := func(columns map[string]string) {
		if n := columns["text"]; o.columns[n] && !slices.Contains(names, n) {
			names = append(names, n)
		}
	}
	for _, p := range v.config.Probes {
		if p.From == "" {
			add(p.Columns)
		}
	}
	if c := v.config.Corpus; c != nil {
		add(c.Columns)
	}
	return names
}

// sameAs reports whether a passage has the words that it has to have, and whether that can be said. Two texts can spell the same tokens
// in different bytes, as at a text's beginning.
func (v *verifier) sameAs(n *words.Normaliser, span uint32, passage []byte) (same, known bool) {
	want := v.expected[span]
	if want == 0 {
		return false, false
	}
	same = v.keyOf(n, passage) == want
	return same, same || v.unit() != fold.Tokens
}
