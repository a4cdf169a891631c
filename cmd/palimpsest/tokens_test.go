package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"palimpsest/pipeline"
	"palimpsest/schemas"
	"palimpsest/stages/tokenizer"
	"palimpsest/stages/tokens"
)

// cutText is a row with its tokens.
type cutText struct {
	ID      string  `parquet:"id"`
	Text    string  `parquet:"text"`
	IDs     []int64 `parquet:"ids,list"`
	Offsets []int64 `parquet:"offsets,list"`
	Prompt  []int64 `parquet:"prompt,list"`
}

// cutInTwos makes tokens of two bytes, whose ids are these bytes.
func cutInTwos(id, text string) cutText {
	row := cutText{ID: id, Text: text}
	for at := 0; at < len(text); at += 2 {
		pair := text[at:min(at+2, len(text))]
		row.IDs = append(row.IDs, int64(pair[0])<<8|int64(pair[len(pair)-1]))
		row.Offsets = append(row.Offsets, int64(at))
	}
	return row
}

// TestTokens searches for runs of tokens, whose ids and places are columns of the rows.
func TestTokens(t *testing.T) {
	dir := t.TempDir()
	passage := strings.Repeat("!", 6)
	for i := range 60 {
		passage += string(rune('a'+i%26)) + string(rune('A'+i/26))
	}
	prompted := cutInTwos("prompted", passage+"..")
	prompted.Prompt = prompted.IDs[:20]
	short := cutInTwos("short", "too little")
	badOffsets := cutInTwos("offsets", passage)
	badOffsets.Offsets[3] = 1000
	badID := cutInTwos("id", passage)
	badID.IDs[1] = tokens.Most
	writeParquet(t, filepath.Join(dir, "corpus.parquet"), []cutText{
		cutInTwos("a", "?? "+passage[1:]), // the same bytes, but other tokens, from the second passage[1]
		cutInTwos("b", "--??"+passage+"++"), badOffsets,
	})
	writeParquet(t, filepath.Join(dir, "probes.parquet"), []cutText{prompted, cutInTwos("unprompted", passage+"##"), short, badID})
	path := writeFile(t, filepath.Join(dir, "run.yaml"), fmt.Sprintf(`
output: %[1]s/out
run_id: r
corpus: {urls: [%[1]s/corpus.parquet], columns: {text: text, id: id, token_ids: ids, byte_offsets: offsets}}
probes:
  urls: [%[1]s/probes.parquet]
  kind: generation
  columns: {text: text, id: id, token_ids: ids, byte_offsets: offsets, prompt_token_ids: prompt}
ngram: {unit: tokens, report: [50]}
`, dir))
	if code, _, errs := execute("run", "-c", path); code != pipeline.ExitQuarantined {
		t.Fatalf("exit %d: %s", code, errs)
	} else {
		for _, want := range []string{
			"corpus.parquet, row group 0, row 2: byte_offsets: token 3 begins at byte 1000, after one at 4, in a text of 126 bytes",
			"probes.parquet, row group 0, row 3: token_ids: token 1 has the id 2097152, and ids are from 0 to 2097151",
		} {
			if !strings.Contains(errs, want) {
				t.Errorf("the failures lack %q:\n%s", want, errs)
			}
		}
	}
	runDir := filepath.Join(dir, "out", "r")
	type found struct {
		Tokens, Bytes, InPrompt int64
		Grade                   string
	}
	got := make(map[string]found)
	for _, e := range readTable(t, runDir, schemas.Evidences) {
		got[e.ProbeID] = found{Grade: e.ModelGrade}
	}
	for _, s := range readTable(t, runDir, schemas.Spans) {
		if *s.Text != passage || s.Documents != 1 {
			t.Errorf("%s: %d documents hold %q", s.ProbeID, s.Documents, *s.Text)
		}
		got[s.ProbeID] = found{s.Words, s.ByteEnd - s.ByteStart, *s.PromptWords, got[s.ProbeID].Grade}
	}
	want := map[string]found{
		"prompted": {63, 126, 20, "none"}, "unprompted": {63, 126, 0, "verbatim"}, "short": {Grade: "not_assessed"},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	for _, s := range readTable(t, runDir, schemas.SpanSources) {
		if s.DocumentID != "b" || s.ByteStart != 4 || s.ByteEnd != 4+126 {
			t.Errorf("source %+v", s)
		}
	}
	if r := readTable(t, runDir, schemas.Runs)[0]; *r.Unit != "tokens" || *r.CorpusDocuments != 2 {
		t.Errorf("run %+v", r)
	}
}

// TestTokensFromCorpus scores the corpus itself in tokens: a document finds its copies, not itself, and not what is cut otherwise.
func TestTokensFromCorpus(t *testing.T) {
	dir := t.TempDir()
	text := strings.Repeat("abcdefghijklmnopqrstuvwxyz", 5)
	bad := cutInTwos("bad", text)
	bad.Offsets = bad.Offsets[1:]
	writeParquet(t, filepath.Join(dir, "corpus.parquet"), []cutText{
		cutInTwos("a", text), cutInTwos("b", text+"more"), cutInTwos("c", "-"+text+"-"), bad,
	})
	path := writeFile(t, filepath.Join(dir, "run.yaml"), fmt.Sprintf(`
output: %[1]s/out
run_id: r
corpus: {urls: [%[1]s/corpus.parquet], columns: {text: text, id: id, token_ids: ids, byte_offsets: offsets}}
probes: {from: corpus}
hash: {}
ngram: {unit: tokens, max_sources: 5}
`, dir))
	code, out, errs := execute("run", "-c", path)
	want := "quarantined: file://" + dir + "/corpus.parquet, row group 0, row 3: byte_offsets: 65 tokens with 64 offsets\n"
	if code != pipeline.ExitQuarantined || strings.Count(out, want) != 1 {
		t.Fatalf("exit %d, want one line %q: %s%s", code, want, out, errs)
	}
	runDir := filepath.Join(dir, "out", "r")
	var got []string
	for _, s := range readTable(t, runDir, schemas.SpanSources) {
		got = append(got, fmt.Sprint(s.ProbeID, " in ", s.DocumentID, " ", s.ByteStart, "-", s.ByteEnd))
	}
	if d := cmp.Diff([]string{"a in b 0-130", "b in a 0-130"}, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	for _, m := range readTable(t, runDir, schemas.Matches) {
		if m.ProbeID == "a" && m.DocumentID == "b" && (*m.LongestWords != 65 || *m.ProbeCoverage != 1 || math.Abs(*m.DocumentCoverage-65./67) > 1e-9) {
			t.Errorf("%+v", m)
		}
	}
}

// TestTokensInBlocks runs in so little memory that the probes' tokens are indexed at some places alone, and then in several passes, and with
// more workers: every file of the run is the same.
func TestTokensInBlocks(t *testing.T) {
	dir := t.TempDir()
	r := rand.New(rand.NewPCG(1, 2))
	text := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = byte(' ' + r.IntN(90))
		}
		return string(b)
	}
	header := text(400)
	var probes, corpus []cutText
	for i := range 400 {
		beginning := ""
		if i%8 == 0 {
			beginning = header
		}
		p := cutInTwos(fmt.Sprintf("p%03d", i), beginning+text(5000))
		probes = append(probes, p)
		corpus = append(corpus, cutInTwos(fmt.Sprintf("d%03d", i), header+text(100)+p.Text[2000:2400]+text(100)+probes[i/2].Text[3000:3300]))
		if i%10 == 0 {
			corpus = append(corpus, cutInTwos(fmt.Sprintf("e%03d", i), p.Text))
		}
	}
	writeParquet(t, filepath.Join(dir, "corpus.parquet"), corpus, parquet.MaxRowsPerRowGroup(50))
	writeParquet(t, filepath.Join(dir, "probes.parquet"), probes, parquet.MaxRowsPerRowGroup(50))
	config := fmt.Sprintf(`
corpus: {urls: [%[1]s/corpus.parquet], columns: {text: text, id: id, token_ids: ids, byte_offsets: offsets}}
probes: {urls: [%[1]s/probes.parquet], columns: {text: text, id: id, token_ids: ids, byte_offsets: offsets}}
ngram: {unit: tokens}
`, dir)
	whole := digests(t, mustRun(t, dir, config, "resources.workers=1"))
	for memory, says := range map[string]string{"120MiB": "one in [234] places of the probes", "90MiB": "passes +up to [2-9]"} {
		_, out, errs := execute("run", "-c", filepath.Join(dir, "run.yaml"), "--set", "output="+dir+"/out", "--set", "resources.memory="+memory, "--dry-run")
		if !regexp.MustCompile(says).MatchString(out) {
			t.Errorf("%s: the plan does not say %q:\n%s%s", memory, says, out, errs)
		}
		if err := os.RemoveAll(filepath.Join(dir, "out")); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(whole, digests(t, mustRun(t, dir, config, "resources.memory="+memory, "resources.workers=8"))); d != "" {
			t.Errorf("%s (-whole +in blocks):\n%s", memory, d)
		}
	}
}

// generation is a row of the testbed's generations.
type generation struct {
	ID     string  `parquet:"gen_id"`
	Kind   string  `parquet:"kind"`
	Prompt []int64 `parquet:"prompt_ids,list"`
	IDs    []int64 `parquet:"ids,list"`
	Text   string  `parquet:"text"`
}

// repeats reports whether five tokens of the output stand in the prompt in a row.
func (g *generation) repeats() bool {
	for i := 0; i+5 <= len(g.IDs); i++ {
		for k := 0; k+5 <= len(g.Prompt); k++ {
			if slices.Equal(g.IDs[i:i+5], g.Prompt[k:k+5]) {
				return true
			}
		}
	}
	return false
}

// TestTestbedTokens compares the runs of tokens that the testbed's generations share with its training documents with the published
// numbers. The documents have no ids: the tokenizer of the model's file cuts their texts, and places the ids of the generations.
func TestTestbedTokens(t *testing.T) {
	generations, err := parquet.ReadFile[generation](shared(t, "testbed", "generations.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	kind := make(map[string]string)
	for _, g := range generations {
		kind[g.ID] = g.Kind
	}
	runDir := mustRun(t, t.TempDir(), fmt.Sprintf(`
corpus: {urls: [%q], columns: {text: text, id: doc_id}}
probes: {urls: [%q], columns: {text: text, id: gen_id, token_ids: ids, prompt_token_ids: prompt_ids}, kind: generation}
ngram: {unit: tokens, tokenizer: %q, min_tokens: 10, report: [10, 13, 20, 30, 50]}
`, shared(t, "testbed", "train_docs.parquet"), shared(t, "testbed", "generations.parquet"), shared(t, "testbed", "target.gguf")))
	spans := readTable(t, runDir, schemas.Spans)
	longest := make(map[string]int64)
	for _, s := range spans {
		longest[s.ProbeID] = max(longest[s.ProbeID], s.Words)
	}
	got := make(map[string][5]int)
	for id, n := range longest {
		rows := got[kind[id]]
		for i, least := range []int64{10, 13, 20, 30, 50} {
			if n >= least {
				rows[i]++
			}
		}
		got[kind[id]] = rows
	}
	want := map[string][5]int{"topk40": {211, 130, 79, 51, 1}, "greedy": {319, 233, 139, 96, 57}} // README, section 4
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("generations with runs of 10, 13, 20, 30, 50 tokens of a training document (-published +got):\n%s", d)
	}
	grade, verbatim := make(map[string]string), 0
	for _, e := range readTable(t, runDir, schemas.Evidences) {
		grade[e.ProbeID] = e.ModelGrade
	}
	for _, g := range generations { // greedy ones are of 50 tokens, the others had no prompt
		want := "none"
		if longest[g.ID] >= 50 && !g.repeats() {
			want = "verbatim"
			verbatim++
		}
		if grade[g.ID] != want {
			t.Errorf("%s: %s, want %s", g.ID, grade[g.ID], want)
		}
	}
	if verbatim != 50 {
		t.Errorf("%d generations are verbatim, want 50 of the 58 with 50 tokens: eight repeat their prompts", verbatim)
	}
	t.Run("columns", func(t *testing.T) {
		again := readTable(t, runOfColumns(t, generations), schemas.Spans)
		for _, rows := range [][]schemas.Span{spans, again} {
			for i := range rows {
				rows[i].PromptWords = nil // of which the columns here say nothing
			}
		}
		if d := cmp.Diff(spans, again); d != "" {
			t.Errorf("spans (-cut by the run +cut before it):\n%s", d)
		}
	})
}

// runOfColumns cuts the testbed's texts by its own form of the tokenizer, and runs on the columns that this gives.
func runOfColumns(t *testing.T, generations []generation) (runDir string) {
	type document struct {
		ID   string `parquet:"doc_id"`
		Text string `parquet:"text"`
	}
	documents, err := parquet.ReadFile[document](shared(t, "testbed", "train_docs.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	tok := testbedTokenizer(t)
	var corpus, probes []cutText
	for _, d := range documents {
		ids, offsets := tok.Encode([]byte(d.Text))
		corpus = append(corpus, cutText{ID: d.ID, Text: d.Text, IDs: ids, Offsets: offsets})
	}
	var speller tokens.Speller
	for _, g := range generations {
		offsets, err := speller.AppendOffsets(nil, []byte(g.Text), g.IDs, tok.Bytes)
		if err != nil {
			t.Fatalf("%s: %v", g.ID, err)
		}
		probes = append(probes, cutText{ID: g.ID, Text: g.Text, IDs: g.IDs, Offsets: offsets[:len(g.IDs)]})
	}
	dir := t.TempDir()
	writeParquet(t, filepath.Join(dir, "corpus.parquet"), corpus)
	writeParquet(t, filepath.Join(dir, "probes.parquet"), probes)
	return mustRun(t, dir, fmt.Sprintf(`
corpus: {urls: [%[1]s/corpus.parquet], columns: {text: text, id: id, token_ids: ids, byte_offsets: offsets}}
probes: {urls: [%[1]s/probes.parquet], columns: {text: text, id: id, token_ids: ids, byte_offsets: offsets}, kind: generation}
ngram: {unit: tokens, min_tokens: 10}
`, dir))
}

// testbedTokenizer makes the tokenizer of the testbed's own format: token bytes in hexadecimal, of the ids from 1. Id 0 ends a document.
func testbedTokenizer(t *testing.T) *tokenizer.Tokenizer {
	t.Helper()
	data, err := os.ReadFile(shared(t, "testbed", "tokenizer.json"))
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Tokens []string
		Merges [][2]string
	}
	if err := json.Unmarshal(data, &file); err != nil {
		t.Fatal(err)
	}
	v := tokenizer.Vocabulary{Model: "gpt2", Pre: "gpt-2", Tokens: []string{"<|end|>"}, Types: []int32{3}}
	for _, token := range file.Tokens {
		v.Tokens, v.Types = append(v.Tokens, byteLevel(t, token)), append(v.Types, 1)
	}
	for _, m := range file.Merges {
		v.Merges = append(v.Merges, byteLevel(t, m[0])+" "+byteLevel(t, m[1]))
	}
	tok, err := tokenizer.New(v)
	if err != nil {
		t.Fatal(err)
	}
	return tok
}

// byteLevel writes the bytes of a hexadecimal string as a byte-level vocabulary does: those printable in Latin-1 as themselves, the
// others, in order, from U+0100 on.
func byteLevel(t *testing.T, digits string) string {
	t.Helper()
	raw, err := hex.DecodeString(digits)
	if err != nil {
		t.Fatal(err)
	}
	var s strings.Builder
	for _, b := range raw {
		r := rune(b)
		switch {
		case r <= ' ':
			r += 0x100
		case 0x7F <= r && r <= 0xA0:
			r += 0x121 - 0x7F
		case r == 0xAD:
			r = 0x143
		}
		s.WriteRune(r)
	}
	return s.String()
}
