package baseline_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/ulikunitz/xz"
	"github.com/ulikunitz/xz/lzma"

	"palimpsest/stages/baseline"
)

var prose = strings.Join([]string{
	"A palimpsest is a parchment written over, on which the first text still shows through. ",
	"So it is with a foundation model's weights: training compresses the data into them, and some of it can be read back. ",
	"Nobody had meant to keep the first text, and nobody had succeeded in losing it.",
}, "")

// The names stand for these sizes. A library that compresses otherwise changes the tables: its name must change with it.
func TestImplementations(t *testing.T) {
	var m baseline.Measurer
	for range 2 { // writers that were used give the same
		for _, c := range []struct {
			text string
			want baseline.Sizes
		}{
			{"", baseline.Sizes{Zlib: 11, Zstd: 9, XZ: 48}},
			{"Colorless green ideas sleep furiously.", baseline.Sizes{Zlib: 50, Zstd: 47, XZ: 88}},
			{"The vault code of a willow is 4 0 2 9 1 7 3 5. 123", baseline.Sizes{Zlib: 62, Zstd: 59, XZ: 100}},
			{strings.Repeat("the cat sat on the mat. ", 40), baseline.Sizes{Zlib: 42, Zstd: 41, XZ: 92}},
			{prose, baseline.Sizes{Zlib: 192, Zstd: 189, XZ: 272}},
			{strings.Repeat(prose, 300), baseline.Sizes{Zlib: 598, Zstd: 196, XZ: 348}},
			{noise(10_000), baseline.Sizes{Zlib: 6018, Zstd: 5986, XZ: 6388}},
		} {
			got, err := m.Measure([]byte(c.text))
			if err != nil {
				t.Fatal(err)
			}
			if got != c.want {
				t.Errorf("%.30q, %d bytes: %+v, want %+v: what differs has changed, so it needs a new name: %q, %q, %q", c.text, len(c.text), got,
					c.want, baseline.ZlibImplementation, baseline.ZstdImplementation, baseline.XZImplementation)
			}
		}
	}
}

// noise is text that no dictionary helps with.
func noise(n int) string {
	r := rand.New(rand.NewPCG(3, 4))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte('a' + r.IntN(26))
	}
	return string(b)
}

// The small dictionary makes no difference to the size.
func TestDictionary(t *testing.T) {
	var m baseline.Measurer
	for _, n := range []int{1, 4095, 4096, 4097, 70_000} {
		text := []byte(strings.Repeat(prose, 300)[:n])
		got, err := m.Measure(text)
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		w, err := xz.WriterConfig{DictCap: 8 << 20, NoCheckSum: true, Matcher: lzma.HashTable4}.NewWriter(&b)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(text); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		if got.XZ != int64(b.Len()) {
			t.Errorf("%d bytes: %d with a small dictionary, %d with a large one", n, got.XZ, b.Len())
		}
	}
}

func BenchmarkMeasure(b *testing.B) {
	for name, text := range map[string]string{"passage": prose, "document": strings.Repeat(prose, 10)} {
		b.Run(name, func(b *testing.B) {
			var m baseline.Measurer
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := m.Measure([]byte(text)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
