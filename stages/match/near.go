package match

import (
	"bytes"

	"palimpsest/stages/fold"
	"palimpsest/stages/ngram"
	"palimpsest/stages/verbatim"
	"palimpsest/stages/words"
)

// near is what comparing the two texts of a pair shows.
type near struct {
	recall  float64
	outside int64  // of the passage with most of them: equal words that do not repeat the probe's prompt
	stream  []byte // the document's, until they are compared
}

// comparison holds documents to be compared.
type comparison struct {
	stream []byte // held of the document at hand; nil when none is
	held   int64  // bytes held of all documents, those included that are listed no more
	words  words.Normaliser
	texts  verbatim.Comparer
	probe  *fold.Probe // that texts holds
	prompt []bool      // by word of the probe: whether it repeats the prompt; nil when none does
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
					c.take(s.config.Compared[probe])
					ready = true
				}
				c.compare(p)
			}
		}
	}
}

// take makes the probe the one that documents are compared with.
func (c *comparison) take(p *fold.Probe) {
	stream, _ := c.words.Stream(p.Text)
	c.texts.Probe(stream)
	c.probe, c.prompt = p, nil
	if p.Kind == fold.Generation && p.Prompt != nil && !p.Unprompted() {
		c.prompt = ngram.PromptWords(stream, c.words.AppendStream(nil, []byte(*p.Prompt)))
	}
}

// compare works out nv-recall (methods, section 2): the words of the passages in which the two are nearly the same, as a share of the
// source, which is the probe, and of a model's output the document. Of a source without words there is none. Beside it stands how much of
// one passage an output does not have from its prompt. Of a prompt known by its tokens alone the words are not known, and nothing counts.
func (c *comparison) compare(p *pair) {
	source := int64(c.texts.Words())
	if c.probe.Kind == fold.Generation {
		source = words.Count(p.near.stream)
	}
	if source == 0 {
		p.near = nil
		return
	}
	total, most := 0, 0
	for _, passage := range c.texts.Passages(p.near.stream) {
		total += passage.Words()
		most = max(most, c.outside(passage))
	}
	if c.probe.Kind == fold.Generation && c.probe.Prompt == nil && !c.probe.Unprompted() {
		most = 0
	}
	*p.near = near{recall: float64(total) / float64(source), outside: int64(most)}
}

// outside counts the equal words of a passage that do not repeat the prompt.
func (c *comparison) outside(p verbatim.Passage) (n int) {
	if c.prompt == nil {
		return p.Words()
	}
	for _, b := range p {
		for _, masked := range c.prompt[b.Probe : b.Probe+b.Words] {
			if !masked {
				n++
			}
		}
	}
	return n
}

// NearVerbatim returns the listed document that has most of probe i in one passage that is nearly the same and is not of its prompt, and
// how many equal words that passage has; "" when none has such a passage (methods, section 7).
func (s *State) NearVerbatim(i int) (documentID string, equal int64) {
	l := s.probes.Get(int32(i))
	if l == nil {
		return "", 0
	}
	var best *pair
	for _, list := range [][]pair{l.duplicates, l.others} {
		for k := range list {
			p := &list[k]
			if p.near == nil || p.near.outside < verbatim.Least {
				continue
			}
			if best == nil || p.near.outside > best.near.outside || p.near.outside == best.near.outside && p.Compare(best.Ref) < 0 {
				best = p
			}
		}
	}
	if best == nil {
		return "", 0
	}
	return best.ID, best.near.outside
}
