package report

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"palimpsest/schemas"
	"palimpsest/stages/evidence"
)

// gradeSheet counts the probes of a kind, or of all, by both grades.
func (f *findings) gradeSheet() *sheet {
	s := &sheet{ID: "grades", Caption: "Probes by what the corpus holds of them and what the model gives back",
		Columns: []sheetColumn{{"kind", "kind", true}, {"model", "model", true}, {"the corpus holds", "corpus_grade", true}}}
	keys := f.grades.keys()
	model := slices.DeleteFunc(slices.Clone(modelGrades), func(m string) bool {
		return !slices.ContainsFunc(keys, func(k gradeKey) bool {
			return slices.ContainsFunc(corpusGrades, func(c string) bool { return f.grades[k][[2]string{c, m}] > 0 })
		})
	})
	query := "SELECT kind, coalesce(model, '') AS model, corpus_grade"
	for _, m := range model {
		s.Columns = append(s.Columns, sheetColumn{strings.ReplaceAll(m, "_", " "), m, false})
		query += ",\n  count(*) FILTER (model_grade = " + literal(m) + ") AS " + m
	}
	s.Columns = append(s.Columns, sheetColumn{"probes", "probes", false})
	s.Query = query + ",\n  count(*) AS probes\nFROM evidence GROUP BY ALL ORDER BY ALL"
	for _, k := range keys {
		for _, c := range corpusGrades {
			row, total := []figure{called(k.kind), called(k.model), {strings.ReplaceAll(c, "_", " "), c}}, int64(0)
			for _, m := range model {
				n := f.grades[k][[2]string{c, m}]
				total += n
				row = append(row, whole64(n))
			}
			if total > 0 {
				s.Rows = append(s.Rows, append(row, whole64(total)))
			}
		}
	}
	return s.fit()
}

// distinctSheet counts the probes that share runs with the corpus by how distinctive the best of them is.
func (m *more) distinctSheet(unit string) *sheet {
	s := &sheet{ID: "distinct", Caption: "Probes that share runs with the corpus, by what their best run is",
		Columns: []sheetColumn{{"the best run is", "distinctiveness", true}, {"kind", "kind", true}, {"probes", "probes", false},
			{"runs", "spans", false}, {"longest, " + unit + "s", "longest", false}},
		Query: "SELECT distinctiveness, kind, count(*) AS probes, sum(spans) AS spans, max(longest_span_words) AS longest\n" +
			"FROM (SELECT DISTINCT probe_id, kind, distinctiveness, spans, longest_span_words FROM evidence WHERE spans > 0)\n" +
			"GROUP BY ALL ORDER BY ALL"}
	for _, k := range slices.SortedFunc(maps.Keys(m.distinct), func(a, b distinctKey) int {
		return cmp.Or(cmp.Compare(slices.Index(distinctness, a.distinctiveness), slices.Index(distinctness, b.distinctiveness)),
			strings.Compare(a.distinctiveness, b.distinctiveness), strings.Compare(a.kind, b.kind))
	}) {
		x, of := m.distinct[k], figure{"–", nullValue}
		if k.distinctiveness != "" {
			of = figure{distinctName(k.distinctiveness), brief(k.distinctiveness)}
		}
		s.Rows = append(s.Rows, []figure{of, called(k.kind), whole64(x.probes), whole64(x.spans), whole64(x.longest)})
	}
	return s.fit()
}

// distinctName is how a value of distinctiveness is called.
func distinctName(d string) string {
	if d == evidence.PublicDomain {
		return "declared public domain"
	}
	return brief(strings.ReplaceAll(d, "_", " "))
}

// doseSheet shows the doses under a model.
func (f *findings) doseSheet(i int, model string, has func(string) bool) *sheet {
	s := &sheet{ID: "doses-" + strconv.Itoa(i), Caption: "By number of copies in the corpus" + under(f, model),
		Columns: []sheetColumn{{"group", "group", true}, {"copies", "copies", true}, {"texts", "texts", false},
			{"covered", "covered", false}, {"runs a text", "runs", false}, {"bits per byte", "bits_per_byte", false},
			{"stand out", "stand_out", false}, {"of tested", "tested", false}, {"given back", "given_back", false}, {"of asked", "asked", false},
			{"share given back", "", true}, {"best P", "best_p", false}},
		Note: "texts: works and canaries of a group with so many copies (documents of the same bytes, or else of the same words). covered: " +
			"median share of a text inside runs that the corpus holds. bits per byte: median; fewer means that the model finds the text likelier. " +
			"stand out: likelier than the controls, by q ≤ .05 (works) or p ≤ .01 (canaries). given back: with a passage that the model's own " +
			"first choices give back word for word; the share has its exact 95 % interval. best P: median probability of the likeliest passage.",
		Query: doseQuery(model, has)}
	for _, k := range f.doses.keys() {
		x := f.doses[k]
		if k.model != model {
			continue
		}
		runs := figure{"–", nullValue}
		if x.searched > 0 {
			v := float64(x.spans) / float64(x.searched)
			runs = exact(v, fixed(v, 1))
		}
		s.Rows = append(s.Rows, []figure{called(k.label()), {bucket(k.copies), strconv.FormatInt(k.copies, 10)}, whole64(x.probes),
			middle(x.coverage, percent), runs, middle(x.bits, decimals(2)), whole64(x.elevated), whole64(x.tested),
			whole64(x.greedy), whole64(x.windows), beside(share(x.greedy, x.windows)), middle(x.pz, tiny)})
	}
	return s.fit()
}

// doseQuery gives the rows of doseSheet.
func doseQuery(model string, has func(string) bool) string {
	asked := "SELECT NULL::VARCHAR AS probe_id, NULL::BOOLEAN AS greedy WHERE false"
	if has("windows") {
		asked = "SELECT probe_id, bool_or(greedy) AS greedy FROM windows WHERE greedy IS NOT NULL AND " + isModel("model", model) +
			" GROUP BY probe_id"
	}
	scored := "SELECT NULL::VARCHAR AS probe_id, NULL::DOUBLE AS bits_per_byte WHERE false"
	if has("likelihood") {
		scored = "SELECT probe_id, bits_per_byte FROM likelihood WHERE NOT control AND role = 'target' AND " + isModel("model", model)
	}
	return `WITH asked AS (` + asked + `),
scored AS (` + scored + `),
judged AS (
  SELECT *, coalesce(control_group, kind) AS name,
    CASE WHEN exact_documents IS NULL AND exact_words_documents IS NULL THEN -1
         WHEN exact_documents > 0 THEN exact_documents ELSE coalesce(exact_words_documents, 0) END AS n,
    p_value IS NOT NULL AND controls IS NOT NULL AND 1e0 / (controls + 1) <= CASE kind WHEN 'canary' THEN 1e-2 ELSE 5e-2 END AS tested
  FROM evidence WHERE kind <> 'generation' AND ` + isModel("model", model) + `)
SELECT name AS "group", CASE WHEN n < 1 THEN n ELSE 2 ** floor(log2(n)) END::BIGINT AS copies, count(*) AS texts,
  median(coverage) FILTER (spans IS NOT NULL AND coalesce(searchable, true)) AS covered,
  sum(spans) FILTER (coalesce(searchable, true)) / count(spans) FILTER (coalesce(searchable, true)) AS runs,
  median(bits_per_byte) AS bits_per_byte,
  count(*) FILTER (tested AND CASE kind WHEN 'canary' THEN p_value <= 1e-2 ELSE q_value <= 5e-2 END) AS stand_out,
  count(*) FILTER (tested) AS tested,
  count(*) FILTER (greedy) AS given_back, count(greedy) AS asked, median(max_p) AS best_p
FROM judged LEFT JOIN (SELECT probe_id, searchable FROM probes) USING (probe_id)
  LEFT JOIN asked USING (probe_id) LEFT JOIN scored USING (probe_id)
GROUP BY name, control_group IS NULL, copies ORDER BY name, copies`
}

// under names the model where there are several.
func under(f *findings, model string) string {
	if len(f.models) < 2 {
		return ""
	}
	return ", under " + brief(model)
}

// evaluationSheet shows how well the scores that ranked the probes tell members from non-members.
func (f *findings) evaluationSheet() *sheet {
	s := &sheet{ID: "evaluation", Caption: "How well the score tells texts that were trained on from texts that were not",
		Columns: []sheetColumn{{"model", "model", true}, {"score", "score", true}, {"texts", "slice", true}, {"members", "members", false},
			{"others", "non_members", false}, {"AUROC", "auroc", false}, {"low", "auroc_low", false}, {"high", "auroc_high", false},
			{"found at 1 % false", "tpr_at_1_fpr", false}, {"at 5 % false", "tpr_at_5_fpr", false},
			{"words alone", "blind_auroc", false}, {"beats them", "beats_blind", true}},
		Note: "AUROC: the chance that a text that was trained on scores above one that was not; .5 is a coin, 1 is never wrong; low and " +
			"high are its 95 % interval. found: share of the members above the score that 1 % or 5 % of the others pass. words alone: AUROC of a " +
			"classifier that knows word counts and length and never asks the model; a score that does not beat it shows no more than how " +
			"the two sets of texts differ.",
		Query: `SELECT DISTINCT v.model, v.score, v.slice, v.members, v.non_members, v.auroc, v.auroc_low, v.auroc_high,
  v.tpr_at_1_fpr, v.tpr_at_5_fpr, v.blind_auroc,
  CASE WHEN v.blind_auroc IS NULL THEN NULL ELSE v.beats_blind IS NOT false END AS beats_blind
FROM evaluation v JOIN (
  SELECT DISTINCT model, score_name AS score,
    CASE WHEN control_group IN ('', 'all') THEN 'control_group="' || control_group || '"' ELSE control_group END AS g
  FROM evidence WHERE kind <> 'generation' AND score_name IS NOT NULL) e USING (model, score)
WHERE v.auroc IS NOT NULL AND (v.slice = g OR starts_with(v.slice, g || ' copies=') OR g IS NULL AND starts_with(v.slice, 'copies='))
ORDER BY ALL`}
	names := map[slice]bool{}
	for k, x := range f.doses {
		if x.score != "" {
			prefix := strings.TrimSuffix(k.slice(), "copies="+bucket(k.copies))
			names[slice{k.model, x.score, prefix}] = true
		}
	}
	keep := slices.SortedFunc(maps.Keys(f.evaluation), func(a, b slice) int {
		return cmp.Or(strings.Compare(a.model, b.model), compareSlices(a.slice, b.slice), strings.Compare(a.score, b.score))
	})
	for _, k := range keep {
		whole, _, dose := strings.Cut(k.slice, "copies=")
		if !dose {
			whole += " "
		}
		if !names[slice{k.model, k.score, whole}] {
			continue
		}
		a := f.evaluation[k]
		beats := figure{"–", nullValue}
		if a.blind != nil {
			beats = figure{map[bool]string{true: "yes", false: "no"}[!a.flagged], strconv.FormatBool(!a.flagged)}
		}
		s.Rows = append(s.Rows, []figure{called(k.model), called(k.score), called(k.slice), whole64(a.members), whole64(a.others),
			exact(a.value, fixed(a.value, 3)), exact(a.low, fixed(a.low, 3)), exact(a.high, fixed(a.high, 3)), maybe(a.tpr1, percent),
			maybe(a.tpr5, percent), maybe(a.blind, decimals(3)), beats})
	}
	return s.fit()
}

// compareSlices orders slices by name, and doses by their number of copies.
func compareSlices(a, b string) int {
	nameA, dosesA, _ := strings.Cut(a, "copies=")
	nameB, dosesB, _ := strings.Cut(b, "copies=")
	least := func(s string) int64 {
		s, _, _ = strings.Cut(s, "-")
		n, err := strconv.ParseInt(s, 10, 64)
		if err != nil {
			return -1
		}
		return n
	}
	return cmp.Or(strings.Compare(strings.TrimSpace(nameA), strings.TrimSpace(nameB)), cmp.Compare(least(dosesA), least(dosesB)))
}

// valueSheet counts the p-values under a model.
func (f *findings) valueSheet(i int, model string) *sheet {
	c := &f.more.calibration
	s := &sheet{ID: "p-values-" + strconv.Itoa(i), Caption: "p-values" + under(f, model), Folded: true,
		Columns: []sheetColumn{{"p up to", "p_up_to", false}}}
	query := "SELECT (bin + 1) / 2e1 AS p_up_to"
	var of []*values
	for _, k := range c.valueKeys() {
		if k.model != model {
			continue
		}
		of = append(of, c.values[k])
		s.Columns = append(s.Columns, sheetColumn{knownNames[k.known], strings.ReplaceAll(k.known, "-", "_"), false})
		query += ",\n  count(*) FILTER (" + map[string]string{"member": "label", "non-member": "NOT label",
			"unknown": "p_value IS NOT NULL AND label IS NULL"}[k.known] +
			") AS " + strings.ReplaceAll(k.known, "-", "_")
	}
	s.Query = query + "\nFROM range(20) AS bins(bin) LEFT JOIN (\n  SELECT label, p_value, least(greatest(ceil(p_value * 20) - 1, 0), " +
		"19)::BIGINT AS bin\n" +
		"  FROM evidence WHERE p_value IS NOT NULL AND kind <> 'generation' AND " + isModel("model", model) +
		") USING (bin)\nGROUP BY bin ORDER BY bin"
	for b := range pBins {
		v := float64(b+1) / pBins
		row := []figure{exact(v, fixed(v, 2))}
		for _, x := range of {
			row = append(row, whole64(x.bins[b]))
		}
		s.Rows = append(s.Rows, row)
	}
	return s.fit()
}

// knownNames are what sets of p-values are called.
var knownNames = map[string]string{"member": "trained on", "non-member": "not trained on", "unknown": "not known"}

// compressionSheet shows what the texts take.
func (f *findings) compressionSheet() *sheet {
	s := &sheet{ID: "compression", Caption: "What the texts take, in bits a byte",
		Columns: []sheetColumn{{"texts", "texts", false}, {"of", "control", true}, {"model", "model", true}, {"role", "role", true},
			{"the model", "bits_per_byte", false}, {"zlib", "zlib_bits_per_byte", false}, {"zstd", "zstd_bits_per_byte", false},
			{"xz", "xz_bits_per_byte", false}, {"rate with the model counted in", "adjusted_rate", false},
			{"bits memorised, net of controls", "memorized_bits_net", false}, {"capacity", "capacity_bits", false}},
		Note: "A model is a compressor: the less a text takes under it, the better it knows it. General compressors, which know nothing of the " +
			"training, stand beside it; so do the controls, which the model never saw. capacity: 3.6 bits a parameter, an estimate of what " +
			"a model can memorise at all.",
		Query: "SELECT texts, control, model, role, bits_per_byte, zlib_bits_per_byte, zstd_bits_per_byte, xz_bits_per_byte,\n" +
			"  adjusted_rate, memorized_bits_net, capacity_bits\nFROM compression WHERE slice = 'all' ORDER BY ALL"}
	round := func(v float64) string { return thousands(int64(math.Round(v))) }
	for i := range f.compression {
		r := &f.compression[i]
		of := figure{map[bool]string{true: "controls", false: "probes"}[r.Control], strconv.FormatBool(r.Control)}
		two := decimals(2)
		s.Rows = append(s.Rows, []figure{whole64(r.Texts), of, called(r.Model), called(r.Role), exact(r.BitsPerByte, two(r.BitsPerByte)),
			exact(r.ZlibPerByte, two(r.ZlibPerByte)), exact(r.ZstdPerByte, two(r.ZstdPerByte)), exact(r.XZPerByte, two(r.XZPerByte)),
			maybe(r.AdjustedRate, two), maybe(r.MemorizedNet, round), maybe(r.CapacityBits, round)})
	}
	return s.fit()
}

// slicesSheet shows what the texts of a group take by copies; the chart of compression draws it.
func slicesSheet(group string, rows []schemas.Compression) *sheet {
	s := &sheet{ID: "compression-copies", Caption: "Bits a byte of " + brief(group) + " by copies in the corpus", Folded: true,
		Columns: []sheetColumn{{"model", "model", true}, {"texts", "slice", true}, {"number", "texts", false},
			{"the model", "bits_per_byte", false},
			{"zlib", "zlib_bits_per_byte", false}, {"zstd", "zstd_bits_per_byte", false}, {"xz", "xz_bits_per_byte", false}},
		Query: "SELECT model, slice, texts, bits_per_byte, zlib_bits_per_byte, zstd_bits_per_byte, xz_bits_per_byte\nFROM compression\n" +
			"WHERE NOT control AND starts_with(slice, " + literal(group+" copies=") + ") ORDER BY ALL"}
	for i := range rows {
		r, two := &rows[i], decimals(2)
		s.Rows = append(s.Rows, []figure{called(r.Model), called(r.Slice), whole64(r.Texts), exact(r.BitsPerByte, two(r.BitsPerByte)),
			exact(r.ZlibPerByte, two(r.ZlibPerByte)), exact(r.ZstdPerByte, two(r.ZstdPerByte)), exact(r.XZPerByte, two(r.XZPerByte))})
	}
	return s.fit()
}

// extractionSheet shows how much of the works the models give back with at least some probability.
func (f *findings) extractionSheet() *sheet {
	s := &sheet{ID: "extraction", Caption: "Passages that the model goes on with, given what comes before",
		Columns: []sheetColumn{{"model", "model", true}, {"P at least", "p", false}, {"works with one", "some_works", false},
			{"of works", "works", false}, {"share of works", "", true}, {"passages", "extracted", false}, {"top-k", "extracted_top_k", false},
			{"of passages", "tested", false}, {"first choice", "greedy", false}, {"covered", "covered", false}},
		Note: "P: the probability that the model goes on with a passage word for word, given what stands before it. The unit to cite is the " +
			"work: passages of one work are not independent. first choice: passages that the model's own first choices give back, whatever P. " +
			"covered: mean share of a work's characters inside such passages.",
		Query: `SELECT model, tau_permille / 1e3 AS p, count(*) FILTER (extracted > 0) AS some_works, count(*) AS works,
  sum(extracted) AS extracted, sum(extracted_top_k) AS extracted_top_k, sum(tested) AS tested,
  sum(greedy) AS greedy, avg(coverage) AS covered
FROM extraction WHERE tested > 0 GROUP BY model, tau_permille ORDER BY ALL`}
	for _, k := range slices.SortedFunc(maps.Keys(f.extraction), func(a, b extractionKey) int {
		return cmp.Or(strings.Compare(a.model, b.model), cmp.Compare(a.permille, b.permille))
	}) {
		e, p := f.extraction[k], float64(k.permille)/1000
		covered := figure{"–", nullValue}
		if n := len(e.coverage); n > 0 {
			sum := 0.
			for _, v := range e.coverage {
				sum += v
			}
			covered = exact(sum/float64(n), percent(sum/float64(n)))
		}
		s.Rows = append(s.Rows, []figure{called(k.model), exact(p, strconv.FormatFloat(p, 'g', -1, 64)), whole64(e.some), whole64(e.works),
			beside(share(e.some, e.works)), whole64(e.windows), whole64(e.topK), whole64(e.tested), whole64(e.greedy), covered})
	}
	return s.fit()
}

// promptedSheet shows what the models wrote after the beginnings of works.
func (f *findings) promptedSheet() *sheet {
	s := &sheet{ID: "attempts", Caption: "What the model wrote when it was given the beginning of a work",
		Columns: []sheetColumn{{"model", "model", true}, {"sampling", "sampling", true}, {"works given back", "works_given_back", false},
			{"of works", "works", false}, {"share of works", "", true}, {"attempts", "extracted", false}, {"of attempts", "attempts", false},
			{"longest, tokens", "longest", false}},
		Note: "given back: all tokens that were asked for are the work's own. The share over works is the one to cite: attempts at one work " +
			"are not independent of each other. longest: tokens that an attempt begins with and the work goes on with.",
		Query: `SELECT model, sampling, count(DISTINCT work_id) FILTER (extracted) AS works_given_back,
  count(DISTINCT work_id) FILTER (extracted IS NOT NULL) AS works, count(*) FILTER (extracted) AS extracted,
  count(extracted) AS attempts, coalesce(max(same_tokens), 0) AS longest
FROM generations GROUP BY ALL ORDER BY ALL`}
	for _, k := range slices.SortedFunc(maps.Keys(f.prompted), func(a, b promptedKey) int {
		return cmp.Or(strings.Compare(a.model, b.model), strings.Compare(a.sampling, b.sampling))
	}) {
		a := f.prompted[k]
		s.Rows = append(s.Rows, []figure{called(k.model), called(k.sampling), whole64(a.worksPassed), whole64(a.works),
			beside(share(a.worksPassed, a.works)), whole64(a.extracted), whole64(a.count), whole64(a.longest)})
	}
	return s.fit()
}

// canarySheet shows where the canaries stand among their controls.
func (f *findings) canarySheet() *sheet {
	s := &sheet{ID: "canaries", Caption: "Canaries: made-up sentences, ranked by their probability",
		Columns: []sheetColumn{{"how made", "canary_null", true}, {"model", "model", true}, {"in the corpus", "planted", true},
			{"canaries", "canaries", false}, {"likeliest of all", "first", false}, {"of ranked", "ranked", false}, {"p ≤ .01", "small", false},
			{"of tested", "tested", false}, {"exposure", "exposure", false}, {"of at most", "most", false}},
		Note: "A canary is compared with sentences made the same way that no training set holds. exposure: median, in bits: how far up the " +
			"ranking it stands; at most: what so many controls allow. A found sentence has no such controls, and no p-value.",
		Query: `SELECT coalesce(canary_null, '') AS canary_null, model,
  CASE WHEN exact_documents > 0 THEN 'yes' WHEN exact_documents = 0 THEN 'no' END AS planted,
  count(*) AS canaries, count(*) FILTER (control_rank = 1) AS first, count(control_rank) AS ranked,
  count(*) FILTER (p_value <= 1e-2 AND 1e0 / (controls + 1) <= 1e-2) AS small,
  count(*) FILTER (p_value IS NOT NULL AND 1e0 / (controls + 1) <= 1e-2) AS tested,
  median(exposure) FILTER (p_value IS NOT NULL) AS exposure,
  CASE WHEN count(exposure) FILTER (p_value IS NOT NULL) > 0 THEN max(log2(controls + 1)) FILTER (p_value IS NOT NULL) END AS most
FROM canaries GROUP BY ALL ORDER BY ALL`}
	for _, k := range slices.SortedFunc(maps.Keys(f.canaries), func(a, b canaryKey) int {
		return cmp.Or(strings.Compare(a.null, b.null), strings.Compare(a.model, b.model), -strings.Compare(a.planted, b.planted))
	}) {
		x := f.canaries[k]
		planted := figure{k.planted, k.planted}
		if k.planted == none {
			planted = figure{"–", nullValue}
		}
		made, most := called(k.null), figure{"–", nullValue}
		if k.null == "" {
			made.Text = "found"
		}
		exposure := middle(x.exposure, decimals(1))
		if exposure.Value != nullValue {
			most = exact(x.most, fixed(x.most, 1))
		}
		s.Rows = append(s.Rows, []figure{made, called(k.model), planted, whole64(x.count), whole64(x.first), whole64(x.ranked),
			whole64(x.elevated), whole64(x.tested), exposure, most})
	}
	return s.fit()
}

// tuningSheet shows what tuning changed.
func (f *findings) tuningSheet() *sheet {
	s := &sheet{ID: "tuning", Caption: "What tuning changed",
		Columns: []sheetColumn{{"model", "model", true}, {"tuned from", "base_model", true}, {"likelier after it", "likelier", false},
			{"of texts", "compared", false}, {"share", "", true}, {"bits per byte saved", "saved", false}, {"other grade", "regraded", false},
			{"of probes", "probes", false}},
		Note: "bits per byte saved: median.",
		Query: `SELECT model, base_model, count(*) FILTER (log_prob_delta > 0) AS likelier, count(log_prob_delta) AS compared,
  median(bits_per_byte_delta) AS saved, count(*) FILTER (base_model_grade <> model_grade) AS regraded, count(*) AS probes
FROM tuning GROUP BY ALL ORDER BY ALL`}
	for _, k := range slices.SortedFunc(maps.Keys(f.tuning), func(a, b tuningKey) int {
		return cmp.Or(strings.Compare(a.model, b.model), strings.Compare(a.base, b.base))
	}) {
		t := f.tuning[k]
		s.Rows = append(s.Rows, []figure{called(k.model), called(k.base), whole64(t.likelier), whole64(t.compared),
			beside(share(t.likelier, t.compared)),
			middle(t.saved, signed), whole64(t.probes - t.unchanged), whole64(t.probes)})
	}
	return s.fit()
}
