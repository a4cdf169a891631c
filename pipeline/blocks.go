package pipeline

import (
	"context"
	"fmt"

	"palimpsest/schemas"
	"palimpsest/stages/fold"
	"palimpsest/stages/hash"
	"palimpsest/stages/match"
	"palimpsest/stages/ngram"
	"palimpsest/stages/write"
)

// Probes whose index does not fit in memory are searched for in blocks: each takes a pass over the corpus, and finds what there is of its
// own probes. What is said of a probe depends on no other, so blocks change no result; only rows of documents have to be put together.

// block is a range of the probes and controls, and what the corpus told of them.
type block struct {
	first, end int
	folds      *folds
	total      *partial
	finder     *ngram.Finder // nil without ngram
}

// found is what the corpus told.
type found struct{ blocks []block }

// of returns the block that holds probe i, and the probe's position in it.
func (f *found) of(i int) (*block, int) {
	for k := range f.blocks {
		if b := &f.blocks[k]; i < b.end {
			return b, i - b.first
		}
	}
	panic("pipeline: a probe of no block")
}

// divide cuts the probes into the blocks that fit in memory.
func divide(all []*fold.Probe, m *memory) ([]block, error) {
	if m.Blocks == 1 {
		return []block{{end: len(all)}}, nil
	}
	blocks := []block{{}}
	var size int64
	for i, p := range all {
		n := searchedBytes(p)
		if n > m.Block {
			return nil, badUsage("probe %q: its text of %s does not fit in memory with its index: raise resources.memory", p.ID, formatBytes(n))
		}
		if size += n; size > m.Block {
			blocks = append(blocks, block{first: i})
			size = n
		}
		blocks[len(blocks)-1].end = i + 1
	}
	return blocks, nil
}

// fold reads the corpus through the folds, once for each block; nil when no stage needs it.
func (e *execution) fold(ctx context.Context, l *loaded) (*found, error) {
	c := e.plan.Config
	if !c.folds() {
		hashes, err := hash.NewIndex(ctx, l.all, 0)
		if err == nil {
			l.noteSums(hashes, len(l.all))
		}
		return nil, err
	}
	if err := e.plan.refit(l.all); err != nil {
		return nil, err
	}
	blocks, err := divide(l.all, &e.plan.memory)
	if err != nil {
		return nil, err
	}
	documents, err := write.OpenSpool(e.dir, schemas.Documents)
	if err != nil {
		return nil, err
	}
	defer documents.Discard()
	if len(blocks) > 1 {
		documents.Combine(combineDocuments)
	}
	signed, err := e.openSignatures()
	if err != nil {
		return nil, err
	}
	if signed != nil {
		defer signed.Discard()
	}
	for i := range blocks {
		b := &blocks[i]
		if b.folds, err = e.index(ctx, l, b); err != nil {
			return nil, err
		}
		name := "scanning the corpus"
		if len(blocks) > 1 {
			name = fmt.Sprintf("scanning the corpus, pass %d of %d", i+1, len(blocks))
		}
		e.meter.begin(name, e.plan.CorpusBytes())
		if b.total, err = e.scan(ctx, b.folds, i, documents, signed); err != nil {
			return nil, err
		}
		if n := c.Ngram; n != nil {
			b.finder = ngram.NewFinder(b.total.ngram, b.total.documents, n.Report, *c.Evidence.Texts)
		}
		if c.Hash != nil {
			b.total.hash.Finish()
		}
		b.folds = nil
	}
	total := blocks[0].total
	if total.documents == 0 {
		return nil, badData("the corpus holds no documents: %d objects, %d rows without a text; nothing can be said of what it holds",
			len(e.plan.corpus), total.nullTexts)
	}
	if err := finish(ctx, e, documents); err != nil {
		return nil, err
	}
	if signed != nil {
		if err := finish(ctx, e, signed); err != nil {
			return nil, err
		}
	}
	return &found{blocks}, nil
}

// index builds what a block's folds look documents up in.
func (e *execution) index(ctx context.Context, l *loaded, b *block) (*folds, error) {
	c, probes := e.plan.Config, l.all[b.first:b.end]
	e.meter.begin("indexing", 0)
	f := &folds{match: match.Config{Max: duplicatesListed}, room: e.plan.memory.Alike}
	hashes, err := hash.NewIndex(ctx, probes, c.nearDuplicate())
	if err != nil {
		return nil, &UsageError{err}
	}
	l.noteSums(hashes, len(probes))
	if c.Hash != nil {
		f.hash = hashes
	}
	if n := c.Ngram; n != nil {
		texts, err := ngram.NewTexts(probes, n.unit())
		if err != nil {
			return nil, &UsageError{err}
		}
		if f.ngram, err = ngram.NewIndex(ctx, texts, n.engine(), e.plan.sampling, c.workers()); err != nil {
			return nil, fmt.Errorf("indexing the probes: %w", err)
		}
		f.match = match.Config{
			Max: *n.MaxMatches, MinCoverage: n.MinMatch, Units: texts.Units, Unit: n.unit(), Searched: true,
		}
	}
	return f, nil
}

// noteSums appends the digests of the next so many probes.
func (l *loaded) noteSums(x *hash.Index, n int) {
	for i := range n {
		l.sums = append(l.sums, x.Sums(i))
	}
}

// combineDocuments puts together what two blocks say of one document.
func combineDocuments(into, more *schemas.Document) {
	into.Probes += more.Probes
	if into.LongestWords != nil && more.LongestWords != nil {
		*into.LongestWords = max(*into.LongestWords, *more.LongestWords)
	}
}

// duplicatesListed is the number of duplicates listed a probe when ngram, which has a setting for it, does not run.
const duplicatesListed = 20
