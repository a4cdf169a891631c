package report

import (
	"context"
	"math"
	"slices"
	"strconv"
	"strings"

	"palimpsest/schemas"
	"palimpsest/stages/evidence"
	"palimpsest/stages/fold"
	"palimpsest/stages/write"
)

// cards are the figures that most readers look for first.
func (v *view) cards(f *findings) {
	add := func(k, n int64, what, query string) {
		if n == 0 {
			return
		}
		low, high := evidence.ClopperPearson(k, n)
		v.Cards = append(v.Cards, card{whole64(k), whole64(n), percent(float64(k) / float64(n)),
			whole(low) + " to " + whole(high) + " %", what, query})
	}
	graded := func(model, kind, grade, what string) {
		k, n := int64(0), int64(0)
		for pair, of := range f.grades[gradeKey{model, kind}] {
			if pair[1] == evidence.NotAssessed {
				continue
			}
			if n += of; pair[1] == grade {
				k += of
			}
		}
		add(k, n, what+under(f, model), "SELECT count(*) FILTER (model_grade = "+literal(grade)+") AS k, count(*) AS n FROM evidence\n"+
			"WHERE kind = "+literal(kind)+" AND model_grade <> 'not_assessed' AND "+isModel("model", model))
	}
	models := f.models
	if len(models) == 0 {
		models = []string{""}
	}
	for _, m := range models[:min(len(models), 3)] {
		graded(m, fold.Work, evidence.Extractable, "works the model goes on with, given what comes before")
		for _, k := range []promptedKey{{m, "greedy"}, {m, "top_k"}} {
			if a := f.prompted[k]; a != nil {
				add(a.worksPassed, a.works, "works it wrote out from their beginning ("+strings.ReplaceAll(k.sampling, "_", "-")+")"+under(f, m),
					"SELECT count(*) FILTER (passed) AS k, count(*) AS n FROM (SELECT work_id, bool_or(extracted) AS passed FROM generations\n"+
						"WHERE extracted IS NOT NULL AND sampling = "+literal(k.sampling)+" AND model = "+literal(m)+" GROUP BY work_id)")
			}
		}
		graded(m, fold.Work, evidence.Elevated, "works likelier than their controls, and no more")
		graded(m, fold.Canary, evidence.Elevated, "canaries likelier than their controls")
	}
	if g := f.generations; g.count > 0 {
		add(g.verbatim, g.assessed, "outputs that hold a long run of the corpus word for word",
			"SELECT count(*) FILTER (model_grade = 'verbatim') AS k, count(*) AS n FROM evidence\n"+
				"WHERE kind = 'generation' AND model_grade <> 'not_assessed'")
		add(g.repeating, g.searched, "outputs that share a shorter run with it, or a longer one",
			"SELECT count(*) FILTER (spans > 0) AS k, count(*) AS n FROM evidence JOIN (SELECT probe_id, searchable FROM probes) USING (probe_id)\n"+
				"WHERE kind = 'generation' AND spans IS NOT NULL AND coalesce(searchable, true)")
	}
}

// blocks fills in the sections of charts and sheets.
func (v *view) blocks(ctx context.Context, in Input, f *findings) error {
	has := func(table string) bool {
		return slices.ContainsFunc(in.Outputs, func(o write.Output) bool { return o.Table == table && o.Format == write.Parquet })
	}
	models := f.models
	if len(models) == 0 {
		models = []string{""}
	}
	for i, m := range models {
		if s := f.doseSheet(i+1, m, has); len(s.Rows) > 0 {
			v.Doses.Sheets = append(v.Doses.Sheets, s)
			charts, err := f.doseCharts(i+1, m)
			if err != nil {
				return err
			}
			v.Doses.Charts = append(v.Doses.Charts, charts...)
		}
	}
	if len(f.extraction) > 0 {
		v.Extraction.Sheets = append(v.Extraction.Sheets, f.extractionSheet())
	}
	if len(f.prompted) > 0 {
		v.Extraction.Sheets = append(v.Extraction.Sheets, f.promptedSheet())
	}
	if err := v.calibration(in, f, models); err != nil {
		return err
	}
	if len(f.canaries) > 0 {
		v.Canaries.Sheets = append(v.Canaries.Sheets, f.canarySheet())
	}
	if len(f.tuning) > 0 {
		v.Tuning.Sheets = append(v.Tuning.Sheets, f.tuningSheet())
	}
	return v.compression(ctx, in, f)
}

// doseCharts draw the doses under a model: one line a group.
func (f *findings) doseCharts(i int, model string) ([]*chart, error) {
	var groups []string
	var copies []int64
	by := map[string]map[int64]*dose{}
	for _, k := range f.doses.keys() {
		if k.model != model || k.copies == unknownCopies {
			continue
		}
		if by[k.label()] == nil {
			by[k.label()] = map[int64]*dose{}
			groups = append(groups, k.label())
		}
		by[k.label()][k.copies] = f.doses[k]
		if !slices.Contains(copies, k.copies) {
			copies = append(copies, k.copies)
		}
	}
	if slices.Sort(copies); len(copies) < 2 {
		return nil, nil
	}
	var names []string
	for _, c := range copies {
		names = append(names, bucket(c))
	}
	var charts []*chart
	draw := func(id, title, desc, y string, top float64, at func(*dose) (v, low, high float64, ok bool), intervals bool) error {
		var of []series
		for _, g := range groups {
			s := series{name: brief(g)}
			for j, c := range copies {
				x := by[g][c]
				if x == nil {
					continue
				}
				if value, low, high, ok := at(x); ok {
					s.x, s.y = append(s.x, float64(j)), append(s.y, value)
					if intervals {
						s.low, s.high = append(s.low, low), append(s.high, high)
					}
				}
			}
			if len(s.x) > 0 {
				of = append(of, s)
			}
		}
		if len(of) == 0 {
			return nil
		}
		if n := len(of); n > maxSeries {
			title += " (" + strconv.Itoa(maxSeries) + " of " + thousands(int64(n)) + " groups)"
		}
		c, err := lines(id+strconv.Itoa(i), title+under(f, model), desc, "copies in the corpus", y, names, of, 0, top)
		charts = append(charts, c)
		return err
	}
	err := draw("given-back-", "Given back, by copies", "The share of texts with a passage that the model gives back, by number of copies in the corpus.",
		"share of texts", 1, func(x *dose) (float64, float64, float64, bool) {
			if x.windows == 0 {
				return 0, 0, 0, false
			}
			low, high := evidence.ClopperPearson(x.greedy, x.windows)
			return float64(x.greedy) / float64(x.windows), low, high, true
		}, true)
	if err != nil {
		return nil, err
	}
	err = draw("stand-out-", "Likelier than controls, by copies", "The share of tested texts that stand out from their controls, by number of copies.",
		"share of texts", 1, func(x *dose) (float64, float64, float64, bool) {
			if x.tested == 0 {
				return 0, 0, 0, false
			}
			low, high := evidence.ClopperPearson(x.elevated, x.tested)
			return float64(x.elevated) / float64(x.tested), low, high, true
		}, true)
	if err != nil {
		return nil, err
	}
	err = draw("bits-", "Bits a byte, by copies", "The median number of bits that a byte takes under the model, by number of copies in the corpus: fewer is likelier.",
		"bits a byte", math.NaN(), func(x *dose) (float64, float64, float64, bool) {
			m, ok := median(x.bits)
			return m, 0, 0, ok
		}, false)
	return charts, err
}

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
		chart, err := lines("roc-"+strconv.Itoa(i+1), "Found and falsely found: "+brief(label)+under(f, g.key.model),
			"For every threshold of the score, the share of texts trained on that pass it, against the share of texts not trained on that pass it too.",
			"share of the others found", "share of members found", nil, of, 0, 1)
		if err != nil {
			return err
		}
		b.Charts = append(b.Charts, chart)
	}
	if len(groups) > maxROC {
		b.Notes = append(b.Notes, "Curves of "+thousands(int64(maxROC))+" of "+count(int64(len(groups)), "group")+" are drawn; the table has all of them.")
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
			line := "Of " + count(x.tests, "test") + " of texts " + knownNames[k.known] + ", " + thousands(x.small) + " (" + share(x.small, x.tests) + ") have p ≤ .05"
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
		line := count(r.Tests, "test") + " of " + strings.Replace(what, "canarys", "canaries", 1) + " among " + count(r.Controls, "control") + ": "
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
	by := map[string]*series{}
	blind := map[string]*series{}
	for _, r := range s.Rows {
		n := least(r[at("slice")].Value)
		if n < 0 {
			continue
		}
		group, _, _ := strings.Cut(r[at("slice")].Value, " copies=")
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
		"The chance that a text trained on scores above one that was not, by number of copies, with 95 % intervals; and that of a classifier that never asks the model.",
		"copies in the corpus", "AUROC", names, of, 0, 1)
}

// compression fills in what texts take under models and general compressors.
func (v *view) compression(ctx context.Context, in Input, f *findings) error {
	var rows []schemas.Compression
	groups := map[string]int{}
	err := readAll(ctx, in, schemas.Compressions, func(r *schemas.Compression) {
		group, _, dose := strings.Cut(r.Slice, " copies=")
		if !dose || r.Control || len(rows) >= maxRows*10 {
			return
		}
		row := *r
		row.Model, row.Slice, row.Role = strings.Clone(r.Model), strings.Clone(r.Slice), strings.Clone(r.Role)
		rows = append(rows, row)
		groups[strings.Clone(group)]++
	})
	if err != nil {
		return err
	}
	if len(f.compression) > 0 {
		s := f.compressionSheet()
		v.Compression.Sheets = append(v.Compression.Sheets, s)
	}
	most := ""
	for g, n := range groups {
		if n > groups[most] || n == groups[most] && g < most {
			most = g
		}
	}
	if most == "" {
		return nil
	}
	rows = slices.DeleteFunc(rows, func(r schemas.Compression) bool { return !strings.HasPrefix(r.Slice, most+" copies=") })
	slices.SortStableFunc(rows, func(a, b schemas.Compression) int { return compareSlices(a.Slice, b.Slice) })
	var names, models []string
	by := map[string]*series{}
	point := func(name string, at int, y float64) {
		if by[name] == nil {
			by[name] = &series{name: name}
			models = append(models, name)
		}
		if s := by[name]; len(s.x) == 0 || s.x[len(s.x)-1] != float64(at) {
			s.x, s.y = append(s.x, float64(at)), append(s.y, y)
		}
	}
	for i := range rows {
		_, dose, _ := strings.Cut(rows[i].Slice, " copies=")
		if len(names) == 0 || names[len(names)-1] != dose {
			names = append(names, dose)
		}
		at := len(names) - 1
		role := " (target)"
		if rows[i].Role != targetRole {
			role = " (reference)"
		}
		point(brief(rows[i].Model)+role, at, rows[i].BitsPerByte)
		point("zstd", at, rows[i].ZstdPerByte)
		point("xz", at, rows[i].XZPerByte)
	}
	var of []series
	for _, m := range models {
		of = append(of, *by[m])
	}
	chart, err := lines("compression-chart", "Bits a byte: "+brief(most)+", by copies in the corpus",
		"What the texts take under the models and under general compressors, by number of copies in the corpus.",
		"copies in the corpus", "bits a byte", names, of, 0, math.NaN())
	if err != nil {
		return err
	}
	v.Compression.Charts = append(v.Compression.Charts, chart)
	v.Compression.Sheets = append(v.Compression.Sheets, slicesSheet(most, rows))
	return nil
}
