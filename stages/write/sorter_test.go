package write

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"palimpsest/schemas"
)

// A sorter gives back what it was given, in the order of the keys, from memory and from disk.
func TestSorter(t *testing.T) {
	for _, budget := range []int{spoolBytes, 1 << 10} {
		s := NewSorter(NewDir(t.TempDir(), "r", nil), "records")
		s.budget, s.fan = budget, 3
		random := rand.New(rand.NewPCG(1, 2))
		want := make(map[uint32][]uint32)
		for i := range uint32(2000) {
			key := random.Uint32N(500)
			want[key] = append(want[key], i)
			if err := s.Add(binary.BigEndian.AppendUint32(nil, key), binary.BigEndian.AppendUint32(nil, i)); err != nil {
				t.Fatal(err)
			}
		}
		last, n := uint32(0), 0
		err := s.Each(t.Context(), func(key, value []byte) error {
			k, v := binary.BigEndian.Uint32(key), binary.BigEndian.Uint32(value)
			if k < last || !slices.Contains(want[k], v) {
				t.Errorf("record %d of key %d came after key %d", v, k, last)
			}
			last, n = k, n+1
			return nil
		})
		if err != nil || n != 2000 {
			t.Errorf("%d records: %v", n, err)
		}
		s.Discard()
	}
}

// Rows that one spool gives encoded make the same table in another.
func TestSpoolToSpool(t *testing.T) {
	dir := NewDir(t.TempDir(), "r", nil)
	last, err := OpenSpool(dir, schemas.Documents)
	if err != nil {
		t.Fatal(err)
	}
	for part := range 3 {
		s, err := OpenSpool(NewDir(t.TempDir(), "r", nil), schemas.Documents)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Write(documents(part)...); err != nil {
			t.Fatal(err)
		}
		if err := s.Each(t.Context(), last.Insert); err != nil {
			t.Fatal(err)
		}
		if err := s.Write(documents(9)...); err == nil {
			t.Error("a spool that was given away took more rows")
		}
	}
	got, err := last.Close(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	whole, err := OpenSpool(NewDir(t.TempDir(), "r", nil), schemas.Documents)
	if err != nil {
		t.Fatal(err)
	}
	for _, part := range []int{2, 0, 1} {
		if err := whole.Write(documents(part)...); err != nil {
			t.Fatal(err)
		}
	}
	want, err := whole.Close(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func documents(part int) (rows []schemas.Document) {
	for i := range 5 {
		rows = append(rows, schemas.Document{DocumentID: fmt.Sprintf("d%d-%d", i, part), DocumentURI: "file:///c", SHA256: strings.Repeat("0", 64)})
	}
	return rows
}
