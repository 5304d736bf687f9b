package verdict

import (
	"slices"
	"testing"
)

func constant(n int, base, variant float64) []Pair {
	return slices.Repeat([]Pair{pair(base, variant)}, n)
}

func TestExact(t *testing.T) {
	for _, c := range []struct {
		name            string
		pairs           []Pair
		margin, abs     float64
		want            Verdict
		effect          float64
		changed, within bool
	}{
		{"equal", constant(3, 12, 12), 0, 0, Same, 1, false, true},
		{"fewer", constant(3, 12, 9), 0, 0, Better, 0.75, true, false},
		{"more", constant(4, 9, 12), 0.1, 0, Worse, 12.0 / 9, true, false},
		{"more within the margin", constant(3, 100, 103), 0.03, 0, Same, 1.03, true, true},
		{"on the margin, rounded up", constant(3, 200, 202), 0.01, 0, Same, 1.01, true, true},
		{"fewer within the margin", constant(3, 103, 100), 0.03, 0, Same, 100.0 / 103, true, true},
		{"just outside", constant(3, 1000, 1031), 0.03, 0, Worse, 1.031, true, false},
		{"absolute margin does not count between positive values", constant(3, 100, 103), 0, 5, Worse, 1.03, true, false},
		{"both zero", constant(3, 0, 0), 0, 0, Same, 0, false, true},
		{"from zero", constant(3, 0, 2), 0.5, 0, Worse, 2, true, false},
		{"from zero within", constant(3, 0, 2), 0, 2, Same, 2, true, true},
		{"to zero", constant(3, 2, 0), 0.5, 0, Better, 0, true, false},
	} {
		rule := Rule{Alpha: 0.05, Margin: c.margin, MarginAbs: c.abs, Looks: Looks(30), Exact: true}
		for _, decide := range []func([]Pair, Rule) (Result, error){Decide, DecideLast} {
			got, err := decide(c.pairs, rule)
			if err != nil {
				t.Fatal(err)
			}
			if got.Verdict != c.want || !near(got.Effect, c.effect, 1e-12) || got.Changed != c.changed || got.WithinMargin != c.within ||
				!got.Decided || got.Pairs != len(c.pairs) || got.Look != -1 || got.Scale != Exact || got.HasP || got.HasInterval ||
				got.Lo != got.Effect || got.Hi != got.Effect || got.BaseMedian != c.pairs[0].Base || got.VariantMedian != c.pairs[0].Variant {
				t.Errorf("%s: got %+v", c.name, got)
			}
		}
	}
	for name, pairs := range map[string][]Pair{
		"two pairs":         constant(2, 1, 2),
		"base varies":       append(constant(5, 1, 2), pair(3, 2)),
		"variant varies":    append(constant(5, 1, 2), pair(1, 3)),
		"contradicted late": append(constant(20, 1, 1), pair(1, 2)),
	} {
		got, err := Decide(pairs, Rule{Alpha: 0.05, Looks: Looks(30), Exact: true})
		if err != nil || got.Scale == Exact || got.Decided {
			t.Errorf("%s: got %+v, %v", name, got, err)
		}
	}
	if got, err := Decide(constant(5, 1, 2), Rule{Alpha: 0.05, Looks: Looks(30)}); err != nil || got.Decided || got.Scale != Ratio {
		t.Errorf("times are not compared exactly, got %+v, %v", got, err)
	}
	higher, err := Decide(constant(3, 1, 2), Rule{Alpha: 0.05, Looks: Looks(30), Exact: true, HigherIsBetter: true})
	if err != nil || higher.Verdict != Better {
		t.Errorf("higher is better: got %+v, %v", higher, err)
	}
}
