package main

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"palimpsest/schemas"
)

// TestNearDuplicates finds documents that resemble a probe, whatever else the run looks for, and judges by them.
func TestNearDuplicates(t *testing.T) {
	const thirteen = "One two three four five six seven eight nine ten eleven twelve thirteen"
	but := func(oldnew ...string) string { return strings.NewReplacer(oldnew...).Replace(thirteen) }
	corpus := []document{
		{"last", but("thirteen", "LAST")},                 // eight of ten different shingles
		{"ends", but("One", "first", "thirteen", "last")}, // seven of eleven
		{"words", strings.ToUpper(thirteen) + "!"},
		{"same", thirteen},
		{"middle", but("seven", "other")}, // four of fourteen
		{"short", "to be, or not"},
		{"none", "..."},
		{"sonnet", "shall I compare thee to a summer's day thou art more lovely and more temperate"},
	}
	probes := []document{
		{"p", thirteen},
		{"edited", but("twelve", "XII", "thirteen", "last")}, // seven of eleven of it in last, six in ends
		{"short", "To be or NOT"},
		{"sonnet", "Shall I compare thee to a summer's day thou art more lovely and more tempered"},
	}
	type row struct {
		Exact, Words, Near int64
		Grade, Reason      string
	}
	type pair struct {
		Probe, Document, Relation string
		Jaccard                   float64 // 0: null
	}
	for _, stages := range []string{"", "ngram: {}", "ngram: {min_words: 5, min_bytes: 0}", "ngram: {unit: bytes}"} {
		var first map[string]string
		for _, workers := range []int{1, 8} {
			dir := t.TempDir()
			writeParquet(t, filepath.Join(dir, "corpus.parquet"), corpus, parquet.MaxRowsPerRowGroup(3))
			writeParquet(t, filepath.Join(dir, "probes.parquet"), probes)
			config := strings.NewReplacer("hash: {}", "hash: {near_duplicate: 0.8}", "ngram: {}", stages).Replace(usual)
			runDir := mustRun(t, dir, strings.ReplaceAll(config, "DIR", dir), fmt.Sprint("resources.workers=", workers))
			sums := digests(t, runDir, "evidence")
			if first != nil {
				if d := cmp.Diff(first, sums); d != "" {
					t.Errorf("%q: other bytes with %d workers:\n%s", stages, workers, d)
				}
				continue
			}
			first = sums
			got := make(map[string]row)
			for _, e := range readTable(t, runDir, schemas.Evidences) {
				r := row{*e.ExactDocuments, *e.ExactWordsDocuments, *e.NearDocuments, e.CorpusGrade, ""}
				if r.Grade == "near_duplicate" {
					r.Reason = e.CorpusReason
				}
				if e.ProbeID == "edited" {
					r.Grade = "" // it depends on the shortest span
				}
				got[e.ProbeID] = r
			}
			if d := cmp.Diff(map[string]row{
				"p":      {1, 2, 3, "exact", ""},
				"edited": {0, 0, 0, "", ""},
				"short":  {0, 1, 1, "exact", ""},
				"sonnet": {0, 0, 1, "near_duplicate", "1 corpus document is a near duplicate of this text."},
			}, got); d != "" {
				t.Errorf("%q (-want +got):\n%s", stages, d)
			}
			var pairs []pair
			for _, m := range readTable(t, runDir, schemas.Matches) {
				p := pair{m.ProbeID, m.DocumentID, m.Relation, 0}
				if m.Jaccard != nil {
					p.Jaccard = *m.Jaccard
				}
				if m.Jaccard != nil || strings.HasPrefix(m.Relation, "exact") || m.Relation == "near_duplicate" {
					pairs = append(pairs, p)
				}
			}
			if d := cmp.Diff([]pair{
				{"p", "last", "near_duplicate", .8},
				{"p", "same", "exact", 1},
				{"p", "words", "exact_words", 1},
				{"short", "short", "exact_words", 1},
				{"sonnet", "sonnet", "near_duplicate", 11. / 13},
			}, pairs); d != "" {
				t.Errorf("%q: matches (-want +got):\n%s", stages, d)
			}
		}
	}
}

// TestNearVerbatim compares probes with listed documents when it is asked for, in words whatever the unit.
func TestNearVerbatim(t *testing.T) {
	words := func(first, end int, changed ...string) string {
		var text []string
		for i := first; i < end; i++ {
			text = append(text, fmt.Sprint("word", i))
		}
		return strings.NewReplacer(changed...).Replace(strings.Join(text, " ") + ".")
	}
	corpus := []document{
		{"changed", words(0, 200, "word60 ", "another ", "word120 ", "", "word150 ", "word150 one more ")},
		{"half", words(50, 150) + words(900, 1100)},
		{"less", words(0, 99) + words(900, 1100)},
		{"same", words(0, 200)},
		{"none", words(900, 1100)},
	}
	for stages, want := range map[string]map[string]string{
		"ngram: {near_verbatim: true}":                 {"changed": "0.99", "half": "0.5", "less": "0", "same": "1"},
		"ngram: {near_verbatim: true, unit: bytes}":    {"changed": "0.99", "half": "0.5", "less": "0", "same": "1"},
		"ngram: {near_verbatim: true, max_matches: 1}": {"same": "1", "changed": "0.99"},
		"ngram: {near_verbatim: false}":                {"changed": "null", "half": "null", "less": "null", "same": "null"},
	} {
		for _, workers := range []int{1, 8} {
			dir := t.TempDir()
			writeParquet(t, filepath.Join(dir, "corpus.parquet"), corpus, parquet.MaxRowsPerRowGroup(2))
			writeParquet(t, filepath.Join(dir, "probes.parquet"), []document{{"p", words(0, 200)}})
			config := strings.NewReplacer("ngram: {}", stages).Replace(usual)
			runDir := mustRun(t, dir, strings.ReplaceAll(config, "DIR", dir), fmt.Sprint("resources.workers=", workers))
			got := make(map[string]string)
			for _, m := range readTable(t, runDir, schemas.Matches) {
				got[m.DocumentID] = "null"
				if m.NearVerbatimRecall != nil {
					got[m.DocumentID] = fmt.Sprint(*m.NearVerbatimRecall)
				}
			}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("%s, %d workers (-want +got):\n%s", stages, workers, d)
			}
		}
	}
}

// TestNearVerbatimGrade grades outputs by passages that are nearly word for word, only where they are looked for.
func TestNearVerbatimGrade(t *testing.T) {
	type output struct {
		ID     string  `parquet:"id"`
		Text   string  `parquet:"text"`
		Prompt *string `parquet:"prompt"`
	}
	spelt := func(first, end, every int) string { // each so many words another stands
		var text []string
		for i := first; i < end; i++ {
			if text = append(text, fmt.Sprint("word", i)); i%every == every-1 {
				text[len(text)-1] = fmt.Sprint("other", i)
			}
		}
		return strings.Join(text, " ")
	}
	dir := t.TempDir()
	writeParquet(t, filepath.Join(dir, "corpus.parquet"), []document{{"source", spelt(0, 300, 1000)}, {"none", spelt(500, 800, 1000)}})
	writeParquet(t, filepath.Join(dir, "probes.parquet"), []output{
		{"long run", spelt(0, 60, 1000), ptr("")},
		{"edited", spelt(0, 200, 40), ptr("")},
		{"edited prompt", spelt(0, 200, 40), ptr(spelt(0, 200, 40))},
		{"unknown prompt", spelt(0, 200, 40), nil},
		{"too short", spelt(0, 101, 40), ptr("Say words.")},
		{"just", spelt(0, 102, 40), ptr("Say words.")},
	})
	for near, want := range map[string]map[string]string{
		"{near_verbatim: true}": {
			"long run": "verbatim", "edited prompt": "none", "unknown prompt": "not_assessed", "too short": "none", "just": "near_verbatim",
			"edited": "near_verbatim",
		},
		"{}": {
			"long run": "verbatim", "edited prompt": "none", "unknown prompt": "not_assessed", "too short": "none", "just": "none", "edited": "none",
		},
	} {
		config := strings.NewReplacer("columns: {text: text, id: id}}\nhash", "kind: generation, columns: {text: text, id: id, prompt: prompt}}\nhash",
			"ngram: {}", "ngram: "+near).Replace(usual)
		got := make(map[string]string)
		for _, e := range readTable(t, mustRun(t, t.TempDir(), strings.ReplaceAll(config, "DIR", dir), "run_id=r"+fmt.Sprint(len(near))), schemas.Evidences) {
			got[e.ProbeID] = e.ModelGrade
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", near, d)
		}
	}
}

// TestNearFromCorpus looks for near-duplicates of documents among the others: none is its own. Without a threshold none are looked
// for.
func TestNearFromCorpus(t *testing.T) {
	dir := t.TempDir()
	writeParquet(t, filepath.Join(dir, "corpus.parquet"), []document{
		{"a", long}, {"b", long + " fifteen"}, {"c", strings.ToUpper(long)}, {"d", "x y z"},
	}, parquet.MaxRowsPerRowGroup(2))
	config := fmt.Sprintf("corpus: {urls: [%q], columns: {text: text, id: id}}\nprobes: {from: corpus}\nhash: {}\n",
		filepath.Join(dir, "corpus.parquet"))
	for set, want := range map[string]map[string]int64{
		"hash.near_duplicate=0.9": {"a": 2, "b": 2, "c": 2, "d": 0},
		"hash.near_duplicate=1":   {"a": 1, "b": 0, "c": 1, "d": 0},
		"hash.near_duplicate=0":   {"a": -1, "b": -1, "c": -1, "d": -1}, // null
	} {
		got := make(map[string]int64)
		for _, e := range readTable(t, mustRun(t, t.TempDir(), config, set), schemas.Evidences) {
			got[e.ProbeID] = -1
			if e.NearDocuments != nil {
				got[e.ProbeID] = *e.NearDocuments
			}
		}
		if d := cmp.Diff(want, got); d != "" {
			t.Errorf("%s (-want +got):\n%s", set, d)
		}
	}
}
