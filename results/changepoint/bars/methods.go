package main

import (
	"math"
	"slices"

	"tunelab/results/changepoint"
)

// A method finds where a series of logarithms changed: the first nights of new levels, in order. What size of step was
// put in, 0 when there is none, is for the one to look at that is no method.
type method struct {
	name string
	find func(y []float64, size float64) []int
}

// methods are ours, those that it is held against, and one that is told what no method can know.
var methods = []method{
	{"tunelab", ours},
	{"windowed E-divisive (Otava)", func(y []float64, _ float64) []int { return usualDivisive.find(y) }},
	{"PELT, 2·ln n, no clip", func(y []float64, _ float64) []int { return textbook(y) }},
	{"no change ever", func([]float64, float64) []int { return nil }},
	{"told all but the place", told},
}

func ours(y []float64, _ float64) []int {
	return places(changepoint.Find(y, 0, changepoint.Options{}))
}

func places(steps []changepoint.Step) []int {
	var out []int
	for _, s := range steps {
		out = append(out, s.At)
	}
	return out
}

// told knows the level, that there is one step, and its size, and puts it where the absolute deviations are least. What it
// does not find is in nights that are too noisy to say where a step of this size was, so it shows about how much there
// is to find.
func told(y []float64, size float64) []int {
	if size == 0 {
		return nil
	}
	at, least, sum := 0, 0.0, 0.0
	for t, v := range y { // the step is behind night t
		sum += math.Abs(v) - math.Abs(v-size)
		if sum < least {
			at, least = t+1, sum
		}
	}
	return []int{at}
}

// textbook minimises the squares about the levels, in units of the noise's variance, plus 2·ln n for each change, as any
// introduction to PELT does it. It looks at all ways to divide the series, which PELT is a fast way to do, so that
// nothing of it is shared with what it is held against.
func textbook(y []float64) []int {
	n := len(y)
	if n < 2 {
		return nil
	}
	sd := neighbourNoise(y)
	penalty := 2 * math.Log(float64(n)) * max(sd*sd, 1e-24) // all alike: any change is one
	best, from := make([]float64, n+1), make([]int, n+1)
	best[0] = -penalty
	for to := 1; to <= n; to++ {
		best[to] = math.Inf(1)
		// Squares about the mean of y[begin:to], by Welford's update as the level grows to the left.
		mean, squares := 0.0, 0.0
		for begin := to - 1; begin >= 0; begin-- {
			d := y[begin] - mean
			mean += d / float64(to-begin)
			squares += d * (y[begin] - mean)
			if total := best[begin] + squares + penalty; total < best[to] {
				best[to], from[to] = total, begin
			}
		}
	}
	return startsOf(from)
}

// startsOf follows the beginnings of the last levels back; the beginning of the series is no change.
func startsOf(from []int) []int {
	var out []int
	for to := from[len(from)-1]; to > 0; to = from[to] {
		out = append(out, to)
	}
	slices.Reverse(out)
	return out
}
