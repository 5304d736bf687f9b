package reports

import (
	"fmt"
	"slices"

	"tunelab/reports/internal/number"
	"tunelab/reports/internal/plain"
	"tunelab/results"
	"tunelab/results/verdict"
)

// A verdictGroup is every comparison by one metric.
type verdictGroup struct {
	Unit   string
	Better string // "lower" or "higher"
	Margin string
	Base   string // what all are compared with; "" when that differs
	Counts verdict.Counts
	Cases  []verdictCase
	Notes  []string // told below, referred to by number
}

// A verdictCase is every comparison of one case by one metric.
type verdictCase struct {
	Case string
	Rows []verdictRow
}

// A verdictRow is one comparison in ready strings.
type verdictRow struct {
	Variant, Base string
	BaseMedian    string
	Median        string // of the variant
	Change        string // with its interval: "-31 % [-38 %, -24 %]"
	Confidence    string // of the interval: "95 %"
	Verdict       string
	Blocks        string // "12", or "12+10" where a second stage measured again
	P, Q          string
	Size, Chance  string // of the change and p, as numbers, to sort by
	Detectable    string // the smallest change that would probably have been found
	Settle        string // of an undecided one: what would settle it
	Outcomes      string // trials that did not end well
	Notes         []int  // from 1, into the group's Notes
}

func (s *Summary) setVerdicts() {
	for _, m := range s.File.Run.Metrics {
		g := verdictGroup{Unit: plain.Clean(m.Unit), Better: m.Better, Margin: metricMargin(m)}
		bases := map[string]bool{}
		for i := range s.Comparisons {
			c := &s.Comparisons[i]
			if c.Metric != m.Unit {
				continue
			}
			bases[c.Base] = true
			g.Base = plain.Clean(c.Base)
			g.Counts.Add(c.Verdict)
			if n := len(g.Cases); n == 0 || g.Cases[n-1].Case != plain.Clean(c.Case) {
				g.Cases = append(g.Cases, verdictCase{Case: plain.Clean(c.Case)})
			}
			last := &g.Cases[len(g.Cases)-1]
			last.Rows = append(last.Rows, s.verdictRow(&g, c))
		}
		if len(bases) > 1 {
			g.Base = ""
		}
		if len(g.Cases) > 0 {
			s.groups = append(s.groups, g)
		}
	}
}

func (s *Summary) verdictRow(g *verdictGroup, c *results.Comparison) verdictRow {
	row := verdictRow{
		Variant: plain.Clean(c.Variant), Base: plain.Clean(c.Base),
		Change: change(c), Verdict: string(c.Verdict), Blocks: fmt.Sprint(c.Blocks),
		P: significance(c), Outcomes: badOutcomes(c),
	}
	if c.Ratio != nil && isFinite(*c.Ratio) {
		row.Size = fmt.Sprintf("%.6g", *c.Ratio)
	} else if c.Difference != nil && isFinite(*c.Difference) {
		row.Size = fmt.Sprintf("%.6g", *c.Difference)
	}
	if c.P != nil && isFinite(*c.P) {
		row.Chance = fmt.Sprintf("%.6g", *c.P)
	}
	if c.Flagged != nil {
		row.Blocks = fmt.Sprintf("%d+%d", c.Flagged.Blocks, c.Flagged.Again)
	}
	if c.BaseMedian != nil && c.VariantMedian != nil {
		scale := number.Common([]float64{*c.BaseMedian, *c.VariantMedian}, c.Metric)
		row.BaseMedian, row.Median = scale.Format(*c.BaseMedian), scale.Format(*c.VariantMedian)
	}
	if c.Lo != nil && c.Hi != nil && c.Confidence > 0 {
		row.Confidence = number.Margin(c.Confidence)
	}
	if c.Q != nil && row.P != "" {
		row.Q = "q" + number.P(*c.Q)[1:]
	}
	if c.MDE != nil && isFinite(*c.MDE) {
		row.Detectable = number.Percent(*c.MDE)
		if c.Difference != nil {
			row.Detectable = number.Value(*c.MDE, c.Metric)
		}
	}
	if c.Verdict == verdict.Undecided {
		row.Settle = s.settle(c)
	}
	notes := slices.Clone(c.Warnings)
	if c.Changed && c.Verdict == verdict.Same {
		notes = append(notes, "changed, and by less than the margin")
	}
	for _, text := range notes {
		text = plain.Clean(text)
		i := slices.Index(g.Notes, text)
		if i < 0 {
			i = len(g.Notes)
			g.Notes = append(g.Notes, text)
		}
		row.Notes = append(row.Notes, i+1)
	}
	return row
}
