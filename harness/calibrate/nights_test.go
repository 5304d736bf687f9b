package calibrate

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"tunelab/results/verdict"
)

// equalSides are recordings of equal sides whose blocks differ by noise of this size, a block a second.
func equalSides(n int, sd float64) []Recording {
	random := rand.New(rand.NewPCG(7, 8))
	var list []Recording
	for i := range n {
		r := Recording{Case: fmt.Sprint("b", i), Pilot: 1}
		for range 40 {
			at := 100 * math.Exp(0.2*random.NormFloat64())
			r.Trace.Pairs = append(r.Trace.Pairs, verdict.Pair{Base: at, Variant: at * math.Exp(sd*random.NormFloat64())})
			r.Trace.Seconds = append(r.Trace.Seconds, 1)
		}
		list = append(list, r)
	}
	return list
}

// TestPlayNights: with little noise the slow one is reported every night and nothing else; with a budget for hardly more
// than the pilots, or noise that hides it, nothing is.
func TestPlayNights(t *testing.T) {
	o := NightOptions{Nights: 15, Benchmarks: 6, Slower: 0.05, Budget: 400, FamilyError: 0.01, Seed: 3}
	for _, row := range []struct {
		name     string
		sd       float64
		budget   float64
		reported int
	}{{"quiet", 0.002, 400, 15}, {"loud", 1, 400, 0}, {"no time", 0.002, 8, 0}} {
		o.Budget = row.budget
		got, err := PlayNights(equalSides(8, row.sd), o)
		if err != nil {
			t.Fatal(err)
		}
		reported, slow := 0, 0
		for _, n := range got.Reported {
			reported += n
		}
		for _, n := range got.Slow {
			slow += n
		}
		if reported != row.reported || slow != 15 || got.Alarms != 0 || got.Seconds > row.budget {
			t.Errorf("%s: %d reported of %d, %d alarms, %v s", row.name, reported, slow, got.Alarms, got.Seconds)
		}
	}
	if _, err := PlayNights(equalSides(3, 1), o); err == nil {
		t.Error("six benchmarks were made of three recordings")
	}
}
