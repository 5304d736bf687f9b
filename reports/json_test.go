package reports

import (
	"bytes"
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"tunelab/results"
)

// The keys of DESIGN.md. Those of a comparison that have nothing to say may be left out.
var (
	runKeys        = strings.Fields("run scenario question protocol plan host finished done comparisons not_measured not_measured_why claims figures checks warnings problems")
	planKeys       = strings.Fields("seed alpha looks budget_ms cases layouts confirm reject")
	comparisonKeys = strings.Fields("case metric better base variant blocks base_median variant_median margin verdict changed within_margin decided outcomes warnings")
	optionalKeys   = strings.Fields("ratio difference lo hi confidence p q margin_abs mde blocks_for_margin exact flagged rejected")
)

func TestJSON(t *testing.T) {
	for _, f := range fixtures() {
		t.Run(f.name, func(t *testing.T) {
			s := f.summary
			var out bytes.Buffer
			if err := JSON(&out, []*Summary{s, s}); err != nil {
				t.Fatal(err)
			}
			var runs []map[string]any
			if err := json.Unmarshal(out.Bytes(), &runs); err != nil {
				t.Fatalf("%v\n%s", err, out.Bytes())
			}
			if len(runs) != 2 {
				t.Fatalf("%d runs", len(runs))
			}
			run := runs[0]
			checkKeys(t, "run", run, runKeys, nil)
			checkKeys(t, "plan", run["plan"].(map[string]any), planKeys, nil)
			comparisons := run["comparisons"].([]any)
			if len(comparisons) != len(s.Comparisons) {
				t.Errorf("%d comparisons of %d", len(comparisons), len(s.Comparisons))
			}
			for _, c := range comparisons {
				checkKeys(t, "comparison", c.(map[string]any), comparisonKeys, optionalKeys)
			}
			if run["finished"] != s.Finished() || run["question"] == "" {
				t.Errorf("finished is %v, the question %q", run["finished"], run["question"])
			}
			for _, key := range []string{"not_measured", "not_measured_why", "claims", "figures", "checks", "warnings", "problems"} {
				if _, ok := run[key].([]any); !ok {
					t.Errorf("%s is %v, not an array", key, run[key])
				}
			}
		})
	}
}

func checkKeys(t *testing.T, what string, object map[string]any, needed, optional []string) {
	t.Helper()
	for _, key := range needed {
		if _, ok := object[key]; !ok {
			t.Errorf("a %s lacks %q", what, key)
		}
	}
	for key := range object {
		if !slices.Contains(needed, key) && !slices.Contains(optional, key) {
			t.Errorf("a %s has %q, which was not agreed", what, key)
		}
	}
}

func TestJSONValuesAreAsDeclared(t *testing.T) {
	var out bytes.Buffer
	if err := JSON(&out, []*Summary{Summarize(claimsFile())}); err != nil {
		t.Fatal(err)
	}
	var runs []jsonRun
	if err := json.Unmarshal(out.Bytes(), &runs); err != nil {
		t.Fatal(err)
	}
	c := runs[0].Comparisons[1]
	if c.BaseMedian == nil || *c.BaseMedian < 8000 || *c.BaseMedian > 10000 {
		t.Errorf("the base's median is %v, want nanoseconds", c.BaseMedian)
	}
	if got, want := runs[0].NotMeasured, []string{"CommitIndex/readers=256"}; !slices.Equal(got, want) {
		t.Errorf("not measured are %q, want %q", got, want)
	}
	if got := runs[0].NotMeasuredWhy; len(got) != 2 || got[1].Variant != "rcu" || got[1].Why == "" {
		t.Errorf("why not: %v", got)
	}
	if got := runs[0].Claims; len(got) != 8 || got[0].Verdict != results.UndecidableHere || got[0].Ratio == nil {
		t.Errorf("claims: %v", got)
	}
}

func TestJSONHasOnlyFiniteNumbers(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(1)
	s := Summarize(claimsFile())
	c := &s.Comparisons[0]
	c.Ratio, c.Lo, c.Hi, c.P, c.Q, c.MDE, c.BaseMedian, c.Confidence, c.Warnings = &nan, &nan, &inf, &nan, &nan, &inf, &inf, nan, nil
	s.Claims[0].Lo, s.Claims[0].Hi = &nan, &inf
	var out bytes.Buffer
	if err := JSON(&out, []*Summary{s}); err != nil {
		t.Fatal(err)
	}
	if text := out.String(); strings.Contains(text, "NaN") || strings.Contains(text, "Inf") {
		t.Error("not JSON")
	}
	if c.Lo != &nan {
		t.Error("the summary was changed")
	}
	out.Reset()
	if err := JSON(&out, nil); err != nil || strings.TrimSpace(out.String()) != "[]" {
		t.Errorf("no runs give %q, %v", out.String(), err)
	}
}
