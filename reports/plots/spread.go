package plots

import (
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// SpreadData is the values of every variant in one case, by one metric.
type SpreadData struct {
	Label string // the picture in words, with its numbers
	Unit  string
	Rows  []SpreadRow
	// ZoneLo and ZoneHi are where a median is the same as the base's, within the margin; both 0 for no zone.
	ZoneLo, ZoneHi float64
}

// SpreadRow is the values of one variant. Those that are not finite are not drawn.
type SpreadRow struct {
	Label  string // left, above the values
	Text   string // right, above the values
	Values []float64
	Median float64
	Lo, Hi float64 // the median's interval; the same, or not finite, for none
	Series int     // which variant, for its colour; the base is 0
}

const (
	spreadRow  = 37 // height of a row
	stripBelow = 22 // of which the values take that much
)

// Spread draws each variant's values (of many, MostSteps at even ranks) as dots over a common axis, stacked where they are close, with a line at the
// median, a bar for its interval and the zone of the margin behind. The axis is logarithmic when the values spread widely.
func Spread(d SpreadData) Picture {
	height := vg.Length(axisHeight + 4 + spreadRow*len(d.Rows))
	return Picture{height, d.Label, func(c draw.Canvas) {
		var all []float64
		for _, r := range d.Rows {
			all = append(append(all, r.Values...), r.Median)
		}
		a := newAxis(all)
		p := newPlot()
		p.Y.Min, p.Y.Max = 0, 1
		p.HideY()
		position := func(v float64) float64 { return a.Normalize(0, 0, v) * (Width - 40) }
		a.set(&p.X, thin(a.ticks(5, d.Unit), a.Min, position, 56))
		p.Add(plotterFunc(d.drawRows))
		p.Draw(draw.Crop(c, 20, -20, 1, -1))
	}}
}

func (d SpreadData) drawRows(c draw.Canvas, p *plot.Plot) {
	x, _ := p.Transforms(&c)
	drawZone(c, x, d.ZoneLo, d.ZoneHi)
	var lines pen
	for _, t := range p.X.Tick.Marker.Ticks(p.X.Min, p.X.Max) {
		lines.line(x(t.Value), c.Min.Y, x(t.Value), c.Max.Y)
	}
	lines.stroke(c, grid, 0.5)
	label, numbers := style(fontSize, ink, draw.XLeft), style(smallSize, muted, draw.XLeft)
	left, right := vg.Length(2), vg.Length(Width-2)
	var texts []string
	for _, r := range d.Rows {
		texts = append(texts, fit(numbers, r.Text, (right-left)*0.6))
	}
	column := columnAt(numbers, right, texts)
	y := c.Max.Y
	for i, r := range d.Rows {
		y -= spreadRow
		c.FillText(numbers, at(column, y+stripBelow), texts[i])
		c.FillText(label, at(left, y+stripBelow), fit(label, r.Label, (column-left-4)/otherFonts))
		middle := y + stripBelow/2
		var dots, median, bar pen    // all discs: a row of its own tells the variant
		values, _ := Steps(r.Values) // no more than can be seen
		for _, dot := range stack(values, x) {
			dots.line(dot.X, middle+dot.Y, dot.X, middle+dot.Y)
		}
		dots.stroke(c, seriesColor(r.Series), 4.6)
		if isFinite(r.Lo) && isFinite(r.Hi) && r.Lo < r.Hi {
			bar.line(x(r.Lo), y+1, x(r.Hi), y+1)
			bar.stroke(c, ink, 2)
		}
		if isFinite(r.Median) {
			median.line(x(r.Median), y+2, x(r.Median), y+stripBelow-3)
			median.stroke(c, ink, 1.4)
		}
	}
}

// drawZone shades a range of the horizontal axis.
func drawZone(c draw.Canvas, x func(float64) vg.Length, low, high float64) {
	if !isFinite(low) || !isFinite(high) || low >= high {
		return
	}
	left, right := max(x(low), c.Min.X), min(x(high), c.Max.X)
	if left >= right {
		return
	}
	var shade pen
	shade.polygon(at(left, c.Min.Y), at(right, c.Min.Y), at(right, c.Max.Y), at(left, c.Max.Y))
	shade.fill(c, zone)
}

// stack places values so that dots that would cover one another stand above and below the middle instead.
func stack(values []float64, x func(float64) vg.Length) []vg.Point {
	const width, reach = 4.4, 7.5 // of a column of dots, and how far it may go from the middle
	sorted := slices.DeleteFunc(slices.Clone(values), func(v float64) bool { return !isFinite(v) })
	slices.Sort(sorted)
	columns := map[int]int{}
	for _, v := range sorted {
		columns[int(math.Floor(float64(x(v))/width))]++
	}
	placed := map[int]int{}
	var out []vg.Point
	for _, v := range sorted {
		column := int(math.Floor(float64(x(v)) / width))
		step := 4.2
		if n := columns[column]; float64(n)*step/2 > reach {
			step = 2 * reach / float64(n)
		}
		k := placed[column]
		placed[column]++
		offset := float64((k+1)/2) * step // 0, up, down, up, …
		if k%2 == 0 {
			offset = -offset
		}
		out = append(out, vg.Point{X: x(v), Y: vg.Length(offset)})
	}
	return out
}
