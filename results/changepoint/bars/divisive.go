package main

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat/distuv"
)

// A divisive is E-divisive (Matteson and James, JASA 109, 2014) in windows, with Student's t-test for the permutations, as
// Hunter does it (Fleming et al., "Hunter: using change point detection to hunt for performance regressions", ICPE 2023),
// which became Apache Otava: written anew from the papers' words.
//
// Each window is divided where the energy distance between the two sides is largest, again and again, while the t-test
// between the new neighbours stays below ten times the wanted p. The next window begins at the last change, or half a
// window on. Then the changes of all windows, the least significant first, are dropped until all that are left have
// the wanted p against their neighbours.
type divisive struct {
	window int     // nights
	p      float64 // largest p of a change that is reported
}

// usualDivisive has Otava's defaults.
var usualDivisive = divisive{window: 50, p: 0.001}

func (d divisive) find(y []float64) []int {
	var weak []int
	for start := 0; start < len(y); {
		end := min(start+d.window, len(y))
		next := start + d.window/2
		for _, at := range divide(y[start:end], 10*d.p) {
			weak = append(weak, start+at)
			next = max(next, start+at)
		}
		start = next
	}
	slices.Sort(weak)
	return strong(y, slices.Compact(weak), d.p)
}

// strong drops the least significant change until all have a p below the given one, each between its neighbours.
func strong(y []float64, starts []int, p float64) []int {
	for len(starts) > 0 {
		worst, largest := 0, -1.0
		for i, at := range starts {
			from, to := around(starts, i, len(y))
			if p := student(y[from:at], y[at:to]); p > largest {
				worst, largest = i, p
			}
		}
		if largest < p {
			break
		}
		starts = slices.Delete(starts, worst, worst+1)
	}
	return starts
}

// around are the bounds of the two levels beside the i-th change.
func around(starts []int, i, n int) (from, to int) {
	from, to = 0, n
	if i > 0 {
		from = starts[i-1]
	}
	if i+1 < len(starts) {
		to = starts[i+1]
	}
	return from, to
}

// divide finds the changes of one window: of all levels' best divisions the one with the largest distance, as long as it
// is significant.
func divide(y []float64, p float64) []int {
	var starts []int
	for {
		at, largest := 0, 0.0
		bounds := append(append([]int{0}, starts...), len(y))
		for i := 1; i < len(bounds); i++ {
			if k, q := farthest(y[bounds[i-1]:bounds[i]]); q > largest {
				at, largest = bounds[i-1]+k, q
			}
		}
		if largest == 0 {
			return starts
		}
		place, _ := slices.BinarySearch(starts, at)
		longer := slices.Insert(slices.Clone(starts), place, at)
		from, to := around(longer, place, len(y))
		if student(y[from:at], y[at:to]) > p {
			return starts
		}
		starts = longer
	}
}

// farthest is where the two sides of a level have the largest energy distance, with exponent 1, times mn/(m+n).
//
// Between and within sums are carried along as a value moves from the right to the left. A side of one night has no
// distance within.
func farthest(y []float64) (at int, largest float64) {
	n := len(y)
	left, right, between := 0.0, 0.0, 0.0
	for i := range y {
		for j := range i {
			right += math.Abs(y[i] - y[j])
		}
	}
	for k := 1; k < n; k++ {
		moved := y[k-1]
		toLeft, toRight := 0.0, 0.0
		for _, v := range y[:k-1] {
			toLeft += math.Abs(moved - v)
		}
		for _, v := range y[k:] {
			toRight += math.Abs(moved - v)
		}
		left, right, between = left+toLeft, right-toRight, between-toLeft+toRight
		m, r := float64(k), float64(n-k)
		q := 2 * between / (m * r)
		if k > 1 {
			q -= 2 * left / (m * (m - 1))
		}
		if n-k > 1 {
			q -= 2 * right / (r * (r - 1))
		}
		if q *= m * r / (m + r); q > largest {
			at, largest = k, q
		}
	}
	return at, largest
}

// student is the two-sided p of Student's t-test with the variance pooled; 1 where it says nothing.
func student(a, b []float64) float64 {
	freedom := float64(len(a) + len(b) - 2)
	if freedom <= 0 || len(a) == 0 || len(b) == 0 {
		return 1
	}
	meanA, squaresA := meanAndSquares(a)
	meanB, squaresB := meanAndSquares(b)
	apart := math.Abs(meanA - meanB)
	if apart == 0 {
		return 1
	}
	variance := (squaresA + squaresB) / freedom
	t := apart / math.Sqrt(variance*(1/float64(len(a))+1/float64(len(b))))
	return 2 * distuv.StudentsT{Mu: 0, Sigma: 1, Nu: freedom}.CDF(-t)
}

// meanAndSquares is the mean, and the sum of squares about it.
func meanAndSquares(y []float64) (mean, squares float64) {
	for _, v := range y {
		mean += v / float64(len(y))
	}
	for _, v := range y {
		squares += (v - mean) * (v - mean)
	}
	return mean, squares
}
