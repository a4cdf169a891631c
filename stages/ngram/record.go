package ngram

import (
	"errors"
	"iter"

	"palimpsest/stages/fold"
	"palimpsest/stages/words"
)

// NewMerged returns a state that takes no documents itself, but what other states hold: it needs no index.
func NewMerged(texts *Texts, config Config) *State {
	return &State{matcher: &matcher{Index: textsAlone(texts, config)}}
}

// Touched yields the probes that some document has a match with, in order.
func (s *State) Touched() iter.Seq[int32] {
	s.spread()
	return s.probes.Probes()
}

// Forget drops what is known of a probe.
func (s *State) Forget(probe int32) { s.probes.Forget(probe) }

// Encode writes what is known of a probe. The same documents give the same bytes, whatever order they came in and whatever the matcher
// remembers.
func (s *State) Encode(w *fold.Writer, probe int32) {
	s.spread()
	t := s.probes.Get(probe)
	if t == nil {
		w.Uvarint(0)
		return
	}
	w.Uvarint(t.documents)
	t.cover.settle()
	w.Uvarint(int64(len(t.cover.at)))
	last := int32(0)
	for _, e := range t.cover.at {
		w.Uvarint(int64(e.unit - last))
		w.Varint(e.change)
		last = e.unit
	}
	w.Uvarint(int64(len(t.spans)))
	last = 0
	for i := range t.spans {
		sp := &t.spans[i]
		w.Uvarint(int64(sp.start - last))
		w.Uvarint(int64(sp.end - sp.start))
		w.Uvarint(sp.documents)
		w.Uvarint(sp.occurrences)
		last = sp.start
		w.Uvarint(int64(len(sp.sources)))
		for _, src := range sp.sources {
			w.Ref(src.Ref)
			w.Uvarint(src.Start)
			w.Uvarint(src.End - src.Start)
			w.String(src.words)
		}
	}
}

// Decode takes in what another state wrote of a probe, which has to be one of the texts'. After an error, which the reader keeps, nothing
// is taken in.
func (s *State) Decode(r *fold.Reader, probe int32) {
	x := s.matcher.Index
	t := &touched{documents: r.Uvarint(fold.MostCounted)}
	if t.documents == 0 {
		return
	}
	d := decoder{r, x.config, x.texts.units[probe], t}
	if d.cover(); r.Err() == nil {
		d.spans()
	}
	if r.Err() == nil {
		s.merge(probe, t)
	}
}

// decoder reads what is known of one probe, of so many units.
type decoder struct {
	*fold.Reader
	config Config
	units  int32
	*touched
}

// cover reads the steps: places that ascend, where a number of matches changes that is never below 0 and 0 in the end.
func (d *decoder) cover() {
	level, at := int64(0), int32(0)
	steps := &d.touched.cover
	for i := range d.Len(int(d.units) + 1) {
		further := int32(d.Uvarint(int64(d.units - at)))
		change := d.Varint()
		at += further
		if i > 0 && further == 0 || change == 0 || change > fold.MostCounted-level || change < -level {
			d.Fail(errors.New("overlap: matches over the units"))
			return
		}
		level += change
		steps.at = append(steps.at, step{at, change})
	}
	if steps.settled = len(steps.at); level != 0 || steps.settled == 0 {
		d.Fail(errors.New("overlap: matches over the units have no end"))
	}
}

// spans reads the antichain.
func (d *decoder) spans() {
	start, end := int32(0), int32(0)
	n := d.Len(int(d.units))
	if n == 0 {
		d.Fail(errors.New("overlap: documents without a span"))
	}
	for i := range n {
		further := int32(d.Uvarint(int64(d.units - start)))
		start += further
		length := int32(d.Uvarint(int64(d.units - start)))
		sp := span{start: start, end: start + length, documents: d.Uvarint(d.documents), occurrences: d.Uvarint(fold.MostCounted)}
		switch {
		case int(length) < d.config.leastUnits() || i > 0 && (further == 0 || sp.end <= end):
			d.Fail(errors.New("overlap: the place of a span"))
		case sp.documents == 0 || sp.occurrences < sp.documents:
			d.Fail(errors.New("overlap: the counts of a span"))
		default:
			d.sources(&sp)
		}
		if d.Err() != nil {
			return
		}
		end = sp.end
		d.touched.spans = append(d.touched.spans, sp)
	}
}

func (d *decoder) sources(sp *span) {
	n := d.Len(int(min(sp.documents, int64(d.config.sample()))))
	for i := range n {
		src := source{Ref: d.Ref()}
		from := d.Uvarint(mostBytes)
		src.Range = words.Range{Start: from, End: from + d.Uvarint(mostBytes)}
		src.words = d.Digest()
		if d.Err() != nil {
			return
		}
		if i > 0 && sp.sources[i-1].Compare(src.Ref) >= 0 {
			d.Fail(errors.New("overlap: the order of a span's sources"))
			return
		}
		sp.sources = append(sp.sources, src)
	}
}

// mostBytes is more than a document has.
const mostBytes = 1 << 48

// leastUnits returns the least units of a span.
func (c Config) leastUnits() int {
	if c.Unit == fold.Bytes {
		return max(c.MinBytes, 1)
	}
	return max(c.MinWords, 1)
}
