package trend

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func nightly(values ...float64) []Point {
	var out []Point
	for i, v := range values {
		out = append(out, Point{At: start.AddDate(0, 0, i), Y: v, Lo: math.NaN(), Hi: math.NaN()})
	}
	return out
}

// raster are, for each column, the least and the greatest value that a line through the points has there, with what it
// enters the next column by.
func raster(points []Point, which []int, column func(Point) int) string {
	type cell struct{ first, last, least, most float64 }
	cells := map[int]*cell{}
	for _, i := range which {
		y, c := points[i].Y, column(points[i])
		if cells[c] == nil {
			cells[c] = &cell{y, y, y, y}
		}
		at := cells[c]
		at.last, at.least, at.most = y, min(at.least, y), max(at.most, y)
	}
	var out strings.Builder
	for c := range Columns {
		if cells[c] != nil {
			fmt.Fprintln(&out, c, *cells[c])
		}
	}
	return out.String()
}

// TestThin checks the two promises of M4: the line looks the same, and has at most four points a column.
func TestThin(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for _, n := range []int{0, 1, 2, 7, 120, 121, 500, 5000} {
		values := make([]float64, n)
		for i := range values {
			values[i] = random.NormFloat64()
			if random.IntN(20) == 0 {
				values[i] = math.NaN()
			}
		}
		points := nightly(values...)
		column := func(p Point) int { return int(moment(p.At, start, start.AddDate(0, 0, n)) * Columns) }
		kept := thin(points, column)
		var all []int
		for i, p := range points {
			if isFinite(p.Y) {
				all = append(all, i)
			}
		}
		if got, want := raster(points, kept, column), raster(points, all, column); got != want {
			t.Errorf("%d nights: another line:\n%s\nwant\n%s", n, got, want)
		}
		if len(kept) > 4*Columns || !slices.IsSorted(kept) || len(slices.Compact(slices.Clone(kept))) != len(kept) {
			t.Errorf("%d nights: %d points, in order %v", n, len(kept), slices.IsSorted(kept))
		}
	}
}

// odd are data that must give a picture all the same.
func odd() map[string][]Point {
	inf := math.Inf(1)
	return map[string][]Point{
		"none": nil, "one": nightly(0.5), "equal": nightly(1, 1, 1), "no values": nightly(math.NaN(), inf, -inf),
		"huge": nightly(1e308, -1e308), "one time": {{Y: 1}, {Y: 2}}, "years": {{At: start}, {At: start.AddDate(900, 0, 0), Y: 1}},
		"backwards": {{At: start.AddDate(0, 0, 3), Y: 1}, {At: start, Y: 2}},
	}
}

func TestOddData(t *testing.T) {
	for name, points := range odd() {
		for _, noise := range []float64{0, 0.01, math.Inf(1), math.NaN()} {
			levels := []Level{{From: -1, To: 99, Y: 0.1, Text: "<b>"}, {From: 5, To: 2}, {From: 0, To: 1, Y: math.NaN()}}
			spark := Spark(SparkData{Label: "<&\x00\u202e", Points: points, Levels: levels, Noise: noise, From: start, To: start.AddDate(0, 0, 9)})
			d := ChartData{Label: "<&\x00", Points: points, Levels: levels, Steps: []Change{{At: -1}, {At: 0}, {At: 1, Text: "<script>"}, {At: 99}}, Noise: noise, Margin: 0.03, Name: func(y float64) string { return fmt.Sprint(y) }, Round: Round}
			for _, svg := range [][]byte{spark, Chart(d, Narrow), Chart(d, Wide)} {
				wellFormed(t, fmt.Sprintf("%s, noise %v", name, noise), svg)
			}
		}
	}
}

func wellFormed(t *testing.T, name string, svg []byte) {
	t.Helper()
	for decoder := xml.NewDecoder(bytes.NewReader(svg)); ; {
		token, err := decoder.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatalf("%s: %v\n%s", name, err, svg)
		}
		if start, ok := token.(xml.StartElement); ok && start.Name.Local == "path" {
			for _, a := range start.Attr {
				if a.Name.Local == "d" && strings.ContainsAny(a.Value, "NIn+e") {
					t.Errorf("%s: a path of %q", name, a.Value)
				}
			}
		}
	}
	if n := bytes.Count(svg, []byte("<script>")); n > 0 {
		t.Errorf("%s: a text is an element", name)
	}
}

// TestSparkPath holds the path of a few nights, of which one has no value and one is far off.
func TestSparkPath(t *testing.T) {
	svg := string(Spark(SparkData{
		Label: "five", From: start, To: start.AddDate(0, 0, 4), Points: nightly(0, 0.1, math.NaN(), 9, 0.1), Noise: 0.01, Wide: 0.04,
		Levels: []Level{{From: 0, To: 1, Y: 0}, {From: 1, To: 5, Y: 0.1}},
	}))
	for _, want := range []string{`d="M0,56l0,0 60,-32 118,-20 60,20"`, `d="M0,56h1M60,24h178"`, `aria-label="five"`} {
		if !strings.Contains(svg, want) {
			t.Errorf("%q is missing in %s", want, svg)
		}
	}
}

// TestChartNames checks that commits that stand close get lanes of their own, and that no more are drawn than have room.
func TestChartNames(t *testing.T) {
	d := ChartData{Points: nightly(make([]float64, 100)...), Name: func(float64) string { return "" }, Round: Round}
	for i := 10; i < 20; i++ {
		d.Steps = append(d.Steps, Change{At: i, Text: "0123456789"})
	}
	c := &chart{ChartData: d, width: Narrow, from: start, to: start.AddDate(0, 0, 99)}
	names := c.placeNames()
	if len(names) != lanes {
		t.Errorf("%d names in %d lanes", len(names), lanes)
	}
	for i, n := range names {
		if n.lane != i {
			t.Errorf("name %d is in lane %d", i, n.lane)
		}
	}
}

func TestRound(t *testing.T) {
	for _, c := range []struct {
		lo, hi float64
		want   string
	}{
		{0, 1, "[0 0.2 0.4 0.6000000000000001 0.8 1]"}, {-0.031, 0.12, "[0 0.05 0.1]"}, {0.5, 900, "[1 10 100]"}, {3, 3, "[]"}, {1, math.Inf(1), "[]"}, {math.NaN(), 1, "[]"}, {5, 1, "[]"},
	} {
		if got := fmt.Sprint(Round(c.lo, c.hi, 6)); got != c.want {
			t.Errorf("between %v and %v: %v, want %v", c.lo, c.hi, got, c.want)
		}
	}
}

// TestDays checks that there are dates to read, and not too many, on any span.
func TestDays(t *testing.T) {
	for _, length := range []int{0, 1, 3, 9, 30, 59, 90, 101, 365, 1000, 4000, 40000} {
		for _, n := range []int{4, 12} {
			end := start.AddDate(0, 0, length)
			got := days(start, end, n)
			if len(got) > 2*n+1 || length > 60 && len(got) < 2 {
				t.Errorf("%d days: %d of about %d dates", length, len(got), n)
			}
			for _, d := range got {
				if d.at.After(end) {
					t.Errorf("%d days: %v is beyond", length, d.at)
				}
			}
		}
	}
}
