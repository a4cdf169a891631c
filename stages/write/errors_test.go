package write_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"palimpsest/schemas"
	"palimpsest/stages/write"
)

func TestErrors(t *testing.T) {
	text := func(s string) *string { return &s }
	number := func(x float64) *float64 { return &x }
	for _, c := range []struct {
		name string
		rows []schemas.Evidence
		want string
	}{
		{"same key", []schemas.Evidence{{ProbeID: "a", Model: text("m")}, {ProbeID: "a", Model: text("m")}},
			`writing table evidence, row 1: a second row with the key probe_id "a", model "m"`},
		{"same key, null", []schemas.Evidence{{ProbeID: "a"}, {ProbeID: "a"}},
			`writing table evidence, row 1: a second row with the key probe_id "a", model null`},
		{"order", []schemas.Evidence{{ProbeID: "b"}, {ProbeID: "a"}},
			`writing table evidence, row 1: out of order: the key probe_id "a", model null is less than that of the row before`},
		{"order of nulls", []schemas.Evidence{{ProbeID: "a", Model: text("")}, {ProbeID: "a"}},
			`writing table evidence, row 1: out of order: the key probe_id "a", model null is less than that of the row before`},
		{"UTF-8", []schemas.Evidence{{ProbeID: "a", CorpusReason: "\ufffd ok"}, {ProbeID: "b", ModelReason: "caf\xe9"}},
			`writing table evidence, row 1: column model_reason: invalid UTF-8 at byte 3 of 4; a text that is not UTF-8 must be null`},
		{"UTF-8 of a nullable column", []schemas.Evidence{{ProbeID: "a", ScoreName: text("\xff")}},
			`writing table evidence, row 0: column score_name: invalid UTF-8 at byte 0 of 1; a text that is not UTF-8 must be null`},
		{"NaN", []schemas.Evidence{{ProbeID: "a", Score: number(math.NaN())}},
			`writing table evidence, row 0: column score: NaN is not a finite number; what is undefined must be null`},
		{"infinite", []schemas.Evidence{{ProbeID: "a", Score: number(math.Inf(-1))}},
			`writing table evidence, row 0: column score: -Inf is not a finite number; what is undefined must be null`},
	} {
		t.Run(c.name, func(t *testing.T) {
			root := t.TempDir()
			w, err := write.Open(write.NewDir(root, "r", nil), schemas.Evidences)
			if err != nil {
				t.Fatal(err)
			}
			err = w.Write(c.rows...)
			if err == nil || err.Error() != c.want {
				t.Fatalf("got  %v\nwant %s", err, c.want)
			}
			if again := w.Write(schemas.Evidence{ProbeID: "z"}); !errors.Is(again, err) {
				t.Errorf("the table goes on after an error: %v", again)
			}
			if _, closed := w.Close(context.Background()); !errors.Is(closed, err) {
				t.Errorf("Close: %v", closed)
			}
			noFiles(t, root)
		})
	}
}

func TestSpoolErrors(t *testing.T) {
	root := t.TempDir()
	d := write.NewDir(root, "r", nil)
	s, err := write.OpenSpool(d, schemas.Spans)
	if err != nil {
		t.Fatal(err)
	}
	bad := "\x80"
	err = s.Write(schemas.Span{ProbeID: "p", SpanIndex: 3, Text: &bad})
	want := `writing table spans, row with probe_id "p", span_index 3: column text: invalid UTF-8 at byte 0 of 1; a text that is not UTF-8 must be null`
	if err == nil || err.Error() != want {
		t.Fatalf("got  %v\nwant %s", err, want)
	}
	if _, closed := s.Close(context.Background()); !errors.Is(closed, err) {
		t.Errorf("Close: %v", closed)
	}
	noFiles(t, root)

	s, err = write.OpenSpool(d, schemas.Spans)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Write(schemas.Span{ProbeID: "p"}, schemas.Span{ProbeID: "o"}, schemas.Span{ProbeID: "p"}); err != nil {
		t.Fatal(err)
	}
	_, err = s.Close(context.Background())
	if want := `writing table spans, row 2: a second row with the key probe_id "p", span_index 0`; err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	noFiles(t, root)
}

func TestTimestamp(t *testing.T) {
	write1 := func(at time.Time) ([]write.Output, *write.Dir, error) {
		d := write.NewDir(t.TempDir(), "r", nil)
		w, err := write.Open(d, schemas.Runs)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.Write(schemas.Run{LogicalDate: &at}); err != nil {
			return nil, d, err
		}
		o, err := w.Close(context.Background())
		return o, d, err
	}
	// A zone is converted, what is below a microsecond is cut.
	o, d, err := write1(time.Date(2026, 11, 23, 1, 0, 0, 1999, time.FixedZone("", 7200)))
	if err != nil {
		t.Fatal(err)
	}
	want := time.Date(2026, 11, 22, 23, 0, 0, 1000, time.UTC)
	for _, got := range readArrow(t, schemas.Runs.Table, d.Path(o[0])) {
		if got := *got.Interface().(schemas.Run).LogicalDate; got != want {
			t.Errorf("%v, want %v", got, want)
		}
	}
	for _, y := range []int{1, 1677, 2262, 9999, 12026} {
		want := fmt.Sprintf("writing table runs, row 0: column logical_date: the year %d is outside 1678 to 2261", y)
		if _, _, err := write1(time.Date(y, 1, 1, 0, 0, 0, 0, time.UTC)); err == nil || err.Error() != want {
			t.Errorf("the year %d: %v", y, err)
		}
	}
}

func TestCancel(t *testing.T) {
	root := t.TempDir()
	d := write.NewDir(root, "r", nil)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	w, err := write.Open(d, schemas.Runs)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("table: %v", err)
	}
	s, err := write.OpenSpool(d, schemas.Probes)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Write(schemas.Probe{ProbeID: "p"}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("spool: %v", err)
	}
	noFiles(t, root)
}

// A table is written once; what a caller holds after Write is its own again.
func TestOnceAndNothingKept(t *testing.T) {
	d := write.NewDir(t.TempDir(), "r", nil)
	w, err := write.Open(d, schemas.Evidences)
	if err != nil {
		t.Fatal(err)
	}
	model := "m0"
	for i := range 3 {
		model = string(rune('a' + i))
		if err := w.Write(schemas.Evidence{ProbeID: "p", Model: &model}); err != nil {
			t.Fatal(err)
		}
	}
	o, err := w.Close(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range readArrow(t, schemas.Evidences.Table, d.Path(o[0])) {
		if got, want := *row.Interface().(schemas.Evidence).Model, string(rune('a'+i)); got != want {
			t.Errorf("row %d: model %q, want %q", i, got, want)
		}
	}
	if _, err := write.Open(d, schemas.Evidences); !errors.Is(err, os.ErrExist) {
		t.Errorf("opened twice: %v", err)
	}
	if err := w.Write(schemas.Evidence{}); err == nil {
		t.Error("write after close")
	}
	if _, err := w.Close(context.Background()); err == nil {
		t.Error("close after close")
	}
	w.Discard()
	if _, err := os.Stat(d.Path(o[0])); err != nil {
		t.Errorf("Discard after Close: %v", err)
	}
}

func noFiles(t *testing.T, root string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, e os.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			t.Errorf("left behind: %s", path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
