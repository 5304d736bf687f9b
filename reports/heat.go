package reports

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"tunelab/reports/internal/number"
	"tunelab/reports/internal/plain"
	"tunelab/reports/plots"
	"tunelab/results"
	"tunelab/results/figures"
	"tunelab/results/verdict"
)

// Limits of a heat map: more cells can't be read.
const (
	mostHeatColumns = 8
	mostHeatRows    = 16
)

// heatCell is a comparison's change as a cell shows it.
func heatCell(ratio *float64, v verdict.Verdict, better string) plots.HeatCell {
	if ratio == nil || !(*ratio > 0) || !isFinite(*ratio) {
		return plots.HeatCell{Log: math.NaN()}
	}
	cell := plots.HeatCell{Text: number.Change(*ratio), Log: math.Log(*ratio), Faint: v != verdict.Better && v != verdict.Worse}
	if better == "lower" {
		cell.Log = -cell.Log
	}
	return cell
}

// heatLabel tells a heat map in words.
func heatLabel(d plots.HeatData) string {
	var told []string
	for i, row := range d.Rows {
		for j, cell := range d.Cells[i] {
			if cell.Text != "" {
				text := row + ", " + d.Columns[j] + ": " + cell.Text
				if cell.Faint {
					text += " (not told from no change)"
				}
				told = append(told, text)
			}
		}
	}
	return fmt.Sprintf("%s down, %s across. %s.", d.Down, d.Across, strings.Join(told, "; "))
}

// tableHeat prepares a figure of kind table as a heat map; ok is false when it has too many rows or columns.
func (s *Summary) tableHeat(c figures.Computed) (d plots.HeatData, ok bool) {
	m, _ := s.File.Run.Metric(c.Metric)
	var cases []string
	at := map[string]map[string]figures.Cell{}
	for _, cell := range c.Cells {
		if !slices.Contains(cases, cell.Case) {
			cases = append(cases, cell.Case)
		}
		if at[cell.Variant] == nil {
			at[cell.Variant] = map[string]figures.Cell{}
			d.Rows = append(d.Rows, cell.Variant)
		}
		at[cell.Variant][cell.Case] = cell
	}
	if len(cases) > mostHeatColumns || len(d.Rows) > mostHeatRows || len(cases)*len(d.Rows) < 2 {
		return d, false
	}
	d.Down, d.Across = "variant", "case"
	d.Columns = distinct(cases)
	for i, variant := range d.Rows {
		var row []plots.HeatCell
		for _, name := range cases {
			cell := at[variant][name]
			row = append(row, heatCell(cell.Ratio, verdict.Verdict(cell.Verdict), m.Better))
		}
		d.Cells = append(d.Cells, row)
		d.Rows[i] = plain.Clean(variant)
	}
	d.Label = "Change of " + plain.Clean(c.Metric) + " against " + name(s.File.Run.Base()) + ", " + heatLabel(d)
	return d, true
}

// distinct are the names without the parts, between slashes, that all of them share.
func distinct(names []string) []string {
	split := make([][]string, len(names))
	most := 0
	for i, n := range names {
		split[i] = strings.Split(n, "/")
		most = max(most, len(split[i]))
	}
	same := make([]bool, most)
	for k := range most {
		same[k] = len(names) > 1 && !slices.ContainsFunc(split, func(parts []string) bool { return k >= len(parts) || parts[k] != split[0][k] })
	}
	out := make([]string, len(names))
	for i, parts := range split {
		var kept []string
		for k, part := range parts {
			if !same[k] {
				kept = append(kept, part)
			}
		}
		out[i] = plain.Clean(strings.Join(kept, "/"))
	}
	return out
}

// axesHeats prepares, for a run whose variants are the cross product of two axes, a heat map for each case of a metric.
func (s *Summary) axesHeats(m results.Metric) []plots.HeatData {
	axes := map[string]map[string]string{}
	for i := range s.File.Trials {
		if t := &s.File.Trials[i]; len(t.Axes) == 2 {
			axes[t.Variant] = t.Axes
		}
	}
	base := s.File.Run.Base()
	if len(axes) < 4 || axes[base] == nil {
		return nil
	}
	names := slices.Sorted(maps.Keys(axes[base]))
	var values [2][]string // in the order of the scenario
	for _, v := range s.variantNames() {
		for k, axis := range names {
			if x := axes[v][axis]; axes[v] != nil && !slices.Contains(values[k], x) {
				values[k] = append(values[k], x)
			}
		}
	}
	if len(values[0]) < 2 || len(values[1]) < 2 || len(values[0]) > mostHeatRows || len(values[1]) > mostHeatColumns {
		return nil
	}
	var out []plots.HeatData
	for _, c := range s.File.Run.Plan.Cases {
		d := plots.HeatData{Down: plain.Clean(names[0]), Across: plain.Clean(names[1])}
		for _, x := range values[0] {
			d.Rows = append(d.Rows, plain.Clean(x))
			row := make([]plots.HeatCell, len(values[1]))
			for j := range row {
				row[j].Log = math.NaN()
				for variant, set := range axes {
					if set[names[0]] != x || set[names[1]] != values[1][j] {
						continue
					}
					if variant == base {
						row[j] = plots.HeatCell{Text: "base", Log: math.NaN()}
					} else if cmp := s.byPair[pairKey{c.Case, m.Unit, base, variant}]; cmp != nil {
						row[j] = heatCell(cmp.Ratio, cmp.Verdict, m.Better)
					}
				}
			}
			d.Cells = append(d.Cells, row)
		}
		for _, x := range values[1] {
			d.Columns = append(d.Columns, plain.Clean(x))
		}
		d.Label = fmt.Sprintf("Change of %s in %s against %s, %s", plain.Clean(m.Unit), plain.Clean(c.Case), name(base), heatLabel(d))
		out = append(out, d)
	}
	return out
}
