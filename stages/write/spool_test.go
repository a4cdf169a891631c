package write

import (
	"bytes"
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"slices"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"palimpsest/schemas"
)

// The order of arrival, the number of goroutines, and how often the spool goes to disk and merges do not show in the files.
func TestSpoolOrder(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 7))
	var rows []schemas.SpanSource
	for i := range 3000 {
		url := fmt.Sprint("http://", i)
		rows = append(rows, schemas.SpanSource{ProbeID: fmt.Sprint(i % 17), SpanIndex: int64(i % 5), DocumentID: fmt.Sprint(i), URL: &url})
	}
	var want [2][]byte
	for round, c := range []struct{ goroutines, budget, fan int }{
		{1, spoolBytes, maxRuns}, {1, 20_000, maxRuns}, {1, 4000, 3}, {8, 5000, 4}, {8, 1, 2},
	} {
		random.Shuffle(len(rows), func(i, j int) { rows[i], rows[j] = rows[j], rows[i] })
		root := t.TempDir()
		d := NewDir(root, "r", nil)
		s, err := OpenSpool(d, schemas.SpanSources)
		if err != nil {
			t.Fatal(err)
		}
		s.sorter.budget, s.sorter.fan = c.budget, c.fan
		var wg sync.WaitGroup
		for part := range slices.Chunk(rows, len(rows)/c.goroutines) {
			wg.Go(func() {
				for some := range slices.Chunk(part, 7) {
					if err := s.Write(some...); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		if spilled := len(s.sorter.runs) > 0; spilled != (c.budget < spoolBytes) {
			t.Errorf("round %d: %d runs on disk", round, len(s.sorter.runs))
		}
		outputs, err := s.Close(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		for i, o := range outputs {
			b, err := os.ReadFile(d.Path(o))
			if err != nil {
				t.Fatal(err)
			}
			if round == 0 {
				want[i] = b
			} else if !bytes.Equal(want[i], b) {
				t.Errorf("round %d: %s differs", round, o.Path)
			}
		}
		if left, _ := filepath.Glob(filepath.Join(root, "spool", "*")); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	}
}

// Half a million rows, more than 100 MB, are sorted in bounded memory.
func TestSpoolMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("writes 500,000 rows")
	}
	s, err := OpenSpool(NewDir(t.TempDir(), "r", nil), schemas.Matches)
	if err != nil {
		t.Fatal(err)
	}
	var before, now runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	peak := uint64(0)
	const rows = 500_000
	license := "CC-BY-4.0"
	for i := range rows {
		row := schemas.Match{ProbeID: fmt.Sprintf("probe-%06d", i*7919%rows), DocumentID: fmt.Sprintf("document-%06d", i),
			DocumentURI: "s3://bucket/corpus/2026/part-00000.parquet", Relation: "overlaps", License: &license}
		if err := s.Write(row); err != nil {
			t.Fatal(err)
		}
		if i%10_000 == 0 {
			runtime.GC()
			runtime.ReadMemStats(&now)
			peak = max(peak, now.HeapAlloc)
		}
	}
	if len(s.sorter.runs) < 3 {
		t.Errorf("%d runs on disk, the test needs more", len(s.sorter.runs))
	}
	size := s.sorter.size
	outputs, err := s.Close(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if outputs[0].Rows != rows {
		t.Errorf("%d rows, want %d", outputs[0].Rows, rows)
	}
	if grown := int64(peak) - int64(before.HeapAlloc); grown > 2*spoolBytes {
		t.Errorf("the heap grew by %d bytes while %d bytes went to disk", grown, size)
	}
	t.Logf("%d MB on disk in %d runs, heap grew by at most %d MB", size>>20, len(s.sorter.runs), (int64(peak)-int64(before.HeapAlloc))>>20)
}

func TestLongestString(t *testing.T) {
	if err := checkLength(maxString); err != nil {
		t.Error(err)
	}
	err := checkLength(maxString + 1)
	if want := "a text of 2143289345 bytes is longer than a file can hold (2143289344 bytes)"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// Damage on disk is found when the files are read back.
func TestDamage(t *testing.T) {
	for _, format := range []string{Arrow, Parquet} {
		d := NewDir(t.TempDir(), "r", nil)
		w, err := Open(d, schemas.Documents)
		if err != nil {
			t.Fatal(err)
		}
		for i := range 1000 {
			if err := w.Write(schemas.Document{DocumentID: fmt.Sprintf("d%04d", i), SHA256: fmt.Sprintf("%064x", i*i*i)}); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.flush(true, true); err != nil {
			t.Fatal(err)
		}
		if err := w.arrow.close(); err != nil {
			t.Fatal(err)
		}
		if err := w.parquet.close(); err != nil {
			t.Fatal(err)
		}
		file, read := w.arrow.file, w.arrow.summarise
		if format == Parquet {
			file, read = w.parquet.file, w.parquet.summarise
		}
		want := summary{rows: w.rows, digest: w.digest.Sum128()}
		if got, err := guarded(context.Background(), file, read); err != nil || got != want {
			t.Fatalf("%s before the damage: %v, %v", format, got, err)
		}
		info, err := file.Stat()
		if err != nil {
			t.Fatal(err)
		}
		random := rand.New(rand.NewPCG(3, 4))
		found := 0
		const tries = 400
		for range tries {
			at, old := random.Int64N(info.Size()), make([]byte, 1)
			if _, err := file.ReadAt(old, at); err != nil {
				t.Fatal(err)
			}
			bit := []byte{old[0] ^ 1<<random.IntN(8)}
			if _, err := file.WriteAt(bit, at); err != nil {
				t.Fatal(err)
			}
			if got, err := guarded(context.Background(), file, read); err != nil || got != want {
				found++
			}
			if _, err := file.WriteAt(old, at); err != nil {
				t.Fatal(err)
			}
		}
		// The rest fell on padding, page indexes and statistics, which hold no rows.
		t.Logf("%s: %d of %d bit flips found", format, found, tries)
		if found < tries/2 {
			t.Errorf("%s: only %d of %d bit flips were found", format, found, tries)
		}
		w.Discard()
	}
}

// The key encoding orders like the columns; the row encoding gives the row back.
func TestCodec(t *testing.T) {
	c, err := newCodec(schemas.Evidences.Table)
	if err != nil {
		t.Fatal(err)
	}
	text := rapid.StringOf(rapid.SampledFrom([]rune("\x00\x01a\u00ff")))
	rapid.Check(t, func(t *rapid.T) {
		var key [2][]byte
		var row [2]schemas.Evidence
		for i := range row {
			row[i] = schemas.Evidence{ProbeID: text.Draw(t, "id"), Model: rapid.Ptr(text, true).Draw(t, "model")}
			key[i] = c.appendKey(nil, reflect.ValueOf(&row[i]).Elem())
			var back schemas.Evidence
			encoded := c.appendRow(nil, reflect.ValueOf(&row[i]).Elem())
			if err := c.decodeRow(encoded, reflect.ValueOf(&back).Elem(), c.newCells()); err != nil || !reflect.DeepEqual(row[i], back) {
				t.Fatalf("%+v comes back as %+v, %v", row[i], back, err)
			}
			if n := rapid.IntRange(0, len(encoded)-1).Draw(t, "cut"); c.decodeRow(encoded[:n], reflect.ValueOf(&back).Elem(), c.newCells()) == nil {
				t.Fatalf("a row cut at %d of %d bytes was taken", n, len(encoded))
			}
		}
		order := func(r schemas.Evidence) []string {
			if r.Model == nil {
				return []string{r.ProbeID}
			}
			return []string{r.ProbeID, *r.Model}
		}
		if got, want := bytes.Compare(key[0], key[1]), slices.Compare(order(row[0]), order(row[1])); got != want {
			t.Fatalf("%q against %q: %d, want %d", order(row[0]), order(row[1]), got, want)
		}
	})
}

func BenchmarkSpool(b *testing.B) {
	benchmark(b, func(d *Dir) (func(...schemas.Match) error, func(context.Context) ([]Output, error), error) {
		s, err := OpenSpool(d, schemas.Matches)
		return s.Write, s.Close, err
	})
}

func BenchmarkTable(b *testing.B) {
	benchmark(b, func(d *Dir) (func(...schemas.Match) error, func(context.Context) ([]Output, error), error) {
		w, err := Open(d, schemas.Matches)
		return w.Write, w.Close, err
	})
}

// benchmark writes 100,000 rows of matches and verifies them; a byte is a byte of the row encoding.
func benchmark(b *testing.B, open func(*Dir) (func(...schemas.Match) error, func(context.Context) ([]Output, error), error)) {
	license, coverage := "CC-BY-4.0", .25
	rows := make([]schemas.Match, 100_000)
	c, err := newCodec(schemas.Matches.Table)
	if err != nil {
		b.Fatal(err)
	}
	size := int64(0)
	for i := range rows {
		rows[i] = schemas.Match{ProbeID: fmt.Sprintf("probe-%06d", i/20), DocumentID: fmt.Sprintf("document-%06d", i),
			DocumentURI: "s3://bucket/corpus/2026/part-00000.parquet", DocumentRow: int64(i), Relation: "overlaps",
			ProbeCoverage: &coverage, License: &license}
		size += int64(len(c.appendRow(nil, reflect.ValueOf(&rows[i]).Elem())))
	}
	b.SetBytes(size)
	b.ReportAllocs()
	for b.Loop() {
		write, closeTable, err := open(NewDir(b.TempDir(), "benchmark", nil))
		if err != nil {
			b.Fatal(err)
		}
		if err := write(rows...); err != nil {
			b.Fatal(err)
		}
		if _, err := closeTable(context.Background()); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(len(rows)*b.N)/b.Elapsed().Seconds(), "rows/s")
}
