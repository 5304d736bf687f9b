package verdict

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// p against trying every two-digit level with the naive procedure.
func TestSmallestLevel(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for _, sizes := range [][]float64{smooth(r, 8), coarse(r, 8, 2)} {
		looks, vectors := []int{4, 6, 8}, all(8)
		p := naive(vectors, sizes, looks, naiveShares(looks, 8), either)
		want := slices.Repeat([]float64{1}, len(vectors)) // the levels from which on it always stops
		open := slices.Repeat([]bool{true}, len(vectors))
		for part := 10000; part >= 10; part-- {
			level := float64(part) / 10000
			if part > 2000 && part%500 != 0 || part > 1000 && part%100 != 0 || part > 100 && part%10 != 0 {
				continue // not rounded
			}
			for v, look := range p.stops(level) {
				if open[v] = open[v] && look >= 0; open[v] {
					want[v] = level
				}
			}
		}
		j, err := NewJudge(Rule{Alpha: 0.001, Looks: looks}) // too small for any stop
		if err != nil {
			t.Fatal(err)
		}
		for v, signs := range vectors {
			got, err := j.DecideLast(pairsOf(sizes, signs))
			if err != nil {
				t.Fatal(err)
			}
			if math.Abs(got.P-want[v]) > 1e-12 {
				t.Errorf("sizes %v, signs %v: p = %v, want %v", sizes, signs, got.P, want[v])
			}
		}
	}
}

// With a single look p is that of the signed-rank test, rounded up.
func TestOneLookIsSignedRank(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 5))
	for range 50 {
		d := smooth(r, 12)
		got, err := DecideLast(pairsOf(d, d), Rule{Alpha: 0.05, Looks: []int{12}})
		if err != nil {
			t.Fatal(err)
		}
		_, p := SignedRank(d)
		if want := levelFrom(p); got.P != want && got.P != 0.05 {
			t.Errorf("p = %v, that of the signed-rank test is %v, rounded up %v", got.P, p, want)
		}
	}
}

func TestLevels(t *testing.T) {
	for _, c := range []struct{ x, from, below float64 }{
		{1, 1, 0.95}, {0.96, 1, 0.95}, {0.201, 0.25, 0.2}, {0.2, 0.2, 0.19}, {0.1, 0.1, 0.099}, {0.0214, 0.022, 0.021}, {0.021, 0.021, 0.02}, {0.0001, 0.0001, 0.000099},
	} {
		if from, below := levelFrom(c.x), levelBelow(c.x); from != c.from || below != c.below {
			t.Errorf("levels at %v: from %v, below %v, want %v and %v", c.x, from, below, c.from, c.below)
		}
	}
}

// p ≤ alpha if and only if changed, whatever alpha is, two digits or more.
func TestLevelAgreesWithDecision(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 7))
	sizes, vectors := smooth(r, 9), all(9)
	capped := 0
	// At 0.0225, 0.0521 and 0.1779 some signs stop that do not at a larger level.
	for _, alpha := range []float64{0.004, 0.0225, 0.0277, 0.05, 0.0521, 0.0988, 0.1779, 0.2173, 0.2647} {
		j, err := NewJudge(Rule{Alpha: alpha, Looks: []int{5, 6, 7, 8, 9}})
		if err != nil {
			t.Fatal(err)
		}
		for _, signs := range vectors {
			got, err := j.DecideLast(pairsOf(sizes, signs))
			if err != nil {
				t.Fatal(err)
			}
			if got.Changed != (got.P <= alpha) {
				t.Errorf("alpha %v, signs %v: changed is %v and p is %v", alpha, signs, got.Changed, got.P)
			}
			if got.P == alpha {
				capped++
			}
		}
	}
	if capped == 0 {
		t.Error("p is never alpha itself")
	}
}
