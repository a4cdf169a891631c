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
	err := draw("given-back-", "Given back, by copies", "The share of texts with a passage that the model gives back, by number of "+
		"copies in the corpus.",
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
	err = draw("stand-out-", "Likelier than controls, by copies", "The share of tested texts that stand out from their controls, by "+
		"number of copies.",
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
	err = draw("bits-", "Bits a byte, by copies", "The median number of bits that a byte takes under the model, by number of copies in "+
		"the corpus: fewer is likelier.",
		"bits a byte", math.NaN(), func(x *dose) (float64, float64, float64, bool) {
			m, ok := median(x.bits)
			return m, 0, 0, ok
		}, false)
	return charts, err
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
