package verify

import (
	"bytes"
	"os"
	"testing"

	"palimpsest/pipeline"
	"palimpsest/schemas"
	"palimpsest/stages/read"
	"palimpsest/stages/store"
	"palimpsest/stages/write"
)

// FuzzTable compares two files that claim to be those of a table: whatever they hold, there are problems or none, and nothing panics.
func FuzzTable(f *testing.F) {
	d := write.NewDir(f.TempDir(), "r", nil)
	w, err := write.Open(d, schemas.Spans)
	if err != nil {
		f.Fatal(err)
	}
	text := "to be or not to be"
	for i := range int64(3) {
		if err := w.Write(schemas.Span{ProbeID: "p", SpanIndex: i, WordEnd: 6, ByteEnd: 18, Words: 6, RarityBits: 1.5, Text: &text}); err != nil {
			f.Fatal(err)
		}
	}
	outputs, err := w.Close(f.Context())
	if err != nil {
		f.Fatal(err)
	}
	var seeds [][]byte
	for _, o := range outputs {
		data, err := os.ReadFile(d.Path(o))
		if err != nil {
			f.Fatal(err)
		}
		seeds = append(seeds, data)
	}
	f.Add(seeds[0], seeds[1])
	f.Add(seeds[1], seeds[0])
	f.Add(seeds[0][:100], seeds[1][:100])
	f.Fuzz(func(t *testing.T, arrow, parquet []byte) {
		s := store.New()
		defer s.Close()
		v := &verifier{store: s, source: read.NewSource(s, 64<<20), url: "mem://bucket/r", report: new(Report), listed: make(map[string]int),
			manifest: &pipeline.Manifest{RunID: "r"}, config: new(pipeline.Config)}
		table := &table{Table: schemas.Spans.Table, arrow: outputs[0], parquet: outputs[1]}
		if err := s.Put(t.Context(), v.url, table.parquet.Path, parquet, "application/octet-stream"); err != nil {
			t.Fatal(err)
		}
		a := &digested{bytes.NewReader(arrow), int64(len(arrow))}
		b := &digested{bytes.NewReader(parquet), int64(len(parquet))}
		if err := v.compare(t.Context(), table, a, b); err != nil {
			t.Fatal(err)
		}
	})
}
