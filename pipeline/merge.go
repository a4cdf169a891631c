package pipeline

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"iter"
	"os"

	"golang.org/x/sync/errgroup"

	"palimpsest/schemas"
	"palimpsest/stages/fold"
	"palimpsest/stages/hash"
	"palimpsest/stages/match"
	"palimpsest/stages/ngram"
	"palimpsest/stages/write"
)

// found is what the corpus told, to be asked of one text after the other.
type found struct {
	*Job
	documents int64 // of the corpus
	words     int64

	records *write.Sorter // what each unit knows of each text
	next    func() (text uint32, value []byte, ok bool)
	stop    func()
	text    uint32 // at hand
	value   []byte
	more    bool
	failed  error

	block  int // at hand
	total  *partial
	finder *ngram.Finder // nil without ngram
	record fold.Reader
}

// merge reads the results of all folded units: the rows of documents and signatures go into their tables, what is known of each text into
// a sorter, all within a bounded memory whatever their number. It returns nil when no stage reads the corpus.
func (e *edition) merge(ctx context.Context) (*found, error) {
	if !e.Config.folds() {
		return nil, nil
	}
	documents, err := write.OpenSpool(e.dir, schemas.Documents)
	if err != nil {
		return nil, err
	}
	defer documents.Discard()
	if len(e.blocks) > 1 {
		documents.Combine(combineDocuments)
	}
	var signed *write.Spool[schemas.Signature]
	if e.Config.Hash != nil && e.Config.Hash.MinHash != "" {
		if signed, err = write.OpenSpool(e.dir, schemas.Signatures); err != nil {
			return nil, err
		}
		defer signed.Discard()
	}
	f := &found{Job: e.Job, records: write.NewSorter(e.dir, "spool/probes"), block: -1}
	counts := make([]int64, e.Parts()) // records of the units, by the part that they are combined in
	take := func(kind byte, key, value []byte) error {
		switch {
		case kind == probeRecord && len(key) == 4:
			if !e.combined {
				return f.records.Add(key, value)
			}
			i := binary.BigEndian.Uint32(key)
			if int64(i) >= int64(len(e.texts.all)) {
				return fmt.Errorf("a record of text %d, and there are %d", i, len(e.texts.all))
			}
			counts[PartOf(i)]++
			return nil
		case kind == documentRecord:
			return documents.Insert(key, value)
		case kind == signatureRecord && signed != nil:
			return signed.Insert(key, value)
		}
		return fmt.Errorf("a record of kind %d", kind)
	}
	nulls := int64(0)
	err = e.eachResult(ctx, func(i int) bool { return e.units[i].Model == "" }, func(unit, block int, file io.Reader) error {
		head, err := e.readPartial(file, unit, block, take)
		if err != nil {
			return err
		}
		e.takeHead(head)
		if block == 0 {
			f.documents, f.words = f.documents+head.Documents, f.words+head.Words
			for _, g := range head.Groups {
				nulls += g.NullTexts
			}
		}
		return nil
	})
	if err == nil && e.combined {
		err = e.eachCombined(ctx, counts, f.records.Add)
	}
	if err != nil {
		f.close()
		return nil, err
	}
	if f.documents == 0 {
		f.close()
		return nil, badData("the corpus holds no documents: %d objects, %d rows without a text; nothing can be said of what it holds",
			len(e.corpus), nulls)
	}
	err = finish(ctx, e, documents)
	if err == nil && signed != nil {
		err = finish(ctx, e, signed)
	}
	if err != nil {
		f.close()
		return nil, err
	}
	f.start(ctx)
	return f, nil
}

// combineDocuments puts together what two blocks say of one document.
func combineDocuments(into, more *schemas.Document) {
	into.Probes += more.Probes
	if into.LongestWords != nil && more.LongestWords != nil {
		*into.LongestWords = max(*into.LongestWords, *more.LongestWords)
	}
}

// resultsAtOnce is how many results are fetched at once while one is read: enough to hide a store's latency.
const resultsAtOnce = 8

// eachResult fetches the results of the units that are wanted, and calls yield with each, in the order of the units, one at a time.
func (j *Job) eachResult(ctx context.Context, want func(unit int) bool, yield func(unit, block int, file io.Reader) error) error {
	type result struct {
		unit, block int
		name        string
		fetched     chan error
		file        *os.File
	}
	var wanted []*result
	for i := range j.units {
		if want(i) {
			for b, name := range j.resultNames(i) {
				wanted = append(wanted, &result{unit: i, block: b, name: name, fetched: make(chan error, 1)})
			}
		}
	}
	eg, ctx := errgroup.WithContext(ctx)
	ahead := make(chan struct{}, resultsAtOnce)
	eg.Go(func() error {
		for _, r := range wanted {
			select {
			case ahead <- struct{}{}:
			case <-ctx.Done():
				return ctx.Err()
			}
			eg.Go(func() (err error) {
				r.file, err = j.fetch(ctx, r.name)
				r.fetched <- err
				return err
			})
		}
		return nil
	})
	eg.Go(func() error {
		for _, r := range wanted {
			select {
			case err := <-r.fetched:
				if err != nil {
					return err
				}
			case <-ctx.Done():
				return ctx.Err()
			}
			err := guard(func() error { return yield(r.unit, r.block, r.file) })
			r.file.Close()
			if err != nil {
				return j.spoiled(r.name, err, "remove it, and it is made anew")
			}
			j.meter.Done.Add(1)
			<-ahead
		}
		return nil
	})
	err := eg.Wait()
	for _, r := range wanted {
		if err != nil && r.file != nil {
			r.file.Close() // fetched, and not read any more
		}
	}
	return err
}

// readPartial calls yield with the records of a folded unit's result, and returns its head.
func (j *Job) readPartial(f io.Reader, unit, block int, yield func(kind byte, key, value []byte) error) (*partialHead, error) {
	head := new(partialHead)
	check := func() error {
		if head.Job != j.digest || head.Unit != unit || head.Block != block {
			return fmt.Errorf("it is of unit %d and block %d of another job", head.Unit, head.Block)
		}
		return nil
	}
	return head, readRecords(f, head, check, yield)
}

// takeHead takes over what the head of a result says of the inputs.
func (e *edition) takeHead(h *partialHead) {
	objects := e.byURI()
	for _, g := range h.Groups {
		o := objects[g.URI]
		if o == nil {
			continue
		}
		if h.Block == 0 {
			o.input.NullText += g.NullTexts
		}
		for _, c := range g.Chunks {
			o.chunks[chunkKey{c.RowGroup, c.Column}] = c
		}
	}
	for _, f := range h.Failures {
		e.fail(f)
	}
}

// byURI returns the corpus' objects by URI.
func (e *edition) byURI() map[string]*object {
	if e.objectsByURI == nil {
		e.objectsByURI = make(map[string]*object, len(e.corpus))
		for _, o := range e.corpus {
			e.objectsByURI[o.input.URI] = o
		}
	}
	return e.objectsByURI
}

// start makes the records ready to be asked for.
func (f *found) start(ctx context.Context) {
	records := func(yield func(uint32, []byte) bool) {
		stopped := errors.New("enough")
		err := f.records.Each(ctx, func(key, value []byte) error {
			if !yield(binary.BigEndian.Uint32(key), value) {
				return stopped
			}
			return nil
		})
		if err != nil && !errors.Is(err, stopped) {
			f.failed = err
		}
	}
	f.next, f.stop = iter.Pull2(records)
	f.text, f.value, f.more = f.next()
}

// about makes total and finder say what the corpus told of text i, whose position in its block is returned. Texts are asked for in order.
func (f *found) about(i int) (probe int32, err error) {
	for f.block < 0 || i >= f.blocks[f.block].End {
		f.block++
		if err := f.open(f.block); err != nil {
			return 0, err
		}
	}
	probe = int32(i - f.blocks[f.block].First)
	if probe > 0 {
		f.total.forget(probe - 1)
	}
	for f.more && f.text == uint32(i) {
		if err := f.total.decode(&f.record, probe, f.value); err != nil {
			return 0, badData("what was found of %q: %w; remove %s of run %s, and plan again", f.texts.all[i].ID, err, workName, f.RunURL)
		}
		f.text, f.value, f.more = f.next()
	}
	if f.more && f.text < uint32(i) {
		return 0, &BugError{fmt.Errorf("texts are asked for out of order: %d after %d", i, f.text)}
	}
	return probe, f.failed
}

// open starts a block. Its states know nothing yet.
func (f *found) open(block int) error {
	texts, err := f.unitsOf(block)
	if err != nil {
		return err
	}
	f.total, f.finder = f.Config.merged(texts, f.Config.matches(texts, f.blocks[block].texts(f.texts))), nil
	if n := f.Config.Ngram; n != nil {
		f.finder = ngram.NewFinder(f.total.ngram, f.documents, n.Report, *f.Config.Evidence.Texts)
	}
	return nil
}

// unitsOf returns a block's texts in the units that ngram counts in; nil without ngram.
func (j *Job) unitsOf(block int) (*ngram.Texts, error) {
	n := j.Config.Ngram
	if n == nil {
		return nil, nil
	}
	texts, err := ngram.NewTexts(j.blocks[block].texts(j.texts), n.unit())
	if err != nil {
		return nil, &UsageError{err}
	}
	return texts, nil
}

// merged returns states that know nothing yet, and take in what those of documents wrote. texts is nil without ngram.
func (c *Config) merged(texts *ngram.Texts, m match.Config) *partial {
	p := &partial{match: match.NewState(m)}
	if c.Ngram != nil {
		p.ngram = ngram.NewMerged(texts, c.Ngram.engine())
	}
	if c.Hash != nil {
		p.hash = hash.NewMerged()
	}
	return p
}

// matches returns what the table matches lists. texts is nil without ngram.
func (c *Config) matches(texts *ngram.Texts, probes []*fold.Probe) match.Config {
	n := c.Ngram
	if n == nil {
		return match.Config{Max: duplicatesListed}
	}
	m := match.Config{Max: *n.MaxMatches, MinCoverage: n.MinMatch, Units: texts.Units, Unit: n.unit(), Searched: true}
	if n.NearVerbatim {
		m.Compared = probes
	}
	return m
}

// duplicatesListed is the number of duplicates listed a probe when ngram, which has a setting for it, does not run.
const duplicatesListed = 20

func (f *found) close() {
	if f.stop != nil {
		f.stop()
	}
	f.records.Discard()
}
