package main

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/parquet-go/parquet-go"

	"palimpsest/schemas"
)

// truth is what the testbed says of a text.
type truth struct {
	ID     string `parquet:"id"`
	Type   string `parquet:"type"`
	Member int32  `parquet:"member"`
	Dup    int64  `parquet:"dup"`
	LCP    int32  `parquet:"lcp"`
}

// TestTestbed runs the testbed's corpus, texts, log-probabilities and generations through the command, the way a user would, and
// holds its published figures against the tables.
func TestTestbed(t *testing.T) {
	corpus := shared(t, "testbed", "train_docs.parquet")
	dir := t.TempDir()
	config := fmt.Sprintf(`
corpus: {urls: [%q], columns: {text: text, id: doc_id, license: license}}
probes:
  - {urls: [%q], columns: {text: text, id: id, control_group: type, label: member}}
  - {urls: [%q], columns: {text: text, id: id, prompt: prompt}, kind: generation}
hash: {}
ngram: {min_words: 13, min_bytes: 0, max_sources: 100}
likelihood:
  target:
    urls: [%q]
    columns: {log_probs: logprob, token_ids: token_ids, byte_offsets: byte_off, ranks: rank, means: mu, deviations: sd, top_ids: top_ids, top_log_probs: top_logprobs}
  reference:
    urls: [%[4]q]
    columns: {log_probs: ref_logprob, token_ids: token_ids, byte_offsets: byte_off}
  windows: {prefix: 32, suffix: 50, top_k: 5}
`, corpus, shared(t, "testbed", "ground_truth.parquet"), filepath.Join("..", "..", "configs", "demo", "generations.parquet"),
		shared(t, "testbed", "token_logprobs.parquet"))
	runDir := mustRun(t, dir, config)

	truths := make(map[string]truth)
	rows, err := parquet.ReadFile[truth](shared(t, "testbed", "ground_truth.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		truths[r.ID] = r
	}
	t.Run("compression", func(t *testing.T) { checkCompression(t, runDir, truths) })
	t.Run("auroc", func(t *testing.T) { checkAUROC(t, runDir, truths) })
	t.Run("extraction", func(t *testing.T) { checkExtraction(t, runDir, truths) })
	t.Run("copies", func(t *testing.T) { checkCopies(t, runDir, truths) })
	t.Run("generations", func(t *testing.T) { checkGenerations(t, runDir) })
}

// checkCompression holds the table of compressed sizes against the scores it adds up. What stands 64 times in the training set takes the
// model a twentieth of the bits of what it never saw; the reference and the compressors do not tell them apart.
func checkCompression(t *testing.T, runDir string, truths map[string]truth) {
	rows := make(map[[2]string]schemas.Compression)
	for _, r := range readTable(t, runDir, schemas.Compressions) {
		rows[[2]string{r.Role, r.Slice}] = r
	}
	sums := make(map[[2]string]*schemas.Compression)
	for _, r := range readTable(t, runDir, schemas.Likelihoods) {
		k := [2]string{r.Role, truths[r.ProbeID].Type}
		if sums[k] == nil {
			sums[k] = &schemas.Compression{}
		}
		s := sums[k]
		s.Texts++
		s.Bytes += *r.Bytes
		s.ModelBits -= *r.LogProb / math.Ln2
		s.ZlibBytes, s.ZstdBytes, s.XZBytes = s.ZlibBytes+*r.ZlibBytes, s.ZstdBytes+*r.ZstdBytes, s.XZBytes+*r.XZBytes
	}
	if len(sums) != 2*5 {
		t.Errorf("%d slices by role and type", len(sums))
	}
	for k, want := range sums {
		got := rows[k]
		if got.Texts != want.Texts || got.Bytes != want.Bytes || math.Abs(got.ModelBits-want.ModelBits) > 1e-6*want.ModelBits ||
			got.ZlibBytes != want.ZlibBytes || got.ZstdBytes != want.ZstdBytes || got.XZBytes != want.XZBytes {
			t.Errorf("%v: got %+v, the scores add up to %+v", k, got, *want)
		}
	}
	t.Log("passages, bits per byte: copies, target, reference, zstd, xz, zlib")
	for _, copies := range []string{"0", "1", "2-3", "4-7", "8-15", "16-31", "32-63", "64-127"} {
		r, reference := rows[[2]string{"target", "passage copies=" + copies}], rows[[2]string{"reference", "passage copies=" + copies}]
		t.Logf("%6s %6.3f %6.3f %6.3f %6.3f %6.3f", copies, r.BitsPerByte, reference.BitsPerByte, r.ZstdPerByte, r.XZPerByte, r.ZlibPerByte)
	}
	for role, want := range map[string]func(ratio float64) bool{
		"target": func(ratio float64) bool { return ratio < .05 }, "reference": func(ratio float64) bool { return ratio > .95 && ratio < 1.05 },
	} {
		often, never := rows[[2]string{role, "passage copies=64-127"}], rows[[2]string{role, "passage copies=0"}]
		if !want(often.BitsPerByte/never.BitsPerByte) || math.Abs(often.ZstdPerByte/never.ZstdPerByte-1) > .05 {
			t.Errorf("%s: %.3f bits per byte at 64 copies, %.3f at none; zstd %.3f and %.3f", role, often.BitsPerByte, never.BitsPerByte,
				often.ZstdPerByte, never.ZstdPerByte)
		}
	}
}

// checkAUROC compares with auc.json: the area under the curve by copies, and the true positives at 1 % false ones.
func checkAUROC(t *testing.T, runDir string, truths map[string]truth) {
	data, err := os.ReadFile(shared(t, "testbed", "auc.json"))
	if err != nil {
		t.Fatal(err)
	}
	var published map[string]map[string]float64
	if err := json.Unmarshal(data, &published); err != nil {
		t.Fatal(err)
	}
	bucket := map[string]string{"1": "1", "2": "2-3", "4": "4-7", "8": "8-15", "16": "16-31", "32": "32-63", "64": "64-127"}
	scores := map[string]string{"m_loss": "perplexity", "m_zlib": "zlib_ratio", "m_mink": "min_k", "m_minkpp": "min_k_pp"}
	rows := make(map[[2]string]schemas.Evaluation)
	for _, r := range readTable(t, runDir, schemas.Evaluations) {
		rows[[2]string{r.Score, r.Slice}] = r
	}
	compared := 0
	check := func(cell, score string, got, tolerance float64) {
		t.Helper()
		compared++
		if want := published[cell][score]; math.Abs(got-want) > tolerance {
			t.Errorf("%s %s: AUROC %.6f, published %.6f", cell, score, got, want)
		}
	}
	for cell := range published {
		kind, copies, _ := strings.Cut(cell, ":")
		for theirs, ours := range scores {
			r, ok := rows[[2]string{ours, fmt.Sprintf("%s copies=%s", kind, bucket[copies])}]
			if !ok || r.AUROC == nil {
				t.Errorf("%s: no row for %s", cell, ours)
				continue
			}
			tolerance := 5e-4
			if theirs == "m_zlib" {
				tolerance = .02 // Go's deflate is not C's
			}
			check(cell, theirs, *r.AUROC, tolerance)
		}
		check(cell, "m_ref", auroc(meanReferenceRatios(t, runDir, truths, kind, copies)), 5e-4)
	}
	if want := 5 * len(published); compared != want || want < 5*19 {
		t.Errorf("%d figures compared of %d", compared, want)
	}
	for slice, want := range map[string]float64{ // README, section 4
		"passage copies=1": .05, "passage copies=2-3": .175, "passage copies=4-7": .4, "passage copies=8-15": .9, "passage copies=16-31": 1,
		"nonsense copies=1": .21875, "nonsense copies=4-7": .90625, "secret copies=1": .28125, "secret copies=4-7": .15625,
		"secret copies=16-31": .78125, "shuffled copies=1": .0625, "shuffled copies=4-7": .40625,
	} {
		if got := rows[[2]string{"perplexity", slice}].TPRAt1FPR; got == nil || *got != want {
			t.Errorf("%s: true positives at 1 %% %v, published %v", slice, got, want)
		}
	}
	for i, want := range []float64{.610, .700, .843, .938, .998, 1, 1} {
		slice := "passage copies=" + bucket[fmt.Sprint(1<<i)]
		if got := rows[[2]string{"bits_per_byte", slice}].AUROC; got == nil || math.Abs(*got-want) > 6e-4 {
			t.Errorf("%s: AUROC of bits_per_byte %v, published %v", slice, got, want)
		}
	}
}

// meanReferenceRatios returns the testbed's m_ref, a mean over tokens, from the log_probs of both models.
func meanReferenceRatios(t *testing.T, runDir string, truths map[string]truth, kind, copies string) (members, others []float64) {
	t.Helper()
	target, reference := make(map[string]schemas.Likelihood), make(map[string]schemas.Likelihood)
	for _, r := range readTable(t, runDir, schemas.Likelihoods) {
		if r.Role == "target" {
			target[r.ProbeID] = r
		} else {
			reference[r.ProbeID] = r
		}
	}
	for id, r := range target {
		tr := truths[id]
		v := (*r.LogProb - *reference[id].LogProb) / float64(r.ScoredTokens)
		switch {
		case tr.Type != kind:
		case tr.Member == 0:
			others = append(others, v)
		case fmt.Sprint(tr.Dup) == copies:
			members = append(members, v)
		}
	}
	return members, others
}

// auroc is the definition.
func auroc(members, others []float64) float64 {
	wins := 0.0
	for _, m := range members {
		for _, o := range others {
			switch {
			case m > o:
				wins++
			case m == o:
				wins += .5
			}
		}
	}
	return wins / float64(len(members)*len(others))
}

// checkExtraction compares the passages that the model gives back after their first 32 tokens.
func checkExtraction(t *testing.T, runDir string, truths map[string]truth) {
	extracted := make(map[int64]int)
	for _, w := range readTable(t, runDir, schemas.Windows) {
		tr := truths[w.ProbeID]
		if tr.Type != "passage" || w.WindowIndex != 0 {
			continue
		}
		if w.Greedy == nil {
			t.Errorf("%s: greedy is null", w.ProbeID)
			continue
		}
		if *w.Greedy != (tr.LCP == 50) {
			t.Errorf("%s: greedy %v, and the model gives back %d of 50 tokens", w.ProbeID, *w.Greedy, tr.LCP)
		}
		if *w.Greedy {
			extracted[tr.Dup]++
		}
	}
	if d := cmp.Diff(map[int64]int{32: 15, 64: 40}, extracted); d != "" {
		t.Errorf("extracted passages by copies (-want +got):\n%s", d)
	}
}

// checkCopies compares the exact duplicates with the copies that were planted, and shows that no other text but edited ones
// overlaps.
func checkCopies(t *testing.T, runDir string, truths map[string]truth) {
	edited := 0
	for _, e := range readTable(t, runDir, schemas.Evidences) {
		tr, ok := truths[e.ProbeID]
		if !ok {
			continue
		}
		if *e.ExactDocuments != tr.Dup {
			t.Errorf("%s: %d exact documents, planted %d", e.ProbeID, *e.ExactDocuments, tr.Dup)
		}
		switch {
		case tr.Type == "edited":
			if *e.Spans > 0 {
				edited++
			}
		case *e.Documents > tr.Dup:
			t.Errorf("%s: overlaps %d documents, and stands in %d", e.ProbeID, *e.Documents, tr.Dup)
		}
	}
	if edited != 17 {
		t.Errorf("%d edited texts share 13 words with the corpus, published 17", edited)
	}
}

// checkGenerations compares the runs that the model's own output repeats with the spans that the testbed lists, their sources and
// copies.
func checkGenerations(t *testing.T, runDir string) {
	type listed struct {
		Doc    string `parquet:"doc"`
		Tok    int32  `parquet:"tok"`
		Copies int64  `parquet:"copies"`
	}
	type generation struct {
		ID    string `parquet:"gen_id"`
		Kind  string `parquet:"kind"`
		Spans []struct {
			Len     int32    `parquet:"len"`
			Sources []listed `parquet:"sources,list"`
		} `parquet:"spans,list"`
	}
	rows, err := parquet.ReadFile[generation](shared(t, "testbed", "generations.parquet"))
	if err != nil {
		t.Fatal(err)
	}
	kind := make(map[string]string)
	sources := make(map[string]map[string]int64) // copies by document, by generation
	for _, g := range rows {
		kind[g.ID] = g.Kind
		sources[g.ID] = make(map[string]int64)
		for _, s := range g.Spans {
			for _, l := range s.Sources {
				doc := l.Doc
				if strings.HasPrefix(doc, "bg:") {
					doc = fmt.Sprintf("%s:%d", doc, l.Tok/96*96)
				}
				sources[g.ID][doc] = l.Copies
			}
		}
	}
	found := make(map[string]map[string]bool) // by kind, the generations with a span of at least 13 words
	documents := make(map[string]map[string]bool)
	for _, s := range readTable(t, runDir, schemas.SpanSources) {
		if kind[s.ProbeID] == "" {
			continue
		}
		key := fmt.Sprint(s.ProbeID, "/", s.SpanIndex)
		if documents[key] == nil {
			documents[key] = make(map[string]bool)
		}
		documents[key][s.DocumentID] = true
	}
	for _, s := range readTable(t, runDir, schemas.Spans) {
		k := kind[s.ProbeID]
		if k == "" {
			continue
		}
		if found[k] == nil {
			found[k] = make(map[string]bool)
		}
		found[k][s.ProbeID] = true
		var copies int64
		ids := documents[fmt.Sprint(s.ProbeID, "/", s.SpanIndex)]
		for id := range ids {
			n, ok := sources[s.ProbeID][id]
			if !ok {
				t.Errorf("%s: source %s is not the testbed's (%v)", s.ProbeID, id, sources[s.ProbeID])
			}
			copies += n
		}
		if s.Documents != copies {
			t.Errorf("%s: a span of %d words in %d documents, and its sources %v have %d copies", s.ProbeID, s.Words, s.Documents, ids, copies)
		}
	}
	got := map[string]int{"greedy": len(found["greedy"]), "topk40": len(found["topk40"])}
	if d := cmp.Diff(map[string]int{"greedy": 128, "topk40": 67}, got); d != "" {
		t.Errorf("generations with 13 words of a training document (-published +got):\n%s", d)
	}
	if !slices.ContainsFunc(rows, func(g generation) bool { return len(g.Spans) > 0 }) {
		t.Error("the testbed's spans were not read")
	}
}
