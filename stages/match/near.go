package match

import (
	"bytes"

	"palimpsest/stages/fold"
	"palimpsest/stages/verbatim"
	"palimpsest/stages/words"
)

// near is what comparing the two texts of a pair shows.
type near struct {
	recall float64
	stream []byte // the document's, until they are compared
}

// comparison holds documents to be compared.
type comparison struct {
	stream []byte // held of the document at hand; nil when none is
	held   int64  // bytes held of all documents, those included that are listed no more
	words  words.Normaliser
	texts  verbatim.Comparer
}

// hold keeps the stream of a document that may be listed.
func (s *State) hold(d *fold.Document) *near {
	if s.config.Compared == nil || s.config.Max == 0 {
		return nil
	}
	c := &s.compared
	if c.stream == nil {
		c.stream = bytes.Clone(d.Stream)
		c.held += int64(len(c.stream))
	}
	return &near{stream: c.stream}
}

// release ends a document, and compares those that are held when they are many.
func (s *State) release(stop func() bool) {
	if s.compared.stream = nil; s.compared.held > s.config.Room {
		s.Compare(stop)
	}
}

// Compare compares probes with the documents listed of them whose texts are held. It has to be called when the documents have been added,
// before the state is merged or written. stop tells whether the run was stopped.
func (s *State) Compare(stop func() bool) {
	c := &s.compared
	if c.held == 0 {
		return
	}
	c.held, c.texts.Stop = 0, stop
	for probe, l := range s.probes.All() {
		ready := false
		for _, list := range [][]pair{l.duplicates, l.others} {
			for i := range list {
				p := &list[i]
				if p.near == nil || p.near.stream == nil {
					continue
				}
				if stop() {
					return
				}
				if !ready {
					stream, _ := c.words.Stream(s.config.Compared[probe].Text)
					c.texts.Probe(stream)
					ready = true
				}
				p.compare(&c.texts, s.config.Compared[probe].Kind)
			}
		}
	}
}

// compare works out nv-recall (methods, section 2): the words of the passages in which the two are nearly the same, as a share of the
// source, which is the probe, and of a model's output the document. Of a source without words there is none.
func (p *pair) compare(c *verbatim.Comparer, kind string) {
	source := int64(c.Words())
	if kind == fold.Generation {
		source = words.Count(p.near.stream)
	}
	if source == 0 {
		p.near = nil
		return
	}
	*p.near = near{recall: float64(c.Matched(p.near.stream)) / float64(source)}
}
