package plots

import (
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"tunelab/reports/internal/plain"
)

// CurveData is a line per variant over a numeric part of the cases' names.
type CurveData struct {
	Label     string // the picture in words, with its numbers
	Axis      string // what the horizontal axis is
	Unit      string // of the values
	Shares    bool   // the values are shares of 1: the vertical axis goes from 0 to 100 %
	Ticks     []CurveTick
	Lines     []CurveLine
	Threshold float64   // a level that is drawn; NaN for none
	Marks     []float64 // places on the axis where lines change places
}

// CurveTick is a value of the axis as the cases' names have it.
type CurveTick struct {
	Label string
	X     float64
}

// CurveLine is one variant. Values that are not finite interrupt it.
type CurveLine struct {
	Name   string
	Points []CurvePoint
	Series int // which variant, for its colour; the base is 0
}

// CurvePoint is a value with its interval, whose ends may be NaN.
type CurvePoint struct{ X, Y, Lo, Hi float64 }

const legendRow = 13

// Curve draws the lines with their intervals as bars, a dashed line at the threshold and at each mark, and a legend
// below. The horizontal axis stands at the places that were measured, evenly where they begin at 0 and spread widely.
func Curve(d CurveData) Picture {
	var names []string
	var series []int
	for _, l := range d.Lines {
		names, series = append(names, l.Name), append(series, l.Series)
	}
	legend := legendRows(names)
	height := vg.Length(chartHeight + legend*legendRow)
	return Picture{height, d.Label, func(c draw.Canvas) {
		place := d.places()
		var ys []float64
		for _, l := range d.Lines {
			for _, p := range l.Points {
				ys = append(ys, p.Y, p.Lo, p.Hi)
			}
		}
		if isFinite(d.Threshold) {
			ys = append(ys, d.Threshold)
		}
		x := axis{Min: -0.04, Max: 1.04}
		y := newAxis(ys)
		if d.Shares {
			y = shareAxis
		}
		p := newChart(x, y, d.Axis, d.Unit)
		if d.Shares {
			p.Y.Tick.Marker = shareTicks
		}
		var ticks []plot.Tick
		for _, t := range d.Ticks {
			ticks = append(ticks, plot.Tick{Value: place(t.X), Label: t.Label})
		}
		p.X.Tick.Marker = plot.ConstantTicks(thin(ticks, place(d.Ticks[0].X), func(v float64) float64 { return v * (Width - 70) }, 34))
		p.Add(plotterFunc(func(c draw.Canvas, p *plot.Plot) { d.drawLines(c, p, place) }))
		p.Draw(draw.Crop(c, leftRoom, -14, vg.Length(legend*legendRow), -4))
		drawLegend(c, names, series)
	}}
}

// places returns where a value of the axis is drawn, from 0 to 1: by its logarithm when all values are positive and
// spread widely, evenly spaced between the measured ones when one of them is 0, else as it is.
func (d CurveData) places() func(float64) float64 {
	low, high := d.Ticks[0].X, d.Ticks[len(d.Ticks)-1].X
	switch {
	case low > 0 && high/low > wideSpread:
		return func(v float64) float64 { // not of quotients, which may overflow
			return (math.Log(v) - math.Log(low)) / (math.Log(high) - math.Log(low))
		}
	case low <= 0 && len(d.Ticks) > 2:
		return func(v float64) float64 {
			for i := 1; i < len(d.Ticks); i++ {
				if a, b := d.Ticks[i-1].X, d.Ticks[i].X; v <= b {
					return (float64(i-1) + (v/2-a/2)/(b/2-a/2)) / float64(len(d.Ticks)-1)
				}
			}
			return 1
		}
	}
	return func(v float64) float64 { return (v/2 - low/2) / (high/2 - low/2) } // halves: the range itself may overflow
}

func (d CurveData) drawLines(c draw.Canvas, p *plot.Plot, place func(float64) float64) {
	x, y := p.Transforms(&c)
	var marks pen
	if isFinite(d.Threshold) {
		marks.line(c.Min.X, y(d.Threshold), c.Max.X, y(d.Threshold))
	}
	for _, m := range d.Marks {
		if v := place(m); isFinite(v) {
			marks.line(x(v), c.Min.Y, x(v), c.Max.Y)
		}
	}
	marks.stroke(c, muted, 0.7, 3, 3)
	for _, l := range d.Lines {
		var line, bars pen
		g := glyphs{series: l.Series, radius: 2.6}
		for i, pt := range l.Points {
			if !isFinite(pt.Y) {
				continue
			}
			px := x(place(pt.X))
			g.add(px, y(pt.Y))
			if isFinite(pt.Lo) && isFinite(pt.Hi) {
				bars.line(px, y(pt.Lo), px, y(pt.Hi))
			}
			if i > 0 && isFinite(l.Points[i-1].Y) {
				before := l.Points[i-1]
				line.line(x(place(before.X)), y(before.Y), px, y(pt.Y))
			}
		}
		line.stroke(c, seriesColor(l.Series), 1.2)
		bars.stroke(c, seriesColor(l.Series), 0.7)
		g.draw(c)
	}
}

// The vertical axis of shares: all that they can be, with room for a marker at the top.
var (
	shareAxis  = axis{Min: 0, Max: 1.02}
	shareTicks = plot.ConstantTicks([]plot.Tick{{Value: 0, Label: "0"}, {Value: 0.25, Label: "25 %"}, {Value: 0.5, Label: "50 %"}, {Value: 0.75, Label: "75 %"}, {Value: 1, Label: "100 %"}})
)

// The least width of a column of the legend, and what of it is not the name's.
const (
	legendWidth = 112
	legendGlyph = 14
)

// legendColumns is how many columns the legend has, and how wide each is, so that the longest name has room.
func legendColumns(names []string) (columns, width int) {
	s := style(smallSize, ink, draw.XLeft)
	width = legendWidth
	for _, name := range names {
		width = max(width, int(math.Ceil(otherFonts*float64(s.Width(plain.Clean(name)))))+legendGlyph)
	}
	columns = max(1, Width/width)
	return columns, Width / columns
}

// legendRows is how many rows the names take.
func legendRows(names []string) int {
	columns, _ := legendColumns(names)
	return (len(names) + columns - 1) / columns
}

// drawLegend writes the names at the bottom, each with the glyph of its series.
func drawLegend(c draw.Canvas, names []string, series []int) {
	columns, width := legendColumns(names)
	rows := legendRows(names)
	s := style(smallSize, ink, draw.XLeft)
	for i, name := range names {
		left := vg.Length(6 + i%columns*width)
		bottom := vg.Length((rows-1-i/columns)*legendRow + 2)
		g := glyphs{series: series[i], radius: 2.6}
		g.add(left+3, bottom+4)
		g.draw(c)
		c.FillText(s, at(left+10, bottom), fit(s, name, vg.Length(width-legendGlyph)))
	}
}
