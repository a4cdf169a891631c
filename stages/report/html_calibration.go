package report

import (
	"slices"
	"strconv"
	"strings"
)

// maxFamilies is how many families of tests are named.
const maxFamilies = 20

// maxROC is how many groups have their curves drawn.
const maxROC = 4

// calibration fills in what tells whether the tests can be believed.
func (v *view) calibration(in Input, f *findings, models []string) error {
	b := &v.Calibration
	c := &f.more.calibration
	groups := c.groups()
	for i, g := range groups[:min(len(groups), maxROC)] {
		var of []series
		for _, k := range g.members {
			x, y := roc(c.scores[k], g.others)
			x, y = thinned(x, y)
			label := bucket(k.copies) + " copies"
			if k.copies == 1 {
				label = "1 copy"
			} else if k.copies == unknownCopies {
				label = "copies unknown"
			}
			of = append(of, series{name: label, x: x, y: y, steps: true})
		}
		of = append(of[:min(len(of), maxSeries-1)], series{name: "a coin", x: []float64{0, 1}, y: []float64{0, 1}, steps: true})
		label := g.key.group
		if !g.key.named {
			label = "texts without a group"
		}
		chart, err := lines("roc-"+strconv.Itoa(i+1), "Found and falsely found (ROC): "+brief(label)+under(f, g.key.model),
			"For every threshold of the score, the share of texts trained on that pass it, against the share of texts not trained on that pass "+
				"it too.",
			"share of the others found", "share of members found", nil, of, 0, 1)
		if err != nil {
			return err
		}
		b.Charts = append(b.Charts, chart)
	}
	if len(groups) > maxROC {
		b.Notes = append(b.Notes, "Curves of "+thousands(int64(maxROC))+" of "+count(int64(len(groups)),
			"group")+" are drawn; the table has all of them.")
	}
	if s := f.evaluationSheet(); len(s.Rows) > 0 {
		chart, err := evaluationChart(s)
		if err != nil {
			return err
		}
		if chart != nil {
			b.Charts = append(b.Charts, chart)
		}
		b.Sheets = append(b.Sheets, s)
	}
	for i, m := range models {
		var of []series
		total := int64(0)
		for _, k := range c.valueKeys() {
			if k.model != m {
				continue
			}
			x := c.values[k]
			s := series{name: knownNames[k.known] + " (" + thousands(x.tests) + ")"}
			for _, n := range x.bins {
				s.y = append(s.y, float64(n)/float64(x.tests))
			}
			of, total = append(of, s), total+x.tests
			line := "Of " + count(x.tests, "test") + " of texts " + knownNames[k.known] + ", " + thousands(x.small) + " (" + share(x.small,
				x.tests) + ") have p ≤ .05"
			switch k.known {
			case "non-member":
				line += "; 5 % is what a sound test gives of texts that were not trained on."
			default:
				line += "; chance alone would give 5 %."
			}
			b.Notes = append(b.Notes, line)
		}
		if len(of) == 0 {
			continue
		}
		names := make([]string, pBins)
		chart, err := bins("p-"+strconv.Itoa(i+1), "p-values"+under(f, m), "How the p-values of "+count(total, "test")+
			" are spread. Those of texts that were not trained on should be spread evenly.", "p-value", "share of tests", names, of, 1./pBins)
		if err != nil {
			return err
		}
		b.Charts, b.Sheets = append(b.Charts, chart), append(b.Sheets, f.valueSheet(i+1, m))
	}
	for i := range in.Families {
		if i == maxFamilies {
			b.Notes = append(b.Notes, "and "+thousands(int64(len(in.Families)-i))+" more families of tests, which the manifest names.")
			break
		}
		r := &in.Families[i]
		what := brief(r.Kind)
		if r.Group != nil {
			what += "s of group " + quoted(*r.Group, 40)
		} else {
			what += "s"
		}
		line := count(r.Tests, "test") + " of " + strings.Replace(what, "canarys", "canaries", 1) + " among " + count(r.Controls, "control") +
			": "
		if r.Needed > 0 {
			line += thousands(r.Needed) + " must beat every control before any q-value can be .05 or less."
		} else {
			line += "no q-value can be .05 or less, whatever the scores."
		}
		b.Notes = append(b.Notes, line)
	}
	return nil
}

// evaluationChart draws the AUROC of every slice by copies, with its interval, and the baseline's.
func evaluationChart(s *sheet) (*chart, error) {
	at := func(key string) int {
		return slices.IndexFunc(s.Columns, func(c sheetColumn) bool { return c.Key == key })
	}
	value := func(r []figure, key string) (float64, bool) {
		if at(key) < 0 {
			return 0, false
		}
		v, err := strconv.ParseFloat(r[at(key)].Value, 64)
		return v, err == nil
	}
	var copies []int64
	least := func(name string) int64 {
		_, dose, _ := strings.Cut(name, "copies=")
		dose, _, _ = strings.Cut(dose, "-")
		n, err := strconv.ParseInt(dose, 10, 64)
		if err != nil {
			return -1
		}
		return n
	}
	for _, r := range s.Rows {
		if n := least(r[at("slice")].Value); n >= 0 && !slices.Contains(copies, n) {
			copies = append(copies, n)
		}
	}
	slices.Sort(copies)
	if len(copies) < 2 {
		return nil, nil
	}
	var names, groups []string
	for _, c := range copies {
		names = append(names, bucket(c))
	}
	several := slices.ContainsFunc(s.Rows, func(r []figure) bool { return r[at("model")].Value != s.Rows[0][at("model")].Value })
	by := map[string]*series{}
	blind := map[string]*series{}
	for _, r := range s.Rows {
		n := least(r[at("slice")].Value)
		if n < 0 {
			continue
		}
		group, _, _ := strings.Cut(r[at("slice")].Value, " copies=")
		if model := r[at("model")].Value; several {
			group = model + ": " + group
		}
		if by[group] == nil {
			by[group], blind[group] = &series{name: brief(group)}, &series{name: "words and length alone (" + brief(group) + ")"}
			groups = append(groups, group)
		}
		v, _ := value(r, "auroc")
		low, _ := value(r, "auroc_low")
		high, _ := value(r, "auroc_high")
		x, g := float64(slices.Index(copies, n)), by[group]
		g.x, g.y, g.low, g.high = append(g.x, x), append(g.y, v), append(g.low, low), append(g.high, high)
		if b, ok := value(r, "blind_auroc"); ok {
			s := blind[group]
			s.x, s.y = append(s.x, x), append(s.y, b)
		}
	}
	var of []series
	for _, g := range groups[:min(len(groups), maxSeries-1)] {
		of = append(of, *by[g])
	}
	// One line of the baseline is enough to see where it lies; the table has those of all groups.
	most := &series{}
	for _, g := range groups {
		if len(blind[g].x) > len(most.x) {
			most = blind[g]
		}
	}
	if len(most.x) > 0 {
		of = append(of, *most)
	}
	return lines("auroc", "AUROC by copies, beside the blind baseline",
		"The chance that a text trained on scores above one that was not, by number of copies, with 95 % intervals; and that of a "+
			"classifier that never asks the model.",
		"copies in the corpus", "AUROC", names, of, 0, 1)
}
