package results

import (
	"fmt"
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
	"gonum.org/v1/gonum/stat/distuv"
)

// Thresholds of what makes a benchmark's times doubtful.
const (
	// MostWaiting is the share of a CPU that a process may use while the others of its block have their turn.
	MostWaiting = 0.05
	// tooFast is a time in which a processor does next to nothing, in ns: the loop round a benchmark takes a third of it.
	tooFast = 1
	// driftLevel is the chance of a correlation with time as strong by accident.
	driftLevel = 0.001
	// modesApart is the distance of the centres, in standard deviations within, from which values come from two groups: by
	// Ashman's D with one deviation for both (Ashman, Bird and Zepf, Astronomical Journal 108, 1994, who have 2 for a clean
	// separation of groups known beforehand). The best halves of one normal distribution are 2.65 apart, of a dozen values
	// at times much more.
	modesApart = 6
	// leastOfMode is the share of the values that a group has at least.
	leastOfMode = 0.2
	leastTrials = 10
)

// FirstHeap is the heap at which Go's collector begins by default, in bytes (the description of GOGC in package runtime).
const FirstHeap = 4 << 20

// doubts returns what speaks against taking one side's values for what they say they are, in the order of their blocks.
func doubts(name, unit string, trials []*Trial, margin float64) []string {
	var values, bytes []float64
	for _, t := range trials {
		if v, ok := t.Get(unit); ok && t.Outcome == OK {
			values = append(values, v)
		}
		if v, ok := t.Get("B/op"); ok {
			bytes = append(bytes, v*float64(t.Iterations))
		}
	}
	waiting, wall := 0.0, 0.0
	for _, t := range trials {
		waiting, wall = waiting+t.WaitingMS, wall+t.WallMS
	}
	var out []string
	doubt := func(format string, args ...any) {
		out = append(out, name+": "+fmt.Sprintf(format, args...))
	}
	if unit == "ns/op" && len(values) > 0 && median(values) < tooFast {
		doubt("%.2g ns an operation is less than a processor needs for anything: the compiler has probably removed the work", median(values))
	}
	if unit == "ns/op" && len(bytes) > 0 {
		if n := median(bytes) / FirstHeap; n >= 1 {
			doubt("about %.2g garbage collections of a small heap fall in the timed part of a trial, which allocates %.3g MiB", n, median(bytes)/(1<<20))
		}
	}
	if waiting > MostWaiting*wall && wall > 0 {
		doubt("it used %.0f %% of a CPU while the others had their turn, which took time from them", 100*waiting/wall)
	}
	if len(values) < leastTrials || slices.Min(values) <= 0 {
		return out
	}
	if change, p := driftOf(values); p < driftLevel && math.Abs(change) > margin {
		doubt("it changed by %+.0f %% from the first to the last block", 100*change)
	}
	if low, high, d := modes(values); d > modesApart && high/low > 1+margin {
		doubt("its values fall into two groups, round %.3g and %.3g %s", low, high, unit)
	}
	return out
}

// driftOf returns by how much the values change from the first to the last, as a share, by the least squares line
// through their logarithms, and the p of Spearman's rank correlation with their order (the t approximation).
func driftOf(values []float64) (change, p float64) {
	n := len(values)
	order, logs := make([]float64, n), make([]float64, n)
	for i, v := range values {
		order[i], logs[i] = float64(i), math.Log(v)
	}
	rho := stat.Correlation(order, ranksOf(values), nil)
	if math.IsNaN(rho) { // all equal
		return 0, 1
	}
	_, slope := stat.LinearRegression(order, logs, nil, false)
	change = math.Expm1(slope * float64(n-1))
	if rho*rho >= 1 {
		return change, 0
	}
	t := math.Abs(rho) * math.Sqrt(float64(n-2)/(1-rho*rho))
	return change, 2 * distuv.StudentsT{Sigma: 1, Nu: float64(n - 2)}.Survival(t)
}

// ranksOf returns the midranks of the values.
func ranksOf(values []float64) []float64 {
	sorted := slices.Sorted(slices.Values(values))
	out := make([]float64, len(values))
	for i, v := range values {
		first, _ := slices.BinarySearch(sorted, v)
		last := first
		for last < len(sorted) && sorted[last] == v {
			last++
		}
		out[i] = float64(first+last+1) / 2
	}
	return out
}

// modes splits the values into the two groups whose squares about their means are least, and returns the groups'
// centres and how many standard deviations within they are apart, in logarithms; 0 where a group would be too small.
func modes(values []float64) (low, high, d float64) {
	logs := make([]float64, len(values))
	for i, v := range values {
		logs[i] = math.Log(v)
	}
	slices.Sort(logs)
	least := max(3, int(math.Ceil(leastOfMode*float64(len(logs)))))
	best := math.Inf(1)
	for cut := least; cut <= len(logs)-least; cut++ {
		m1, v1 := stat.PopMeanVariance(logs[:cut], nil)
		m2, v2 := stat.PopMeanVariance(logs[cut:], nil)
		if within := v1*float64(cut) + v2*float64(len(logs)-cut); within < best {
			best = within
			low, high = math.Exp(m1), math.Exp(m2)
			d = (m2 - m1) / math.Sqrt(within/float64(len(logs)))
		}
	}
	return low, high, d
}
