package results

import (
	"strings"
	"testing"
)

// A claim on a comparison that how trials ended has decided, before there were pairs enough for an interval: the
// direction is known, and the size is not.
func TestClaimDecidedByOutcomes(t *testing.T) {
	for _, row := range []struct {
		name, better string
		killed       string // whose trials the kernel kills
		ratio        float64
		want         string
	}{
		{"a gain, and the variant dies", "lower", "variant", 0.5, NotReproduced},
		{"a gain, and the base dies", "lower", "base", 0.5, DirectionOnly},
		{"a loss, and the variant dies", "lower", "variant", 2, DirectionOnly},
		{"a loss, and the base dies", "lower", "base", 2, NotReproduced},
		{"no worse, and the variant dies", "lower", "variant", 1, NotReproduced},
		{"no worse, and the base dies", "lower", "base", 1, Reproduced},
		{"more is better, a gain, and the variant dies", "higher", "variant", 2, NotReproduced},
		{"more is better, a loss, and the variant dies", "higher", "variant", 0.5, DirectionOnly},
	} {
		for _, pairs := range []int{0, 1, 5} {
			run := &Run{Protocol: Protocol, Plan: Plan{Seed: 7, Alpha: 0.05, Looks: []int{10, 12}}}
			run.Variants = []Variant{{Name: "base", Base: true}, {Name: "variant"}}
			run.Metrics = []Metric{{Unit: "x", Better: row.better, Margin: 0.03}}
			run.Plan.Cases = []PlannedCase{{Case: "C", N: 1, Variants: []string{"base", "variant"}, Pairs: []Pair{{"base", "variant"}}, Metrics: []string{"x"}}}
			run.Claims = []Claim{{ID: "1", Kind: "ratio", Case: "C", Metric: "x", Variant: "variant", Ratio: row.ratio}}
			f := &File{Run: run, Done: &Done{Why: "decided"}}
			for block := 1; block <= pairs+3; block++ {
				for i, v := range []string{"base", "variant"} {
					trial := Trial{Trial: len(f.Trials) + 1, Case: "C", Block: block, Order: i + 1, Variant: v, Outcome: OK, Iterations: 1}
					if v == row.killed && block > pairs {
						trial.Outcome, trial.Why = OOM, "killed: out of memory"
					} else {
						trial.Values = []Value{{1 + float64(i*block)/100, "x"}}
					}
					f.Trials = append(f.Trials, trial)
				}
			}
			j := f.JudgeClaims(f.Compare())[0]
			if j.Verdict != row.want || !strings.Contains(j.Why, row.killed+" ended badly (3 oom)") {
				t.Errorf("%s, after %d pairs: %s (%s), want %s", row.name, pairs, j.Verdict, j.Why, row.want)
			}
		}
	}
}
