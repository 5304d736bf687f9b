// Package calibrate finds out how far verdicts can be trusted on this machine: how often it calls equal code different,
// how small a slowdown it finds, and in how much machine time; and the same for the usual ways of measuring, fed the same
// minutes.
//
//  1. Traces are recorded: pairs of one benchmark, block by block, that nothing stops ([Trace]), and for the comparators
//     a series of fresh processes of 100 ms.
//  2. Each way of deciding goes through a trace from its beginning and makes one comparison after another of it, each as
//     long as it needs: its [Try]s. No block is used twice; but where many tries are wanted, a trace is labelled several
//     times ([Trace.Labelled]).
//  3. Tries of equal code give the false-alarm rate, with its Clopper–Pearson interval; tries of code that is slower by a
//     known amount give the power, and the machine time that it takes.
package calibrate

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"golang.org/x/perf/benchmath"

	"tunelab/results/calibration"
	"tunelab/results/verdict"
)

// A Trace is what the blocks of one benchmark measured, none left out.
type Trace struct {
	Pairs   []verdict.Pair
	Seconds []float64 // machine time of each block, everything
}

// Slower returns the trace as it would be had the variant taken share more time: 0.05 for 5 %.
func (t Trace) Slower(share float64) Trace {
	out := Trace{Pairs: slices.Clone(t.Pairs), Seconds: t.Seconds}
	for i := range out.Pairs {
		out.Pairs[i].Variant *= 1 + share
	}
	return out
}

// Labelled returns the trace of equal sides as other coins would have had it: which side is the base is tossed anew, for each
// block or, where layouts were drawn, for each draw; and without draws it begins elsewhere. Pass 0 is the trace itself. The
// tries of several passes share their times, not their signs.
func (t Trace) Labelled(pass int, seed uint64) Trace {
	if pass == 0 || len(t.Pairs) == 0 {
		return t
	}
	random := rand.New(rand.NewPCG(seed, uint64(pass)))
	n := len(t.Pairs)
	out := Trace{Pairs: make([]verdict.Pair, n), Seconds: make([]float64, n)}
	from := 0
	if t.Pairs[0].Draw == 0 {
		from = random.IntN(n)
	}
	swapped := map[int]bool{} // by draw
	for i := range n {
		p := t.Pairs[(from+i)%n]
		swap := random.IntN(2) == 1
		if p.Draw > 0 {
			if _, ok := swapped[p.Draw]; !ok {
				swapped[p.Draw] = swap
			}
			swap = swapped[p.Draw]
		}
		if swap {
			p.Base, p.Variant = p.Variant, p.Base
		}
		out.Pairs[i], out.Seconds[i] = p, t.Seconds[(from+i)%n]
	}
	return out
}

// A Try is one comparison.
type Try struct {
	Verdict verdict.Verdict
	P       float64
	Blocks  int
	Seconds float64 // machine time that it took
}

// Flagged reports whether the try called the sides different.
func (t Try) Flagged() bool { return t.Verdict == verdict.Better || t.Verdict == verdict.Worse }

// Sequential decides as a run does: looking as the plan says, until a look stops.
func Sequential(t Trace, rule verdict.Rule) ([]Try, error) {
	judge, err := verdict.NewJudge(rule)
	if err != nil {
		return nil, err
	}
	last := rule.Looks[len(rule.Looks)-1]
	var tries []Try
	for from := 0; from+last <= len(t.Pairs); {
		r, err := judge.Decide(t.Pairs[from : from+last])
		if err != nil {
			return nil, fmt.Errorf("deciding on blocks %d to %d: %w", from+1, from+last, err)
		}
		tries = append(tries, Try{Verdict: r.Verdict, P: r.P, Blocks: r.Pairs, Seconds: sum(t.Seconds[from : from+r.Pairs])})
		from += r.Pairs
	}
	return tries, nil
}

// Fixed decides by our test on n blocks each, with all of alpha at once and without an early end: so that ps of equally
// many blocks can be compared.
func Fixed(t Trace, n, draws int, seed uint64) []Try {
	rule := verdict.Rule{Alpha: 0.05, Looks: []int{n}, Seed: seed}
	if len(t.Pairs) > 0 && t.Pairs[0].Draw > 0 {
		rule.Draws = draws
	}
	judge, err := verdict.NewJudge(rule)
	if err != nil {
		panic(err) // n and draws are the program's
	}
	var tries []Try
	for from := 0; from+n <= len(t.Pairs); from += n {
		r, err := judge.DecideLast(t.Pairs[from : from+n])
		if err != nil {
			continue // Sequential has said so
		}
		tries = append(tries, Try{Verdict: r.Verdict, P: r.P, Blocks: n, Seconds: sum(t.Seconds[from : from+n])})
	}
	return tries
}

// Unpaired decides as benchstat does on n samples of each side: by the Mann–Whitney test, at alpha. The samples of a try
// are those of n consecutive blocks.
func Unpaired(t Trace, n int, alpha float64) []Try {
	var tries []Try
	for from := 0; from+n <= len(t.Pairs); from += n {
		var base, variant []float64
		for _, p := range t.Pairs[from : from+n] {
			base, variant = append(base, p.Base), append(variant, p.Variant)
		}
		tries = append(tries, mannWhitney(base, variant, alpha, sum(t.Seconds[from:from+n])))
	}
	return tries
}

// A Series is what a process that ran a benchmark -count times printed.
type Series struct {
	NS      []float64 `json:"ns"`      // per operation
	Seconds float64   `json:"seconds"` // from its start to its end
	Inside  float64   `json:"inside"`  // s of them in the timed loops whose times it printed
}

// InTurn decides as those do who run `go test -count=10` of the old and then of the new: of each two processes of one
// binary the first is called old, and the second new and made slower by share.
func InTurn(series []Series, alpha, share float64) []Try {
	var tries []Try
	for i := 0; i+1 < len(series); i += 2 {
		slower := slices.Clone(series[i+1].NS)
		for j := range slower {
			slower[j] *= 1 + share
		}
		tries = append(tries, mannWhitney(series[i].NS, slower, alpha, series[i].Seconds+series[i+1].Seconds))
	}
	return tries
}

func mannWhitney(base, variant []float64, alpha, seconds float64) Try {
	thresholds := benchmath.DefaultThresholds
	thresholds.CompareAlpha = alpha
	a, b := benchmath.NewSample(slices.Clone(base), &thresholds), benchmath.NewSample(slices.Clone(variant), &thresholds)
	c := benchmath.AssumeNothing.Compare(a, b)
	try := Try{Verdict: verdict.Undecided, P: c.P, Blocks: len(base), Seconds: seconds}
	if c.P <= alpha {
		try.Verdict = verdict.Worse
		if benchmath.AssumeNothing.Summary(b, 0.95).Center < benchmath.AssumeNothing.Summary(a, 0.95).Center {
			try.Verdict = verdict.Better
		}
	}
	return try
}

// Count counts the tries that is holds for.
// Its interval is that of Clopper and Pearson.
func Count(tries []Try, is func(Try) bool) calibration.Rate {
	r := calibration.Rate{Tries: len(tries)}
	for _, t := range tries {
		if is(t) {
			r.Hits++
		}
	}
	r.Lo, r.Hi = verdict.ClopperPearson(r.Hits, r.Tries, 0.95)
	return r
}

// SecondsTo returns the machine time within which share of the tries (0.9, say) had called the variant worse, and false
// where fewer ever did.
func SecondsTo(tries []Try, share float64) (seconds float64, ok bool) {
	var found []float64
	for _, t := range tries {
		if t.Verdict == verdict.Worse {
			found = append(found, t.Seconds)
		}
	}
	need := int(math.Ceil(share*float64(len(tries)) - 1e-9))
	if need < 1 || len(found) < need {
		return 0, false
	}
	slices.Sort(found)
	return found[need-1], true
}

// Fewest returns the smallest n of those given with which share of the tries of n samples a side found the variant
// worse, and their machine time; 0 where none did. Longest is the machine time of the largest n that was tried: there
// have to be enough tries to take a share of. Decide makes the tries of n samples.
func Fewest(ns []int, share float64, decide func(n int) []Try) (n int, seconds, longest float64) {
	for _, n := range ns {
		tries := decide(n)
		if len(tries) < leastOfShare {
			break
		}
		longest = meanSeconds(tries)
		if Count(tries, foundWorse).Share() >= share {
			return n, longest, longest
		}
	}
	return 0, 0, longest
}

func sum(x []float64) float64 {
	total := 0.0
	for _, v := range x {
		total += v
	}
	return total
}
