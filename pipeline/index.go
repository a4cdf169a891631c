package pipeline

import (
	"bufio"
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"palimpsest/stages/hash"
	"palimpsest/stages/ngram"
)

// What an array's tasks would each have to work out is published with the plan: the indexes of each block of the probes, and the outlines
// of the corpus' footers, so that a task asks for no footer.
const outlinesName = "outlines"

func overlapName(block int) string { return fmt.Sprintf("index-%02d-overlap", block) }
func nearName(block int) string    { return fmt.Sprintf("index-%02d-near", block) }

// index returns what a block's folds look documents up in: built, or read where the plan has published it.
func (j *Job) index(ctx context.Context, block int, published bool) (*folds, error) {
	j.meter.Begin("indexing", 0)
	probes := j.blocks[block].texts(j.texts)
	texts, err := j.unitsOf(block)
	if err != nil {
		return nil, err
	}
	f := &folds{room: j.memory.Alike, texts: texts, match: j.Config.matches(texts, probes)}
	f.match.Room = f.room
	if near := j.Config.nearDuplicate(); j.Config.Hash != nil {
		f.hash, err = indexed(ctx, j, nearName(block), published && near > 0,
			func() (*hash.Index, error) { return hash.NewIndex(ctx, probes, near) },
			func(r io.Reader) (*hash.Index, error) { return hash.ReadIndex(ctx, r, probes, near) })
		if err != nil {
			return nil, err
		}
	}
	if n := j.Config.Ngram; n != nil {
		f.ngram, err = indexed(ctx, j, overlapName(block), published,
			func() (*ngram.Index, error) {
				return ngram.NewIndex(ctx, texts, n.engine(), j.sampling, j.Config.workers())
			},
			func(r io.Reader) (*ngram.Index, error) {
				return ngram.ReadIndex(ctx, r, texts, n.engine(), j.sampling, j.Config.workers())
			})
	}
	return f, err
}

// indexed builds an index, or reads the one that was published under that name. What building refuses is a matter of the configuration.
func indexed[X any](
	ctx context.Context, j *Job, name string, published bool, build func() (X, error), read func(io.Reader) (X, error),
) (x X, err error) {
	if !published {
		if x, err = build(); err != nil && ctx.Err() == nil {
			err = badUsage("indexing the probes: %w", err)
		}
		return x, err
	}
	file, err := j.fetch(ctx, name)
	if err != nil {
		return x, err
	}
	defer file.Close()
	if x, err = read(bufio.NewReaderSize(file, 1<<20)); err != nil && ctx.Err() == nil {
		err = j.spoiled(name, broken(err), planAgain)
	}
	return x, err
}

// planAgain is the remedy for what only plan makes.
const planAgain = "remove " + workName + " below the run, and plan again"

// fetch returns an intermediate result of the job, whole, in a local file that has no name. It is not pinned to a version: another attempt
// may write the same bytes meanwhile. Who reads it finds out whether they are what was written.
func (j *Job) fetch(ctx context.Context, name string) (*os.File, error) {
	local, err := os.CreateTemp("", "palimpsest-")
	if err != nil {
		return nil, fmt.Errorf("making a place for intermediate results: %w", err)
	}
	defer os.Remove(local.Name())
	if err := errors.Join(local.Close(), j.store.Download(ctx, j.RunURL, j.work(name), local.Name())); err != nil {
		return nil, err
	}
	file, err := os.Open(local.Name())
	if err != nil {
		return nil, fmt.Errorf("reading intermediate results: %w", err)
	}
	return file, nil
}

// spoiled names the intermediate result that an error is about, and the remedy where it is not what was written.
func (j *Job) spoiled(name string, err error, remedy string) error {
	err = fmt.Errorf("result %s of run %s: %w", j.work(name), j.RunURL, err)
	if _, data := errors.AsType[*DataError](err); data {
		err = fmt.Errorf("%w; %s", err, remedy)
	}
	return err
}

// publishIndexes publishes the indexes and outlines.
func (j *Job) publishIndexes(ctx context.Context, local string) error {
	if !j.Config.folds() {
		return nil
	}
	path := filepath.Join(local, outlinesName)
	if err := j.writeOutlines(path); err != nil {
		return err
	}
	if err := j.store.Upload(ctx, j.RunURL, j.work(outlinesName), path, recordsType); err != nil {
		return err
	}
	for b := range j.blocks {
		f, err := j.index(ctx, b, false)
		if err != nil {
			return err
		}
		j.meter.Begin("publishing the index", 0)
		if f.ngram != nil {
			if err := j.publishIndex(ctx, local, overlapName(b), f.ngram); err != nil {
				return err
			}
		}
		if f.hash != nil && j.Config.nearDuplicate() > 0 {
			if err := j.publishIndex(ctx, local, nearName(b), f.hash); err != nil {
				return err
			}
		}
	}
	return nil
}

func (j *Job) publishIndex(ctx context.Context, local, name string, index io.WriterTo) error {
	path := filepath.Join(local, name)
	defer os.Remove(path)
	f, err := os.Create(path)
	if err == nil {
		w := bufio.NewWriterSize(f, 1<<20)
		_, err = index.WriteTo(w)
		err = errors.Join(err, w.Flush(), f.Close())
	}
	if err != nil {
		return fmt.Errorf("writing intermediate results: %w", err)
	}
	return j.store.Upload(ctx, j.RunURL, j.work(name), path, recordsType)
}

// outlineRecord is the kind of a record of outlines. Key: position of the object in the corpus; value: the outline.
const outlineRecord = 1

func (j *Job) writeOutlines(path string) error {
	return writeRecords(path, struct{}{}, func(w *recordWriter) error {
		for i, o := range j.corpus {
			if err := w.add(outlineRecord, binary.BigEndian.AppendUint32(nil, uint32(i)), o.file.Outline()); err != nil {
				return err
			}
		}
		return nil
	})
}

// openOutlined opens objects of the corpus by their outlines.
func (j *Job) openOutlined(ctx context.Context, wanted map[int]bool) error {
	file, err := j.fetch(ctx, outlinesName)
	if err != nil {
		return err
	}
	defer file.Close()
	err = readRecords(file, &struct{}{}, func() error { return nil }, func(kind byte, key, value []byte) error {
		if kind != outlineRecord || len(key) != 4 {
			return broken(errors.New("a record that is none of an outline"))
		}
		i := int(binary.BigEndian.Uint32(key))
		if !wanted[i] || i >= len(j.corpus) {
			return nil
		}
		l, err := j.corpus[i].version()
		if err == nil {
			_, err = j.source.OpenKnown(ctx, l, bytes.Clone(value))
		}
		return err
	})
	if err != nil {
		return j.spoiled(outlinesName, err, planAgain)
	}
	return nil
}
