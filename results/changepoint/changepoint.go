// Package changepoint finds the nights at which a series of measurements changed its level for good.
//
//  1. The noise is estimated from the differences of neighbours, which a few steps hardly touch, and how much more slowly
//     it averages out than independent noise would from the differences of neighbouring means ([Noise]).
//  2. Single nights that stand out are pulled in (the filter of Hampel, 1974).
//  3. The levels are those that minimise the squares about them plus a penalty for each change, by PELT (Killick,
//     Fearnhead and Eckley, JASA 107, 2012), which is exact.
//  4. Changes that are too small to matter, or not told from noise, are dropped.
//
// No change-point method has an error guarantee at a split that the data chose: what it finds is a candidate, to be
// confirmed by measuring both sides anew.
package changepoint

import (
	"math"
	"slices"
)

// Options say what counts as a change. The zero value of a field is replaced by that of [Usual].
type Options struct {
	Penalty float64 // of a change, in units of the noise's variance × ln of the number of nights
	Window  int     // nights of the filter, odd
	Clip    float64 // standard deviations from the window's median from which a night is pulled in
	Least   int     // nights of a level
	Span    int     // nights, the last ones, that are looked at
	Share   float64 // size of a change, of a logarithm, below which it does not matter
	Errors  float64 // standard errors that a change has at least
}

// Usual is what is used for nights.
var Usual = Options{Penalty: 4, Window: 7, Clip: 3, Least: 3, Span: 365, Share: math.Log(1.01), Errors: 2}

// orUsual fills the fields that are zero.
func (o Options) orUsual() Options {
	fill := func(to *float64, usual float64) {
		if *to == 0 {
			*to = usual
		}
	}
	fill(&o.Penalty, Usual.Penalty)
	fill(&o.Clip, Usual.Clip)
	fill(&o.Share, Usual.Share)
	fill(&o.Errors, Usual.Errors)
	for _, x := range []struct {
		to    *int
		usual int
	}{{&o.Window, Usual.Window}, {&o.Least, Usual.Least}, {&o.Span, Usual.Span}} {
		if *x.to == 0 {
			*x.to = x.usual
		}
	}
	return o
}

// A Step is a change of level.
type Step struct {
	At            int     // the first night of the new level, an index into the series
	Before, After float64 // the levels: means, after single nights were pulled in
	Error         float64 // standard error of their difference
}

// Size is the change.
func (s Step) Size() float64 { return s.After - s.Before }

// Find returns the steps of a series of logarithms, one a night, in order. Nights without a value are NaN or infinite and
// are skipped. The noise is taken to be at least the resolution of the data, a standard deviation.
func Find(series []float64, resolution float64, o Options) []Step {
	o = o.orUsual()
	y, at := present(series)
	if len(y) > o.Span {
		y, at = y[len(y)-o.Span:], at[len(at)-o.Span:]
	}
	if len(y) < 2*o.Least {
		return nil
	}
	sd, slow := Noise(y)
	sd = max(sd, resolution)
	if sd == 0 {
		sd = 1e-12 // constant but for a few nights: any lasting change is one
	}
	y = clipped(y, o.Window, o.Clip*sd)
	starts := pelt(y, o.Least, o.Penalty*math.Log(float64(len(y)))*sd*sd*slow)
	return keep(y, at, starts, sd*math.Sqrt(slow), o)
}

// present returns the values that there are, and where.
func present(series []float64) (y []float64, at []int) {
	for i, v := range series {
		if !math.IsNaN(v) && !math.IsInf(v, 0) {
			y, at = append(y, v), append(at, i)
		}
	}
	return y, at
}

// meanOf is how many nights are averaged to see how slowly noise averages out.
const meanOf = 5

// Noise estimates the standard deviation of a night's noise, and how many times the variance of a mean of several nights
// is what independent noise of that size would have, at least 1 and at most [meanOf].
//
// Both by medians: sd = 1.4826 · median|y(t+1) − y(t)| ÷ √2. Noise that lasts for several nights makes the differences of
// neighbours too small and those of neighbouring means too large.
func Noise(y []float64) (sd, slow float64) {
	sd = spread(differences(y, 1))
	if sd == 0 {
		return 0, 1
	}
	if len(y) < 8*meanOf {
		return sd, 1
	}
	means := spread(differences(means(y, meanOf), meanOf)) * math.Sqrt(meanOf)
	return sd, min(max(means*means/(sd*sd), 1), meanOf)
}

// means are the running means of n values.
func means(y []float64, n int) []float64 {
	out := make([]float64, 0, len(y)-n+1)
	sum := 0.0
	for i, v := range y {
		sum += v
		if i >= n {
			sum -= y[i-n]
		}
		if i >= n-1 {
			out = append(out, sum/float64(n))
		}
	}
	return out
}

// differences are those of values that are lag apart.
func differences(y []float64, lag int) []float64 {
	var out []float64
	for i := lag; i < len(y); i++ {
		out = append(out, y[i]-y[i-lag])
	}
	return out
}

// normalMedian is the standard deviation of a normal distribution with a median absolute value of 1.
const normalMedian = 1.4826

// spread is the standard deviation of one of two values by the median of the differences of such.
func spread(differences []float64) float64 {
	abs := make([]float64, len(differences))
	for i, d := range differences {
		abs[i] = math.Abs(d)
	}
	return normalMedian * median(abs) / math.Sqrt2
}

func median(x []float64) float64 {
	if len(x) == 0 {
		return 0
	}
	x = slices.Sorted(slices.Values(x))
	return (x[(len(x)-1)/2] + x[len(x)/2]) / 2
}

// clipped pulls values that are more than most from the median of their window to that distance.
func clipped(y []float64, window int, most float64) []float64 {
	out := make([]float64, len(y))
	half := window / 2
	for i, v := range y {
		middle := median(y[max(0, i-half):min(len(y), i+half+1)])
		out[i] = middle + max(-most, min(most, v-middle))
	}
	return out
}

// sums has the sums of the first values and of their squares.
type sums struct{ plain, square []float64 }

func sumUp(y []float64) sums {
	s := sums{make([]float64, len(y)+1), make([]float64, len(y)+1)}
	for i, v := range y {
		s.plain[i+1], s.square[i+1] = s.plain[i]+v, s.square[i]+v*v
	}
	return s
}

// cost is the sum of the squares of y[from:to] about its mean.
func (s sums) cost(from, to int) float64 {
	sum := s.plain[to] - s.plain[from]
	return max(0, s.square[to]-s.square[from]-sum*sum/float64(to-from))
}

// pelt returns where the levels begin, the first at 0, that minimise the squares about their means plus the penalty for each
// but the first.
func pelt(y []float64, least int, penalty float64) []int {
	centre := median(y)
	moved := make([]float64, len(y)) // so that squares don't cancel
	for i, v := range y {
		moved[i] = v - centre
	}
	s, n := sumUp(moved), len(y)
	best, from := make([]float64, n+1), make([]int, n+1)
	best[0] = -penalty
	type candidate struct{ from, until int } // a beginning, and the last end that it may still be the best for
	candidates := []candidate{{0, n}}
	for to := least; to <= n; to++ {
		best[to] = math.Inf(1)
		for _, c := range candidates {
			if total := best[c.from] + s.cost(c.from, to) + penalty; total < best[to] {
				best[to], from[to] = total, c.from
			}
		}
		// A beginning that is behind by more than the penalty can't be the best for an end that lets a level begin here.
		kept := candidates[:0]
		for _, c := range candidates {
			if best[c.from]+s.cost(c.from, to) > best[to] {
				c.until = min(c.until, to+least-1)
			}
			if c.until > to {
				kept = append(kept, c)
			}
		}
		candidates = kept
		if next := to - least + 1; next >= least {
			candidates = append(candidates, candidate{next, n})
		}
	}
	var starts []int
	for to := n; to > 0; to = from[to] {
		starts = append(starts, from[to])
	}
	slices.Reverse(starts)
	return starts
}

// keep drops changes that are too small, the smallest first, and joins the levels on both sides of each.
func keep(y []float64, at, starts []int, sd float64, o Options) []Step {
	s := sumUp(y)
	level := func(from, to int) float64 { return (s.plain[to] - s.plain[from]) / float64(to-from) }
	for {
		bounds := append(slices.Clone(starts), len(y))
		var steps []Step
		smallest, worst := 1.0, -1
		for i := 1; i < len(starts); i++ {
			from, middle, to := bounds[i-1], bounds[i], bounds[i+1]
			step := Step{
				At: at[middle], Before: level(from, middle), After: level(middle, to),
				Error: sd * math.Sqrt(1/float64(middle-from)+1/float64(to-middle)),
			}
			steps = append(steps, step)
			if share := math.Abs(step.Size()) / max(o.Share, o.Errors*step.Error); share < smallest {
				smallest, worst = share, i
			}
		}
		if worst < 0 {
			return steps
		}
		starts = slices.Delete(slices.Clone(starts), worst, worst+1)
	}
}
