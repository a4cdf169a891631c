package fold

import (
	"encoding/binary"
	"math"
)

// A record is what states know of one probe, in bytes: the same bytes for the same documents, whoever folded them. It is a row of values
// without names or types; who reads it knows what comes.
//
// Strings and references that repeat within a record are written where they come first, and are numbers after that, in that order. Hash64
// is worked out anew.

// Writer writes one record after the other. The zero Writer is at the beginning of one.
type Writer struct {
	record  []byte
	strings map[string]uint64
	refs    map[document]uint64
}

// MostCounted is more than a state counts of anything: in no corpus, and not where the records of thousands of units are summed.
const MostCounted = 1 << 50

// document tells references apart: a document has one.
type document struct {
	id, uri string
	row     int64
}

// mostKept is the size of a table that is emptied for the next record. To empty one takes time for the most that it ever held.
const mostKept = 256

// Reset begins a record.
func (w *Writer) Reset() {
	w.record = w.record[:0]
	w.strings, w.refs = emptied(w.strings), emptied(w.refs)
}

func emptied[K comparable](table map[K]uint64) map[K]uint64 {
	if len(table) > mostKept {
		return nil
	}
	clear(table)
	return table
}

// Record returns the record, valid until the next Reset.
func (w *Writer) Record() []byte { return w.record }

// Uvarint writes a number from 0 up: a count, or a place.
func (w *Writer) Uvarint(n int64) { w.record = binary.AppendUvarint(w.record, uint64(n)) }

// Varint writes a number of either sign, shortest near 0.
func (w *Writer) Varint(n int64) { w.record = binary.AppendVarint(w.record, n) }

// Float writes the bits of a number.
func (w *Writer) Float(f float64) {
	w.record = binary.LittleEndian.AppendUint64(w.record, math.Float64bits(f))
}

// String writes a string.
func (w *Writer) String(s string) {
	if known(w, &w.strings, s) {
		return
	}
	w.Uvarint(int64(len(s)))
	w.record = append(w.record, s...)
}

// known writes the number of a value, and reports whether it came before in the record: else the value itself has to follow.
func known[K comparable](w *Writer, table *map[K]uint64, v K) bool {
	n, ok := (*table)[v]
	if !ok {
		if *table == nil {
			*table = make(map[K]uint64)
		}
		n = uint64(len(*table))
		(*table)[v] = n
	}
	w.record = binary.AppendUvarint(w.record, n)
	return ok
}

// optional writes a string, or that there is none.
func (w *Writer) optional(s *string) {
	if s == nil {
		w.record = append(w.record, 0)
		return
	}
	w.record = append(w.record, 1)
	w.String(*s)
}

// Ref writes the reference of a document.
func (w *Writer) Ref(r *Ref) {
	if known(w, &w.refs, document{r.ID, r.URI, r.Row}) {
		return
	}
	w.String(r.ID)
	w.String(r.URI)
	w.Uvarint(r.Row)
	for _, s := range r.declared() {
		w.optional(*s)
	}
}
