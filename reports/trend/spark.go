package trend

import (
	"html"
	"strconv"
	"time"

	"tunelab/reports/internal/plain"
)

// SparkData is a series as a small line.
type SparkData struct {
	Label    string    // the picture in words, with its numbers
	From, To time.Time // of the axis, so that the lines of a table share theirs
	Points   []Point
	Levels   []Level
	Noise    float64 // standard deviation of a night about its level; 0 when unknown
	Wide     float64 // what the picture's height stands for at least, so that noise that does not matter looks like none
}

// Columns is over how many columns a sparkline is drawn, and to how many a long series is thinned.
const Columns = 120

// The units of a sparkline: whole numbers, which are short to write, at two a column.
const (
	unit        = 2
	sparkWidth  = unit * Columns
	sparkHeight = 60
	sparkEdge   = 4
)

// Spark draws the points joined by a line, with the levels over them.
func Spark(d SparkData) []byte {
	shown := cover(d.Points, d.Levels, d.Noise, d.Wide)
	x := func(p Point) int { return unit * int(moment(p.At, d.From, d.To)*(Columns-1)+0.5) }
	y := func(v float64) int {
		return sparkEdge + int((1-shown.share(v))*(sparkHeight-2*sparkEdge)+0.5)
	}
	out := []byte(`<svg class="spark" role="img" viewBox="0 0 ` + strconv.Itoa(sparkWidth) + ` ` + strconv.Itoa(sparkHeight) + `" aria-label="` + html.EscapeString(plain.Clean(d.Label)) + `"><path class="nights" d="`)
	first, fromX, fromY := true, 0, 0
	for _, i := range thin(d.Points, x) {
		toX, toY := x(d.Points[i]), y(d.Points[i].Y)
		switch {
		case first:
			out = pair(append(out, 'M'), toX, toY)
			out = append(out, "l0,0"...) // a lone night is a dot
		case toX == fromX && toY == fromY:
			continue
		default:
			out = pair(append(out, ' '), toX-fromX, toY-fromY)
		}
		first, fromX, fromY = false, toX, toY
	}
	out = append(out, `"/><path class="level" d="`...)
	for _, l := range d.Levels {
		if from, to := max(l.From, 0), min(l.To, len(d.Points)); from < to && isFinite(l.Y) {
			left, right := x(d.Points[from]), x(d.Points[to-1])
			out = pair(append(out, 'M'), left, y(l.Y))
			out = strconv.AppendInt(append(out, 'h'), int64(max(right-left, 1)), 10)
		}
	}
	return append(out, `"/></svg>`...)
}

func pair(out []byte, x, y int) []byte {
	out = append(strconv.AppendInt(out, int64(x), 10), ',')
	return strconv.AppendInt(out, int64(y), 10)
}

// thin returns which points a line needs when those of one column share their place: the first, the last, the least and the
// greatest of each, in their order.
func thin(points []Point, column func(Point) int) []int {
	var kept []int
	at, first, last, least, most := 0, -1, -1, -1, -1
	flush := func() {
		if first < 0 {
			return
		}
		inner := [2]int{min(least, most), max(least, most)}
		for _, i := range [4]int{first, inner[0], inner[1], last} {
			if n := len(kept); n == 0 || kept[n-1] < i {
				kept = append(kept, i)
			}
		}
	}
	for i, p := range points {
		if !isFinite(p.Y) {
			continue
		}
		if c := column(p); first < 0 || c != at {
			flush()
			at, first, last, least, most = c, i, i, i, i
			continue
		}
		last = i
		if p.Y < points[least].Y {
			least = i
		}
		if p.Y > points[most].Y {
			most = i
		}
	}
	flush()
	return kept
}
