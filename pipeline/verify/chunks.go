package verify

import (
	"context"
	"errors"
	"io"
	"maps"
	"slices"

	"palimpsest/pipeline"
	"palimpsest/stages/read"
	"palimpsest/stages/store"
)

// inputsAtOnce is how many objects are opened before their column chunks are read.
const inputsAtOnce = 256

// checkChunks reads every column chunk that the run read again, and every model file, and compares the digests.
func (v *verifier) checkChunks(ctx context.Context) error {
	v.originOf("")
	var total int64
	for _, o := range v.origins {
		for _, c := range o.chunks {
			total += c.Bytes
		}
	}
	for i := range v.manifest.Inputs {
		if in := &v.manifest.Inputs[i]; v.weights(in) {
			total += in.Size
		}
	}
	v.options.Meter.Begin("reading all sources", total)
	for uris := range slices.Chunk(slices.Sorted(maps.Keys(v.origins)), inputsAtOnce) {
		var some []*origin
		for _, u := range uris {
			some = append(some, v.origins[u])
		}
		if err := v.openAll(ctx, some); err != nil {
			return err
		}
		if err := v.readChunks(ctx, some); err != nil {
			return err
		}
	}
	for i := range v.manifest.Inputs {
		in := &v.manifest.Inputs[i]
		if in.Rows == 0 && len(in.Chunks) == 0 {
			if err := v.checkFile(ctx, in); err != nil {
				return err
			}
		}
	}
	return nil
}

// readChunks reads the chunks of some objects.
func (v *verifier) readChunks(ctx context.Context, some []*origin) error {
	var parts []read.Part
	var of []*origin
	for _, o := range some {
		if o.file == nil {
			continue
		}
		groups := make(map[int][]string)
		for k := range o.chunks {
			groups[k.group] = append(groups[k.group], k.column)
		}
		for _, g := range slices.Sorted(maps.Keys(groups)) {
			slices.Sort(groups[g])
			if g < 0 || g >= o.file.Groups() {
				v.problem(o.uri, "it has no row group %d, which the run read", g)
				continue
			}
			columns, err := v.columns(o, groups[g])
			if err != nil {
				return err
			}
			if len(columns) > 0 {
				parts, of = append(parts, read.Part{File: o.file, Group: g, Columns: columns}), append(of, o)
			}
		}
	}
	reading := v.source.Ahead(ctx, parts, ahead)
	defer reading.Close()
	same := make(map[*origin]bool)
	for _, o := range some {
		same[o] = true
	}
	for {
		i, g, err := reading.Next(ctx)
		if i < 0 {
			if !errors.Is(err, io.EOF) {
				return err
			}
			break
		}
		if err != nil {
			same[of[i]] = false
			if err := v.fault(of[i].uri, err); err != nil {
				return err
			}
			continue
		}
		same[of[i]] = v.checkDigests(of[i], g) && same[of[i]]
		for _, d := range g.Digests() {
			v.report.Chunks++
			v.options.Meter.Done.Add(d.Bytes)
		}
		g.Release()
	}
	for _, o := range some {
		if o.another && o.file != nil && same[o] {
			v.warn(o.uri, "though it is another version, every column chunk that the run read has the same bytes")
		}
	}
	return nil
}

// weights reports whether the manifest has a digest of a model's file.
func (v *verifier) weights(in *pipeline.Input) bool { return len(v.digestsOf(in)) > 0 }

// digestsOf returns the digests that a model's file may have: those of the models of its role and size.
func (v *verifier) digestsOf(in *pipeline.Input) (digests []string) {
	for _, m := range v.manifest.Models {
		if m.Role == in.Role && m.ModelBytes == in.Size && m.ModelSHA256 != "" {
			digests = append(digests, m.ModelSHA256)
		}
	}
	return digests
}

// checkFile reads the file of a model again. Of a tokenizer the manifest has the version alone.
func (v *verifier) checkFile(ctx context.Context, in *pipeline.Input) error {
	object, err := store.Pinned(in.URI, in.Size, in.Version)
	if err != nil {
		v.problem(in.URI, "%v", err)
		return nil
	}
	object.Version = ""
	r, err := v.store.Open(ctx, object)
	if err != nil {
		return v.fault(in.URI, err)
	}
	if o := r.Object(); o.Version != in.Version || o.Size != in.Size {
		v.problem(in.URI, "it is another version now, %s of %d bytes; the run read %s of %d bytes", o.Version, o.Size, in.Version, in.Size)
	}
	digests := v.digestsOf(in)
	if len(digests) == 0 {
		return nil
	}
	sum, err := sha256Of(ctx, r, func(piece []byte) { v.options.Meter.Done.Add(int64(len(piece))) })
	if err != nil {
		return v.fault(in.URI, err)
	}
	if v.report.Chunks++; !slices.Contains(digests, sum) {
		v.problem(in.URI, "altered: its sha256 is %s, and the manifest says %s", sum, digests[0])
	}
	return nil
}
