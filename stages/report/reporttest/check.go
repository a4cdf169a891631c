package reporttest

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go"

	"palimpsest/schemas"
)

// row is what a row of a sheet must hold, by column.
type row map[string]any

// tables are all rows of a run.
type tables struct {
	probes      []schemas.Probe
	evidence    []schemas.Evidence
	spans       []schemas.Span
	likelihood  []schemas.Likelihood
	windows     []schemas.Window
	extraction  []schemas.Extraction
	generations []schemas.Generation
	canaries    []schemas.Canary
	tuning      []schemas.Tuning
	compression []schemas.Compression
	evaluation  []schemas.Evaluation
}

func load[R any](tb testing.TB, dir, table string) []R {
	tb.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "parquet", table, "*.parquet"))
	if err != nil {
		tb.Fatal(err)
	}
	var rows []R
	for _, f := range files {
		part, err := parquet.ReadFile[R](f)
		if err != nil {
			tb.Fatal(err)
		}
		rows = append(rows, part...)
	}
	return rows
}

// Check compares every sheet, card and exhibit of a page with the tables of the run in a local directory. It returns the number of
// figures.
func Check(tb testing.TB, dir, page string) int {
	tb.Helper()
	t := &tables{
		probes: load[schemas.Probe](tb, dir, "probes"), evidence: load[schemas.Evidence](tb, dir, "evidence"),
		spans: load[schemas.Span](tb, dir, "spans"), likelihood: load[schemas.Likelihood](tb, dir, "likelihood"),
		windows: load[schemas.Window](tb, dir, "windows"), extraction: load[schemas.Extraction](tb, dir, "extraction"),
		generations: load[schemas.Generation](tb, dir, "generations"), canaries: load[schemas.Canary](tb, dir, "canaries"),
		tuning: load[schemas.Tuning](tb, dir, "tuning"), compression: load[schemas.Compression](tb, dir, "compression"),
		evaluation: load[schemas.Evaluation](tb, dir, "evaluation"),
	}
	p := Parse(tb, page)
	figures := 0
	for _, s := range p.Sheets {
		figures += compare(tb, s, t.derive(s.ID, p))
	}
	for _, c := range p.Cards {
		k, n, ok := t.card(c.What)
		if !ok || short(k) != c.K || short(n) != c.N {
			tb.Errorf("card %q: %s of %s, want %d of %d", c.What, c.K, c.N, k, n)
		}
		figures += 2
	}
	for _, e := range p.Exhibits {
		if !slices.ContainsFunc(t.spans, func(s schemas.Span) bool {
			return short(s.Words) == short(e["data-words"]) && short(s.Documents) == short(e["data-documents"]) &&
				short(s.Occurrences) == short(e["data-occurrences"]) && short(s.RarityBits) == short(e["data-rarity-bits"])
		}) {
			tb.Errorf("no span has the figures of exhibit %v", e)
		}
		figures += 4
	}
	return figures
}

// compare finds each row of the sheet among those that it must have, in any order.
func compare(tb testing.TB, s Sheet, want []row) int {
	tb.Helper()
	if len(s.Rows) != len(want) {
		tb.Errorf("sheet %s has %d rows, want %d", s.ID, len(s.Rows), len(want))
		return 0
	}
	figures := 0
	var got, wanted []string
	for i := range s.Rows {
		keys := slices.Sorted(maps.Keys(s.Rows[0]))
		var a, b []string
		for _, k := range keys {
			figures++
			v, ok := want[i][k]
			if !ok {
				tb.Errorf("sheet %s: nothing is derived for column %s", s.ID, k)
			}
			a, b = append(a, k+"="+short(s.Rows[i][k])), append(b, k+"="+short(v))
		}
		got, wanted = append(got, strings.Join(a, " ")), append(wanted, strings.Join(b, " "))
	}
	slices.Sort(got)
	slices.Sort(wanted)
	for i := range got {
		if got[i] != wanted[i] {
			tb.Errorf("sheet %s\n has %s\nwant %s", s.ID, got[i], wanted[i])
		}
	}
	return figures
}

// groups gathers rows by a key.
func groups[R any](rows []R, key func(*R) string) map[string][]*R {
	of := map[string][]*R{}
	for i := range rows {
		k := key(&rows[i])
		of[k] = append(of[k], &rows[i])
	}
	return of
}

func countIf[R any](rows []*R, f func(*R) bool) int64 {
	n := int64(0)
	for _, r := range rows {
		if f(r) {
			n++
		}
	}
	return n
}

func sum[R any](rows []*R, f func(*R) int64) int64 {
	n := int64(0)
	for _, r := range rows {
		n += f(r)
	}
	return n
}

func some[R any](rows []*R, f func(*R) *float64) []float64 {
	var of []float64
	for _, r := range rows {
		if v := f(r); v != nil {
			of = append(of, *v)
		}
	}
	return of
}

func median(of []float64) *float64 {
	if len(of) == 0 {
		return nil
	}
	slices.Sort(of)
	m := (of[len(of)/2] + of[(len(of)-1)/2]) / 2
	return &m
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func zero(n *int64) int64 {
	if n == nil {
		return 0
	}
	return *n
}

// models are the target models, in order; one without a name when there is none.
func (t *tables) models() []string {
	var of []string
	for _, e := range t.evidence {
		if e.Model != nil && !slices.Contains(of, *e.Model) {
			of = append(of, *e.Model)
		}
	}
	slices.Sort(of)
	if len(of) == 0 {
		return []string{""}
	}
	return of
}

func (t *tables) card(what string) (k, n int64, ok bool) {
	models := t.models()
	what, model, found := strings.Cut(what, ", under ")
	if !found {
		model = models[0]
	}
	graded := func(kind, grade string) (k, n int64, ok bool) {
		for _, e := range t.evidence {
			if e.Kind == kind && (kind == "generation" || text(e.Model) == model) && e.ModelGrade != "not_assessed" {
				if n++; e.ModelGrade == grade {
					k++
				}
			}
		}
		return k, n, true
	}
	switch {
	case strings.HasPrefix(what, "works the model goes on with"):
		return graded("work", "extractable")
	case strings.HasPrefix(what, "works likelier"):
		return graded("work", "elevated")
	case strings.HasPrefix(what, "canaries likelier"):
		return graded("canary", "elevated")
	case strings.HasPrefix(what, "outputs that hold a long run"):
		return graded("generation", "verbatim")
	case strings.HasPrefix(what, "outputs that share"):
		for _, e := range t.evidence {
			if e.Kind == "generation" && e.Spans != nil && t.searchable(e.ProbeID) {
				if n++; *e.Spans > 0 {
					k++
				}
			}
		}
		return k, n, true
	case strings.HasPrefix(what, "works it wrote out"):
		works := map[string]bool{}
		for _, g := range t.generations {
			if g.Model == model && g.Extracted != nil && strings.Contains(what, strings.ReplaceAll(g.Sampling, "_", "-")) {
				works[g.WorkID] = works[g.WorkID] || *g.Extracted
			}
		}
		for _, passed := range works {
			if n++; passed {
				k++
			}
		}
		return k, n, true
	}
	return 0, 0, false
}

func (t *tables) searchable(id string) bool {
	i := slices.IndexFunc(t.probes, func(p schemas.Probe) bool { return p.ProbeID == id })
	return i < 0 || t.probes[i].Searchable == nil || *t.probes[i].Searchable
}

// derive returns what a sheet must hold.
func (t *tables) derive(id string, p *Page) []row {
	var rows []row
	name, number, _ := strings.Cut(id, "-")
	model := ""
	if number >= "1" && number <= "9" {
		model = t.models()[number[0]-'1']
	}
	switch name {
	case "grades":
		for _, of := range groups(t.evidence, func(e *schemas.Evidence) string {
			return e.Kind + "\x00" + text(e.Model) + "\x00" +
				e.CorpusGrade
		}) {
			r := row{"kind": of[0].Kind, "model": text(of[0].Model), "corpus_grade": of[0].CorpusGrade, "probes": len(of)}
			for _, g := range []string{"verbatim", "extractable", "near_verbatim", "elevated", "none", "not_assessed"} {
				r[g] = countIf(of, func(e *schemas.Evidence) bool { return e.ModelGrade == g })
			}
			rows = append(rows, r)
		}
	case "distinct":
		seen := map[string]bool{}
		first := slices.DeleteFunc(slices.Clone(t.evidence), func(e schemas.Evidence) bool {
			again := seen[e.ProbeID]
			seen[e.ProbeID] = true
			return again || zero(e.Spans) == 0
		})
		for _, of := range groups(first, func(e *schemas.Evidence) string { return e.Kind + "\x00" + short(e.Distinctiveness) }) {
			longest := int64(0)
			for _, e := range of {
				longest = max(longest, zero(e.LongestSpanWords))
			}
			rows = append(rows, row{"kind": of[0].Kind, "distinctiveness": of[0].Distinctiveness, "probes": len(of), "longest": longest,
				"spans": sum(of, func(e *schemas.Evidence) int64 { return zero(e.Spans) })})
		}
	case "doses":
		return t.doses(model)
	case "evaluation":
		return t.evaluations()
	case "p":
		return t.values(t.models()[strings.TrimPrefix(number, "values-")[0]-'1'])
	case "compression":
		for _, c := range t.compression {
			of := strings.HasPrefix(c.Slice, "passage copies=") || strings.HasPrefix(c.Slice, "novel copies=")
			if number == "" && c.Slice == "all" || number != "" && !c.Control && of {
				rows = append(rows, row{"texts": c.Texts, "control": c.Control, "model": c.Model, "role": c.Role, "slice": c.Slice,
					"bits_per_byte": c.BitsPerByte, "zlib_bits_per_byte": c.ZlibPerByte, "zstd_bits_per_byte": c.ZstdPerByte,
					"xz_bits_per_byte": c.XZPerByte, "adjusted_rate": c.AdjustedRate, "memorized_bits_net": c.MemorizedNet,
					"capacity_bits": c.CapacityBits})
			}
		}
	case "extraction":
		tested := slices.DeleteFunc(slices.Clone(t.extraction), func(x schemas.Extraction) bool { return x.Tested == 0 })
		for _, of := range groups(tested, func(x *schemas.Extraction) string { return fmt.Sprint(x.Model, "\x00", x.TauPermille) }) {
			var covered *float64
			if c := some(of, func(x *schemas.Extraction) *float64 { return x.Coverage }); len(c) > 0 {
				total := 0.
				for _, v := range c {
					total += v
				}
				total /= float64(len(c))
				covered = &total
			}
			rows = append(rows, row{"model": of[0].Model, "p": float64(of[0].TauPermille) / 1000, "works": len(of), "covered": covered,
				"some_works":      countIf(of, func(x *schemas.Extraction) bool { return x.Extracted > 0 }),
				"extracted":       sum(of, func(x *schemas.Extraction) int64 { return x.Extracted }),
				"extracted_top_k": sum(of, func(x *schemas.Extraction) int64 { return x.ExtractedTopK }),
				"tested":          sum(of, func(x *schemas.Extraction) int64 { return x.Tested }),
				"greedy":          sum(of, func(x *schemas.Extraction) int64 { return x.Greedy })})
		}
	case "attempts":
		for _, of := range groups(t.generations, func(g *schemas.Generation) string { return g.Model + "\x00" + g.Sampling }) {
			works, longest := map[string]bool{}, int64(0)
			for _, g := range of {
				if g.Extracted != nil {
					works[g.WorkID] = works[g.WorkID] || *g.Extracted
					longest = max(longest, zero(g.SameTokens))
				}
			}
			back := 0
			for _, passed := range works {
				if passed {
					back++
				}
			}
			rows = append(rows, row{"model": of[0].Model, "sampling": of[0].Sampling, "works": len(works), "works_given_back": back,
				"longest":   longest,
				"extracted": countIf(of, func(g *schemas.Generation) bool { return g.Extracted != nil && *g.Extracted }),
				"attempts":  countIf(of, func(g *schemas.Generation) bool { return g.Extracted != nil })})
		}
	case "canaries":
		return t.canaryRows()
	case "tuning":
		for _, of := range groups(t.tuning, func(r *schemas.Tuning) string { return r.Model + "\x00" + r.BaseModel }) {
			rows = append(rows, row{"model": of[0].Model, "base_model": of[0].BaseModel, "probes": len(of),
				"likelier": countIf(of, func(r *schemas.Tuning) bool { return r.LogProbDelta != nil && *r.LogProbDelta > 0 }),
				"compared": countIf(of, func(r *schemas.Tuning) bool { return r.LogProbDelta != nil }),
				"regraded": countIf(of, func(r *schemas.Tuning) bool { return r.BaseModelGrade != r.ModelGrade }),
				"saved":    median(some(of, func(r *schemas.Tuning) *float64 { return r.BitsPerByteDelta }))})
		}
	case "works":
		for _, shown := range p.Sheet("works") {
			r := row{"probe_id": shown["probe_id"], "model": shown["model"], "max_p": (*float64)(nil)}
			windows, extracted, greedy := 0, 0, 0
			for _, w := range t.windows {
				if w.ProbeID != shown["probe_id"] || w.Model != shown["model"] {
					continue
				}
				windows++
				if w.LogP != nil {
					v := math.Exp(*w.LogP)
					if v >= .001 {
						extracted++
					}
					if most := r["max_p"].(*float64); most == nil || v > *most {
						r["max_p"] = &v
					}
				}
				if w.Greedy != nil && *w.Greedy {
					greedy++
				}
			}
			r["windows"], r["extracted"], r["greedy"] = windows, extracted, greedy
			rows = append(rows, r)
		}
	}
	return rows
}

// judged are the works and canaries under a model.
func (t *tables) judged(model string) []schemas.Evidence {
	return slices.DeleteFunc(slices.Clone(t.evidence),
		func(e schemas.Evidence) bool { return e.Kind == "generation" || text(e.Model) != model })
}

func (t *tables) doses(model string) []row {
	var rows []row
	bits, greedy := map[string]*float64{}, map[string]bool{}
	for _, l := range t.likelihood {
		if !l.Control && l.Role == "target" && l.Model == model {
			bits[l.ProbeID] = l.BitsPerByte
		}
	}
	for _, w := range t.windows {
		if w.Model == model && w.Greedy != nil {
			greedy[w.ProbeID] = greedy[w.ProbeID] || *w.Greedy
		}
	}
	copies := func(e *schemas.Evidence) int64 {
		if e.ExactDocuments == nil && e.ExactWordsDocuments == nil {
			return -1
		}
		n := zero(e.ExactDocuments)
		if n == 0 {
			n = zero(e.ExactWordsDocuments)
		}
		least := int64(0)
		for least*2 <= n && n > 0 {
			least = max(least*2, 1)
			if least*2 > n {
				break
			}
		}
		return least
	}
	group := func(e *schemas.Evidence) string {
		if e.ControlGroup != nil {
			return *e.ControlGroup
		}
		return e.Kind
	}
	for _, of := range groups(t.judged(model), func(e *schemas.Evidence) string {
		return fmt.Sprint(group(e), "\x00", e.ControlGroup == nil, copies(e))
	}) {
		r := row{"group": group(of[0]), "copies": copies(of[0]), "texts": len(of), "runs": (*float64)(nil)}
		searched := slices.DeleteFunc(slices.Clone(of), func(e *schemas.Evidence) bool { return e.Spans == nil || !t.searchable(e.ProbeID) })
		if len(searched) > 0 {
			r["runs"] = float64(sum(searched, func(e *schemas.Evidence) int64 { return *e.Spans })) / float64(len(searched))
		}
		r["covered"] = median(some(searched, func(e *schemas.Evidence) *float64 { return e.Coverage }))
		r["bits_per_byte"] = median(some(of, func(e *schemas.Evidence) *float64 { return bits[e.ProbeID] }))
		r["best_p"] = median(some(of, func(e *schemas.Evidence) *float64 { return e.MaxP }))
		tested := slices.DeleteFunc(slices.Clone(of), func(e *schemas.Evidence) bool {
			least := 19 // controls, so that p can be .05 at all
			if e.Kind == "canary" {
				least = 99
			}
			return e.PValue == nil || e.Controls == nil || *e.Controls < int64(least)
		})
		r["tested"] = len(tested)
		r["stand_out"] = countIf(tested, func(e *schemas.Evidence) bool {
			if e.Kind == "canary" {
				return *e.PValue <= .01
			}
			return e.QValue != nil && *e.QValue <= .05
		})
		asked, back := 0, 0
		for _, e := range of {
			if g, ok := greedy[e.ProbeID]; ok {
				asked++
				if g {
					back++
				}
			}
		}
		r["asked"], r["given_back"] = asked, back
		rows = append(rows, r)
	}
	return rows
}

func (t *tables) evaluations() []row {
	var rows []row
	for _, v := range t.evaluation {
		if v.AUROC == nil || v.AUROCLow == nil || v.AUROCHigh == nil || !slices.ContainsFunc(t.evidence, func(e schemas.Evidence) bool {
			if e.Kind == "generation" || e.ScoreName == nil || *e.ScoreName != v.Score || text(e.Model) != v.Model {
				return false
			}
			if e.ControlGroup == nil {
				return strings.HasPrefix(v.Slice, "copies=")
			}
			return v.Slice == *e.ControlGroup || strings.HasPrefix(v.Slice, *e.ControlGroup+" copies=")
		}) {
			continue
		}
		r := row{"model": v.Model, "score": v.Score, "slice": v.Slice, "members": v.Members, "non_members": v.NonMembers, "auroc": v.AUROC,
			"auroc_low": v.AUROCLow, "auroc_high": v.AUROCHigh, "tpr_at_1_fpr": v.TPRAt1FPR, "tpr_at_5_fpr": v.TPRAt5FPR,
			"blind_auroc": v.BlindAUROC, "beats_blind": nil}
		if v.BlindAUROC != nil {
			r["beats_blind"] = v.BeatsBlind == nil || *v.BeatsBlind
		}
		rows = append(rows, r)
	}
	return rows
}

func (t *tables) values(model string) []row {
	var rows []row
	for bin := range 20 {
		r := row{"p_up_to": float64(bin+1) / 20, "member": 0, "non_member": 0, "unknown": 0}
		for _, e := range t.judged(model) {
			if e.PValue == nil || max(math.Ceil(*e.PValue*20), 1) != float64(bin+1) {
				continue
			}
			k := "unknown"
			if e.Label != nil && *e.Label {
				k = "member"
			} else if e.Label != nil {
				k = "non_member"
			}
			r[k] = r[k].(int) + 1
		}
		rows = append(rows, r)
	}
	return rows
}

func (t *tables) canaryRows() []row {
	var rows []row
	planted := func(c *schemas.Canary) *string {
		if c.ExactDocuments == nil {
			return nil
		}
		s := map[bool]string{true: "yes", false: "no"}[*c.ExactDocuments > 0]
		return &s
	}
	for _, of := range groups(t.canaries, func(c *schemas.Canary) string {
		return text(c.CanaryNull) + "\x00" + c.Model + "\x00" + short(planted(c))
	}) {
		tested := slices.DeleteFunc(slices.Clone(of), func(c *schemas.Canary) bool { return c.PValue == nil })
		exposure := median(some(tested, func(c *schemas.Canary) *float64 { return c.Exposure }))
		r := row{"canary_null": cmp.Or(text(of[0].CanaryNull), ""), "model": of[0].Model, "planted": planted(of[0]), "canaries": len(of),
			"first":    countIf(of, func(c *schemas.Canary) bool { return c.ControlRank != nil && *c.ControlRank == 1 }),
			"ranked":   countIf(of, func(c *schemas.Canary) bool { return c.ControlRank != nil }),
			"small":    countIf(tested, func(c *schemas.Canary) bool { return c.Controls >= 99 && *c.PValue <= .01 }),
			"tested":   countIf(tested, func(c *schemas.Canary) bool { return c.Controls >= 99 }),
			"exposure": exposure, "most": nil}
		if exposure != nil {
			most := int64(0)
			for _, c := range tested {
				most = max(most, c.Controls)
			}
			r["most"] = math.Log2(float64(most + 1))
		}
		rows = append(rows, r)
	}
	return rows
}
