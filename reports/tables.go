package reports

import (
	"fmt"
	"math"
	"slices"

	"golang.org/x/perf/benchmath"

	"tunelab/reports/internal/number"
	"tunelab/reports/internal/plain"
	"tunelab/results"
	"tunelab/results/verdict"
)

// confidence is the level of the intervals beside medians, benchstat's default.
const confidence = 0.95

// A metricTable shows one unit: a row for each case, a column for each variant, the base first.
type metricTable struct {
	Unit    string
	Better  string // "lower" or "higher"; "" for a unit that is not judged
	Margin  string // "" for a unit that is not judged
	Columns []tableColumn
	Rows    []tableRow
	Notes   []string // told below, referred to by number in the cells
	NeedsP  bool     // the p-values stand nowhere else
}

// A tableColumn is a variant, or a file.
type tableColumn struct {
	Name string
	Sub  string // told below the name
	Base bool
}

// A tableRow is a case.
type tableRow struct {
	Case  string
	Cells []tableCell // as many as there are columns
}

// A tableCell is the summary of one variant in one case. All strings are empty where it has no number.
type tableCell struct {
	Value      string // the median, with its unit: "9.216µs"
	Range      string // the larger half of its interval: "3%"
	Delta      string // against the base: "-31.20%", "same", "~"
	P          string // "p=0.021", "exact"
	Verdict    string
	Notes      []int // from 1, into the table's Notes: on the value
	DeltaNotes []int // the same, on the delta
}

// setTables makes a table for every unit that trials report, the primary metrics first and in the order of the
// scenario.
func (s *Summary) setTables() {
	run := s.File.Run
	var units []string
	for _, m := range run.Metrics {
		units = append(units, m.Unit)
	}
	primary := len(units)
	for i := range s.File.Trials {
		for _, v := range s.File.Trials[i].Values {
			if !slices.Contains(units, v.Unit) {
				units = append(units, v.Unit)
			}
		}
	}
	for i, unit := range units {
		t := metricTable{Unit: plain.Clean(unit)}
		if i < primary {
			t.Better, t.Margin = run.Metrics[i].Better, metricMargin(run.Metrics[i])
		}
		s.fillTable(&t, unit)
		switch {
		case len(t.Rows) == 0:
		case i < primary:
			s.judged = append(s.judged, t)
		default:
			s.others = append(s.others, t)
		}
	}
}

func (s *Summary) fillTable(t *metricTable, unit string) {
	var names []string
	for _, name := range s.variantNames() {
		has := func(c results.PlannedCase) bool { return len(s.trials.values(c.Case, name, unit)) > 0 }
		if slices.ContainsFunc(s.File.Run.Plan.Cases, has) {
			names = append(names, name)
			column := tableColumn{Name: plain.Clean(name), Base: name == s.File.Run.Base()}
			switch {
			case t.Better == "":
			case column.Base:
				column.Sub = "base"
			default:
				column.Sub = "vs base"
			}
			t.Columns = append(t.Columns, column)
		}
	}
	for _, c := range s.File.Run.Plan.Cases {
		row := tableRow{Case: plain.Clean(c.Case), Cells: make([]tableCell, len(names))}
		summaries := make([]*benchmath.Summary, len(names))
		var centers []float64
		for i, name := range names {
			if values := s.trials.values(c.Case, name, unit); len(values) > 0 {
				summary := summarize(values)
				summaries[i] = &summary
				centers = append(centers, summary.Center)
			}
		}
		if len(centers) == 0 {
			continue
		}
		scale := number.Common(centers, unit)
		for i, name := range names {
			cell := &row.Cells[i]
			if summaries[i] != nil {
				cell.Value = scale.Format(summaries[i].Center)
				cell.Range = summaries[i].PctRangeString()
				cell.Notes = t.note(cell.Notes, summaries[i].Warnings)
			}
			if compared := s.byPair[pairKey{c.Case, unit, s.File.Run.Base(), name}]; compared != nil {
				cell.Delta, cell.P = delta(compared), significance(compared)
				cell.Verdict = string(compared.Verdict)
			}
		}
		t.Rows = append(t.Rows, row)
	}
}

// note adds warnings to the table's notes, each once, and returns numbers with theirs behind them.
func (t *metricTable) note(numbers []int, warnings []error) []int {
	for _, w := range warnings {
		text := w.Error()
		i := slices.Index(t.Notes, text)
		if i < 0 {
			i = len(t.Notes)
			t.Notes = append(t.Notes, text)
		}
		numbers = append(numbers, i+1)
	}
	return numbers
}

// summarize is the median of values and its interval, as benchstat computes them. It does not reorder values.
func summarize(values []float64) benchmath.Summary {
	sample := benchmath.NewSample(slices.Clone(values), &benchmath.DefaultThresholds)
	return benchmath.AssumeNothing.Summary(sample, confidence)
}

// delta is the column "vs base": the change when the verdict is better or worse, else a word or benchstat's "~".
func delta(c *results.Comparison) string {
	switch {
	case byOutcome(c) && c.Verdict == verdict.Better:
		return "base: " + badOutcomes(c)
	case byOutcome(c):
		return badOutcomes(c)
	case c.Verdict == verdict.Same:
		return "same"
	case c.Verdict != verdict.Better && c.Verdict != verdict.Worse:
		return "~"
	case c.Ratio != nil:
		return number.Delta(*c.Ratio)
	case c.Difference != nil:
		return number.Signed(*c.Difference, differenceScale(c))
	}
	return string(c.Verdict)
}

// significance is what stands behind the delta in brackets.
func significance(c *results.Comparison) string {
	switch {
	case byOutcome(c):
		return ""
	case c.Exact:
		return "exact"
	case c.P != nil && !math.IsNaN(*c.P):
		return number.P(*c.P)
	}
	return ""
}

// superscript writes a note's number: "¹²".
func superscript(n int) string {
	digits := []rune("⁰¹²³⁴⁵⁶⁷⁸⁹")
	var out string
	for _, d := range fmt.Sprint(n) {
		out += string(digits[d-'0'])
	}
	return out
}
