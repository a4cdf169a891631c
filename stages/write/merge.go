package write

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"slices"
)

// merge calls yield with the keys and rows of the sorted runs in the order of the keys. Both are valid only during the call.
func merge(f *os.File, runs []run, yield func(key, row []byte) error) error {
	heap := make([]*cursor, 0, len(runs))
	for _, r := range runs {
		c := &cursor{reader: bufio.NewReaderSize(io.NewSectionReader(f, r.offset, r.size), 64<<10), left: r.size}
		ok, err := c.next()
		if err != nil {
			return err
		}
		if ok {
			heap = append(heap, c)
		}
	}
	slices.SortFunc(heap, func(a, b *cursor) int { return bytes.Compare(a.key, b.key) }) // a sorted slice is a heap
	for len(heap) > 0 {
		top := heap[0]
		if err := yield(top.key, top.row); err != nil {
			return err
		}
		ok, err := top.next()
		if err != nil {
			return err
		}
		if !ok {
			last := len(heap) - 1
			heap[0], heap = heap[last], heap[:last]
		}
		down(heap)
	}
	return nil
}

// down restores the heap after its first element has grown.
func down(heap []*cursor) {
	for i := 0; ; {
		least := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(heap); child++ {
			if bytes.Compare(heap[child].key, heap[least].key) < 0 {
				least = child
			}
		}
		if least == i {
			return
		}
		heap[i], heap[least] = heap[least], heap[i]
		i = least
	}
}

// cursor reads one run.
type cursor struct {
	reader   *bufio.Reader
	left     int64
	key, row []byte
}

// next reads the next row, or reports that there is none.
func (c *cursor) next() (bool, error) {
	if c.left == 0 {
		return false, nil
	}
	key, err := c.length()
	if err != nil {
		return false, err
	}
	row, err := c.length()
	if err != nil {
		return false, err
	}
	if key > c.left || row > c.left-key {
		return false, errTruncated
	}
	c.left -= key + row
	if c.key, err = c.read(c.key, key); err != nil {
		return false, err
	}
	c.row, err = c.read(c.row, row)
	return err == nil, err
}

func (c *cursor) length() (int64, error) {
	n, err := binary.ReadUvarint(c.reader)
	if errors.Is(err, io.EOF) {
		return 0, errTruncated
	}
	c.left -= int64(len(binary.AppendUvarint(nil, n)))
	if c.left < 0 || n > uint64(c.left) {
		return 0, errTruncated
	}
	return int64(n), err
}

func (c *cursor) read(dst []byte, n int64) ([]byte, error) {
	dst = slices.Grow(dst[:0], int(n))[:n]
	_, err := io.ReadFull(c.reader, dst)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = errTruncated
	}
	return dst, err
}
