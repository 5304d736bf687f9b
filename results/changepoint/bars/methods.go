package main

import (
	"math"
	"slices"

	"tunelab/results/changepoint"
)

// A method finds where a series of logarithms changed: the first nights of new levels, in order. The truth is for the one to
// look at that is no method.
type method struct {
	name string
	find func(y []float64, t truth) []int
}

// A truth is what no method can know of a series with one step from level 0.
type truth struct {
	size  float64   // of the step, 0 when there is none
	noise []float64 // of all nights, in any order
}

// methods are ours, those that it is held against, and one that is told the truth.
var methods = []method{
	{"tunelab", ours},
	{"windowed E-divisive (Otava)", func(y []float64, _ truth) []int { return usualDivisive.find(y) }},
	{"PELT, 2·ln n, no clip", func(y []float64, _ truth) []int { return textbook(y) }},
	{"no change ever", func([]float64, truth) []int { return nil }},
	{"told all but the place", told},
}

func ours(y []float64, _ truth) []int {
	return places(changepoint.Find(y, 0, changepoint.Options{}))
}

func places(steps []changepoint.Step) []int {
	var out []int
	for _, s := range steps {
		out = append(out, s.At)
	}
	return out
}

// told knows the level, that there is one step, its size, and all nights' noise, and puts the step where the nights are the
// likeliest. What it does not find is in nights that are too noisy to say where a step of this size was, so it shows
// about how much there is to find; and rather too much, since each night is in the sample by which it is judged.
func told(y []float64, know truth) []int {
	if know.size == 0 {
		return nil
	}
	width := math.Max(0.9*neighbourNoise(know.noise)*math.Pow(float64(len(y)), -0.2), 1e-9)
	at, least, sum := 0, 0.0, 0.0
	for t, v := range y { // the step is behind night t
		sum += likelihood(know.noise, width, v-know.size) - likelihood(know.noise, width, v)
		if sum < least {
			at, least = t+1, sum
		}
	}
	return []int{at}
}

// likelihood is the logarithm of the share of a sample that is near x, triangles of a half width each, and one night in a
// thousand that may be anything.
func likelihood(sample []float64, width, x float64) float64 {
	near := 0.0
	for _, v := range sample {
		near += max(0, 1-math.Abs(x-v)/width)
	}
	return math.Log(near/float64(len(sample)) + 1e-3)
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
