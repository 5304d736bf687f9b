package harness

import (
	"slices"
	"testing"
	"time"

	"tunelab/scenarios"
)

// Without --budget a run takes what its scenario asks for, with --quick and without.
func TestDefaultBudget(t *testing.T) {
	sc := &scenarios.Scenario{}
	if got := DefaultBudget(sc); got != 3*time.Minute {
		t.Errorf("%v where the scenario says nothing", got)
	}
	if got := FullBudget(sc); got != 3*time.Minute {
		t.Errorf("all cases take %v where the scenario says nothing", got)
	}
	sc.Full.Budget = scenarios.Duration(20 * time.Minute)
	if got := FullBudget(sc); got != 20*time.Minute {
		t.Errorf("all cases take %v where it says 20m", got)
	}
	sc.Quick.Budget = scenarios.Duration(150 * time.Second)
	if got := DefaultBudget(sc); got != 150*time.Second {
		t.Errorf("%v where it says 150s", got)
	}
}

func TestTooShort(t *testing.T) {
	sc := &scenarios.Scenario{}
	if tooShort(sc, time.Second) {
		t.Error("a scenario that does not say what all of it takes")
	}
	sc.Full.Budget = scenarios.Duration(20 * time.Minute)
	if tooShort(sc, time.Second) {
		t.Error("a scenario without quick cases")
	}
	for _, quick := range []scenarios.Quick{{Cases: []string{"A"}}, {Variants: []string{"a"}}} {
		sc.Quick = quick
		for budget, want := range map[time.Duration]bool{time.Minute: true, 9 * time.Minute: true, 10 * time.Minute: false, time.Hour: false} {
			if got := tooShort(sc, budget); got != want {
				t.Errorf("with %+v: %v of 20m is too short: %v", quick, budget, got)
			}
		}
	}
}

// The quick cases are those that a budget which is too small for all keeps.
func TestQuickFirst(t *testing.T) {
	found := []string{"get", "list", "write", "mixed"}
	for _, c := range []struct{ quick, want []string }{
		{nil, found},
		{[]string{"mixed", "list"}, []string{"mixed", "list", "get", "write"}},
	} {
		if got := quickFirst(found, c.quick); !slices.Equal(got, c.want) {
			t.Errorf("with %v first: %v, want %v", c.quick, got, c.want)
		}
	}
	if !slices.Equal(found, []string{"get", "list", "write", "mixed"}) {
		t.Errorf("the list itself changed: %v", found)
	}
}
