package results

import (
	"strings"
	"testing"

	"tunelab/results/verdict"
)

// twoStages is the sample with a second stage.
func twoStages() *Run {
	run := sample()
	run.Plan.Confirm = Confirm{Comparisons: 4, Alpha: 0.25, Looks: verdict.Looks(16)}
	return run
}

// second makes trials those of the second stage.
func second(list []Trial) []Trial {
	for i := range list {
		list[i].Stage = 2
	}
	return list
}

func TestSecondStage(t *testing.T) {
	for _, c := range []struct {
		name          string
		first, again  float64 // ratios
		blocks, fresh int
		done          bool
		want          verdict.Verdict
		flagged       bool
		confirmed     bool
		decided       bool
		ratio         float64
		warns         string
	}{
		{"confirmed", 0.5, 0.6, 12, 10, false, verdict.Better, true, true, true, 0.6, ""},
		{"the other way", 0.5, 2, 12, 16, false, verdict.Undecided, true, false, true, 2, "does not confirm"},
		{"nothing there", 2, 1, 12, 16, true, verdict.Undecided, true, false, true, 1, "does not confirm"},
		{"confirmed as worse", 2, 1.9, 12, 10, false, verdict.Worse, true, true, true, 1.9, ""},
		{"not measured again yet", 0.5, 0, 12, 0, false, verdict.Undecided, true, false, false, 0.5, "not measured again"},
		{"no time for it", 0.5, 0, 12, 0, true, verdict.Undecided, true, false, true, 0.5, "not measured again"},
		{"too few blocks yet", 0.5, 0.5, 12, 4, false, verdict.Undecided, true, false, false, 0.5, ""},
		{"a last look", 0.5, 0.5, 12, 8, true, verdict.Better, true, true, true, 0.5, ""},
		{"the same needs none", 1, 0, 16, 0, false, verdict.Same, false, false, true, 1, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			list := append(trials(c.blocks, c.first), second(trials(c.fresh, c.again))...)
			got := read(t, write(t, twoStages(), list, c.done)).Compare()[0]
			if got.Verdict != c.want || got.Decided != c.decided || (got.Flagged != nil) != c.flagged {
				t.Errorf("%+v", got)
			}
			if got.Flagged != nil && got.Flagged.Confirmed != c.confirmed {
				t.Errorf("flagged %+v", got.Flagged)
			}
			if got.Ratio == nil || *got.Ratio < 0.99*c.ratio || *got.Ratio > 1.01*c.ratio {
				t.Errorf("ratio %v, want the %v of the last stage that was measured", got.Ratio, c.ratio)
			}
			if all := strings.Join(got.Warnings, "\n"); !strings.Contains(all, c.warns) {
				t.Errorf("warnings %q lack %q", all, c.warns)
			}
			if got.P == nil || got.Outcomes[OK] != 2*(c.blocks+c.fresh) {
				t.Errorf("p %v, outcomes %v", got.P, got.Outcomes)
			}
		})
	}
}

// When trials of the second stage are there, the first is over: what it has not found by then it does not find later.
func TestFirstStageEndsWhenTheSecondBegins(t *testing.T) {
	undecided := trials(8, 0.5) // fewer than the first look
	got := read(t, write(t, twoStages(), append(undecided, second(trials(1, 0.5))...), false)).Compare()[0]
	if got.Flagged == nil || got.Decided {
		t.Errorf("8 blocks and a last look are not flagged: %+v", got)
	}
}

// A variant that hangs in the second stage is not confirmed to be fast.
func TestSecondStageCountsOutcomes(t *testing.T) {
	list := append(trials(12, 0.5), second(trials(10, 0.5))...)
	for i := range list {
		if list[i].Stage == 2 && list[i].Variant == "b" && list[i].Block <= 3 {
			list[i].Outcome, list[i].Why, list[i].Values = Timeout, "did not end", nil
		}
	}
	if got := read(t, write(t, twoStages(), list, true)).Compare()[0]; got.Verdict != verdict.Worse || got.Outcomes[Timeout] != 3 {
		t.Errorf("%+v", got)
	}
}
