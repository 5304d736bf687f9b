package main

import (
	"math"
	"math/rand/v2"
)

const (
	fewest      = 100 // nights that a series has at least, to be used
	blockNights = 10  // of a block that is drawn as one, so that what lasts for several nights stays together
	fromEnds    = 10  // nights between a step and the ends of its series
)

// residuals are what is left of times when the night and the level are taken away: of the logarithms, first the night's
// median over all benchmarks, each seen from its own median; then the level. They have no gaps. Series with few nights
// have nil.
func residuals(times []series, level func(y []float64) []float64) [][]float64 {
	logs := make([][]float64, len(times))
	for i, s := range times {
		logs[i] = make([]float64, len(s.values))
		for t, v := range s.values {
			logs[i][t] = math.Log(v)
			if v == 0 {
				logs[i][t] = math.NaN()
			}
		}
		own := median(present(logs[i]))
		for t := range logs[i] {
			logs[i][t] -= own
		}
	}
	takeNightAway(logs)
	out := make([][]float64, len(times))
	for i := range logs {
		if y := present(logs[i]); len(y) >= fewest {
			levels := level(y)
			for t := range y {
				y[t] -= levels[t]
			}
			out[i] = y
		}
	}
	return out
}

// takeNightAway subtracts from every value the median of all values of its night: what all benchmarks share is the machine.
func takeNightAway(logs [][]float64) {
	if len(logs) == 0 {
		return
	}
	for t := range logs[0] {
		var night []float64
		for _, y := range logs {
			night = append(night, y[t])
		}
		shared := median(present(night))
		for _, y := range logs {
			y[t] -= shared
		}
	}
}

// A draw makes a series without a step of a benchmark's residuals.
type draw struct {
	name string
	from func(random *rand.Rand, residuals []float64) []float64
}

var draws = []draw{{"shuffled", shuffled}, {"in blocks of 10", inBlocks}}

// shuffled are the residuals in random order: noise without memory.
func shuffled(random *rand.Rand, residuals []float64) []float64 {
	out := make([]float64, len(residuals))
	for i, j := range random.Perm(len(residuals)) {
		out[i] = residuals[j]
	}
	return out
}

// inBlocks are neighbouring residuals, ten at a time, from random places: the moving-block bootstrap (Künsch, Annals of
// Statistics 17, 1989), whose noise remembers as much as the data's does over a few nights.
func inBlocks(random *rand.Rand, residuals []float64) []float64 {
	out := make([]float64, 0, len(residuals)+blockNights)
	for len(out) < len(residuals) {
		from := random.IntN(len(residuals) - blockNights + 1)
		out = append(out, residuals[from:from+blockNights]...)
	}
	return out[:len(residuals)]
}

// stepped is a copy with a step at a random place: the values from there on are multiplied or divided, by a coin. It also
// says the first night after the step and the step's size, a logarithm.
func stepped(random *rand.Rand, y []float64, factor float64) (out []float64, at int, by float64) {
	at = fromEnds + random.IntN(len(y)-2*fromEnds+1)
	by = math.Log(factor)
	if random.IntN(2) == 0 {
		by = -by
	}
	out = append([]float64(nil), y...)
	for t := at; t < len(out); t++ {
		out[t] += by
	}
	return out, at, by
}
