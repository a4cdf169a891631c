package ingest_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go"

	"palimpsest/stages/ingest"
	"palimpsest/stages/store"
)

// tree writes files below a new folder. A name's ending decides how the content is compressed.
func tree(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range files {
		path := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, compress(t, filepath.Ext(name), content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func compress(t *testing.T, ending, content string) []byte {
	t.Helper()
	var b bytes.Buffer
	switch ending {
	case ".gz":
		w := gzip.NewWriter(&b)
		w.Write([]byte(content))
		w.Close()
	case ".zst":
		w, err := zstd.NewWriter(&b)
		if err != nil {
			t.Fatal(err)
		}
		w.Write([]byte(content))
		w.Close()
	default:
		b.WriteString(content)
	}
	return b.Bytes()
}

// readBack returns the rows of a Parquet file, columns by name, null as "<null>".
func readBack(t *testing.T, data []byte) []map[string]string {
	t.Helper()
	f, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	var rows []map[string]string
	for _, g := range f.RowGroups() {
		r := g.Rows()
		buffer := make([]parquet.Row, 1)
		for {
			n, err := r.ReadRows(buffer)
			if n == 0 {
				if err == nil {
					t.Fatal("no rows and no error")
				}
				break
			}
			row := map[string]string{}
			for i, name := range f.Schema().Columns() {
				if v := buffer[0][i]; v.IsNull() {
					row[name[0]] = "<null>"
				} else {
					row[name[0]] = string(v.ByteArray())
				}
			}
			rows = append(rows, row)
		}
		r.Close()
	}
	return rows
}

func run(t *testing.T, o ingest.Options) (ingest.Summary, []map[string]string) {
	t.Helper()
	if o.Output == "" {
		o.Output = filepath.Join(t.TempDir(), "out.parquet")
	}
	s, err := ingest.Run(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	data, err := os.ReadFile(o.Output)
	if err != nil {
		t.Fatal(err)
	}
	return s, readBack(t, data)
}

func TestFolderAndFiles(t *testing.T) {
	dir := tree(t, map[string]string{
		"b.txt":             "\ufeffb kept\r\nbyte for byte",
		"a/2.md.gz":         "two",
		"a/1.txt.zst":       "one",
		"a-z.txt":           "",
		".hidden/x.txt":     "no",
		".x.txt":            "no",
		"c.JSONL":           "\ufeff{\"text\":\"first\",\"id\":\"x\"}\r\n\r\n  \n{\"text\":\"no id\"}\n{\"id\":null,\"text\":\"null id\"}\n{\"id\":7.50,\"text\":\"number\"}",
		"d.ndjson.gz":       "{\"id\":true,\"text\":\"caf\\u00e9 \\ud83d\\ude00 \\ufffd \\\"\\\\\\/\\b\\f\\n\\r\\t\"}\n",
		"e.json.zst":        " { \"text\" : \"spaced\" , \"id\" : \"y\" } \n",
		"out.parquet":       "an earlier output, no input",
		"f/g/h/no_ending":   "deep",
		"f/g/h/.gitignored": "no",
	})
	out := filepath.Join(dir, "out.parquet")
	s, rows := run(t, ingest.Options{Inputs: []string{dir, filepath.Join(dir, "a", "1.txt.zst")}, Output: out})
	var got []string
	for _, r := range rows {
		got = append(got, r["id"]+" = "+r["text"])
	}
	want := []string{
		"a/1.txt.zst = one",
		"a/2.md.gz = two",
		"a-z.txt = ",
		"b.txt = \ufeffb kept\r\nbyte for byte",
		"x = first",
		"c.JSONL:4 = no id",
		"c.JSONL:5 = null id",
		"7.50 = number",
		"true = café 😀 \ufffd \"\\/\b\f\n\r\t",
		"y = spaced",
		"f/g/h/no_ending = deep",
		"1.txt.zst = one",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if s.Rows != 12 || s.Files != 9 || s.Replaced != 0 {
		t.Errorf("summary %+v", s)
	}
	left, err := filepath.Glob(filepath.Join(dir, ".out*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

func TestFields(t *testing.T) {
	dir := tree(t, map[string]string{"a.jsonl": `{"body":{"text":"deep"},"meta.lang":"dotted wins","meta":{"lang":"nested","n":3,"deep":{"x":true}},"k":"1"}
{"body":{"text":"x","text":"last wins"},"meta":{"lang":"en","n":null},"k":2,"\u006b":"escaped key"}
`})
	_, rows := run(t, ingest.Options{Inputs: []string{dir}, Text: "body.text", ID: "k",
		Columns: []string{"lang=meta.lang", "n=meta.n", "x=meta.deep.x", "k"}})
	want := []map[string]string{
		{"id": "1", "text": "deep", "lang": "dotted wins", "n": "3", "x": "true", "k": "1"},
		{"id": "escaped key", "text": "last wins", "lang": "en", "n": "<null>", "x": "<null>", "k": "escaped key"},
	}
	if d := cmp.Diff(want, rows); d != "" {
		t.Error(d)
	}
}

func TestColumnsStandInOrder(t *testing.T) {
	dir := tree(t, map[string]string{"a.jsonl": `{"text":"t","z":1,"a":2}`})
	out := filepath.Join(dir, "o.parquet")
	run(t, ingest.Options{Inputs: []string{filepath.Join(dir, "a.jsonl")}, Output: out, Columns: []string{"z", "a"}})
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	f, err := parquet.OpenFile(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(f.Schema().Columns()); got != "[[id] [text] [z] [a]]" {
		t.Errorf("columns %s", got)
	}
	for _, c := range f.Metadata().RowGroups[0].Columns {
		if c.ColumnIndexOffset != 0 || len(c.MetaData.Statistics.MinValue) > 0 {
			t.Errorf("column %v has statistics", c.MetaData.PathInSchema)
		}
	}
}

func TestReplaceInvalid(t *testing.T) {
	dir := tree(t, map[string]string{
		"a.txt":   "ok \xff\xfe\xfd end \xc3",
		"b.jsonl": "{\"id\":\"i\\ud800\",\"text\":\"lone \\udc00 \xff\",\"other\":\"\xff\"}\n",
	})
	s, rows := run(t, ingest.Options{Inputs: []string{dir}, ReplaceInvalid: true})
	if rows[0]["text"] != "ok \ufffd end \ufffd" || rows[1]["text"] != "lone \ufffd \ufffd" || rows[1]["id"] != "i\ufffd" || s.Replaced != 5 {
		t.Errorf("%q, %+v", rows, s)
	}
}

func TestErrors(t *testing.T) {
	cases := []struct {
		name    string
		files   map[string]string
		options ingest.Options
		usage   bool
		want    string // DIR stands for the folder
	}{
		{"not JSON", map[string]string{"a.jsonl": "{\"text\":\"x\"}\n{text:1}\n"}, ingest.Options{}, false,
			"DIR/a.jsonl: line 2: not JSON (at byte 2: invalid character 't' looking for beginning of object key string): correct the line, or take it out"},
		{"pretty", map[string]string{"a.json": "{\n \"text\": 1\n}\n"}, ingest.Options{}, false,
			"DIR/a.json: line 1: not JSON (unexpected end of JSON input): each line must hold one whole object; jq -c . makes lines of objects that span several"},
		{"array", map[string]string{"a.json": `[{"text":"x"}]`}, ingest.Options{}, false,
			"DIR/a.json: line 1: the line holds an array, not an object: a row is one object a line; jq -c '.[]' makes lines of an array"},
		{"no text", map[string]string{"a.jsonl": "\n{\"txt\":\"x\"}"}, ingest.Options{}, false,
			`DIR/a.jsonl: line 2: the object has no field "text": name the field that holds the text, or take the line out`},
		{"text no string", map[string]string{"a.jsonl": `{"text":null}`}, ingest.Options{}, false,
			`DIR/a.jsonl: line 1: the field "text" is null, not a string: name the field that holds the text, or take the line out`},
		{"object id", map[string]string{"a.jsonl": `{"text":"x","id":{"a":1}}`}, ingest.Options{}, false,
			`DIR/a.jsonl: line 1: the field "id" is an object: name a field inside it, as in id.name`},
		{"array column", map[string]string{"a.jsonl": `{"text":"x","k":[1]}`}, ingest.Options{Columns: []string{"k"}}, false,
			`DIR/a.jsonl: line 1: the field "k" is an array: a column takes strings, numbers and booleans; make one of it first`},
		{"invalid text", map[string]string{"a.txt": "ab\xff"}, ingest.Options{}, false,
			"DIR/a.txt: the text is not UTF-8 (byte 2): convert it, leave the file out if it holds no text, or replace what is invalid"},
		{"UTF-16", map[string]string{"a.txt": "\xff\xfea\x00"}, ingest.Options{}, false,
			"DIR/a.txt: the text is not UTF-8 but looks like UTF-16: convert it (iconv -f UTF-16 -t UTF-8)"},
		{"invalid JSON text", map[string]string{"a.jsonl": "{\"text\":\"\xff\"}"}, ingest.Options{}, false,
			`DIR/a.jsonl: line 1: the field "text" is not UTF-8, or has half of a surrogate pair: convert it, or replace what is invalid`},
		{"half a pair", map[string]string{"a.jsonl": `{"text":"\ud83dx"}`}, ingest.Options{}, false,
			`DIR/a.jsonl: line 1: the field "text" is not UTF-8, or has half of a surrogate pair: convert it, or replace what is invalid`},
		{"no rows", map[string]string{"a.jsonl": "\n\n"}, ingest.Options{}, false, "DIR: no rows: the 1 files that were found hold no text"},
		{"no files", map[string]string{".x": ""}, ingest.Options{}, false,
			"DIR: no files: the folder holds none, or only names that begin with a dot"},
		{"parquet", map[string]string{"a.parquet": ""}, ingest.Options{}, false,
			"DIR/a.parquet: Parquet already: a run reads it as it is, so leave it out here"},
		{"misspelt column", map[string]string{"a.jsonl": `{"text":"x"}`}, ingest.Options{Columns: []string{"license=licence"}}, true,
			`field "licence": none of the 1 object has it: check the spelling`},
		{"misspelt id", map[string]string{"a.jsonl": `{"text":"x"}`}, ingest.Options{ID: "key"}, true,
			`field "key": none of the 1 object has it: check the spelling`},
		{"columns of text", map[string]string{"a.txt": "x"}, ingest.Options{Columns: []string{"k"}}, true,
			"column k: columns are fields of JSON objects, and no input has any: .jsonl, .ndjson and .json do"},
		{"dotted column", map[string]string{"a.jsonl": "{}"}, ingest.Options{Columns: []string{"meta.license"}}, true,
			`column "meta.license": a name has no dot: write license=meta.license`},
		{"column id", map[string]string{"a.jsonl": "{}"}, ingest.Options{Columns: []string{"ID=x"}}, true,
			`column "ID=x": the columns id and text are always there: choose their fields by their own options`},
		{"column twice", map[string]string{"a.jsonl": "{}"}, ingest.Options{Columns: []string{"k", "K=x"}}, true,
			`column "K=x": a second column of that name`},
		{"column empty", map[string]string{"a.jsonl": "{}"}, ingest.Options{Columns: []string{"k="}}, true,
			`column "k=": write it as name or name=field`},
		{"no output", map[string]string{"a.txt": "x"}, ingest.Options{Output: "b.jsonl"}, true,
			"output b.jsonl: the last argument is the file to write, and its name ends in .parquet"},
		{"no folder", map[string]string{"a.txt": "x"}, ingest.Options{Output: "no/such/out.parquet"}, true,
			"output no/such/out.parquet: there is no folder no/such: make it first"},
		{"input URL", map[string]string{"a.txt": "x"}, ingest.Options{Inputs: []string{"s3://b/k"}}, true,
			"s3://b/k: inputs are local files and folders: copy the objects here first"},
		{"missing", map[string]string{"a.txt": "x"}, ingest.Options{Inputs: []string{"no-such"}}, false,
			"no-such: no such file or directory"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			dir := tree(t, c.files)
			out := t.TempDir()
			if c.options.Output == "" {
				c.options.Output = filepath.Join(out, "o.parquet")
			}
			if c.options.Inputs == nil {
				c.options.Inputs = []string{dir}
			}
			_, err := ingest.Run(context.Background(), c.options)
			if err == nil {
				t.Fatal("no error")
			}
			if got := strings.ReplaceAll(err.Error(), dir, "DIR"); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
			var usage *ingest.UsageError
			var input *ingest.InputError
			if errors.As(err, &usage) != c.usage || errors.As(err, &input) == c.usage {
				t.Errorf("the error is a %T", err)
			}
			if left, err := os.ReadDir(out); err != nil || len(left) > 0 {
				t.Errorf("left behind: %v %v", left, err)
			}
		})
	}
}

func TestDamagedStreams(t *testing.T) {
	for _, ending := range []string{".gz", ".zst"} {
		whole := compress(t, ending, strings.Repeat("{\"text\":\"some text that goes on\"}\n", 1000))
		dir := t.TempDir()
		path := filepath.Join(dir, "a.jsonl"+ending)
		for _, data := range [][]byte{whole[:len(whole)/2], []byte("not compressed"), nil} {
			if err := os.WriteFile(path, data, 0o644); err != nil {
				t.Fatal(err)
			}
			_, err := ingest.Run(context.Background(), ingest.Options{Inputs: []string{path}, Output: filepath.Join(dir, "o.parquet")})
			var input *ingest.InputError
			if !errors.As(err, &input) || !strings.Contains(err.Error(), path) {
				t.Errorf("%s, %d bytes: %v", ending, len(data), err)
			}
		}
	}
}

func TestSameBytesAgain(t *testing.T) {
	dir := tree(t, map[string]string{"a.jsonl": `{"text":"x","k":1}`, "b.txt": strings.Repeat("words and words ", 1000)})
	var sums [2][32]byte
	for i := range sums {
		out := filepath.Join(t.TempDir(), "o.parquet")
		run(t, ingest.Options{Inputs: []string{dir}, Output: out, Columns: []string{"k"}})
		data, err := os.ReadFile(out)
		if err != nil {
			t.Fatal(err)
		}
		sums[i] = sha256.Sum256(data)
	}
	if sums[0] != sums[1] {
		t.Error("the same inputs gave different bytes")
	}
}

func TestObject(t *testing.T) {
	s := store.New()
	defer s.Close()
	dir := tree(t, map[string]string{"a.txt": "x"})
	_, err := ingest.Run(context.Background(), ingest.Options{Inputs: []string{dir}, Output: "mem://b/dir/o.parquet", Store: s})
	if err != nil {
		t.Fatal(err)
	}
	data, err := s.ReadAll(context.Background(), "mem://b", "dir/o.parquet", 1<<20)
	if err != nil {
		t.Fatal(err)
	}
	if rows := readBack(t, data); len(rows) != 1 || rows[0]["id"] != "a.txt" {
		t.Errorf("%v", rows)
	}
	_, err = ingest.Run(context.Background(), ingest.Options{Inputs: []string{dir}, Output: "ftp://b/o.parquet", Store: s})
	if !errors.Is(err, store.ErrURL) {
		t.Errorf("an unknown scheme: %v", err)
	}
}

func TestCancelled(t *testing.T) {
	dir := tree(t, map[string]string{"a.jsonl": strings.Repeat("{\"text\":\"x\"}\n", 10)})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	out := t.TempDir()
	_, err := ingest.Run(ctx, ingest.Options{Inputs: []string{filepath.Join(dir, "a.jsonl")}, Output: filepath.Join(out, "o.parquet")})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if left, _ := os.ReadDir(out); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestRowGroups(t *testing.T) {
	long := strings.Repeat("0123456789abcdef", 1<<16) // 1 MiB
	var b strings.Builder
	for range 130 {
		fmt.Fprintf(&b, "{\"text\":%q}\n", long)
	}
	b.WriteString(strings.Repeat("{\"text\":\"short\"}\n", 140_000))
	dir := tree(t, map[string]string{"a.jsonl.zst": b.String()})
	out := filepath.Join(t.TempDir(), "o.parquet")
	if _, err := ingest.Run(context.Background(), ingest.Options{Inputs: []string{dir}, Output: out}); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(out)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		t.Fatal(err)
	}
	f, err := parquet.OpenFile(file, info.Size())
	if err != nil {
		t.Fatal(err)
	}
	var got []int64
	for _, g := range f.RowGroups() {
		got = append(got, g.NumRows())
	}
	if d := cmp.Diff([]int64{63, 63, 1 << 17, 140_130 - 126 - 1<<17}, got); d != "" {
		t.Error(d)
	}
}

func BenchmarkLines(b *testing.B) {
	dir := b.TempDir()
	line := `{"id":"doc","meta":{"license":"CC0-1.0","n":3},"text":"` + strings.Repeat(`The quick brown \"fox\" jumps.\n`, 100) + "\"}\n"
	if err := os.WriteFile(filepath.Join(dir, "a.jsonl"), []byte(strings.Repeat(line, 10_000)), 0o644); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(line)) * 10_000)
	for b.Loop() {
		_, err := ingest.Run(context.Background(), ingest.Options{Inputs: []string{dir}, Output: filepath.Join(b.TempDir(), "o.parquet"),
			Columns: []string{"license=meta.license"}})
		if err != nil {
			b.Fatal(err)
		}
	}
}
