package likelihood_test

import (
	"context"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/parquet-go/parquet-go"

	"palimpsest/stages/likelihood"
	"palimpsest/stages/model"
	"palimpsest/stages/read"
	"palimpsest/stages/store"
)

// record is a row of a file that holds every role, with nulls where they can stand.
type record struct {
	ID   *string     `parquet:"id,optional"`
	LP   []*float32  `parquet:"lp,optional,list"`
	IDs  []*int32    `parquet:"ids,optional,list"`
	Off  []*int32    `parquet:"off,optional,list"`
	Rank []*int32    `parquet:"rank,optional,list"`
	Mu   []*float64  `parquet:"mu,optional,list"`
	SD   []*float64  `parquet:"sd,optional,list"`
	TopI [][]int64   `parquet:"topi,optional,list"`
	TopP [][]float64 `parquet:"topp,optional,list"`
	Note string      `parquet:"note"`
}

var everyRole = map[string]string{"log_probs": "lp", "token_ids": "ids", "byte_offsets": "off",
	"ranks": "rank", "means": "mu",
	"deviations": "sd", "top_ids": "topi", "top_log_probs": "topp"}

func list[T any](values ...T) []*T {
	out := make([]*T, len(values))
	for i := range values {
		out[i] = &values[i]
	}
	return out
}

func nullAt[T any](list []*T, at int) []*T {
	list[at] = nil
	return list
}

// open writes the records, two to a row group, and opens the file through the product's reader.
func open(t *testing.T, records []record) *read.File {
	t.Helper()
	path := filepath.Join(t.TempDir(), "scores.parquet")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := parquet.NewGenericWriter[record](f)
	for len(records) > 0 {
		n := min(2, len(records))
		if _, err := w.Write(records[:n]); err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		records = records[n:]
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return openPath(t, path)
}

func openPath(t *testing.T, path string) *read.File {
	t.Helper()
	path, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	s := store.New()
	t.Cleanup(func() { s.Close() })
	objects, err := s.List(context.Background(), []string{"file://" + filepath.ToSlash(path)})
	if err != nil || len(objects) != 1 {
		t.Fatalf("%d objects: %v", len(objects), err)
	}
	f, err := read.NewSource(s, 1<<30).Open(context.Background(), objects[0])
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// each hands over every row of the file.
func each(t *testing.T, f *read.File, mapping map[string]string, do func(row int, r *likelihood.Rows, i int)) {
	t.Helper()
	columns, err := likelihood.Bind(f, mapping)
	if err != nil {
		t.Fatal(err)
	}
	row := 0
	for g := range f.Groups() {
		group, err := f.Read(context.Background(), g, columns.List()...)
		if err != nil {
			t.Fatal(err)
		}
		rows, err := columns.Rows(group)
		if err != nil {
			t.Fatal(err)
		}
		for i := range rows.Len() {
			do(row, rows, i)
			row++
		}
		group.Release()
	}
}

func TestColumns(t *testing.T) {
	f := open(t, []record{
		{ID: ptr("full"), LP: nullAt(list[float32](0, -1.5), 0), IDs: list[int32](5, 6), Off: list[int32](0, 3),
			Rank: nullAt(list[int32](0, 2), 0),
			Mu:   nullAt(list[float64](0, -7), 0), SD: nullAt(list[float64](0, 2), 0), TopI: [][]int64{{}, {9, 6}},
			TopP: [][]float64{{}, {-.5, -1.5}}},
		{ID: ptr("not scored")},
		{LP: list[float32](-1, -9999), Off: nullAt(list[int32](0, 0), 1)},
		{ID: ptr("empty"), LP: []*float32{}},
	})
	want := []model.Scored{
		{LogProbs: []float64{nan, -1.5}, TokenIDs: []int64{5, 6}, Offsets: []int64{0, 3}, Ranks: []int64{0, 2}, Means: []float64{nan, -7},
			Deviations: []float64{nan, 2}, TopIDs: [][]int64{{}, {9, 6}}, TopLogProbs: [][]float64{{}, {-.5, -1.5}}},
		{},
		{LogProbs: []float64{-1, -9999}, Offsets: []int64{0, -1}},
		{},
	}
	var s model.Scored // reused from row to row
	each(t, f, everyRole, func(row int, r *likelihood.Rows, i int) {
		ok, err := r.Scored(i, &s)
		if err != nil || ok != (row != 1) {
			t.Fatalf("row %d: %v, %v", row, ok, err)
		}
		if !ok {
			return
		}
		if diff := cmp.Diff(want[row], s, cmpopts.EquateNaNs(), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("row %d: %s", row, diff)
		}
		if row != 3 {
			notes, err := s.Check([]byte("The cat"))
			if err != nil || notes != (model.Notes{Clamped: int64(row / 2), BadOffsets: row == 2}) {
				t.Errorf("row %d: %+v, %v", row, notes, err)
			}
		}
	})

	// Roles that are not mapped are unknown, not empty.
	each(t, f, map[string]string{"log_probs": "lp"}, func(row int, r *likelihood.Rows, i int) {
		if ok, err := r.Scored(i, &s); err != nil || ok && (s.TokenIDs != nil || s.Offsets != nil || s.Ranks != nil || s.Means != nil ||
			s.Deviations != nil || s.TopIDs != nil || s.TopLogProbs != nil) {
			t.Errorf("row %d: %+v, %v", row, s, err)
		}
	})
}

func TestColumnsThatCannotBeTrue(t *testing.T) {
	fine := record{LP: list[float32](-1, -2)}
	for _, c := range []struct {
		name string
		r    record
		want string
	}{
		{"NaN", record{LP: list(-1, float32(math.NaN()))},
			"row group 1, column lp, row 2: token 1: the value is NaN; a missing value must be null"},
		{"NaN moment", record{LP: list[float32](-1), SD: list(math.NaN())}, "row group 1, column sd, row 2: token 0: the value is NaN"},
		{"null id", record{LP: list[float32](-1, -2), IDs: nullAt(list[int32](1, 2), 1)},
			"row group 1, column ids, row 2: token 1 is null"},
		{"null rank", record{LP: list[float32](-1, -2), Rank: nullAt(list[int32](1, 2), 0)},
			"row group 1, column rank, row 2: token 0 has a log-probability but no rank"},
	} {
		var s model.Scored
		failed := false
		each(t, open(t, []record{fine, fine, c.r}), everyRole, func(row int, r *likelihood.Rows, i int) {
			_, err := r.Scored(i, &s)
			if (err != nil) != (row == 2) {
				t.Errorf("%s: row %d: %v", c.name, row, err)
			}
			if err != nil {
				failed = true
				if !strings.Contains(err.Error(), "scores.parquet: "+c.want) {
					t.Errorf("%s: %v, want %q", c.name, err, c.want)
				}
			}
		})
		if !failed {
			t.Errorf("%s: no error", c.name)
		}
	}

	each(t, open(t, []record{fine}), everyRole, func(_ int, r *likelihood.Rows, i int) {
		var s model.Scored
		if _, err := r.Scored(i, &s); err != nil {
			t.Fatal(err)
		}
		s.LogProbs[1] = 3
		_, err := s.Check([]byte("ab"))
		if got := r.Fail(i, err).Error(); !strings.HasSuffix(got, "row group 0, column lp, row 0: token 1: log-probability 3 is above 0; "+
			"natural logarithms of probabilities are expected, not losses") {
			t.Error(got)
		}
	})
}

func TestBindRefuses(t *testing.T) {
	f := open(t, []record{{LP: list[float32](-1)}})
	for _, c := range []struct {
		name    string
		mapping map[string]string
		want    string
		column  bool
	}{
		{"nothing", nil, "scores.parquet: no column is named for log_probs", false},
		{"no log-probs", map[string]string{"ranks": "rank"}, "no column is named for log_probs", false},
		{"no such column", map[string]string{"log_probs": "loss"}, "looking for log_probs: file://", true},
		{"text", map[string]string{"log_probs": "note"},
			"column note: wrong column: it holds text, but log_probs are lists of floating-point numbers", true},
		{"flat", map[string]string{"log_probs": "lp", "top_ids": "ids"},
			"column ids: wrong column: it holds lists of whole numbers, but top_ids are lists of lists of whole numbers", true},
		{"unknown role", map[string]string{"log_probs": "lp", "logits": "rank"}, `there is no role "logits"`, false},
	} {
		_, err := likelihood.Bind(f, c.mapping)
		if err == nil || !strings.Contains(err.Error(), c.want) || errors.Is(err, read.ErrColumn) != c.column {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

func ptr[T any](v T) *T { return &v }

// The testbed through the product's reader gives what parquet-go gives.
func TestTestbedColumns(t *testing.T) {
	path := filepath.Join("..", "..", "..", "shared", "testbed", "token_logprobs.parquet")
	if _, err := os.Stat(path); err != nil {
		t.Skip("the testbed is not here: token_logprobs.parquet")
	}
	saids := rows[said](t, "token_logprobs.parquet")
	mapping := map[string]string{"log_probs": "logprob", "token_ids": "token_ids",
		"byte_offsets": "byte_off", "ranks": "rank",
		"means": "mu", "deviations": "sd", "top_ids": "top_ids", "top_log_probs": "top_logprobs"}
	var s model.Scored
	n := 0
	each(t, openPath(t, path), mapping, func(row int, r *likelihood.Rows, i int) {
		d := &saids[row]
		ok, err := r.Scored(i, &s)
		want := model.Scored{LogProbs: d.LogProb, TokenIDs: d.TokenIDs, Offsets: d.Offsets, Ranks: d.Rank, Means: d.Mu,
			Deviations: d.SD,
			TopIDs:     d.TopIDs, TopLogProbs: d.TopLogProbs}
		if !ok || err != nil || !reflect.DeepEqual(want, s) {
			t.Errorf("row %d: %v, %v", row, ok, err)
		}
		n++
	})
	if n != 1480 {
		t.Errorf("%d rows, want 1480", n)
	}
}

func BenchmarkScore(b *testing.B) {
	path := filepath.Join("..", "..", "..", "shared", "testbed", "token_logprobs.parquet")
	if _, err := os.Stat(path); err != nil {
		b.Skip("the testbed is not here: token_logprobs.parquet")
	}
	f, err := os.Open(path)
	if err != nil {
		b.Fatal(err)
	}
	defer f.Close()
	r := parquet.NewGenericReader[said](f)
	defer r.Close()
	saids := make([]said, 680)
	if _, err := r.Read(saids); err != nil && err != io.EOF {
		b.Fatal(err)
	}
	c, err := likelihood.NewScorer(likelihood.Windows{Prefix: 32, Suffix: 50, Stride: 10, TopK: 40})
	if err != nil {
		b.Fatal(err)
	}
	text := []byte(strings.Repeat("Four score and seven years ago. ", 13))
	tokens := 0
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		d := &saids[i%len(saids)]
		tokens += len(d.LogProb)
		if _, err := c.Score(text, &model.Scored{LogProbs: d.LogProb, TokenIDs: d.TokenIDs, Ranks: d.Rank, Means: d.Mu,
			Deviations: d.SD,
			TopIDs:     d.TopIDs, TopLogProbs: d.TopLogProbs}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(tokens)/b.Elapsed().Seconds(), "tokens/s")
}

// A null among the likeliest tokens, written value by value: no struct of parquet-go's can hold it.
func TestNullAmongTheLikeliest(t *testing.T) {
	numbers := parquet.Optional(parquet.List(parquet.Optional(parquet.Leaf(parquet.DoubleType))))
	schema := parquet.NewSchema("scores", parquet.Group{"lp": numbers, "topp": parquet.Optional(parquet.List(numbers))})
	path := filepath.Join(t.TempDir(), "scores.parquet")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	w := parquet.NewGenericWriter[any](f, schema)
	_, err = w.WriteRows([]parquet.Row{{ // lp: [-1, -2], topp: [[], [-.5, null]]
		parquet.DoubleValue(-1).Level(0, 3, 0), parquet.DoubleValue(-2).Level(1, 3, 0),
		parquet.NullValue().Level(0, 3, 1), parquet.DoubleValue(-.5).Level(1, 5, 1), parquet.NullValue().Level(2, 4, 1),
	}})
	if err := errors.Join(err, w.Close(), f.Close()); err != nil {
		t.Fatal(err)
	}
	each(t, openPath(t, path), map[string]string{"log_probs": "lp", "top_log_probs": "topp"}, func(_ int, r *likelihood.Rows, i int) {
		var s model.Scored
		_, err := r.Scored(i, &s)
		if err == nil || !strings.HasSuffix(err.Error(), "column topp, row 0: token 1: entry 1 of the likeliest tokens is null") {
			t.Errorf("got %+v, %v", s, err)
		}
	})
}
