package results

import (
	"maps"
	"math"
	"slices"

	"tunelab/results/verdict"
)

// MiddleHalf returns the mean of the middle half of x: of what is left without the smallest and the largest quarter,
// rounded down. It is NaN for an empty x.
func MiddleHalf(x []float64) float64 {
	x = slices.Sorted(slices.Values(x))
	cut := len(x) / 4
	sum := 0.0
	for _, v := range x[cut : len(x)-cut] {
		sum += v
	}
	return sum / float64(len(x)-2*cut)
}

// alternated returns the variant's value of a block in which processes alternated: the base's value moved by the mean of
// the middle half of the rounds' log-ratios, so that what both sides of a round had to bear cancels, and a round that a
// burst hit on one side does not count. Where a slice's value is zero there are no ratios: then it is the mean of the
// middle half of the variant's own. It reports false unless both sides have the same number of slices, and some.
func alternated(base, variant []float64, value float64) (float64, bool) {
	if len(base) == 0 || len(base) != len(variant) {
		return 0, false
	}
	ratios := make([]float64, len(base))
	for i, a := range base {
		if a <= 0 || variant[i] <= 0 {
			return MiddleHalf(variant), true
		}
		ratios[i] = math.Log(variant[i] / a)
	}
	return value * math.Exp(MiddleHalf(ratios)), true
}

// A Block is one block of a case as a comparison of two variants sees it.
type Block struct {
	Block    int
	Pair     verdict.Pair
	InsideMS float64 // time that both spent in timed loops
	Busy     float64 // share of the machine's CPU time that others took meanwhile
}

// Blocks returns the first stage's blocks of a case with one pair, in order, without those in which a side lacks a value.
func (f *File) Blocks(c PlannedCase, unit string) []Block {
	var out []Block
	byBlock := map[int][]*Trial{}
	for i := range f.Trials {
		if t := &f.Trials[i]; t.Case == c.Case && t.Stage != 2 && t.Counted == "" {
			byBlock[t.Block] = append(byBlock[t.Block], t)
		}
	}
	for _, block := range slices.Sorted(maps.Keys(byBlock)) {
		s := pairUp(c.Pairs[0], unit, byBlock[block])
		if len(s.pairs) != 1 {
			continue
		}
		b := Block{Block: block, Pair: s.pairs[0], Busy: busyShares(byBlock[block], f.Run.Host.Cores)[blockID{1, block}]}
		for _, t := range byBlock[block] {
			b.InsideMS += t.insideMS()
		}
		out = append(out, b)
	}
	return out
}

// insideMS is the time that the trial spent in timed loops, its set-up runs left out.
func (t *Trial) insideMS() float64 {
	perOp, _ := t.Get("ns/op")
	if slices := t.Slices["ns/op"]; len(slices) > 0 {
		sum := 0.0
		for _, v := range slices {
			sum += v
		}
		return sum * float64(t.Iterations) / 1e6
	}
	return perOp * float64(t.Iterations) / 1e6
}
