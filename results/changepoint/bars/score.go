package main

import (
	"math/rand/v2"
)

// A score is how a method did on one half of the benchmarks with one kind of noise.
type score struct {
	Noise  string  `json:"noise"` // how the residuals were drawn
	Half   string  `json:"half"`
	Method string  `json:"method"`
	Series int     `json:"series"`
	Points int     `json:"points"` // nights without a step that it saw
	False  float64 `json:"false_per_1000"`
	Found  found   `json:"found"` // shares of the steps that were found
	F1     float64 `json:"f1"`    // mean over the series with a step of 5 %
}

// found are the shares of steps of 5 and 10 % that were reported within 3 nights.
type found struct {
	Five float64 `json:"5%"`
	Ten  float64 `json:"10%"`
}

// near is how many nights a report may be from a step.
const near = 3

// compare draws every benchmark's residuals so many times, and shows the same series to every method. The seed alone says
// what is drawn.
func compare(residuals [][]float64, how draw, methods []method, repeats int, seed uint64) []score {
	out := make([]score, len(methods))
	steps := 0.0
	for i, r := range residuals {
		for k := range repeats {
			random := rand.New(rand.NewPCG(seed, uint64(i)<<32|uint64(k)))
			still := how.from(random, r)
			five, atFive, byFive := stepped(random, still, 1.05)
			ten, atTen, byTen := stepped(random, still, 1.1)
			steps++
			for m, method := range methods {
				s := &out[m]
				s.Points += len(still)
				s.False += float64(len(method.find(still, truth{noise: still})))
				reported := method.find(five, truth{byFive, still})
				s.Found.Five += share(reported, atFive)
				s.F1 += f1(reported, atFive)
				s.Found.Ten += share(method.find(ten, truth{byTen, still}), atTen)
			}
		}
	}
	for m := range out {
		s := &out[m]
		s.Noise, s.Method = how.name, methods[m].name
		if steps > 0 {
			s.False *= 1000 / float64(s.Points)
			s.Found.Five /= steps
			s.Found.Ten /= steps
			s.F1 /= steps
		}
	}
	return out
}

// share is 1 when one of the reports is near the step, and else 0.
func share(reported []int, at int) float64 {
	for _, r := range reported {
		if r >= at-near && r <= at+near {
			return 1
		}
	}
	return 0
}

// f1 is the harmonic mean of precision and recall, where the first night counts as a change that everybody finds (van den
// Burg and Williams, "An evaluation of change point detection algorithms", 2020): what reports nothing has 2/3.
func f1(reported []int, at int) float64 {
	right := 1 + share(reported, at)
	return 2 * right / (float64(len(reported)+1) + 2)
}
