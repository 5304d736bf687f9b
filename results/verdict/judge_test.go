package verdict

import (
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
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

func TestLooks(t *testing.T) {
	for last, want := range map[int][]int{
		-1: nil, 0: nil, 1: {1}, 9: {9}, 10: {10}, 11: {10, 11}, 12: {10, 12},
		30: {10, 12, 16, 20, 25, 30}, 31: {10, 12, 16, 20, 25, 30, 31},
		120: {10, 12, 16, 20, 25, 30, 38, 48, 60, 75, 94, 118, 120},
	} {
		if got := Looks(last); !slices.Equal(got, want) {
			t.Errorf("Looks(%d) = %v, want %v", last, got, want)
		}
	}
	looks := Looks(5000)
	for i := 1; i < len(looks)-1; i++ {
		if growth := float64(looks[i]) / float64(looks[i-1]); growth < 1.19 || growth > 1.34 {
			t.Errorf("looks grow by %v from %d to %d, want about a quarter", growth, looks[i-1], looks[i])
		}
	}
}

func TestRuleErrors(t *testing.T) {
	good := Rule{Alpha: 0.05, Margin: 0.03, MarginAbs: 2, Looks: []int{1, 2, MaxPairs}}
	if err := good.check(); err != nil {
		t.Errorf("%+v: %v", good, err)
	}
	for want, change := range map[string]func(*Rule){
		"alpha is 0;":             func(r *Rule) { r.Alpha = 0 },
		"alpha is 0.5;":           func(r *Rule) { r.Alpha = 0.5 },
		"alpha is NaN;":           func(r *Rule) { r.Alpha = math.NaN() },
		"margin is -0.1;":         func(r *Rule) { r.Margin = -0.1 },
		"margin is +Inf;":         func(r *Rule) { r.Margin = math.Inf(1) },
		"absolute margin is -1;":  func(r *Rule) { r.MarginAbs = -1 },
		"absolute margin is NaN;": func(r *Rule) { r.MarginAbs = math.NaN() },
		"no looks":                func(r *Rule) { r.Looks = nil },
		"looks are [0 3];":        func(r *Rule) { r.Looks = []int{0, 3} },
		"looks are [3 3];":        func(r *Rule) { r.Looks = []int{3, 3} },
		"looks are [1 65536];":    func(r *Rule) { r.Looks = []int{1, 65536} },
	} {
		bad := good
		change(&bad)
		for name, err := range map[string]error{
			"NewJudge":   second(NewJudge(bad)),
			"WithRule":   second(judge(t, Rule{Alpha: 0.05, Looks: []int{9}}).WithRule(bad)),
			"Decide":     second(Decide(nil, bad)),
			"DecideLast": second(DecideLast(nil, bad)),
		} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: error is %v, want one with %q", name, err, want)
			}
		}
	}
}

func second[T any](_ T, err error) error { return err }

func TestPairErrors(t *testing.T) {
	j := judge(t, Rule{Alpha: 0.05, Looks: []int{10}})
	for _, bad := range []Pair{{-1, 1}, {1, -1}, {math.NaN(), 1}, {1, math.NaN()}, {1, math.Inf(1)}, {math.Inf(-1), 1}} {
		for _, decide := range []func([]Pair) (Result, error){j.Decide, j.DecideLast} {
			if r, err := decide([]Pair{{1, 1}, {1, 1}, bad}); err == nil || !strings.Contains(err.Error(), "pair 2 ") || r.Decided {
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

func swapped(pairs []Pair) []Pair {
	s := make([]Pair, len(pairs))
	for i, p := range pairs {
		s[i] = Pair{p.Variant, p.Base}
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
			counts[i] = Pair{float64(1 + r.IntN(6)), float64(1 + r.IntN(7))}
			withZeros[i] = Pair{float64(r.IntN(4)), float64(r.IntN(6))}
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
				scaled[i] = Pair{p.Base * unit, p.Variant * unit}
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
		pairs[i] = Pair{100, 105 + float64(i)}
	}
	pairs[0] = Pair{100, 95}
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
