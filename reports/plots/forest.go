package plots

import (
	"fmt"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// ForestData is comparisons by one metric, one below the other.
type ForestData struct {
	Label string // the picture in words, with its numbers
	// Unit is the metric's unit where rows are differences, and empty where they are ratios.
	Unit string
	// ZoneLo and ZoneHi bound where `same` lies; equal for no zone.
	ZoneLo, ZoneHi float64
	Rows           []ForestRow
}

// ForestRow is one comparison. Numbers that are not finite are not drawn, an infinite end of the interval as an arrow.
type ForestRow struct {
	Group          string // told above the row where it differs from the row before
	Label          string // left, above the interval
	Text           string // in a column at the right, above the interval: the numbers
	Center, Lo, Hi float64
	Series         int // which variant, for its colour and shape; the base is 0
}

// none is the value of no change.
func (d ForestData) none() float64 {
	if d.Unit == "" {
		return 1
	}
	return 0
}

// axis covers all intervals, the zone, and no change.
func (d ForestData) axis() axis {
	values := []float64{d.none(), d.ZoneLo, d.ZoneHi}
	for _, r := range d.Rows {
		values = append(values, r.Center, r.Lo, r.Hi)
	}
	if d.Unit == "" {
		return ratioAxis(values)
	}
	a := newAxis(values)
	if a.Log = false; a.Min == 0 { // newAxis keeps times from going below 0; differences may
		a.Min = -a.Max / 20
	}
	return a
}

// maxRatio is the largest ratio that is drawn, and one over it the smallest.
const maxRatio = 1e6

// ratioAxis is logarithmic, so that a ratio and its inverse are as far from 1.
func ratioAxis(values []float64) axis {
	a := axis{Min: 1, Max: 1, Log: true}
	for _, v := range values {
		if isFinite(v) && v > 0 {
			v = clamp(v, 1/maxRatio, maxRatio)
			a.Min, a.Max = min(a.Min, v), max(a.Max, v)
		}
	}
	if a.Max/a.Min < 1.02 {
		a.Min, a.Max = a.Min/1.01, a.Max*1.01
	}
	return a.widen(0.06)
}

// ratioSteps are candidates for ticks of a ratio, from fine to coarse.
var ratioSteps = [][]float64{
	{0.96, 0.97, 0.98, 0.99, 1, 1.01, 1.02, 1.03, 1.04},
	{0.9, 0.92, 0.94, 0.96, 0.98, 1, 1.02, 1.04, 1.06, 1.08, 1.1},
	{0.75, 0.8, 0.85, 0.9, 0.95, 1, 1.05, 1.1, 1.15, 1.2, 1.25},
	{0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.3, 1.5},
	{0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.3, 1.5, 1.7, 2, 2.5, 3},
	{0.1, 0.2, 0.5, 1, 2, 5, 9},
	{0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50},
	{1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, 10, 100, 1e3, 1e4, 1e5, 1e6},
}

// ticks of ratios are told as changes: "-20 %".
func (d ForestData) ticks(a axis, width float64) []plot.Tick {
	position := func(v float64) float64 { return a.Normalize(0, 0, v) * width }
	var out []plot.Tick
	if d.Unit != "" {
		out = a.ticks(4, d.Unit)
	} else {
		steps := ratioSteps[0]
		for _, next := range ratioSteps {
			steps = next
			if next[0] <= a.Min && next[len(next)-1] >= a.Max {
				break
			}
		}
		for _, v := range steps {
			if v >= a.Min && v <= a.Max {
				out = append(out, plot.Tick{Value: v, Label: ratioTick(v)})
			}
		}
	}
	return thin(out, d.none(), position, 44)
}

func ratioTick(v float64) string {
	switch {
	case v == 1:
		return "0 %"
	case v >= 10 || v < 0.01:
		return fmt.Sprintf("×%g", v)
	}
	return fmt.Sprintf("%+.3g %%", 100*(v-1))
}

const (
	forestRow   = 29 // height of a row
	forestGroup = 17 // height of a group's heading
	axisHeight  = 20
)

// Forest draws every comparison's change with its interval, the zone of `same`, and the line of no change.
func Forest(d ForestData) Picture {
	height := vg.Length(axisHeight + 4)
	group := ""
	for _, r := range d.Rows {
		if height += forestRow; r.Group != group {
			height += forestGroup
		}
		group = r.Group
	}
	return Picture{height, d.Label, func(c draw.Canvas) {
		a := d.axis()
		p := newPlot()
		p.Y.Min, p.Y.Max = 0, 1
		p.HideY()
		a.set(&p.X, d.ticks(a, Width-30))
		p.Add(plotterFunc(d.drawRows))
		p.Draw(draw.Crop(c, 12, -12, 1, -1))
	}}
}

func (d ForestData) drawRows(c draw.Canvas, p *plot.Plot) {
	x, _ := p.Transforms(&c)
	if d.ZoneLo < d.ZoneHi {
		var area pen
		area.polygon(at(x(d.ZoneLo), c.Min.Y), at(x(d.ZoneHi), c.Min.Y), at(x(d.ZoneHi), c.Max.Y), at(x(d.ZoneLo), c.Max.Y))
		area.fill(c, zone)
	}
	var middle pen
	middle.line(x(d.none()), c.Min.Y, x(d.none()), c.Max.Y)
	middle.stroke(c, muted, 0.8)

	y, group := c.Max.Y, ""
	heading, label, numbers := style(fontSize, ink, draw.XLeft), style(fontSize, ink, draw.XLeft), style(smallSize, ink, draw.XLeft)
	left, right := vg.Length(2), vg.Length(Width-2)
	var texts []string
	for _, r := range d.Rows {
		texts = append(texts, fit(numbers, r.Text, (right-left)*0.6))
	}
	column := columnAt(numbers, right, texts)
	for i, r := range d.Rows {
		if r.Group != group {
			y -= forestGroup
			heading.Color = muted
			c.FillText(heading, at(left, y+3), fit(heading, r.Group, right-left))
		}
		group = r.Group
		y -= forestRow
		c.FillText(numbers, at(column, y+14), texts[i])
		c.FillText(label, at(left, y+14), fit(label, r.Label, (column-left-4)/otherFonts))
		d.drawInterval(c, p, r, y+7)
	}
}

func (d ForestData) drawInterval(c draw.Canvas, p *plot.Plot, r ForestRow, y vg.Length) {
	x, _ := p.Transforms(&c)
	var bar, arrows pen
	// place is where v stands: at an edge, as an arrow, when the picture does not reach it.
	place := func(v float64) (at vg.Length, inside bool) {
		switch {
		case v < p.X.Min || math.IsInf(v, -1) || d.Unit == "" && v <= 0:
			d.arrow(&arrows, c.Min.X, y, -1)
			return c.Min.X, false
		case v > p.X.Max:
			d.arrow(&arrows, c.Max.X, y, +1)
			return c.Max.X, false
		}
		return x(v), true
	}
	col := seriesColor(r.Series)
	if !math.IsNaN(r.Lo) && !math.IsNaN(r.Hi) && r.Lo <= r.Hi {
		var ends [2]vg.Length
		for i, v := range []float64{r.Lo, r.Hi} {
			at, inside := place(v)
			if ends[i] = at; inside {
				bar.line(at, y-3, at, y+3)
			}
		}
		bar.line(ends[0], y, ends[1], y)
	}
	dot := glyphs{series: r.Series, radius: 3.6}
	if !math.IsNaN(r.Center) {
		if at, inside := place(r.Center); inside {
			dot.add(at, y)
		}
	}
	bar.stroke(c, col, 1.6)
	arrows.fill(c, col)
	dot.draw(c)
}

// arrow adds an arrow at an edge, pointing out.
func (d ForestData) arrow(p *pen, x, y, side vg.Length) {
	p.polygon(at(x+side*5, y), at(x-side*2, y+3.5), at(x-side*2, y-3.5))
}
