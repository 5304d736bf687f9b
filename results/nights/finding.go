package nights

import (
	"math"

	"tunelab/results/verdict"
)

// Kind says what a [Finding] is about.
type Kind string

// The kinds of findings. The first two make a night red.
const (
	Regression  Kind = "regression"   // confirmed, and larger than what matters
	Fails       Kind = "fails"        // a benchmark that fails at the tip and not at the baseline
	Accepted    Kind = "accepted"     // a regression that somebody decided to live with
	Small       Kind = "small"        // confirmed, and smaller than what matters
	Flagged     Kind = "flagged"      // by the first stage, and not confirmed
	Improvement Kind = "improvement"  // confirmed
	Broken      Kind = "broken"       // a package that could not be built or measured
	OnlyOld     Kind = "disappeared"  // benchmarks that the baseline has and the tip has not
	OnlyNew     Kind = "new"          // benchmarks that the tip has and the baseline has not
	NotMeasured Kind = "not measured" // it fails on both sides, or the budget had no room for it
	Skipped     Kind = "skipped"      // by itself, or by build tags
	Misused     Kind = "misused"      // a benchmark that measures something else than it says
	Alike       Kind = "alike"        // a package that both sides build into the same bytes
)

// A Finding is something that a night's gate has to say.
type Finding struct {
	Kind      Kind
	Package   string // folder or import path
	Benchmark string // "" where it is about a package
	Metric    string // "" where it is about no figure
	Better    string // "lower" or "higher"
	Ratio     *float64
	Lo, Hi    *float64
	From, To  *float64 // medians, in Metric's unit
	Verdict   verdict.Verdict
	Why       string // the rest of the sentence, "" where the figures say all
	Run       string // name of the run that has the trials
}

// Worse is by how much the tip is worse, as a share: 0.05 for 5 % slower, or for 5 % less of what there should be more of.
// It is below 0 when the tip is better, and infinite where something came from nothing.
func (f Finding) Worse() float64 {
	switch {
	case f.Ratio == nil && f.From != nil && f.To != nil && (*f.To > *f.From) == (f.Better == "higher"):
		return math.Inf(-1)
	case f.Ratio == nil || f.Better == "higher" && *f.Ratio == 0:
		return math.Inf(1)
	case f.Better == "higher":
		return 1 / *f.Ratio - 1
	}
	return *f.Ratio - 1
}

// Red reports whether the finding makes a night red.
func (f Finding) Red() bool { return f.Kind == Regression || f.Kind == Fails }

// Counts says how many comparisons of a night came to what.
type Counts struct {
	verdict.Counts
	Alike  int `json:"alike,omitempty"`  // packages
	Broken int `json:"broken,omitempty"` // packages
}
