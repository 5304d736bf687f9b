package plots

import (
	"math"
	"slices"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

func TestScatter(t *testing.T) {
	const mib = 1 << 20
	svg, err := Scatter(ScatterData{Label: "CPU against memory", XUnit: "peak-RSS-bytes", YUnit: "GC-CPU-share", Points: []ScatterPoint{
		{Name: "map", X: 42.2 * mib, XLo: 42 * mib, XHi: 42.6 * mib, Y: 0.095, YLo: 0.091, YHi: 0.1},
		{Name: "map+gogc20", X: 35.1 * mib, XLo: nan, XHi: nan, Y: 0.4, YLo: nan, YHi: nan, Series: 1},
		{Name: "map+gogc200", X: 54.2 * mib, XLo: 54 * mib, XHi: 55 * mib, Y: 0.045, YLo: 0.04, YHi: 0.05, Front: true, Highlight: true, Series: 2},
	}}).SVG()

	p := look(t, svg, err)
	p.has(t, "map+gogc20", "map+gogc200", "peak-RSS-bytes", "GC-CPU-share", "40MiB", "50MiB", "0.2")
	for _, text := range p.texts {
		if strings.HasSuffix(text, "MiB") && len(text) > 5 {
			t.Errorf("a tick says %q: a value that is round in bytes is not in MiB", text)
		}
	}
}

func TestCurve(t *testing.T) {
	d := CurveData{
		Label: "p99 over the cost of a step", Axis: "cost", Unit: "p99-ns", Threshold: 500, Marks: []float64{3000},
		Ticks: []CurveTick{{"0", 0}, {"1us", 1000}, {"10us", 10_000}, {"100us", 100_000}},
		Lines: []CurveLine{
			{Name: "channel", Points: []CurvePoint{{0, 100, 90, 110}, {1000, 200, 190, 210}, {10_000, 400, 390, 410}, {100_000, 800, nan, nan}}},
			{Name: "cas", Series: 1, Points: []CurvePoint{{0, 50, 45, 55}, {1000, nan, nan, nan}, {10_000, 500, 490, 510}, {100_000, 1600, 1500, 1700}}},
		},
	}
	svg, err := Curve(d).SVG()
	look(t, svg, err).has(t, "channel", "cas", "0", "1us", "10us", "100us", "cost", "1µs")
	// Every value that was measured has its place, evenly where one of them is 0.
	place := d.places()
	for i, tick := range d.Ticks {
		if got, want := place(tick.X), float64(i)/3; math.Abs(got-want) > 1e-9 {
			t.Errorf("%s stands at %v, want %v", tick.Label, got, want)
		}
	}
	if got := place(3000); !(got > 1.0/3 && got < 2.0/3) {
		t.Errorf("a mark between 1us and 10us stands at %v", got)
	}
}

// Shares have all of their range, however few of it were seen.
func TestCurveOfShares(t *testing.T) {
	d := CurveData{Axis: "machine-seconds", Unit: "found", Shares: true, Threshold: nan, Ticks: []CurveTick{{"1", 1}, {"10", 10}},
		Lines: []CurveLine{{Name: "a", Points: []CurvePoint{{1, 0.01, nan, nan}, {10, 0.6, nan, nan}}}}}
	svg, err := Curve(d).SVG()
	look(t, svg, err).has(t, "0", "25 %", "50 %", "100 %", "found")
}

// No name of a legend reaches the next one's glyph.
func TestLegend(t *testing.T) {
	s := style(smallSize, ink, draw.XLeft)
	for _, c := range []struct {
		names   []string
		columns int
	}{
		{nil, 3},
		{[]string{"channel", "actor", "mutex", "pool-pointer"}, 3},
		{[]string{"tunelab", "interleaved, benchstat", "old then new, benchstat"}, 2},
		{[]string{strings.Repeat("a variant of a long name ", 9)}, 1},
	} {
		columns, width := legendColumns(c.names)
		if columns != c.columns || columns*width > Width {
			t.Errorf("%q stand in %d columns of %d, want %d", c.names, columns, width, c.columns)
		}
		if want := (len(c.names) + columns - 1) / columns; legendRows(c.names) != want {
			t.Errorf("%q take %d rows, want %d", c.names, legendRows(c.names), want)
		}
		for _, name := range c.names {
			if w := otherFonts * s.Width(name); w > vg.Length(width-legendGlyph) && columns > 1 {
				t.Errorf("%q may be %v wide in a column of %d", name, w, width)
			}
		}
	}
}

// Whatever the values are, the picture is a picture.
func TestChartsOfHostileValues(t *testing.T) {
	values := []float64{0, -1, 1, 1e-300, 1e300, -1e300, math.MaxFloat64, nan, inf, -inf}
	for _, a := range values {
		for _, b := range values {
			svg, err := Scatter(ScatterData{XUnit: "B", YUnit: "ns/op", Points: []ScatterPoint{{Name: "a", X: a, XLo: b, XHi: a, Y: b, YLo: a, YHi: b, Front: true}, {X: b, Y: a}}}).SVG()
			look(t, svg, err)
			ticks := []CurveTick{{"a", a}, {"b", b}}
			if !isFinite(a) || !isFinite(b) || slices.Contains([]float64{a - b, b - a}, 0) || a > b {
				continue // the cases' names have finite numbers, in order
			}
			svg, err = Curve(CurveData{Axis: "x", Unit: "B", Ticks: ticks, Threshold: b, Marks: []float64{a}, Lines: []CurveLine{{Name: "l", Points: []CurvePoint{{a, b, a, b}, {b, a, nan, inf}}}}}).SVG()
			look(t, svg, err)
		}
	}
	svg, err := Scatter(ScatterData{}).SVG()
	look(t, svg, err)
}
