package plots

import (
	"math"
	"slices"

	"gonum.org/v1/plot"

	"tunelab/reports/internal/number"
)

// An axis is a range of values that can be drawn whatever the values were: finite, not empty, and above zero when
// Log is set.
type axis struct {
	Min, Max float64
	Log      bool
}

// wideSpread is the ratio of the largest to the smallest value from which an axis is logarithmic.
const wideSpread = 20

// limits of what is drawn: beyond them a float's distance to its neighbours, or to infinity, is lost.
const (
	largest  = 1e300
	smallest = 1e-300
)

// newAxis covers the finite ones of values with some room at both ends.
func newAxis(values []float64) axis {
	a := axis{Min: math.Inf(1), Max: math.Inf(-1)}
	for _, v := range values {
		if isFinite(v) {
			v = clamp(v, -largest, largest)
			a.Min, a.Max = min(a.Min, v), max(a.Max, v)
		}
	}
	if a.Min > a.Max {
		a.Min, a.Max = 0, 1
	}
	a.Log = a.Min > smallest && a.Max/a.Min > wideSpread
	return a.widen(0.04)
}

// widen adds a share of the range at both ends. A range without extent gets one.
func (a axis) widen(share float64) axis {
	if a.Log {
		room := math.Pow(a.Max/a.Min, share)
		a.Min, a.Max = max(a.Min/room, smallest/10), min(a.Max*room, largest*10)
		return a
	}
	room := (a.Max - a.Min) * share
	if least := max(math.Abs(a.Max), math.Abs(a.Min)) * 1e-3; room < least*share {
		room = least // all but equal
	}
	if room == 0 {
		room = 1
	}
	low := a.Min >= 0
	a.Min, a.Max = a.Min-room, a.Max+room
	if low {
		a.Min = max(a.Min, 0) // no negative times
	}
	return a
}

// Normalize implements plot.Normalizer. Values beyond the ends are drawn on them.
func (a axis) Normalize(_, _, x float64) float64 {
	x = clamp(x, a.Min, a.Max)
	if a.Log {
		return (math.Log(x) - math.Log(a.Min)) / (math.Log(a.Max) - math.Log(a.Min)) // not of quotients, which may overflow
	}
	return (x/2 - a.Min/2) / (a.Max/2 - a.Min/2) // halves: the range itself may overflow
}

// set makes p's axis this one.
func (a axis) set(to *plot.Axis, ticks []plot.Tick) {
	to.Min, to.Max, to.Scale = a.Min, a.Max, a
	to.Tick.Marker = plot.ConstantTicks(ticks)
}

// ticks are about n round values with labels in unit.
func (a axis) ticks(n int, unit string) []plot.Tick {
	var values []float64
	scaled := a
	one := number.DisplayUnit(max(math.Abs(a.Max), math.Abs(a.Min)), unit) // round in MiB is not round in bytes
	if lo, hi := a.Min/one, a.Max/one; isFinite(lo) && isFinite(hi) && lo < hi && (lo > 0 || !a.Log) {
		scaled.Min, scaled.Max = lo, hi
	} else {
		one = 1
	}
	if a.Log && a.Max/a.Min > 10 {
		values = scaled.logSteps(n)
	} else {
		values = linearSteps(scaled.Min, scaled.Max, n)
	}
	for i := range values {
		values[i] *= one
	}
	var out []plot.Tick
	for _, v := range values {
		reference := max(math.Abs(a.Max), math.Abs(a.Min))
		if a.Log {
			reference = v
		}
		out = append(out, plot.Tick{Value: v, Label: number.Tick(v, reference, unit)})
	}
	return out
}

// linearSteps are up to about n multiples of 1, 2 or 5 times a power of ten in a range.
func linearSteps(low, high float64, n int) []float64 {
	span := high/2 - low/2
	if !(span > 0) {
		return nil
	}
	step := math.Pow(10, math.Floor(math.Log10(span/float64(n)*2)))
	for _, factor := range []float64{1, 2, 5, 10} {
		if span*2/(step*factor) <= float64(n) {
			step *= factor
			break
		}
	}
	var out []float64
	for k := math.Ceil(low / step); k*step <= high && len(out) <= 2*n; k++ {
		if v := k * step; isFinite(v) {
			out = append(out, v+0) // no negative zero
		}
	}
	return out
}

// logSteps are up to about n powers of ten in the range, or their 1, 2, 5 multiples when there are few.
func (a axis) logSteps(n int) []float64 {
	from, to := math.Ceil(math.Log10(a.Min)), math.Floor(math.Log10(a.Max))
	every := max(1, math.Ceil((to-from)/float64(n)))
	factors := []float64{1}
	if to-from <= float64(n)/2 {
		factors = []float64{1, 3}
	}
	var out []float64
	for e := from; e <= to+0.5; e += every {
		for _, f := range factors {
			if v := f * math.Pow(10, e); v >= a.Min && v <= a.Max && isFinite(v) {
				out = append(out, v)
			}
		}
	}
	return out
}

// thin leaves out ticks that stand closer than gap to one that stays, where position tells where each stands. The
// tick at anchor stays.
func thin(ticks []plot.Tick, anchor float64, position func(float64) float64, gap float64) []plot.Tick {
	sorted := slices.Clone(ticks)
	slices.SortStableFunc(sorted, func(a, b plot.Tick) int {
		da, db := math.Abs(position(a.Value)-position(anchor)), math.Abs(position(b.Value)-position(anchor))
		switch {
		case da < db:
			return -1
		case da > db:
			return 1
		}
		return 0
	})
	var kept []plot.Tick
	for _, t := range sorted {
		near := func(k plot.Tick) bool { return math.Abs(position(k.Value)-position(t.Value)) < gap }
		if !slices.ContainsFunc(kept, near) {
			kept = append(kept, t)
		}
	}
	return kept
}

func clamp(x, low, high float64) float64 { return max(low, min(high, x)) }
