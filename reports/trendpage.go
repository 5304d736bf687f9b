package reports

import (
	_ "embed" // the template is part of the program
	"fmt"
	"html/template"
	"io"
	"math"
	"slices"
	"strings"

	"tunelab/reports/internal/number"
	"tunelab/reports/internal/plain"
	"tunelab/reports/trend"
	"tunelab/results/nights"
)

//go:embed trendpage.html
var trendPageText string

// A trendPage is what the template of one series shows.
type trendPage struct {
	Title, Label, Metric, Answer, Words string
	Index                               string
	Where                               []string
	State, Class                        string
	Narrow, Wide                        template.HTML
	Legend                              string
	Changes                             []changeView
	Nights                              []pointView
	Value                               string // the head of the column of values
}

// A pointView is a night of a series.
type pointView struct {
	Date, Commit, Subject, Value, Interval, Verdict, Class, Run string
	Absolute                                                    string // the tip's own value
	Sort                                                        string
}

// TrendPage writes the page of one series, with every night of it. The line need not be among those of t.
func TrendPage(w io.Writer, t *Trend, l *nights.Line) error {
	v := t.frame()
	known := map[int]nights.Change{}
	for _, e := range t.Events {
		for _, c := range e.Changes {
			if c.Line == l {
				known[c.Step.At] = c
			}
		}
	}
	s := v.newSeries(l, known)
	levels := s.levels()
	page := trendPage{
		Title: plain.Elide(s.label, maxNameShown) + ", " + plain.Elide(s.metric, 40), Label: s.label, Metric: s.metric, Index: t.Index, Where: notEmpty(v.places(l)),
		State: string(s.state), Class: s.state.badge(), Answer: bound(s.answer()), Words: bound(s.inWords(levels)), Value: "tip ÷ baseline",
	}
	switch {
	case l.Plain && l.Baseline != "":
		page.Value = "tip − baseline"
	case l.Plain:
		page.Value = "the tip’s"
	case l.Baseline == "":
		page.Value = "value, with what the whole night shared taken away"
	}
	margin := v.margin(l)
	data := s.chart(levels, margin)
	page.Legend = legend(s, margin)
	page.Narrow, page.Wide = template.HTML(trend.Chart(data, trend.Narrow)), template.HTML(trend.Chart(data, trend.Wide))
	for _, c := range slices.Backward(s.changes) {
		page.Changes = append(page.Changes, v.change(c))
	}
	for _, p := range slices.Backward(l.Points) {
		page.Nights = append(page.Nights, pointRow(l, p))
	}
	return write(w, "the trend of "+page.Title, trendPageText, page)
}

// answer says what the series did.
func (s *trendSeries) answer() string {
	direction := ""
	if b := s.line.Better; b != "" {
		direction = ", " + plain.Elide(plain.Clean(b), 20) + " is better"
	}
	text := fmt.Sprintf("%s in %s%s: ", count(s.values, "night", "nights"), plain.Elide(s.metric, 40), direction)
	c := s.last()
	switch {
	case s.state == tooShort:
		return text + "too few to tell a change from noise."
	case s.state == unchanged || c == nil:
		return text + "no lasting change was found."
	case s.state == refuted:
		return text + "what looked like a change was refuted by measuring anew."
	case s.state.candidate():
		return text + fmt.Sprintf("it may have changed on %s, %s, which nobody confirmed.", date(c.started), c.best())
	}
	word, _, _ := strings.Cut(string(s.state), ",")
	return text + fmt.Sprintf("%s since %s, %s; confirmed by measuring both sides anew.", word, date(c.started), c.best())
}

// chart is the data of the large picture.
func (s *trendSeries) chart(levels []trend.Level, margin float64) trend.ChartData {
	l := s.line
	d := chartData{
		Label: s.inWords(levels) + " The table of nights has every value.", Points: s.points(), Levels: levels, Noise: l.Noise, Wide: leastOf(l),
	}
	if l.Baseline != "" && !l.Plain {
		d.Margin = math.Log1p(margin)
	}
	for _, c := range s.changes {
		d.Steps = append(d.Steps, trend.Change{At: c.step.At, Text: commit(c.commits[1]), Confirmed: c.state.confirmed()})
	}
	d.setAxis(l)
	return trend.ChartData(d)
}

// A chartData is a chart's data while it is made.
type chartData trend.ChartData

// setAxis has the axis show round values: round as changes where there is a baseline, so that none is among them, else round
// in the unit that is written, for round in MiB is not round in bytes.
func (d *chartData) setAxis(l *nights.Line) {
	most := largest(l)
	one := number.DisplayUnit(most, l.Metric)
	inUnit := func(lo, hi float64, n int) []float64 {
		return scaled(trend.Round(lo/one, hi/one, n), func(v float64) float64 { return v * one })
	}
	d.Name, d.Round = values(l), inUnit
	switch {
	case l.Plain && l.Baseline == "":
		d.Name = func(y float64) string { return number.Tick(y, most, l.Metric) }
	case l.Plain:
	case l.Baseline == "":
		d.Name = func(y float64) string { return number.Tick(math.Exp(y), most, l.Metric) }
		d.Round = func(lo, hi float64, n int) []float64 { return scaled(inUnit(math.Exp(lo), math.Exp(hi), n), math.Log) }
	default:
		d.Round = func(lo, hi float64, n int) []float64 {
			if hi-lo > 3 {
				return scaled(trend.Round(math.Exp(lo), math.Exp(hi), n), math.Log)
			}
			return scaled(trend.Round(math.Expm1(lo), math.Expm1(hi), n), math.Log1p)
		}
	}
}

func scaled(values []float64, by func(float64) float64) []float64 {
	for i := range values {
		values[i] = by(values[i])
	}
	return values
}

// legend says what the picture's marks mean.
func legend(s *trendSeries, margin float64) string {
	text := "Every night"
	if slices.ContainsFunc(s.line.Points, func(p nights.LinePoint) bool { return isFinite(p.Lo) && isFinite(p.Hi) }) {
		text += " with its interval"
	}
	text += "; a triangle where the night’s own verdict was better (▲) or worse (▼). Thick lines are levels, with their values"
	if len(s.changes) > 0 {
		text += "; upright lines are changes, with the first commit after each: unbroken when confirmed, dashed when not"
	}
	if margin > 0 && s.line.Baseline != "" && !s.line.Plain {
		text += "; the band is the margin of " + number.Margin(margin) + ", within which a night counts as the same"
	}
	if noise := s.line.Noise; noise > 0 && isFinite(noise) {
		size := number.Percent(math.Expm1(noise))
		if s.line.Plain {
			size = number.Value(noise, s.line.Metric)
		}
		text += fmt.Sprintf(". A night differs from its level by about %s (standard deviation); one that is more than six of these off lies on the edge", size)
	}
	return bound(text) + "."
}

func pointRow(l *nights.Line, p nights.LinePoint) pointView {
	out := pointView{
		Date: "unknown date", Commit: commit(p.Commit), Subject: plain.Elide(plain.Clean(p.Subject), maxNameShown), Value: "no value",
		Verdict: verdictText(p.Verdict), Class: verdictText(p.Verdict), Run: plain.Elide(plain.Clean(p.Run), maxNameShown),
	}
	if !p.Started.IsZero() {
		out.Date = p.Started.UTC().Format("2006-01-02 15:04")
	}
	if out.Run == "" {
		out.Run = plain.Elide(plain.Clean(p.File), maxNameShown)
	}
	if isFinite(p.Y) {
		write := values(l)
		out.Value, out.Interval, out.Sort = bound(write(p.Y)), bound(number.Interval(write, p.Lo, p.Hi)), fmt.Sprintf("%.6g", p.Y)
	}
	if isFinite(p.Value) && l.Baseline != "" {
		out.Absolute = number.Value(p.Value, l.Metric)
	}
	return out
}
