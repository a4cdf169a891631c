package report

import (
	"bufio"
	"cmp"
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"maps"
	"slices"
	"strings"

	"palimpsest/schemas"
	"palimpsest/stages/evidence"
	"palimpsest/stages/write"
)

//go:embed page.tmpl
var pageTemplate string

//go:embed page.css
var pageStyle string

//go:embed page.js
var pageScript string

// page is the template. Everything that comes from a run is put into it as text: nothing of it is ever declared safe.
var layout = template.Must(template.New("page").Parse(pageTemplate))

// view is what the template shows.
type view struct {
	Style  template.CSS
	Script template.JS
	// Policy lets the page use its own style and script, by their digests, and nothing else: no address is ever asked, and no script
	// that came in with a text could run.
	Policy string

	Run   string
	Facts []named
	Cards []card

	Grades  *sheet
	Meaning []named
	Near    string

	Searched   bool
	Distinct   *sheet
	Lead, Rest []*exhibitView
	LeadOf     int64 // probes with a distinctive run, whatever is shown of them
	RestOf     int64
	ListQuery  string
	Kinds      []string
	Grade      []string // of the model, for the filter
	Sorts      []string // of distinctiveness

	Maps     []*mapView
	MapSheet *sheet
	MapsOf   int64

	Doses       block
	Extraction  block
	Calibration block
	Compression block
	Canaries    block
	Tuning      block

	Nothing []string
	LeftOut []leftOut
	Tables  []tableView
	Setup   string

	Unit string // word, byte or token
	run  *schemas.Run
}

// block is a section of charts and sheets.
type block struct {
	Charts []*chart
	Sheets []*sheet
	Notes  []string
}

// Shown reports whether there is anything in it.
func (b block) Shown() bool { return len(b.Sheets) > 0 }

// card is a figure at the head of the page, with its denominator.
type card struct {
	K, N            figure
	Share, Interval string
	What            string
	Query           string
}

type tableView struct {
	Name, Doc string
	Rows      figure
}

// HTML writes the report of a run: one page that needs nothing beside itself.
func HTML(ctx context.Context, w io.Writer, in Input) error {
	run, err := readRun(ctx, in)
	if err != nil {
		return err
	}
	f, err := collect(ctx, in, newMore())
	if err != nil {
		return err
	}
	v := &view{run: run, Unit: "word", Style: template.CSS(pageStyle), Script: template.JS(pageScript),
		Searched: f.exhibits.searched}
	v.Policy = "default-src 'none'; style-src '" + digest(pageStyle) + "'; script-src '" + digest(pageScript) +
		"'; img-src data:; base-uri 'none'; form-action 'none'"
	if run.Unit != nil {
		v.Unit = strings.TrimSuffix(*run.Unit, "s")
	}
	v.Run = brief(run.RunID)
	v.heading(f)
	v.cards(f)
	v.Grades = f.gradeSheet()
	v.meanings(f)
	for _, fill := range []func(context.Context, Input, *findings) error{v.exhibits, v.maps, v.blocks} {
		if err := fill(ctx, in, f); err != nil {
			return err
		}
	}
	v.nothing(f)
	for _, l := range f.leftOutList(in) {
		for i, e := range l.Examples {
			l.Examples[i] = brief(e)
		}
		v.LeftOut = append(v.LeftOut, leftOut{brief(l.What), l.Examples})
	}
	v.tables(in)
	buffer := bufio.NewWriter(w)
	if err := layout.Execute(buffer, v); err != nil {
		return fmt.Errorf("writing the report: %w", err)
	}
	return buffer.Flush()
}

// digest is how a policy names a style or script.
func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// heading says what was run on what.
func (v *view) heading(f *findings) {
	r := v.run
	add := func(name, value string) { v.Facts = append(v.Facts, named{name, value}) }
	if r.LogicalDate != nil {
		add("For", r.LogicalDate.UTC().Format("2006-01-02"))
	}
	switch {
	case r.TargetModel == nil:
		add("Model", "none was asked")
	case r.ReferenceModel == nil:
		add("Model", brief(*r.TargetModel)+", without a reference model")
	default:
		add("Model", brief(*r.TargetModel)+", compared with "+brief(*r.ReferenceModel))
	}
	if r.CorpusDocuments != nil && r.CorpusWords != nil {
		add("Corpus", count(*r.CorpusDocuments, "document")+", "+count(*r.CorpusWords, "word"))
	} else {
		add("Corpus", "not read")
	}
	kinds := f.kinds()
	if kinds != "" {
		kinds = ": " + kinds
	}
	add("Texts asked about", thousands(r.Probes)+kinds)
	add("Made by", "Palimpsest "+brief(r.ProgramVersion)+", configuration "+short(r.ConfigSHA256))
}

// meanings says what the grades on the page mean.
func (v *view) meanings(f *findings) {
	seen := map[string]bool{}
	for _, pairs := range f.grades {
		for pair := range pairs {
			seen[pair[0]], seen[pair[1]] = true, true
		}
	}
	for _, m := range gradeMeanings {
		if seen[m[0]] {
			v.Meaning = append(v.Meaning, named{strings.ReplaceAll(m[0], "_", " "), m[1]})
		}
	}
	if n := f.near; n.looked > 0 {
		v.Near = thousands(n.near) + " of " + thousands(n.looked) + " works and canaries " + pick(n.near, "has", "have") +
			" a near-duplicate in the corpus, " +
			thousands(n.only) + " of them without a document of the same words."
	}
}

// exhibits chooses the exhibits, reads all that is known of them, and quotes their sources.
func (v *view) exhibits(ctx context.Context, in Input, f *findings) error {
	lead, rest := f.more.lead.best, []exhibit(nil)
	for _, kind := range slices.Sorted(maps.Keys(f.more.rest)) {
		rest = append(rest, f.more.rest[kind].best...)
	}
	slices.SortStableFunc(rest, compareExhibits)
	var want []wanted
	for _, e := range slices.Concat(lead, rest) {
		want = append(want, wanted{e.span.ProbeID, interval{e.span.ByteStart, e.span.ByteEnd}, e.span.SpanIndex})
	}
	files, err := dossiers(ctx, in, want)
	if err != nil {
		return err
	}
	var places []place
	for _, d := range files {
		for i := range d.sources[:min(len(d.sources), 1)] {
			places = append(places, sourcePlace(&d.sources[i]))
		}
	}
	quotes, err := quote(ctx, in, places)
	if err != nil {
		return err
	}
	v.Lead = v.exhibitViews(lead, 1, files, quotes)
	v.Rest = v.exhibitViews(rest, 1+len(v.Lead), files, quotes)
	v.Distinct = f.more.distinctSheet(v.Unit)
	for k, x := range f.more.distinct {
		if k.distinctiveness == evidence.Distinctive {
			v.LeadOf += x.probes
		} else {
			v.RestOf += x.probes
		}
	}
	v.ListQuery = "SELECT e.distinctiveness, e.kind, e.model_grade, s.probe_id, s.words, s.documents, s.max_word_matches, s.text\n" +
		"FROM spans s JOIN evidence e USING (probe_id)\nORDER BY e.distinctiveness = 'distinctive' DESC, s.words DESC, s.max_word_matches, " +
		"s.probe_id"
	for _, x := range slices.Concat(v.Lead, v.Rest) {
		v.Kinds, v.Sorts = append(v.Kinds, x.Kind), append(v.Sorts, x.Distinctiveness)
		for _, g := range x.Models {
			v.Grade = append(v.Grade, g.Grade)
		}
	}
	for _, list := range []*[]string{&v.Kinds, &v.Sorts, &v.Grade} {
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	return nil
}

func (v *view) maps(ctx context.Context, in Input, f *findings) error {
	v.MapsOf = f.more.windowed
	if len(f.more.works) == 0 {
		return nil
	}
	files, err := dossiers(ctx, in, wantedWorks(f.more.works))
	if err != nil {
		return err
	}
	v.Maps, v.MapSheet = v.mapViews(f.more.works, files)
	return nil
}

// nothing says what was tested and not found. A bound stands beside every zero: it is what the number of tests allows to be said.
func (v *view) nothing(f *findings) {
	several := len(f.models) > 1
	for _, k := range f.grades.keys() {
		tested, found, absent, both := int64(0), int64(0), int64(0), int64(0)
		for pair, n := range f.grades[k] {
			if pair[1] == evidence.NotAssessed {
				continue
			}
			tested += n
			if pair[1] != evidence.None {
				found += n
				continue
			}
			absent += n
			if pair[0] == evidence.None {
				both += n
			}
		}
		if tested == 0 {
			continue
		}
		_, high := evidence.ClopperPearson(found, tested)
		line := thousands(absent) + " of " + count(tested, brief(k.kind)) + " tested"
		if several && k.model != "" {
			line += " under " + brief(k.model)
		}
		line += ": the model gives back nothing that a grade takes. Of " + thousands(both) + " of them the corpus holds nothing either."
		if found == 0 {
			line += " None was found; from so many, with 95 % confidence, at most " + whole(high) + " % of such texts would be."
		}
		v.Nothing = append(v.Nothing, line)
	}
	if g := f.generations; g.searched > 0 {
		v.Nothing = append(v.Nothing, thousands(g.searched-g.repeating)+" of "+count(g.searched, "output")+
			" searched for share no run of the length looked for with the corpus.")
	}
	for _, k := range slices.SortedFunc(maps.Keys(f.prompted), func(a, b promptedKey) int {
		return cmp.Or(strings.Compare(a.model, b.model), strings.Compare(a.sampling, b.sampling))
	}) {
		if a := f.prompted[k]; a.count > 0 {
			v.Nothing = append(v.Nothing, thousands(a.count-a.extracted)+" of "+count(a.count, "attempt")+" ("+brief(k.sampling)+
				") at the beginnings of works did not give the work back.")
		}
	}
}

func (v *view) tables(in Input) {
	base, _, _ := strings.Cut(localPath(in.RunURL), "?")
	base = strings.TrimSuffix(base, "/")
	var setup strings.Builder
	for _, t := range schemas.All() {
		i := slices.IndexFunc(in.Outputs, func(o write.Output) bool { return o.Table == t.Name && o.Format == write.Parquet })
		if i < 0 {
			continue
		}
		v.Tables = append(v.Tables, tableView{t.Name, t.Doc, whole64(in.Outputs[i].Rows)})
		fmt.Fprintf(&setup, "CREATE VIEW %s AS FROM %s;\n", t.Name, sql(forDuckDB(base)+"/parquet/"+t.Name+"/*.parquet"))
	}
	v.Setup = strings.TrimSuffix(setup.String(), "\n")
}
