package match_test

import (
	"bytes"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"palimpsest/schemas"
	"palimpsest/stages/fold"
	"palimpsest/stages/hash"
	"palimpsest/stages/match"
	"palimpsest/stages/ngram"
	"palimpsest/stages/tokens"
	"palimpsest/stages/words"
)

// setting is what the folds of a run start from.
type setting struct {
	probes []*fold.Probe
	texts  *ngram.Texts
	config ngram.Config
	index  *ngram.Index
	hashes *hash.Index
	listed match.Config
}

func newSetting(t testing.TB, probes []*fold.Probe, c ngram.Config, most int) *setting {
	t.Helper()
	for _, p := range probes {
		if c.Unit == fold.Tokens {
			p.Tokens = fields(t, string(p.Text))
		}
	}
	s := &setting{probes: probes, config: c}
	var err error
	if s.texts, err = ngram.NewTexts(probes, c.Unit); err != nil {
		t.Fatal(err)
	}
	if s.index, err = ngram.NewIndex(t.Context(), s.texts, c, c.Sampling(1), 1); err != nil {
		t.Fatal(err)
	}
	if s.hashes, err = hash.NewIndex(t.Context(), probes, .6); err != nil {
		t.Fatal(err)
	}
	s.listed = match.Config{Max: most, MinCoverage: .3, Searched: true, Units: s.texts.Units, Unit: c.Unit}
	return s
}

// fields is a text in which every field is a token.
func fields(t testing.TB, text string) tokens.Text {
	t.Helper()
	var ids, offsets []int64
	at := 0
	for _, field := range strings.Fields(text) {
		at += strings.Index(text[at:], field)
		h := fnv.New32a()
		h.Write([]byte(field))
		ids, offsets = append(ids, int64(h.Sum32()%tokens.Most)), append(offsets, int64(at))
		at += len(field)
	}
	stream, err := tokens.AppendStream(nil, ids)
	if err != nil {
		t.Fatal(err)
	}
	return tokens.Text{Stream: stream, Offsets: append(offsets, int64(len(text)))}
}

// fresh is the state of no documents, of which the matcher may have seen others.
func (s *setting) fresh(m *ngram.Matcher) *world {
	return &world{m.NewState(), hash.NewState(s.hashes), match.NewState(s.listed)}
}

// merged is the state that takes in records.
func (s *setting) merged() *world {
	return &world{ngram.NewMerged(s.texts, s.config), hash.NewMerged(), match.NewState(s.listed)}
}

// document is a text of the corpus and its row.
type document struct {
	row  int
	text string
}

func (s *setting) fold(t testing.TB, m *ngram.Matcher, documents []document) *world {
	t.Helper()
	w := s.fresh(m)
	var n words.Normaliser
	var d fold.Document
	for _, doc := range documents {
		stream, count := n.Stream([]byte(doc.text))
		d.Reset([]byte(doc.text), stream, count, func() fold.Ref { return fold.NewRef(fmt.Sprint("d", doc.row), "mem://c/x", int64(doc.row)) })
		if s.config.Unit == fold.Tokens {
			d.Tokens = fields(t, doc.text)
		}
		w.hash.Add(&d)
		w.ngram.Add(&d)
		w.match.Add(&d)
	}
	w.match.Compare(d.Stopped)
	return w
}

// records are those of the probes that were touched.
func (w *world) records() map[int32][]byte {
	records := make(map[int32][]byte)
	var writer fold.Writer
	for _, touched := range []func(func(int32) bool){w.ngram.Touched(), w.hash.Touched(), w.match.Touched()} {
		last := int32(-1)
		for probe := range touched {
			if probe <= last {
				panic("probes that were touched do not ascend")
			}
			last = probe
			records[probe] = bytes.Clone(w.record(&writer, probe))
		}
	}
	return records
}

func (w *world) record(writer *fold.Writer, probe int32) []byte {
	writer.Reset()
	w.hash.Encode(writer, probe)
	w.ngram.Encode(writer, probe)
	w.match.Encode(writer, probe)
	return writer.Record()
}

func (w *world) take(r *fold.Reader, probe int32, record []byte) error {
	r.Reset(record)
	w.hash.Decode(r, probe)
	w.ngram.Decode(r, probe)
	w.match.Decode(r, probe)
	return r.Close()
}

// findings are all that is said of a probe.
type findings struct {
	Finding  ngram.Finding
	Counts   hash.Counts
	Matches  []schemas.Match
	Best     string
	Coverage float64
}

func (w *world) find(f *ngram.Finder, probe int) (all findings) {
	all.Finding, all.Counts, all.Matches = f.Find(probe), w.hash.Counts(probe), w.match.Rows(probe, "p")
	all.Best, all.Coverage = w.match.Best(probe)
	return all
}

// TestRecords cuts corpora into units. The records of a unit do not depend on what was folded before it, nor on what room there is to
// remember that; and taken in, in any order, they say what one state says of all documents, and write the same records.
func TestRecords(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		c := ngram.Config{MinWords: rapid.SampledFrom([]int{2, 5}).Draw(r, "min_words")}
		c.MaxSources = rapid.SampledFrom([]int{1, 12}).Draw(r, "max_sources")
		separator := " "
		switch rapid.IntRange(0, 3).Draw(r, "unit") {
		case 0:
			c.Unit = fold.Tokens
		case 1:
			c.Unit, c.MinWords, c.MinBytes, separator = fold.Bytes, 0, rapid.SampledFrom([]int{9, 12, 30}).Draw(r, "min_bytes"), ""
		}
		word := rapid.SampledFrom([]string{
			"a", "b", "ab", "licence", "license", "licensed", "warranty", "x1", "theauthorsorcopyrightholdersofanykind",
		})
		phrase := func(least, most int) *rapid.Generator[string] {
			return rapid.Map(rapid.SliceOfN(word, least, most), func(w []string) string { return strings.Join(w, separator) })
		}
		passages := rapid.SliceOfN(phrase(8, 30), 1, 3).Draw(r, "passages")
		text := rapid.Custom(func(r *rapid.T) string {
			var parts []string
			for range rapid.IntRange(1, 3).Draw(r, "parts") {
				parts = append(parts, phrase(0, 4).Draw(r, "before"), rapid.SampledFrom(passages).Draw(r, "passage"), phrase(0, 4).Draw(r, "after"))
			}
			return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), separator)
		})
		var probes []*fold.Probe
		for i, text := range rapid.SliceOfN(text, 8, 16).Draw(r, "probes") {
			probes = append(probes, work(fmt.Sprint("p", i), text))
		}
		var corpus []document
		add := func(text string) { corpus = append(corpus, document{len(corpus), text}) }
		for _, text := range rapid.SliceOfN(text, 2, 12).Draw(r, "corpus") {
			add(text)
		}
		for range rapid.IntRange(0, 24).Draw(r, "more") {
			p, d := rapid.SampledFrom(probes).Draw(r, "of"), rapid.SampledFrom(corpus).Draw(r, "after")
			switch rapid.IntRange(0, 4).Draw(r, "kind") {
			case 0:
				add(string(p.Text)) // equal
			case 1:
				add(string(p.Text) + separator + phrase(1, 2).Draw(r, "end")) // nearly equal
			case 2: // the probe is a document
				p.FromCorpus, p.SourceURI, p.SourceRow = true, "mem://c/x", int64(len(corpus))
				add(string(p.Text))
			default:
				add(d.text) // what comes back is learned
			}
		}
		s := newSetting(t, probes, c, rapid.SampledFrom([]int{0, 1, 3, 20}).Draw(r, "max_matches"))
		if rapid.Bool().Draw(r, "near_verbatim") {
			s.listed.Compared = probes
		}
		s.listed.Room = rapid.SampledFrom([]int64{0, 100, 1 << 20}).Draw(r, "room")

		var units [][]document
		for rest := corpus; len(rest) > 0; {
			n := rapid.IntRange(1, len(rest)).Draw(r, "unit")
			units, rest = append(units, rest[:n]), rest[n:]
		}
		var all []map[int32][]byte
		old, small := ngram.NewMatcher(s.index, 1<<20), ngram.NewMatcher(s.index, 1<<13)
		for i, unit := range units {
			want := s.fold(t, ngram.NewMatcher(s.index, 0), unit)
			records, rows := want.records(), want.match.TakeDocuments()
			for name, m := range map[string]*ngram.Matcher{"fresh": ngram.NewMatcher(s.index, 1<<20), "old": old, "small": small} {
				w := s.fold(t, m, unit)
				if d := gocmp.Diff(records, w.records()); d != "" {
					t.Fatalf("unit %d: records (-without room +%s matcher):\n%s", i, name, d)
				}
				if d := gocmp.Diff(rows, w.match.TakeDocuments()); d != "" {
					t.Fatalf("unit %d: documents (-without room +%s matcher):\n%s", i, name, d)
				}
			}
			all = append(all, records)
		}

		whole, merged, states := s.fold(t, ngram.NewMatcher(s.index, 1<<20), corpus), s.merged(), s.fresh(old)
		var reader fold.Reader
		for _, i := range rapid.Permutation(seq(len(all))).Draw(r, "order") {
			for probe, record := range all[i] {
				if err := merged.take(&reader, probe, record); err != nil {
					t.Fatalf("unit %d, probe %d: %v", i, probe, err)
				}
			}
			states.merge(s.fold(t, old, units[i]))
		}
		if d := gocmp.Diff(whole.records(), merged.records()); d != "" {
			t.Fatalf("records (-one state +merged records):\n%s", d)
		}
		if d := gocmp.Diff(whole.records(), states.records()); d != "" {
			t.Fatalf("records (-one state +merged states):\n%s", d)
		}
		mixed := s.fold(t, old, rapid.Permutation(corpus).Draw(r, "mixed"))
		if d := gocmp.Diff(whole.records(), mixed.records()); d != "" {
			t.Fatalf("records (-documents in order +in another):\n%s", d)
		}
		var found []findings
		for _, w := range []*world{whole, merged} {
			finder := ngram.NewFinder(w.ngram, int64(len(corpus)), []int{5, 13}, true)
			for i := range probes {
				found = append(found, w.find(finder, i))
			}
		}
		if d := gocmp.Diff(found[:len(probes)], found[len(probes):]); d != "" {
			t.Fatalf("findings (-one state +merged records):\n%s", d)
		}
		last := int32(len(probes) - 1)
		for _, forget := range []func(int32){merged.ngram.Forget, merged.hash.Forget, merged.match.Forget} {
			forget(last)
			forget(last)
		}
		rest := whole.records()
		delete(rest, last)
		if d := gocmp.Diff(rest, merged.records()); d != "" {
			t.Fatalf("records (-others +after the last was forgotten):\n%s", d)
		}
	})
}

func seq(n int) (all []int) {
	for i := range n {
		all = append(all, i)
	}
	return all
}

// hostile is a setting for records that nobody wrote, and records of it.
func hostile(t testing.TB) (*setting, map[int32][]byte) {
	t.Helper()
	probes := []*fold.Probe{work("p", text), work("q", text+" eleven twelve"), work("none", "")}
	s := newSetting(t, probes, ngram.Config{MinWords: 4, MaxSources: 2}, 2)
	s.listed.Compared = probes
	var corpus []document
	for i, text := range []string{
		text, "zero " + text, "one two three four five six x six seven eight nine y", text, text + " eleven twelve more", "",
	} {
		corpus = append(corpus, document{i, text})
	}
	return s, s.fold(t, ngram.NewMatcher(s.index, 1<<20), corpus).records()
}

// A record that was cut short, or of which a byte was changed, is an error or another sound record; it never ends a run.
func TestHostileRecords(t *testing.T) {
	s, records := hostile(t)
	if len(records) != 3 {
		t.Fatal("not all probes were touched")
	}
	for probe := range maps.Keys(records) {
		record, refused := records[probe], 0
		for i := range record {
			if s.take(t, probe, record[:i]) {
				t.Errorf("probe %d: a record cut after %d of %d bytes is taken in", probe, i, len(record))
			}
			for change := 1; change < 256; change *= 2 {
				changed := bytes.Clone(record)
				changed[i] ^= byte(change)
				if !s.take(t, probe, changed) {
					refused++
				}
			}
		}
		if refused == 0 {
			t.Errorf("probe %d: no change is seen", probe)
		}
	}
}

// take takes in a record, and says all that it says of the probe. It reports whether the record is sound: it is then written as it was
// understood.
func (s *setting) take(t testing.TB, probe int32, record []byte) bool {
	t.Helper()
	w := s.merged()
	var reader fold.Reader
	if w.take(&reader, probe, record) != nil {
		return false
	}
	var writer fold.Writer
	written := bytes.Clone(w.record(&writer, probe))
	again := s.merged()
	if err := again.take(&reader, probe, written); err != nil {
		t.Fatalf("record %x, written %x: %v", record, written, err)
	}
	if twice := again.record(&writer, probe); !bytes.Equal(twice, written) {
		t.Fatalf("record %x, written %x and then %x", record, written, twice)
	}
	for range 2 {
		if err := again.take(&reader, probe, written); err != nil {
			t.Fatal(err)
		}
		again.find(ngram.NewFinder(again.ngram, 3, []int{5}, true), int(probe))
	}
	return true
}

func FuzzRecord(f *testing.F) {
	s, records := hostile(f)
	for probe, record := range records {
		f.Add(probe, record)
	}
	f.Fuzz(func(t *testing.T, probe int32, record []byte) {
		s.take(t, (probe%3+3)%3, record)
	})
}
