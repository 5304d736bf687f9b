package plots

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

var nan, inf = math.NaN(), math.Inf(1)

// A picture is what a test looks at.
type picture struct {
	label string
	texts []string
}

// look checks that svg is well-formed XML with nothing but finite coordinates, and returns what it says.
func look(t *testing.T, svg []byte, err error) picture {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	var out picture
	decoder := xml.NewDecoder(bytes.NewReader(svg))
	inText := false
	for {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("not XML: %v\n%s", err, svg)
		}
		switch token := token.(type) {
		case xml.StartElement:
			inText = token.Name.Local == "text"
			for _, a := range token.Attr {
				if a.Name.Local == "aria-label" {
					out.label = a.Value
				} else if regexp.MustCompile(`NaN|Inf|e[+]\d`).MatchString(a.Value) {
					t.Errorf("%s has %s=%q", token.Name.Local, a.Name.Local, a.Value)
				}
				if a.Name.Local == "d" {
					checkInside(t, a.Value)
				}
			}
		case xml.CharData:
			if inText {
				out.texts = append(out.texts, string(token))
			}
		case xml.EndElement:
			inText = false
		}
	}
	return out
}

// checkInside checks that the places of a path lie in the picture.
func checkInside(t *testing.T, d string) {
	t.Helper()
	for _, move := range regexp.MustCompile(`[ML](-?[\d.]+),(-?[\d.]+)`).FindAllStringSubmatch(d, -1) {
		x, err1 := strconv.ParseFloat(move[1], 64)
		y, err2 := strconv.ParseFloat(move[2], 64)
		if err1 != nil || err2 != nil || x < -1 || x > Width+1 || y < -1 || y > 10_000 {
			t.Errorf("a path goes to %s", move[0])
		}
	}
}

func (p picture) has(t *testing.T, texts ...string) {
	t.Helper()
	for _, want := range texts {
		if !strings.Contains(strings.Join(p.texts, "\n"), want) {
			t.Errorf("the picture lacks %q; it says %q", want, p.texts)
		}
	}
}

func TestForest(t *testing.T) {
	svg, err := Forest(ForestData{
		Label: `Change of p99-ns: "atomic" <better>`, ZoneLo: 1 / 1.03, ZoneHi: 1.03,
		Rows: []ForestRow{
			{Group: "readers=8", Label: "atomic", Text: "-31 % [-38 %, -24 %] better", Center: 0.69, Lo: 0.62, Hi: 0.76, Series: 1},
			{Group: "readers=8", Label: "channel", Text: "+20 % worse", Center: 1.2, Lo: 1.1, Hi: 1.3, Series: 2},
			{Group: "readers=64", Label: strings.Repeat("a very long name ", 20), Text: "+∞", Center: 2, Lo: 1.5, Hi: inf, Series: 3},
		},
	}).SVG()

	p := look(t, svg, err)
	p.has(t, "readers=8", "readers=64", "atomic", "-31 % [-38 %, -24 %] better", "a very", "…", "0 %")
	if want := `Change of p99-ns: "atomic" <better>`; p.label != want {
		t.Errorf("told as %q, want %q", p.label, want)
	}
	svg, err = Forest(ForestData{Unit: "lock-wait-ns", ZoneLo: -200, ZoneHi: 200, Rows: []ForestRow{{Label: "x", Text: "+3", Center: 30, Lo: -100, Hi: 400}}}).SVG()
	look(t, svg, err).has(t, "0", "200ns")
}

func TestSpread(t *testing.T) {
	svg, err := Spread(SpreadData{Label: "Values", Unit: "p99-ns", Rows: []SpreadRow{
		{Label: "mutex", Text: "median 9.2µs", Values: []float64{9000, 9200, 9400}, Median: 9200},
		{Label: "atomic", Text: "median 6.2µs", Values: []float64{6000, 6200, 6400}, Median: 6200, Series: 1},
	}}).SVG()

	look(t, svg, err).has(t, "mutex", "atomic", "median 9.2µs", "8µs")
	svg, err = Spread(SpreadData{Unit: "p99-ns", Rows: []SpreadRow{{Label: "wide", Values: []float64{1, 1000, 1e6}, Median: 1000}}}).SVG()
	look(t, svg, err).has(t, "1ns", "1ms")
}

func TestOrder(t *testing.T) {
	svg, err := Order(OrderData{Label: "In order", Unit: "p99-ns", Trials: 4, StealMS: map[int]float64{2: 30}, Series: []OrderSeries{
		{Name: "mutex", Points: []OrderPoint{{Place: 1, Value: 9000}, {Place: 3, Value: 9200}}},
		{Name: "atomic", Series: 1, Points: []OrderPoint{{Place: 2, Value: 6000}}, Bad: []int{4}},
	}}).SVG()

	look(t, svg, err).has(t, "mutex", "atomic", "8µs", "4", "stolen by the hypervisor, up to 30ms")
}

// degenerate are values that no picture may break on.
var degenerate = [][]float64{
	nil, {}, {0}, {5}, {5, 5, 5}, {0, 0, 0}, {nan}, {inf, -inf, nan}, {1, nan, inf}, {-3, 4}, {0, 1e-300}, {1e-320, 5e-324},
	{1, 1 + 1e-15}, {math.MaxFloat64, -math.MaxFloat64}, {math.MaxFloat64, math.SmallestNonzeroFloat64}, {1e300, 1e-300}, {1e-9, 1e9},
	{math.MaxFloat64}, {-1e308, 1e308}, {1e15, 1e15 + 1}, {3, 3.0000001, 3.0000002},
}

func TestDegenerate(t *testing.T) {
	for _, unit := range []string{"p99-ns", "req/s", "peak-RSS-bytes", "", "0/0"} {
		for i, values := range degenerate {
			t.Run(fmt.Sprint(unit, " ", i), func(t *testing.T) {
				median := nan
				if len(values) > 0 {
					median = values[0]
				}
				svg, err := Spread(SpreadData{Unit: unit, Rows: []SpreadRow{{Label: "a", Values: values, Median: median}, {Label: "\x00\u202e<b>", Series: 40}}}).SVG()
				look(t, svg, err)

				order := OrderData{Unit: unit, Trials: len(values), StealMS: map[int]float64{1: median, 9: nan}, Series: []OrderSeries{{Bad: []int{1, 2}}}}
				for place, v := range values {
					order.Series[0].Points = append(order.Series[0].Points, OrderPoint{Place: place + 1, Value: v, Block: 1})
				}
				svg, err = Order(order).SVG()
				look(t, svg, err)

				forest := ForestData{Unit: unit, ZoneLo: median, ZoneHi: inf}
				for _, v := range values {
					forest.Rows = append(forest.Rows, ForestRow{Center: v, Lo: -v, Hi: v}, ForestRow{Center: v, Lo: nan, Hi: v, Series: -1}, ForestRow{Lo: v, Hi: inf})
				}
				for _, zone := range [][2]float64{{median, inf}, {1 / 1.03, 1.03}, {-200, 200}, {0, 0}} {
					forest.ZoneLo, forest.ZoneHi = zone[0], zone[1]
					svg, err = Forest(forest).SVG()
					look(t, svg, err)
				}
			})
		}
	}
}

func FuzzPictures(f *testing.F) {
	f.Add(1.0, 2.0, 3.0, "name")
	f.Add(0.0, math.MaxFloat64, -1e-300, "<\x00\u202e>")
	f.Add(29.0, math.MaxFloat64, 15.0, "logarithms of quotients overflow")
	f.Fuzz(func(t *testing.T, a, b, c float64, s string) {
		values := []float64{a, b, c}
		svg, err := Spread(SpreadData{Label: s, Unit: s, Rows: []SpreadRow{{Label: s, Text: s, Values: values, Median: a}}}).SVG()
		look(t, svg, err)
		svg, err = Order(OrderData{Label: s, Unit: s, Trials: 3, StealMS: map[int]float64{1: a}, Series: []OrderSeries{{Name: s, Points: []OrderPoint{{Place: 1, Value: a}, {Place: 2, Value: b}, {Place: 3, Value: c}}}}}).SVG()
		look(t, svg, err)
		for _, unit := range []string{"", "ns/op"} {
			svg, err = Forest(ForestData{Label: s, Unit: unit, ZoneLo: min(a, b), ZoneHi: c, Rows: []ForestRow{{Group: s, Label: s, Text: s, Center: a, Lo: b, Hi: c}}}).SVG()
			look(t, svg, err)
		}
	})
}

func TestSameBytes(t *testing.T) {
	draw := func() []byte {
		svg, err := Order(OrderData{Unit: "ns/op", Trials: 9, StealMS: map[int]float64{1: 10, 2: 20, 5: 30}, Series: []OrderSeries{{Name: "a", Points: []OrderPoint{{Place: 1, Value: 1}, {Place: 9, Value: 2}}}}}).SVG()
		if err != nil {
			t.Fatal(err)
		}
		return svg
	}
	if !bytes.Equal(draw(), draw()) {
		t.Error("the same data gave other bytes")
	}
}

func TestRelative(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"M1,2L1,2", "M1,2h0"},
		{"M10.04,20L13,20L13,25L12.5,24ZM0,0L1,1", "M10,20h3v5l-0.5,-1zM0,0l1,1"},
		{"M1,2A3,3 0 0 1 5,5", "M1,2A3,3 0 0 1 5,5"},
		{"", ""},
	} {
		if got := relative(c.in); got != c.want {
			t.Errorf("relative(%q) = %q, want %q", c.in, got, c.want)
		}
	}
}

func TestGrouped(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"", ""},
		{"<path d=\"M1,2\" style=\"fill:a\" />\n", "<path d=\"M1,2\" style=\"fill:a\" />\n"},
		{
			"<g>\n<text x=\"1\" style=\"fill:a\">1</text>\n<path d=\"M1,2\" style=\"fill:a\" />\n<path d=\"M2,2\" style=\"fill:b\" />\n</g>\n",
			"<g>\n<g style=\"fill:a\">\n<text x=\"1\">1</text>\n<path d=\"M1,2\" />\n</g>\n<path d=\"M2,2\" style=\"fill:b\" />\n</g>\n",
		},
		{
			"<text y=\"-1\" transform=\"scale(1, -1)\" style=\"fill:a\">1</text>\n<text y=\"-2\" transform=\"scale(1, -1)\" style=\"fill:a\">2</text>\n",
			"<g transform=\"scale(1, -1)\" style=\"fill:a\">\n<text y=\"-1\">1</text>\n<text y=\"-2\">2</text>\n</g>\n",
		},
		{ // a path is not upright: it does not join texts
			"<text transform=\"scale(1, -1)\" style=\"fill:a\">1</text>\n<path style=\"fill:a\" />\n",
			"<text transform=\"scale(1, -1)\" style=\"fill:a\">1</text>\n<path style=\"fill:a\" />\n",
		},
		{ // a group ends where its neighbours' group does
			"<path style=\"fill:a\" />\n</g>\n<path style=\"fill:a\" />\n",
			"<path style=\"fill:a\" />\n</g>\n<path style=\"fill:a\" />\n",
		},
	} {
		if got := string(grouped([]byte(c.in))); got != c.want {
			t.Errorf("%q becomes %q, want %q", c.in, got, c.want)
		}
	}
}

func TestStack(t *testing.T) {
	points := stack([]float64{3, 1, 1, 1, nan, 1}, func(v float64) vg.Length { return vg.Length(10 * v) })
	if len(points) != 5 {
		t.Fatalf("%d points of 5 values: %v", len(points), points)
	}
	seen := map[vg.Point]bool{}
	for _, p := range points {
		if seen[p] {
			t.Errorf("two dots at %v", p)
		}
		seen[p] = true
	}
}

// A column of texts ends within the picture in a wider font than ours too.
func TestColumn(t *testing.T) {
	s := style(smallSize, ink, draw.XLeft)
	texts := []string{"-9.0 % [-19 %, +10 %] undecided", "same"}
	begin := columnAt(s, Width-2, texts)
	for _, text := range texts {
		if end := begin + otherFonts*s.Width(text); end > Width-2+1e-9 {
			t.Errorf("%q may end at %v of %v", text, end, Width)
		}
	}
	if got := columnAt(s, 100, nil); got != 100 {
		t.Errorf("a column of nothing begins at %v, want its end", got)
	}
}

// However far ratios spread, more than the line of no change is told on the axis.
func TestRatioTicks(t *testing.T) {
	for _, most := range []float64{1.01, 1.1, 1.3, 3, 7.7, 9.5, 18, 60, 1e4} {
		d := ForestData{Rows: []ForestRow{{Center: 1, Lo: 0.36, Hi: most}}}
		if ticks := d.ticks(d.axis(), Width-30); len(ticks) < 2 {
			t.Errorf("up to %v: the axis has the ticks %v", most, ticks)
		}
	}
}

func TestTicks(t *testing.T) {
	for _, c := range []struct {
		values []float64
		unit   string
		want   string
	}{
		{[]float64{8500, 10150}, "p99-ns", "8.5µs 9µs 9.5µs 10µs"},
		{[]float64{0, 240}, "ns/op", "0 50ns 100ns 150ns 200ns"},
		{[]float64{1, 1e6}, "ns/op", "1ns 100ns 10µs 1ms"},
		{[]float64{5, 5}, "allocs/op", "4.996 4.998 5 5.002 5.004"},
	} {
		var got []string
		for _, tick := range newAxis(c.values).ticks(5, c.unit) {
			got = append(got, tick.Label)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("ticks of %v %s: %q, want %q", c.values, c.unit, strings.Join(got, " "), c.want)
		}
	}
}
