package main

import (
	"slices"

	"tunelab/results/changepoint"
)

// lastingNights is for how long a count has to stay the same on both sides of a lasting step.
const lastingNights = 7

// A tally is how lasting steps of counts were found.
type tally struct {
	Series   int      `json:"series"`
	Nights   int      `json:"nights"`
	Lasting  int      `json:"lasting"`  // steps that there are
	Found    int      `json:"found"`    // of them
	Invented int      `json:"invented"` // steps that were reported where the count did not change for good
	Wrong    []string `json:"wrong"`    // what was not found or invented, a line each
}

// A lasting is a change of a count from one value that it had for at least seven nights to another: the new one begins
// after the night last and not later than the night next. Nights between the two have other values, and are fewer.
type lasting struct{ last, next int }

// lastingSteps are those of counts, which have no gaps.
func lastingSteps(counts []float64) []lasting {
	var out []lasting
	last := -1 // the last night of the latest level
	for begin := 0; begin < len(counts); {
		end := begin
		for end < len(counts) && counts[end] == counts[begin] {
			end++
		}
		if end-begin >= lastingNights {
			if last >= 0 && counts[last] != counts[begin] && begin-last <= lastingNights {
				out = append(out, lasting{last, begin})
			}
			last = end - 1
		}
		begin = end
	}
	return out
}

// apart says whether all of the seven nights before are on one side of all of the seven after. Counts that are not constant
// change their level, too: that is no lasting step that has to be found, and no invention either.
func apart(counts []float64, at int) bool {
	before, after := counts[max(0, at-lastingNights):at], counts[at:min(len(counts), at+lastingNights)]
	return slices.Max(before) < slices.Min(after) || slices.Max(after) < slices.Min(before)
}

// countSteps holds what our method reports of counts against their lasting steps.
func countSteps(counts []series) tally {
	out := tally{Wrong: []string{}}
	for _, s := range counts {
		y := present(s.values)
		out.Series++
		out.Nights += len(y)
		steps := lastingSteps(y)
		seen := make([]bool, len(steps))
		for _, at := range places(changepoint.Find(y, changepoint.Rounding, changepoint.Counts)) {
			known := apart(y, at)
			for i, step := range steps {
				if step.last < at && at <= step.next {
					seen[i], known = true, true
				}
			}
			if !known {
				out.Invented++
				out.Wrong = append(out.Wrong, wrong("invented", s.name, at, y))
			}
		}
		out.Lasting += len(steps)
		for i, step := range steps {
			if seen[i] {
				out.Found++
			} else {
				out.Wrong = append(out.Wrong, wrong("not found", s.name, step.next, y))
			}
		}
	}
	return out
}
