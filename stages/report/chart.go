package report

import (
	"fmt"
	"math"
	"strings"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// chart is a picture of figures that stand in a table beside it.
type chart struct {
	ID     string // of the element, unique on the page
	Title  string
	Desc   string // what it shows, for those who do not see it
	Width  vg.Length
	Height vg.Length
	Shapes []shape
	Legend []legendEntry
}

// legendEntry names a series.
type legendEntry struct {
	Ink        ink
	Mark, Name string
	Line       bool   // of a line without marks
	Dash       string // of it
}

// series is a line of points, with intervals where Low is not nil.
type series struct {
	name      string
	x, y      []float64
	low, high []float64
	steps     bool // a line without marks
}

// The size of a chart, in points: two stand side by side on a desk, one fills a phone.
const chartWidth, chartHeight = 400, 250

// marks are the shapes of points by series, and the characters that stand for them in the legend. A series is told by its mark where
// colours are not seen.
var marks = []struct {
	glyph draw.GlyphDrawer
	sign  string
}{
	{draw.CircleGlyph{}, "●"}, {draw.BoxGlyph{}, "■"}, {draw.PyramidGlyph{}, "▲"}, {draw.RingGlyph{}, "○"}, {draw.SquareGlyph{}, "□"},
	{draw.TriangleGlyph{}, "△"}, {draw.CrossGlyph{}, "✕"}, {draw.PlusGlyph{}, "+"},
}

// dashes tell lines without marks apart.
var dashes = [][]vg.Length{nil, {6, 3}, {2, 2}, {8, 2, 2, 2}, {4, 4}, {1, 2}, {10, 4}, {3, 1}}

// maxSeries is how many series a chart can tell apart.
var maxSeries = len(marks)

func seriesInk(i int) ink { return ink(fmt.Sprint("s", i%maxSeries+1)) }

// newPlot returns an empty plot in the page's style.
func newPlot(x, y string) *plot.Plot {
	p := plot.New()
	p.BackgroundColor = nil
	sans := func(f *font.Font, size font.Length) { f.Variant, f.Size = "Sans", size }
	for i, a := range []*plot.Axis{&p.X, &p.Y} {
		a.Label.Text = []string{x, y}[i]
		sans(&a.Label.TextStyle.Font, 11)
		sans(&a.Tick.Label.Font, 10)
		a.Label.TextStyle.Color, a.Tick.Label.Color, a.Color, a.Tick.Color = inkText, inkText, inkAxis, inkAxis
		a.Label.Padding = 4
		a.Padding = 0
	}
	return p
}

func grid(p *plot.Plot) {
	g := plotter.NewGrid()
	g.Vertical.Width = 0
	g.Horizontal.Color, g.Horizontal.Width = inkGrid, .75
	p.Add(g)
}

// picture draws the plot.
func picture(id, title, desc string, p *plot.Plot, width, height vg.Length) *chart {
	c := newCanvas(width, height)
	p.Draw(draw.Crop(draw.New(c), 2, -8, 2, -6))
	return &chart{ID: id, Title: title, Desc: desc, Width: width, Height: height, Shapes: c.shapes}
}

// lines draws some series over an axis of names, or over numbers when there are none.
func lines(id, title, desc, x, y string, names []string, of []series, bottom, top float64) (*chart, error) {
	p := newPlot(x, y)
	grid(p)
	var legend []legendEntry
	for i, s := range of[:min(len(of), maxSeries)] {
		points := make(plotter.XYs, len(s.x))
		errors := make(plotter.YErrors, len(s.x))
		for j := range points {
			points[j] = plotter.XY{X: s.x[j], Y: s.y[j]}
			if s.low != nil {
				points[j].X += .08 * (float64(i) - float64(len(of)-1)/2) // so that intervals stand beside each other
				errors[j].Low, errors[j].High = s.y[j]-s.low[j], s.high[j]-s.y[j]
			}
		}
		line, err := plotter.NewLine(points)
		if err != nil {
			return nil, fmt.Errorf("drawing %s: %w", id, err)
		}
		line.Color, line.Width = seriesInk(i), 1.75
		entry := legendEntry{Ink: seriesInk(i), Name: s.name}
		p.Add(line)
		if s.steps {
			line.Dashes = dashes[i%maxSeries]
			var dash []string
			for _, d := range line.Dashes {
				dash = append(dash, number(float64(d)))
			}
			entry.Line, entry.Dash = true, strings.Join(dash, " ")
			legend = append(legend, entry)
			continue
		}
		scatter, err := plotter.NewScatter(points)
		if err != nil {
			return nil, fmt.Errorf("drawing %s: %w", id, err)
		}
		scatter.GlyphStyle = draw.GlyphStyle{Color: seriesInk(i), Radius: 3.2, Shape: marks[i].glyph}
		entry.Mark = marks[i].sign
		legend = append(legend, entry)
		if s.low != nil {
			bars, err := plotter.NewYErrorBars(struct {
				plotter.XYer
				plotter.YErrorer
			}{points, errors})
			if err != nil {
				return nil, fmt.Errorf("drawing %s: %w", id, err)
			}
			bars.Color, bars.Width, bars.CapWidth = seriesInk(i), 1, 4
			p.Add(bars)
		}
		p.Add(scatter)
	}
	if names != nil {
		ticks := make(plot.ConstantTicks, len(names))
		for i, n := range names {
			ticks[i] = plot.Tick{Value: float64(i), Label: n}
		}
		p.X.Tick.Marker = ticks
		p.X.Min, p.X.Max = -.4, float64(len(names))-.6
	}
	p.Y.Min = bottom
	if !math.IsNaN(top) {
		p.Y.Max = top
	}
	c := picture(id, title, desc, p, chartWidth, chartHeight)
	c.Legend = legend
	return c, nil
}

// bins draws histograms of shares side by side, with a line at what chance alone gives.
func bins(id, title, desc, x, y string, names []string, of []series, level float64) (*chart, error) {
	p := newPlot(x, y)
	grid(p)
	width := vg.Length(300 / float64(len(names)) / float64(max(len(of), 1)) * .85)
	var legend []legendEntry
	for i, s := range of {
		bar, err := plotter.NewBarChart(plotter.Values(s.y), width)
		if err != nil {
			return nil, fmt.Errorf("drawing %s: %w", id, err)
		}
		bar.Color, bar.LineStyle.Width = seriesInk(i), 0
		bar.Offset = width * vg.Length(float64(i)-float64(len(of)-1)/2)
		p.Add(bar)
		legend = append(legend, legendEntry{Ink: seriesInk(i), Mark: "■", Name: s.name})
	}
	flat, err := plotter.NewLine(plotter.XYs{{X: -.5, Y: level}, {X: float64(len(names)) - .5, Y: level}})
	if err != nil {
		return nil, fmt.Errorf("drawing %s: %w", id, err)
	}
	flat.Color, flat.Width, flat.Dashes = inkText, 1, []vg.Length{4, 3}
	p.Add(flat)
	legend = append(legend, legendEntry{Ink: inkText, Name: "what chance alone gives", Line: true, Dash: "4 3"})
	var ticks plot.ConstantTicks
	for i := 0; i <= len(names); i += 4 {
		ticks = append(ticks, plot.Tick{Value: float64(i) - .5, Label: fixed(float64(i)/float64(len(names)), 1)})
	}
	p.X.Tick.Marker = ticks
	p.X.Min, p.X.Max, p.Y.Min = -.5, float64(len(names))-.5, 0
	c := picture(id, title, desc, p, chartWidth, chartHeight)
	c.Legend = legend
	return c, nil
}
