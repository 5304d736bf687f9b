package plots

import (
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// ScatterData is a point per variant in two metrics.
type ScatterData struct {
	Label  string // the picture in words, with its numbers
	XUnit  string
	YUnit  string
	Points []ScatterPoint
}

// ScatterPoint is one variant. Ends that are not finite draw no bar.
type ScatterPoint struct {
	Name             string
	X, XLo, XHi      float64
	Y, YLo, YHi      float64
	Front, Highlight bool // on the Pareto front; the recommended one
	Series           int  // which variant, for its colour; the base is 0
}

const (
	chartHeight = 250
	leftRoom    = 4
)

// Scatter draws the points with their intervals and their names, and a ring round the recommended one. Points that are
// not on the front are small. Axes are logarithmic where the values spread widely.
func Scatter(d ScatterData) Picture {
	return Picture{chartHeight, d.Label, func(c draw.Canvas) {
		var xs, ys []float64
		for _, p := range d.Points {
			xs, ys = append(xs, p.X, p.XLo, p.XHi), append(ys, p.Y, p.YLo, p.YHi)
		}
		p := newChart(newAxis(xs).widen(0.05), newAxis(ys).widen(0.05), d.XUnit, d.YUnit)
		p.Add(plotterFunc(d.drawPoints))
		p.Draw(draw.Crop(c, leftRoom, -14, 1, -4))
	}}
}

// newChart is a plot with two axes and a grid, each axis named by its unit.
func newChart(x, y axis, xUnit, yUnit string) *plot.Plot {
	p := newPlot()
	position := func(v float64) float64 { return x.Normalize(0, 0, v) * (Width - 70) }
	x.set(&p.X, thin(x.ticks(5, xUnit), x.Min, position, 52))
	height := func(v float64) float64 { return y.Normalize(0, 0, v) * (chartHeight - 50) }
	y.set(&p.Y, thin(y.ticks(6, yUnit), y.Min, height, 16))
	for _, label := range []struct {
		axis *plot.Axis
		text string
	}{{&p.X, xUnit}, {&p.Y, yUnit}} {
		xAlign, yAlign, rotation := label.axis.Label.TextStyle.XAlign, label.axis.Label.TextStyle.YAlign, label.axis.Label.TextStyle.Rotation
		label.axis.Label.TextStyle = style(smallSize, muted, xAlign)
		label.axis.Label.TextStyle.YAlign, label.axis.Label.TextStyle.Rotation = yAlign, rotation
		label.axis.Label.Text = fit(label.axis.Label.TextStyle, label.text, 200)
	}
	p.Add(plotterFunc(drawGrid))
	return p
}

// drawGrid draws a line at each tick.
func drawGrid(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	var lines pen
	for _, t := range p.X.Tick.Marker.Ticks(p.X.Min, p.X.Max) {
		lines.line(x(t.Value), c.Min.Y, x(t.Value), c.Max.Y)
	}
	for _, t := range p.Y.Tick.Marker.Ticks(p.Y.Min, p.Y.Max) {
		lines.line(c.Min.X, y(t.Value), c.Max.X, y(t.Value))
	}
	lines.stroke(c, grid, 0.5)
}

func (d ScatterData) drawPoints(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	var taken []vg.Rectangle
	for _, pt := range d.Points {
		if !isFinite(pt.X) || !isFinite(pt.Y) {
			continue
		}
		var bars pen
		if isFinite(pt.XLo) && isFinite(pt.XHi) {
			bars.line(x(pt.XLo), y(pt.Y), x(pt.XHi), y(pt.Y))
		}
		if isFinite(pt.YLo) && isFinite(pt.YHi) {
			bars.line(x(pt.X), y(pt.YLo), x(pt.X), y(pt.YHi))
		}
		bars.stroke(c, seriesColor(pt.Series), 0.7)
		g := glyphs{series: pt.Series, radius: 2.2}
		if pt.Front {
			g.radius = 4
		}
		g.add(x(pt.X), y(pt.Y))
		g.draw(c)
		if pt.Highlight {
			var ring pen
			ring.circle(x(pt.X), y(pt.Y), 8)
			ring.stroke(c, ink, 1)
		}
		taken = append(taken, vg.Rectangle{Min: at(x(pt.X)-5, y(pt.Y)-5), Max: at(x(pt.X)+5, y(pt.Y)+5)})
	}
	for _, pt := range d.Points {
		if isFinite(pt.X) && isFinite(pt.Y) {
			taken = placeName(c, pt.Name, x(pt.X), y(pt.Y), taken)
		}
	}
}

// placeName writes a name beside a point where it covers nothing; where there is no such place, not at all: the table
// has it.
func placeName(c draw.Canvas, name string, x, y vg.Length, taken []vg.Rectangle) []vg.Rectangle {
	const gap, height = 6, 9
	s := style(smallSize, muted, draw.XLeft)
	text := fit(s, name, 130)
	width := s.Width(text)
	for _, corner := range []vg.Point{
		{X: x + gap, Y: y - height/2}, {X: x - gap - width, Y: y - height/2}, {X: x - width/2, Y: y + gap}, {X: x - width/2, Y: y - gap - height},
		{X: x + gap, Y: y + gap}, {X: x - gap - width, Y: y + gap}, {X: x + gap, Y: y - gap - height}, {X: x - gap - width, Y: y - gap - height},
	} {
		box := vg.Rectangle{Min: corner, Max: vg.Point{X: corner.X + width, Y: corner.Y + height}}
		if box.Min.X < c.Min.X || box.Max.X > c.Max.X+10 || box.Min.Y < c.Min.Y || box.Max.Y > c.Max.Y+4 {
			continue
		}
		if overlaps(box, taken) {
			continue
		}
		c.FillText(s, at(corner.X, corner.Y), text)
		return append(taken, box)
	}
	return taken
}

func overlaps(box vg.Rectangle, taken []vg.Rectangle) bool {
	for _, t := range taken {
		if box.Min.X < t.Max.X && t.Min.X < box.Max.X && box.Min.Y < t.Max.Y && t.Min.Y < box.Max.Y {
			return true
		}
	}
	return false
}

// circle adds a polygon that looks like a circle.
func (p *pen) circle(x, y, radius vg.Length) {
	points := []vg.Point{{X: 1}, {X: .866, Y: .5}, {X: .5, Y: .866}, {Y: 1}, {X: -.5, Y: .866}, {X: -.866, Y: .5},
		{X: -1}, {X: -.866, Y: -.5}, {X: -.5, Y: -.866}, {Y: -1}, {X: .5, Y: -.866}, {X: .866, Y: -.5}}
	for i := range points {
		points[i] = at(x+points[i].X*radius, y+points[i].Y*radius)
	}
	p.polygon(points...)
}
