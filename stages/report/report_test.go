package report_test

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"palimpsest/schemas"
	"palimpsest/stages/evidence"
	"palimpsest/stages/report"
	"palimpsest/stages/store"
	"palimpsest/stages/write"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// tables are the rows of a run, in any order.
type tables struct {
	runs       []schemas.Run
	probes     []schemas.Probe
	evidence   []schemas.Evidence
	likelihood []schemas.Likelihood
	windows    []schemas.Window
	spans      []schemas.Span
	sources    []schemas.SpanSource
	matches    []schemas.Match
	evaluation []schemas.Evaluation
	extraction []schemas.Extraction
	prompted   []schemas.Generation
	canaries   []schemas.Canary
	tuning     []schemas.Tuning
	compressed []schemas.Compression
}

func to[T any](v T) *T { return &v }

// save writes the tables that have rows, and those named, into a folder.
func (r *tables) save(t *testing.T, empty ...string) (dir string, outputs []write.Output) {
	t.Helper()
	dir = t.TempDir()
	d := write.NewDir(dir, "night-1", nil)
	for _, o := range [][]write.Output{
		saveTable(t, d, schemas.Runs, r.runs, empty), saveTable(t, d, schemas.Probes, r.probes, empty),
		saveTable(t, d, schemas.Evidences, r.evidence, empty), saveTable(t, d, schemas.Likelihoods, r.likelihood, empty),
		saveTable(t, d, schemas.Windows, r.windows, empty), saveTable(t, d, schemas.Spans, r.spans, empty),
		saveTable(t, d, schemas.SpanSources, r.sources, empty), saveTable(t, d, schemas.Matches, r.matches, empty),
		saveTable(t, d, schemas.Evaluations, r.evaluation, empty),
		saveTable(t, d, schemas.Extractions, r.extraction, empty), saveTable(t, d, schemas.Generations, r.prompted, empty),
		saveTable(t, d, schemas.Canaries, r.canaries, empty), saveTable(t, d, schemas.Tunings, r.tuning, empty),
		saveTable(t, d, schemas.Compressions, r.compressed, empty),
	} {
		outputs = append(outputs, o...)
	}
	return dir, outputs
}

func saveTable[R any](t *testing.T, d *write.Dir, of schemas.Of[R], rows []R, empty []string) []write.Output {
	t.Helper()
	if len(rows) == 0 && !strings.Contains(strings.Join(empty, " "), of.Name) {
		return nil
	}
	w, err := write.OpenSpool(d, of)
	if err != nil {
		t.Fatal(err)
	}
	defer w.Discard()
	if err := w.Write(rows...); err != nil {
		t.Fatal(err)
	}
	out, err := w.Close(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// sample is a run with everything in it: works of two groups at several numbers of copies, canaries, generations.
func sample() *tables {
	r := &tables{runs: []schemas.Run{{
		ConfigSHA256: "0123456789abcdef", ProgramVersion: "v1.2.3", CorpusDocuments: to[int64](21_573), CorpusWords: to[int64](830_579),
		Probes: 49, Unit: to("words"), TargetModel: to("small-lm"), ReferenceModel: to("other-lm"),
	}}}
	for i := range 40 {
		copies := int64([]int{0, 1, 3, 20}[i%4])
		id := fmt.Sprintf("work-%02d", i)
		e := schemas.Evidence{
			ProbeID: id, Kind: "work", Model: to("small-lm"), CorpusGrade: "none", CorpusReason: "No.", ModelGrade: "none", ModelReason: "No.",
			Coverage: to(0.), Spans: to[int64](0), ExactDocuments: &copies, ExactWordsDocuments: &copies,
			ScoreName: to("reference_log_ratio"), Score: to(1.), PValue: to(.4), QValue: to(.5), ControlGroup: to("novel"),
			Controls: to[int64](200), MaxP: to(1e-70),
		}
		w := schemas.Window{ProbeID: id, Model: "small-lm", PrefixTokens: 50, SuffixTokens: 50, Greedy: to(false)}
		if copies > 0 {
			e.CorpusGrade, e.Coverage, e.Spans, e.LongestSpanWords = "exact", to(1.), to[int64](1), to[int64](60)
			e.Distinctiveness = to("distinctive")
			text := fmt.Sprintf("It was the %dth night of the great frost, and nobody in the valley remembered another like it", i)
			if i == 3 {
				text = strings.Repeat("a very long run of words that no two lines can hold ", 10)
			}
			r.spans = append(r.spans, schemas.Span{ProbeID: id, WordEnd: 60, Words: 60, ByteEnd: 300, Documents: copies, Occurrences: copies,
				RarityBits: 12.25, MaxWordMatches: copies, Text: &text})
			r.sources = append(r.sources, schemas.SpanSource{ProbeID: id, DocumentID: "doc-" + id, DocumentURI: "s3://corpus/a/part-0.parquet",
				DocumentRow: int64(i), ByteStart: 10, ByteEnd: 310, License: to("CC-BY-4.0")})
		}
		if copies == 20 {
			e.ModelGrade, e.QValue, e.PValue, e.MaxP = "extractable", to(.01), to(.005), to(.02)
			w.Greedy = to(i > 10)
		}
		r.evidence = append(r.evidence, e)
		r.windows = append(r.windows, w)
		r.likelihood = append(r.likelihood,
			schemas.Likelihood{ProbeID: id, Model: "small-lm", Role: "target", Engine: "columns", BitsPerByte: to(2 - float64(copies)/16)},
			schemas.Likelihood{ProbeID: id, Model: "other-lm", Role: "reference", Engine: "columns", BitsPerByte: to(9.)})
		r.probes = append(r.probes, schemas.Probe{ProbeID: id, Kind: "work", SourceURI: "s3://p", UTF8Valid: true, Searchable: to(true)})
	}
	for i := range 4 {
		id := fmt.Sprintf("canary-%d", i)
		r.evidence = append(r.evidence, schemas.Evidence{ProbeID: id, Kind: "canary", Model: to("small-lm"),
			CorpusGrade: "not_assessed", CorpusReason: "Too short.",
			ModelGrade: "not_assessed", ModelReason: "With 64 controls p cannot fall below 0.0154; at least 99 are needed.",
			Coverage: to(0.), Spans: to[int64](0), ExactDocuments: to[int64](1), ExactWordsDocuments: to[int64](1), ControlGroup: to("secret"),
			ScoreName: to("log_prob"), PValue: to(.02), QValue: to(.02), Controls: to[int64](64)})
		r.likelihood = append(r.likelihood, schemas.Likelihood{ProbeID: id, Model: "small-lm", Role: "target", Engine: "columns", BitsPerByte: to(1.5)})
		r.probes = append(r.probes, schemas.Probe{ProbeID: id, Kind: "canary", SourceURI: "s3://p", UTF8Valid: true, Searchable: to(false)})
	}
	for i := range 5 {
		id := fmt.Sprintf("gen-%d", i)
		e := schemas.Evidence{ProbeID: id, Kind: "generation", Model: to("small-lm"), CorpusGrade: "none", ModelGrade: "none", ModelReason: "No.",
			Spans: to[int64](0), Coverage: to(0.)}
		if i == 2 {
			e.ModelGrade, e.Spans, e.LongestSpanWords, e.LongestOutsidePrompt = "verbatim", to[int64](1), to[int64](71), to[int64](58)
			e.CorpusGrade, e.Distinctiveness = "overlap", to("distinctive")
			text := "Call me Ishmael.\x1b[31m\tSome years ago\u202e — never mind\nhow long \x00 precisely 白鯨 \xf0\x9f\x90\x8b having little or no money in my purse"
			r.spans = append(r.spans, schemas.Span{ProbeID: id, SpanIndex: 0, WordStart: 3, WordEnd: 74, Words: 71, ByteEnd: 400,
				Documents: 1, Occurrences: 2, RarityBits: 14.4, MaxWordMatches: 1, Text: &text})
			r.sources = append(r.sources, schemas.SpanSource{ProbeID: id, DocumentID: "moby\x07dick", DocumentURI: "s3://corpus/a/part-1.parquet",
				DocumentRow: 7, ByteStart: 0, ByteEnd: 395})
		}
		r.evidence = append(r.evidence, e)
		r.probes = append(r.probes, schemas.Probe{ProbeID: id, Kind: "generation", SourceURI: "s3://p", UTF8Valid: true, Searchable: to(true)})
	}
	r.evaluation = append(r.evaluation, []schemas.Evaluation{
		{Model: "small-lm", Score: "reference_log_ratio", Slice: "novel copies=1", AUROC: to(.6124), AUROCLow: to(.5), AUROCHigh: to(.71),
			BlindAUROC: to(.58), BlindDifferenceLow: to(-.1), BeatsBlind: to(false)},
		{Model: "small-lm", Score: "reference_log_ratio", Slice: "novel copies=2-3", AUROC: to(.9), AUROCLow: to(.85), AUROCHigh: to(.95),
			BlindAUROC: to(.47), BlindDifferenceLow: to(.3), BeatsBlind: to(true)},
		{Model: "small-lm", Score: "reference_log_ratio", Slice: "novel copies=16-31", AUROC: to(1.), AUROCLow: to(.96), AUROCHigh: to(1.)},
		{Model: "small-lm", Score: "log_prob", Slice: "novel copies=1", AUROC: to(.1), AUROCLow: to(.05), AUROCHigh: to(.2)},
		{Model: "small-lm", Score: "log_prob", Slice: "secret copies=1"},
	}...)
	return r
}

// asked adds what a run has whose models were asked themselves: windows, prompts, ranks of canaries, near-duplicates.
func asked(r *tables, models ...string) *tables {
	for i := range r.evidence {
		if e := &r.evidence[i]; e.Kind != "generation" {
			near := *e.ExactWordsDocuments + int64(i%3)
			e.NearDocuments = &near
		}
	}
	for i, model := range append(models, "other-lm") {
		for _, control := range []bool{false, true} {
			c := schemas.Compression{Model: model, Role: "target", Control: control, Slice: "all", Texts: 44,
				Bytes: 20_000, BitsPerByte: 1.5 + float64(i)/8,
				ZlibPerByte: 4.3, ZstdPerByte: 4.2, XZPerByte: 5.1}
			if model == "other-lm" {
				c.Role = "reference"
			} else {
				c.AdjustedRate, c.MemorizedNet, c.CapacityBits = to(51.4), to(12_345.6), to(7_791_897.6)
			}
			r.compressed = append(r.compressed, c)
			c.Slice, c.BitsPerByte = "novel", .5
			r.compressed = append(r.compressed, c)
		}
	}
	for m, model := range models {
		for i := range 40 {
			id := fmt.Sprintf("work-%02d", i)
			for tau, permille := range []int64{1, 10, 100, 500} {
				x := schemas.Extraction{ProbeID: id, Model: model, TauPermille: permille, Windows: 3, Tested: 3, Coverage: to(0.), CoverageTopK: to(0.)}
				if i%4 == 3 && tau < 3-m {
					x.Extracted, x.ExtractedTopK, x.Coverage = int64(3-tau), 3, to(.5/float64(1+tau))
				}
				if i%8 == 3 {
					x.Greedy = 2
				}
				r.extraction = append(r.extraction, x)
			}
			for draw := range int64(3) {
				g := schemas.Generation{ProbeID: fmt.Sprintf("%s/%s/%d", id, model, draw), Model: model, WorkID: id, PromptTokens: 50,
					Sampling: "top_k", TopK: 40, Draw: draw - 1, Draws: 2, Tokens: to(int64(50)), Asked: 50, SameTokens: to(int64(i % 7)), Extracted: to(false)}
				if draw == 0 {
					g.Sampling, g.TopK, g.Draw, g.Draws = "greedy", 1, 0, 1
				}
				if i%8 == 3 && draw < int64(2-m) {
					g.Extracted, g.SameTokens = to(true), to(int64(50))
				}
				r.prompted = append(r.prompted, g)
			}
		}
		for i := range 4 {
			c := schemas.Canary{ProbeID: fmt.Sprintf("canary-%d", i), Model: model, Tokens: 9, ExactDocuments: to(int64(i % 2)),
				Permutations: to[int64](119), PermutationRank: to(int64(1 + i/3))}
			if i < 3 {
				c.CanaryNull, c.ControlGroup, c.Controls, c.ControlRank = to("slot"), to("secret"), 127, to(int64(64-63*(i%2)))
				c.PValue, c.Exposure = to(float64(64-63*(i%2))/128), to(float64(1+6*(i%2)))
			}
			r.canaries = append(r.canaries, c)
		}
	}
	return r
}

// severalModels is the sample under a second model too, which was tuned from the first.
func severalModels() *tables {
	r := asked(sample(), "small-lm", "tuned-lm")
	r.runs[0].TargetModel = to("small-lm, tuned-lm")
	for _, e := range r.evidence {
		if e.Kind == "generation" {
			continue
		}
		base := e.ModelGrade
		e.Model = to("tuned-lm")
		if e.ProbeID == "work-01" {
			e.ModelGrade = "elevated"
		}
		r.evidence = append(r.evidence, e)
		r.tuning = append(r.tuning, schemas.Tuning{ProbeID: e.ProbeID, Model: "tuned-lm", BaseModel: "small-lm", Bytes: to[int64](300),
			LogProbDelta: to(float64(len(r.tuning)%5) - 1), BitsPerByteDelta: to(float64(len(r.tuning)%5)/8 - .1), BaseModelGrade: base,
			ModelGrade: e.ModelGrade})
	}
	for _, l := range r.likelihood {
		if l.Role == "target" && l.ProbeID != "work-02" {
			l.Model, l.BitsPerByte = "tuned-lm", to(*l.BitsPerByte/2)
			r.likelihood = append(r.likelihood, l)
		}
	}
	for _, w := range r.windows {
		w.Model, w.Greedy = "tuned-lm", to(true)
		r.windows = append(r.windows, w)
	}
	return r
}

// families are the tests of the sample.
func families(model string) []evidence.Family {
	return []evidence.Family{
		{Model: model, Kind: "canary", Score: "log_prob", Group: to("secret"), Controls: 64, Tests: 4, LeastP: 1. / 65, Needed: 2},
		{Model: model, Kind: "work", Score: "reference_log_ratio", Group: to("novel"), Controls: 200, Tests: 20, LeastP: 1. / 201, Needed: 2},
		{Model: model, Kind: "work", Score: "reference_log_ratio", Group: to("poem"), Controls: 200, Tests: 20, LeastP: 1. / 201, Needed: 2},
		{Model: model, Kind: "work", Score: "reference_log_ratio", Controls: 9, Tests: 1, LeastP: .1},
	}
}

func summary(t *testing.T, in report.Input) string {
	t.Helper()
	in.Store = store.New()
	defer in.Store.Close()
	var b bytes.Buffer
	if err := report.Summary(context.Background(), &b, in); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// golden compares text with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (run with -update to accept):\n%s", path, d)
	}
}

func TestSummary(t *testing.T) {
	full := report.Input{
		Quarantined:     []string{"s3://corpus/a/part-2.parquet, row group 3: page 1: bad checksum"},
		RemovedControls: []string{"c-1: It is the text of probe work-01", "c-2: x", "c-3: x", "c-4: x"},
		Notes:           []string{"4 rows of the corpus have no text"},
	}
	nothing := &tables{runs: sample().runs, probes: sample().probes[:1], evidence: sample().evidence[:1]}
	nothing.runs[0].TargetModel, nothing.runs[0].ReferenceModel = nil, nil
	nothing.evidence[0].MaxP, nothing.evidence[0].PValue = nil, nil
	for _, c := range []struct {
		name  string
		run   *tables
		in    report.Input
		empty []string
	}{
		{"full", sample(), full, nil},
		{"asked", asked(sample(), "small-lm"), report.Input{Families: families("small-lm")}, nil},
		{"several_models", severalModels(), report.Input{Families: append(families("small-lm"), families("tuned-lm")...)}, nil},
		{"narrow", sample(), report.Input{Width: 72, Colour: true}, nil},
		{"nothing_found", nothing, report.Input{}, []string{"spans", "span_sources"}},
		{"bare", &tables{runs: []schemas.Run{{ConfigSHA256: "ab", ProgramVersion: "devel"}}}, report.Input{}, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, outputs := c.run.save(t, c.empty...)
			c.in.RunURL, c.in.Outputs = "file://"+dir, outputs
			got := strings.ReplaceAll(summary(t, c.in), dir, "/data/night-1")
			golden(t, c.name, got)
			for i, line := range strings.Split(got, "\n") {
				if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' && !(c.in.Colour && r == 0x1b) }) {
					t.Errorf("line %d has a control character: %q", i+1, line)
				}
			}
		})
	}
}

// Works with a window that is given back greedily, yet not graded for want of token ids, are counted in a footnote.
func TestGreedyButNotAssessed(t *testing.T) {
	const note = "without token ids it is unknown"
	for _, c := range []struct {
		change func(*schemas.Evidence)
		want   string
	}{
		{func(e *schemas.Evidence) {}, ""},
		{func(e *schemas.Evidence) { e.ModelGrade = "not_assessed" }, "Among them are 10 works with a window likely or greedy enough"},
		{func(e *schemas.Evidence) {
			if e.ProbeID == "work-03" {
				e.ModelGrade, e.MaxP = "not_assessed", to(.001)
			} else {
				e.MaxP = nil
			}
		}, "Among them is 1 work with a window likely or greedy enough"},
	} {
		r := sample()
		for i := range r.evidence {
			if e := &r.evidence[i]; e.Kind == "work" {
				c.change(e)
			}
		}
		dir, outputs := r.save(t)
		got := strings.Join(strings.Fields(summary(t, report.Input{RunURL: dir, Outputs: outputs})), " ")
		if strings.Contains(got, note) != (c.want != "") || !strings.Contains(got, c.want) {
			t.Errorf("want %q in\n%s", c.want, got)
		}
	}
}

func TestObjectStore(t *testing.T) {
	dir, outputs := sample().save(t)
	s := store.New()
	defer s.Close()
	for _, o := range outputs {
		err := s.Upload(context.Background(), "mem://b/runs/night-1", o.Path, filepath.Join(dir, filepath.FromSlash(o.Path)), "application/octet-stream")
		if err != nil {
			t.Fatal(err)
		}
	}
	var b bytes.Buffer
	if err := report.Summary(context.Background(), &b, report.Input{Store: s, RunURL: "mem://b/runs/night-1", Outputs: outputs}); err != nil {
		t.Fatal(err)
	}
	local := summary(t, report.Input{RunURL: dir, Outputs: outputs})
	head, _, _ := strings.Cut(local, "The tables")
	if !strings.HasPrefix(b.String(), head) || !strings.Contains(b.String(), "  mem://b/runs/night-1\n") {
		t.Errorf("differs from the local run's:\n%s", b.String())
	}
}

func TestCommands(t *testing.T) {
	dir, outputs := sample().save(t)
	got := summary(t, report.Input{RunURL: dir, Outputs: outputs})
	for _, want := range []string{
		`duckdb -c "SELECT * FROM '` + dir + `/parquet/evidence/*.parquet' LIMIT 5"`,
		`pa.memory_map('` + dir + `/arrow/evidence/part-00000.arrow')`,
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
}

func TestDamagedTables(t *testing.T) {
	for _, table := range []string{"runs", "evidence", "probes", "spans", "windows", "likelihood", "evaluation", "span_sources",
		"extraction", "generations", "canaries", "tuning", "compression"} {
		for _, damage := range []struct {
			name string
			do   func([]byte) []byte
		}{
			{"cut", func(b []byte) []byte { return b[:len(b)/2] }},
			{"empty", func([]byte) []byte { return nil }},
			{"footer length", func(b []byte) []byte { copy(b[len(b)-8:], "\xff\xff\xff\x7f"); return b }},
			{"pages", func(b []byte) []byte {
				for i := 4; i < 60; i++ {
					b[i] ^= 0x55
				}
				return b
			}},
		} {
			dir, outputs := severalModels().save(t)
			path := filepath.Join(dir, "parquet", table, "part-00000.parquet")
			b, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, damage.do(b), 0o644); err != nil {
				t.Fatal(err)
			}
			s := store.New()
			err = report.Summary(context.Background(), new(bytes.Buffer), report.Input{Store: s, RunURL: dir, Outputs: outputs})
			s.Close()
			// Pages of columns that are not shown may be damaged unseen.
			if err == nil && damage.name != "pages" || err != nil && !strings.Contains(err.Error(), path) {
				t.Errorf("%s, %s: %v", table, damage.name, err)
			}
		}
	}
}

func TestMissingAndCancelled(t *testing.T) {
	dir, outputs := sample().save(t)
	s := store.New()
	defer s.Close()
	in := report.Input{Store: s, RunURL: dir, Outputs: outputs}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := report.Summary(ctx, new(bytes.Buffer), in); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if err := os.Remove(filepath.Join(dir, "parquet", "spans", "part-00000.parquet")); err != nil {
		t.Fatal(err)
	}
	if err := report.Summary(context.Background(), new(bytes.Buffer), in); !errors.Is(err, store.ErrMissing) {
		t.Errorf("a table that is gone: %v", err)
	}
	in.Outputs = nil
	if err := report.Summary(context.Background(), new(bytes.Buffer), in); err == nil || !strings.Contains(err.Error(), "no table runs") {
		t.Errorf("no tables: %v", err)
	}
}
