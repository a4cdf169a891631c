// Package read reads columns of Parquet objects, a row group at a time, within a given amount of memory.
//
//	source := read.NewSource(store, budget)
//	file, err := source.Open(ctx, object)      // the footer: one request, two when it is long
//	text, err := file.Column("text")
//	group, err := file.Read(ctx, 0, text)      // waits for memory; one request for neighbouring column chunks
//	err = group.Each(text, func(row int, text []byte, ok bool) error { ... })
//	group.Release()
//
// Read is bound by the network and Each by decompression, so Ahead fetches row groups while earlier ones are worked on. Memory is
// reserved before a group is fetched, in the order of the plan, and whoever holds a group can finish it without more: read-ahead
// cannot come to a standstill.
//
// # How pages are read
//
// The vocabulary of the format comes from parquet-go; footers, page headers and pages are decoded here. A corpus comes from
// strangers, and one bad object must cost one quarantined row group, never the process. Reading pages through parquet-go needs, around
// it, a guard for the footer, page walking and decompression under bounds, checks of every run and length before they are expanded, a
// count of values after (a column chunk cut at a page boundary reads as a normal end), and a net for panics; its LZ4_RAW and its
// reading of pages without values, as Spark writes them, have to be gone around. With all that written, decoding is a few hundred
// lines more, which need no second copy of the text, hold one decompressed page at a time, allocate nothing that the footer did not
// announce and the budget did not allow, and cannot panic. The tests read everything parquet-go writes, and what other writers do.
//
// # What is read
//
// Codecs: none, snappy, gzip, brotli, zstd, LZ4_RAW, LZ4. Data pages v1 and v2. Encodings: PLAIN, dictionaries, DELTA_BINARY_PACKED,
// DELTA_LENGTH_BYTE_ARRAY, DELTA_BYTE_ARRAY, BYTE_STREAM_SPLIT, RLE. Page checksums are verified where they are given; where they are
// not, a flipped bit inside text passes unseen, and only the digests of the stored bytes tell. Not read: encrypted columns, LZO,
// levels with the encoding BIT_PACKED (written by nobody for ten years), INT96, decimals, lists deeper than two levels.
package read

import (
	"context"
	"encoding/binary"
	"fmt"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/semaphore"

	"palimpsest/stages/store"
)

// Source opens Parquet objects of a store and bounds the memory of all row groups that are being read. It is safe for concurrent
// use.
type Source struct {
	store   *store.Store
	footers int64 // bytes that one footer may take, parsed
	budget  int64 // bytes of row groups
	memory  *semaphore.Weighted

	longest atomic.Int64 // bytes of the longest footer so far, and a little more

	mu    sync.Mutex
	files map[store.Object]*File
}

// NewSource returns a source that holds at most budget bytes of row groups at once, and opens no file whose footer alone takes more.
// Buffers that wait to be used again, and what callers make of the values, come on top.
func NewSource(s *store.Store, budget int64) *Source {
	waitWithin(budget)
	source := &Source{store: s, footers: budget, budget: budget, memory: semaphore.NewWeighted(budget), files: map[store.Object]*File{}}
	source.longest.Store(smallestFirstRead)
	return source
}

// Limit lowers the bytes of row groups that are held at once, for good. It is for callers that learn from footers what else they will
// have to hold, and is called before the first row group is read: it fails while groups hold more than that.
func (s *Source) Limit(budget int64) error {
	aside := s.budget - budget
	if budget < 0 || aside < 0 || !s.memory.TryAcquire(aside) {
		return fmt.Errorf("limit row groups to %s: they have %s, and may be in use", bytesOf(budget), bytesOf(s.budget))
	}
	s.budget = budget
	return nil
}

// File is the Parquet object of one version. It is safe for concurrent use and holds nothing open.
type File struct {
	source *Source
	reader *store.Reader
	object store.Object
	footer *footer

	outline []byte
}

const (
	// What the first request to an object asks for at least, and at most.
	smallestFirstRead = 8 << 10
	largestFirstRead  = 1 << 20
	// maxFooter bounds the footer of an object. A hundred thousand column chunks take some 15 MiB.
	maxFooter = 64 << 20
	// smallestFile is two magic numbers and the length of the footer.
	smallestFile = 12
)

// Open reads the footer of an object. Files are kept: opening the same version again asks nothing of the store.
func (s *Source) Open(ctx context.Context, o store.Object) (*File, error) {
	if f := s.kept(o); f != nil {
		return f, nil
	}
	r, err := s.store.Open(ctx, o)
	if err != nil {
		return nil, err
	}
	f := &File{source: s, reader: r, object: r.Object()}
	if err := f.readFooter(ctx); err != nil {
		return nil, &Error{Object: o.URI, Group: -1, Row: -1, Err: err}
	}
	s.keep(f)
	return f, nil
}

func (s *Source) kept(o store.Object) *File {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.files[o]
}

func (s *Source) keep(f *File) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.files[f.object] = f
}

// firstRead returns how much of the end of an object the first request asks for, in the hope that the footer lies in it: a thousandth
// of the object, and no less than any footer before took, since the objects of a corpus are alike.
func (s *Source) firstRead(size int64) int64 {
	return min(size, max(size>>10, s.longest.Load()), largestFirstRead)
}

// noteFooter raises what a first request asks for to a footer of n bytes and somewhat more.
func (s *Source) noteFooter(n int64) {
	n = min(n+n/8, largestFirstRead)
	for was := s.longest.Load(); n > was && !s.longest.CompareAndSwap(was, n); was = s.longest.Load() {
	}
}

func (f *File) readFooter(ctx context.Context) error {
	size := f.object.Size
	if size < smallestFile {
		return corrupt("not a Parquet file: %d bytes; JSON lines and text become Parquet with: palimpsest ingest", size)
	}
	tail := make([]byte, f.source.firstRead(size))
	if err := f.reader.ReadRange(ctx, tail, size-int64(len(tail))); err != nil {
		return err
	}
	switch magic := string(tail[len(tail)-4:]); magic {
	case "PAR1":
	case "PARE":
		return unsupported("the file is encrypted: decrypt it first")
	default:
		return corrupt("not a Parquet file, or cut short: it ends in %q; JSON lines and text become Parquet with: palimpsest ingest", magic)
	}
	n := int64(binary.LittleEndian.Uint32(tail[len(tail)-8:]))
	if n > size-smallestFile {
		return corrupt("footer: %d bytes in an object of %d", n, size)
	}
	// Parsed, a footer takes up to sixteen times its size.
	if limit := min(maxFooter, max(f.source.footers/16, 1<<20)); n > limit {
		return fmt.Errorf("%w: a footer of %s, the limit is %s: raise resources.memory", ErrTooLarge, bytesOf(n), bytesOf(limit))
	}
	f.source.noteFooter(n + 8)
	if have := int64(len(tail)) - 8; n > have {
		whole := make([]byte, n)
		if err := f.reader.ReadRange(ctx, whole[:n-have], size-8-n); err != nil {
			return err
		}
		copy(whole[n-have:], tail)
		tail = whole
	} else {
		tail = tail[have-n : have]
	}
	var err error
	if f.footer, err = parseFooter(tail, size); err != nil {
		return err
	}
	f.outline, err = outlineOf(tail)
	return err
}

// Object returns the object and its version.
func (f *File) Object() store.Object { return f.object }

// Rows returns the number of rows of all row groups.
func (f *File) Rows() int64 { return f.footer.rows }

// Groups returns the number of row groups.
func (f *File) Groups() int { return len(f.footer.groups) }

// GroupRows returns the number of rows of a row group.
func (f *File) GroupRows(g int) int64 { return f.footer.groups[g].rows }
