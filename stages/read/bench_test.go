package read_test

import (
	"bytes"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/compress"

	"palimpsest/stages/read"
)

// english makes text that compresses like prose, about three to one.
func english(r *rand.Rand, n int) []byte {
	var b []byte
	for len(b) < n {
		w := r.ExpFloat64() * 300 // frequent words are few
		x := rand.NewPCG(uint64(w), 7).Uint64()
		for range 2 + x%7 {
			b = append(b, "etaoinshrdlucmfwypvbgkjqxz"[(x>>8)%20])
			x = x>>3 ^ x*0x9e3779b97f4a7c15
		}
		b = append(b, ' ')
	}
	return b[:n]
}

type document struct {
	Text string `parquet:"text,optional"`
}

func benchmarkFile(codec compress.Codec, page int, rows int) (file []byte, textBytes int64) {
	r := rand.New(rand.NewPCG(1, 1))
	docs := make([]document, rows)
	for i := range docs {
		docs[i].Text = string(english(r, 1000+r.IntN(4000)))
		textBytes += int64(len(docs[i].Text))
	}
	var b bytes.Buffer
	w := parquet.NewGenericWriter[document](&b, parquet.Compression(codec), parquet.PageBufferSize(page))
	if _, err := w.Write(docs); err != nil {
		panic(err)
	}
	must(w.Close())
	return b.Bytes(), textBytes
}

// BenchmarkEach reads text from memory: bytes are those of the text. The library's page API is beside it for comparison.
func BenchmarkEach(b *testing.B) {
	for name, codec := range map[string]compress.Codec{"zstd": &parquet.Zstd, "snappy": &parquet.Snappy, "none": &parquet.Uncompressed} {
		for size, page := range map[string]int{"1MiB": 1 << 20, "one": 1 << 30} {
			data, n := benchmarkFile(codec, page, 20_000)
			b.Run(name+"/"+size+"/each", func(b *testing.B) {
				f := mustOpen(b, data)
				c := mustColumn(b, f, "text")
				b.SetBytes(n)
				b.ReportAllocs()
				for b.Loop() {
					got := int64(0)
					for i := range f.Groups() {
						g, err := f.Read(b.Context(), i, c)
						if err != nil {
							b.Fatal(err)
						}
						if err := g.Each(c, func(_ int, text []byte, _ bool) error { got += int64(len(text)); return nil }); err != nil {
							b.Fatal(err)
						}
						g.Release()
					}
					if got != n {
						b.Fatalf("%d bytes of %d", got, n)
					}
				}
			})
			b.Run(name+"/"+size+"/decode", func(b *testing.B) {
				f := mustOpen(b, data)
				c := mustColumn(b, f, "text")
				g, err := f.Read(b.Context(), 0, c)
				if err != nil {
					b.Fatal(err)
				}
				defer g.Release()
				b.SetBytes(n)
				b.ReportAllocs()
				for b.Loop() {
					if err := g.Each(c, func(int, []byte, bool) error { return nil }); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.Run(name+"/"+size+"/library", func(b *testing.B) {
				f, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)), parquet.ReadBufferSize(1<<20))
				must(err)
				b.SetBytes(n)
				b.ReportAllocs()
				for b.Loop() {
					got := int64(0)
					for _, g := range f.RowGroups() {
						pages := g.ColumnChunks()[0].Pages()
						for {
							p, err := pages.ReadPage()
							if err == io.EOF {
								break
							}
							must(err)
							v := p.Data()
							_, offsets := v.ByteArray()
							got += int64(offsets[len(offsets)-1])
							parquet.Release(p)
						}
						pages.Close()
					}
					if got != n {
						b.Fatalf("%d bytes of %d", got, n)
					}
				}
			})
		}
	}
}

var sink float64

// BenchmarkFloats reads lists of log-probabilities: bytes are those of the numbers.
func BenchmarkFloats(b *testing.B) {
	type row struct {
		LogProbs []float64 `parquet:"log_probs,list"`
	}
	r := rand.New(rand.NewPCG(1, 1))
	rows := make([]row, 5_000)
	n := int64(0)
	for i := range rows {
		for range r.IntN(1000) {
			rows[i].LogProbs = append(rows[i].LogProbs, -r.ExpFloat64())
		}
		n += int64(len(rows[i].LogProbs)) * 8
	}
	var buf bytes.Buffer
	w := parquet.NewGenericWriter[row](&buf, parquet.Compression(&parquet.Zstd))
	_, err := w.Write(rows)
	must(err)
	must(w.Close())
	f := mustOpen(b, buf.Bytes())
	c := mustColumn(b, f, "log_probs")
	g, err := f.Read(b.Context(), 0, c)
	must(err)
	defer g.Release()
	b.SetBytes(n)
	for b.Loop() {
		var v *read.Values[float64]
		if v, err = g.Floats(c); err != nil {
			b.Fatal(err)
		}
		values, _, _ := v.Row(g.Rows() - 1)
		sink += values[0]
	}
}
