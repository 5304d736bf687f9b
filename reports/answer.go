package reports

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"tunelab/reports/internal/number"
	"tunelab/reports/internal/shell"
	"tunelab/results"
	"tunelab/results/verdict"
)

// maxClauses is up to how many pairs × metrics the answer tells each; above, it groups the variants.
const maxClauses = 2

// maxNames is how many variants or cases a sentence names before it says "and 3 more".
const maxNames = 4

// answer composes the one or two sentences that a colleague who asks is told.
func (s *Summary) answer() string {
	told := s.findings()
	if s.Finished() {
		return told
	}
	return fmt.Sprintf("Unfinished: %s measured so far. %s Resume with: %s",
		count(len(s.File.Trials), "trial is", "trials are"), told, shell.Line(s.Resume))
}

func (s *Summary) findings() string {
	if len(s.Comparisons) == 0 {
		return s.nothing()
	}
	var clauses [][]*results.Comparison // by pair and metric, in the order of the plan
	at := map[pairKey]int{}
	for i := range s.Comparisons {
		c := &s.Comparisons[i]
		key := pairKey{"", c.Metric, c.Base, c.Variant}
		j, ok := at[key]
		if !ok {
			j = len(clauses)
			at[key] = j
			clauses = append(clauses, nil)
		}
		clauses[j] = append(clauses[j], c)
	}
	if len(clauses) > maxClauses {
		return s.grouped()
	}
	var sentences []string
	for _, list := range clauses {
		sentences = append(sentences, s.clause(list))
	}
	return strings.Join(sentences, " ")
}

// nothing says why there is no comparison.
func (s *Summary) nothing() string {
	for _, c := range s.File.Run.Checks {
		if !c.Passed {
			return fmt.Sprintf("Nothing was compared: %s failed its correctness test.", name(c.Variant))
		}
	}
	if n := len(s.missing); n > 0 {
		return fmt.Sprintf("Nothing was compared: %s not measured, the first because: %s.",
			count(n, "case or variant was", "cases or variants were"), strings.TrimRight(s.missing[0].Why, "."))
	}
	if len(s.File.Run.Variants) < 2 {
		return "Nothing was compared: the run has no variant besides the base."
	}
	return "Nothing was compared: no case of the plan reports a primary metric."
}

// clause tells one variant against one base by one metric, over all cases.
func (s *Summary) clause(list []*results.Comparison) string {
	first := list[0]
	unit, base := name(first.Metric), name(first.Base)
	by := map[verdict.Verdict][]*results.Comparison{}
	for _, c := range list {
		by[c.Verdict] = append(by[c.Verdict], c)
	}
	in := func(n int) string {
		switch {
		case len(list) == 1:
			return "in " + name(first.Case)
		case n == len(list):
			return fmt.Sprintf("in all %d cases", n)
		}
		return fmt.Sprintf("in %d of %d cases", n, len(list))
	}
	var parts []string
	change := func(v verdict.Verdict, word string) {
		found := by[v]
		switch {
		case len(found) == 0:
		case len(parts) == 0:
			parts = append(parts, fmt.Sprintf("is %s than %s %s (%s: %s)", word, base, in(len(found)), unit, strongest(found, len(list))))
		default:
			parts = append(parts, fmt.Sprintf("%s in %d (%s)", word, len(found), strongest(found, len(list))))
		}
	}
	better, worse := adjectives(first)
	if slices.ContainsFunc(list, byOutcome) {
		better, worse = "better", "worse"
	}
	change(verdict.Better, better)
	change(verdict.Worse, worse)
	if n := len(by[verdict.Same]); n > 0 && len(parts) == 0 {
		parts = append(parts, fmt.Sprintf("is the same as %s within %s %s (%s)", base, margin(first), in(n), unit))
	} else if n > 0 {
		parts = append(parts, fmt.Sprintf("the same within %s in %d", margin(first), n))
	}
	if n := len(list) - len(by[verdict.Better]) - len(by[verdict.Worse]) - len(by[verdict.Same]); n == len(list) {
		parts = append(parts, fmt.Sprintf("is undecided against %s %s (%s%s)", base, in(n), unit, s.couldHaveSeen(list)))
	} else if n > 0 {
		parts = append(parts, count(n, "is undecided", "are undecided"))
	}
	return name(first.Variant) + " " + listOf(parts) + "."
}

// adjectives returns what a better and a worse variant is called: only a time or a rate makes it fast.
func adjectives(c *results.Comparison) (better, worse string) {
	if number.IsTime(c.Metric) && c.Better == "lower" || number.IsRate(c.Metric) && c.Better == "higher" {
		return "faster", "slower"
	}
	return "better", "worse"
}

// strongest tells the largest change among comparisons with one verdict, and its case when there are several.
func strongest(found []*results.Comparison, cases int) string {
	best := slices.MaxFunc(found, func(a, b *results.Comparison) int {
		return compareFloats(strength(a), strength(b))
	})
	text := effect(best)
	if cases == 1 {
		return text
	}
	if len(found) > 1 {
		text = "up to " + text
	}
	return text + " in " + name(best.Case)
}

// strength orders changes: what did not survive first, then the distance from no change.
func strength(c *results.Comparison) float64 {
	switch {
	case byOutcome(c), c.Ratio != nil && *c.Ratio <= 0:
		return math.Inf(1)
	case c.Ratio != nil:
		return math.Abs(math.Log(*c.Ratio))
	case c.Difference != nil:
		return math.Abs(*c.Difference)
	}
	return 0
}

// couldHaveSeen tells, of comparisons that are all undecided, what change would have been found in most of them.
func (s *Summary) couldHaveSeen(list []*results.Comparison) string {
	var seen []float64
	for _, c := range list {
		if c.MDE != nil && c.Difference == nil && isFinite(*c.MDE) {
			seen = append(seen, *c.MDE)
		}
	}
	if len(seen) < len(list) || !s.Finished() {
		return ""
	}
	return fmt.Sprintf("; changes of about %s would have been found", number.Percent(slices.Max(seen)))
}

// A standing is what a variant's verdicts say together.
type standing struct {
	is, are string
	has     func(c *verdict.Counts) bool
}

func standings() []standing {
	return []standing{
		{"is better somewhere and worse nowhere", "are better somewhere and worse nowhere", func(c *verdict.Counts) bool { return c.Better > 0 && c.Worse == 0 }},
		{"is better somewhere and worse elsewhere", "are better somewhere and worse elsewhere", func(c *verdict.Counts) bool { return c.Better > 0 && c.Worse > 0 }},
		{"is worse somewhere and better nowhere", "are worse somewhere and better nowhere", func(c *verdict.Counts) bool { return c.Better == 0 && c.Worse > 0 }},
		{"is the same within the margin", "are the same within the margin", func(c *verdict.Counts) bool { return c.Same == c.Total() }},
		{"shows no difference", "show no difference", func(c *verdict.Counts) bool { return c.Better+c.Worse == 0 && c.Undecided > 0 }},
	}
}

// grouped tells many variants and metrics: who is better, worse or the same, and the largest change each way. Pairs
// that leave the base out, which claims ask for, are told behind.
func (s *Summary) grouped() string {
	var order []pairKey
	counts := map[pairKey]*verdict.Counts{}
	main := s.mainBase()
	for i := range s.Comparisons {
		c := &s.Comparisons[i]
		if c.Base != main {
			continue
		}
		key := pairKey{"", "", c.Base, c.Variant}
		if counts[key] == nil {
			counts[key] = &verdict.Counts{}
			order = append(order, key)
		}
		counts[key].Add(c.Verdict)
	}
	var parts []string
	for _, g := range standings() {
		var names []string
		for _, k := range order {
			if g.has(counts[k]) {
				names = append(names, name(k.variant))
			}
		}
		switch len(names) {
		case 0:
		case 1:
			parts = append(parts, names[0]+" "+g.is)
		default:
			parts = append(parts, listOf(atMost(names, maxNames))+" "+g.are)
		}
	}
	return "Against " + name(main) + ", " + strings.Join(parts, "; ") + "." + s.extremes(main) + s.aside(main)
}

// mainBase is the base that the answer is about: the run's own, unless nothing was compared with it.
func (s *Summary) mainBase() string {
	base := s.File.Run.Base()
	if slices.ContainsFunc(s.Comparisons, func(c results.Comparison) bool { return c.Base == base }) {
		return base
	}
	return s.Comparisons[0].Base
}

// aside tells the pairs that leave the base out, if they are few.
func (s *Summary) aside(main string) string {
	var keys []pairKey
	lists := map[pairKey][]*results.Comparison{}
	for i := range s.Comparisons {
		c := &s.Comparisons[i]
		if c.Base == main {
			continue
		}
		key := pairKey{"", c.Metric, c.Base, c.Variant}
		if lists[key] == nil {
			keys = append(keys, key)
		}
		lists[key] = append(lists[key], c)
	}
	if len(keys) == 0 || len(keys) > maxClauses {
		return ""
	}
	text := " Besides,"
	for i, key := range keys {
		if i > 0 {
			text += " And"
		}
		text += " " + s.clause(lists[key])
	}
	return text
}

// extremes tells the largest gain and the largest loss against the base.
func (s *Summary) extremes(base string) string {
	var parts []string
	for _, side := range []struct {
		v    verdict.Verdict
		name string
	}{{verdict.Better, "gain"}, {verdict.Worse, "loss"}} {
		var best *results.Comparison
		for i := range s.Comparisons {
			c := &s.Comparisons[i]
			if c.Verdict == side.v && c.Base == base && (best == nil || strength(c) > strength(best)) {
				best = c
			}
		}
		if best != nil {
			parts = append(parts, fmt.Sprintf("the largest %s is %s: %s %s in %s",
				side.name, name(best.Variant), name(best.Metric), effect(best), name(best.Case)))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return " T" + strings.Join(parts, "; ")[1:] + "."
}
