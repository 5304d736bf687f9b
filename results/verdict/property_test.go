package verdict

import (
	"math"
	"math/rand/v2"
	"reflect"
	"testing"
)

func swapped(pairs []Pair) []Pair {
	s := make([]Pair, len(pairs))
	for i, p := range pairs {
		s[i] = pair(p.Variant, p.Base)
	}
	return s
}

// samples are pairs of many kinds for properties that hold for all.
func samples() [][]Pair {
	r := rand.New(rand.NewPCG(5, 2))
	var all [][]Pair
	for range 60 {
		n := r.IntN(45)
		all = append(all, noisyPairs(r, n, 0.05*r.NormFloat64(), 0.04))
		counts, withZeros := make([]Pair, n), make([]Pair, n)
		for i := range n {
			counts[i] = pair(float64(1+r.IntN(6)), float64(1+r.IntN(7)))
			withZeros[i] = pair(float64(r.IntN(4)), float64(r.IntN(6)))
		}
		all = append(all, counts, withZeros)
	}
	return all
}

func TestSwapMirrors(t *testing.T) {
	t.Parallel()
	rule := Rule{Alpha: 0.05, Margin: 0.03, MarginAbs: 0.5, Looks: Looks(40)}
	j := judgeWith(t, rule, 999)
	opposite := map[Verdict]Verdict{Better: Worse, Worse: Better, Same: Same, Undecided: Undecided}
	seen := map[Verdict]int{}
	for _, pairs := range samples() {
		for _, decide := range []func([]Pair) (Result, error){j.Decide, j.DecideLast} {
			a, b := decided(t, decide, pairs), decided(t, decide, swapped(pairs))
			seen[a.Verdict]++
			mirrored := b
			mirrored.Verdict = opposite[b.Verdict]
			mirrored.BaseMedian, mirrored.VariantMedian = b.VariantMedian, b.BaseMedian
			if b.Scale == Difference {
				mirrored.Effect, mirrored.Lo, mirrored.Hi = 0-b.Effect, 0-b.Hi, 0-b.Lo
			} else if b.Pairs > 0 {
				mirrored.Effect = 1 / b.Effect
				if b.HasInterval {
					mirrored.Lo, mirrored.Hi = 1/b.Hi, 1/b.Lo
				}
			}
			if !alike(a, mirrored, 1e-12) {
				t.Errorf("%v\nis     %+v\nmirrored %+v", pairs, a, mirrored)
			}
		}
	}
	for v := range opposite {
		if seen[v] == 0 {
			t.Errorf("no sample is %s", v)
		}
	}
}

// alike compares results, floats to a relative tolerance.
func alike(a, b Result, tolerance float64) bool {
	x, y := reflect.ValueOf(a), reflect.ValueOf(b)
	for i := range x.NumField() {
		if x.Field(i).Kind() == reflect.Float64 {
			f, g := x.Field(i).Float(), y.Field(i).Float()
			if !near(f, g, tolerance*max(math.Abs(f), math.Abs(g))) {
				return false
			}
		} else if !reflect.DeepEqual(x.Field(i).Interface(), y.Field(i).Interface()) {
			return false
		}
	}
	return true
}

func TestUnitsDoNotMatter(t *testing.T) {
	t.Parallel()
	for _, unit := range []float64{1e-9, 0.3, 7, 1e6} {
		rule := Rule{Alpha: 0.05, Margin: 0.03, MarginAbs: 0.5, Looks: Looks(40)}
		scaledRule := rule
		scaledRule.MarginAbs *= unit
		j, scaledJ := judgeWith(t, rule, 199), judgeWith(t, scaledRule, 199)
		for _, pairs := range samples() {
			scaled := make([]Pair, len(pairs))
			for i, p := range pairs {
				scaled[i] = pair(p.Base*unit, p.Variant*unit)
			}
			a, b := decided(t, j.DecideLast, pairs), decided(t, scaledJ.DecideLast, scaled)
			a.BaseMedian, a.VariantMedian = a.BaseMedian*unit, a.VariantMedian*unit
			if a.Scale == Difference {
				a.Effect, a.Lo, a.Hi, a.MDE = a.Effect*unit, a.Lo*unit, a.Hi*unit, a.MDE*unit
			}
			if !alike(a, b, 1e-9) {
				t.Errorf("%v\nis         %+v\ntimes %v is %+v", pairs, a, unit, b)
			}
		}
	}
}

// A decision is never taken back: what a look decided on the pairs so far is
// what all later calls say.
func TestDecisionsAreFrozen(t *testing.T) {
	t.Parallel()
	j := judgeWith(t, Rule{Alpha: 0.05, Margin: 0.03, MarginAbs: 0.5, Looks: Looks(40)}, 199)
	for _, pairs := range samples() {
		var first *Result
		for n := range len(pairs) + 1 {
			got := decided(t, j.Decide, pairs[:n])
			switch {
			case first != nil:
				if !reflect.DeepEqual(got, *first) || !reflect.DeepEqual(decided(t, j.DecideLast, pairs[:n]), *first) {
					t.Fatalf("after %d pairs %+v, decided before as %+v", n, got, *first)
				}
			case got.Decided:
				if first = &got; got.Pairs != n || j.rule.Looks[got.Look] != n {
					t.Errorf("after %d pairs decided as %+v", n, got)
				}
			case got.Pairs != n || got.Look != -1 || got.Verdict != Undecided || got.HasP != (n >= 10):
				t.Errorf("after %d pairs %+v", n, got)
			}
		}
	}
}
