package report_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/parquet-go/parquet-go"
	"golang.org/x/net/html"

	"palimpsest/schemas"
	"palimpsest/stages/report"
	"palimpsest/stages/report/reporttest"
	"palimpsest/stages/store"
)

func page(t *testing.T, in report.Input) string {
	t.Helper()
	in.Store = store.New()
	defer in.Store.Close()
	var b bytes.Buffer
	if err := report.HTML(context.Background(), &b, in); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// Every figure of a page is what its run's tables give, derived anew.
func TestPageFigures(t *testing.T) {
	labelled := asked(sample(), "small-lm")
	for i := range labelled.evidence {
		if e := &labelled.evidence[i]; e.Kind != "generation" {
			e.Label = to(*e.ExactDocuments > 0)
		}
	}
	nothing := &tables{runs: sample().runs, probes: sample().probes[:1], evidence: sample().evidence[:1]}
	for _, c := range []struct {
		name  string
		run   *tables
		least int // figures
		empty []string
	}{
		{"sample", sample(), 60, nil},
		{"asked", labelled, 150, nil},
		{"several models", severalModels(), 300, nil},
		{"nothing found", nothing, 5, []string{"spans", "span_sources"}},
		{"bare", &tables{runs: []schemas.Run{{ConfigSHA256: "ab", ProgramVersion: "devel"}}}, 0, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir, outputs := c.run.save(t, c.empty...)
			got := page(t, report.Input{RunURL: dir, Outputs: outputs, Families: families("small-lm")})
			if n := reporttest.Check(t, dir, got); n < c.least {
				t.Errorf("%d figures on the page, want %d", n, c.least)
			}
			if again := page(t, report.Input{RunURL: dir, Outputs: outputs, Families: families("small-lm")}); again != got {
				t.Error("the same run gives another page")
			}
		})
	}
}

// elements are the structure of a page: its elements with their attributes' names, and what can run or be fetched.
func elements(p *reporttest.Page) (names map[string]int, dangers []string) {
	names = map[string]int{}
	for n := range p.Root.Descendants() {
		if n.Type != html.ElementNode {
			continue
		}
		names[n.Data]++
		for _, a := range n.Attr {
			local := strings.HasPrefix(a.Val, "#") || a.Val == "data:," || strings.HasPrefix(a.Val, "https://example.org/")
			switch {
			case strings.HasPrefix(a.Key, "on"), a.Key == "style", a.Key == "src", a.Key == "srcdoc", a.Key == "formaction",
				strings.HasSuffix(a.Key, "href") && !local:
				dangers = append(dangers, fmt.Sprintf("<%s %s=%q>", n.Data, a.Key, a.Val))
			}
		}
	}
	return names, dangers
}

var hostile = []string{
	`<script>alert(1)</script>`, `</style><script>alert(2)</script>`, `"><img src=x onerror=alert(3)>`, `' onmouseover='alert(4)`,
	`<!--`, `]]>`, `</blockquote></details></article><h1>`, `{{.Run}}`, "\u202eevil\u2066\u200b", "\x00\x07\x1b[31m\x7f\u009b", "\xff\xfe\xc3(",
	`javascript:alert(5)`, `data:text/html,<script>alert(6)</script>`, "\u2028\u2029", strings.Repeat("a", 1<<20), "",
}

// poison puts hostile text into every string of a row, but for those that are keys.
func poison(row reflect.Value, text string) {
	for i := range row.NumField() {
		f, name := row.Field(i), row.Type().Field(i).Name
		if slices.Contains([]string{"RunID", "ProbeID", "WorkID", "Kind", "Role", "Sampling", "Unit", "Slice"}, name) {
			continue
		}
		switch {
		case f.Kind() == reflect.String && name != "Model" && name != "Score":
			f.SetString(text)
		case name == "Model" && len(text) > 1000: // models are named by whoever configures the run
		case f.Type() == reflect.TypeFor[*string]() && !f.IsNil():
			f.Set(reflect.ValueOf(&text))
		}
	}
}

// What stands in the tables is shown as text, whatever it is: the page has the elements that it has anyway, and nothing in it runs.
func TestPageHostile(t *testing.T) {
	for i, text := range hostile {
		r := asked(sample(), "small-lm")
		for _, rows := range []any{r.runs, r.probes, r.evidence, r.spans, r.sources, r.canaries, r.evaluation, r.compressed, r.likelihood} {
			v := reflect.ValueOf(rows)
			for j := range v.Len() {
				// Few long texts are enough, and equal keys would be refused.
				if !utf8.ValidString(text) {
					break // the tables hold no such text: what reads it has null
				}
				if len(text) < 1000 || j == 0 && v.Type().Elem() != reflect.TypeFor[schemas.Evaluation]() {
					poison(v.Index(j), text)
				}
			}
		}
		for j := range r.sources {
			if utf8.ValidString(text) {
				r.sources[j].URL = &text
			}
		}
		dir, outputs := r.save(t)
		in := report.Input{RunURL: dir, Outputs: outputs, Quarantined: []string{text}, RemovedControls: []string{text}, Notes: []string{text}}
		got := page(t, in)
		if !utf8.ValidString(got) {
			t.Errorf("%d: the page is not UTF-8", i)
		}
		if len(got) > 1<<20 {
			t.Errorf("%d: the page has %d bytes", i, len(got))
		}
		if at := strings.IndexFunc(got, func(r rune) bool { return r != '\n' && r != '\t' && unicode.In(r, unicode.Cc, unicode.Cf) }); at >= 0 {
			t.Errorf("%d: character %q in %q", i, got[at:at+1], got[max(at-60, 0):at+20])
		}
		names, dangers := elements(reporttest.Parse(t, got))
		if len(dangers) > 0 {
			t.Errorf("%d, %.40q: %v", i, text, dangers[:min(len(dangers), 3)])
		}
		if names["script"] != 1 || names["style"] != 1 || names["img"] != 0 || names["h1"] != 1 || names["iframe"] != 0 || names["article"] < 4 {
			t.Errorf("%d, %.40q: %v", i, text, names)
		}
	}
}

// The policy of the page names its own style and script, and nothing else.
func TestPagePolicy(t *testing.T) {
	dir, outputs := sample().save(t)
	got := page(t, report.Input{RunURL: dir, Outputs: outputs})
	for _, want := range []string{`content="default-src &#39;none&#39;; style-src &#39;sha256-`, `script-src &#39;sha256-`, `base-uri &#39;none&#39;`} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s", want)
		}
	}
	for _, refused := range []string{"unsafe", "http://", " style=", "javascript:", "@import", "url("} {
		if at := strings.Index(got, refused); at >= 0 {
			t.Errorf("%q in %q", refused, got[max(at-40, 0):at+40])
		}
	}
}

// withCorpus writes documents that hold the spans of the sample, and returns the rows that name them.
func withCorpus(t *testing.T, r *tables) report.Origin {
	t.Helper()
	type document struct {
		Body string `parquet:"body"`
	}
	path := filepath.Join(t.TempDir(), "corpus.parquet")
	var documents []document
	for i := range r.sources {
		s := &r.sources[i]
		j := slices.IndexFunc(r.spans, func(x schemas.Span) bool { return x.ProbeID == s.ProbeID && x.SpanIndex == s.SpanIndex })
		before := fmt.Sprintf("Document %d begins <here>. ", i)
		words := strings.ToUpper(strings.ToValidUTF8(*r.spans[j].Text, "?"))
		documents = append(documents, document{before + words + ", and so it ends."})
		s.DocumentURI, s.DocumentRow = "file://"+path, int64(i)
		s.ByteStart, s.ByteEnd = int64(len(before)), int64(len(before)+len(words))
	}
	var b bytes.Buffer
	w := parquet.NewGenericWriter[document](&b, parquet.MaxRowsPerRowGroup(7))
	if _, err := w.Write(documents); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
	s := store.New()
	defer s.Close()
	objects, err := s.List(context.Background(), []string{path})
	if err != nil {
		t.Fatal(err)
	}
	return report.Origin{Object: objects[0], Text: "body"}
}

// What stands around a span is read from the corpus in the version that the run read, and compared; where it cannot be, the page says so.
func TestPageSources(t *testing.T) {
	const compared, around = "both passages have the same words in the same order", "begins &lt;here&gt;."
	for _, c := range []struct {
		name   string
		spoil  func(t *testing.T, o *report.Origin)
		want   string
		quoted bool
	}{
		{"there", func(*testing.T, *report.Origin) {}, compared, true},
		{"another version", func(t *testing.T, o *report.Origin) { o.Object.Version = `"1-2"` }, "it is not the version that the run read", false},
		{"gone", func(t *testing.T, o *report.Origin) {
			if err := os.Remove(strings.TrimPrefix(o.Object.URI, "file://")); err != nil {
				t.Fatal(err)
			}
		}, "it is no longer there", false},
		{"unknown", func(t *testing.T, o *report.Origin) { o.Object.URI = "file:///elsewhere" }, "does not say which version", false},
		{"another column", func(t *testing.T, o *report.Origin) { o.Text = "text" }, "source’s own words are not shown", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := sample()
			origin := withCorpus(t, r)
			c.spoil(t, &origin)
			dir, outputs := r.save(t)
			got := page(t, report.Input{RunURL: dir, Outputs: outputs, Origins: []report.Origin{origin}})
			if !strings.Contains(strings.ReplaceAll(got, "source&#39;s", "source’s"), c.want) || strings.Contains(got, around) != c.quoted {
				t.Errorf("want %q, and the source quoted: %v", c.want, c.quoted)
			}
		})
	}
	r := sample()
	origin := withCorpus(t, r)
	for i := range r.sources {
		r.sources[i].ByteEnd -= 20
	}
	dir, outputs := r.save(t)
	if got := page(t, report.Input{RunURL: dir, Outputs: outputs, Origins: []report.Origin{origin}}); !strings.Contains(got, "the passages differ") {
		t.Error("a source that does not hold the span passes")
	}
}

// The first exhibit as it is read by somebody who does not see the page.
func TestPageExhibit(t *testing.T) {
	r := sample()
	origin := withCorpus(t, r)
	for i := range r.sources {
		r.sources[i].URL, r.sources[i].RightsHolder = to("https://example.org/a?b=c&d"), to("A. Author")
	}
	dir, outputs := r.save(t)
	got := page(t, report.Input{RunURL: dir, Outputs: outputs, Origins: []report.Origin{origin}})
	from := strings.Index(got, `<article class="exhibit"`)
	to := from + strings.Index(got[from:], "</article>") + len("</article>\n")
	got = strings.ReplaceAll(got[from:to], strings.TrimSuffix(strings.TrimPrefix(origin.Object.URI, "file://"), "corpus.parquet"), "/data/")
	golden(t, "exhibit.html", got)
}

func TestPageMissingAndCancelled(t *testing.T) {
	dir, outputs := sample().save(t)
	s := store.New()
	defer s.Close()
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	var b bytes.Buffer
	if err := report.HTML(ctx, &b, report.Input{Store: s, RunURL: dir, Outputs: outputs}); err == nil || b.Len() > 0 {
		t.Errorf("cancelled: %v, %d bytes", err, b.Len())
	}
	if err := report.HTML(context.Background(), &b, report.Input{Store: s, RunURL: dir}); err == nil || !strings.Contains(err.Error(), "no table runs") {
		t.Errorf("no tables: %v", err)
	}
}

func TestExplain(t *testing.T) {
	r := asked(sample(), "small-lm")
	origin := withCorpus(t, r)
	dir, outputs := r.save(t)
	folder := strings.TrimSuffix(strings.TrimPrefix(origin.Object.URI, "file://"), "corpus.parquet")
	explain := func(probe string, span int64) (string, error) {
		s := store.New()
		defer s.Close()
		var b bytes.Buffer
		in := report.Input{Store: s, RunURL: dir, Outputs: outputs, Origins: []report.Origin{origin}, Width: 1000}
		err := report.Explain(context.Background(), &b, in, probe, span)
		return strings.ReplaceAll(b.String(), folder, "/data/"), err
	}
	var all strings.Builder
	for _, probe := range []string{"gen-2", "work-03", "work-00", "canary-1"} {
		got, err := explain(probe, -1)
		if err != nil {
			t.Fatal(err)
		}
		for i, line := range strings.Split(got, "\n") {
			if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' }) {
				t.Errorf("%s, line %d has a control character: %q", probe, i+1, line)
			}
		}
		all.WriteString(got + "\n")
	}
	golden(t, "explain", all.String())
	if first, err := explain("gen-2", 0); err != nil || !strings.HasPrefix(all.String(), first) {
		t.Errorf("span 0 is not what is shown first: %v", err)
	}
	for probe, span := range map[string]int64{"gen-2": 1, "work-00": 0, "nobody": -1} {
		if _, err := explain(probe, span); !errors.Is(err, report.ErrNoProbe) {
			t.Errorf("%s, span %d: %v", probe, span, err)
		}
	}
}
