// Package figures works out what a scenario's figures show, from the records of a run.
package figures

import (
	"cmp"
	"math"
	"slices"
	"strconv"
	"strings"

	"tunelab/results"
	"tunelab/results/verdict"
)

// Computed is a figure of the scenario with what the records say. Which fields are filled depends on its kind.
type Computed struct {
	results.Figure
	Points  []Point     `json:"points,omitempty"`  // pareto
	Lines   []Line      `json:"lines,omitempty"`   // curve
	Cells   []Cell      `json:"cells,omitempty"`   // table
	Effects []Estimate  `json:"effects,omitempty"` // factorial: the first factor's, the second's, the interaction's, both together
	Share   *ShareBound `json:"share,omitempty"`   // bound
	Why     string      `json:"why,omitempty"`     // why it is empty
}

// An Estimate is a centre with its interval: the Hodges–Lehmann estimate and the Walsh interval. Lo and Hi are nil
// where there are too few values for one.
type Estimate struct {
	Name   string   `json:"name"`
	Center float64  `json:"center"`
	Lo     *float64 `json:"lo,omitempty"`
	Hi     *float64 `json:"hi,omitempty"`
	Values int      `json:"values"` // that it is computed from
}

// A Point is a variant in the metrics of a pareto figure.
type Point struct {
	Variant     string     `json:"variant"`
	Metrics     []Estimate `json:"metrics"`          // in the order of the figure's
	Front       bool       `json:"front"`            // no other variant is at least as good in all metrics and better in one
	BeatenBy    string     `json:"beaten_by"`        // one that is, "" on the front
	Bad         int        `json:"bad"`              // trials that did not end well: such a variant is never on the front
	Worst       *float64   `json:"worst,omitempty"`  // of all trials, in the metric of the figure's limit
	Margin      *float64   `json:"margin,omitempty"` // share of the limit that Worst leaves
	Recommended bool       `json:"recommended"`
}

// A Line is a variant over the values of an axis.
type Line struct {
	Variant string     `json:"variant"`
	At      []AxisPair `json:"at"`
	// Crossings are where the line and the base's change places.
	Crossings []Crossing `json:"crossings,omitempty"`
	// Threshold is where the line first passes the figure's threshold.
	Threshold *Crossing `json:"threshold,omitempty"`
}

// An AxisPair is a line's value at one value of the axis.
type AxisPair struct {
	Label string   `json:"label"` // as in the case's name
	X     float64  `json:"x"`
	Y     Estimate `json:"y"`
	Bad   int      `json:"bad,omitempty"` // trials that did not end well
}

// A Crossing lies between two neighbouring values of the axis.
type Crossing struct {
	From string  `json:"from"` // label of the axis; "" when it lies before the first
	To   string  `json:"to"`
	X    float64 `json:"x"` // by interpolation, logarithmic where all values are positive; To's when From is ""
	Up   bool    `json:"up"`
	Sure bool    `json:"sure"` // the intervals on both sides exclude that it is chance
}

// A Cell is a ratio of a table.
type Cell struct {
	Variant string   `json:"variant"`
	Case    string   `json:"case"`
	Ratio   *float64 `json:"ratio"`
	Lo      *float64 `json:"lo"`
	Hi      *float64 `json:"hi"`
	Verdict string   `json:"verdict"`
}

// A ShareBound is an upper bound of one operation's share in a metric: how often × what one costs ÷ the whole.
type ShareBound struct {
	Count Estimate `json:"count"` // operations per request
	Cost  Estimate `json:"cost"`  // nanoseconds each
	Of    Estimate `json:"of"`    // the whole, nanoseconds
	Share float64  `json:"share"` // centre
	Most  float64  `json:"most"`  // from the unfavourable ends of the three intervals
}

// Compute computes every figure of the scenario from the records and the comparisons that [results.File.Compare] returned.
func Compute(file *results.File, comparisons []results.Comparison) []Computed {
	f := records{file}
	var out []Computed
	for _, fig := range f.Run.Figures {
		c := Computed{Figure: fig}
		switch fig.Kind {
		case "pareto":
			f.pareto(&c)
		case "curve":
			f.curve(&c, comparisons)
		case "table":
			f.table(&c, comparisons)
		case "factorial":
			f.factorial(&c)
		case "bound":
			f.bound(&c)
		default:
			c.Why = "unknown kind of figure " + strconv.Quote(fig.Kind)
		}
		out = append(out, c)
	}
	return out
}

// records are a run's trials.
type records struct{ *results.File }

func (f records) estimate(name string, values []float64) Estimate {
	center, lo, hi, ok := verdict.OneSample(values, f.Run.Plan.Alpha)
	e := Estimate{Name: name, Center: center, Values: len(values)}
	if ok {
		e.Lo, e.Hi = &lo, &hi
	}
	return e
}

// of returns the variants that a figure shows: its own, or all of the run.
func (f records) of(fig results.Figure) []string {
	if len(fig.Variants) > 0 {
		return fig.Variants
	}
	var out []string
	for _, v := range f.Run.Variants {
		out = append(out, v.Name)
	}
	return out
}

// lower turns a value into one of which less is better.
func (f records) lower(unit string, v float64) float64 {
	if m, ok := f.Run.Metric(unit); ok && m.Better == "higher" {
		return -v
	}
	return v
}

func (f records) pareto(c *Computed) {
	for _, variant := range f.of(c.Figure) {
		p := Point{Variant: variant}
		complete := true
		for _, unit := range c.Metrics {
			values, bad := f.Values(c.Case, variant, unit)
			p.Bad = max(p.Bad, bad)
			p.Metrics = append(p.Metrics, f.estimate(unit, values))
			complete = complete && len(values) > 0
		}
		if c.Limit != nil {
			if values, _ := f.Values(c.Case, variant, c.Limit.Metric); len(values) > 0 {
				worst := slices.Max(values)
				margin := 1 - worst/c.Limit.Most
				p.Worst, p.Margin = &worst, &margin
			}
		}
		if complete || p.Bad > 0 {
			c.Points = append(c.Points, p)
		}
	}
	if len(c.Points) == 0 {
		c.Why = "no variant has values of all its metrics in " + c.Case
		return
	}
	best := -1
	for i := range c.Points {
		p := &c.Points[i]
		if p.Bad > 0 {
			continue
		}
		p.Front = true
		for _, q := range c.Points {
			if q.Bad == 0 && f.dominates(c.Metrics, q, *p) {
				p.Front, p.BeatenBy = false, q.Variant
				break
			}
		}
		within := c.Limit == nil || p.Margin != nil && *p.Margin >= 0
		if p.Front && within && (best < 0 || f.lower(c.Metrics[0], p.Metrics[0].Center) < f.lower(c.Metrics[0], c.Points[best].Metrics[0].Center)) {
			best = i
		}
	}
	if best >= 0 {
		c.Points[best].Recommended = true
	}
}

// dominates reports whether q is at least as good as p in all metrics and better in one, by their centres.
func (f records) dominates(units []string, q, p Point) bool {
	better := false
	for i, unit := range units {
		a, b := f.lower(unit, q.Metrics[i].Center), f.lower(unit, p.Metrics[i].Center)
		if a > b {
			return false
		}
		better = better || a < b
	}
	return better
}

// axisValue parses the value of a name part: a number with a unit of time, a factor (k, M) or %.
func axisValue(text string) (float64, bool) {
	for _, u := range []struct {
		suffix string
		factor float64
	}{{"ns", 1}, {"us", 1e3}, {"µs", 1e3}, {"ms", 1e6}, {"s", 1e9}, {"k", 1e3}, {"M", 1e6}, {"%", 1}, {"", 1}} {
		if number, ok := strings.CutSuffix(text, u.suffix); ok {
			if v, err := strconv.ParseFloat(number, 64); err == nil && !math.IsNaN(v) && !math.IsInf(v, 0) {
				return v * u.factor, true
			}
		}
	}
	return 0, false
}

// onAxis returns the planned cases that are the figure's but for the axis' part, in the order of its values.
func (f records) onAxis(fig results.Figure) (names []string, at []AxisPair) {
	type found struct {
		name string
		pair AxisPair
	}
	var list []found
	for _, c := range f.Run.Plan.Cases {
		parts := strings.Split(c.Case, "/")
		i := slices.IndexFunc(parts, func(p string) bool { return strings.HasPrefix(p, fig.Axis+"=") })
		if i < 0 {
			continue
		}
		label := strings.TrimPrefix(parts[i], fig.Axis+"=")
		x, ok := axisValue(label)
		if rest := strings.Join(slices.Delete(parts, i, i+1), "/"); ok && rest == fig.Case {
			list = append(list, found{c.Case, AxisPair{Label: label, X: x}})
		}
	}
	slices.SortStableFunc(list, func(a, b found) int { return cmp.Compare(a.pair.X, b.pair.X) })
	for _, x := range list {
		names, at = append(names, x.name), append(at, x.pair)
	}
	return names, at
}

func (f records) curve(c *Computed, comparisons []results.Comparison) {
	names, axis := f.onAxis(c.Figure)
	if len(names) < 2 {
		c.Why = "fewer than two values of the axis " + c.Axis + " were measured in " + c.Case
		return
	}
	base := f.Run.Base()
	for _, variant := range f.of(c.Figure) {
		line := Line{Variant: variant}
		var ratios []Estimate // to the base, where there is a comparison
		for i, name := range names {
			values, bad := f.Values(name, variant, c.Metric)
			if len(values) == 0 && bad == 0 {
				continue
			}
			pair := axis[i]
			pair.Y, pair.Bad = f.estimate(c.Metric, values), bad
			line.At = append(line.At, pair)
			ratios = append(ratios, ratioTo(comparisons, name, c.Metric, base, variant))
		}
		if len(line.At) == 0 {
			continue
		}
		if variant != base {
			line.Crossings = crossings(line.At, ratios, 1)
		}
		if c.Threshold != nil {
			line.Threshold = passes(line.At, *c.Threshold)
		}
		c.Lines = append(c.Lines, line)
	}
	for i := range names {
		if !slices.ContainsFunc(c.Lines, func(l Line) bool { return l.has(axis[i].Label) }) {
			names[i] = ""
		}
	}
	if names = slices.DeleteFunc(names, func(name string) bool { return name == "" }); len(names) < 2 {
		c.Lines = nil
		c.Why = c.Metric + " was measured at fewer than two values of the axis " + c.Axis + " in " + c.Case
	}
}

// has reports whether the line has a value there.
func (l Line) has(label string) bool {
	return slices.ContainsFunc(l.At, func(p AxisPair) bool { return p.Label == label && p.Y.Values > 0 })
}

// ratioTo is the comparison of variant and base as an estimate; without values where there is none.
func ratioTo(comparisons []results.Comparison, name, unit, base, variant string) Estimate {
	for _, x := range comparisons {
		if x.Case == name && x.Metric == unit && x.Base == base && x.Variant == variant && x.Ratio != nil {
			return Estimate{Name: unit, Center: *x.Ratio, Lo: x.Lo, Hi: x.Hi, Values: x.Blocks}
		}
	}
	return Estimate{}
}

// crossings finds where the estimates pass the level, between neighbours that both have one.
func crossings(at []AxisPair, y []Estimate, level float64) []Crossing {
	var out []Crossing
	for i := 1; i < len(at); i++ {
		a, b := y[i-1], y[i]
		if a.Values == 0 || b.Values == 0 || (a.Center < level) == (b.Center < level) {
			continue
		}
		up := a.Center < level
		sure := beyond(a, level, !up) && beyond(b, level, up)
		out = append(out, Crossing{From: at[i-1].Label, To: at[i].Label, X: between(at[i-1].X, at[i].X, a.Center, b.Center, level), Up: up, Sure: sure})
	}
	return out
}

// beyond reports whether the whole interval lies above the level, or below.
func beyond(e Estimate, level float64, above bool) bool {
	if above {
		return e.Lo != nil && *e.Lo > level
	}
	return e.Hi != nil && *e.Hi < level
}

// between interpolates where a line from (x0, y0) to (x1, y1) has the given height, in logarithms where it can.
func between(x0, x1, y0, y1, level float64) float64 {
	if y0 > 0 && y1 > 0 && level > 0 {
		y0, y1, level = math.Log(y0), math.Log(y1), math.Log(level)
	}
	share := (level - y0) / (y1 - y0)
	if x0 > 0 {
		return x0 * math.Pow(x1/x0, share)
	}
	return x0 + share*(x1-x0)
}

// passes finds where a line first rises above the threshold.
func passes(at []AxisPair, threshold float64) *Crossing {
	var y []Estimate
	for _, p := range at {
		y = append(y, p.Y)
	}
	if y[0].Values > 0 && y[0].Center >= threshold {
		return &Crossing{To: at[0].Label, X: at[0].X, Up: true, Sure: beyond(y[0], threshold, true)}
	}
	for _, c := range crossings(at, y, threshold) {
		if c.Up {
			return &c
		}
	}
	return nil
}

func (f records) table(c *Computed, comparisons []results.Comparison) {
	for _, x := range comparisons {
		if x.Metric != c.Metric || x.Base != f.Run.Base() ||
			len(c.Cases) > 0 && !slices.Contains(c.Cases, x.Case) || len(c.Variants) > 0 && !slices.Contains(c.Variants, x.Variant) {
			continue
		}
		c.Cells = append(c.Cells, Cell{Variant: x.Variant, Case: x.Case, Ratio: x.Ratio, Lo: x.Lo, Hi: x.Hi, Verdict: string(x.Verdict)})
	}
	if len(c.Cells) == 0 {
		c.Why = "no comparison by " + c.Metric
	}
}

// factorial splits the change from the first to the last of four variants into two factors and their interaction, by
// contrasts of the logarithms within each block in which all four ended well (Fisher's 2² design): with y the
// logarithms of neither, the first, the second and both, the first factor's effect is ((y1−y0)+(y3−y2))/2, the
// second's ((y2−y0)+(y3−y1))/2 and the interaction ((y3−y2)−(y1−y0))/2. They are given as ratios; the first two
// multiply to that of both.
func (f records) factorial(c *Computed) {
	blocks := map[int]*[4]float64{}
	seen := map[int]int{}
	for i := range f.Trials {
		t := &f.Trials[i]
		k := slices.Index(c.Variants, t.Variant)
		if v, ok := t.Get(c.Metric); ok && k >= 0 && t.Case == c.Case && t.Outcome == results.OK && v > 0 {
			if blocks[t.Block] == nil {
				blocks[t.Block] = &[4]float64{}
			}
			blocks[t.Block][k] = math.Log(v)
			seen[t.Block]++
		}
	}
	contrasts := make([][]float64, 4)
	for block, y := range blocks {
		if seen[block] < 4 {
			continue
		}
		first := ((y[1] - y[0]) + (y[3] - y[2])) / 2
		second := ((y[2] - y[0]) + (y[3] - y[1])) / 2
		for i, v := range []float64{first, second, ((y[3] - y[2]) - (y[1] - y[0])) / 2, y[3] - y[0]} {
			contrasts[i] = append(contrasts[i], math.Exp(v))
		}
	}
	if len(contrasts[0]) == 0 {
		c.Why = "no block of " + c.Case + " has all four variants with " + c.Metric
		return
	}
	names := []string{c.Factors[0], c.Factors[1], "interaction", c.Factors[0] + " and " + c.Factors[1]}
	for i, name := range names {
		c.Effects = append(c.Effects, f.estimate(name, contrasts[i]))
	}
}

func (f records) bound(c *Computed) {
	count, _ := f.Values(c.Case, c.Variant, c.Count)
	cost, _ := f.Values(c.Cost.Case, c.Cost.Variant, c.Cost.Metric)
	whole, _ := f.Values(c.Case, f.Run.Base(), c.Metric)
	for _, x := range []struct {
		what   string
		values []float64
	}{
		{c.Count + " of " + c.Variant, count},
		{c.Cost.Metric + " of " + c.Cost.Variant + " in " + c.Cost.Case, cost},
		{c.Metric + " of the base", whole},
	} {
		if len(x.values) == 0 {
			c.Why = "nothing was measured of " + x.what
			return
		}
	}
	s := &ShareBound{Count: f.estimate(c.Count, count), Cost: f.estimate(c.Cost.Metric, cost), Of: f.estimate(c.Metric, whole)}
	s.Share = s.Count.Center * s.Cost.Center / s.Of.Center
	s.Most = s.Count.upper() * s.Cost.upper() / s.Of.lower()
	if math.IsNaN(s.Share) || math.IsInf(s.Share, 0) || math.IsNaN(s.Most) || math.IsInf(s.Most, 0) {
		c.Why = c.Metric + " of the base is 0"
		return
	}
	c.Share = s
}

func (e Estimate) upper() float64 {
	if e.Hi != nil {
		return *e.Hi
	}
	return e.Center
}

func (e Estimate) lower() float64 {
	if e.Lo != nil {
		return *e.Lo
	}
	return e.Center
}
