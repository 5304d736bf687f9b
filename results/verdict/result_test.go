package verdict

import (
	"math"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// Metrics that can be 0 are compared by differences from the first look that
// sees a 0 on.
func TestDifferences(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 1))
	pairs := make([]Pair, 20)
	for i := range pairs {
		pairs[i] = pair(10*r.Float64(), 100+10*r.Float64())
	}
	rule := Rule{Alpha: 0.05, Margin: 0.5, Looks: []int{10, 20}}
	if got, err := Decide(pairs, rule); err != nil || got.Scale != Ratio || got.Effect < 5 {
		t.Errorf("all positive: got %+v, %v", got, err)
	}
	pairs[2].Base = 0
	got, err := Decide(pairs, rule)
	if err != nil || got.Scale != Difference || got.Verdict != Worse || got.Effect < 90 || got.Effect > 110 || got.Lo > got.Effect || got.Hi < got.Effect || got.Pairs != 10 {
		t.Errorf("with a zero: got %+v, %v", got, err)
	}
	// same needs the absolute margin.
	for i := range pairs {
		pairs[i].Variant = max(0, pairs[i].Base+r.Float64()-0.5)
	}
	for abs, want := range map[float64]Verdict{0: Undecided, 2: Same} {
		rule.MarginAbs = abs
		if got, err = Decide(pairs, rule); err != nil || got.Verdict != want || got.Scale != Difference {
			t.Errorf("absolute margin %v: got %+v, %v", abs, got, err)
		}
	}
}

// What was shown about a ratio does not count for a difference: the first look
// shows a ratio to be above the lower end only, the zero comes after it.
func TestSameStartsAnewOnAnotherScale(t *testing.T) {
	j := judgeWith(t, Rule{Alpha: 0.4, Margin: 0.1, MarginAbs: 0.1, Looks: []int{8, 9, 14}}, drawn)
	pairs := noisyPairs(rand.New(rand.NewPCG(6, 2)), 14, 0.1, 0.01)
	pairs[8] = pair(0, 0)
	c := newComparison(j.rule, j.signs, pairs)
	looks := j.planned(14)
	c.take(looks[0])
	if c.above.catchUp(); !c.above.rejected || c.scale != Ratio {
		t.Fatal("the first look shows nothing")
	}
	d, scale := differences(pairs[:9])
	c.useScale(scale)
	if c.above.rejected || len(c.above.looks) != 0 || scale != Difference {
		t.Error("what was shown about the ratio is kept for the difference")
	}
	c.same(d, looks[1])
	if above := c.above; len(above.looks) != 1 {
		t.Errorf("the new scale has %d looks, want 1", len(above.looks))
	}
}

// By hand: d = ±0.1 in turn, so σ² = n/(n-1)·0.01.
func TestMinimumDetectableEffect(t *testing.T) {
	pairs := make([]Pair, 20)
	for i := range pairs {
		pairs[i] = pair(1, math.Exp(0.1))
		if i%2 == 0 {
			pairs[i] = pair(math.Exp(0.1), 1)
		}
	}
	got, err := DecideLast(pairs, Rule{Alpha: 0.05, Margin: 0.03, Looks: []int{20}})
	if err != nil {
		t.Fatal(err)
	}
	deviation := 0.1 * math.Sqrt(20.0/19)
	if want := math.Exp(2.87*deviation/math.Sqrt(20)) - 1; !near(got.MDE, want, 1e-12) {
		t.Errorf("MDE is %v, want %v", got.MDE, want)
	}
	if want := int(math.Ceil(math.Pow(2.87*deviation/math.Log(1.03), 2))); got.BlocksForMargin != want {
		t.Errorf("the margin needs %d pairs, want %d", got.BlocksForMargin, want)
	}
	pairs[0] = pair(0, 0)
	for i := range pairs[1:] {
		pairs[i+1] = pair(5, 5+float64(i%2))
	}
	if got, err = DecideLast(pairs, Rule{Alpha: 0.05, MarginAbs: 50, Looks: []int{20}}); err != nil {
		t.Fatal(err)
	}
	// 9 ones among 20: σ² = (9 - 81/20)/19.
	if want := 2.87 * math.Sqrt((9-81.0/20)/19/20); !near(got.MDE, want, 1e-12) || got.BlocksForMargin != 6 {
		t.Errorf("MDE is %v and the margin needs %d pairs, want %v and 6", got.MDE, got.BlocksForMargin, want)
	}
	if got, err = DecideLast(pairs, Rule{Alpha: 0.05, Margin: 0.03, Looks: []int{20}}); err != nil || got.BlocksForMargin != 0 {
		t.Errorf("without a margin for differences %d pairs are needed, want 0 (%v)", got.BlocksForMargin, err)
	}
}

func TestWarnings(t *testing.T) {
	r := rand.New(rand.NewPCG(6, 3))
	tied := make([]Pair, 20)
	for i := range tied {
		tied[i] = pair(100, 99+float64(i%3))
	}
	zero := noisyPairs(r, 12, 0, 0.1)
	zero[0].Base = 0
	for _, c := range []struct {
		name  string
		pairs []Pair
		looks []int
		want  []string // the beginning of each
	}{
		{"none", noisyPairs(r, 20, 0, 0.1), []int{20}, nil},
		{"no pairs", nil, []int{20}, []string{"no pairs"}},
		{"few", noisyPairs(r, 5, 0, 0.1), []int{20}, []string{"only 5 pairs"}},
		{"early stop", noisyPairs(r, 20, 0.5, 0.1), []int{10, 20}, []string{"stopped early, at 10 of at most 20 pairs"}},
		{"no early stop", noisyPairs(r, 20, 0.5, 0.1), []int{20}, nil},
		{"zero", zero, []int{12}, []string{"a value is 0", "differences cannot be found the same"}},
		{"ties", tied, []int{20}, []string{"7 of 20 pairs are equal", "only 2 sizes among 13"}},
	} {
		got, err := DecideLast(c.pairs, Rule{Alpha: 0.05, Margin: 0.001, Looks: c.looks})
		if err != nil {
			t.Fatal(err)
		}
		if !slices.EqualFunc(got.Warnings, c.want, strings.HasPrefix) {
			t.Errorf("%s: warnings are %q, want %q", c.name, got.Warnings, c.want)
		}
	}
}

// The test and the interval can disagree: ties of opposite sign cancel in the
// ranks and end the interval at no change; and an interval that ignores
// earlier looks can leave out no change although they had spent too much of
// alpha to say so. Both happen among samples without an effect.
func TestWarningsOfDisagreement(t *testing.T) {
	t.Parallel()
	const changed, spent = "the signs say changed", "the interval leaves out no change"
	r := rand.New(rand.NewPCG(6, 4))
	seen := map[string]int{}
	j := judgeWith(t, Rule{Alpha: 0.05, Looks: Looks(25)}, 999)
	for range 1000 {
		pairs := noisyPairs(r, 25, 0, 0.05)
		if r.IntN(2) == 0 {
			for i := range pairs {
				pairs[i] = pair(float64(98+r.IntN(3)), float64(98+r.IntN(3)))
			}
		}
		got := decided(t, j.Decide, pairs)
		leavesOut := got.Lo > 1 || got.Hi < 1
		for text, want := range map[string]bool{
			changed: got.Verdict == Undecided && got.Changed,
			spent:   got.Verdict == Undecided && leavesOut,
		} {
			has := slices.ContainsFunc(got.Warnings, func(w string) bool { return strings.HasPrefix(w, text) })
			if has != want {
				t.Errorf("%+v: warns %q is %v", got, text, has)
			}
			if has {
				seen[text]++
			}
		}
	}
	if seen[changed] == 0 || seen[spent] == 0 {
		t.Errorf("seen: %v, want some of both", seen)
	}
}

// Results are written as JSON, which has no NaN and no infinity.
func TestResultsAreFinite(t *testing.T) {
	t.Parallel()
	if got, ok := (Rule{Exact: true}).exactly(constant(3, 1e-300, 1e300)); !ok || got.Effect != math.MaxFloat64 {
		t.Errorf("exactly: got %+v", got)
	}
	for _, pairs := range append(samples(), constant(20, 0, 0), constant(20, 3, 3), constant(20, 0, 1), constant(1, 5, 6),
		constant(20, 1e300, 1e-300), constant(20, 1e-300, 1e300), constant(20, 0, 1.7e308), append(constant(20, 0, 1.7e308), constant(20, 1.7e308, 0)...)) {
		for _, margin := range []float64{0, 0.03} {
			j := judgeWith(t, Rule{Alpha: 0.05, Margin: margin, Looks: Looks(20)}, 199)
			for _, decide := range []func([]Pair) (Result, error){j.Decide, j.DecideLast} {
				got := decided(t, decide, pairs)
				fields := reflect.ValueOf(got)
				for i := range fields.NumField() {
					if f := fields.Field(i); f.Kind() == reflect.Float64 && (math.IsNaN(f.Float()) || math.IsInf(f.Float(), 0)) {
						t.Errorf("%v: %s is %v", pairs, fields.Type().Field(i).Name, f.Float())
					}
				}
			}
		}
	}
}

func TestMedians(t *testing.T) {
	for _, c := range []struct {
		pairs         []Pair
		base, variant float64
	}{
		{[]Pair{pair(1, 30), pair(3, 10), pair(2, 20)}, 2, 20},
		{[]Pair{pair(1, 30), pair(3, 10)}, 2, 20},
		{[]Pair{pair(0, 7)}, 0, 7},
	} {
		got, err := Decide(c.pairs, Rule{Alpha: 0.05, Looks: Looks(20)})
		if err != nil || got.BaseMedian != c.base || got.VariantMedian != c.variant {
			t.Errorf("%v: medians are %v and %v, want %v and %v (%v)", c.pairs, got.BaseMedian, got.VariantMedian, c.base, c.variant, err)
		}
	}
}
