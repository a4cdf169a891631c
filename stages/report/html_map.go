package report

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"

	"image/color"

	"palimpsest/stages/likelihood"
)

// mapView is a work as the page shows it: which passages the model gives back, and which the corpus holds.
type mapView struct {
	Title, Work, Model string
	Strip              *chart
	Text               []piece // nil when the run keeps no texts
	Before, After      string
	Query              string
}

// tiers are the least probabilities of the shades, from the lightest.
var tiers = []float64{likelihood.ExtractableP, .01, .1, .5}

// tier returns the shade of a probability: 0 below all of them.
func tier(p float64) int {
	n := 0
	for n < len(tiers) && p >= tiers[n] {
		n++
	}
	return n
}

// stripBins is how many pieces a work is cut into in its strip.
const stripBins = 100

// strip is what lies in each piece of a work.
type strip struct {
	bins  int
	lanes [3][]float64 // by lane, from below: held by the corpus, probability, first choice
}

// The lanes of a strip, from below.
const (
	laneCorpus = iota
	laneLikely
	laneGreedy
)

var laneNames = []string{"in the corpus", "P", "first choice"}

// The inks of a strip by value.
var stripInks = []ink{"h0", "h1", "h2", "h3", "h4", "hg", "hc"}

// Dims, Z, X and Y are the grid that the library draws.
func (s *strip) Dims() (c, r int)   { return s.bins, len(s.lanes) }
func (s *strip) Z(c, r int) float64 { return s.lanes[r][c] }
func (s *strip) X(c int) float64    { return float64(c) }
func (s *strip) Y(r int) float64    { return float64(r) }

// Colors returns the inks of a strip.
func (s *strip) Colors() []color.Color {
	of := make([]color.Color, len(stripInks))
	for i, c := range stripInks {
		of[i] = c
	}
	return of
}

// raise sets the pieces of an interval to at least the value.
func (s *strip) raise(lane int, at interval, total int64, value float64) {
	if total <= 0 || at.to <= at.from {
		return
	}
	from := int(max(at.from, 0) * int64(s.bins) / total)
	to := int((min(at.to, total)*int64(s.bins) + total - 1) / total)
	for i := max(from, 0); i < min(to, s.bins); i++ {
		s.lanes[lane][i] = max(s.lanes[lane][i], value)
	}
}

// mapViews makes the views of the works whose dossiers were read, and a sheet of their figures.
func (v *view) mapViews(of []shownWork, files map[string]*dossier) ([]*mapView, *sheet) {
	s := &sheet{ID: "works", Caption: "The works that are shown",
		Columns: []sheetColumn{{"work", "probe_id", true}, {"model", "model", true}, {"passages", "windows", false},
			{"P ≥ .001", "extracted", false}, {"first choice", "greedy", false}, {"greatest P", "max_p", false}}}
	var views []*mapView
	var pairs []string
	for i, w := range of {
		d := files[w.id]
		if d == nil {
			continue
		}
		m := &mapView{Work: quoted(w.id, 80), Model: brief(w.model), Title: quoted(w.id, 80)}
		if d.probe.Title != nil {
			m.Title = quoted(*d.probe.Title, 120) + " (" + m.Work + ")"
		}
		st := &strip{bins: int(min(max(d.probe.Bytes, 1), stripBins))}
		for lane := range st.lanes {
			st.lanes[lane] = make([]float64, st.bins)
		}
		var marks []mark
		windows, extracted, greedy, most := int64(0), int64(0), int64(0), math.NaN()
		for _, r := range d.windows {
			if r.Model != w.model {
				continue
			}
			windows++
			level, first := 0, r.Greedy != nil && *r.Greedy
			if r.LogP != nil {
				p := math.Exp(*r.LogP)
				level = tier(p)
				most = math.Max(p, zeroIfNaN(most))
			}
			extracted += ones(level > 0)
			greedy += ones(first)
			if r.SuffixByteStart == nil || r.ByteEnd == nil {
				continue
			}
			at := interval{*r.SuffixByteStart, *r.ByteEnd}
			if level > 0 {
				st.raise(laneLikely, at, d.probe.Bytes, float64(level))
				marks = append(marks, mark{at, "h" + strconv.Itoa(level)})
			}
			if first {
				st.raise(laneGreedy, at, d.probe.Bytes, 5)
				marks = append(marks, mark{at, "hg"})
			}
		}
		for j := range d.spans {
			at := interval{d.spans[j].ByteStart, d.spans[j].ByteEnd}
			st.raise(laneCorpus, at, d.probe.Bytes, 6)
			marks = append(marks, mark{at, "hc"})
		}
		m.Strip = v.drawStrip(i, m, st, windows, extracted, greedy)
		if d.text != nil {
			m.Text = d.text.pieces(marks)
			m.Before, m.After = omitted(d.text.before()), omitted(d.text.after())
		}
		m.Query = "SELECT window_index, suffix_byte_start, byte_end, exp(log_p) AS p, greedy, draws_for_p50 FROM windows\nWHERE probe_id = " +
			literal(w.id) + " AND " + isModel("model", w.model) + " ORDER BY window_index"
		best := figure{"–", nullValue}
		if !math.IsNaN(most) {
			best = exact(most, tiny(most))
		}
		s.Rows = append(s.Rows, []figure{{m.Work, brief(w.id)}, called(w.model), whole64(windows), whole64(extracted), whole64(greedy), best})
		pairs = append(pairs, "("+literal(w.id)+", "+literal(w.model)+")")
		views = append(views, m)
	}
	s.Query = "SELECT probe_id, model, count(*) AS windows, count(*) FILTER (exp(log_p) >= 1e-3) AS extracted,\n" +
		"  count(*) FILTER (greedy) AS greedy, max(exp(log_p)) AS max_p\nFROM windows WHERE (probe_id, model) IN (" + strings.Join(pairs, ", ") +
		")\nGROUP BY ALL ORDER BY ALL"
	return views, s.fit()
}

func zeroIfNaN(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return v
}

// drawStrip draws a work from its first character to its last.
func (v *view) drawStrip(i int, m *mapView, s *strip, windows, extracted, greedy int64) *chart {
	p := newPlot("", "")
	heat := plotter.NewHeatMap(s, s)
	heat.Min, heat.Max = 0, float64(len(stripInks)-1)
	p.Add(heat)
	var lanes plot.ConstantTicks
	for lane, name := range laneNames {
		lanes = append(lanes, plot.Tick{Value: float64(lane), Label: name})
	}
	p.Y.Tick.Marker, p.Y.Tick.Length, p.Y.Width, p.X.Width = lanes, 0, 0, 0
	p.X.Tick.Length = 0
	p.X.Tick.Marker = plot.ConstantTicks{{Value: -.5, Label: "start"}, {Value: float64(s.bins) - .5, Label: "end"}}
	held := 0
	for _, z := range s.lanes[laneCorpus] {
		held += int(ones(z > 0))
	}
	desc := fmt.Sprintf("A strip from the beginning of the work to its end, in %d pieces. The model gives back %s of %s with probability "+
		".001 or more "+
		"and %s by its own first choices; %s of the pieces stand in the corpus.", s.bins, thousands(extracted), count(windows, "passage"),
		thousands(greedy), percent(float64(held)/float64(max(s.bins, 1))))
	return picture("strip-"+strconv.Itoa(i+1), "Map of "+m.Title, desc, p, 560, 66)
}

// wantedWorks are the dossiers that the maps need.
func wantedWorks(of []shownWork) []wanted {
	var want []wanted
	for _, w := range of {
		if !slices.ContainsFunc(want, func(o wanted) bool { return o.id == w.id }) {
			want = append(want, wanted{id: w.id, keep: interval{w.hot.from - 1200, w.hot.to + 1200}, span: -1})
		}
	}
	return want
}
