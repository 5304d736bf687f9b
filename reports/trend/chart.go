package trend

import (
	"fmt"
	"html"
	"math"
	"strconv"
	"strings"
	"time"

	"tunelab/reports/internal/plain"
)

// ChartData is a series with everything that is known of it.
type ChartData struct {
	Label  string // the picture in words, with its numbers
	Points []Point
	Levels []Level
	Steps  []Change
	Noise  float64 // standard deviation of a night about its level; 0 when unknown
	Wide   float64 // what the picture's height stands for at least
	Margin float64 // what is within it of 0 is the same; 0 for none
	// Name writes a value of the axis; Round returns about n values between two that are round when written.
	Name  func(y float64) string
	Round func(lo, hi float64, n int) []float64
}

// A Change is where a level ends and another begins.
type Change struct {
	At        int // the first point after it
	Text      string
	Confirmed bool
}

// Widths of a chart, in units that a page shows as pixels: for a telephone and for a desk.
const (
	Narrow = 360
	Wide   = 1080
)

const (
	chartHeight = 270
	leftEdge    = 58 // has the values of the axis
	rightEdge   = 8
	bottomEdge  = 24
	lane        = 13 // of a commit's name
	lanes       = 3
	letter      = 6.4 // width of one, about
)

// A chart is a drawing under way.
type chart struct {
	ChartData
	width    float64
	shown    span
	from, to time.Time
	top      float64
	out      strings.Builder
}

// Chart draws the series at a width, [Narrow] or [Wide]: at the latter it must be given that room.
func Chart(d ChartData, width int) []byte {
	c := &chart{ChartData: d, width: float64(width), top: 6}
	c.shown = cover(d.withIntervals(), d.Levels, d.Noise, d.Wide)
	room := (c.shown.max - c.shown.min) * 0.06
	c.shown.min, c.shown.max = c.shown.min-room, c.shown.max+room
	if n := len(d.Points); n > 0 {
		c.from, c.to = d.Points[0].At, d.Points[n-1].At
	}
	names := c.placeNames()
	for _, n := range names {
		c.top = max(c.top, 6+lane*float64(n.lane+1))
	}
	fmt.Fprintf(&c.out, `<svg class="trend" role="img" viewBox="0 0 %d %d" font-size="10.5" aria-label="%s">`, width, chartHeight, html.EscapeString(plain.Clean(d.Label)))
	c.drawMargin()
	c.drawAxes()
	c.drawNights()
	c.drawSteps(names)
	c.drawLevels()
	c.out.WriteString("</svg>")
	return []byte(c.out.String())
}

// withIntervals are the points with the ends of their intervals as more of them: a chart has room for these.
func (d ChartData) withIntervals() []Point {
	out := make([]Point, 0, 3*len(d.Points))
	for _, p := range d.Points {
		out = append(out, p, Point{Y: p.Lo}, Point{Y: p.Hi})
	}
	return out
}

func (c *chart) x(t time.Time) float64 {
	return leftEdge + 5 + moment(t, c.from, c.to)*(c.width-leftEdge-rightEdge-10)
}

func (c *chart) y(v float64) float64 {
	return c.top + (1-c.shown.share(v))*(chartHeight-bottomEdge-c.top)
}

// tenth writes a length to a tenth of a unit: more can't be seen.
func tenth(v float64) string { return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64) }

func (c *chart) text(x, y float64, anchor, class, text string) {
	fmt.Fprintf(&c.out, `<text x="%s" y="%s" text-anchor="%s" class="%s">%s</text>`, tenth(x), tenth(y), anchor, class, html.EscapeString(plain.Clean(text)))
}

func (c *chart) path(class, d string) {
	if d != "" {
		fmt.Fprintf(&c.out, `<path class="%s" d="%s"/>`, class, d)
	}
}

func (c *chart) drawMargin() {
	if !(c.Margin > 0) || c.Margin < c.shown.min || -c.Margin > c.shown.max {
		return
	}
	top, bottom := c.y(c.Margin), c.y(-c.Margin)
	if bottom-top > 0 {
		c.path("zone", fmt.Sprintf("M%d,%sH%sV%sH%dz", leftEdge, tenth(top), tenth(c.width-rightEdge), tenth(bottom), leftEdge))
	}
}

func (c *chart) drawAxes() {
	var lines strings.Builder
	last := math.Inf(1)
	for _, v := range c.Round(c.shown.min, c.shown.max, 6) {
		if !isFinite(v) || v < c.shown.min || v > c.shown.max || last-c.y(v) < lane {
			continue
		}
		last = c.y(v)
		fmt.Fprintf(&lines, "M%d,%sH%s", leftEdge, tenth(last), tenth(c.width-rightEdge))
		c.text(leftEdge-5, last+3.5, "end", "tick", c.Name(v))
	}
	c.path("grid", lines.String())
	if len(c.Points) == 0 {
		return
	}
	end := math.Inf(-1)
	for _, t := range days(c.from, c.to, int(c.width/90)) {
		half := float64(len(t.text)) * letter / 2
		middle := min(max(c.x(t.at), leftEdge+half-10), c.width-half-1)
		if middle-half > end+6 {
			c.text(middle, chartHeight-7, "middle", "tick", t.text)
			end = middle + half
		}
	}
}

// drawNights draws the intervals and over them the points.
func (c *chart) drawNights() {
	var intervals, discs, better, worse strings.Builder
	for _, p := range c.Points {
		if !isFinite(p.Y) {
			continue
		}
		x, y := c.x(p.At), c.y(p.Y)
		if isFinite(p.Lo) && isFinite(p.Hi) && p.Lo <= p.Hi {
			fmt.Fprintf(&intervals, "M%s,%sV%s", tenth(x), tenth(c.y(p.Hi)), tenth(c.y(p.Lo)))
		}
		switch p.Mark {
		case Better:
			fmt.Fprintf(&better, "M%s,%sl3.6,6.4h-7.2z", tenth(x), tenth(y-4))
		case Worse:
			fmt.Fprintf(&worse, "M%s,%sl3.6,-6.4h-7.2z", tenth(x), tenth(y+4))
		default:
			fmt.Fprintf(&discs, "M%s,%sh0", tenth(x), tenth(y)) // a line of no length: its round ends make a disc
		}
	}
	c.path("interval", intervals.String())
	c.path("disc", discs.String())
	c.path("better", better.String())
	c.path("worse", worse.String())
}

// A stepName is a commit's place above the line of its change.
type stepName struct {
	x    float64
	lane int // from below
	text string
}

// stepX is where a change stands: between the nights before and after it.
func (c *chart) stepX(s Change) (x float64, ok bool) {
	if s.At < 1 || s.At >= len(c.Points) {
		return 0, false
	}
	return (c.x(c.Points[s.At-1].At) + c.x(c.Points[s.At].At)) / 2, true
}

// placeNames finds room for the commits, in a few lanes: what has none is in the page's table.
func (c *chart) placeNames() []stepName {
	var out []stepName
	ends := [lanes]float64{}
	for _, s := range c.Steps {
		x, ok := c.stepX(s)
		if !ok {
			continue
		}
		half := float64(plain.Width(s.Text)) * letter / 2
		middle := min(max(x, half+1), c.width-half-1)
		row := 0
		for row < lanes && middle-half < ends[row] {
			row++
		}
		if row < lanes {
			out = append(out, stepName{middle, row, s.Text})
			ends[row] = middle + half + 6
		}
	}
	return out
}

// drawSteps draws a line at each change, and the commits above.
func (c *chart) drawSteps(names []stepName) {
	var confirmed, candidates strings.Builder
	for _, s := range c.Steps {
		x, ok := c.stepX(s)
		if !ok {
			continue
		}
		to := &candidates
		if s.Confirmed {
			to = &confirmed
		}
		fmt.Fprintf(to, "M%s,%sV%d", tenth(x), tenth(c.top-2), chartHeight-bottomEdge)
	}
	c.path("confirmed", confirmed.String())
	c.path("candidate", candidates.String())
	for _, n := range names {
		c.text(n.x, c.top-5-lane*float64(n.lane), "middle", "commit", n.text)
	}
}

// drawLevels draws the levels, and their values over those that are long enough.
func (c *chart) drawLevels() {
	var lines strings.Builder
	type note struct {
		x, y float64
		text string
	}
	var notes []note
	for _, l := range c.Levels {
		from, to := max(l.From, 0), min(l.To, len(c.Points))
		if from >= to || !isFinite(l.Y) {
			continue
		}
		left, right := c.x(c.Points[from].At), c.x(c.Points[to-1].At)
		fmt.Fprintf(&lines, "M%s,%sH%s", tenth(left), tenth(c.y(l.Y)), tenth(max(right, left+1)))
		if float64(plain.Width(l.Text))*letter < right-left {
			notes = append(notes, note{(left + right) / 2, max(c.y(l.Y)-6, c.top+9), l.Text})
		}
	}
	c.path("level", lines.String())
	for _, n := range notes {
		c.text(n.x, n.y, "middle", "value", n.text)
	}
}
