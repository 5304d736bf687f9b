package harness

import (
	"math"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"tunelab/results"
	"tunelab/scenarios"
)

// claimedFile is a run of the scenario in which one claim is true as published: its variant differs from what it is
// compared with by the claimed ratio and a hundredth of noise, or has the claimed value, or its test passes when the
// named thing exists. With swapped, the trials of variant and base have changed places, and the test ends the other way.
func claimedFile(t *testing.T, sc *scenarios.Scenario, c scenarios.Claim, swapped bool) *results.File {
	t.Helper()
	run := &results.Run{ID: "made-up", Protocol: results.Protocol, Host: results.Host{Cores: 1 << 20, MemoryGiB: 1 << 20, NUMANodes: 1 << 10}}
	run.Plan = results.Plan{Seed: 7, Alpha: alpha, Looks: []int{10, 12, 16, 20}}
	for _, v := range sc.Variants {
		run.Variants = append(run.Variants, results.Variant{Name: v.Name, Base: v.Base})
	}
	run.Claims = []results.Claim{claimOf(c)}
	file := &results.File{Run: run, Done: &results.Done{Why: "last block"}}
	if c.Kind == "exists" || c.Kind == "missing" {
		run.Facts = []results.Fact{{Claim: c.ID, Test: c.Test, Passed: !swapped, Saw: "what it saw"}}
		return file
	}
	better := sc.Metrics.Better[c.Metric]
	if better == "" {
		better = "lower" // a value is shown and not judged; the direction changes nothing
	}
	run.Metrics = []results.Metric{{Unit: c.Metric, Better: better, Margin: sc.MarginOf(c.Metric), MarginAbs: sc.Metrics.MarginAbs[c.Metric]}}
	against := c.Against
	if against == "" {
		against = sc.Base().Name
	}
	values := map[string]float64{against: 1000, c.Variant: 1000}
	switch {
	case c.Kind == "value" && against == c.Variant: // of the base itself: what it changes places with is another
		against = "another"
		run.Variants = append(run.Variants, results.Variant{Name: against})
		fallthrough
	case c.Kind == "value":
		values = map[string]float64{against: *c.Value*10 + 1, c.Variant: *c.Value}
	case *c.Ratio == 1 && better == "higher": // that two are equal does not turn; that one is no worse than the other does
		values[c.Variant] = 2000
	case *c.Ratio == 1:
		values[c.Variant] = 500
	default:
		values[c.Variant] = 1000 * *c.Ratio
	}
	run.Plan.Cases = []results.PlannedCase{{
		Case: c.Case, N: 1, Variants: []string{against, c.Variant}, Pairs: []results.Pair{{Base: against, Variant: c.Variant}}, Metrics: []string{c.Metric},
	}}
	if swapped {
		values[against], values[c.Variant] = values[c.Variant], values[against]
	}
	noise := rand.New(rand.NewPCG(1, 2))
	for block := 1; block <= 20; block++ {
		for order, v := range []string{against, c.Variant} {
			file.Trials = append(file.Trials, results.Trial{
				Trial: len(file.Trials) + 1, Case: c.Case, Block: block, Order: order + 1, Variant: v, Outcome: results.OK, Iterations: 1,
				Values: []results.Value{{Value: values[v] * math.Exp(0.002*noise.NormFloat64()), Unit: c.Metric}},
			})
		}
	}
	return file
}

// The verdict on every claim of every scenario comes from the data: where these are as published it is "reproduced" (or
// "does not exist", for a claim that something is not there), and when base and variant change places it turns.
func TestClaimsTurnWithTheData(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join("..", scenarios.Dir, "*.toml"))
	if err != nil || len(paths) == 0 {
		t.Fatal(paths, err)
	}
	judged := 0
	for _, path := range paths {
		sc, err := scenarios.Read(path)
		if err != nil {
			t.Error(err)
			continue
		}
		for _, c := range sc.Claims {
			judged++
			verdict := func(swapped bool) results.JudgedClaim {
				f := claimedFile(t, sc, c, swapped)
				return f.JudgeClaims(f.Compare())[0]
			}
			as, turned := verdict(false), verdict(true)
			want, wantTurned := results.Reproduced, results.NotReproduced
			if c.Kind == "missing" {
				want, wantTurned = results.DoesNotExist, results.ClaimUndecided
			}
			if as.Verdict != want {
				t.Errorf("%s, claim %s with data as published: %s, want %s: %s", sc.Name, c.ID, as.Verdict, want, as.Why)
			}
			if turned.Verdict != wantTurned {
				t.Errorf("%s, claim %s with base and variant swapped: %s, want %s: %s", sc.Name, c.ID, turned.Verdict, wantTurned, turned.Why)
			}
		}
	}
	if judged == 0 {
		t.Error("no claim was judged")
	}
}
