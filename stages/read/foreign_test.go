package read_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"palimpsest/stages/read"
	"palimpsest/stages/store"
)

// TestForeignFiles reads the files that other writers made in the directory PALIMPSEST_FOREIGN and compares digests of their columns
// with expected.json there, which the writers computed from their own data:
//
//	{"pyarrow_zstd_v2.parquet": {"rows": 1000, "text_sha256": "...", "log_probs_sha256": "..."}}
//
// A digest is the sha256 over the rows: text, id: a byte 0 or 1 (null or not), then length (uint64) and bytes. label: the byte, then
// the value (int64). log_probs, ids: the byte, length (uint32), and for each element its byte and its value (float64, int64).
// nested: the byte, the number of inner lists (uint32), and for each its length (uint32) and its elements. Numbers are little-endian;
// what is null has nothing after its byte.
func TestForeignFiles(t *testing.T) {
	dir := os.Getenv("PALIMPSEST_FOREIGN")
	if dir == "" {
		t.Skip("PALIMPSEST_FOREIGN names no directory with files of other writers")
	}
	data, err := os.ReadFile(filepath.Join(dir, "expected.json"))
	if err != nil {
		t.Fatal(err)
	}
	var expected map[string]map[string]any
	if err := json.Unmarshal(data, &expected); err != nil {
		t.Fatal(err)
	}
	names, err := filepath.Glob(filepath.Join(dir, "*.parquet"))
	if err != nil || len(names) == 0 {
		t.Fatalf("%d files in %s: %v", len(names), dir, err)
	}
	s := store.New()
	defer s.Close()
	source, known := read.NewSource(s, 2<<30), read.NewSource(s, 2<<30)
	read := map[string]bool{}
	for _, name := range names {
		base := filepath.Base(name)
		read[base] = true
		t.Run(base, func(t *testing.T) {
			want, ok := expected[base]
			if !ok {
				t.Fatal("expected.json has no such file")
			}
			objects, err := s.List(t.Context(), []string{name})
			if err != nil {
				t.Fatal(err)
			}
			f, err := source.Open(t.Context(), objects[0])
			if err != nil {
				t.Fatal(err)
			}
			if f, err = known.OpenKnown(t.Context(), objects[0], f.Outline()); err != nil {
				t.Fatal(err)
			}
			if rows, ok := want["rows"].(float64); !ok || int64(rows) != f.Rows() {
				t.Errorf("%d rows, want %v", f.Rows(), want["rows"])
			}
			for key, value := range want {
				column, isDigest := strings.CutSuffix(key, "_sha256")
				if !isDigest {
					continue
				}
				if got := foreignDigest(t, f, column); got != value {
					t.Errorf("column %s: digest %s, want %s", column, got, value)
				}
			}
		})
	}
	for name := range expected {
		if !read[name] {
			t.Errorf("%s of expected.json is not there", name)
		}
	}
}

// foreignDigest returns the digest of a column over all row groups.
func foreignDigest(t *testing.T, f *read.File, name string) string {
	t.Helper()
	c := mustColumn(t, f, name)
	h := sha256.New()
	for i := range f.Groups() {
		g, err := f.Read(t.Context(), i, c)
		if err != nil {
			t.Fatal(err)
		}
		switch c.Kind {
		case read.Bytes:
			err = digestText(h, g, c)
		case read.Float:
			var v *read.Values[float64]
			if v, err = g.Floats(c); err == nil {
				digestNumbers(h, v, g.Rows(), c.Depth, func(x float64) uint64 { return math.Float64bits(x) })
			}
		default:
			var v *read.Values[int64]
			if v, err = g.Ints(c); err == nil {
				digestNumbers(h, v, g.Rows(), c.Depth, func(x int64) uint64 { return uint64(x) })
			}
		}
		if err != nil {
			t.Fatal(err)
		}
		g.Release()
	}
	return hex.EncodeToString(h.Sum(nil))
}

func digestText(h hash.Hash, g *read.Group, c read.Column) error {
	b, err := g.Bytes(c)
	if err != nil {
		return err
	}
	return g.Each(c, func(row int, text []byte, ok bool) error {
		if whole, also := b.Value(row); also != ok || !bytes.Equal(whole, text) {
			return fmt.Errorf("row %d: Each gives %q, Bytes %q", row, text, whole)
		}
		if !ok {
			h.Write([]byte{0})
			return nil
		}
		h.Write(binary.LittleEndian.AppendUint64([]byte{1}, uint64(len(text))))
		h.Write(text)
		return nil
	})
}

func digestNumbers[T int64 | float64](h hash.Hash, v *read.Values[T], rows, depth int, bits func(T) uint64) {
	for i := range rows {
		values, nulls, ok := v.Row(i)
		if !ok {
			h.Write([]byte{0})
			continue
		}
		element := func(at int) {
			if nulls != nil && nulls[at] {
				h.Write([]byte{0})
				return
			}
			h.Write(binary.LittleEndian.AppendUint64([]byte{1}, bits(values[at])))
		}
		if depth == 0 {
			element(0)
			continue
		}
		h.Write([]byte{1})
		lens := []int{len(values)}
		if depth == 2 {
			lens = v.Lens(i)
			h.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(lens))))
		}
		for _, n := range lens {
			h.Write(binary.LittleEndian.AppendUint32(nil, uint32(n)))
			for at := range n {
				element(at)
			}
			values = slices.Clip(values[n:])
			if nulls != nil {
				nulls = nulls[n:]
			}
		}
	}
}
