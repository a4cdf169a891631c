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
	"palimpsest/stages/store"
)

// What an array's tasks would each have to work out is published with the plan: the indexes of each block of the probes, and the outlines
// of the corpus' footers, so that a task asks for no footer.
const outlinesName = "outlines"

func overlapName(block int) string { return fmt.Sprintf("index-%02d-overlap", block) }
func nearName(block int) string    { return fmt.Sprintf("index-%02d-near", block) }

// index returns what a block's folds look documents up in: built, or read where the plan has published it.
func (j *Job) index(ctx context.Context, block int, published bool) (*folds, error) {
	probes := j.blocks[block].texts(j.texts)
	f := &folds{room: j.memory.Alike}
	j.meter.Begin("indexing", 0)
	if j.Config.Hash != nil {
		near, err := j.open(ctx, nearName(block), published && j.Config.nearDuplicate() > 0)
		switch {
		case err != nil:
		case near == nil:
			f.hash, err = hash.NewIndex(ctx, probes, j.Config.nearDuplicate())
		default:
			f.hash, err = hash.ReadIndex(ctx, near, probes, j.Config.nearDuplicate())
		}
		if err != nil {
			return nil, indexFailure(ctx, err)
		}
	}
	texts, err := j.unitsOf(block)
	if err != nil {
		return nil, err
	}
	if n := j.Config.Ngram; n != nil {
		overlap, err := j.open(ctx, overlapName(block), published)
		switch {
		case err != nil:
		case overlap == nil:
			f.ngram, err = ngram.NewIndex(ctx, texts, n.engine(), j.sampling, j.Config.workers())
		default:
			f.ngram, err = ngram.ReadIndex(ctx, overlap, texts, n.engine(), j.sampling, j.Config.workers())
		}
		if err != nil {
			return nil, indexFailure(ctx, err)
		}
	}
	f.texts, f.match = texts, j.Config.matches(texts, probes)
	f.match.Room = f.room
	return f, nil
}

// indexFailure says what failed. What is wrong with the probes is a matter of the configuration; a store's failures are its own.
func indexFailure(ctx context.Context, err error) error {
	err = fmt.Errorf("indexing the probes: %w", err)
	if ctx.Err() != nil || errors.Is(err, store.ErrUnavailable) || errors.Is(err, store.ErrMissing) || errors.Is(err, store.ErrChanged) {
		return err
	}
	return &UsageError{err}
}

// open opens an intermediate result of the job to be read from the beginning on; nil unless it is published.
func (j *Job) open(ctx context.Context, name string, published bool) (io.Reader, error) {
	if !published {
		return nil, nil
	}
	// Not pinned to a version: another attempt may write the same bytes meanwhile. They carry a digest.
	local, err := os.CreateTemp("", "palimpsest-")
	if err != nil {
		return nil, fmt.Errorf("making a place for intermediate results: %w", err)
	}
	defer os.Remove(local.Name())
	if err := errors.Join(local.Close(), j.store.Download(ctx, j.RunURL, j.work(name), local.Name())); err != nil {
		return nil, err
	}
	file, err := os.Open(local.Name()) // stays readable when its name is gone; closed when nobody holds it
	if err != nil {
		return nil, fmt.Errorf("reading intermediate results: %w", err)
	}
	return bufio.NewReaderSize(file, 1<<20), nil
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

func (j *Job) writeOutlines(path string) (err error) {
	w, err := createRecords(path, struct{}{})
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			w.discard()
		}
	}()
	for i, o := range j.corpus {
		if err := w.add(outlineRecord, binary.BigEndian.AppendUint32(nil, uint32(i)), o.file.Outline()); err != nil {
			return err
		}
	}
	return w.close()
}

// openOutlined opens objects of the corpus by their outlines.
func (j *Job) openOutlined(ctx context.Context, wanted map[int]bool) error {
	from, err := j.open(ctx, outlinesName, true)
	if err != nil {
		return fmt.Errorf("the plan's outlines: %w", err)
	}
	r, err := openRecords(from, &struct{}{})
	if err != nil {
		return fmt.Errorf("the plan's outlines: %w", broken(err))
	}
	defer r.close()
	for {
		_, key, value, err := r.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil && len(key) != 4 {
			err = errors.New("a record that is none of an outline")
		}
		if err != nil {
			return fmt.Errorf("the plan's outlines: %w", broken(err))
		}
		i := int(binary.BigEndian.Uint32(key))
		if !wanted[i] || i >= len(j.corpus) {
			continue
		}
		l, err := j.corpus[i].version()
		if err == nil {
			_, err = j.source.OpenKnown(ctx, l, bytes.Clone(value))
		}
		if err != nil {
			return err
		}
	}
}
