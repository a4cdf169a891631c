package match_test

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"palimpsest/schemas"
	"palimpsest/stages/fold"
	"palimpsest/stages/hash"
	"palimpsest/stages/match"
	"palimpsest/stages/ngram"
	"palimpsest/stages/words"
)

// world is the three folds over the same documents, as the pipeline runs them.
type world struct {
	ngram *ngram.State
	hash  *hash.State
	match *match.State
}

func (w *world) merge(o *world) {
	w.ngram.Merge(o.ngram)
	w.hash.Merge(o.hash)
	w.match.Merge(o.match)
}

// fold runs the folds over the documents, dealt to shards in that order, and merges the shards.
func run(t *testing.T, probes []*fold.Probe, documents []string, order []int, shards, most int) *world {
	t.Helper()
	texts, err := ngram.NewTexts(probes, fold.Words)
	if err != nil {
		t.Fatal(err)
	}
	c := ngram.Config{MinWords: 5, MaxSources: 3}
	index, err := ngram.NewIndex(t.Context(), texts, c, c.Sampling(1), 1)
	if err != nil {
		t.Fatal(err)
	}
	hashes, err := hash.NewIndex(probes, .8)
	if err != nil {
		t.Fatal(err)
	}
	config := match.Config{Max: most, MinCoverage: .1, Searched: true, Units: texts.Units}
	var all []*world
	for range shards {
		all = append(all, &world{ngram.NewMatcher(index, 1<<20).NewState(), hash.NewState(hashes), match.NewState(config)})
	}
	var n words.Normaliser
	var d fold.Document
	for k, i := range order {
		w := all[k%shards]
		stream, count := n.Stream([]byte(documents[i]))
		d.Reset([]byte(documents[i]), stream, count, func() fold.Ref { return fold.NewRef(fmt.Sprint("d", i), "mem://c/x", int64(i)) })
		w.ngram.Add(&d)
		w.hash.Add(&d)
		w.match.Add(&d)
	}
	for _, w := range all[1:] {
		all[0].merge(w)
	}
	return all[0]
}

func inOrder(n int) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	return order
}

const text = "one two three four five six seven eight nine ten"

func work(id, text string) *fold.Probe {
	return &fold.Probe{ID: id, Kind: fold.Work, Text: []byte(text)}
}

func TestRelations(t *testing.T) {
	documents := []string{
		text,                                  // exact
		"One, two, three, four: " + text[19:], // exact_words
		"zero zero " + text + " eleven twelve thirteen",       // probe_in_document
		"two three four five six",                             // document_in_probe
		"zero one two three four five eleven twelve thirteen", // overlaps
		"two three four five",                                 // too short to be found
		text + " eleven",                                      // near_duplicate: six of seven shingles
	}
	w := run(t, []*fold.Probe{work("p", text)}, documents, inOrder(len(documents)), 2, 20)
	type row struct {
		ID, Relation                 string
		Covered, Longest             int64
		ProbeCoverage, DocumentCover float64
		Jaccard                      float64 // 0: null
	}
	var got []row
	for _, m := range w.match.Rows(0, "p") {
		r := row{m.DocumentID, m.Relation, *m.CoveredWords, *m.LongestWords, *m.ProbeCoverage, *m.DocumentCoverage, 0}
		if m.Jaccard != nil {
			r.Jaccard = *m.Jaccard
		}
		got = append(got, r)
	}
	want := []row{
		{"d0", match.Exact, 10, 10, 1, 1, 1},
		{"d1", match.ExactWords, 10, 10, 1, 1, 1},
		{"d2", match.ProbeInDocument, 10, 10, 1, 10. / 15, 0},
		{"d3", match.DocumentInProbe, 5, 5, .5, 1, 0},
		{"d4", match.Overlaps, 5, 5, .5, 5. / 9, 0},
		{"d6", match.NearDuplicate, 10, 10, 1, 10. / 11, 6. / 7},
	}
	if d := gocmp.Diff(want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if got := w.hash.Counts(0); got != (hash.Counts{Exact: 1, ExactWords: 2, Near: 3}) {
		t.Errorf("counts %+v", got)
	}
	var rows []schemas.Document
	for _, r := range w.match.TakeDocuments() {
		rows = append(rows, schemas.Document{DocumentID: r.DocumentID, Words: r.Words, Probes: r.Probes})
	}
	slices.SortFunc(rows, func(a, b schemas.Document) int { return strings.Compare(a.DocumentID, b.DocumentID) })
	if d := gocmp.Diff([]schemas.Document{
		{DocumentID: "d0", Words: 10, Probes: 1}, {DocumentID: "d1", Words: 10, Probes: 1}, {DocumentID: "d2", Words: 15, Probes: 1},
		{DocumentID: "d3", Words: 5, Probes: 1}, {DocumentID: "d4", Words: 9, Probes: 1}, {DocumentID: "d6", Words: 11, Probes: 1},
	}, rows); d != "" {
		t.Errorf("documents (-want +got):\n%s", d)
	}
}

// TestShortProbes shows that a probe too short for a span is still found by its digest, and only by it.
func TestShortProbes(t *testing.T) {
	documents := []string{"Hello, world", "hello world", "say hello world", "", ""}
	w := run(t, []*fold.Probe{work("empty", ""), work("short", "Hello, world")}, documents, inOrder(5), 1, 20)
	if got := w.hash.Counts(0); got != (hash.Counts{Exact: 2}) {
		t.Errorf("the empty probe: %+v; an empty text equals an empty text, and has no words to share", got)
	}
	if got := w.hash.Counts(1); got != (hash.Counts{Exact: 1, ExactWords: 2, Near: 2}) {
		t.Errorf("the short probe: %+v", got)
	}
	if rows := w.match.Rows(1, "short"); len(rows) != 2 || rows[0].Relation != match.Exact || *rows[0].ProbeCoverage != 0 {
		t.Errorf("rows %+v", rows)
	}
}

// TestOrder shows that what is listed under a cap is what the definition says, and does not depend on order or shards.
func TestOrder(t *testing.T) {
	var documents []string
	split := strings.Fields(text)
	for i := range 60 {
		n := 5 + i%6
		documents = append(documents, fmt.Sprintf("x%d %s y%d", i, strings.Join(split[:n], " "), i))
	}
	for range 3 {
		documents = append(documents, text)
	}
	for i := range 9 {
		documents = append(documents, fmt.Sprint(text, " z", i))
	}
	probes := []*fold.Probe{work("p", text)}
	first := run(t, probes, documents, inOrder(len(documents)), 1, 4).match.Rows(0, "p")

	// By definition: four duplicates, those with the same words and then the near ones of smallest hash64; and of the rest the four
	// of greatest coverage, ties by hash64.
	type candidate struct {
		ref     fold.Ref
		covered int
	}
	var equal, near, others []candidate
	for i := range documents {
		c := candidate{fold.NewRef(fmt.Sprint("d", i), "mem://c/x", int64(i)), 5 + i%6}
		switch {
		case i >= 63:
			near = append(near, c)
		case i >= 60:
			equal = append(equal, c)
		default:
			others = append(others, c)
		}
	}
	byHash := func(a, b candidate) int { return cmp.Compare(a.ref.Hash64, b.ref.Hash64) }
	slices.SortFunc(near, byHash)
	slices.SortFunc(others, func(a, b candidate) int { return cmp.Or(b.covered-a.covered, byHash(a, b)) })
	var want, got []string
	for _, c := range slices.Concat(equal, near[:1], others[:4]) {
		want = append(want, c.ref.ID)
	}
	for _, r := range first {
		got = append(got, r.DocumentID)
	}
	slices.Sort(want)
	if d := gocmp.Diff(want, got); d != "" {
		t.Fatalf("(-want +got):\n%s", d)
	}
	for seed := range uint64(5) {
		order := rand.New(rand.NewPCG(seed, 0)).Perm(len(documents))
		again := run(t, probes, documents, order, int(seed)+1, 4).match.Rows(0, "p")
		if d := gocmp.Diff(first, again); d != "" {
			t.Errorf("order %d (-first +again):\n%s", seed, d)
		}
	}
}

// TestFloors folds documents with a common header group by group: what is listed is the same when what many documents share is found once.
func TestFloors(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	some := func(n int, words string) string {
		w := make([]string, n)
		for i := range w {
			w[i] = fmt.Sprint(words, r.IntN(1000))
		}
		return strings.Join(w, " ")
	}
	header, tails := some(30, "header"), []string{some(20, "tail"), some(25, "tail"), some(200, "tail")}
	var probes []*fold.Probe
	for i := range 12 {
		probes = append(probes, work(fmt.Sprint("p", i), header+" "+some(10+i%3, "own")+" "+tails[i%3]))
	}
	var documents []string
	for range 300 {
		tail := strings.Fields(tails[r.IntN(3)])
		documents = append(documents, header+" "+some(r.IntN(5), "new")+" "+strings.Join(tail[:5+r.IntN(len(tail)-5)], " "))
	}
	documents = append(documents, string(probes[0].Text), string(probes[1].Text)+" more", header)
	texts, err := ngram.NewTexts(probes, fold.Words)
	if err != nil {
		t.Fatal(err)
	}
	c := ngram.Config{MinWords: 5, MaxSources: 3}
	index, err := ngram.NewIndex(t.Context(), texts, c, c.Sampling(1), 1)
	if err != nil {
		t.Fatal(err)
	}
	hashes, err := hash.NewIndex(probes, .8)
	if err != nil {
		t.Fatal(err)
	}
	for _, most := range []int{0, 1, 5, 1000} {
		found := func(room int64, group int) *world {
			config := match.Config{Max: most, MinCoverage: .3, Searched: true, Units: texts.Units}
			matcher := ngram.NewMatcher(index, room)
			total := &world{matcher.NewState(), hash.NewState(hashes), match.NewState(config)}
			w := &world{matcher.NewState(), hash.NewState(hashes), match.NewState(config)}
			var n words.Normaliser
			var d fold.Document
			for i, text := range documents {
				stream, count := n.Stream([]byte(text))
				d.Reset([]byte(text), stream, count, func() fold.Ref { return fold.NewRef(fmt.Sprint("d", i), "mem://c/x", int64(i)) })
				w.hash.Add(&d)
				w.ngram.Add(&d)
				w.match.Add(&d)
				if i%group == group-1 {
					total.merge(w)
					w = &world{matcher.NewState(), hash.NewState(hashes), match.NewState(config)}
				}
			}
			total.merge(w)
			return total
		}
		want, got := found(0, 1000), found(1<<20, 40)
		for i := range probes {
			if d := gocmp.Diff(want.match.Rows(i, "p"), got.match.Rows(i, "p")); d != "" {
				t.Errorf("%d listed, probe %d (-alone +shared):\n%s", most, i, d)
			}
			wantBest, wantCoverage := want.match.Best(i)
			if best, coverage := got.match.Best(i); best != wantBest || coverage != wantCoverage {
				t.Errorf("%d listed, probe %d: best %s %v, want %s %v", most, i, best, coverage, wantBest, wantCoverage)
			}
		}
		order := func(a, b schemas.Document) int { return int(a.DocumentRow - b.DocumentRow) }
		wantRows, rows := want.match.TakeDocuments(), got.match.TakeDocuments()
		slices.SortFunc(wantRows, order)
		slices.SortFunc(rows, order)
		if d := gocmp.Diff(wantRows, rows); d != "" {
			t.Errorf("%d listed: documents (-alone +shared):\n%s", most, d)
		}
	}
}
