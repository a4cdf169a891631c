package verify

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"slices"
	"strings"

	"palimpsest/schemas"
	"palimpsest/stages/read"
	"palimpsest/stages/store"
	"palimpsest/stages/write"
)

// table is a table of the run: its two files, and what reads the second.
type table struct {
	*schemas.Table
	arrow, parquet write.Output
	file           *read.File
}

// checkTables checks every file by itself, and the two of a table against each other.
func (v *verifier) checkTables(ctx context.Context) error {
	if got := v.manifest.SchemaVersion; got != schemas.Version {
		v.problem(v.at("manifest.json"), "the tables have schema version %s, and this program knows %s: check them by the one that made them",
			got, schemas.Version)
		return nil
	}
	if err := v.list(ctx); err != nil {
		return err
	}
	var total int64
	for _, o := range v.manifest.Outputs {
		total += o.Bytes
	}
	v.options.Meter.Begin("reading the tables", 2*total) // once for the digest, once for the rows
	for _, s := range schemas.All() {
		t := v.tables[s.Name]
		if t == nil {
			continue
		}
		arrow, err := v.digest(ctx, t.arrow)
		if err != nil {
			return err
		}
		parquet, err := v.digest(ctx, t.parquet)
		if err != nil {
			return err
		}
		if arrow != nil && parquet != nil {
			if err := v.compare(ctx, t, arrow, parquet); err != nil {
				return err
			}
		}
		v.report.Files += 2
		v.report.Rows += t.parquet.Rows
		v.options.Meter.Done.Add(t.arrow.Bytes + t.parquet.Bytes)
	}
	return nil
}

// list compares the files that lie there with those of the manifest.
func (v *verifier) list(ctx context.Context) error {
	keys, err := v.store.Keys(ctx, v.url)
	if err != nil {
		return err
	}
	known := make(map[string]bool)
	for _, o := range v.manifest.Outputs {
		s, ok := schemas.Lookup(o.Table)
		path := o.Format + "/" + o.Table + "/part-00000." + o.Format
		if !ok || o.Format != write.Arrow && o.Format != write.Parquet || o.Path != path || known[path] {
			v.problem(v.at("manifest.json"), "it lists an output %q of table %q, format %q, which is none or stands twice",
				o.Path, o.Table, o.Format)
			continue
		}
		known[path] = true
		if v.tables[o.Table] == nil {
			v.tables[o.Table] = &table{Table: s}
		}
		if t := v.tables[o.Table]; o.Format == write.Arrow {
			t.arrow = o
		} else {
			t.parquet = o
		}
	}
	for name, t := range v.tables {
		if t.arrow.Path == "" || t.parquet.Path == "" || t.arrow.Rows != t.parquet.Rows {
			v.problem(v.at("manifest.json"), "it lists table %s not once in each format with the same rows", name)
			delete(v.tables, name)
		}
	}
	for _, k := range keys {
		if (strings.HasPrefix(k, write.Arrow+"/") || strings.HasPrefix(k, write.Parquet+"/")) && !known[k] {
			v.problem(v.at(k), "no file of the run: the manifest does not list it")
		}
	}
	for _, name := range []string{schemas.Runs.Name, schemas.Probes.Name} {
		if v.tables[name] == nil {
			v.problem(v.at("manifest.json"), "it lists no table %s", name)
		}
	}
	slices.Sort(keys)
	for _, o := range v.manifest.Outputs {
		if _, there := slices.BinarySearch(keys, o.Path); known[o.Path] && !there {
			v.problem(v.at(o.Path), "missing: the manifest lists it")
			delete(v.tables, o.Table)
		}
	}
	return nil
}

// step is how much of a file is read at a time for its digest.
const step = 8 << 20

// digested is a file whose digest was taken. One that fits in a step is in memory, so that what is looked at is what was digested; others
// are pinned to one version.
type digested struct {
	io.ReaderAt
	size int64
}

// digest compares size and SHA-256 of a file with the manifest. It returns nil when the file is not there.
func (v *verifier) digest(ctx context.Context, o write.Output) (*digested, error) {
	where := v.at(o.Path)
	r, err := v.store.Open(ctx, store.Object{URI: where})
	if err == nil {
		d := &digested{r.At(ctx), r.Object().Size}
		var sum string
		sum, err = sha256Of(ctx, r, func(piece []byte) {
			if v.options.Meter.Done.Add(int64(len(piece))); int64(len(piece)) == d.size {
				d.ReaderAt = bytes.NewReader(piece)
			}
		})
		if err == nil {
			switch {
			case d.size < o.Bytes:
				v.problem(where, "cut short: %d bytes, and the manifest says %d", d.size, o.Bytes)
			case d.size > o.Bytes:
				v.problem(where, "%d bytes, and the manifest says %d", d.size, o.Bytes)
			case sum != o.SHA256:
				v.problem(where, "altered: its sha256 is %s, and the manifest says %s", sum, o.SHA256)
			}
			return d, nil
		}
	}
	if errors.Is(err, store.ErrMissing) || errors.Is(err, store.ErrChanged) {
		v.problem(where, "%v", err)
		return nil, nil
	}
	return nil, err
}

// sha256Of digests an object, a piece at a time. Each piece is shown to done, and valid only during the call unless it is the whole object.
func sha256Of(ctx context.Context, r *store.Reader, done func(piece []byte)) (string, error) {
	h := sha256.New()
	size := r.Object().Size
	piece := make([]byte, min(step, size))
	for at := int64(0); at < size; {
		n := int(min(int64(len(piece)), size-at))
		if err := r.ReadRange(ctx, piece[:n], at); err != nil {
			return "", err
		}
		h.Write(piece[:n])
		at += int64(n)
		done(piece[:n])
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
