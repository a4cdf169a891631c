package report

import (
	"cmp"
	"maps"
	"slices"
	"strings"

	"palimpsest/stages/evidence"
)

// The grades in the order in which they are shown, from the strongest.
var (
	corpusGrades = []string{evidence.Exact, evidence.NearDuplicate, evidence.Contained, evidence.Overlap, evidence.None, evidence.NotAssessed}
	modelGrades  = []string{evidence.Verbatim, evidence.Extractable, evidence.NearVerbatim, evidence.Elevated, evidence.None,
		evidence.NotAssessed}
)

// grades counts probes by target model, by kind and by both grades.
type grades map[gradeKey]map[[2]string]int64

type gradeKey struct{ model, kind string }

func (g *grades) add(p *probe) {
	if *g == nil {
		*g = grades{}
	}
	k := gradeKey{p.model(), p.Kind}
	if (*g)[k] == nil {
		k = gradeKey{strings.Clone(k.model), strings.Clone(k.kind)}
		(*g)[k] = map[[2]string]int64{}
	}
	(*g)[k][[2]string{p.CorpusGrade, p.ModelGrade}]++
}

func (g grades) keys() []gradeKey {
	return slices.SortedFunc(maps.Keys(g), func(a, b gradeKey) int {
		return cmp.Or(strings.Compare(a.kind, b.kind), strings.Compare(a.model, b.model))
	})
}

// write shows the grades, by model where there are several.
func (g grades) write(p *page, several bool) {
	if len(g) == 0 {
		return
	}
	corpus, model := slices.Clone(corpusGrades), slices.Clone(modelGrades)
	seen := map[string]bool{}
	for _, k := range g.keys() {
		for pair := range g[k] {
			seen["corpus "+pair[0]], seen["model "+pair[1]] = true, true
		}
	}
	model = slices.DeleteFunc(model, func(m string) bool { return !seen["model "+m] })
	columns := []column{{name: "kind", left: true}, {name: "model", left: true}, {name: "corpus holds", left: true}}
	for _, m := range model {
		columns = append(columns, column{over: "the model gives back", name: m})
	}
	columns = append(columns, column{name: "probes"})
	var rows [][]string
	kind := ""
	for _, k := range g.keys() {
		name := quoted(k.model, 16)
		for _, c := range corpus {
			total := int64(0)
			row := []string{"", name, c}
			for _, m := range model {
				n := g[k][[2]string{c, m}]
				total += n
				row = append(row, zero(n))
			}
			if total == 0 {
				continue
			}
			if k.kind != kind {
				kind, row[0] = k.kind, plain(k.kind)
			}
			rows = append(rows, append(row, thousands(total)))
			name = ""
		}
	}
	if !several {
		columns, rows = without(columns, rows, 1)
	}
	p.heading("Grades: what the corpus holds of the probes, and what the model gives back of them")
	p.table(columns, rows)
	var meanings []string
	for _, m := range gradeMeanings {
		if seen["corpus "+m[0]] || seen["model "+m[0]] {
			meanings = append(meanings, m[0]+": "+m[1])
		}
	}
	p.wrapped("  ", strings.Join(meanings, "; ")+".")
}

// gradeMeanings say what the grades mean, in the order of strength (methods, section 7).
var gradeMeanings = [][2]string{
	{evidence.Exact, "a document has the same words"},
	{evidence.NearDuplicate, "a document is nearly the same"},
	{evidence.Contained, "a document holds 90 % of it"},
	{evidence.Overlap, "documents share runs of it"},
	{evidence.Verbatim, "the model wrote a long run of the corpus that its prompt does not hold"},
	{evidence.Extractable, "given what comes before, the model goes on with it"},
	{evidence.NearVerbatim, "the model wrote a passage nearly word for word as a document has it, 100 words or more outside its prompt"},
	{evidence.Elevated, "likelier than its controls"},
	{evidence.None, "tested, nothing found; of the model: nothing that a grade takes"},
	{evidence.NotAssessed, "see below"},
}

// zero writes a count, and none as a dot that the eye passes over.
func zero(n int64) string {
	if n == 0 {
		return "."
	}
	return thousands(n)
}
