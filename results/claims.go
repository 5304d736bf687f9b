package results

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"tunelab/results/verdict"
)

// The verdicts on a claim.
const (
	Reproduced      = "reproduced"
	DirectionOnly   = "direction only"
	NotReproduced   = "not reproduced"
	DoesNotExist    = "does not exist"
	UndecidableHere = "undecidable here"
	ClaimUndecided  = "undecided"
)

// JudgedClaim is a claim held against the records.
type JudgedClaim struct {
	ID      string   `json:"id"`
	Says    string   `json:"says"`
	Kind    string   `json:"kind"`
	Claimed *float64 `json:"claimed,omitempty"` // the published ratio or value
	Ratio   *float64 `json:"ratio,omitempty"`   // measured, variant ÷ against
	Value   *float64 `json:"value,omitempty"`   // measured, for a claim on a value
	Lo      *float64 `json:"lo,omitempty"`
	Hi      *float64 `json:"hi,omitempty"`
	Blocks  int      `json:"blocks,omitempty"`
	Verdict string   `json:"verdict"`
	Why     string   `json:"why"`
}

// JudgeClaims holds every claim of the run against the comparisons that [File.Compare] returned.
func (f *File) JudgeClaims(comparisons []Comparison) []JudgedClaim {
	var out []JudgedClaim
	for _, c := range f.Run.Claims {
		j := JudgedClaim{ID: c.ID, Says: c.Says, Kind: c.Kind, Verdict: ClaimUndecided}
		switch c.Kind {
		case "ratio":
			j.Claimed = &c.Ratio
			f.judgeRatio(&j, c, comparisons)
		case "value":
			j.Claimed = &c.Value
			f.judgeValue(&j, c)
		case "exists", "missing":
			f.judgeFact(&j, c)
		default:
			j.Why = fmt.Sprintf("unknown kind of claim %q", c.Kind)
		}
		f.judgeRequires(&j, c)
		out = append(out, j)
	}
	return out
}

func (f *File) judgeRatio(j *JudgedClaim, c Claim, comparisons []Comparison) {
	against := c.Against
	if against == "" {
		against = f.Run.Base()
	}
	i := slices.IndexFunc(comparisons, func(x Comparison) bool {
		return x.Case == c.Case && x.Metric == c.Metric && x.Variant == c.Variant && x.Base == against
	})
	if i < 0 {
		j.Why = f.whyNot(c)
		return
	}
	x := comparisons[i]
	j.Ratio, j.Lo, j.Hi, j.Blocks = x.Ratio, x.Lo, x.Hi, x.Blocks
	if x.Flagged != nil && !x.Flagged.Confirmed && !endedBadly(x) {
		j.Why = strings.Join(x.Warnings, "; ")
		return
	}
	if x.Lo == nil && x.Decided && endedBadly(x) {
		j.judgeByOutcomes(x, c.Ratio)
		return
	}
	if x.Ratio == nil || x.Lo == nil || x.Hi == nil {
		j.Why = strings.Join(append([]string{fmt.Sprintf("no interval of a ratio after %d blocks", x.Blocks)}, x.Warnings...), "; ")
		return
	}
	lo, hi, claimed := *x.Lo, *x.Hi, c.Ratio
	better, worse := verdict.Better, verdict.Worse
	if x.Better == "higher" { // from here on lower is better
		lo, hi, claimed = 1/hi, 1/lo, 1/claimed
	}
	if claimed > 1 { // a claimed loss: the same rule, mirrored
		lo, hi, claimed = 1/hi, 1/lo, 1/claimed
		better, worse = worse, better
	}
	switch bad := x.Outcomes[Failed] + x.Outcomes[Timeout] + x.Outcomes[OOM]; {
	case slices.ContainsFunc(x.Warnings, isScheduleWarning):
		j.Why = strings.Join(x.Warnings, "; ")
	case bad > 0 && x.Verdict != better:
		if x.Verdict == worse {
			j.Verdict = NotReproduced
		}
		j.Why = strings.Join(x.Warnings, "; ")
	case hi <= claimed*(1+x.Margin):
		j.Verdict, j.Why = Reproduced, fmt.Sprintf("the end of the interval that is nearest to no change reaches the claimed ratio within %s", percent(x.Margin))
	case x.Verdict == verdict.Same:
		j.Verdict, j.Why = NotReproduced, "shown to be the same within "+percent(x.Margin)
	case lo > 1 || x.Verdict == worse:
		j.Verdict, j.Why = NotReproduced, "measured the other way"
	case hi < 1:
		j.Verdict, j.Why = DirectionOnly, "the same direction, but smaller than claimed"
	case lo > claimed*(1+x.Margin):
		j.Why = "the interval leaves out the claimed ratio, but includes a ratio of 1" + blocksNeeded(x)
	default:
		j.Why = "the interval does not leave out no change" + blocksNeeded(x)
	}
}

// endedBadly reports whether how trials ended decided the comparison.
func endedBadly(x Comparison) bool {
	return x.Outcomes[Failed]+x.Outcomes[Timeout]+x.Outcomes[OOM] > 0 && x.Verdict != verdict.Undecided
}

// judgeByOutcomes judges a claim on a comparison that was decided by how trials ended, before there was an interval of
// a ratio: the direction is known and the size is not.
func (j *JudgedClaim) judgeByOutcomes(x Comparison, claimed float64) {
	gain := claimed <= 1
	if x.Better == "higher" {
		gain = claimed >= 1
	}
	switch {
	case gain != (x.Verdict == verdict.Better):
		j.Verdict = NotReproduced
	case claimed == 1:
		j.Verdict = Reproduced
	default:
		j.Verdict = DirectionOnly
	}
	j.Why = strings.Join(x.Warnings, "; ")
}

func blocksNeeded(x Comparison) string {
	if x.BlocksForMargin == 0 {
		return ""
	}
	return fmt.Sprintf("; about %d blocks would settle it to %s, %d were measured", x.BlocksForMargin, percent(x.Margin), x.Blocks)
}

func isScheduleWarning(s string) bool { return strings.Contains(s, "missed its schedule") }

// judgeValue compares the claimed value with the interval of the variant's own values, over all its trials.
func (f *File) judgeValue(j *JudgedClaim, c Claim) {
	variant := c.Variant
	if variant == "" {
		variant = f.Run.Base()
	}
	values, _ := f.Values(c.Case, variant, c.Metric)
	j.Blocks = len(values)
	center, lo, hi, ok := verdict.OneSample(values, f.Run.Plan.Alpha)
	if !ok {
		j.Why = f.whyNot(c)
		return
	}
	j.Value, j.Lo, j.Hi = &center, &lo, &hi
	from, to := c.Value/(1+c.Tolerance), c.Value*(1+c.Tolerance)
	switch {
	case lo >= from && hi <= to:
		j.Verdict, j.Why = Reproduced, fmt.Sprintf("within %s of the claimed value", percent(c.Tolerance))
	case hi < from:
		j.Verdict, j.Why = NotReproduced, "smaller than claimed"
	case lo > to:
		j.Verdict, j.Why = NotReproduced, "larger than claimed"
	default:
		j.Why = "the interval reaches both into and out of the claimed value's zone"
	}
}

func (f *File) judgeFact(j *JudgedClaim, c Claim) {
	i := slices.IndexFunc(f.Run.Facts, func(x Fact) bool { return x.Claim == c.ID })
	if i < 0 {
		j.Why = "its test " + c.Test + " was not run"
		return
	}
	fact := f.Run.Facts[i]
	ended := "failed"
	if fact.Passed {
		ended = "passed"
	}
	j.Why = fmt.Sprintf("%s %s: %s", fact.Test, ended, fact.Saw)
	switch {
	case fact.Passed && c.Kind == "exists":
		j.Verdict = Reproduced
	case fact.Passed:
		j.Verdict = DoesNotExist
	case c.Kind == "exists":
		j.Verdict = NotReproduced
	}
}

// judgeRequires turns the verdict into "undecidable here" when the machine lacks what the claim was stated for, and
// keeps what was measured all the same in the reason.
func (f *File) judgeRequires(j *JudgedClaim, c Claim) {
	has := map[string]int{
		"cores":      f.Run.Host.Cores,
		"numa_nodes": f.Run.Host.NUMANodes,
		"memory_gib": int(math.Round(f.Run.Host.MemoryGiB)),
	}
	var lacks []string
	for name, need := range c.Requires {
		if has[name] < need {
			lacks = append(lacks, fmt.Sprintf("needs %d %s, has %d", need, strings.ReplaceAll(name, "_", " "), has[name]))
		}
	}
	if len(lacks) == 0 {
		return
	}
	slices.Sort(lacks)
	measured := "measured here: " + j.Verdict
	if j.Why != "" {
		measured += ", " + j.Why
	}
	j.Verdict, j.Why = UndecidableHere, strings.Join(append(lacks, measured), "; ")
}

// whyNot says why a claim has no numbers.
func (f *File) whyNot(c Claim) string {
	for _, u := range f.Run.NotMeasured {
		if u.Case == c.Case && (u.Variant == "" || u.Variant == c.Variant) {
			return "not measured: " + u.Why
		}
		if u.Case == "" && (u.Variant == c.Variant || u.Variant == c.Against) {
			return fmt.Sprintf("%s was not measured: %s", u.Variant, u.Why)
		}
	}
	if planned, ok := f.Run.Plan.Case(c.Case); ok {
		if c.Kind == "ratio" && !slices.Contains(planned.Metrics, c.Metric) {
			return fmt.Sprintf("the case does not report %s", c.Metric)
		}
		return "too few blocks for an interval: 6 are needed"
	}
	return fmt.Sprintf("no case %q was found", c.Case)
}

func percent(x float64) string { return fmt.Sprintf("%.3g %%", 100*x) }
