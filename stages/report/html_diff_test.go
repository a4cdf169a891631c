package report_test

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"testing"
	"unicode"

	"github.com/parquet-go/parquet-go"
	"golang.org/x/net/html"

	"palimpsest/schemas"
	"palimpsest/stages/report"
	"palimpsest/stages/report/reporttest"
	"palimpsest/stages/store"
)

// edited is a run of one output and the document that it is nearly a copy of. The run of words that they share is this part of both.
func edited(t *testing.T, output, document, run string) (*tables, report.Origin) {
	t.Helper()
	type row struct {
		Text string `parquet:"text"`
	}
	path := filepath.Join(t.TempDir(), "corpus.parquet")
	if err := parquet.WriteFile(path, []row{{document}}); err != nil {
		t.Fatal(err)
	}
	s := store.New()
	defer s.Close()
	objects, err := s.List(context.Background(), []string{path})
	if err != nil {
		t.Fatal(err)
	}
	n := int64(len(strings.Fields(run)))
	at, in := int64(strings.Index(output, run)), int64(strings.Index(document, run))
	return &tables{
		runs:   []schemas.Run{{Probes: 1, Unit: to("words"), TargetModel: to("small-lm"), CorpusDocuments: to[int64](8), CorpusWords: to[int64](99)}},
		probes: []schemas.Probe{{ProbeID: "g", Kind: "generation", SourceURI: "s3://p", UTF8Valid: true, Searchable: to(true), Text: &output}},
		evidence: []schemas.Evidence{{ProbeID: "g", Kind: "generation", Model: to("small-lm"), CorpusGrade: "overlap", CorpusReason: "Yes.",
			ModelGrade: "near_verbatim", ModelReason: "Nearly.", Spans: to[int64](1), Coverage: to(.5), LongestSpanWords: &n, Distinctiveness: to("distinctive")}},
		spans: []schemas.Span{{ProbeID: "g", WordEnd: n, Words: n, ByteStart: at, ByteEnd: at + int64(len(run)), Documents: 1, Occurrences: 1, RarityBits: 3,
			MaxWordMatches: 1, Text: &run}},
		sources: []schemas.SpanSource{{ProbeID: "g", DocumentID: "d", DocumentURI: objects[0].URI, ByteStart: in, ByteEnd: in + int64(len(run))}},
		matches: []schemas.Match{{ProbeID: "g", DocumentID: "d", DocumentURI: objects[0].URI, Relation: "overlaps", NearVerbatimRecall: to(.625)}},
	}, report.Origin{Object: objects[0], Text: "text"}
}

const (
	tale = "In the year of the great frost the river stood still from bank to bank, and carters drove upon it as upon a road. Nobody in the valley " +
		"had seen the like; the miller least of all, whose wheel hung in the ice like a fly in amber."
	told = "In the year of the great thaw the river stood still from bank to bank and carters drove upon it as upon a road. Nobody in all the valley " +
		"had seen the like; the miller, whose wheel hung in the ice like a fly in amber."
	shared = "carters drove upon it as upon a road. Nobody in"
)

// TestPageDiff shows a text beside its source word by word, and what explain says of the same.
func TestPageDiff(t *testing.T) {
	r, origin := edited(t, tale, told, shared)
	dir, outputs := r.save(t)
	in := report.Input{RunURL: dir, Outputs: outputs, Origins: []report.Origin{origin}}
	got := page(t, in)
	reporttest.Check(t, dir, got)
	from := strings.Index(got, `<section class="diff"`)
	if from < 0 {
		t.Fatal("no comparison on the page")
	}
	shown := got[from : from+strings.Index(got[from:], "</section>")+len("</section>\n")]
	if !strings.Contains(got, "63% of document d in passages of 100 equal words or more") {
		t.Error("the page does not say how much of the document is recalled")
	}
	for _, colour := range []bool{false, true} {
		s := store.New()
		in.Store, in.Width, in.Colour = s, 80, colour
		var b bytes.Buffer
		if err := report.Explain(context.Background(), &b, in, "g", 0); err != nil {
			t.Fatal(err)
		}
		s.Close()
		_, explained, _ := strings.Cut(b.String(), "    word by word")
		explained, _, _ = strings.Cut(explained, "\n\n")
		shown += "\n    word by word" + strings.ReplaceAll(explained, "\x1b", "ESC") + "\n"
	}
	golden(t, "diff", shown)
}

// What two texts hold is never more than text, also where they are set side by side.
func TestPageDiffHostile(t *testing.T) {
	for _, text := range hostile {
		text = strings.ToValidUTF8(text[:min(len(text), 900)], "?")
		other := strings.Map(func(r rune) rune {
			if unicode.IsLetter(r) || unicode.IsDigit(r) {
				return 'q'
			}
			return r
		}, text)
		for _, c := range [][2]string{{text, other}, {other, text}} {
			// Gaps of more than two words are bridged between blocks of 20 alone.
			before := strings.Repeat("word ", 20)
			r, origin := edited(t, before+strings.Replace(tale, "frost", c[0], 1), before+strings.Replace(told, "thaw", c[1], 1), shared)
			r.probes[0].Title, r.sources[0].DocumentID = &text, text
			dir, outputs := r.save(t)
			got := page(t, report.Input{RunURL: dir, Outputs: outputs, Origins: []report.Origin{origin}})
			p := reporttest.Parse(t, got)
			names, dangers := elements(p)
			if len(dangers) > 0 || names["script"] != 1 || names["style"] != 1 || names["img"] != 0 || names["h1"] != 1 || names["article"] != 1 {
				t.Errorf("%.40q: %v, %v", text, dangers, names)
			}
			// Two of each are in the legend, and a word that the document alone has is there anyway.
			want := [2]int{2, 3}
			if text != other {
				want = [2]int{3, 4}
			}
			if got := [2]int{names["ins"], names["del"]}; got != want {
				t.Errorf("%.40q: %d changes, want %d", text, got, want)
			}
			for n := range p.Root.Descendants() {
				if (n.Data == "ins" || n.Data == "del") && (n.FirstChild != n.LastChild || n.FirstChild.Type != html.TextNode) {
					t.Errorf("%.40q: elements within a change", text)
				}
			}
		}
	}
}

// Books are compared around the run alone, and shown in part.
func TestPageDiffLong(t *testing.T) {
	long := strings.Repeat(tale+" ", 5000)
	r, origin := edited(t, long, strings.ReplaceAll(long, "frost", "thaw"), shared)
	dir, outputs := r.save(t)
	got := page(t, report.Input{RunURL: dir, Outputs: outputs, Origins: []report.Origin{origin}})
	if len(got) > 150_000 || !strings.Contains(got, `<section class="diff"`) {
		t.Errorf("%d bytes", len(got))
	}
}
