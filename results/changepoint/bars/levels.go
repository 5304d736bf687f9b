package main

import (
	"math"
	"slices"
)

// A leveller says what the level of a series was, every night.
type leveller struct {
	name  string
	level func(y []float64) []float64
}

var levellers = []leveller{
	{"segments", segments},
	{"running", func(y []float64) []float64 { return running(y, runningNights) }},
}

const (
	runningNights = 21 // of the running median
	shortest      = 3  // nights of a segment
)

// running is the median of so many nights around each. It keeps the edge of a step, and it leaves in the residuals what
// lasts for less than half of those nights.
func running(y []float64, nights int) []float64 {
	out := make([]float64, len(y))
	for t := range y {
		out[t] = median(y[max(0, t-nights/2):min(len(y), t+nights/2+1)])
	}
	return out
}

// segments divides the series so that the absolute deviations from the segments' medians, plus a penalty for each change,
// are least: in units of the likelihood of Laplace's distribution 4·ln n for each, twice what is usual, so that it is
// slow to call something a step. It shares nothing with the methods that are judged: absolute deviations need no
// clipping, and all ways to divide are looked at.
func segments(y []float64) []float64 {
	n := len(y)
	scale := neighbourNoise(y) * math.Sqrt(2/math.Pi) // the mean absolute deviation of such normal noise
	penalty := 4 * math.Log(float64(n)) * scale / 2
	best, from := make([]float64, n+1), make([]int, n+1)
	for to := range best {
		best[to] = math.Inf(1)
	}
	best[0] = -penalty
	for begin := range n {
		var sorted []float64
		for to := begin + 1; to <= n && !math.IsInf(best[begin], 1); to++ {
			at, _ := slices.BinarySearch(sorted, y[to-1])
			sorted = slices.Insert(sorted, at, y[to-1])
			if to-begin < shortest {
				continue
			}
			total := best[begin] + penalty
			for _, v := range sorted {
				total += math.Abs(v - sorted[len(sorted)/2])
			}
			if total < best[to] {
				best[to], from[to] = total, begin
			}
		}
	}
	return medians(y, startsOf(from))
}

// medians is every night's median of the segment that it is in.
func medians(y []float64, starts []int) []float64 {
	out := make([]float64, 0, len(y))
	for i := 0; i <= len(starts); i++ {
		begin, end := 0, len(y)
		if i > 0 {
			begin = starts[i-1]
		}
		if i < len(starts) {
			end = starts[i]
		}
		out = append(out, slices.Repeat([]float64{median(y[begin:end])}, end-begin)...)
	}
	return out
}

// neighbourNoise is the standard deviation of a night by the median difference of neighbours.
func neighbourNoise(y []float64) float64 {
	var apart []float64
	for i := 1; i < len(y); i++ {
		apart = append(apart, math.Abs(y[i]-y[i-1]))
	}
	return 1.4826 * median(apart) / math.Sqrt2
}
