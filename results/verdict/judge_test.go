package verdict

import (
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

func judge(t *testing.T, r Rule) *Judge {
	t.Helper()
	j, err := NewJudge(r)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func decided(t *testing.T, decide func([]Pair) (Result, error), pairs []Pair) Result {
	t.Helper()
	r, err := decide(pairs)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestPairErrors(t *testing.T) {
	j := judge(t, Rule{Alpha: 0.05, Looks: []int{10}})
	for _, bad := range []Pair{pair(-1, 1), pair(1, -1), pair(math.NaN(), 1), pair(1, math.NaN()), pair(1, math.Inf(1)), pair(math.Inf(-1), 1)} {
		for _, decide := range []func([]Pair) (Result, error){j.Decide, j.DecideLast} {
			if r, err := decide([]Pair{pair(1, 1), pair(1, 1), bad}); err == nil || !strings.Contains(err.Error(), "pair 2 ") || r.Decided {
				t.Errorf("%v: error is %v, want one that names pair 2", bad, err)
			}
		}
	}
}

func TestVerdicts(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 1))
	slower, equal := noisyPairs(r, 30, 0.1, 0.02), noisyPairs(r, 30, 0, 0.02)
	slightly, wild := noisyPairs(r, 30, 0.01, 0.002), noisyPairs(r, 30, 0, 0.5)
	rule := Rule{Alpha: 0.05, Margin: 0.03, Looks: Looks(30)}
	rate, noMargin := rule, rule
	rate.HigherIsBetter, noMargin.Margin = true, 0
	for _, c := range []struct {
		name            string
		pairs           []Pair
		rule            Rule
		want            Verdict
		changed, within bool
		confidence      float64
	}{
		{"slower", slower, rule, Worse, true, false, 0.95},
		{"faster", swapped(slower), rule, Better, true, false, 0.95},
		{"higher rate", slower, rate, Better, true, false, 0.95},
		{"lower rate", swapped(slower), rate, Worse, true, false, 0.95},
		{"equal", equal, rule, Same, false, true, 0.90},
		{"equal without a margin", equal, noMargin, Undecided, false, false, 0.95},
		{"real but too small", slightly, rule, Same, true, true, 0.90},
		{"the same without a margin", slightly, noMargin, Worse, true, false, 0.95},
		{"too noisy", wild, rule, Undecided, false, false, 0.95},
	} {
		got := decided(t, judge(t, c.rule).Decide, c.pairs)
		if got.Verdict != c.want || got.Changed != c.changed || got.WithinMargin != c.within || !got.Decided ||
			got.Scale != Ratio || !got.HasInterval || !near(got.Confidence, c.confidence, 1e-12) {
			t.Errorf("%s: got %+v", c.name, got)
		}
		if got.Lo >= got.Effect || got.Effect >= got.Hi {
			t.Errorf("%s: effect %v is outside [%v, %v]", c.name, got.Effect, got.Lo, got.Hi)
		}
		if got.WithinMargin && (got.Lo < 1/1.03 || got.Hi > 1.03) {
			t.Errorf("%s: same, but the interval is [%v, %v]", c.name, got.Lo, got.Hi)
		}
	}
}

func TestUnfinished(t *testing.T) {
	pairs := noisyPairs(rand.New(rand.NewPCG(5, 3)), 14, 0.01, 0.05)
	got := decided(t, judge(t, Rule{Alpha: 0.05, Looks: Looks(60)}).Decide, pairs)
	d, _ := differences(pairs)
	lo, hi, _ := Interval(d, 0.05)
	if got.Decided || got.Pairs != 14 || got.Effect != math.Exp(HodgesLehmann(d)) || got.Lo != math.Exp(lo) || got.Hi != math.Exp(hi) {
		t.Errorf("got %+v, want the fixed-n interval [%v, %v] of 14 pairs", got, math.Exp(lo), math.Exp(hi))
	}
	if got = decided(t, judge(t, Rule{Alpha: 0.05, Looks: Looks(60)}).Decide, nil); got.Decided || got.Pairs != 0 || got.Warnings == nil {
		t.Errorf("without pairs: %+v", got)
	}
	if got = decided(t, judge(t, Rule{Alpha: 0.05, Looks: Looks(60)}).DecideLast, nil); !got.Decided || got.Verdict != Undecided || got.Look != -1 || got.HasP {
		t.Errorf("without pairs at the end: %+v", got)
	}
}

// One last look between two planned ones finds what no planned look did.
func TestLastLook(t *testing.T) {
	pairs := make([]Pair, 11)
	for i := range pairs {
		pairs[i] = pair(100, 105+float64(i))
	}
	pairs[0] = pair(100, 95)
	j := judge(t, Rule{Alpha: 0.05, Looks: Looks(60)})
	if got := decided(t, j.Decide, pairs); got.Verdict != Undecided || got.Decided {
		t.Errorf("while measuring goes on: %+v", got)
	}
	got := decided(t, j.DecideLast, pairs)
	if got.Verdict != Worse || got.Pairs != 11 || got.Look != 1 {
		t.Errorf("at the end: %+v", got)
	}
	// On a planned look there is one look, with all of alpha.
	if got = decided(t, j.DecideLast, pairs[:10]); got.Verdict != Worse || got.Pairs != 10 || got.Look != 0 {
		t.Errorf("at the end, on a look: %+v", got)
	}
	// Pairs after the planned end are not used.
	j = judge(t, Rule{Alpha: 0.05, Looks: []int{4}})
	if got = decided(t, j.DecideLast, pairs); got.Pairs != 4 || got.Verdict != Undecided || got.HasInterval {
		t.Errorf("after the end: %+v", got)
	}
}

// After a stop at the first of two looks the interval is the one that belongs
// to that look's share of alpha, (8/12)² of it; at the last look it is the
// usual one. 12 pairs are enumerated, so both are exact.
func TestEarlyIntervalIsWider(t *testing.T) {
	pairs := noisyPairs(rand.New(rand.NewPCG(5, 4)), 12, 0.2, 0.02)
	d, _ := differences(pairs)
	for _, c := range []struct {
		looks []int
		alpha float64
	}{{[]int{8, 12}, 0.05 * 64 / 144}, {[]int{8}, 0.05}} {
		got := decided(t, judge(t, Rule{Alpha: 0.05, Looks: c.looks}).Decide, pairs)
		lo, hi, _ := Interval(d[:8], c.alpha)
		if got.Pairs != 8 || got.Lo != math.Exp(lo) || got.Hi != math.Exp(hi) {
			t.Errorf("looks %v: got %+v, want [%v, %v] after 8 pairs", c.looks, got, math.Exp(lo), math.Exp(hi))
		}
	}
	// The same for same, where each side has all of alpha.
	pairs = noisyPairs(rand.New(rand.NewPCG(5, 5)), 12, 0, 0.01)
	d, _ = differences(pairs)
	got := decided(t, judge(t, Rule{Alpha: 0.05, Margin: 0.1, Looks: []int{8, 12}}).Decide, pairs)
	lo, hi, _ := Interval(d[:8], 2*0.05*64/144)
	if got.Verdict != Same || got.Pairs != 8 || got.Lo != math.Exp(lo) || got.Hi != math.Exp(hi) {
		t.Errorf("got %+v, want [%v, %v] after 8 pairs", got, math.Exp(lo), math.Exp(hi))
	}
	got = decided(t, judge(t, Rule{Alpha: 0.05, Margin: 0.1, Looks: []int{12}}).Decide, pairs)
	lo, hi, _ = Interval(d, 2*0.05)
	if got.Verdict != Same || got.Lo != math.Exp(lo) || got.Hi != math.Exp(hi) {
		t.Errorf("at the last look got %+v, want [%v, %v]", got, math.Exp(lo), math.Exp(hi))
	}
}
