package pipeline

import (
	"cmp"
	"context"
	"encoding/binary"
	"slices"
	"sync"
	"sync/atomic"

	"palimpsest/schemas"
	"palimpsest/stages/fold"
	"palimpsest/stages/write"
)

// The kinds of records in what is left of a folded unit.
const (
	probeRecord     = 1 // key: position of the text; value: what the folds know of it
	documentRecord  = 2 // a row of documents
	signatureRecord = 3 // a row of signatures
)

// partialHead is the head of what is left of a folded unit, and its sums.
type partialHead struct {
	Job       string      `json:"job"`
	Unit      int         `json:"unit"`
	Block     int         `json:"block"`
	Documents int64       `json:"documents"`
	Words     int64       `json:"words"`
	Groups    []groupRead `json:"groups"`   // those that were read, in the order of Chunks' row groups
	Failures  []Failure   `json:"failures"` // what was quarantined
}

// groupRead is what there is to say of a row group that a fetch was made of.
type groupRead struct {
	URI       string  `json:"uri"`
	Group     int     `json:"group"`
	NullTexts int64   `json:"null_texts"`
	Chunks    []Chunk `json:"chunks"`
}

// group returns the head's entry of a row group.
func (h *partialHead) group(o *object, group int) *groupRead {
	for i := range h.Groups {
		if g := &h.Groups[i]; g.URI == o.input.URI && g.Group == group {
			return g
		}
	}
	h.Groups = append(h.Groups, groupRead{URI: o.input.URI, Group: group})
	return &h.Groups[len(h.Groups)-1]
}

// chunks lists the column chunks that were read of a row group.
func (h *partialHead) chunks(o *object, group int) {
	g := h.group(o, group)
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, column := range o.all() {
		if c, read := o.chunks[chunkKey{group, column.Path}]; read {
			g.Chunks = append(g.Chunks, c)
		}
	}
	slices.SortFunc(g.Chunks, func(a, b Chunk) int { return cmp.Compare(a.Column, b.Column) })
}

// accumulator gathers what the row groups of a unit come to, in whatever order they end.
type accumulator struct {
	left      atomic.Int32 // row groups
	documents *write.Spool[schemas.Document]
	signed    *write.Spool[schemas.Signature] // nil when there are none

	mu    sync.Mutex
	head  partialHead
	total *partial // with no matcher of any worker: what it does to merge must not be in the way of a document at hand
}

// newAccumulator starts a unit in the local directory. Signatures are of the corpus alone, so that they are made in the first block.
func (j *Job) newAccumulator(dir string, shape *folds, unit, block int) (a *accumulator, err error) {
	a = &accumulator{head: partialHead{Job: j.digest, Unit: unit, Block: block}, total: j.Config.merged(shape.texts, shape.match)}
	a.left.Store(int32(len(j.units[unit].Groups)))
	d := write.NewDir(dir, j.RunID, nil)
	if a.documents, err = write.OpenSpool(d, schemas.Documents); err != nil {
		return nil, err
	}
	if h := j.Config.Hash; h != nil && h.MinHash != "" && block == 0 {
		a.signed, err = write.OpenSpool(d, schemas.Signatures)
	}
	return a, err
}

func (a *accumulator) discard() {
	a.documents.Discard()
	if a.signed != nil {
		a.signed.Discard()
	}
}

// take takes in a row group that was read to its end.
func (a *accumulator) take(s shard, p *partial) error {
	if err := a.documents.Write(p.match.TakeDocuments()...); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.head.Documents += p.documents
	a.head.Words += p.words
	a.head.group(s.object, s.group).NullTexts = p.nullTexts
	a.total.merge(p)
	return nil
}

// write writes the unit's result to a local file.
func (a *accumulator) write(ctx context.Context, path string, first int) error {
	slices.SortFunc(a.head.Groups, func(x, y groupRead) int { return cmp.Or(cmp.Compare(x.URI, y.URI), cmp.Compare(x.Group, y.Group)) })
	slices.SortFunc(a.head.Failures, compareFailures)
	return writeRecords(path, a.head, func(w *recordWriter) error {
		add := func(kind byte) func(key, row []byte) error {
			return func(key, row []byte) error { return w.add(kind, key, row) }
		}
		if err := a.total.encode(w, first); err != nil {
			return err
		}
		if err := a.documents.Each(ctx, add(documentRecord)); err != nil || a.signed == nil {
			return err
		}
		return a.signed.Each(ctx, add(signatureRecord))
	})
}

// encode writes a record of each text that was touched, those of the block beginning at text first.
func (p *partial) encode(w *recordWriter, first int) error {
	var (
		record fold.Writer
		key    [4]byte
	)
	for _, probe := range p.touched() {
		p.encodeText(&record, probe)
		binary.BigEndian.PutUint32(key[:], uint32(first)+uint32(probe))
		if err := w.add(probeRecord, key[:], record.Record()); err != nil {
			return err
		}
	}
	return nil
}

// encodeText makes the record of one text.
func (p *partial) encodeText(record *fold.Writer, probe int32) {
	record.Reset()
	if p.ngram != nil {
		p.ngram.Encode(record, probe)
	}
	if p.hash != nil {
		p.hash.Encode(record, probe)
	}
	p.match.Encode(record, probe)
}

// touched returns the texts of which something is known, in order.
func (p *partial) touched() []int32 {
	probes := slices.Collect(p.match.Touched())
	if p.ngram != nil {
		probes = slices.AppendSeq(probes, p.ngram.Touched())
	}
	if p.hash != nil {
		probes = slices.AppendSeq(probes, p.hash.Touched())
	}
	slices.Sort(probes)
	return slices.Compact(probes)
}

// decode takes in a record of that text.
func (p *partial) decode(record *fold.Reader, probe int32, value []byte) error {
	record.Reset(value)
	if p.ngram != nil {
		p.ngram.Decode(record, probe)
	}
	if p.hash != nil {
		p.hash.Decode(record, probe)
	}
	p.match.Decode(record, probe)
	return record.Close()
}

// forget drops what is known of the text.
func (p *partial) forget(probe int32) {
	if p.ngram != nil {
		p.ngram.Forget(probe)
	}
	if p.hash != nil {
		p.hash.Forget(probe)
	}
	p.match.Forget(probe)
}
