package results

import (
	"cmp"
	"path/filepath"
	"slices"
	"testing"

	"tunelab/results/verdict"
)

// What base and variant measured changes places, in the runs that are kept: every verdict must turn, and none may be
// found that was not there before.
func TestSwappedDataTurnsEveryVerdict(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join("baseline", "*", BenchFile))
	if err != nil || len(paths) == 0 {
		t.Fatal("no run is kept: ", err)
	}
	turned := map[verdict.Verdict]verdict.Verdict{
		verdict.Better: verdict.Worse, verdict.Worse: verdict.Better, verdict.Same: verdict.Same, verdict.Undecided: verdict.Undecided,
	}
	decided := 0
	for _, path := range paths {
		f, err := Read(path)
		if err != nil || len(f.Problems) > 0 || f.Done == nil {
			t.Errorf("%s: %v, problems %v", path, err, f.Problems)
			continue
		}
		judge := NewJudge(f.Run)
		for _, x := range f.Compare() {
			if x.Verdict != verdict.Undecided {
				decided++
			}
			y := swapped(f, judge, x)
			if y.Verdict != turned[x.Verdict] {
				t.Errorf("%s: %s of %s against %s in %s is %s, and with their data swapped %s", path, x.Metric, x.Variant, x.Base, x.Case, x.Verdict, y.Verdict)
			}
			if x.Ratio != nil && y.Ratio != nil && !near(*x.Ratio**y.Ratio, 1) {
				t.Errorf("%s: ratios %v and %v", path, *x.Ratio, *y.Ratio)
			}
		}
	}
	if decided == 0 {
		t.Error("nothing was decided in any of them")
	}
}

// The same for claims of a ratio: one that the data bear out is not reproduced with the data swapped, and one that they
// contradict then is, in its direction at least.
func TestSwappedDataTurnsEveryClaim(t *testing.T) {
	paths, err := filepath.Glob(filepath.Join("baseline", "*", BenchFile))
	if err != nil || len(paths) == 0 {
		t.Fatal("no run is kept: ", err)
	}
	turned := 0
	for _, path := range paths {
		f, err := Read(path)
		if err != nil {
			t.Fatal(err)
		}
		judge := NewJudge(f.Run)
		for i := range f.Run.Claims {
			f.Run.Claims[i].Requires = nil // a machine that is large enough
		}
		comparisons := f.Compare()
		before := f.JudgeClaims(comparisons)
		for i, x := range comparisons {
			comparisons[i] = swapped(f, judge, x)
		}
		after := f.JudgeClaims(comparisons)
		for i, c := range f.Run.Claims {
			x := slices.IndexFunc(comparisons, func(x Comparison) bool {
				return x.Case == c.Case && x.Metric == c.Metric && x.Variant == c.Variant && x.Base == cmp.Or(c.Against, f.Run.Base())
			})
			if c.Kind != "ratio" || x < 0 || comparisons[x].Verdict == verdict.Undecided || comparisons[x].Verdict == verdict.Same || c.Ratio == 1 {
				continue
			}
			turned++
			if borneOut(before[i].Verdict) == borneOut(after[i].Verdict) {
				t.Errorf("%s: claim %s is %s (%s), and with the data swapped %s (%s)", path, c.ID, before[i].Verdict, before[i].Why, after[i].Verdict, after[i].Why)
			}
		}
	}
	if turned == 0 {
		t.Error("no claim was decided in any of them")
	}
}

func borneOut(verdict string) bool { return verdict == Reproduced || verdict == DirectionOnly }

func near(a, b float64) bool { return a/b < 1+1e-9 && b/a < 1+1e-9 }

// swapped is the comparison with the trials of variant and base in each other's place.
func swapped(f *File, judge *Judge, x Comparison) Comparison {
	other := map[string]string{x.Base: x.Variant, x.Variant: x.Base}
	var trials []*Trial
	for i := range f.Trials {
		t := f.Trials[i]
		if name, ok := other[t.Variant]; ok && t.Case == x.Case {
			t.Variant = name
			trials = append(trials, &t)
		}
	}
	planned, _ := f.Run.Plan.Case(x.Case)
	planned.Pairs, planned.Metrics = []Pair{{Base: x.Base, Variant: x.Variant}}, []string{x.Metric}
	return judge.CompareCase(planned, trials, Over)[0]
}
