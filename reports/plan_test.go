package reports

import (
	"strings"
	"testing"

	"tunelab/results"
)

// A run of several comparisons says how many false verdicts to expect, with a second stage and without.
func TestSecondStage(t *testing.T) {
	for _, c := range []struct {
		confirm results.Confirm
		want    string
	}{
		{results.Confirm{Comparisons: 1}, ""},
		{results.Confirm{Comparisons: 80, Alpha: 0.0125}, "a run of 80 comparisons in which nothing differs raises a false alarm with a chance of at most 5.0 %"},
		{results.Confirm{Comparisons: 80, Why: "the budget allows for 13 blocks, and that takes 24"}, "(the budget allows for 13 blocks, and that takes 24): were all sides equal, about 4 of 80 comparisons would be called different"},
	} {
		got := secondStage(results.Plan{Alpha: 0.05, Confirm: c.confirm})
		if !strings.Contains(got, c.want) || (got == "") != (c.want == "") {
			t.Errorf("%+v: %q, want %q", c.confirm, got, c.want)
		}
	}
}
