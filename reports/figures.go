package reports

import (
	"fmt"
	"html/template"
	"math"
	"slices"
	"strings"

	"tunelab/reports/internal/number"
	"tunelab/reports/internal/plain"
	"tunelab/reports/plots"
	"tunelab/results/figures"
)

// A figureView is a figure of the scenario in ready strings: what it says, a table, and for the page pictures.
type figureView struct {
	Title    string
	Findings []string // sentences
	Head     []string // of the table, the first above the rows' names
	Rows     [][]string
	Pictures []template.HTML
	computed figures.Computed
}

func (s *Summary) setFigures() {
	for _, c := range figures.Compute(s.File, s.Comparisons) {
		v := figureView{Title: plain.Clean(c.Title), computed: c}
		switch {
		case c.Why != "":
			v.Findings = []string{"Nothing to show: " + plain.Clean(c.Why) + "."}
		case c.Kind == "pareto":
			paretoView(&v)
		case c.Kind == "curve":
			s.curveView(&v)
		case c.Kind == "table":
			tableView(&v)
		case c.Kind == "factorial":
			factorialView(&v)
		case c.Kind == "bound":
			boundView(&v)
		}
		for i, row := range v.Rows {
			for j := range row {
				v.Rows[i][j] = plain.Clean(row[j])
			}
		}
		for i := range v.Head {
			v.Head[i] = plain.Clean(v.Head[i])
		}
		for i := range v.Findings {
			v.Findings[i] = plain.Clean(v.Findings[i])
		}
		s.figures = append(s.figures, v)
	}
}

// estimateText writes an estimate in unit with its interval.
func estimateText(e figures.Estimate, unit string) string {
	if e.Values == 0 {
		return "–"
	}
	format := number.Common([]float64{e.Center, orNaN(e.Lo), orNaN(e.Hi)}, unit).Format
	return format(e.Center) + number.Interval(format, orNaN(e.Lo), orNaN(e.Hi))
}

func paretoView(v *figureView) {
	c := v.computed
	v.Head = append([]string{"variant"}, c.Metrics...)
	if c.Limit != nil {
		v.Head = append(v.Head, "most "+c.Limit.Metric, "margin left")
	}
	v.Head = append(v.Head, "")
	var front []string
	for _, p := range c.Points {
		row := []string{p.Variant}
		for i, unit := range c.Metrics {
			row = append(row, estimateText(p.Metrics[i], unit))
		}
		if c.Limit != nil {
			worst, margin := "–", "–"
			if p.Worst != nil {
				worst, margin = number.Value(*p.Worst, c.Limit.Metric), number.Percent(*p.Margin)
			}
			row = append(row, worst, margin)
		}
		state := "beaten by " + p.BeatenBy
		switch {
		case p.Bad > 0:
			state = count(p.Bad, "trial", "trials") + " ended badly"
		case p.Recommended:
			state = "on the front, recommended"
		case p.Front:
			state = "on the front"
		}
		if p.Front {
			front = append(front, p.Variant)
		}
		v.Rows = append(v.Rows, append(row, state))
	}
	v.Findings = append(v.Findings, fmt.Sprintf("Beaten by no other variant in %s together, by the centres: %s.", words(c.Metrics), words(front)))
	v.Findings = append(v.Findings, recommendation(c))
}

// recommendation says which setting is best within the limit, and what it leaves.
func recommendation(c figures.Computed) string {
	for _, p := range c.Points {
		if !p.Recommended {
			continue
		}
		text := fmt.Sprintf("Recommended by the rule “least %s on the front", c.Metrics[0])
		if c.Limit != nil {
			text += " whose every trial stays within the limit"
		}
		text += fmt.Sprintf("”: %s", p.Variant)
		if p.Margin != nil {
			text += fmt.Sprintf(", which leaves %s of %s", number.Percent(*p.Margin), number.Value(c.Limit.Most, c.Limit.Metric))
		}
		return text + "."
	}
	return "Nothing to recommend: no variant on the front stays within the limit in every trial."
}

func words(list []string) string {
	if len(list) < 2 {
		return strings.Join(list, "")
	}
	return strings.Join(list[:len(list)-1], ", ") + " and " + list[len(list)-1]
}

func (s *Summary) curveView(v *figureView) {
	c := v.computed
	v.Head = []string{c.Axis}
	var labels []string
	for _, l := range c.Lines {
		v.Head = append(v.Head, l.Variant)
		for _, p := range l.At {
			if !slices.Contains(labels, p.Label) {
				labels = append(labels, p.Label)
			}
		}
	}
	for _, label := range labels {
		row := []string{label}
		for _, l := range c.Lines {
			cell := "–"
			for _, p := range l.At {
				if p.Label == label {
					cell = estimateText(p.Y, c.Metric)
					if p.Bad > 0 {
						cell += fmt.Sprintf(" (%d ended badly)", p.Bad)
					}
				}
			}
			row = append(row, cell)
		}
		v.Rows = append(v.Rows, row)
	}
	base := plain.Clean(s.File.Run.Base())
	sure, chance := 0, 0
	for _, l := range c.Lines {
		for _, x := range l.Crossings {
			if !x.Sure {
				chance++
				continue
			}
			sure++
			v.Findings = append(v.Findings, crossingText(l.Variant, base, c, x))
		}
		if x := l.Threshold; x != nil {
			v.Findings = append(v.Findings, thresholdText(l.Variant, c, *x))
		}
	}
	if sure == 0 && len(c.Lines) > 1 {
		v.Findings = append(v.Findings, fmt.Sprintf("No line is shown to change places with that of %s between two measured values of %s.", base, c.Axis))
	}
	if chance > 0 {
		v.Findings = append(v.Findings, fmt.Sprintf("%s more may be chance: an interval at one end includes no difference.", count(chance, "crossing", "crossings")))
	}
}

func crossingText(variant, base string, c figures.Computed, x figures.Crossing) string {
	direction := "falls below"
	if x.Up {
		direction = "rises above"
	}
	return fmt.Sprintf("%s of %s %s that of %s between %s=%s and %s=%s.", c.Metric, variant, direction, base, c.Axis, x.From, c.Axis, x.To)
}

func thresholdText(variant string, c figures.Computed, x figures.Crossing) string {
	level := number.Value(*c.Threshold, c.Metric)
	if x.From == "" {
		return fmt.Sprintf("%s of %s is above %s from %s=%s on, the smallest that was measured.", c.Metric, variant, level, c.Axis, x.To)
	}
	text := fmt.Sprintf("%s of %s passes %s between %s=%s and %s=%s", c.Metric, variant, level, c.Axis, x.From, c.Axis, x.To)
	if !x.Sure {
		text += ", though at least one of the two sides may be chance"
	}
	return text + "."
}

func tableView(v *figureView) {
	c := v.computed
	v.Head = []string{"variant"}
	var variants []string
	for _, cell := range c.Cells {
		if !slices.Contains(v.Head[1:], cell.Case) {
			v.Head = append(v.Head, cell.Case)
		}
		if !slices.Contains(variants, cell.Variant) {
			variants = append(variants, cell.Variant)
		}
	}
	for _, variant := range variants {
		row := []string{variant}
		for _, name := range v.Head[1:] {
			text := "–"
			for _, cell := range c.Cells {
				if cell.Variant == variant && cell.Case == name && cell.Ratio != nil {
					text = number.Effect(*cell.Ratio, orNaN(cell.Lo), orNaN(cell.Hi)) + ", " + cell.Verdict
				}
			}
			row = append(row, text)
		}
		v.Rows = append(v.Rows, row)
	}
}

func factorialView(v *figureView) {
	c := v.computed
	v.Head = []string{"effect on " + c.Metric, "change [interval]", "blocks"}
	for _, e := range c.Effects {
		v.Rows = append(v.Rows, []string{e.Name, number.Effect(e.Center, orNaN(e.Lo), orNaN(e.Hi)), fmt.Sprint(e.Values)})
	}
	whole := math.Log(c.Effects[3].Center)
	if math.Abs(whole) < 1e-9 {
		return
	}
	v.Findings = append(v.Findings, fmt.Sprintf("Of the change that both make together, in logarithms, %s is of %s and %s of %s.",
		number.Percent(math.Log(c.Effects[0].Center)/whole), c.Factors[0], number.Percent(math.Log(c.Effects[1].Center)/whole), c.Factors[1]))
}

func boundView(v *figureView) {
	c := v.computed
	s := c.Share
	v.Findings = []string{fmt.Sprintf("%s × %s ÷ %s of %s: %s of it, at most %s (by the unfavourable ends of the intervals).",
		estimateText(s.Count, c.Count)+" "+c.Count, estimateText(s.Cost, c.Cost.Metric), estimateText(s.Of, c.Metric), c.Metric,
		shareText(s.Share), shareText(s.Most))}
}

// shareText writes a share that may be very small.
func shareText(share float64) string { return fmt.Sprintf("%.2g %%", 100*share) }

// draw makes the figure's pictures for a page.
func (s *Summary) draw(v figureView) ([]template.HTML, error) {
	var out []template.HTML
	for _, p := range s.drawn(v) {
		svg, err := p.SVG()
		if err != nil {
			return nil, err
		}
		out = append(out, template.HTML(svg))
	}
	return out, nil
}

// drawn are the figure's pictures.
func (s *Summary) drawn(v figureView) []plots.Picture {
	c := v.computed
	switch {
	case len(c.Points) > 0:
		var out []plots.Picture
		for i := range c.Metrics {
			if i != 1 {
				out = append(out, plots.Scatter(s.scatter(v, i)))
			}
		}
		return out
	case len(c.Lines) > 0:
		return []plots.Picture{plots.Curve(s.curve(v))}
	case len(c.Cells) > 0:
		if d, ok := s.tableHeat(c); ok {
			return []plots.Picture{plots.Heat(d)}
		}
	}
	return nil
}

// scatter draws metric y of the figure over its second.
func (s *Summary) scatter(v figureView, y int) plots.ScatterData {
	c := v.computed
	d := plots.ScatterData{XUnit: c.Metrics[1], YUnit: c.Metrics[y], Label: v.label()}
	for _, p := range c.Points {
		if p.Metrics[1].Values == 0 || p.Metrics[y].Values == 0 {
			continue
		}
		ex, ey := p.Metrics[1], p.Metrics[y]
		d.Points = append(d.Points, plots.ScatterPoint{
			Name: plain.Clean(p.Variant), X: ex.Center, XLo: orNaN(ex.Lo), XHi: orNaN(ex.Hi), Y: ey.Center, YLo: orNaN(ey.Lo), YHi: orNaN(ey.Hi),
			Front: p.Front, Highlight: p.Recommended, Series: slices.Index(s.variantNames(), p.Variant),
		})
	}
	return d
}

func (s *Summary) curve(v figureView) plots.CurveData {
	c := v.computed
	d := plots.CurveData{Axis: c.Axis, Unit: c.Metric, Threshold: math.NaN(), Label: v.label()}
	if c.Threshold != nil {
		d.Threshold = *c.Threshold
	}
	ticks := map[string]float64{}
	for _, l := range c.Lines {
		line := plots.CurveLine{Name: plain.Clean(l.Variant), Series: slices.Index(s.variantNames(), l.Variant)}
		for _, p := range l.At {
			if _, ok := ticks[p.Label]; !ok {
				ticks[p.Label] = p.X
				d.Ticks = append(d.Ticks, plots.CurveTick{Label: plain.Clean(p.Label), X: p.X})
			}
			y := p.Y.Center
			if p.Y.Values == 0 {
				y = math.NaN()
			}
			line.Points = append(line.Points, plots.CurvePoint{X: p.X, Y: y, Lo: orNaN(p.Y.Lo), Hi: orNaN(p.Y.Hi)})
		}
		for _, x := range l.Crossings {
			if x.Sure {
				d.Marks = append(d.Marks, x.X)
			}
		}
		d.Lines = append(d.Lines, line)
	}
	slices.SortFunc(d.Ticks, func(a, b plots.CurveTick) int {
		switch {
		case a.X < b.X:
			return -1
		case a.X > b.X:
			return 1
		}
		return 0
	})
	return d
}

// label tells the figure in words.
func (v figureView) label() string {
	parts := append([]string{v.Title}, v.Findings...)
	for i, row := range v.Rows {
		if i == maxTold {
			break
		}
		parts = append(parts, strings.Join(row, ", "))
	}
	return strings.Join(parts, ". ")
}
