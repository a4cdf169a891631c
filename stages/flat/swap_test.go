package flat

import (
	"bytes"
	"testing"
)

// A machine that begins numbers with their highest byte reads and writes the same stream.
func TestSwap(t *testing.T) {
	var b bytes.Buffer
	w := NewWriter(&b, "kind", nil)
	Write(w, []uint32{0x01020304, 5})
	if _, err := w.Close(); err != nil {
		t.Fatal(err)
	}
	bigEndian = !bigEndian
	defer func() { bigEndian = !bigEndian }()
	table := []uint32{0x04030201, 5 << 24}
	var other bytes.Buffer
	w = NewWriter(&other, "kind", nil)
	Write(w, table)
	if _, err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(b.Bytes(), other.Bytes()) || table[0] != 0x04030201 {
		t.Errorf("%x, and on the other machine %x", b.Bytes(), other.Bytes())
	}
	r := NewReader(&other, "kind", nil)
	read := make([]uint32, 2)
	Read(r, read)
	if err := r.Close(); err != nil || read[0] != table[0] || read[1] != table[1] {
		t.Error(read, err)
	}
}
