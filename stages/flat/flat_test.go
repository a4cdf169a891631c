package flat_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"palimpsest/stages/flat"
)

type row [8]uint64

func TestTables(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		small := rapid.SliceOfN(rapid.Uint32(), 0, 100).Draw(t, "uint32")
		large := rapid.SliceOfN(rapid.Uint64(), 0, 100).Draw(t, "uint64")
		rows := make([]row, rapid.SampledFrom([]int{0, 1, 5000}).Draw(t, "rows")) // more than is hashed at a time
		for i := range rows {
			rows[i][i%8] = uint64(i)
		}
		made := []flat.Field{{Name: "this", Value: rapid.Uint64().Draw(t, "this")}, {Name: "that", Value: 7}}
		var b bytes.Buffer
		w := flat.NewWriter(&b, "kind", made)
		flat.Write(w, small)
		flat.Write(w, large)
		flat.Write(w, rows)
		if n, err := w.Close(); err != nil || n != int64(b.Len()) {
			t.Fatal(n, b.Len(), err)
		}
		r := flat.NewReader(iotest{&b}, "kind", made)
		gotSmall, gotLarge, gotRows := make([]uint32, len(small)), make([]uint64, len(large)), make([]row, len(rows))
		flat.Read(r, gotSmall)
		flat.Read(r, gotLarge)
		flat.Read(r, gotRows)
		if err := r.Close(); err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(small, gotSmall) || !slices.Equal(large, gotLarge) || !slices.Equal(rows, gotRows) {
			t.Fatal("what was read is not what was written")
		}
	})
}

// iotest hands out little at a time.
type iotest struct{ io.Reader }

func (r iotest) Read(b []byte) (int, error) { return r.Reader.Read(b[:min(len(b), 1000)]) }

// Numbers begin with their lowest byte, whatever the machine.
func TestBytes(t *testing.T) {
	var b bytes.Buffer
	w := flat.NewWriter(&b, "kind", nil)
	flat.Write(w, []uint32{0x04030201})
	flat.Write(w, []row{{0x0807060504030201}})
	if _, err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if got := b.Bytes()[64:76]; !bytes.Equal(got, []byte{1, 2, 3, 4, 1, 2, 3, 4, 5, 6, 7, 8}) {
		t.Errorf("%x", got)
	}
}

func TestReaderRefuses(t *testing.T) {
	made := []flat.Field{{Name: "this", Value: 5}}
	var b bytes.Buffer
	w := flat.NewWriter(&b, "kind", made)
	flat.Write(w, []uint64{3})
	if _, err := w.Close(); err != nil {
		t.Fatal(err)
	}
	data := b.Bytes()
	changed := bytes.Clone(data)
	changed[80]++
	for _, c := range []struct {
		name string
		data []byte
		kind string
		made []flat.Field
		most int
		want string
	}{
		{"sound", data, "kind", made, 3, ""},
		{"another kind", data, "other", made, 3, "this is no other"},
		{"made for another", data, "kind", []flat.Field{{Name: "this", Value: 6}}, 3, "the kind was made for another this: 5, not 6"},
		{"too long", data, "kind", made, 2, "a table of length 3 where at most 2 may be"},
		{"cut", data[:len(data)-1], "kind", made, 3, "unexpected EOF"},
		{"cut at a table", data[:80], "kind", made, 3, "unexpected EOF"},
		{"changed", changed, "kind", made, 3, "its digest is"},
		{"longer", append(bytes.Clone(data), 1), "kind", made, 3, "it goes on after its end"},
	} {
		r := flat.NewReader(bytes.NewReader(c.data), c.kind, c.made)
		r.Len(c.most)
		switch err := r.Close(); {
		case c.want == "" && err != nil, c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

// full takes so many bytes.
type full struct{ left int }

var errFull = errors.New("full")

func (f *full) Write(b []byte) (int, error) {
	if len(b) > f.left {
		return f.left, errFull
	}
	f.left -= len(b)
	return len(b), nil
}

func TestWriterFails(t *testing.T) {
	w := flat.NewWriter(&full{70}, "kind", nil)
	flat.Write(w, []uint64{1, 2, 3})
	flat.Write(w, []uint64{1})
	if n, err := w.Close(); !errors.Is(err, errFull) || n != 70 {
		t.Error(n, err)
	}
}
