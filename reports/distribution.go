package reports

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"tunelab/reports/internal/number"
	"tunelab/reports/internal/plain"
	"tunelab/reports/plots"
	"tunelab/results"
)

// leastOfECDF is the fewest values of a variant whose distribution is worth a picture of its own.
const leastOfECDF = 8

// ecdf prepares the distribution of every variant's values in one case. It has no lines where there are too few values.
func (s *Summary) ecdf(c results.PlannedCase, unit string) plots.ECDFData {
	d := plots.ECDFData{Unit: unit}
	var told []string
	thinned := false
	for i, name := range s.variantNames() {
		values := s.trials.values(c.Case, name, unit)
		if len(values) < leastOfECDF {
			continue
		}
		d.Lines = append(d.Lines, plots.ECDFLine{Name: plain.Clean(name), Values: values, Series: i})
		thinned = thinned || len(values) > plots.MostSteps
		q := quantilesOf(values, 0.1, 0.5, 0.9)
		scale := number.Common(q, unit)
		told = append(told, fmt.Sprintf("%s: a tenth of the trials up to %s, half up to %s, nine tenths up to %s",
			plain.Clean(name), scale.Format(q[0]), scale.Format(q[1]), scale.Format(q[2])))
	}
	d.Label = fmt.Sprintf("Share of the trials with at most so much %s in %s. %s.", plain.Clean(unit), plain.Clean(c.Case), strings.Join(told, "; "))
	d.ZoneLo, d.ZoneHi = s.zone(c, unit)
	if thinned {
		d.Label += fmt.Sprintf(" Of more than %d values as many are drawn, at even ranks.", plots.MostSteps)
	}
	return d
}

// quantilesOf returns order statistics: the smallest value that a share of all does not exceed.
func quantilesOf(values []float64, shares ...float64) []float64 {
	sorted := slices.Sorted(slices.Values(values))
	out := make([]float64, len(shares))
	for i, q := range shares {
		out[i] = sorted[min(max(int(math.Ceil(q*float64(len(sorted))))-1, 0), len(sorted)-1)]
	}
	return out
}

// quantileUnit finds the units of latency quantiles: "p99-ns", "push-p99.9-ns".
var quantileUnit = regexp.MustCompile(`^(.*?)p(\d{1,2}(?:\.\d+)?)-ns$`)

// A quantileFamily is the units of one latency's quantiles.
type quantileFamily struct {
	prefix string
	shares []float64
	units  []string
}

// quantileFamilies are the latencies of which a case's trials report at least two quantiles.
func (s *Summary) quantileFamilies(c results.PlannedCase) []quantileFamily {
	var list []quantileFamily
	seen := map[string]bool{}
	for _, trials := range s.trials[c.Case] {
		for _, v := range trials[0].Values {
			m := quantileUnit.FindStringSubmatch(v.Unit)
			if m == nil || seen[v.Unit] {
				continue
			}
			seen[v.Unit] = true
			share, err := strconv.ParseFloat(m[2], 64)
			if err != nil || share <= 0 {
				continue
			}
			i := slices.IndexFunc(list, func(f quantileFamily) bool { return f.prefix == m[1] })
			if i < 0 {
				i, list = len(list), append(list, quantileFamily{prefix: m[1]})
			}
			at, _ := slices.BinarySearch(list[i].shares, share/100)
			list[i].shares = slices.Insert(list[i].shares, at, share/100)
			list[i].units = slices.Insert(list[i].units, at, v.Unit)
		}
	}
	list = slices.DeleteFunc(list, func(f quantileFamily) bool { return len(f.units) < 2 })
	slices.SortFunc(list, func(a, b quantileFamily) int { return strings.Compare(a.prefix, b.prefix) })
	return list
}

// quantiles prepares a latency's quantiles of every variant: each the median of the trials, with its interval. The axis is
// that of the logarithm of the share beyond, so that a tail has as much room as the bulk.
func (s *Summary) quantiles(c results.PlannedCase, f quantileFamily) plots.CurveData {
	d := plots.CurveData{Axis: "quantile of " + strings.TrimSuffix(f.prefix+"latency", "-"), Unit: f.units[0], Threshold: math.NaN()}
	at := func(share float64) float64 { return -math.Log10(1 - share) }
	for i, share := range f.shares {
		d.Ticks = append(d.Ticks, plots.CurveTick{Label: strings.TrimSuffix(f.units[i][len(f.prefix):], "-ns"), X: at(share)})
	}
	var told []string
	for i, name := range s.variantNames() {
		line := plots.CurveLine{Name: plain.Clean(name), Series: i}
		text := line.Name
		for j, unit := range f.units {
			values := s.trials.values(c.Case, name, unit)
			p := plots.CurvePoint{X: at(f.shares[j]), Y: math.NaN(), Lo: math.NaN(), Hi: math.NaN()}
			if len(values) > 0 {
				sum := summarize(values)
				p.Y, p.Lo, p.Hi = sum.Center, sum.Lo, sum.Hi
				text += fmt.Sprintf(" %s %s", d.Ticks[j].Label, number.Value(p.Y, unit))
			}
			line.Points = append(line.Points, p)
		}
		if text != line.Name {
			d.Lines = append(d.Lines, line)
			told = append(told, text)
		}
	}
	d.Label = fmt.Sprintf("Quantiles of %slatency in %s, medians of the trials with their intervals. %s.", plain.Clean(f.prefix), plain.Clean(c.Case), strings.Join(told, "; "))
	return d
}

// itself prepares how much the base differs from itself from one block to the next, beside how much the variants differ
// from it within a block. Where the first is as wide as the second, the machine made the difference.
func (s *Summary) itself(c results.PlannedCase, unit string) plots.SpreadData {
	d := plots.SpreadData{Unit: "% of the base"}
	base := s.File.Run.Base()
	if m, ok := s.File.Run.Metric(unit); ok {
		d.ZoneLo, d.ZoneHi = 100/(1+m.Margin), 100*(1+m.Margin)
	}
	values := map[string]map[int]float64{}
	for variant, trials := range s.trials[c.Case] {
		values[variant] = map[int]float64{}
		for _, t := range trials {
			if v, ok := t.Get(unit); ok && v > 0 && t.Stage != 2 && t.Counted == "" {
				values[variant][t.Block] = v
			}
		}
	}
	add := func(label string, series int, list []float64) {
		if len(list) < leastOfECDF {
			return
		}
		q := quantilesOf(list, 0.25, 0.5, 0.75)
		d.Rows = append(d.Rows, plots.SpreadRow{
			Label: label, Values: list, Median: q[1], Series: series,
			Text: fmt.Sprintf("median %.4g %%, half within %.4g–%.4g %%", q[1], q[0], q[2]),
		})
	}
	blocks := make([]int, 0, len(values[base]))
	for b := range values[base] {
		blocks = append(blocks, b)
	}
	slices.Sort(blocks)
	var again []float64
	for _, b := range blocks {
		if next, ok := values[base][b+1]; ok {
			again = append(again, 100*next/values[base][b])
		}
	}
	add(plain.Clean(base)+", the next block", 0, again)
	for i, name := range s.variantNames() {
		var list []float64
		for _, b := range blocks {
			if v, ok := values[name][b]; ok && name != base {
				list = append(list, 100*v/values[base][b])
			}
		}
		add(plain.Clean(name)+", the same block", i, list)
	}
	var told []string
	for _, r := range d.Rows {
		told = append(told, r.Label+": "+r.Text)
	}
	d.Label = fmt.Sprintf("%s in %s as a share of the base's. %s.", plain.Clean(unit), plain.Clean(c.Case), strings.Join(told, "; "))
	if len(d.Rows) < 2 {
		d.Rows = nil
	}
	return d
}
