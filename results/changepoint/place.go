package changepoint

import (
	"math"
	"slices"
)

// placed moves each beginning but the first to the night about which the step most likely is: every night's noise, which is
// what it is above the level, has a likelihood on either side. A step that is small beside the whole noise is still seen
// to the night when the noise has narrow peaks, as where nights run on a few kinds of machines: a square or an absolute
// deviation can't see that.
func placed(y []float64, starts []int, least int, resolution float64) {
	for i := 1; i < len(starts); i++ {
		begin, end := starts[i-1], len(y)
		if i+1 < len(starts) {
			end = starts[i+1]
		}
		for range rounds {
			at := begin + likeliest(y[begin:end], starts[i]-begin, least, resolution)
			if at == starts[i] {
				break
			}
			starts[i] = at
		}
	}
}

const (
	rounds     = 6    // in which the noise is estimated anew from where the step was put; most end after two
	reach      = 28   // nights by which a step is moved at most in each
	anything   = 1e-3 // share of nights that may be anything, of the likelihood of a night on a peak of the noise
	farAway    = 10   // standard deviations of the noise's middle, from which on a night is one of those
	resolved   = 2    // resolutions, half a kernel's width at least
	noSize     = 0.1  // half widths of a kernel, below which a step's size says nothing of its place
	equalParts = 20   // into which quantiles divide the nights of a level
	nearby     = 3    // a step that is put a night off is worth a quarter less, two nights a half, and beyond these nothing
)

// trust is the power of the likelihood in the posterior, as nights are not independent and their density is an estimate
// (coarsening: Miller and Dunson, JASA 114, 2019).
const trust = 1. / 3

// likeliest returns where a step is to be put, given about where it is: y[:at] is before it and y[at:] after. Of the nights
// that leave both levels at least so many it is the one with the most of the posterior near it; where the step has no size,
// as when only the mixture of the nights' machines changed, it stays.
func likeliest(y []float64, at, least int, resolution float64) int {
	size := shift(y[:at], y[at:])
	noise := slices.Clone(y)
	for t := at; t < len(y); t++ {
		noise[t] -= size
	}
	level := median(noise)
	for t := range noise {
		noise[t] -= level
	}
	likelihood := densityOf(noise, resolution)
	first, last := max(least, at-reach), min(len(y)-least, at+reach)
	if math.Abs(size) < noSize*likelihood.width || first > last {
		return at
	}
	var posterior []float64 // first its logarithm
	sum := 0.0
	for t := first; t <= last; t++ {
		posterior = append(posterior, trust*sum)
		sum += likelihood.logWithout(noise[t], y[t]-level) - likelihood.logWithout(noise[t], y[t]-level-size)
	}
	largest := slices.Max(posterior)
	for i := range posterior {
		posterior[i] = math.Exp(posterior[i] - largest)
	}
	return first + centre(posterior, nearby)
}

// centre is where the sum of the weights, each less the farther away it is and nothing beyond so many places, is largest.
func centre(weights []float64, reach int) int {
	at, most := 0, 0.0
	for i := range weights {
		sum := 0.0
		for k := max(0, i-reach); k <= min(len(weights)-1, i+reach); k++ {
			sum += weights[k] * float64(1+reach-max(i-k, k-i))
		}
		if sum > most {
			at, most = i, sum
		}
	}
	return at
}

// shift is by how much the values of b are larger than those of a: the median of the differences of their quantiles. When
// the values have two peaks the median itself may be on either.
func shift(a, b []float64) float64 {
	a, b = slices.Sorted(slices.Values(a)), slices.Sorted(slices.Values(b))
	differences := make([]float64, 0, equalParts-1)
	for k := 1; k < equalParts; k++ {
		p := float64(k) / equalParts
		differences = append(differences, quantile(b, p)-quantile(a, p))
	}
	return middle(differences)
}

// quantile of sorted values, linear between them, of which the i-th is at (i + 1/2) ÷ n (Hyndman and Fan, American
// Statistician 50, 1996, definition 5).
func quantile(sorted []float64, p float64) float64 {
	at := max(0, min(p*float64(len(sorted))-0.5, float64(len(sorted)-1)))
	i := int(at)
	next := min(i+1, len(sorted)-1)
	return sorted[i] + (at-float64(i))*(sorted[next]-sorted[i])
}

// A density is a kernel estimate of how likely values are, with the kernel of Epanechnikov (Theory of Probability and its
// Applications 14, 1969), in units of its peak.
type density struct {
	sorted []float64 // of the sample, without what is far away
	sums   sums
	n      int     // values of the sample
	width  float64 // half of a kernel's
}

// densityOf values about 0. The width is half of Silverman's for a normal density (Density Estimation for Statistics and
// Data Analysis, 1986, eq. 3.31: 0.9 sd n^-1/5, times 2.214 for this kernel), since peaks shall stay apart, and no less
// than what rounding does to a value.
func densityOf(sample []float64, resolution float64) density {
	sorted := slices.Sorted(slices.Values(sample))
	n := len(sorted)
	sd := (quantile(sorted, 0.75) - quantile(sorted, 0.25)) / 1.349
	width := max(sd*math.Pow(float64(n), -0.2), resolved*resolution)
	// Without what is far away the sums of squares are exact enough for differences of them.
	far := farAway * max(sd, width)
	from, _ := slices.BinarySearch(sorted, -far)
	to, _ := slices.BinarySearch(sorted, far)
	sorted = sorted[from:to]
	return density{sorted, sumUp(sorted), n, width}
}

// logWithout is the logarithm of the density at x, estimated without one value of the sample, so that where a night was
// put before says nothing about where it belongs.
func (d density) logWithout(own, x float64) float64 {
	from, _ := slices.BinarySearch(d.sorted, x-d.width)
	to, _ := slices.BinarySearch(d.sorted, x+d.width)
	n, plain, square := float64(to-from), d.sums.plain[to]-d.sums.plain[from], d.sums.square[to]-d.sums.square[from]
	kernels := n - (n*x*x-2*x*plain+square)/(d.width*d.width)
	kernels -= max(0, 1-(x-own)*(x-own)/(d.width*d.width))
	return math.Log(max(0, kernels)/float64(d.n) + anything)
}
