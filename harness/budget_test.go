package harness

import (
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
	sc.Quick.Budget = scenarios.Duration(150 * time.Second)
	if got := DefaultBudget(sc); got != 150*time.Second {
		t.Errorf("%v where it says 150s", got)
	}
}
