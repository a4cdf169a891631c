package evidence

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"

	"palimpsest/schemas"
	"palimpsest/stages/fold"
)

// Options says what is judged.
type Options struct {
	RunID string
	Model string // name of the target model; empty when there is none
	// Score is the one score of the test, one of Scores. Empty: the first of reference_log_ratio, min_k_pp and min_k that some work
	// and some control have.
	Score string
}

// Judgement is the outcome. The rows are made when they are asked for, since a million of them would take a gigabyte.
type Judgement struct {
	Families []Family // the families of tests, by name

	options Options
	probes  []Subject
	tests   []test
}

// Row returns the row of the probe at that position.
func (j Judgement) Row(i int) schemas.Evidence { return row(j.options, &j.probes[i], &j.tests[i]) }

// Family is a set of tests whose q-values were computed together: run x model x kind x score x control group.
type Family struct {
	Name     string  `json:"name"`
	Model    string  `json:"model"`
	Kind     string  `json:"kind"`
	Score    string  `json:"score"`
	Group    *string `json:"control_group"`
	Controls int64   `json:"controls"` // N
	Tests    int64   `json:"tests"`
	Elevated int64   `json:"elevated"` // tests with q <= .05
	LeastP   float64 `json:"least_p"`  // 1/(N+1), below which no p-value can fall, and no q-value either
	// Needed is how many tests must beat every control before any q-value can be at most .05; 0 when not even all would do.
	Needed int64 `json:"needed"`
}

// familyKey identifies a family within a run and model.
type familyKey struct {
	kind  string
	score string
	group group
}

// Judge grades every probe. The controls must have passed Screen.
func Judge(o Options, probes, controls []Subject) Judgement {
	byWork := declared(o.Score, probes, controls)
	byCanary := lookup(canaryScore)
	ranks := rank(controls, byWork, byCanary)

	tests := make([]test, len(probes))
	families := map[familyKey][]int{}
	for i := range probes {
		s := &probes[i]
		by := byWork
		if s.Probe.Kind == fold.Canary {
			by = byCanary
		}
		tests[i] = run(s, by, ranks)
		if tests[i].barred == "" {
			k := familyKey{s.Probe.Kind, by.name, groupOf(s.Probe)}
			families[k] = append(families[k], i)
		}
	}
	j := Judgement{options: o, probes: probes, tests: tests}
	for k, members := range families {
		j.Families = append(j.Families, judgeFamily(o, k, members, tests))
	}
	slices.SortFunc(j.Families, func(a, b Family) int { return cmp.Compare(a.Name, b.Name) })
	return j
}

// run ranks a subject among the controls of its group.
func run(s *Subject, by score, ranks ranking) test {
	controls := ranks[rankingKey{by.name, groupOf(s.Probe)}]
	t := test{score: by, value: by.value(s), controls: int64(len(controls)), p: math.NaN(), q: math.NaN()}
	switch {
	case s.Probe.Kind == fold.Generation:
		t.barred = "likelihood never grades a model's own output"
	case s.Target == nil:
		t.barred = "the text was not scored by a model"
	case s.Probe.Kind == fold.Canary && s.Probe.CanaryNull == nil:
		t.barred = "a found sentence has no null: how this canary was made is not declared"
	case math.IsNaN(t.value):
		t.barred = "its " + by.name + " is undefined"
	case len(controls) == 0:
		t.barred = noControls(s.Probe.ControlGroup, ranks.groups(by.name))
	default:
		t.ahead = atLeast(controls, by.likeness(s))
		t.p = float64(1+t.ahead) / float64(t.controls+1)
	}
	return t
}

// maxGroups is how many control groups a reason names.
const maxGroups = 5

// noControls says that a probe has no controls, and of one without a group which groups there are: the configuration may only lack
// a column.
func noControls(own *string, groups []string) string {
	switch {
	case own != nil:
		return "there are no controls of group " + *own + " to rank it among"
	case len(groups) == 0:
		return "there are no controls to rank it among"
	}
	named := strings.Join(groups[:min(len(groups), maxGroups)], ", ")
	if more := len(groups) - maxGroups; more > 0 {
		named += " and " + thousands(int64(more)) + " more"
	}
	return "there are no controls without a group to rank it among; " +
		pick(int64(len(groups)), "the only group is ", "the groups are ") + named
}

// judgeFamily gives the family's tests their q-values.
func judgeFamily(o Options, k familyKey, members []int, tests []test) Family {
	p := make([]float64, len(members))
	for x, i := range members {
		p[x] = tests[i].p
	}
	f := Family{Name: familyName(o, k), Model: o.Model, Kind: k.kind, Score: k.score, Tests: int64(len(members)),
		Controls: tests[members[0]].controls}
	if k.group.named {
		f.Group = &k.group.name
	}
	f.LeastP = 1 / float64(f.Controls+1)
	f.Needed, _ = NeededToReach(ElevatedQ, f.Controls, f.Tests)
	for x, q := range BenjaminiHochberg(p) {
		tests[members[x]].q = q
		if q <= ElevatedQ {
			f.Elevated++
		}
	}
	return f
}

// familyName writes a family's name. The control group is quoted, so that none is told from one called null.
func familyName(o Options, k familyKey) string {
	g := "null"
	if k.group.named {
		g = strconv.Quote(k.group.name)
	}
	return "run_id=" + o.RunID + " model=" + o.Model + " kind=" + k.kind + " score=" + k.score + " control_group=" + g
}

// row makes the row of evidence.
func row(o Options, s *Subject, t *test) schemas.Evidence {
	c := &s.Corpus
	r := schemas.Evidence{RunID: o.RunID, ProbeID: s.Probe.ID, Kind: s.Probe.Kind, Distinctiveness: c.Best.distinctiveness(),
		Label: s.Probe.Label}
	r.CorpusGrade, r.CorpusReason = c.Grade()
	r.ModelGrade, r.ModelReason = gradeModel(s, t)
	if o.Model != "" {
		r.Model = &o.Model
	}
	if c.Searched {
		r.LongestSpanWords, r.Spans, r.Documents = &c.Longest, &c.Spans, &c.Documents
		r.Coverage, r.CreativityIndex = c.Coverage, c.CreativityIndex
		if s.Probe.PromptKnown() {
			r.LongestOutsidePrompt = c.LongestOutsidePrompt
		}
	}
	if c.Hashed {
		r.ExactDocuments, r.ExactWordsDocuments, r.NearDocuments = &c.Exact, &c.ExactWords, c.Near
	}
	if s.Target != nil {
		r.MaxP, r.ExtractableCoverage = number(s.Target.Extraction.MaxP), number(s.Target.Extraction.Coverage)
		r.MemorizedBits = number(s.Target.MemorizedBits)
	}
	if s.Probe.Kind == fold.Generation || s.Target == nil {
		return r
	}
	name := t.score.name
	r.ScoreName, r.Score = &name, number(t.value)
	r.ControlGroup, r.Controls = s.Probe.ControlGroup, &t.controls
	r.PValue, r.QValue = number(t.p), number(t.q)
	if t.barred == "" {
		family := familyName(o, familyKey{s.Probe.Kind, name, groupOf(s.Probe)})
		r.Family = &family
		if s.Probe.Kind == fold.Canary {
			r.Exposure = number(exposure(t))
		}
	}
	return r
}

// number is the nullable form of a value.
func number(v float64) *float64 {
	if math.IsNaN(v) {
		return nil
	}
	return &v
}
