package verify

import (
	"context"
	"errors"
	"fmt"
	"io"

	"golang.org/x/sync/errgroup"

	"palimpsest/pipeline"
	"palimpsest/stages/read"
	"palimpsest/stages/store"
)

// origin is an object that the run read columns from. One that is probes and corpus at once is one origin.
type origin struct {
	uri     string
	size    int64
	version string
	rows    int64
	chunks  map[chunkKey]pipeline.Chunk
	columns map[string]bool // that have chunks

	opened  bool
	file    *read.File // nil when it cannot be read
	another bool       // it has another version now
	altered map[chunkKey]bool
}

type chunkKey struct {
	group  int
	column string
}

// originOf returns the origin of that URI; nil when the manifest lists none.
func (v *verifier) originOf(uri string) *origin {
	if len(v.origins) > 0 {
		return v.origins[uri]
	}
	for _, in := range v.manifest.Inputs {
		if in.Rows == 0 && len(in.Chunks) == 0 {
			continue // the file of a model, or nothing was read
		}
		o := v.origins[in.URI]
		if o == nil {
			o = &origin{uri: in.URI, size: in.Size, version: in.Version, rows: in.Rows, chunks: make(map[chunkKey]pipeline.Chunk),
				columns: make(map[string]bool), altered: make(map[chunkKey]bool)}
			v.origins[in.URI] = o
		}
		for _, c := range in.Chunks {
			o.chunks[chunkKey{c.RowGroup, c.Column}], o.columns[c.Column] = c, true
		}
	}
	return v.origins[uri]
}

// footersAtOnce is how many footers are fetched at once.
const footersAtOnce = 16

// openAll opens objects that are not open. What cannot be opened as it is now is noted once, and has no file.
func (v *verifier) openAll(ctx context.Context, all []*origin) error {
	faults := make([]error, len(all))
	var eg errgroup.Group
	eg.SetLimit(footersAtOnce)
	for i, o := range all {
		if !o.opened {
			eg.Go(func() error {
				faults[i] = v.open(ctx, o)
				return nil
			})
		}
	}
	_ = eg.Wait() // never fails
	for i, o := range all {
		if o.opened {
			continue
		}
		o.opened = true
		switch err := faults[i]; {
		case errors.Is(err, store.ErrMissing):
			v.moved(o, "it is no longer there, or cannot be seen from here")
		case err != nil && o.another && errors.Is(err, read.ErrCorrupt):
			v.moved(o, "it is another version now, which cannot be read: "+plain(err))
		case err != nil:
			if err := v.fault(o.uri, err); err != nil {
				o.opened = false
				return err
			}
		case o.another:
			v.moved(o, fmt.Sprintf("it is another version now, %s of %d bytes; the run read %s of %d bytes", o.file.Object().Version,
				o.file.Object().Size, o.version, o.size))
		}
		if o.file != nil && !o.another && o.file.Rows() != o.rows {
			v.problem(o.uri, "%d rows, and the manifest says %d", o.file.Rows(), o.rows)
		}
	}
	return nil
}

// open opens the version that the run read, or else the present one.
func (v *verifier) open(ctx context.Context, o *origin) error {
	object, err := store.Pinned(o.uri, o.size, o.version)
	if err != nil {
		return &damageError{err}
	}
	file, err := v.source.Open(ctx, object)
	if errors.Is(err, store.ErrChanged) {
		o.another, object.Version = true, ""
		file, err = v.source.Open(ctx, object)
	}
	if err == nil {
		o.file = file
	}
	return err
}

// moved notes that an object is not what it was. That breaks nothing of the run unless its sources are asked for.
func (v *verifier) moved(o *origin, what string) {
	if v.options.Sources {
		v.problem(o.uri, "%s", what)
	} else {
		v.warn(o.uri, "%s", what)
	}
}

// checkDigests compares the column chunks of a row group with the manifest, and reports whether they are those that the run read.
func (v *verifier) checkDigests(o *origin, g *read.Group) bool {
	same := true
	for _, d := range g.Digests() {
		key := chunkKey{g.Index(), d.Column}
		want, known := o.chunks[key]
		if known && want.SHA256 == d.SHA256 && want.Bytes == d.Bytes {
			continue
		}
		same = false
		if o.altered[key] {
			continue // noted
		}
		o.altered[key] = true
		switch {
		case !known:
			v.problem(o.uri, "row group %d, column %s: the run did not read it", g.Index(), d.Column)
		case o.another && !v.options.Sources:
			v.warn(o.uri, "row group %d, column %s: other bytes than the run read", g.Index(), d.Column)
		default:
			v.problem(o.uri, "row group %d, column %s: altered: the sha256 of its %d bytes is %s, and the manifest says %s of %d bytes", g.Index(),
				d.Column, d.Bytes, d.SHA256, want.SHA256, want.Bytes)
		}
	}
	return same
}

// visit is the reading of texts at places in sources.
type visit struct {
	what  string                             // of the phase
	n     int                                // places, in order of their objects and rows
	at    func(i int) (o *origin, row int64) // where a place is
	names func(o *origin) []string           // columns that may hold its text
	see   func(i int, text *passage)         // called with each place and column
}

// passage is a text that was read at a place.
type passage struct {
	group  int
	column string
	text   []byte // valid during the call
	null   bool
}

// stretch are the places of a visit that lie in one row group.
type stretch struct {
	*origin
	from, to int
}

// visit reads what stands at the places, row group by row group.
func (v *verifier) visit(ctx context.Context, x visit) error {
	var origins []*origin
	for i := range x.n {
		if o, _ := x.at(i); len(origins) == 0 || origins[len(origins)-1] != o {
			origins = append(origins, o)
		}
	}
	v.options.Meter.Begin("opening sources", 0)
	if err := v.openAll(ctx, origins); err != nil {
		return err
	}
	var parts []read.Part
	var all []stretch
	var total int64
	for i := 0; i < x.n; {
		o, _ := x.at(i)
		columns, err := v.columns(o, x.names(o))
		if err != nil {
			return err
		}
		groups, first := 0, int64(0)
		if len(columns) > 0 {
			groups = o.file.Groups()
		}
		for g := range groups {
			from := i
			for ; i < x.n; i++ {
				if p, row := x.at(i); p != o || row >= first+o.file.GroupRows(g) {
					break
				}
			}
			if first += o.file.GroupRows(g); i > from {
				parts, all = append(parts, read.Part{File: o.file, Group: g, Columns: columns}), append(all, stretch{o, from, i})
				stored, _ := o.file.Size(g, columns...)
				total += stored
			}
		}
		for ; i < x.n; i++ { // the object cannot be read, which was noted, or has fewer rows
			p, row := x.at(i)
			if p != o {
				break
			}
			if v.report.Unchecked++; len(columns) > 0 && !o.another {
				v.problem(o.uri, "it has no row %d, which the tables name", row)
			}
		}
	}
	v.options.Meter.Begin(x.what, total)
	reading := v.source.Ahead(ctx, parts, ahead)
	defer reading.Close()
	for {
		i, g, err := reading.Next(ctx)
		if errors.Is(err, io.EOF) && i < 0 {
			return nil
		}
		if i < 0 {
			return err
		}
		if err == nil {
			err = v.see(&x, all[i], g, parts[i].Columns)
			g.Release()
		}
		if err != nil {
			if err := v.fault(all[i].uri, err); err != nil {
				return err
			}
		}
		stored, _ := parts[i].File.Size(parts[i].Group, parts[i].Columns...)
		v.options.Meter.Done.Add(stored)
	}
}

// columns returns the columns of those names that an object has; none when it cannot be read.
func (v *verifier) columns(o *origin, names []string) (columns []read.Column, err error) {
	if o.file == nil {
		return nil, nil
	}
	for _, n := range names {
		c, err := o.file.Column(n)
		if err != nil {
			if err := v.fault(o.uri, err); err != nil {
				return nil, err
			}
			continue
		}
		columns = append(columns, c)
	}
	return columns, nil
}

var errEnough = errors.New("all places were read")

// see shows the places of one row group.
func (v *verifier) see(x *visit, s stretch, g *read.Group, columns []read.Column) error {
	if !v.checkDigests(s.origin, g) && s.another && !v.options.Sources {
		v.report.Unchecked += int64(s.to - s.from)
		return nil
	}
	for _, c := range columns {
		i := s.from
		p := passage{group: g.Index(), column: c.Path}
		err := g.Each(c, func(row int, text []byte, ok bool) error {
			for ; i < s.to; i++ {
				if _, at := x.at(i); at != g.FirstRow()+int64(row) {
					return nil
				}
				p.text, p.null = text, !ok
				x.see(i, &p)
			}
			return errEnough
		})
		if err != nil && !errors.Is(err, errEnough) {
			return err
		}
	}
	return nil
}
