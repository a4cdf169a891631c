// Package flat writes large tables of numbers to a stream and reads them back into memory of the caller's, as they lie there: one after the
// other, lowest byte first, without copies in between. A header says what they were made for, and a digest of the whole stands at the end.
// How long a table is has to be known before it is read: nothing in a stream makes a reader allocate.
package flat

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"unsafe"

	"github.com/zeebo/xxh3"
)

// Field is one thing that tables were made for.
type Field struct {
	Name  string
	Value uint64
}

// Row is what a table consists of: numbers, or eight of them.
type Row interface{ ~uint32 | ~uint64 | ~[8]uint64 }

// chunk is how much is hashed at a time, while it lies in the cache.
const chunk = 1 << 18

// mostKind is the length of the name of a kind of stream, at most.
const mostKind = 64

// Writer writes one stream. After the first error it writes nothing more.
type Writer struct {
	to     io.Writer
	digest *xxh3.Hasher
	size   int64
	err    error
}

// NewWriter begins a stream of that kind, of at most 64 bytes.
func NewWriter(to io.Writer, kind string, made []Field) *Writer {
	w := &Writer{to: to, digest: xxh3.New()}
	var name [mostKind]byte
	copy(name[:], kind)
	w.write(name[:])
	for _, f := range made {
		Write(w, []uint64{f.Value})
	}
	return w
}

// Write writes a table.
func Write[T Row](w *Writer, table []T) {
	all, width := asBytes(table)
	if !bigEndian {
		w.write(all)
		return
	}
	for part := range slices.Chunk(all, chunk) {
		part = slices.Clone(part)
		swap(part, width)
		w.write(part)
	}
}

func (w *Writer) write(all []byte) {
	for part := range slices.Chunk(all, chunk) {
		if w.err != nil {
			return
		}
		_, _ = w.digest.Write(part)
		var n int
		n, w.err = w.to.Write(part)
		w.size += int64(n)
	}
}

// Close ends the stream with its digest, and returns its length.
func (w *Writer) Close() (int64, error) {
	sum := w.digest.Sum128().Bytes()
	w.write(sum[:])
	return w.size, w.err
}

// Reader reads one stream. After the first error it reads nothing more, and what it has read is not to be used before Close has found it
// whole.
type Reader struct {
	from   io.Reader
	digest *xxh3.Hasher
	err    error
}

// NewReader begins to read a stream of that kind, which has to be made for these things: they have the names that it was written with.
func NewReader(from io.Reader, kind string, made []Field) *Reader {
	r := &Reader{from: from, digest: xxh3.New()}
	var name, found [mostKind]byte
	copy(name[:], kind)
	r.read(found[:])
	if r.err == nil && found != name {
		r.err = fmt.Errorf("this is no %s", kind)
	}
	for _, f := range made {
		var v [1]uint64
		if Read(r, v[:]); r.err == nil && v[0] != f.Value {
			r.err = fmt.Errorf("the %s was made for another %s: %d, not %d", kind, f.Name, v[0], f.Value)
		}
	}
	return r
}

// Read fills a table.
func Read[T Row](r *Reader, table []T) {
	all, width := asBytes(table)
	r.read(all)
	if bigEndian {
		swap(all, width)
	}
}

// Len reads a length, of most at most; 0 after an error.
func (r *Reader) Len(most int) int {
	var n [1]uint64
	if Read(r, n[:]); r.err == nil && n[0] > uint64(most) {
		r.err = fmt.Errorf("a table of length %d where at most %d may be", n[0], most)
	}
	if r.err != nil {
		return 0
	}
	return int(n[0])
}

func (r *Reader) read(all []byte) {
	for part := range slices.Chunk(all, chunk) {
		if r.err != nil {
			return
		}
		if _, r.err = io.ReadFull(r.from, part); errors.Is(r.err, io.EOF) {
			r.err = io.ErrUnexpectedEOF
		}
		_, _ = r.digest.Write(part)
	}
}

// Err returns the first error.
func (r *Reader) Err() error { return r.err }

// Close reads the digest, and returns the first error: that the stream is another than was written is one, and that it goes on.
func (r *Reader) Close() error {
	sum := r.digest.Sum128().Bytes()
	var found [len(sum)]byte
	r.read(found[:])
	if r.err == nil && found != sum {
		r.err = fmt.Errorf("its digest is %x, and %x was written", sum, found)
	}
	if r.err == nil {
		if n, err := io.ReadFull(r.from, found[:1]); n > 0 {
			r.err = errors.New("it goes on after its end")
		} else if !errors.Is(err, io.EOF) {
			r.err = err
		}
	}
	return r.err
}

// asBytes returns the memory of a table, and how many bytes each number has.
func asBytes[T Row](table []T) (all []byte, width int) {
	row := int(unsafe.Sizeof(*new(T)))
	return unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(table))), len(table)*row), min(row, 8)
}

var bigEndian = binary.NativeEndian.Uint16([]byte{1, 0}) != 1

// swap turns the bytes of every number around.
func swap(all []byte, width int) {
	for number := range slices.Chunk(all, width) {
		slices.Reverse(number)
	}
}
