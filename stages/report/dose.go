package report

import (
	"cmp"
	"maps"
	"math/bits"
	"slices"
	"strconv"
	"strings"

	"palimpsest/stages/evidence"
	"palimpsest/stages/fold"
	"palimpsest/stages/likelihood"
)

// slice names a row of evaluation.
type slice struct{ model, score, slice string }

// auroc is an AUROC with its 95 % interval, beside that of the baseline that never asks a model.
type auroc struct {
	value, low, high float64
	blind            *float64
	flagged          bool // whether it may be no better than the baseline

	members, others int64
	tpr1, tpr5      *float64 // share of members found where 1 % and 5 % of the others are found too
}

// unknownCopies stands for probes whose copies were not counted.
const unknownCopies = -1

// doses are the works and canaries by control group, or by kind where there is none, and by number of copies in the corpus.
type doses map[doseKey]*dose

type doseKey struct {
	model  string
	kind   string
	group  string
	named  bool  // whether there is a control group
	copies int64 // least of the bucket, a power of two or 0
}

// dose is what one bucket shows. Every list has one value a probe that has one.
type dose struct {
	score string // the one that probes were ranked by; empty when none was

	probes             int64
	spans, searched    int64
	windows, greedy    int64 // probes with windows, and with one that is given back greedily
	untold             int64 // works with a window likely or greedy enough that were not assessed
	tested, elevated   int64
	coverage, bits, pz []float64
}

func (d *doses) add(p *probe) {
	if *d == nil {
		*d = doses{}
	}
	k := doseKey{model: p.model(), kind: p.Kind, copies: copiesOf(p)}
	if p.ControlGroup != nil {
		k.kind, k.group, k.named = "", *p.ControlGroup, true
	}
	x := (*d)[k]
	if x == nil {
		x = &dose{}
		k.model, k.kind, k.group = strings.Clone(k.model), strings.Clone(k.kind), strings.Clone(k.group)
		(*d)[k] = x
	}
	x.probes++
	if p.ScoreName != nil {
		x.score = strings.Clone(*p.ScoreName)
	}
	x.bits, x.pz = appendSome(x.bits, p.bitsPerByte), appendSome(x.pz, p.MaxP)
	if p.Spans != nil && !p.tooShort {
		x.searched++
		x.spans += *p.Spans
		x.coverage = appendSome(x.coverage, p.Coverage)
	}
	if p.windows > 0 {
		x.windows++
	}
	if p.greedy {
		x.greedy++
	}
	if p.Kind == fold.Work && p.ModelGrade == evidence.NotAssessed && (p.greedy || p.MaxP != nil && *p.MaxP >= likelihood.ExtractableP) {
		x.untold++
	}
	if p.PValue == nil || p.Controls == nil {
		return
	}
	// A rank among few controls cannot reach the bound: that is no test.
	level, reached := evidence.ElevatedQ, p.QValue != nil && *p.QValue <= evidence.ElevatedQ
	if p.Kind == fold.Canary {
		level, reached = evidence.ElevatedP, *p.PValue <= evidence.ElevatedP
	}
	if 1/float64(*p.Controls+1) > level {
		return
	}
	x.tested++
	if reached {
		x.elevated++
	}
}

func appendSome(values []float64, v *float64) []float64 {
	if v == nil {
		return values
	}
	return append(values, *v)
}

// copiesOf returns the least number of copies of the probe's bucket: 0, 1, 2 to 3, 4 to 7, and so on, as in table evaluation.
func copiesOf(p *probe) int64 {
	n := int64(0)
	switch {
	case p.ExactDocuments == nil && p.ExactWordsDocuments == nil:
		return unknownCopies
	case p.ExactDocuments != nil && *p.ExactDocuments > 0:
		n = *p.ExactDocuments
	case p.ExactWordsDocuments != nil:
		n = *p.ExactWordsDocuments
	}
	if n <= 0 {
		return 0
	}
	return 1 << (bits.Len64(uint64(n)) - 1)
}

// bucket writes a bucket's copies.
func bucket(least int64) string {
	switch {
	case least == unknownCopies:
		return none
	case least <= 1:
		return strconv.FormatInt(least, 10)
	}
	return strconv.FormatInt(least, 10) + "-" + strconv.FormatInt(2*least-1, 10)
}

// slice is the name that table evaluation has for the bucket.
func (k doseKey) slice() string {
	name := "copies=" + bucket(k.copies)
	switch {
	case !k.named:
		return name
	case k.group == "" || k.group == "all":
		return "control_group=" + strconv.Quote(k.group) + " " + name
	}
	return k.group + " " + name
}

// label is how a group is called on the page.
func (k doseKey) label() string {
	if k.named {
		return k.group
	}
	return k.kind
}

// The headings over what the model shows.
const likely, gives = "how likely", "given back"

// write shows the doses, one table a model.
func (d doses) write(p *page, models []string, evaluation map[slice]auroc) {
	if len(d) == 0 {
		return
	}
	var shown, dropped []string
	if len(models) < 2 {
		shown, dropped = d.table(p, d.keys(), "By", evaluation)
	} else {
		for _, m := range models {
			keys := slices.DeleteFunc(d.keys(), func(k doseKey) bool { return k.model != m })
			with, without := d.table(p, keys, "Under "+plain(m)+", by", evaluation)
			shown, dropped = append(shown, with...), append(dropped, without...)
		}
	}
	slices.Sort(dropped)
	d.legend(p, d.keys(), evaluation, shown, slices.Compact(dropped))
}

func (d doses) keys() []doseKey {
	return slices.SortedFunc(maps.Keys(d), func(a, b doseKey) int {
		return cmp.Or(strings.Compare(a.label(), b.label()), strings.Compare(a.kind, b.kind), cmp.Compare(a.copies, b.copies))
	})
}

// table shows the doses of one model. It returns the names of the columns that are shown, and of those that the width left out.
func (d doses) table(p *page, keys []doseKey, by string, evaluation map[slice]auroc) (shown, dropped []string) {
	columns := []column{
		{name: "copies"}, {name: "probes"},
		{over: "corpus holds", name: "covered", spare: 2}, {over: "corpus holds", name: "spans", spare: 5},
		{over: likely, name: "bits/byte", spare: 3}, {over: likely, name: "AUROC", left: true, spare: 1}, {over: likely, name: "above", spare: 4},
		{over: gives, name: "greedy", left: true, spare: 1}, {over: gives, name: "best P", left: true, spare: 6},
	}
	p.heading(by + " number of copies in the corpus: how likely the model finds them, what it gives back")
	label := ""
	var rows [][]string
	for i, k := range keys {
		cells := d[k].cells(k, evaluation)
		name := ""
		if i == 0 || k.label() != label || k.kind != keys[i-1].kind {
			label = k.label()
			name = quoted(label, 12)
		}
		rows = append(rows, append([]string{name}, cells...))
	}
	return p.table(append([]column{{name: "group", left: true}}, columns...), rows)
}

func (x *dose) cells(k doseKey, evaluation map[slice]auroc) []string {
	row := []string{bucket(k.copies), thousands(x.probes), none, none, none, none, none, none, none}
	if m, ok := median(x.coverage); ok {
		row[2] = percent(m)
	}
	if x.searched > 0 {
		row[3] = fixed(float64(x.spans)/float64(x.searched), 1)
	}
	if m, ok := median(x.bits); ok {
		row[4] = fixed(m, 2)
	}
	if a, ok := evaluation[slice{k.model, x.score, k.slice()}]; ok && x.score != "" {
		row[5] = strings.TrimPrefix(fixed(a.value, 3), "0") + " [" + end(a.low) + "-" + end(a.high) + "]"
		if a.flagged {
			row[5] += blindFlag
		}
	}
	if x.tested > 0 {
		row[6] = thousands(x.elevated) + "/" + thousands(x.tested)
	}
	if x.windows > 0 {
		row[7] = thousands(x.greedy) + ": " + share(x.greedy, x.windows)
	}
	if m, ok := median(x.pz); ok {
		row[8] = tiny(m)
	}
	return row
}

// legend says what the columns mean.
func (d doses) legend(p *page, keys []doseKey, evaluation map[slice]auroc, shown, dropped []string) {
	var meanings []string
	for _, m := range [][2]string{
		{"covered", "median share of a text inside runs that the corpus holds"},
		{"spans", "such runs a text"},
		{"bits/byte", "median, lower is likelier"},
		{"AUROC", "chance that such a text scores above one the model never saw (.5 is a coin), 95 % interval" + d.scoreNames(keys) +
			d.blindNote(keys, evaluation)},
		{"above", "texts that stand out from their controls / tested"},
		{"greedy", "texts with a window that the model's own first choices give back; of those with windows, 95 % interval"},
		{"best P", "probability of the likeliest window's suffix, median; no p-value"},
	} {
		if slices.Contains(shown, m[0]) {
			meanings = append(meanings, m[0]+": "+m[1])
		}
	}
	if len(meanings) > 0 {
		p.wrapped("  ", strings.Join(meanings, ". ")+".")
	}
	untold := int64(0)
	for _, k := range keys {
		untold += d[k].untold
	}
	if untold > 0 && (slices.Contains(shown, "greedy") || slices.Contains(shown, "best P")) {
		p.wrapped("  ", "Among them "+pick(untold, "is ", "are ")+count(untold, "work")+" with a window likely or greedy enough, yet not graded "+
			"extractable: without token ids it is unknown whether the window only repeats what stands before it.")
	}
	if len(dropped) > 0 {
		p.wrapped("  ", "Left out for want of width: "+strings.Join(dropped, ", ")+".")
	}
}

// blindFlag marks an AUROC that may be no better than the baseline's.
const blindFlag = "!"

// blindNote says how well the baseline does, and what the flag means where one is shown.
func (d doses) blindNote(keys []doseKey, evaluation map[slice]auroc) string {
	low, high, flagged := 1., 0., false
	for _, k := range keys {
		if a := evaluation[slice{k.model, d[k].score, k.slice()}]; a.blind != nil {
			low, high, flagged = min(low, *a.blind), max(high, *a.blind), flagged || a.flagged
		}
	}
	if low > high {
		return ""
	}
	note := "; words and length alone reach " + end(low) + "-" + end(high)
	if flagged {
		note += ", and " + blindFlag + " marks what is no better within the error"
	}
	return note
}

// scoreNames says which scores ranked the probes.
func (d doses) scoreNames(keys []doseKey) string {
	var names []string
	for _, k := range keys {
		if s := d[k].score; s != "" && !slices.Contains(names, s) {
			names = append(names, s)
		}
	}
	if len(names) == 0 {
		return ""
	}
	return ", by " + plain(strings.Join(names, " or "))
}

// median returns the middle of the values, or the mean of the two in the middle.
func median(values []float64) (float64, bool) {
	n := len(values)
	if n == 0 {
		return 0, false
	}
	slices.Sort(values)
	return (values[(n-1)/2] + values[n/2]) / 2, true
}
