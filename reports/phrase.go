package reports

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"tunelab/reports/internal/number"
	"tunelab/reports/internal/plain"
	"tunelab/results"
	"tunelab/results/verdict"
)

// effect tells a comparison's change and interval in words: "31 % lower [24 %, 38 %]".
func effect(c *results.Comparison) string {
	switch {
	case byOutcome(c):
		noun := "trials"
		if c.Outcomes[results.Failed]+c.Outcomes[results.Timeout]+c.Outcomes[results.OOM] == 1 {
			noun = "trial"
		}
		return fmt.Sprintf("%s had %s %s", name(failing(c)), badOutcomes(c), noun)
	case c.Ratio != nil:
		lo, hi := interval(c)
		return number.Effect(*c.Ratio, lo, hi)
	}
	return change(c)
}

// change writes a comparison's change and interval with signs: "-31 % [-38 %, -24 %]".
func change(c *results.Comparison) string {
	lo, hi := interval(c)
	switch {
	case c.Ratio != nil:
		return number.Change(*c.Ratio) + number.Interval(number.Change, lo, hi)
	case c.Difference != nil:
		scale := differenceScale(c)
		signed := func(v float64) string { return number.Signed(v, scale) }
		return signed(*c.Difference) + number.Interval(signed, lo, hi)
	}
	return "no pair"
}

// interval is that of a comparison, NaN where it has none: an exact one needs none.
func interval(c *results.Comparison) (lo, hi float64) {
	if c.Exact {
		return math.NaN(), math.NaN()
	}
	return orNaN(c.Lo), orNaN(c.Hi)
}

// differenceScale is one scale for a difference and its interval.
func differenceScale(c *results.Comparison) number.Scale {
	var values []float64
	for _, p := range []*float64{c.Difference, c.Lo, c.Hi} {
		if p != nil {
			values = append(values, *p)
		}
	}
	return number.Common(values, c.Metric)
}

// byOutcome reports whether the verdict comes from trials that did not end well, whatever the times say.
func byOutcome(c *results.Comparison) bool {
	bad := c.Outcomes[results.Failed] + c.Outcomes[results.Timeout] + c.Outcomes[results.OOM]
	return bad > 0 && !c.Changed && (c.Verdict == verdict.Better || c.Verdict == verdict.Worse)
}

// failing is the side whose trials did not end well, when that decided the verdict.
func failing(c *results.Comparison) string {
	if c.Verdict == verdict.Better {
		return c.Base
	}
	return c.Variant
}

// badOutcomes counts what did not end well: "2 timeout, 1 failed".
func badOutcomes(c *results.Comparison) string {
	var parts []string
	for _, o := range []results.Outcome{results.Failed, results.Timeout, results.OOM} {
		if n := c.Outcomes[o]; n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", n, o))
		}
	}
	return strings.Join(parts, ", ")
}

// margin writes what `same` means for a comparison: "3 %".
func margin(c *results.Comparison) string {
	if c.Difference != nil && c.MarginAbs > 0 {
		return "±" + number.Value(c.MarginAbs, c.Metric)
	}
	return number.Margin(c.Margin)
}

// metricMargin writes both margins of a metric: "3 %, or ±5.000ms where values can be 0".
func metricMargin(m results.Metric) string {
	if m.MarginAbs > 0 {
		return fmt.Sprintf("%s, or ±%s where values are 0", number.Margin(m.Margin), number.Value(m.MarginAbs, m.Unit))
	}
	return number.Margin(m.Margin)
}

// settle tells of an undecided comparison what would have been found, and about what would settle it; or, while
// measuring is not over, when it is looked at next. It is empty where no number of blocks would help.
func (s *Summary) settle(c *results.Comparison) string {
	noLoad := func(warning string) bool { return strings.Contains(warning, "no latency verdict") }
	if badOutcomes(c) != "" || slices.ContainsFunc(c.Warnings, noLoad) {
		return ""
	}
	if !s.Finished() && !c.Decided {
		for _, n := range s.File.Run.Plan.Looks {
			if n > c.Blocks {
				return fmt.Sprintf("not over: the next look is at %d blocks", n)
			}
		}
	}
	var parts []string
	if c.MDE != nil && isFinite(*c.MDE) {
		found := "a change of about " + number.Percent(*c.MDE)
		switch {
		case c.Difference != nil:
			found = "a change of about " + number.Value(*c.MDE, c.Metric)
		case *c.MDE > 1:
			found = fmt.Sprintf("only a change by a factor of about %.2g", 1+*c.MDE)
		}
		parts = append(parts, fmt.Sprintf("%s would have been found", found))
	}
	if c.BlocksForMargin > 0 {
		parts = append(parts, fmt.Sprintf("%s blocks would settle it to %s", aboutBlocks(c.BlocksForMargin), margin(c)))
	}
	return strings.Join(parts, "; ")
}

// aboutBlocks rounds a number of blocks up to two digits: more would promise too much.
func aboutBlocks(n int) string {
	if n > maxBlocksTold {
		return fmt.Sprintf("more than %d", maxBlocksTold)
	}
	step := 1
	for n/step >= 100 {
		step *= 10
	}
	return fmt.Sprintf("about %d", (n+step-1)/step*step)
}

// maxBlocksTold is the largest number of blocks that is worth telling.
const maxBlocksTold = 100_000

// name is a name fit for a sentence: clean and not too long.
func name(s string) string { return plain.Elide(plain.Clean(s), maxNameWidth) }

// maxNameWidth is how long a name in a sentence may be.
const maxNameWidth = 60

// count writes "1 trial", "2 trials".
func count(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

// listOf joins "a", "a and b", "a, b, and c".
func listOf(parts []string) string {
	switch n := len(parts); n {
	case 0:
		return ""
	case 1:
		return parts[0]
	case 2:
		return parts[0] + " and " + parts[1]
	default:
		return strings.Join(parts[:n-1], ", ") + ", and " + parts[n-1]
	}
}

// atMost keeps the first n names and says how many more there are.
func atMost(names []string, n int) []string {
	if len(names) <= n {
		return names
	}
	return append(append([]string{}, names[:n]...), fmt.Sprintf("%d more", len(names)-n))
}

func isFinite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }

func orNaN(p *float64) float64 {
	if p == nil {
		return math.NaN()
	}
	return *p
}

func compareFloats(a, b float64) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}
