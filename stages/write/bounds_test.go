package write_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"palimpsest/schemas"
	"palimpsest/stages/write"
)

// Row groups and batches end at fixed rows, whatever the sizes of the calls.
func TestGroups(t *testing.T) {
	if testing.Short() {
		t.Skip("writes 150,000 rows twice")
	}
	const rows = 150_000
	var digests []string
	for _, step := range []int{1, 1000} {
		d := write.NewDir(t.TempDir(), "r", nil)
		w, err := write.Open(d, schemas.Tokens)
		if err != nil {
			t.Fatal(err)
		}
		for i := 0; i < rows; i += step {
			var some []schemas.Token
			for j := i; j < i+step; j++ {
				some = append(some, schemas.Token{ProbeID: fmt.Sprintf("p%04d", j/1000), Model: "m", TokenIndex: int64(j)})
			}
			if err := w.Write(some...); err != nil {
				t.Fatal(err)
			}
		}
		outputs, err := w.Close(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		digests = append(digests, outputs[0].SHA256+outputs[1].SHA256)

		f := openParquet(t, d.Path(outputs[1]))
		var got []string
		for _, g := range f.Metadata().RowGroups {
			s := g.Columns[schemas.Tokens.Index("probe_id")].MetaData.Statistics
			got = append(got, fmt.Sprintf("%d rows, %s to %s", g.NumRows, s.MinValue, s.MaxValue))
		}
		want := []string{"131072 rows, p0000 to p0131", "18928 rows, p0131 to p0149"}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("row groups:\n%s", d)
		}
	}
	if digests[0] != digests[1] {
		t.Error("the files depend on the size of the calls")
	}
}

// A text as long as 200 MB goes through, has no part in the footer, and its page index, which the library fills with empty
// bounds, is not there to mislead a reader.
func TestHugeText(t *testing.T) {
	if testing.Short() {
		t.Skip("writes 200 MB")
	}
	random := rand.New(rand.NewPCG(1, 2))
	block := make([]byte, 1<<20)
	for i := range block {
		block[i] = 'a' + byte(random.Uint32()%16)
	}
	huge, large := strings.Repeat(string(block), 200), strings.Repeat(string(block), 70)
	d := write.NewDir(t.TempDir(), "r", nil)
	w, err := write.OpenSpool(d, schemas.Probes)
	if err != nil {
		t.Fatal(err)
	}
	small := "small"
	for i, text := range []*string{&small, nil, &large, &small, &huge} {
		if err := w.Write(schemas.Probe{ProbeID: fmt.Sprint("p", 9-i), Text: text}); err != nil {
			t.Fatal(err)
		}
	}
	outputs, err := w.Close(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	f := openParquet(t, d.Path(outputs[1]))
	if n := len(f.Metadata().RowGroups); n != 4 {
		t.Errorf("%d row groups; a huge text is to be one of its own", n)
	}
	for i, g := range f.Metadata().RowGroups {
		for c, column := range g.Columns {
			s := column.MetaData.Statistics
			isString := schemas.Probes.Columns[c].Type == schemas.String
			if isString && column.ColumnIndexOffset != 0 {
				t.Errorf("row group %d: column %s has a page index", i, schemas.Probes.Columns[c].Name)
			}
			if !isString && column.ColumnIndexOffset == 0 {
				t.Errorf("row group %d: column %s lost its page index", i, schemas.Probes.Columns[c].Name)
			}
			if len(s.MaxValue) > 256 || len(s.MinValue) > 256 {
				t.Errorf("row group %d: bounds of %d and %d bytes", i, len(s.MinValue), len(s.MaxValue))
			}
		}
		if nulls := g.Columns[schemas.Probes.Index("text")].MetaData.Statistics.NullCount; (i == 3) != (nulls == 1) {
			t.Errorf("row group %d: %d null texts", i, nulls)
		}
	}
	rows, err := parquet.ReadFile[schemas.Probe](d.Path(outputs[1]))
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 5 || *rows[0].Text != huge || *rows[1].Text != small || *rows[2].Text != large || rows[3].Text != nil {
		t.Error("the rows differ")
	}
}

// Long keys are written, but not as bounds.
func TestLongKey(t *testing.T) {
	d := write.NewDir(t.TempDir(), "r", nil)
	w, err := write.Open(d, schemas.Probes)
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Write(schemas.Probe{ProbeID: "a"}, schemas.Probe{ProbeID: strings.Repeat("b", 1000)}); err != nil {
		t.Fatal(err)
	}
	outputs, err := w.Close(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	s := openParquet(t, d.Path(outputs[1])).Metadata().RowGroups[0].Columns[1].MetaData.Statistics
	if s.MinValue != nil || s.MaxValue != nil {
		t.Errorf("bounds %q and %.10q...", s.MinValue, s.MaxValue)
	}
}
