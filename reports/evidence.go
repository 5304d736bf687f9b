package reports

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"tunelab/reports/internal/number"
	"tunelab/reports/internal/plain"
	"tunelab/reports/plots"
	"tunelab/results"
	"tunelab/results/verdict"
)

// maxForestRows is how many comparisons one forest shows before the next begins.
const maxForestRows = 24

// maxTold is how many rows the text behind a picture tells.
const maxTold = 40

// forests prepares the comparisons by one metric: ratios and differences apart, because their axes differ, and many
// split over several pictures between cases.
func (s *Summary) forests(m results.Metric) []plots.ForestData {
	var out []plots.ForestData
	for _, differences := range []bool{false, true} {
		var rows []plots.ForestRow
		for i := range s.Comparisons {
			c := &s.Comparisons[i]
			if c.Metric == m.Unit && (c.Ratio != nil || c.Difference != nil) && (c.Difference != nil) == differences {
				rows = append(rows, s.forestRow(c))
			}
		}
		for len(rows) > 0 {
			n := forestCut(rows)
			d := plots.ForestData{Rows: rows[:n], ZoneLo: 1 / (1 + m.Margin), ZoneHi: 1 + m.Margin}
			if differences {
				d.Unit, d.ZoneLo, d.ZoneHi = m.Unit, -m.MarginAbs, m.MarginAbs
			}
			d.Label = forestLabel(d, m)
			out = append(out, d)
			rows = rows[n:]
		}
	}
	return out
}

func (s *Summary) forestRow(c *results.Comparison) plots.ForestRow {
	lo, hi := interval(c)
	row := plots.ForestRow{
		Text: change(c) + " " + string(c.Verdict), Center: orNaN(c.Ratio), Lo: lo, Hi: hi,
		Series: slices.Index(s.variantNames(), c.Variant),
	}
	if c.Difference != nil {
		row.Center = *c.Difference
	}
	variant := plain.Clean(c.Variant)
	if c.Base != s.File.Run.Base() {
		variant += " vs " + plain.Clean(c.Base)
	}
	row.Label, row.Group = variant, plain.Clean(c.Case)
	if s.onePair() {
		row.Label, row.Group = plain.Clean(c.Case), ""
	}
	return row
}

// onePair reports whether all comparisons are of one variant against one base, so that rows need not name them.
func (s *Summary) onePair() bool {
	return !slices.ContainsFunc(s.Comparisons, func(c results.Comparison) bool {
		return c.Variant != s.Comparisons[0].Variant || c.Base != s.Comparisons[0].Base
	})
}

// forestCut returns how many of rows the next picture shows: whole groups, unless one alone is too long.
func forestCut(rows []plots.ForestRow) int {
	if len(rows) <= maxForestRows {
		return len(rows)
	}
	for n := maxForestRows; n > maxForestRows/2; n-- {
		if rows[n].Group != rows[n-1].Group {
			return n
		}
	}
	return maxForestRows
}

func forestLabel(d plots.ForestData, m results.Metric) string {
	var told []string
	for i, r := range d.Rows {
		if i == maxTold {
			told = append(told, fmt.Sprintf("and %d more", len(d.Rows)-i))
			break
		}
		told = append(told, strings.TrimSpace(r.Group+" "+r.Label)+": "+r.Text)
	}
	return fmt.Sprintf("Change of %s with intervals, %s is better. %s.", plain.Clean(m.Unit), m.Better, strings.Join(told, "; "))
}

// thinned says what of a picture is left out, so that the rest can be seen; "" for nothing.
func (s *Summary) thinned(kind string, c results.PlannedCase, unit string) string {
	switch every := s.everyBlock(c); {
	case kind == "order" && every > 1:
		return fmt.Sprintf(" (one block in %d)", every)
	case kind == "order" || kind == "quantiles":
		return ""
	}
	for _, name := range s.variantNames() {
		if len(s.trials.values(c.Case, name, unit)) > plots.MostSteps {
			return fmt.Sprintf(" (of each, %d at even ranks)", plots.MostSteps)
		}
	}
	return ""
}

// A picture is one of a case's, and what it shows.
type picture struct {
	Kind    string // for a file's name
	Says    string
	Picture plots.Picture
}

// pictures are those of one case by one metric: the values, their distribution, their order, and the base beside itself.
func (s *Summary) pictures(c results.PlannedCase, unit string) []picture {
	spread := s.spread(c, unit)
	if len(spread.Rows) == 0 {
		return nil
	}
	out := []picture{
		{"values", "every trial", plots.Spread(spread)},
		{"order", "in the order of measuring", plots.Order(s.order(c, unit))},
	}
	if d := s.ecdf(c, unit); len(d.Lines) > 0 {
		out = append(out, picture{"distribution", "share of the trials with at most so much", plots.ECDF(d)})
	}
	for _, f := range s.quantileFamilies(c) {
		if slices.Contains(f.units, unit) {
			if d := s.quantiles(c, f); len(d.Lines) > 0 {
				out = append(out, picture{"quantiles", "quantiles of the latency", plots.Curve(d)})
			}
		}
	}
	if d := s.itself(c, unit); len(d.Rows) > 0 {
		out = append(out, picture{"itself", "the base against itself, and the variants against it", plots.Spread(d)})
	}
	for i := range out {
		out[i].Says += s.thinned(out[i].Kind, c, unit)
	}
	return out
}

// Limits of the cases whose values a page shows: a value takes some 150 bytes in all its pictures together.
const (
	maxPictured = 40
	maxValues   = 4_000 // of all metrics
)

// roomFor is of how many cases a page shows the values: at least one.
func (s *Summary) roomFor() int {
	all, values := len(s.File.Run.Plan.Cases), 0
	for _, variants := range s.trials {
		for _, trials := range variants {
			values += min(len(trials), plots.MostSteps) * len(s.File.Run.Metrics)
		}
	}
	if values > maxValues {
		all = max(1, all*maxValues/values)
	}
	return min(all, maxPictured)
}

// pictured are the cases whose values a page shows by one metric, in the order of the plan, and how many it leaves out:
// those in which least changed.
func (s *Summary) pictured(unit string) (cases []results.PlannedCase, left int) {
	all := s.File.Run.Plan.Cases
	room := s.roomFor()
	if len(all) <= room {
		return all, 0
	}
	most := map[string]float64{}
	for i := range s.Comparisons {
		if c := &s.Comparisons[i]; c.Metric == unit && c.Verdict != verdict.Same {
			weight := strength(c)
			if c.Verdict == verdict.Undecided {
				weight = min(weight, 1e-9) // behind all that is decided
			}
			most[c.Case] = max(most[c.Case], weight)
		}
	}
	order := make([]int, len(all))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return compareFloats(most[all[b].Case], most[all[a].Case]) })
	order = order[:room]
	slices.Sort(order)
	for _, i := range order {
		cases = append(cases, all[i])
	}
	return cases, len(all) - len(cases)
}

// spread prepares the values of every variant in one case by one metric.
func (s *Summary) spread(c results.PlannedCase, unit string) plots.SpreadData {
	d := plots.SpreadData{Unit: unit}
	var told []string
	for i, name := range s.variantNames() {
		values := s.trials.values(c.Case, name, unit)
		if len(values) == 0 {
			continue
		}
		sum := summarize(values)
		median := sum.Center
		low, high := slices.Min(values), slices.Max(values)
		scale := number.Common([]float64{median, low, high}, unit)
		row := plots.SpreadRow{
			Label: plain.Clean(name), Values: values, Median: median, Lo: sum.Lo, Hi: sum.Hi, Series: i,
			Text: fmt.Sprintf("median %s (%s–%s)", scale.Format(median), scale.Format(low), scale.Format(high)),
		}
		d.Rows = append(d.Rows, row)
		told = append(told, fmt.Sprintf("%s: %s, %s", row.Label, count(len(values), "value", "values"), row.Text))
	}
	d.ZoneLo, d.ZoneHi = s.zone(c, unit)
	d.Label = fmt.Sprintf("Values of %s in %s. %s.", plain.Clean(unit), plain.Clean(c.Case), strings.Join(told, "; "))
	return d
}

// zone is where a median is the same as the base's, within the metric's margin; zeros where there is none.
func (s *Summary) zone(c results.PlannedCase, unit string) (lo, hi float64) {
	values := s.trials.values(c.Case, s.File.Run.Base(), unit)
	m, ok := s.File.Run.Metric(unit)
	if !ok || len(values) == 0 {
		return 0, 0
	}
	median := summarize(values).Center
	if median == 0 || m.MarginAbs > 0 && slices.Min(values) <= 0 {
		return median - m.MarginAbs, median + m.MarginAbs
	}
	return median / (1 + m.Margin), median * (1 + m.Margin)
}

// order prepares the trials of one case in the order in which they ran.
func (s *Summary) order(c results.PlannedCase, unit string) plots.OrderData {
	d := plots.OrderData{Unit: unit, StealMS: map[int]float64{}}
	at := map[string]int{}
	for i, name := range s.variantNames() {
		if slices.Contains(c.Variants, name) || len(s.trials[c.Case][name]) > 0 {
			at[name] = len(d.Series)
			d.Series = append(d.Series, plots.OrderSeries{Name: plain.Clean(name), Series: i})
		}
	}
	stolen := 0.0
	every := s.everyBlock(c)
	for i := range s.File.Trials {
		t := &s.File.Trials[i]
		j, ok := at[t.Variant]
		if t.Case != c.Case || !ok {
			continue
		}
		d.Trials++
		block := 1_000_000*max(t.Stage-1, 0) + t.Block
		if v, has := t.Get(unit); has && t.Outcome == results.OK && isFinite(v) {
			if t.Block%every == 0 {
				d.Series[j].Points = append(d.Series[j].Points, plots.OrderPoint{Place: d.Trials, Value: v, Block: block})
			}
		} else if t.Outcome != results.OK {
			d.Series[j].Bad = append(d.Series[j].Bad, d.Trials)
		}
		if t.StealMS > 0 && !math.IsInf(t.StealMS, 0) {
			d.StealMS[d.Trials] = t.StealMS
			stolen += t.StealMS
		}
	}
	d.Label = s.orderLabel(d, c, stolen)
	if every > 1 {
		d.Label += fmt.Sprintf(" One block in %d is drawn.", every)
	}
	return d
}

// maxOrderTrials is how many trials the picture of their order has room for.
const maxOrderTrials = 500

// everyBlock is of how many blocks of a case one is drawn in the order of measuring.
func (s *Summary) everyBlock(c results.PlannedCase) int {
	n := 0
	for _, trials := range s.trials[c.Case] {
		n += len(trials)
	}
	return 1 + (n-1)/maxOrderTrials
}

func (s *Summary) orderLabel(d plots.OrderData, c results.PlannedCase, stolen float64) string {
	var told []string
	for _, v := range d.Series {
		text := fmt.Sprintf("%s: %s", v.Name, count(len(v.Points), "value", "values"))
		if n := len(v.Points); n >= 4 {
			half := func(points []plots.OrderPoint) float64 {
				var values []float64
				for _, p := range points {
					values = append(values, p.Value)
				}
				return summarize(values).Center
			}
			first, second := half(v.Points[:n/2]), half(v.Points[n/2:])
			scale := number.Common([]float64{first, second}, d.Unit)
			text += fmt.Sprintf(", median of the first half %s, of the second %s", scale.Format(first), scale.Format(second))
		}
		if n := len(v.Bad); n > 0 {
			text += fmt.Sprintf(", %s ended badly", count(n, "trial", "trials"))
		}
		told = append(told, text)
	}
	if stolen > 0 {
		told = append(told, fmt.Sprintf("%s of CPU time stolen in %s", number.Milliseconds(stolen), count(len(d.StealMS), "trial", "trials")))
	}
	return fmt.Sprintf("%s in %s in the order of measuring, %s. %s.", plain.Clean(d.Unit), plain.Clean(c.Case),
		count(d.Trials, "trial", "trials"), strings.Join(told, "; "))
}
