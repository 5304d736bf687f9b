package results

import (
	"path/filepath"
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
	return judge.CompareCase(planned, trials, true)[0]
}
