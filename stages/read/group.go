package read

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"
)

// Group is a row group whose column chunks were fetched. Its accessors decode; different goroutines may decode different columns.
type Group struct {
	file     *File
	index    int
	rows     int
	chunks   []chunk
	buffers  [][]byte
	reserved int64
	release  sync.Once
}

// chunk is one column of a group, as stored.
type chunk struct {
	column Column
	meta   *chunkMeta
	data   []byte
	digest [sha256.Size]byte
}

// ChunkDigest identifies the bytes that a column was read from.
type ChunkDigest struct {
	Column string // path
	SHA256 string // of the column chunk as stored, hexadecimal
	Bytes  int64  // its length
}

// span is a range of the object that one request fetches.
type span struct{ from, to int64 }

// maxGap is how many bytes between two column chunks are fetched and thrown away to save a request.
const maxGap = 64 << 10

// spansAtOnce is how many ranges of one row group are fetched at once.
const spansAtOnce = 4

// spans returns the ranges that hold the chunks, in order, neighbours put together. Chunks may overlap: nothing forbids it.
func spans(chunks []*chunkMeta) []span {
	var all []span
	for _, m := range chunks {
		if m.stored > 0 {
			all = append(all, span{m.offset, m.offset + m.stored})
		}
	}
	slices.SortFunc(all, func(a, b span) int { return cmp.Or(cmp.Compare(a.from, b.from), cmp.Compare(a.to, b.to)) })
	var merged []span
	for _, s := range all {
		if n := len(merged); n > 0 && s.from-merged[n-1].to <= maxGap {
			merged[n-1].to = max(merged[n-1].to, s.to)
		} else {
			merged = append(merged, s)
		}
	}
	return merged
}

// Size returns the bytes that reading the columns of a row group fetches, and the memory that holding them decoded takes at most.
func (f *File) Size(g int, cols ...Column) (stored, memory int64) {
	metas := make([]*chunkMeta, len(cols))
	for i, c := range cols {
		metas[i] = &f.footer.groups[g].chunks[c.leaf.index]
		memory = add(memory, decoded(metas[i], c.Kind))
	}
	for _, s := range spans(metas) {
		stored = add(stored, s.to-s.from)
	}
	return stored, add(stored, memory)
}

// Memory that decoding takes beside the pages, in bytes a value: for numbers the value, two levels, a null mark, an index or the end
// of a row; for text a slice, a level and two lengths.
const (
	perNumber = 24
	perText   = 48
)

// decoded returns the memory that decoding a chunk takes at most. Values that share beginnings can be longer than their pages by any
// factor; four is what sorted URLs and names come to, small columns are given more.
func decoded(m *chunkMeta, kind Kind) int64 {
	pages, per := max(m.uncompressed, m.stored), int64(perNumber)
	if kind == Bytes {
		per = perText
	}
	if m.expands {
		pages = max(saturate(pages, 5), min(saturate(pages, 17), 64<<20))
	}
	return add(pages, add(saturate(m.values, per), 64<<10))
}

// add and saturate are sums and products that stay at the greatest number: sizes in a footer are whatever its writer says.
func add(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

func saturate(a, factor int64) int64 {
	if a > math.MaxInt64/factor {
		return math.MaxInt64
	}
	return a * factor
}

// Read fetches the columns of a row group as they are stored, and their digests. It waits until the source has the memory that
// Size says, and holds it until Release. A group that needs more than the whole budget is ErrTooLarge.
//
// A goroutine that holds a group must not wait for another one: two of them could wait for each other. To read ahead, use Ahead.
func (f *File) Read(ctx context.Context, g int, cols ...Column) (*Group, error) {
	need, err := f.reserve(ctx, g, cols)
	if err != nil {
		return nil, err
	}
	return f.fetch(ctx, g, cols, need)
}

// reserve waits for the memory of a group.
func (f *File) reserve(ctx context.Context, g int, cols []Column) (need int64, err error) {
	fail := func(column string, err error) (int64, error) {
		return 0, &Error{Object: f.object.URI, Group: g, Column: column, Row: -1, Err: err}
	}
	if g < 0 || g >= len(f.footer.groups) {
		return fail("", fmt.Errorf("no such row group: the file has %d", len(f.footer.groups)))
	}
	for _, c := range cols {
		if c.file != f {
			return fail(c.Path, fmt.Errorf("%w: it was looked up in another file", ErrColumn))
		}
		if m := &f.footer.groups[g].chunks[c.leaf.index]; m.problem != "" {
			return fail(c.Path, unsupported("%s", m.problem))
		}
	}
	if f.footer.groups[g].rows > math.MaxInt32 {
		return fail("", fmt.Errorf("%w: %d rows in one row group: write smaller ones", ErrTooLarge, f.footer.groups[g].rows))
	}
	_, need = f.Size(g, cols...)
	if need > f.source.budget {
		return fail("", fmt.Errorf("%w: it needs %s, the limit is %s: raise resources.memory, or write smaller row groups",
			ErrTooLarge, bytesOf(need), bytesOf(f.source.budget)))
	}
	if err := f.source.memory.Acquire(ctx, need); err != nil {
		return fail("", fmt.Errorf("waiting for memory: %w", context.Cause(ctx)))
	}
	return need, nil
}

// fetch reads the chunks of a group whose memory is reserved.
func (f *File) fetch(ctx context.Context, index int, cols []Column, reserved int64) (*Group, error) {
	meta := &f.footer.groups[index]
	g := &Group{file: f, index: index, rows: int(meta.rows), reserved: reserved}
	metas := make([]*chunkMeta, len(cols))
	for i, c := range cols {
		metas[i] = &meta.chunks[c.leaf.index]
		g.chunks = append(g.chunks, chunk{column: c, meta: metas[i]})
	}
	// Ranges that lie apart are fetched at once: they cost the latency of the store together, not each.
	all := spans(metas)
	g.buffers = make([][]byte, len(all))
	fetching, fctx := errgroup.WithContext(ctx)
	fetching.SetLimit(spansAtOnce)
	for i, s := range all {
		b := getBuffer(int(s.to - s.from))
		g.buffers[i] = b
		fetching.Go(func() error { return f.reader.ReadRange(fctx, b, s.from) })
		for i := range g.chunks {
			if m := metas[i]; m.stored > 0 && m.offset >= s.from && m.offset < s.to {
				g.chunks[i].data = b[m.offset-s.from : m.offset-s.from+m.stored]
			}
		}
	}
	if err := fetching.Wait(); err != nil {
		g.Release()
		return nil, &Error{Object: f.object.URI, Group: index, Row: -1, Err: err}
	}
	for i := range g.chunks {
		if ctx.Err() != nil {
			g.Release()
			return nil, &Error{Object: f.object.URI, Group: index, Row: -1, Err: context.Cause(ctx)}
		}
		g.chunks[i].digest = sha256.Sum256(g.chunks[i].data)
	}
	return g, nil
}

// Release gives the group's memory back. Nothing that came from the group may be used afterwards. It may be called twice.
func (g *Group) Release() {
	g.release.Do(func() {
		for _, b := range g.buffers {
			putBuffer(b)
		}
		g.buffers, g.chunks = nil, nil
		g.file.source.memory.Release(g.reserved)
	})
}

// Rows returns the number of rows.
func (g *Group) Rows() int { return g.rows }

// FirstRow returns the row of the file that the group begins with.
func (g *Group) FirstRow() int64 { return g.file.footer.groups[g.index].firstRow }

// Index returns the position of the group in its file.
func (g *Group) Index() int { return g.index }

// Digests returns the digests of the column chunks, in the order in which the columns were asked for.
func (g *Group) Digests() []ChunkDigest {
	digests := make([]ChunkDigest, len(g.chunks))
	for i := range g.chunks {
		k := &g.chunks[i]
		digests[i] = ChunkDigest{Column: k.column.Path, SHA256: hex.EncodeToString(k.digest[:]), Bytes: k.meta.stored}
	}
	return digests
}

// chunk returns the fetched chunk of a column, which must hold scalars, or anything, of one of the kinds.
func (g *Group) chunk(c Column, scalar bool, kinds ...Kind) (*chunk, error) {
	err := g.file.want(c, scalar, kinds...)
	if err == nil {
		for i := range g.chunks {
			if g.chunks[i].column.leaf == c.leaf {
				return &g.chunks[i], nil
			}
		}
		err = fmt.Errorf("%w: it was not read with the row group, or the row group was released", ErrColumn)
	}
	return nil, &Error{Object: g.file.object.URI, Group: g.index, Column: c.Path, Row: -1, Err: err}
}

func (g *Group) pages(k *chunk) *pages {
	return &pages{chunk: k, leaf: k.column.leaf, rest: k.data, left: max(k.meta.uncompressed, k.meta.stored)}
}

// fail says where in the object an error is. row is a row of the group, or negative.
func (g *Group) fail(k *chunk, row int64, err error) error {
	if err == nil {
		return nil
	}
	if row >= 0 {
		row += g.FirstRow()
	}
	return &Error{Object: g.file.object.URI, Group: g.index, Column: k.column.Path, Row: row, Err: err}
}
