// Package changepoint finds the nights at which a series of measurements changed its level for good.
//
//  1. The size of a night's noise is estimated from the differences of neighbours, which a few steps hardly touch.
//  2. Every night is pulled to within 1.345 such sizes of the median of the 11 nights around it. This is the function that
//     Huber (Annals of Mathematical Statistics 35, 1964) applies to residuals: what shared machines do to a benchmark has
//     heavy tails, and steps are seen much better when a bad night counts as little as it does in a median.
//  3. The noise of what is left, and how many times more slowly than independent noise it averages out ([Noise]), are
//     estimated from it once more. So the next step's penalty is right whatever the tails were, and noise that lasts for
//     several nights is not taken for steps.
//  4. The levels are those that minimise the squares about them plus a penalty for each change, by PELT (Killick,
//     Fearnhead and Eckley, JASA 107, 2012), which is exact.
//  5. Each change is moved to where it most likely is, by a density of the noise that is estimated from both levels' nights.
//  6. Changes that are too small to matter, or not told from noise, are dropped.
//
// No change-point method has an error guarantee at a split that the data chose: what it finds is a candidate, to be
// confirmed by measuring both sides anew. How often it is wrong on a real history is what results/changepoint/bars says.
package changepoint

import (
	"math"
	"slices"
)

// Options say what counts as a change. The zero value of a field is replaced by that of [Usual].
type Options struct {
	Penalty float64 // of a change, in units of the noise's long-run variance × ln of the number of nights
	Window  int     // nights of which the median is taken, odd
	Clip    float64 // standard deviations from the window's median to which a night is pulled in
	Least   int     // nights of a level
	Span    int     // nights, the last ones, that are looked at
	Share   float64 // size of a change, of a logarithm, below which it does not matter
	Errors  float64 // standard errors that a change has at least
}

// Usual is what is used for nights.
//
// The penalty is the leading term of the modified BIC (Zhang and Siegmund, Biometrics 63, 2007). A clip of 1.345 loses 5 %
// of the efficiency when the noise is normal (Huber). In a window of 11 a level of six nights has the majority: shorter
// ones are taken for bad nights, and a step is not seen before it has lasted for three or four.
var Usual = Options{Penalty: 3, Window: 11, Clip: 1.345, Least: 3, Span: 365, Share: math.Log(1.01), Errors: 2}

// Counts is what is used for series of counts, such as allocations, as they are and not their logarithms, which zero has
// none of. Levels that differ by less than half of one are the same.
var Counts = Options{Share: 0.5}

// Rounding is the resolution of counts, for [Find]: the standard deviation of what rounding to a whole number takes away,
// 1/√12. Without it a count that goes to and fro between two neighbours would seem to have no noise.
const Rounding = 0.28867513459481287

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

// Find returns the steps of a series, one value a night, in order: of logarithms, or of counts with [Counts]. Nights
// without a value are NaN or infinite and are skipped. The noise is taken to be at least the resolution of the data, a
// standard deviation.
func Find(series []float64, resolution float64, o Options) []Step {
	o = o.orUsual()
	y, at := present(series)
	if len(y) > o.Span {
		y, at = y[len(y)-o.Span:], at[len(at)-o.Span:]
	}
	if len(y) < 2*o.Least {
		return nil
	}
	// Where nothing moves but for a few nights any lasting change is one, if it is more than the error of the arithmetic.
	least := max(resolution, 1e-6*(slices.Max(y)-slices.Min(y)))
	if least == 0 {
		return nil
	}
	sd := max(spread(differences(y, 1)), least)
	pulled := clipped(y, o.Window, o.Clip*sd)
	variance, slow := memory(pulled)
	variance = max(variance, least*least) * slow
	starts := pelt(pulled, o.Least, o.Penalty*math.Log(float64(len(y)))*variance)
	placed(y, starts, o.Least, least)
	return keep(levelled(y, starts, o.Clip*sd), at, starts, math.Sqrt(variance), o)
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

// Noise estimates the standard deviation of a night's noise, and how many times the variance of a mean of several nights
// is what independent noise of that size would have, from 1 to 6. All values are finite.
//
// The standard deviation is 1.4826 · median|y(t+1) − y(t)| ÷ √2: that of the middle of the noise, whatever the tails are.
func Noise(y []float64) (sd, slow float64) {
	sd = spread(differences(y, 1))
	if sd == 0 {
		return 0, 1
	}
	_, slow = memory(clipped(y, Usual.Window, Usual.Clip*sd))
	return sd, slow
}

const (
	meanOf  = 8 // nights are averaged to see how slowly noise averages out
	slowest = 6 // noise that averages out more slowly than this can't be told from steps
)

// memory estimates the variance of noise without heavy tails, and how many times more slowly than independent noise it
// averages out. Noise that lasts for several nights makes the differences of neighbours too small and those of
// neighbouring means too large.
//
// Both by means of squares rather than medians: of some 200 nights the means of eight are but 25 that don't overlap, and
// a median of so few would say little.
func memory(y []float64) (variance, slow float64) {
	variance = square(differences(y, 1), 3) / 2
	nights := min(meanOf, len(y)/8)
	if variance == 0 || nights < 2 {
		return variance, 1
	}
	// A step is in twice as many differences of means as a mean has nights, so the bound is nearer.
	ofMeans := square(differences(means(y, nights), nights), 2.5) / 2 * float64(nights)
	return variance, min(max(ofMeans/variance, 1), slowest)
}

// square is the mean of the squares of differences of which none counts for more than so many standard deviations, so that
// steps don't. When most are 0 the standard deviation is, and then one in forty may count for as much as the next.
func square(differences []float64, most float64) float64 {
	bound := most * math.Sqrt2 * spread(differences)
	if bound == 0 {
		abs := absolute(differences)
		slices.Sort(abs)
		bound = abs[len(abs)-1-len(abs)/40]
	}
	sum := 0.0
	for _, d := range differences {
		d = max(-bound, min(bound, d))
		sum += d * d
	}
	return sum / float64(len(differences))
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
	out := make([]float64, 0, max(0, len(y)-lag))
	for i := lag; i < len(y); i++ {
		out = append(out, y[i]-y[i-lag])
	}
	return out
}

// normalMedian is the standard deviation of a normal distribution with a median absolute value of 1.
const normalMedian = 1.4826

// spread is the standard deviation of one of two values by the median of the differences of such.
func spread(differences []float64) float64 {
	return normalMedian * median(absolute(differences)) / math.Sqrt2
}

func absolute(x []float64) []float64 {
	abs := make([]float64, len(x))
	for i, v := range x {
		abs[i] = math.Abs(v)
	}
	return abs
}

// median of values, which may be none; they stay in their order.
func median(x []float64) float64 {
	return middle(slices.Clone(x))
}

// middle is the median of values that it may put in order.
func middle(x []float64) float64 {
	if len(x) == 0 {
		return 0
	}
	slices.Sort(x)
	return (x[(len(x)-1)/2] + x[len(x)/2]) / 2
}

// clipped pulls values that are more than most from the median of their window to that distance.
func clipped(y []float64, window int, most float64) []float64 {
	out := make([]float64, len(y))
	half := window / 2
	scratch := make([]float64, 0, window)
	for i, v := range y {
		around := middle(append(scratch, y[max(0, i-half):min(len(y), i+half+1)]...))
		out[i] = around + max(-most, min(most, v-around))
	}
	return out
}

// levelled pulls values that are more than most from the median of their level to that distance.
func levelled(y []float64, starts []int, most float64) []float64 {
	out := make([]float64, 0, len(y))
	for i, from := range starts {
		to := len(y)
		if i+1 < len(starts) {
			to = starts[i+1]
		}
		level := median(y[from:to])
		for _, v := range y[from:to] {
			out = append(out, level+max(-most, min(most, v-level)))
		}
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
