package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"palimpsest/pipeline"
	"palimpsest/schemas"
)

const long = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen"

type nullable struct {
	ID   *string `parquet:"id"`
	Text *string `parquet:"text"`
}

func ptr[T any](v T) *T { return &v }

// TestBadInput gives the command input that is wrong in one way each, and expects one line that says where and what, and the exit
// code that says whether a retry may help.
func TestBadInput(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "x")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "x")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	good := []document{{"a", long}, {"b", "another text"}}
	for _, c := range []struct {
		name   string
		corpus func(path string)
		probes func(path string)
		config string // in place of the usual one; DIR stands for the directory
		code   int
		errs   string // what is written to standard error; DIR stands for the directory
	}{
		{
			name:   "missing column",
			config: strings.Replace(usual, "{text: text, id: id}}\nprobes", "{text: body, id: id}}\nprobes", 1),
			code:   pipeline.ExitData,
			errs:   `palimpsest: corpus.columns.text: file://DIR/corpus.parquet: column body: wrong column: the file has no such column; it has id, text`,
		},
		{
			name: "wrong type",
			corpus: func(path string) {
				writeParquet(t, path, []struct {
					ID   string  `parquet:"id"`
					Text float64 `parquet:"text"`
				}{{"a", 1}})
			},
			code: pipeline.ExitData,
			errs: `palimpsest: corpus.columns.text: file://DIR/corpus.parquet: column "text" holds floating-point numbers, where text is needed`,
		},
		{
			name:   "a text where a list of tokens is needed",
			config: strings.NewReplacer("id: id}", "id: id, token_ids: text, byte_offsets: id}", "ngram: {}", "ngram: {unit: tokens}").Replace(usual),
			code:   pipeline.ExitData,
			errs:   `palimpsest: corpus.columns.byte_offsets: file://DIR/corpus.parquet: column "id" holds text, where lists of whole numbers is needed`,
		},
		{
			name:   "a tokenizer that is none",
			config: strings.Replace(usual, "ngram: {}", "ngram: {unit: tokens, tokenizer: DIR/corpus.parquet}", 1),
			code:   pipeline.ExitData,
			errs:   `palimpsest: ngram.tokenizer: file://DIR/corpus.parquet: gguf: the file begins with "PAR1", not with GGUF`,
		},
		{
			name:   "two tokenizers",
			config: strings.Replace(usual, "ngram: {}", "ngram: {unit: tokens, tokenizer: DIR/}", 1),
			code:   pipeline.ExitUsage,
			errs:   `palimpsest: ngram.tokenizer: DIR/ names 2 objects; name one GGUF`,
		},
		{
			name: "a list where a text is needed",
			probes: func(path string) {
				writeParquet(t, path, []struct {
					ID   string   `parquet:"id"`
					Text []string `parquet:"text,list"`
				}{{"a", []string{"x"}}})
			},
			code: pipeline.ExitData,
			errs: `palimpsest: probes.columns.text: file://DIR/probes.parquet: column "text" holds lists of text, where text is needed`,
		},
		{
			name:   "duplicate probe ids",
			probes: func(path string) { writeParquet(t, path, []document{{"a", "x"}, {"b", "y"}, {"a", "z"}}) },
			code:   pipeline.ExitData,
			errs:   `palimpsest: probe id "a" stands twice: in file://DIR/probes.parquet row 0 and in file://DIR/probes.parquet row 2; ids must be unique`,
		},
		{
			name:   "null text of a probe",
			probes: func(path string) { writeParquet(t, path, []nullable{{ptr("a"), ptr(long)}, {ptr("b"), nil}}) },
			config: usual + "on_bad_input: fail\n",
			code:   pipeline.ExitData,
			errs:   `palimpsest: file://DIR/probes.parquet, row group 0, row 1: the text is null`,
		},
		{
			name:   "no probes",
			probes: func(path string) { writeParquet(t, path, []document{}) },
			code:   pipeline.ExitData,
			errs:   `palimpsest: no probes: their files have no rows with a text, or a sample of the corpus drew none`,
		},
		{
			name:   "zero documents",
			corpus: func(path string) { writeParquet(t, path, []document{}) },
			code:   pipeline.ExitData,
			errs:   `palimpsest: the corpus holds no documents: 1 objects, 0 rows without a text; nothing can be said of what it holds`,
		},
		{
			name:   "only null texts",
			corpus: func(path string) { writeParquet(t, path, []nullable{{ptr("a"), nil}, {ptr("b"), nil}}) },
			code:   pipeline.ExitData,
			errs:   `palimpsest: the corpus holds no documents: 1 objects, 2 rows without a text; nothing can be said of what it holds`,
		},
		{
			name:   "no such file",
			config: strings.Replace(usual, "DIR/corpus.parquet", "DIR/absent.parquet", 1),
			code:   pipeline.ExitData,
			errs:   `palimpsest: corpus: look up file://DIR/absent.parquet: not found`,
		},
		{
			name:   "a pattern that matches nothing",
			config: strings.Replace(usual, "DIR/corpus.parquet", "DIR/none*.parquet", 1),
			code:   pipeline.ExitData,
			errs:   `palimpsest: corpus: list DIR/none*.parquet: not found: no object matches it; a prefix ends in a slash and holds *.parquet, a glob may use * ? [] **`,
		},
		{
			name:   "not Parquet",
			corpus: func(path string) { writeFile(t, path, "this is no Parquet file, whatever its name says") },
			config: usual + "on_bad_input: fail\n",
			code:   pipeline.ExitData,
			errs:   `palimpsest: file://DIR/corpus.parquet: corrupt data: not a Parquet file, or cut short: it ends in "says"; JSON lines and text become Parquet with: palimpsest ingest`,
		},
		{
			name:   "unreachable bucket",
			config: strings.Replace(usual, "DIR/corpus.parquet", "s3://bucket/corpus/?endpoint=http://127.0.0.1:9&use_path_style=true&region=us-east-1", 1),
			code:   pipeline.ExitUnavailable,
			errs: `palimpsest: corpus: list s3://bucket/corpus/: store unavailable: ... connect: connection refused; check endpoint, region and ` +
				`credentials (AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or ?endpoint=...&region=... in the URL), and whether these have expired`,
		},
		{
			name: "too little memory",
			corpus: func(path string) {
				writeParquet(t, path, []document{{"a", strings.Repeat("word ", 20<<20)}}, parquet.SkipPageBounds("text"))
			},
			config: usual + "resources: {memory: 64MiB}\n",
			code:   pipeline.ExitUsage,
			errs: `palimpsest: file://DIR/corpus.parquet, row group 0: 1000.1 MiB to hold, and resources.memory leaves 63.8 MiB for reading: ` +
				`set it to at least 1000.3 MiB`,
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			corpus, probes := filepath.Join(dir, "corpus.parquet"), filepath.Join(dir, "probes.parquet")
			if c.corpus == nil {
				writeParquet(t, corpus, good)
			} else {
				c.corpus(corpus)
			}
			if c.probes == nil {
				writeParquet(t, probes, good)
			} else {
				c.probes(probes)
			}
			if c.config == "" {
				c.config = usual
			}
			path := writeFile(t, filepath.Join(dir, "run.yaml"), strings.ReplaceAll(c.config, "DIR", dir))
			code, out, errs := execute("run", "-c", path)
			if code != c.code {
				t.Errorf("exit %d, want %d", code, c.code)
			}
			got := strings.ReplaceAll(errs, dir, "DIR")
			if before, after, cut := strings.Cut(c.errs, " ... "); cut { // the words between are a library's
				if !strings.HasPrefix(got, before) || !strings.HasSuffix(got, after+"\n") || strings.Count(got, "\n") != 1 {
					t.Errorf("standard error %q, want %q", got, c.errs)
				}
			} else if d := cmp.Diff(c.errs+"\n", got); d != "" {
				t.Errorf("standard error (-want +got):\n%s", d)
			}
			if out != "" {
				t.Errorf("standard output: %s", out)
			}
			unpublished(t, filepath.Join(dir, "out"))
		})
	}
}

// unpublished finds out whether there is anything of a run below the output but what a run that goes on would use.
func unpublished(t *testing.T, output string) {
	t.Helper()
	for _, name := range []string{"arrow", "parquet", "manifest.json", "_SUCCESS"} {
		if found, err := filepath.Glob(filepath.Join(output, "*", name)); err != nil || len(found) > 0 {
			t.Errorf("something was published: %v %v", found, err)
		}
	}
}

const usual = `
output: DIR/out
run_id: r
corpus: {urls: ["DIR/corpus.parquet"], columns: {text: text, id: id}}
probes: {urls: ["DIR/probes.parquet"], columns: {text: text, id: id}}
hash: {}
ngram: {}
`

// TestOddInput gives the command input that is odd and no error: it is used as far as it goes, and everything left out is listed.
func TestOddInput(t *testing.T) {
	dir := t.TempDir()
	writeParquet(t, filepath.Join(dir, "corpus.parquet"), []nullable{
		{ptr("whole"), ptr(long)}, {ptr("null"), nil}, {ptr("empty"), ptr("")}, {nil, ptr("a\xffb " + long)},
	})
	writeParquet(t, filepath.Join(dir, "probes.parquet"), []nullable{
		{ptr("long"), ptr(long)}, {ptr("short"), ptr("too short")}, {ptr("empty"), ptr("")}, {ptr("null"), nil},
		{ptr("broken"), ptr(long + " \xff\xfe")}, {nil, ptr("no id")},
	})
	path := writeFile(t, filepath.Join(dir, "run.yaml"), strings.ReplaceAll(usual, "DIR", dir))
	code, out, errs := execute("run", "-c", path)
	if code != pipeline.ExitQuarantined {
		t.Fatalf("exit %d: %s", code, errs)
	}
	for _, want := range []string{
		"quarantined: file://" + dir + "/probes.parquet, row group 0, row 3: the text is null\n",
		"quarantined: file://" + dir + "/probes.parquet, row group 0, row 5: the id is null or empty\n",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("standard output lacks %q:\n%s", want, out)
		}
	}
	runDir := filepath.Join(dir, "out", "r")
	type probe struct {
		Searchable, UTF8, Text bool
		Words                  int64
		Grade                  string
		Documents              int64
	}
	got := make(map[string]probe)
	evidence := readTable(t, runDir, schemas.Evidences)
	for i, p := range readTable(t, runDir, schemas.Probes) {
		e := evidence[i]
		got[p.ProbeID] = probe{*p.Searchable, p.UTF8Valid, p.Text != nil, p.Words, e.CorpusGrade, *e.Documents}
	}
	if d := cmp.Diff(map[string]probe{
		"long":   {true, true, true, 14, "exact", 2},
		"short":  {false, true, true, 2, "not_assessed", 0},
		"empty":  {false, true, true, 0, "exact", 0},
		"broken": {true, false, false, 14, "exact", 2},
	}, got); d != "" {
		t.Errorf("probes (-want +got):\n%s", d)
	}
	var ids []string
	for _, s := range readTable(t, runDir, schemas.SpanSources) {
		if s.ProbeID == "long" {
			ids = append(ids, fmt.Sprint(s.DocumentID, " ", s.ByteStart, " ", s.ByteEnd))
		}
	}
	if d := cmp.Diff([]string{"file://" + dir + "/corpus.parquet#3 4 84", "whole 0 80"}, ids); d != "" {
		t.Errorf("sources (-want +got):\n%s", d)
	}
	if r := readTable(t, runDir, schemas.Runs)[0]; *r.CorpusDocuments != 3 {
		t.Errorf("%d documents, want 3: a null text is no document", *r.CorpusDocuments)
	}
}

// TestCorruptRowGroup damages one row group of three: it is quarantined whole, or ends the run, as configured.
func TestCorruptRowGroup(t *testing.T) {
	dir := t.TempDir()
	corpus := filepath.Join(dir, "corpus.parquet")
	writeParquet(t, corpus, []document{{"a", long}, {"b", long + " b"}, {"c", long + " c"}}, parquet.MaxRowsPerRowGroup(1), parquet.Compression(&parquet.Zstd))
	writeParquet(t, filepath.Join(dir, "probes.parquet"), []document{{"p", long}})
	data, err := os.ReadFile(corpus)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(corpus)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	pf, err := parquet.OpenFile(f, int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	at := pf.Metadata().RowGroups[1].Columns[1].MetaData.DataPageOffset
	for i := range 24 {
		data[int(at)+i] ^= 0x5a
	}
	writeFile(t, corpus, string(data))
	path := writeFile(t, filepath.Join(dir, "run.yaml"), strings.ReplaceAll(usual, "DIR", dir))
	code, _, errs := execute("run", "-c", path, "--set", "on_bad_input=fail")
	if code != pipeline.ExitData || !strings.Contains(errs, "corpus.parquet: row group 1, column text: ") {
		t.Errorf("exit %d: %s", code, errs)
	}
	code, out, errs := execute("run", "-c", path, "--set", "hash.minhash=datasketch-128")
	if code != pipeline.ExitQuarantined || !strings.Contains(out, "corpus.parquet: row group 1, column text: ") {
		t.Fatalf("exit %d: %s%s", code, out, errs)
	}
	if rows := readTable(t, filepath.Join(dir, "out", "r"), schemas.Signatures); len(rows) != 2 || rows[0].DocumentID != "a" || rows[1].DocumentID != "c" {
		t.Errorf("signatures %+v, want those of the 2 sound row groups", rows)
	}
	s := readTable(t, filepath.Join(dir, "out", "r"), schemas.Spans)
	if len(s) != 1 || s[0].Documents != 2 {
		t.Errorf("spans %+v, want one in the 2 documents of the sound row groups", s)
	}
}

// TestHugeDocument finds a probe in a document of 200 MB.
func TestHugeDocument(t *testing.T) {
	if testing.Short() {
		t.Skip("a document of 200 MB")
	}
	dir := t.TempDir()
	filler := strings.Repeat("the quick brown fox jumps over a lazy dog number 7 ", 200<<20/51)
	writeParquet(t, filepath.Join(dir, "corpus.parquet"), []document{{"huge", filler + long + " " + filler[:100]}}, parquet.SkipPageBounds("text"), parquet.Compression(&parquet.Zstd))
	writeParquet(t, filepath.Join(dir, "probes.parquet"), []document{{"p", long}})
	runDir := mustRun(t, dir, strings.ReplaceAll(usual, "DIR", dir))
	s := readTable(t, runDir, schemas.SpanSources)
	if len(s) != 1 || s[0].ByteStart != int64(len(filler)) || s[0].ByteEnd != int64(len(filler)+len(long)) {
		t.Errorf("sources %+v, want one at byte %d", s, len(filler))
	}
}
