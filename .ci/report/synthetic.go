// Synthetic writes a made-up finished run, large enough to tell whether a report of it stays small and takes bounded memory:
//
//	go run ./.ci/report/synthetic.go DIR [PROBES] [SPANS]
//
// The corpus it names does not exist, so nothing is quoted from it.
package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"log"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"unicode/utf8"

	"palimpsest/pipeline"
	"palimpsest/schemas"
	"palimpsest/stages/write"
)

func main() {
	probes, spans := 100_000, 1_000_000
	if len(os.Args) > 2 {
		probes = number(os.Args[2])
	}
	if len(os.Args) > 3 {
		spans = number(os.Args[3])
	}
	if err := run(os.Args[1], probes, spans); err != nil {
		log.Fatal(err)
	}
}

func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		log.Fatal(err)
	}
	return n
}

// tables are the tables that are written.
type tables struct {
	probes     *write.Table[schemas.Probe]
	evidence   *write.Table[schemas.Evidence]
	spans      *write.Table[schemas.Span]
	sources    *write.Table[schemas.SpanSource]
	likelihood *write.Table[schemas.Likelihood]
	windows    *write.Table[schemas.Window]
	runs       *write.Table[schemas.Run]
}

func run(dir string, probes, spans int) error {
	d := write.NewDir(dir, filepath.Base(dir), nil)
	var t tables
	var err error
	for _, open := range []func(){
		func() { t.probes, err = write.Open(d, schemas.Probes) }, func() { t.evidence, err = write.Open(d, schemas.Evidences) },
		func() { t.spans, err = write.Open(d, schemas.Spans) }, func() { t.sources, err = write.Open(d, schemas.SpanSources) },
		func() { t.likelihood, err = write.Open(d, schemas.Likelihoods) }, func() { t.windows, err = write.Open(d, schemas.Windows) },
		func() { t.runs, err = write.Open(d, schemas.Runs) },
	} {
		if open(); err != nil {
			return err
		}
	}
	for i := range probes {
		if err := t.probe(i, spans/probes); err != nil {
			return err
		}
	}
	if err := t.runs.Write(schemas.Run{ConfigSHA256: "00", ProgramVersion: "synthetic", CorpusDocuments: to[int64](50_000_000),
		CorpusWords: to[int64](40_000_000_000), Probes: int64(probes), Unit: to("words"), TargetModel: to("model")}); err != nil {
		return err
	}
	m := pipeline.Manifest{SchemaVersion: schemas.Version, RunID: filepath.Base(dir), Config: json.RawMessage(`{"evidence": {"texts": true}}`)}
	for _, table := range []interface {
		Close(context.Context) ([]write.Output, error)
	}{t.probes, t.evidence, t.spans, t.sources, t.likelihood, t.windows, t.runs} {
		out, err := table.Close(context.Background())
		if err != nil {
			return err
		}
		m.Outputs = append(m.Outputs, out...)
	}
	data, err := json.Marshal(m)
	if err != nil {
		return err
	}
	sum := sha256.Sum256(data)
	if err := os.WriteFile(filepath.Join(dir, "manifest.json"), data, 0o644); err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, "_SUCCESS"), []byte(hex.EncodeToString(sum[:])+"\n"), 0o644)
}

func to[T any](v T) *T { return &v }

// probe writes the i-th probe and all that is known of it.
func (t *tables) probe(i, spans int) error {
	r := rand.New(rand.NewPCG(uint64(i), 1))
	id := fmt.Sprintf("work-%07d", i)
	kind := []string{"work", "work", "generation"}[i%3]
	text := words(r, 40*(spans+1))
	if err := t.probes.Write(schemas.Probe{ProbeID: id, Kind: kind, SourceURI: "file:///nowhere/probes.parquet", SourceRow: int64(i),
		Bytes: int64(len(text)), Words: int64(40 * (spans + 1)), UTF8Valid: true, Searchable: to(true), Text: &text}); err != nil {
		return err
	}
	copies := int64(r.IntN(70) * r.IntN(2))
	e := schemas.Evidence{ProbeID: id, Kind: kind, Model: to("model"), CorpusGrade: "overlap", CorpusReason: "It shares runs.",
		ModelGrade: "none", ModelReason: "Nothing.", Distinctiveness: to([]string{"distinctive", "common", "public_domain"}[r.IntN(3)]),
		LongestSpanWords: to[int64](30), Coverage: to(.7), Spans: to(int64(spans)), Documents: &copies, ExactDocuments: &copies,
		ExactWordsDocuments: &copies, ControlGroup: to([]string{"novel", "poem", "news"}[i%3])}
	if kind == "work" {
		p := r.Float64()
		e.ScoreName, e.Score, e.PValue, e.QValue, e.Controls = to("min_k"), to(-p), &p, &p, to[int64](1000)
		e.Label, e.MaxP = to(copies > 0), to(math.Exp(-20*p))
		if err := t.likelihood.Write(schemas.Likelihood{ProbeID: id, Model: "model", Role: "target", BitsPerByte: to(1 + p)}); err != nil {
			return err
		}
		for w := range int64(8) {
			if err := t.windows.Write(schemas.Window{ProbeID: id, Model: "model", WindowIndex: w, PrefixTokens: 50, SuffixTokens: 50,
				ByteStart: to(w * 100), SuffixByteStart: to(w*100 + 100), ByteEnd: to(w*100 + 300),
				LogP: to(-20 * p), Greedy: to(p < .01)}); err != nil {
				return err
			}
		}
	}
	if err := t.evidence.Write(e); err != nil {
		return err
	}
	var rows []schemas.Span
	var sources []schemas.SpanSource
	for s := range int64(spans) {
		from := int64(len(text)) / int64(spans) * s
		for !utf8.RuneStart(text[from]) {
			from++
		}
		end := from + 180
		for !utf8.RuneStart(text[end]) {
			end++
		}
		passage := text[from:end]
		rows = append(rows, schemas.Span{ProbeID: id, SpanIndex: s, WordStart: 40 * s, WordEnd: 40*s + 30, Words: int64(13 + r.IntN(18)),
			ByteStart: from, ByteEnd: end, Documents: 1, Occurrences: 1, RarityBits: 25.6, MaxWordMatches: int64(1 + r.IntN(5)), Text: &passage})
		sources = append(sources, schemas.SpanSource{ProbeID: id, SpanIndex: s, DocumentID: fmt.Sprintf("doc-%d-%d", i, s),
			DocumentURI: "file:///nowhere/corpus.parquet", DocumentRow: int64(i), ByteStart: 10, ByteEnd: 190, License: to("CC-BY-4.0"),
			URL: to([]string{"https://example.org/" + id, "javascript:owned=1"}[i%2])})
	}
	if err := t.spans.Write(rows...); err != nil {
		return err
	}
	return t.sources.Write(sources...)
}

// hostile are pieces of texts that a careless page would run, or be turned around by.
var hostile = []string{
	"<script>document.title='owned'</script>", "</style></script><img src=x onerror=\"owned=1\">",
	"\u202eright to left\u2066", "\x1b[31m\x00\x07",
	"<svg onload=owned=1>", "'\" onmouseover='owned=1", "<!-- -->]]>", "javascript:owned=1",
}

// words makes a text of so many words, with something hostile among every 40.
func words(r *rand.Rand, n int) string {
	var b bytes.Buffer
	for i := range n {
		if i%40 == 0 {
			b.WriteString(hostile[i/40%len(hostile)] + " ")
		}
		for range 2 + r.IntN(7) {
			b.WriteByte(byte('a' + r.IntN(26)))
		}
		b.WriteByte(' ')
	}
	return b.String()
}
