package report

import (
	"cmp"
	"slices"
	"strings"

	"palimpsest/stages/evidence"
	"palimpsest/stages/fold"
)

// more is what the page shows beyond the summary.
type more struct {
	lead        exhibits             // distinctive ones
	rest        map[string]*exhibits // the others, by kind
	distinct    map[distinctKey]*distinctCount
	calibration calibration
	works       []shownWork // the ones that the model gives back most of
	windowed    int64       // pairs of work and model with windows
}

// The most that is shown in full. What is beyond is counted, and a query lists it.
const (
	maxLead  = 40
	maxRest  = 8 // of a kind
	maxWorks = 6
)

type distinctKey struct{ distinctiveness, kind string }

// distinctCount counts probes with spans.
type distinctCount struct{ probes, spans, longest int64 }

// shownWork is a work under a model.
type shownWork struct {
	id, model string
	greedy    bool
	maxP      float64
	hot       interval // the passage that is given back most surely
}

func newMore() *more {
	return &more{lead: exhibits{most: maxLead}, rest: map[string]*exhibits{}, distinct: map[distinctKey]*distinctCount{}}
}

// add takes in a probe under a model.
func (m *more) add(p *probe) {
	m.calibration.add(p)
	if p.Kind != fold.Work || p.windows == 0 && p.MaxP == nil {
		return
	}
	m.windowed++
	w := shownWork{id: p.ProbeID, model: p.model(), greedy: p.greedy, hot: p.hot.at}
	if p.MaxP != nil {
		w.maxP = *p.MaxP
	}
	at, _ := slices.BinarySearchFunc(m.works, w, compareWorks)
	if at == maxWorks {
		return
	}
	w.id, w.model = strings.Clone(w.id), strings.Clone(w.model)
	m.works = slices.Insert(m.works, at, w)
	m.works = m.works[:min(len(m.works), maxWorks)]
}

// compareWorks puts works with a greedy window first, then those with the likeliest one.
func compareWorks(a, b shownWork) int {
	return cmp.Or(-cmp.Compare(ones(a.greedy), ones(b.greedy)), cmp.Compare(b.maxP, a.maxP), strings.Compare(a.id, b.id),
		strings.Compare(a.model, b.model))
}

// addProbe takes in a probe once, whatever the number of models.
func (m *more) addProbe(p *probe) {
	if p.Spans == nil || *p.Spans == 0 {
		return
	}
	k := distinctKey{kind: p.Kind}
	if p.Distinctiveness != nil {
		k.distinctiveness = *p.Distinctiveness
	}
	x := m.distinct[k]
	if x == nil {
		x = &distinctCount{}
		k.distinctiveness, k.kind = strings.Clone(k.distinctiveness), strings.Clone(k.kind)
		m.distinct[k] = x
	}
	x.probes++
	x.spans += *p.Spans
	if p.LongestSpanWords != nil {
		x.longest = max(x.longest, *p.LongestSpanWords)
	}
}

func (m *more) addExhibit(e exhibit) {
	if e.distinctiveness == evidence.Distinctive {
		m.lead.add(e)
		return
	}
	if m.rest[e.kind] == nil {
		m.rest[e.kind] = &exhibits{most: maxRest}
	}
	m.rest[e.kind].add(e)
}
