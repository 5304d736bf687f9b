package plots

import (
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"tunelab/reports/internal/number"
)

// OrderData is the trials of one case in the order in which they ran, by one metric.
type OrderData struct {
	Label  string // the picture in words, with its numbers
	Unit   string
	Series []OrderSeries
	Trials int // how many places there are: trials that ended badly take one too
	// StealMS is, for each place from 1, the CPU time that the hypervisor took in that trial; empty for none.
	StealMS map[int]float64
}

// OrderSeries is the trials of one variant.
type OrderSeries struct {
	Name   string
	Series int // which variant, for its colour and shape; the base is 0
	Points []OrderPoint
	Bad    []int // places of the trials that ended badly
}

// OrderPoint is one trial's value.
type OrderPoint struct {
	Place int // from 1
	Value float64
	Block int // from 1: those of one block are joined; 0 for none
}

const (
	orderHeight = 150
	stealHeight = 34
	legendLine  = 15
)

// Order draws the values over the order in which they were measured, those of a block joined by a line, so that drift and bursts can be seen, with
// crosses for trials that ended badly and, if any was stolen, the CPU time that the hypervisor took below.
func Order(d OrderData) Picture {
	legend := d.layLegend()
	top := vg.Length(4)
	if len(legend) > 0 {
		top += legendLine * (vg.Length(legend[len(legend)-1].line) + 1)
	}
	bottom := vg.Length(0)
	if len(d.StealMS) > 0 {
		bottom = stealHeight
	}
	return Picture{top + orderHeight + bottom, d.Label, func(c draw.Canvas) {
		for _, item := range legend {
			item.draw(c)
		}
		area := d.drawValues(draw.Crop(c, 2, -6, bottom, -top))
		if bottom > 0 {
			area.Max.Y, area.Min.Y = bottom-2, 2
			d.drawSteal(area)
		}
	}}
}

// A legendItem is a variant's glyph and name.
type legendItem struct {
	name         string
	series, line int
	x            vg.Length
}

// layLegend places the names over as many lines as they take.
func (d OrderData) layLegend() []legendItem {
	s := style(fontSize, ink, draw.XLeft)
	var out []legendItem
	line, x := 0, vg.Length(2)
	for _, v := range d.Series {
		name := fit(s, v.Name, Width-20)
		need := 12 + s.Width(name) + 10
		if x > 2 && x+need-10 > Width-2 {
			line, x = line+1, 2
		}
		out = append(out, legendItem{name, v.Series, line, x})
		x += need
	}
	return out
}

func (i legendItem) draw(c draw.Canvas) {
	y := c.Max.Y - legendLine*vg.Length(i.line+1)
	dot := glyphs{series: i.series, radius: 3.2}
	dot.add(i.x+5, y+6)
	dot.draw(c)
	c.FillText(style(fontSize, ink, draw.XLeft), at(i.x+12, y+2), i.name)
}

// drawValues returns the area of the data.
func (d OrderData) drawValues(c draw.Canvas) draw.Canvas {
	var all []float64
	for _, s := range d.Series {
		for _, q := range s.Points {
			all = append(all, q.Value)
		}
	}
	a := newAxis(all)
	p := newPlot()
	axis{Min: 0.5, Max: float64(max(d.Trials, 1)) + 0.5}.set(&p.X, d.places())
	ticks := a.ticks(5, d.Unit)
	a.set(&p.Y, ticks)
	p.Add(plotterFunc(func(c draw.Canvas, p *plot.Plot) {
		x, y := p.Transforms(&c)
		var lines, crosses pen
		for _, t := range ticks {
			lines.line(c.Min.X, y(t.Value), c.Max.X, y(t.Value))
		}
		lines.stroke(c, grid, 0.5)
		var joins pen
		for _, block := range d.blocks() {
			var points []vg.Point
			for _, q := range block {
				points = append(points, vg.Point{X: x(float64(q.Place)), Y: y(q.Value)})
			}
			joins.polyline(points)
		}
		joins.stroke(c, muted, 0.4)
		for _, s := range d.Series {
			dots := glyphs{series: s.Series, radius: 2.6}
			for _, q := range s.Points {
				if isFinite(q.Value) {
					dots.add(x(float64(q.Place)), y(q.Value))
				}
			}
			dots.draw(c)
			for _, place := range s.Bad {
				cx := x(float64(place))
				crosses.line(cx-3, c.Max.Y-7, cx+3, c.Max.Y-1)
				crosses.line(cx-3, c.Max.Y-1, cx+3, c.Max.Y-7)
			}
		}
		crosses.stroke(c, ink, 1.4)
	}))
	p.Draw(c)
	return p.DataCanvas(c)
}

// blocks are the points of each block, in the order in which they were measured.
func (d OrderData) blocks() [][]OrderPoint {
	at := map[int]int{}
	var out [][]OrderPoint
	for _, s := range d.Series {
		for _, q := range s.Points {
			if q.Block == 0 || !isFinite(q.Value) {
				continue
			}
			i, ok := at[q.Block]
			if !ok {
				i = len(out)
				at[q.Block], out = i, append(out, nil)
			}
			out[i] = append(out[i], q)
		}
	}
	for _, block := range out {
		slices.SortFunc(block, func(a, b OrderPoint) int { return a.Place - b.Place })
	}
	return out
}

// places are the ticks of the order of trials.
func (d OrderData) places() []plot.Tick {
	n := max(d.Trials, 1)
	var out []plot.Tick
	for _, v := range linearSteps(0.5, float64(n)+0.5, 6) {
		if v == float64(int(v)) {
			out = append(out, plot.Tick{Value: v, Label: number.Tick(v, v, "")})
		}
	}
	return out
}

// drawSteal draws a bar for every trial in which CPU time was stolen, below its values.
func (d OrderData) drawSteal(c draw.Canvas) {
	most := 0.0
	for _, ms := range d.StealMS {
		if isFinite(ms) {
			most = max(most, ms)
		}
	}
	if most == 0 {
		return
	}
	c.FillText(style(smallSize, muted, draw.XLeft), at(2, c.Max.Y-11), "CPU time stolen by the hypervisor, up to "+number.Milliseconds(most))
	area := draw.Crop(c, 0, 0, 0, -14)
	width := area.Max.X - area.Min.X
	var bars, floor pen
	for place := 1; place <= d.Trials; place++ {
		if ms := d.StealMS[place]; ms > 0 && isFinite(ms) {
			x := area.Min.X + width*(vg.Length(place)-0.5)/vg.Length(d.Trials)
			bars.line(x, area.Min.Y, x, area.Min.Y+(area.Max.Y-area.Min.Y)*vg.Length(ms/most))
		}
	}
	bars.stroke(c, ink, 1.6)
	floor.line(area.Min.X, area.Min.Y, area.Max.X, area.Min.Y)
	floor.stroke(c, grid, 0.5)
}
