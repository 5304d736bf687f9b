package verdict

import (
	"math"
	"math/rand/v2"
	"testing"
)

// Of all signs that equal sides can have, a one-sided rule confirms at most its
// share, all of them on its side.
func TestConfirmAgainstEnumeration(t *testing.T) {
	r := rand.New(rand.NewPCG(21, 1))
	for _, alpha2 := range []float64{0.25, 0.1, 0.02} {
		sizes := smooth(r, 10)
		rule := Rule{Alpha: 0.05, Margin: 0.5, Looks: []int{3}, Seed: 3, Exact: true}
		up, err := NewJudge(rule.Confirm(+1, alpha2, []int{6, 8, 10}))
		if err != nil {
			t.Fatal(err)
		}
		down, err := up.WithRule(rule.Confirm(-1, alpha2, []int{6, 8, 10}))
		if err != nil {
			t.Fatal(err)
		}
		confirmed := 0
		for _, signs := range all(10) {
			pairs := pairsOf(sizes, signs)
			got, err := up.DecideLast(pairs)
			if err != nil {
				t.Fatal(err)
			}
			if got.Verdict == Same || got.Verdict == Better {
				t.Fatalf("%v: %+v", signs, got)
			}
			if got.Verdict == Worse {
				confirmed++
			}
			if got.Verdict == Worse && got.Effect <= 1 || got.Changed != (got.P <= alpha2) {
				t.Errorf("%v: confirmed with %v, p %v", signs, got.Effect, got.P)
			}
			for i := range pairs {
				pairs[i].Base, pairs[i].Variant = pairs[i].Variant, pairs[i].Base
			}
			mirror, err := down.DecideLast(pairs)
			if err != nil || mirror.Changed != got.Changed || mirror.P != got.P || (mirror.Verdict == Better) != (got.Verdict == Worse) {
				t.Fatalf("%v: up %+v, down %+v, %v", signs, got, mirror, err)
			}
		}
		if most := int(alpha2 * 1024); confirmed > most || confirmed < most/2 {
			t.Errorf("alpha2 %v: %d of 1024 confirmed, at most %d may be", alpha2, confirmed, most)
		}
	}
}

// The whole of two stages: m comparisons of equal sides, family error at most
// m·alpha1·alpha2.
func TestTwoStagesKeepTheFamilyError(t *testing.T) {
	t.Parallel()
	const tries, m, alpha1, family = 2000, 5, 0.05, 0.05
	r := rand.New(rand.NewPCG(22, 1))
	rule := Rule{Alpha: alpha1, Looks: Looks(16)}
	alpha2 := family / (m * alpha1)
	pairs := func(effect float64) []Pair {
		out := make([]Pair, 16)
		for i := range out {
			out[i] = pair(100, 100*math.Exp(effect+0.03*r.NormFloat64()))
		}
		return out
	}
	raised, found := 0, 0
	for range tries {
		any := false
		for range m {
			any = twoStages(t, r, rule, alpha2, pairs, 0) || any
		}
		if any {
			raised++
		}
		if twoStages(t, r, rule, alpha2, pairs, 0.05) {
			found++
		}
	}
	plausible(t, "families with a false alarm", raised, tries, 0.005, family)
	if float64(found) < 0.9*tries {
		t.Errorf("5 %% slower is found in %d of %d", found, tries)
	}
}

func twoStages(t *testing.T, r *rand.Rand, rule Rule, alpha2 float64, pairs func(float64) []Pair, effect float64) bool {
	t.Helper()
	rule.Seed = r.Uint64()
	first, err := judgeWith(t, rule, 399).DecideLast(pairs(effect))
	if err != nil {
		t.Fatal(err)
	}
	if first.Verdict != Better && first.Verdict != Worse {
		return false
	}
	side := 1
	if first.Effect < 1 {
		side = -1
	}
	rule.Seed = r.Uint64()
	second, err := judgeWith(t, rule.Confirm(side, alpha2, rule.Looks), 399).DecideLast(pairs(effect))
	if err != nil {
		t.Fatal(err)
	}
	return second.Verdict == first.Verdict
}
