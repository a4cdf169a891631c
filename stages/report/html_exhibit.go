package report

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"palimpsest/schemas"
	"palimpsest/stages/evidence"
	"palimpsest/stages/fold"
)

// exhibitView is an exhibit as the page shows it.
type exhibitView struct {
	Number int
	Anchor string

	Probe, Kind     string
	Work            []named // what the probes declare of it: title, author, rights holder, licence
	Distinctiveness string  // as in the tables; Distinct is how it is called
	Distinct        string
	Open            bool // whether it is shown without being asked for

	Headline string // what was copied, from where, how long, how rare: in a sentence
	Corpus   gradeView
	Models   []gradeView
	Facts    []named

	Prompt      []piece // what stood before it; nil without one
	PromptLabel string
	PromptWhy   string // why there is none
	Text        []piece
	TextLabel   string
	Before      string // what is left out before and after
	After       string

	Source      []piece
	SourceLabel string
	SourceFrom  string // bytes and object
	SourceWhy   string // why it is not shown
	Checked     string // what came of comparing both passages again
	SrcBefore   string
	SrcAfter    string
	Diff        *diffView // nil where nothing around the run is nearly the same

	Sources  []sourceView
	Listed   int64 // documents that the tables list beside these
	Unlisted int64 // documents that they do not
	Query    string

	Words, Documents, Occurrences, Rarity string // exact, as the query gives them
}

type named struct{ Name, Value string }

// gradeView is a grade with its reason.
type gradeView struct{ Model, Grade, Name, Reason, Meaning string }

// sourceView is a document that holds a span.
type sourceView struct {
	Document, Where         string
	License, Holder, OptOut string
	Link                    string // http and https only
	Shown                   bool   // whether it is the one that stands beside
}

// exhibitViews makes the views of exhibits whose dossiers and sources were read.
func (v *view) exhibitViews(of []exhibit, first int, files map[string]*dossier, sources map[place]quotation) []*exhibitView {
	var views []*exhibitView
	for i := range of {
		e := &of[i]
		d := files[e.span.ProbeID]
		if d == nil {
			continue
		}
		x := &exhibitView{Number: first + i, Anchor: "exhibit-" + strconv.Itoa(first+i), Probe: quoted(e.span.ProbeID, 120), Kind: brief(e.kind),
			Distinctiveness: brief(e.distinctiveness), Distinct: distinctName(e.distinctiveness), Open: i < openExhibits}
		v.grades(x, d)
		v.left(x, e, d)
		v.right(x, e, d, sources)
		v.facts(x, e, d)
		x.Words, x.Documents, x.Occurrences = strconv.FormatInt(e.span.Words, 10), strconv.FormatInt(e.span.Documents, 10),
			strconv.FormatInt(e.span.Occurrences, 10)
		x.Rarity = strconv.FormatFloat(e.span.RarityBits, 'g', -1, 64)
		x.Query = "SELECT * FROM spans LEFT JOIN span_sources USING (run_id, probe_id, span_index)\nWHERE probe_id = " + literal(e.span.ProbeID) +
			" AND span_index = " + strconv.FormatInt(e.span.SpanIndex, 10)
		views = append(views, x)
	}
	return views
}

// maxSources is how many of the documents that hold a run are named.
const maxSources = 4

// openExhibits is how many exhibits of a list are unfolded.
const openExhibits = 4

func (v *view) grades(x *exhibitView, d *dossier) {
	for i := range d.evidence {
		r := &d.evidence[i]
		if i == 0 {
			x.Corpus = gradeView{Grade: brief(r.CorpusGrade), Name: gradeName(r.CorpusGrade), Reason: brief(r.CorpusReason),
				Meaning: meaningOf(r.CorpusGrade)}
		}
		g := gradeView{Grade: brief(r.ModelGrade), Name: gradeName(r.ModelGrade), Reason: brief(r.ModelReason), Meaning: meaningOf(r.ModelGrade)}
		if r.Model != nil {
			g.Model = brief(*r.Model)
		}
		if r.ModelGrade == evidence.None {
			g.Meaning = "tested, and nothing that a grade takes"
		}
		x.Models = append(x.Models, g)
	}
	for _, n := range []struct {
		name  string
		value *string
	}{{"Title", d.probe.Title}, {"Author", d.probe.Author}, {"Rights holder", d.probe.RightsHolder}, {"Licence declared", d.probe.License}} {
		if n.value != nil {
			x.Work = append(x.Work, named{n.name, quoted(*n.value, 200)})
		}
	}
}

func gradeName(g string) string { return brief(strings.ReplaceAll(g, "_", " ")) }

func meaningOf(grade string) string {
	for _, m := range gradeMeanings {
		if m[0] == grade {
			return m[1]
		}
	}
	return ""
}

// left fills in what stands on the left: the prompt, and the text with its copied words marked.
func (v *view) left(x *exhibitView, e *exhibit, d *dossier) {
	x.TextLabel = map[string]string{fold.Generation: "What the model wrote", fold.Work: "The work", fold.Canary: "The canary"}[e.kind]
	if x.TextLabel == "" {
		x.TextLabel = "The text"
	}
	if e.kind == fold.Generation {
		x.PromptLabel = "What it was given"
		switch {
		case d.prompt == nil:
			x.PromptWhy = "Not known here: " + d.noWhy + "."
		case d.prompt.total == 0:
			x.PromptWhy = "Nothing: the prompt is declared empty."
		default:
			x.Prompt = d.prompt.pieces(nil)
			if n := d.prompt.before(); n > 0 {
				x.Prompt = append([]piece{{Text: "… "}}, x.Prompt...)
			}
			if a := d.attempt; a != nil {
				x.PromptLabel += ": the beginning of " + quoted(a.WorkID, 60)
			}
		}
	}
	if d.text == nil {
		if e.span.Text == nil {
			return
		}
		whole := excerpt{text: *e.span.Text, total: int64(len(*e.span.Text))}
		whole = cut(whole.text, interval{0, whole.total})
		x.Text = whole.pieces([]mark{{interval{0, whole.total}, "copied best"}})
		return
	}
	var marks []mark
	for i := range d.spans {
		s := &d.spans[i]
		class := "copied"
		if s.SpanIndex == e.span.SpanIndex {
			class = "copied best"
		}
		marks = append(marks, mark{interval{s.ByteStart, s.ByteEnd}, class})
	}
	x.Text = d.text.pieces(marks)
	x.Before, x.After = omitted(d.text.before()), omitted(d.text.after())
}

// omitted says how many bytes are left out.
func omitted(n int64) string {
	if n <= 0 {
		return ""
	}
	return count(n, "byte")
}

// right fills in what stands on the right: the same words where the corpus holds them.
func (v *view) right(x *exhibitView, e *exhibit, d *dossier, quotes map[place]quotation) {
	x.Unlisted = e.span.Documents - int64(len(d.sources))
	shownAt := -1
	for i := range d.sources {
		r := &d.sources[i]
		s := sourceView{Document: quoted(r.DocumentID, 120), Where: where(r.DocumentURI, r.DocumentRow, r.ByteStart, r.ByteEnd)}
		s.License, s.Holder, s.OptOut = optional(r.License), optional(r.RightsHolder), optional(r.OptOut)
		if r.URL != nil {
			s.Link = link(*r.URL)
		}
		if shownAt < 0 && quotes[sourcePlace(r)].why == "" {
			shownAt = i
		}
		x.Sources = append(x.Sources, s)
	}
	defer func() {
		if n := len(x.Sources); n > maxSources {
			x.Listed, x.Sources = int64(n-maxSources), x.Sources[:maxSources]
		}
	}()
	if len(d.sources) == 0 {
		x.SourceWhy = "The run lists no document for this run of words."
		return
	}
	if shownAt < 0 {
		x.SourceLabel = "In the corpus: " + x.Sources[0].Document
		x.SourceFrom = x.Sources[0].Where
		x.SourceWhy = "The source's own words are not shown: " + quotes[sourcePlace(&d.sources[0])].why +
			". The tables name the object, the row and the bytes at which they stand."
		return
	}
	r := &d.sources[shownAt]
	x.Sources[shownAt].Shown = true
	x.SourceLabel = "In the corpus: " + x.Sources[shownAt].Document
	x.SourceFrom = x.Sources[shownAt].Where
	q := quotes[sourcePlace(r)]
	x.Source = q.pieces([]mark{{interval{r.ByteStart, r.ByteEnd}, "copied best"}})
	x.SrcBefore, x.SrcAfter = omitted(q.before()), omitted(q.after())
	if c := d.beside(&e.span, r, &q); c != nil {
		x.Diff = c.view(x.TextLabel, x.SourceLabel)
	}
	if e.span.Text == nil || q.passage == nil {
		return
	}
	switch equal, known := agree(v.Unit+"s", []byte(*e.span.Text), q.passage); {
	case equal && known:
		x.Checked = "Compared again when this page was made: both passages have the same " + v.Unit + "s in the same order."
	case !equal:
		x.SourceWhy = "Compared again when this page was made: the passages differ. The object is not what the run read, or the tables were " +
			"altered."
	}
}

func sourcePlace(r *schemas.SpanSource) place {
	return place{uri: r.DocumentURI, row: r.DocumentRow, at: interval{r.ByteStart, r.ByteEnd}}
}

func where(uri string, row, from, to int64) string {
	return quoted(localPath(uri), 200) + ", row " + thousands(row) + ", bytes " + thousands(from) + " to " + thousands(to)
}

func optional(s *string) string {
	if s == nil {
		return ""
	}
	return quoted(*s, 200)
}

// link returns the address of a source if a browser can be sent there without harm, and nothing otherwise.
func link(raw string) string {
	u, err := url.Parse(raw)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || plain(raw) != raw || len(raw) > 2000 {
		return ""
	}
	return u.String()
}

// facts fills in the sentence at the head, and the figures.
func (v *view) facts(x *exhibitView, e *exhibit, d *dossier) {
	s := &e.span
	subject := map[string]string{fold.Generation: "the model's output", fold.Work: "the work", fold.Canary: "the canary"}[e.kind]
	if subject == "" {
		subject = "the text"
	}
	in := "the corpus"
	if len(d.sources) > 0 {
		i := max(slices.IndexFunc(x.Sources, func(s sourceView) bool { return s.Shown }), 0)
		in = "document " + x.Sources[i].Document + " of the corpus"
		if n := s.Documents - 1; n > 0 {
			in += " and in " + thousands(n) + " more"
		}
	}
	how := "word for word"
	if v.Unit != "word" {
		how = v.Unit + " for " + v.Unit
	}
	x.Headline = count(s.Words, v.Unit) + " in a row of " + subject + " stand, " + how + ", in " + in + "."
	rare := "in " + count(s.Documents, "document")
	if n := v.run.CorpusDocuments; n != nil && *n > 0 {
		rare += " of " + thousands(*n)
	}
	x.Facts = append(x.Facts,
		named{"How long", count(s.Words, v.Unit) + " (" + count(s.ByteEnd-s.ByteStart, "byte") + ")"},
		named{"How rare", rare + ", at " + count(s.Occurrences, "place") + "; rarity " + fixed(s.RarityBits, 1) + " bits" +
			oneIn(s.Documents, v.run.CorpusDocuments)})
	distinct := distinctName(e.distinctiveness)
	if m := distinctMeanings[e.distinctiveness]; m != "" {
		distinct += ": " + m
	}
	x.Facts = append(x.Facts, named{"How telling", distinct + "; at most " + count(s.MaxWordMatches, "match") +
		" in the corpus over any of its " + v.Unit + "s"})
	if near := d.recalled(x, e.kind); near != "" {
		x.Facts = append(x.Facts, named{"Nearly word for word", near})
	}
	if n := s.PromptWords; n != nil && *n > 0 {
		x.Facts = append(x.Facts, named{"From its prompt", count(*n, v.Unit) + " of them, which count for no grade"})
	}
	if n := int64(len(d.spans)); n > 1 {
		x.Facts = append(x.Facts, named{"Other runs", thousands(n-1) + " more in the same text, marked more lightly"})
	}
	if a := d.attempt; a != nil && a.Tokens != nil && a.SameTokens != nil {
		how := "its own first choices"
		if a.Sampling != "greedy" {
			how = "drawn from the " + thousands(a.TopK) + " likeliest tokens, draw " + thousands(a.Draw+1) + " of " + thousands(a.Draws)
		}
		x.Facts = append(x.Facts, named{"How it was asked", thousands(a.PromptTokens) + " tokens of " + quoted(a.WorkID, 60) + "; " + how + "; " +
			thousands(*a.SameTokens) + " of the " + thousands(a.Asked) + " tokens asked for are the work's own"})
	}
	for i := range d.evidence {
		if r := &d.evidence[i]; r.MaxP != nil {
			x.Facts = append(x.Facts, named{"Likeliest passage", "the model goes on with it with probability " + tiny(*r.MaxP) +
				underModelName(r.Model, len(d.evidence))})
		}
		if r := &d.evidence[i]; r.PValue != nil && r.Controls != nil {
			x.Facts = append(x.Facts, named{"Against controls", "p = " + strconv.FormatFloat(*r.PValue, 'g', 2, 64) + " among " +
				count(*r.Controls, "control") +
				" by " + optional(r.ScoreName) + underModelName(r.Model, len(d.evidence)) + "; by itself no proof of training"})
		}
	}
}

func underModelName(model *string, several int) string {
	if several < 2 || model == nil {
		return ""
	}
	return " under " + brief(*model)
}

// oneIn says a rarity as one document in so many.
func oneIn(documents int64, corpus *int64) string {
	if corpus == nil || documents <= 0 || *corpus < documents {
		return ""
	}
	return ", 1 document in " + thousands(*corpus/documents)
}

// distinctMeanings say what the values of distinctiveness mean (methods, section 7).
var distinctMeanings = map[string]string{
	evidence.Distinctive:  "few other places of the corpus have these words, so that it tells where they come from",
	evidence.PublicDomain: "every listed source is declared free of rights; a declaration, not a finding",
	evidence.Quotation:    "it stands between quotation marks",
	evidence.Common:       "many unrelated documents have these words, so that it does not tell where they come from",
}
