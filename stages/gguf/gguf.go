// Package gguf reads GGUF files, the format in which llama.cpp keeps models: metadata, a table of tensors, and the tensors' bytes.
//
// The layout, all little-endian (github.com/ggml-org/ggml, docs/gguf.md, versions 2 and 3):
//
//	"GGUF"  uint32 version  uint64 tensors  uint64 pairs
//	pairs   key string, uint32 kind, value; a string is a uint64 length and bytes, an array a uint32 kind, a uint64 length and values
//	tensors name string, uint32 dimensions (at most 4), uint64 each, innermost first; uint32 type; uint64 offset
//	padding to general.alignment (32), then the data: a tensor begins at its offset from here
//
// Nothing in a file is believed: a count, length or offset is held against the file's size before anything is allocated for it, so that
// a hostile file costs an error and memory in proportion to its bytes.
package gguf

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/bits"
)

const (
	// mostHeader bounds metadata and tensor table together. A vocabulary of 262,144 tokens with its merges takes 20 MB.
	mostHeader = 256 << 20
	// deepest is how far arrays may be nested. No known model nests any.
	deepest = 4
	// leastPair and leastTensor are the bytes that the shortest pair and tensor entry take.
	leastPair   = 8 + 4 + 1
	leastTensor = 8 + 4 + 4 + 8
)

// File is a GGUF file whose header was read. Its methods may be called from several goroutines.
type File struct {
	Version  uint32
	Metadata Metadata
	Tensors  []Tensor // in the file's order

	byName map[string]int
	data   int64 // where the tensors' data begins
	src    io.ReaderAt
}

// Tensor is an entry of the tensor table.
type Tensor struct {
	Name  string
	Type  Type
	Shape []int64 // innermost first: a matrix is {inputs, outputs}, its rows of inputs one after the other

	elements int64
	offset   int64 // from the beginning of the data
	bytes    int64 // 0 when the type's size is not known
}

// Elements returns how many numbers the tensor holds.
func (t *Tensor) Elements() int64 { return t.elements }

// Open reads the header of a file of size bytes. The tensors' bytes are read from src when they are asked for.
func Open(src io.ReaderAt, size int64) (*File, error) {
	d := &decoder{r: bufio.NewReaderSize(io.NewSectionReader(src, 0, size), 64<<10), left: min(size, mostHeader), cut: size > mostHeader}
	f := &File{src: src}
	if err := f.readHeader(d, size); err != nil {
		return nil, fmt.Errorf("gguf: %w", err)
	}
	return f, nil
}

func (f *File) readHeader(d *decoder, size int64) error {
	var magic [4]byte
	if err := d.read(magic[:]); err != nil {
		return err
	}
	if string(magic[:]) != "GGUF" {
		return fmt.Errorf("the file begins with %q, not with GGUF", magic[:])
	}
	version, err := d.uint32()
	switch {
	case err != nil:
		return err
	case version != 2 && version != 3 && bits.ReverseBytes32(version) <= 3:
		return errors.New("the file is big-endian; little-endian ones are read")
	case version != 2 && version != 3:
		return fmt.Errorf("version %d; versions 2 and 3 are read", version)
	}
	f.Version = version
	tensors, err := d.count("tensors", leastTensor)
	if err != nil {
		return err
	}
	pairs, err := d.count("pairs of metadata", leastPair)
	if err != nil {
		return err
	}
	if f.Metadata, err = readMetadata(d, pairs); err != nil {
		return err
	}
	if err := f.readTable(d, tensors); err != nil {
		return err
	}
	return f.place(d.at, size)
}

// readTable reads the entries of the tensor table.
func (f *File) readTable(d *decoder, n int) error {
	f.byName = make(map[string]int)
	for i := range n {
		t, err := readTensor(d)
		if err != nil {
			if t.Name != "" {
				return fmt.Errorf("tensor %q: %w", t.Name, err)
			}
			return fmt.Errorf("tensor %d: %w", i, err)
		}
		if _, ok := f.byName[t.Name]; ok {
			return fmt.Errorf("tensor %q is listed twice", t.Name)
		}
		f.byName[t.Name] = i
		f.Tensors = append(f.Tensors, t)
	}
	return nil
}

func readTensor(d *decoder) (t Tensor, err error) {
	if t.Name, err = d.string(); err != nil {
		return t, fmt.Errorf("name: %w", err)
	}
	dimensions, err := d.uint32()
	if err != nil {
		return t, err
	}
	if dimensions > 4 {
		return t, fmt.Errorf("%d dimensions; there can be 4", dimensions)
	}
	t.elements = 1
	for range dimensions {
		n, err := d.uint64()
		if err != nil {
			return t, err
		}
		high, low := bits.Mul64(uint64(t.elements), n)
		if high != 0 || n > math.MaxInt64 || low > math.MaxInt64 {
			return t, fmt.Errorf("more than 2^63 elements")
		}
		t.Shape, t.elements = append(t.Shape, int64(n)), int64(low)
	}
	typ, err := d.uint32()
	if err != nil {
		return t, err
	}
	t.Type = Type(typ)
	offset, err := d.uint64()
	if err != nil {
		return t, err
	}
	if offset > math.MaxInt64 {
		return t, fmt.Errorf("offset %d", offset)
	}
	t.offset = int64(offset)
	block := t.Type.Block()
	if block == 0 {
		return t, nil // the size is not known, so Bytes refuses it
	}
	if len(t.Shape) == 0 || t.Shape[0]%int64(block) != 0 {
		return t, fmt.Errorf("shape %d does not divide into blocks of %d, the block size of %v", t.Shape, block, t.Type)
	}
	high, low := bits.Mul64(uint64(t.elements/int64(block)), uint64(t.Type.BlockBytes()))
	if high != 0 || low > math.MaxInt64 {
		return t, fmt.Errorf("more than 2^63 bytes")
	}
	t.bytes = int64(low)
	return t, nil
}

// place finds where the data begins, and holds every tensor against the file's size.
func (f *File) place(header, size int64) error {
	alignment := int64(32)
	if _, ok := f.Metadata["general.alignment"]; ok {
		a, err := f.Metadata.Uint("general.alignment")
		if err != nil {
			return err
		}
		if a == 0 || a > 1<<20 || a&(a-1) != 0 {
			return fmt.Errorf("general.alignment is %d, not a power of two up to 2^20", a)
		}
		alignment = int64(a)
	}
	f.data = (header + alignment - 1) &^ (alignment - 1)
	for i := range f.Tensors {
		t := &f.Tensors[i]
		if t.offset%alignment != 0 {
			return fmt.Errorf("tensor %q: offset %d is not aligned to %d", t.Name, t.offset, alignment)
		}
		if room := size - f.data; t.offset > room || t.bytes > room-t.offset {
			return fmt.Errorf("tensor %q: bytes %d to %d of the data, which has %d; is the file cut short?",
				t.Name, t.offset, t.offset+t.bytes, max(room, 0))
		}
	}
	return nil
}

// Tensor returns the entry of a name, nil when there is none.
func (f *File) Tensor(name string) *Tensor {
	if i, ok := f.byName[name]; ok {
		return &f.Tensors[i]
	}
	return nil
}

// Bytes reads a tensor's bytes: its rows one after the other, in blocks of its type.
func (f *File) Bytes(t *Tensor) ([]byte, error) {
	if t.Type.Block() == 0 {
		return nil, fmt.Errorf("gguf: tensor %q: type %v is not supported; %s are", t.Name, t.Type, supported())
	}
	b := make([]byte, t.bytes)
	if n, err := f.src.ReadAt(b, f.data+t.offset); n < len(b) {
		return nil, fmt.Errorf("gguf: tensor %q: read %d of %d bytes: %w", t.Name, n, len(b), err)
	}
	return b, nil
}

// decoder reads the header and counts its bytes.
type decoder struct {
	r    *bufio.Reader
	at   int64
	left int64 // bytes that the header can still have
	cut  bool  // left was bounded by mostHeader, not by the file
	buf  [8]byte
}

func (d *decoder) read(b []byte) error {
	if int64(len(b)) > d.left {
		return d.tooShort(uint64(len(b)))
	}
	n, err := io.ReadFull(d.r, b)
	d.at, d.left = d.at+int64(n), d.left-int64(n)
	if err != nil {
		return fmt.Errorf("at byte %d: %w", d.at, err)
	}
	return nil
}

func (d *decoder) tooShort(want uint64) error {
	if d.cut {
		return fmt.Errorf("at byte %d: %d bytes are wanted; the header would be larger than the %d MiB it may have", d.at, want, mostHeader>>20)
	}
	return fmt.Errorf("at byte %d: %d bytes are wanted, %d are left; is the file cut short?", d.at, want, d.left)
}

func (d *decoder) uint32() (uint32, error) {
	err := d.read(d.buf[:4])
	return binary.LittleEndian.Uint32(d.buf[:4]), err
}

func (d *decoder) uint64() (uint64, error) {
	err := d.read(d.buf[:8])
	return binary.LittleEndian.Uint64(d.buf[:8]), err
}

// count reads how many things follow, each of which takes least bytes or more.
func (d *decoder) count(what string, least int64) (int, error) {
	n, err := d.uint64()
	if err != nil {
		return 0, fmt.Errorf("number of %s: %w", what, err)
	}
	if n > uint64(d.left/least) {
		return 0, fmt.Errorf("%d %s in the %d bytes that are left", n, what, d.left)
	}
	return int(n), nil
}

func (d *decoder) string() (string, error) {
	n, err := d.uint64()
	if err != nil {
		return "", err
	}
	if n > uint64(d.left) {
		return "", d.tooShort(n)
	}
	b := make([]byte, n)
	err = d.read(b)
	return string(b), err
}
