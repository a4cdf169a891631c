package report

import (
	"image"
	"image/color"
	"math"
	"strconv"
	"strings"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
)

// ink is a colour of a chart by what it stands for. The page's style sheet says which colour that is, on light ground, on dark, and on
// paper; so a chart carries no colours of its own.
type ink string

// The inks of charts. The series follow each other in order.
const (
	inkText ink = "text"
	inkAxis ink = "axis"
	inkGrid ink = "grid"
)

// RGBA is there for the library, which hands inks on without looking at them.
func (ink) RGBA() (r, g, b, a uint32) { return 0, 0, 0, math.MaxUint16 }

var _ color.Color = ink("")

// shape is a mark of a chart: a path, or a text where Text is not empty. The template writes it, so that what a label says is escaped
// like everything else on the page.
type shape struct {
	Path   string
	Fill   bool
	Ink    ink
	Stroke string // width; of lines
	Dash   string

	Text         string
	X, Y         string
	Size, Length string // of the font; of the text, which the browser's own font is fitted to
	Turn         string // transform, of a turned text
}

// canvas is where the chart library draws. It keeps shapes, in SVG's units, which are points from the upper left.
type canvas struct {
	width, height vg.Length
	shapes        []shape
	pen
	saved []pen
}

// pen is what Push keeps and Pop restores.
type pen struct {
	ink   ink
	line  vg.Length
	dash  []vg.Length
	frame [6]float64 // x' = f0 x + f2 y + f4, y' = f1 x + f3 y + f5
}

func newCanvas(width, height vg.Length) *canvas {
	return &canvas{width: width, height: height, pen: pen{ink: inkText, line: 1, frame: [6]float64{1, 0, 0, 1, 0, 0}}}
}

// Size returns the canvas' size.
func (c *canvas) Size() (x, y vg.Length) { return c.width, c.height }

// SetLineWidth sets the width of lines.
func (c *canvas) SetLineWidth(w vg.Length) { c.line = w }

// SetLineDash sets the lengths of dashes and gaps.
func (c *canvas) SetLineDash(pattern []vg.Length, _ vg.Length) { c.dash = pattern }

// SetColor sets the ink. A colour that is none is the library's own black or white, for which there is text.
func (c *canvas) SetColor(of color.Color) {
	c.ink = inkText
	if i, ok := of.(ink); ok {
		c.ink = i
	}
}

// Rotate turns what follows.
func (c *canvas) Rotate(rad float64) {
	sin, cos := math.Sincos(rad)
	f := c.frame
	c.frame = [6]float64{f[0]*cos + f[2]*sin, f[1]*cos + f[3]*sin, f[2]*cos - f[0]*sin, f[3]*cos - f[1]*sin, f[4], f[5]}
}

// Translate shifts what follows.
func (c *canvas) Translate(pt vg.Point) { c.frame[4], c.frame[5] = c.at(pt) }

// Scale stretches what follows.
func (c *canvas) Scale(x, y float64) {
	c.frame[0], c.frame[1], c.frame[2], c.frame[3] = c.frame[0]*x, c.frame[1]*x, c.frame[2]*y, c.frame[3]*y
}

// Push keeps the pen.
func (c *canvas) Push() { c.saved = append(c.saved, c.pen) }

// Pop takes up the pen that was kept last.
func (c *canvas) Pop() {
	if n := len(c.saved); n > 0 {
		c.pen, c.saved = c.saved[n-1], c.saved[:n-1]
	}
}

// Stroke draws a line along the path.
func (c *canvas) Stroke(p vg.Path) {
	if c.line <= 0 || len(p) == 0 {
		return
	}
	var dash []string
	for _, d := range c.dash {
		dash = append(dash, number(float64(d)))
	}
	c.shapes = append(c.shapes, shape{Path: c.path(p), Ink: c.ink, Stroke: number(float64(c.line)), Dash: strings.Join(dash, " ")})
}

// Fill fills the path.
func (c *canvas) Fill(p vg.Path) {
	if len(p) > 0 {
		c.shapes = append(c.shapes, shape{Path: c.path(p), Fill: true, Ink: c.ink})
	}
}

// FillString writes a text that begins at the point.
func (c *canvas) FillString(f font.Face, pt vg.Point, text string) {
	if f.Font.Size <= 0 || text == "" {
		return
	}
	x, y := c.point(pt)
	s := shape{Text: text, X: x, Y: y, Ink: c.ink, Size: number(float64(f.Font.Size)), Length: number(float64(f.Width(text)))}
	if angle := math.Atan2(c.frame[1], c.frame[0]); angle != 0 {
		s.Turn = "rotate(" + number(-angle*180/math.Pi) + " " + x + " " + y + ")"
	}
	c.shapes = append(c.shapes, s)
}

// DrawImage does nothing: no chart has an image.
func (c *canvas) DrawImage(vg.Rectangle, image.Image) {}

// at returns where a point lies on the canvas, from the lower left.
func (c *canvas) at(pt vg.Point) (x, y float64) {
	f := c.frame
	return f[0]*float64(pt.X) + f[2]*float64(pt.Y) + f[4], f[1]*float64(pt.X) + f[3]*float64(pt.Y) + f[5]
}

// point is the same in SVG's words.
func (c *canvas) point(pt vg.Point) (x, y string) {
	px, py := c.at(pt)
	return number(px), number(float64(c.height) - py)
}

// path writes a path in SVG's words. Of arcs the library draws only whole circles here.
func (c *canvas) path(p vg.Path) string {
	var b strings.Builder
	for _, part := range p {
		x, y := c.point(part.Pos)
		switch part.Type {
		case vg.MoveComp:
			b.WriteString("M" + x + " " + y)
		case vg.LineComp:
			b.WriteString("L" + x + " " + y)
		case vg.ArcComp:
			r := number(float64(part.Radius))
			left, _ := c.point(vg.Point{X: part.Pos.X - part.Radius, Y: part.Pos.Y})
			right, _ := c.point(vg.Point{X: part.Pos.X + part.Radius, Y: part.Pos.Y})
			b.WriteString("M" + left + " " + y + "A" + r + " " + r + " 0 1 1 " + right + " " + y + "A" + r + " " + r + " 0 1 1 " + left + " " + y)
		case vg.CurveComp:
			b.WriteString([]string{"L", "Q", "C"}[min(len(part.Control), 2)])
			for _, control := range part.Control {
				cx, cy := c.point(control)
				b.WriteString(cx + " " + cy + " ")
			}
			b.WriteString(x + " " + y)
		case vg.CloseComp:
			b.WriteString("Z")
		}
	}
	return b.String()
}

// number writes a length in hundredths of a point at most.
func number(v float64) string {
	s := strconv.FormatFloat(math.Round(v*100)/100, 'f', -1, 64)
	if s == "-0" {
		return "0"
	}
	return s
}
