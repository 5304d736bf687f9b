// Package trend draws how a benchmark went over the nights, as SVG for a page.
//
//  1. A caller fills plain data: points in the order of their nights, on a scale of its choice, and the levels between
//     changes on the same. Ratios are best given as logarithms.
//  2. [Spark] draws a line small enough for a cell of a table. Long series are thinned by M4 (Jugel, Jerzak, Hackenbroich
//     and Markl, PVLDB 7, 2014): of the nights that share a column the first, the last, the least and the greatest stay,
//     which at that width gives the same line as all of them.
//  3. [Chart] draws every night with its interval, the levels with their values, the changes with their commits, and the
//     margin.
//
// They are made by hand and not by package plots: a page has a thousand sparklines, and a chart is wider than a telephone.
// The same data gives the same bytes. Values that are not finite are not drawn; any data at all gives a picture.
package trend

import (
	"math"
	"time"
)

// A Point is one night.
type Point struct {
	At     time.Time
	Y      float64
	Lo, Hi float64 // interval of Y; NaN where there is none
	Mark   Mark    // what the night's own comparison said
}

// A Mark is how a night's point is drawn.
type Mark int

// The marks: a disc, and triangles that stand for their verdicts without colour too.
const (
	Plain Mark = iota
	Better
	Worse
)

// A Level is where the points lay from one change to the next.
type Level struct {
	From, To int // the first point, and the one behind the last
	Y        float64
	Text     string // its value
}

func isFinite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

// A span is a range of values that is drawn.
type span struct{ min, max float64 }

// beyond is how many standard deviations of a night from the levels are drawn: a night further off lies on the edge, or it
// would press all others flat.
const beyond = 6

// cover returns the range of the points, at least wide across and not much beyond the levels.
func cover(points []Point, levels []Level, noise, wide float64) span {
	all, near := span{math.Inf(1), math.Inf(-1)}, span{math.Inf(1), math.Inf(-1)}
	for _, p := range points {
		all.take(p.Y)
	}
	for _, l := range levels {
		all.take(l.Y)
		near.take(l.Y)
	}
	if near.min <= near.max && noise > 0 && isFinite(noise) {
		all.min, all.max = max(all.min, near.min-beyond*noise), min(all.max, near.max+beyond*noise)
	}
	if all.min > all.max {
		all = span{0, 0}
	}
	if !(wide > 0) && all.min == all.max {
		wide = 1
	}
	if short := wide - (all.max - all.min); short > 0 {
		all.min, all.max = all.min-short/2, all.max+short/2
	}
	return all
}

// largest is what is drawn at most: beyond it a range is no longer finite.
const largest = 1e300

func (s *span) take(y float64) {
	if isFinite(y) {
		y = max(-largest, min(largest, y))
		s.min, s.max = min(s.min, y), max(s.max, y)
	}
}

// share is where y lies in the range, 0 to 1; what lies beyond is on its end.
func (s span) share(y float64) float64 {
	return max(0, min(1, (y-s.min)/(s.max-s.min)))
}

// moment is where t lies between two times, 0 to 1; in the middle when they are one.
func moment(t, from, to time.Time) float64 {
	whole := to.Sub(from)
	if whole <= 0 {
		return 0.5
	}
	return max(0, min(1, float64(t.Sub(from))/float64(whole)))
}
