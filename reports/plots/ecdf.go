package plots

import (
	"math"
	"slices"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// ECDFData is the empirical distribution of every variant's values in one case, by one metric.
type ECDFData struct {
	Label string // the picture in words, with its numbers
	Unit  string
	Lines []ECDFLine
	// ZoneLo and ZoneHi are where a median is the same as the base's, within the margin; both 0 for no zone.
	ZoneLo, ZoneHi float64
}

// ECDFLine is the values of one variant. Those that are not finite are left out.
type ECDFLine struct {
	Name   string
	Values []float64
	Series int // which variant, for its colour; the base is 0
}

// MostSteps is how many steps a line has at most. Of more values as many order statistics are drawn, at even ranks, the
// smallest and the largest among them: no step is then higher than one part in MostSteps-1.
const MostSteps = 200

// Steps returns the values of a line's steps and up to which share of all values each reaches, ascending.
func Steps(values []float64) (at, share []float64) {
	sorted := slices.DeleteFunc(slices.Clone(values), func(v float64) bool { return !isFinite(v) })
	slices.Sort(sorted)
	n := len(sorted)
	for k := range min(n, MostSteps) {
		rank := k
		if n > MostSteps {
			rank = int(math.Round(float64(k) * float64(n-1) / (MostSteps - 1)))
		}
		at, share = append(at, sorted[rank]), append(share, float64(rank+1)/float64(n))
	}
	return at, share
}

// ECDF draws for each variant the share of its values that are at most so large, as steps, before the zone of the margin. The axis is logarithmic when
// the values spread widely.
func ECDF(d ECDFData) Picture {
	var names []string
	var series []int
	var all []float64
	for _, l := range d.Lines {
		names, series, all = append(names, l.Name), append(series, l.Series), append(all, l.Values...)
	}
	legend := legendRows(names)
	return Picture{vg.Length(chartHeight + legend*legendRow), d.Label, func(c draw.Canvas) {
		p := newChart(newAxis(all), shareAxis, d.Unit, "share of trials")
		p.Y.Tick.Marker = plot.ConstantTicks([]plot.Tick{{Value: 0, Label: "0"}, {Value: 0.5, Label: "50 %"}, {Value: 1, Label: "100 %"}})
		p.Add(plotterFunc(d.drawSteps))
		p.Draw(draw.Crop(c, leftRoom, -14, vg.Length(legend*legendRow), -4))
		drawLegend(c, names, series)
	}}
}

func (d ECDFData) drawSteps(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	drawZone(c, x, d.ZoneLo, d.ZoneHi)
	for _, l := range d.Lines {
		places, share := Steps(l.Values)
		if len(places) == 0 {
			continue
		}
		var steps pen
		corners := []vg.Point{{X: c.Min.X, Y: y(0)}}
		for i, v := range places {
			corners = append(corners, vg.Point{X: x(v), Y: corners[len(corners)-1].Y}, vg.Point{X: x(v), Y: y(share[i])})
		}
		steps.polyline(append(corners, vg.Point{X: c.Max.X, Y: corners[len(corners)-1].Y}))
		steps.stroke(c, seriesColor(l.Series), 1.2)
	}
}
