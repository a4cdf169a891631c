package pipeline

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"slices"

	"github.com/klauspost/compress/zstd"
)

// A file of records is how intermediate results are kept: the texts of a plan, what was found in a unit of the corpus, what a model said
// of some texts. It is zstd over a head in JSON and records of a kind, a key and a value, closed by the SHA-256 of all that; the bytes
// are a function of what is written alone. A file that is cut short or changed is found out at its end, so nothing that was read of it
// may be published before.

// endOfRecords is the kind of what closes a file.
const endOfRecords = 0

// recordWriter writes one file. The first error stays.
type recordWriter struct {
	out   *zstd.Encoder
	sum   hash.Hash
	frame []byte
	err   error
}

// writeRecords makes the local file of that head and the records that fill adds. After an error there is none.
func writeRecords(path string, head any, fill func(w *recordWriter) error) (err error) {
	data, err := json.Marshal(head)
	if err != nil {
		return &BugError{fmt.Errorf("encoding the head of intermediate results: %w", err)}
	}
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("writing intermediate results: %w", err)
	}
	defer func() {
		if err != nil {
			_ = os.Remove(path)
		}
	}()
	defer func() { err = errors.Join(err, f.Close()) }()
	z, err := zstd.NewWriter(f, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest))
	if err != nil {
		return &BugError{err}
	}
	w := &recordWriter{out: z, sum: sha256.New()}
	w.write(binary.AppendUvarint(nil, uint64(len(data))))
	w.write(data)
	if err := fill(w); err != nil {
		return errors.Join(err, z.Close())
	}
	w.write([]byte{endOfRecords})
	w.write(w.sum.Sum(nil))
	if err := errors.Join(w.err, z.Close()); err != nil {
		return fmt.Errorf("writing intermediate results: %w", err)
	}
	return nil
}

func (w *recordWriter) write(b []byte) {
	if w.err == nil {
		w.sum.Write(b)
		_, w.err = w.out.Write(b)
	}
}

// add writes a record. The kind is not endOfRecords.
func (w *recordWriter) add(kind byte, key, value []byte) error {
	w.frame = append(w.frame[:0], kind)
	w.frame = binary.AppendUvarint(w.frame, uint64(len(key)))
	w.frame = binary.AppendUvarint(w.frame, uint64(len(value)))
	w.write(w.frame)
	w.write(key)
	w.write(value)
	return w.err
}

// recordReader reads one file.
type recordReader struct {
	buffer     *bufio.Reader
	sum        hash.Hash
	one        [1]byte
	key, value []byte
}

// maxRecord bounds the key and the value of a record, and the head: a probe's text is the longest there is.
const maxRecord = 4 << 30

// readRecords reads a file: its head into head, which check may refuse, then yield is called with the records, in order; key and value are
// valid during the call. What cannot be read is a DataError. Nothing is to be published of the records before it returns nil.
func readRecords(f io.Reader, head any, check func() error, yield func(kind byte, key, value []byte) error) error {
	z, err := zstd.NewReader(f, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(64<<20))
	if err != nil {
		return &BugError{err}
	}
	defer z.Close()
	r := &recordReader{buffer: bufio.NewReaderSize(z, 1<<16), sum: sha256.New()}
	n, err := r.length()
	if err == nil {
		r.value, err = r.bytes(r.value, n)
	}
	if err == nil {
		err = json.Unmarshal(r.value, head)
	}
	if err != nil {
		return broken(fmt.Errorf("the head: %w", err))
	}
	if err := check(); err != nil {
		return broken(err)
	}
	for {
		kind, key, value, err := r.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return broken(err)
		}
		if err := yield(kind, key, value); err != nil {
			return err
		}
	}
}

// broken says that an intermediate result is not what was written.
func broken(err error) error { return &DataError{err} }

// next returns the next record; both slices are valid until the call after. It returns io.EOF at the end of a whole file.
func (r *recordReader) next() (kind byte, key, value []byte, err error) {
	if kind, err = r.byte(); err != nil {
		return 0, nil, nil, err
	}
	if kind == endOfRecords {
		want := r.sum.Sum(nil)
		sum, err := r.bytes(nil, sha256.Size)
		if err != nil {
			return 0, nil, nil, err
		}
		if !bytes.Equal(sum, want) {
			return 0, nil, nil, errors.New("its digest is another: the bytes were changed")
		}
		if _, err := r.buffer.ReadByte(); !errors.Is(err, io.EOF) {
			return 0, nil, nil, errors.New("there is more after its end")
		}
		return 0, nil, nil, io.EOF
	}
	keyBytes, err := r.length()
	if err != nil {
		return 0, nil, nil, err
	}
	valueBytes, err := r.length()
	if err != nil {
		return 0, nil, nil, err
	}
	if r.key, err = r.bytes(r.key, keyBytes); err != nil {
		return 0, nil, nil, err
	}
	if r.value, err = r.bytes(r.value, valueBytes); err != nil {
		return 0, nil, nil, err
	}
	return kind, r.key, r.value, nil
}

func (r *recordReader) byte() (byte, error) {
	b, err := r.buffer.ReadByte()
	r.one[0] = b
	if err == nil {
		r.sum.Write(r.one[:])
	}
	return b, cutShort(err)
}

func (r *recordReader) length() (uint64, error) {
	n := uint64(0)
	for shift := 0; shift < 64; shift += 7 {
		b, err := r.byte()
		if err != nil {
			return 0, err
		}
		n |= uint64(b&0x7f) << shift
		if b < 0x80 {
			if n > maxRecord {
				break
			}
			return n, nil
		}
	}
	return 0, errors.New("a record is longer than any")
}

// bytes reads n bytes into b. The length is not believed before the bytes are there.
func (r *recordReader) bytes(b []byte, n uint64) ([]byte, error) {
	const step = 1 << 20
	b = b[:0]
	for n > 0 {
		k := int(min(n, step))
		at := len(b)
		b = slices.Grow(b, k)[:at+k]
		if _, err := io.ReadFull(r.buffer, b[at:]); err != nil {
			return b, cutShort(err)
		}
		n -= uint64(k)
	}
	r.sum.Write(b)
	return b, nil
}

func cutShort(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("it is cut short")
	}
	return err
}
