package reports

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"tunelab/reports/internal/number"
	"tunelab/reports/internal/plain"
)

// mostNamed is how many series an answer names before it counts the rest.
const mostNamed = 3

// answer says in a sentence what changed for certain, what may have, and what did not; and whether the newest night can be
// relied on.
func (v *trendView) answer() string {
	if v.nights == 0 {
		return "There is no night yet."
	}
	in := fmt.Sprintf("In %s, %s to %s, ", count(v.nights, "night", "nights"), date(v.first), date(v.last))
	if v.first.Equal(v.last) {
		in = fmt.Sprintf("In %s, of %s, ", count(v.nights, "night", "nights"), date(v.first))
	}
	if len(v.series) == 0 {
		return in + "nothing was measured."
	}
	of := map[trendState][]*trendSeries{}
	for _, s := range v.series {
		of[s.state] = append(of[s.state], s)
	}
	parts := []string{
		changedFor(of[confirmedWorse], "got worse", "got slower"), changedFor(of[confirmedBetter], "got better", "got faster"),
		changedFor(of[confirmedChanged], "changed", "changed"),
	}
	if list := slices.Concat(of[candidateWorse], of[candidateChanged], of[candidateBetter]); len(list) > 0 {
		parts = append(parts, fmt.Sprintf("%s not confirmed: %s", count(len(list), "candidate is", "candidates are"), candidates(list)))
	}
	if n := len(of[refuted]); n > 0 {
		parts = append(parts, fmt.Sprintf("%s refuted by measuring anew", count(n, "candidate was", "candidates were")))
	}
	parts = slices.DeleteFunc(parts, func(p string) bool { return p == "" })
	rest, short := len(of[unchanged]), len(of[tooShort])
	switch {
	case rest > 0 && len(parts) == 0:
		parts = append(parts, fmt.Sprintf("nothing changed in %s", count(rest, "series", "series")))
	case rest > 0:
		parts = append(parts, "nothing else changed")
	}
	if short > 0 {
		parts = append(parts, fmt.Sprintf("%s too few nights to tell", count(short, "series has", "series have")))
	}
	return in + strings.Join(parts, "; ") + "." + v.warning()
}

// warning is about the newest night, when it can't be relied on.
func (v *trendView) warning() string {
	if v.newest == nil || v.newest.Canary == nil {
		return ""
	}
	says, alive := canary(v.newest)
	if alive {
		return ""
	}
	return " " + strings.Replace(says, "this night", "the last night", 1)
}

// changedFor counts the benchmarks that changed for certain, and names those that changed most. Speed has words of its own.
func changedFor(list []*trendSeries, what, speed string) string {
	if len(list) == 0 {
		return ""
	}
	if !slices.ContainsFunc(list, func(s *trendSeries) bool { return !number.IsTime(s.line.Metric) && !number.IsRate(s.line.Metric) }) {
		what = speed
	}
	benchmarks := map[string]bool{}
	for _, s := range list {
		benchmarks[s.label] = true
	}
	return fmt.Sprintf("%s %s: %s", count(len(benchmarks), "benchmark", "benchmarks"), what, naming(list))
}

func naming(list []*trendSeries) string {
	var names []string
	for i, s := range list {
		if i == mostNamed && len(list) > mostNamed+1 {
			names = append(names, fmt.Sprintf("%d more", len(list)-i))
			break
		}
		text := plain.Elide(s.label, 60) + " (" + plain.Elide(s.metric, 24) + ")"
		if c := s.last(); c != nil {
			text += " " + c.best() + " since " + date(c.started)
			if n := len(s.changes); n > 1 {
				text += fmt.Sprintf(" (one of %d changes)", n)
			}
		}
		names = append(names, text)
	}
	return listOf(names)
}

// candidates names what may have changed, in brief: it is not known yet.
func candidates(list []*trendSeries) string {
	var names []string
	for _, s := range list {
		text := plain.Elide(s.label, 60) + " (" + plain.Elide(s.metric, 24) + ")"
		if c := s.last(); c != nil && !s.line.Plain {
			text += " " + number.Change(math.Exp(c.step.Size()))
		}
		names = append(names, text)
	}
	return listOf(atMost(names, mostNamed))
}
