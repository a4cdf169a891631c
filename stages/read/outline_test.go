package read

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"palimpsest/stages/store"
)

type outlineRow struct {
	ID    int64     `parquet:"id"`
	Text  *string   `parquet:"text,optional,zstd"`
	Probs []float32 `parquet:"probs,list"`
	Inner struct {
		Lists []int32 `parquet:"lists,list"`
		Flag  bool    `parquet:"flag"`
	} `parquet:"inner"`
}

// outlineFile is a file with long statistics and many row groups.
func outlineFile(t testing.TB, rows int) []byte {
	t.Helper()
	var b bytes.Buffer
	w := parquet.NewGenericWriter[outlineRow](&b, parquet.MaxRowsPerRowGroup(10),
		parquet.ColumnIndexSizeLimit(func([]string) int { return 500 }), parquet.KeyValueMetadata("pandas", strings.Repeat("x", 2000)))
	for i := range rows {
		text := strings.Repeat(fmt.Sprint("text ", i, " "), 100)
		if _, err := w.Write([]outlineRow{{ID: int64(i), Text: &text, Probs: []float32{1, 2}}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func footerOf(file []byte) []byte {
	n := int(binary.LittleEndian.Uint32(file[len(file)-8:]))
	return file[len(file)-8-n : len(file)-8]
}

// sameOutline fails unless an outline parses to what its footer does.
func sameOutline(t *testing.T, footer []byte, size int64) (outline []byte) {
	t.Helper()
	whole, err := parseFooter(footer, size)
	if err != nil {
		return nil
	}
	if outline, err = outlineOf(footer); err != nil {
		t.Fatalf("a footer that can be read has no outline: %v", err)
	}
	part, err := parseFooter(outline, size)
	if err != nil || !reflect.DeepEqual(part, whole) {
		t.Fatalf("the outline says %+v, %v, the footer %+v", part, err, whole)
	}
	return outline
}

func FuzzOutline(f *testing.F) {
	file := outlineFile(f, 35)
	f.Add(footerOf(file))
	f.Fuzz(func(t *testing.T, footer []byte) { sameOutline(t, footer, int64(len(file))) })
}

// TestOpenKnown: by its outline an object is opened without a request, and the same outline comes out.
func TestOpenKnown(t *testing.T) {
	file := outlineFile(t, 400)
	s := store.New()
	defer s.Close()
	if err := s.Put(t.Context(), "mem://b", "o.parquet", file, "application/vnd.apache.parquet"); err != nil {
		t.Fatal(err)
	}
	objects, err := s.List(t.Context(), []string{"mem://b/"})
	if err != nil {
		t.Fatal(err)
	}
	f, err := NewSource(s, 1<<30).Open(t.Context(), objects[0])
	if err != nil {
		t.Fatal(err)
	}
	outline := sameOutline(t, footerOf(file), int64(len(file)))
	if !bytes.Equal(f.Outline(), outline) {
		t.Error("the file has another outline than its footer")
	}
	t.Logf("%d bytes of a footer of %d, %d column chunks", len(outline), len(footerOf(file)), f.Groups()*len(f.Columns()))
	before := s.Stats()
	source := NewSource(s, 1<<30)
	known, err := source.OpenKnown(t.Context(), objects[0], f.Outline())
	if err != nil {
		t.Fatal(err)
	}
	if again, err := source.Open(t.Context(), objects[0]); err != nil || again != known {
		t.Errorf("opened again: %v", err)
	}
	if !reflect.DeepEqual(s.Stats(), before) {
		t.Errorf("it asked the store: %+v after %+v", s.Stats(), before)
	}
	c, err := known.Column("text")
	if err != nil {
		t.Fatal(err)
	}
	g, err := known.Read(t.Context(), known.Groups()-1, c)
	if err != nil {
		t.Fatal(err)
	}
	defer g.Release()
	rows := 0
	if err := g.Each(c, func(int, []byte, bool) error { rows++; return nil }); err != nil || rows != 10 {
		t.Errorf("%d rows: %v", rows, err)
	}
	short := objects[0]
	short.Size /= 2
	if _, err := NewSource(s, 1<<30).OpenKnown(t.Context(), short, f.Outline()); err == nil {
		t.Error("no error for the outline of a longer object")
	}
	short.Version = ""
	if _, err := NewSource(s, 1<<30).OpenKnown(t.Context(), short, f.Outline()); err == nil {
		t.Error("no error for an object without a version")
	}
}

// TestOutlineOfMutants: a footer with changed bytes that can still be read has an outline that says the same.
func TestOutlineOfMutants(t *testing.T) {
	file := outlineFile(t, 35)
	footer := footerOf(file)
	r := rand.New(rand.NewPCG(1, 1))
	read := 0
	for range 10_000 {
		mutant := bytes.Clone(footer)
		for range 1 + r.IntN(4) {
			mutant[r.IntN(len(mutant))] = byte(r.Uint32())
		}
		if sameOutline(t, mutant, int64(len(file))) != nil {
			read++
		}
	}
	if read < 100 {
		t.Errorf("%d mutants could be read", read)
	}
}
