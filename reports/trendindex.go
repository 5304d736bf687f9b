package reports

import (
	_ "embed" // the template and the script are part of the program
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"

	"tunelab/reports/internal/number"
	"tunelab/reports/internal/plain"
	"tunelab/reports/trend"
	"tunelab/results/changepoint"
	"tunelab/results/nights"
)

var (
	//go:embed trend.html
	trendText string
	//go:embed trend.js
	trendScript string
)

// A trendIndex is what the template of the index of trends shows.
type trendIndex struct {
	Title, Answer, Span string
	Where               []string
	Badges              []stateBadge
	Events, Older       []eventView
	Left                string // changes that are not shown
	Night               *nightView
	Series              []seriesView
	SparkNote           string
	Problems            []string
	Script              template.JS
}

// A stateBadge is how many series are in a state.
type stateBadge struct {
	Class, State string
	Count        int
}

// An eventView is a night at which series changed.
type eventView struct {
	Title, Subject string
	Changes        []changeView
	Left           string
}

// A changeView is a change of one series.
type changeView struct {
	Link, Label, Metric, Own string
	State, Class             string
	Step, Anew, Then         string
	Date, Commits            string
	When                     string // the change's own night, where the event has another
}

// A nightView is the newest night.
type nightView struct {
	Head, Canary, Verdicts string
	Beware                 bool
	Says                   []string
	Rows                   []nightRow
	Left                   string
}

// A seriesView is a row of the table of series.
type seriesView struct {
	Link, Label, Package, Metric, Own string
	State, Class                      string
	Rank                              int
	Change, Since                     string
	Size                              string // of the last change, in percent, to sort by
	Last                              string
	Nights                            int
	Spark                             template.HTML
}

// How much of the events a page shows: the newest unfolded, others folded, and no more changes than can be read.
const (
	newestEvents     = 12
	mostEventChanges = 50
	mostChanges      = 1500
)

// TrendIndex writes one page over all series: one file without any reference but the links that t names, readable without
// JavaScript, on a telephone, in the dark, and on paper. What changed stands first.
func TrendIndex(w io.Writer, t *Trend) error {
	v := t.view()
	page := trendIndex{
		Title: v.title, Answer: bound(v.answer()), Where: v.shared, Problems: v.problems, Script: template.JS(trendScript),
		SparkNote: bound(sparkNote()),
	}
	if v.nights > 0 {
		page.Span = fmt.Sprintf("%s, %s to %s; %s", count(v.nights, "night", "nights"), date(v.first), date(v.last), count(len(v.series), "series", "series"))
	}
	page.setEvents(v)
	if n := v.night(); n != nil {
		page.Night = &nightView{Head: n.head, Canary: bound(n.canary), Beware: n.beware, Verdicts: n.verdicts, Says: n.says, Rows: n.rows}
		for i := range n.rows {
			n.rows[i].Change = bound(n.rows[i].Change)
		}
		if n.left > 0 {
			page.Night.Left = fmt.Sprintf("and %d more", n.left)
		}
	}
	page.setSeries(v)
	return write(w, "the trends", trendText, page)
}

func sparkNote() string {
	return fmt.Sprintf("A line has %d columns; of the nights that share a column the first, the last, the lowest and the highest are drawn (M4). "+
		"Each has a scale of its own, whose height is at least %s; a night that is far off its level lies on the edge.", trend.Columns, number.Margin(leastRange))
}

func (p *trendIndex) setEvents(v *trendView) {
	shown, left := 0, 0
	for i, e := range v.events {
		if shown >= mostChanges {
			left += len(e.changes)
			continue
		}
		view := eventView{Title: e.title(), Subject: e.subject}
		for j, c := range e.changes {
			if j == mostEventChanges {
				view.Left = fmt.Sprintf("and %s more: see the table of series", count(len(e.changes)-j, "change", "changes"))
				break
			}
			row := v.change(c)
			if !c.started.Equal(e.started) {
				row.When = row.Date
			}
			view.Changes = append(view.Changes, row)
			shown++
		}
		if i < newestEvents {
			p.Events = append(p.Events, view)
		} else {
			p.Older = append(p.Older, view)
		}
	}
	if left > 0 {
		p.Left = fmt.Sprintf("%s of older nights are not shown here; the pages of their series and the JSON have them.", count(left, "change", "changes"))
	}
}

func (e *trendEvent) title() string {
	return fmt.Sprintf("%s: %s..%s", date(e.started), commit(e.before), commit(e.after))
}

// change is a change for a table of HTML.
func (v *trendView) change(c *trendChange) changeView {
	s := c.series
	out := changeView{
		Link: v.link(s.line), Label: s.label, Metric: s.metric, Own: v.own(s.line), State: string(c.state), Class: c.state.badge(),
		Step: bound(c.says()), Anew: bound(c.anew()), Date: date(c.started), Commits: commit(c.commits[0]) + ".." + commit(c.commits[1]),
	}
	if i := slices.Index(s.changes, c); i >= 0 && i+1 < len(s.changes) {
		out.Then = "It changed again on " + date(s.changes[i+1].started) + "."
	}
	return out
}

func (v *trendView) link(l *nights.Line) string {
	if v.t.Link == nil {
		return ""
	}
	return v.t.Link(l)
}

func (p *trendIndex) setSeries(v *trendView) {
	counts := map[trendState]int{}
	for i, s := range v.series {
		counts[s.state]++
		row := seriesView{
			Link: v.link(s.line), Label: s.label, Package: plain.Elide(plain.Clean(s.line.Package), maxNameShown), Metric: plain.Elide(s.metric, maxNameShown),
			Own: v.own(s.line), State: string(s.state), Class: s.state.badge(), Rank: i, Nights: s.values, Spark: v.spark(s),
		}
		if c := s.last(); c != nil {
			row.Change, row.Since = bound(c.best()), date(c.started)
			row.Size = fmt.Sprintf("%.4g", 100*c.share())
		}
		row.Last = bound(s.lastValue())
		p.Series = append(p.Series, row)
	}
	for _, state := range trendStates {
		if n := counts[state]; n > 0 {
			p.Badges = append(p.Badges, stateBadge{state.badge(), string(state), n})
		}
	}
}

// lastValue is the newest night's value with its interval; "" without any.
func (s *trendSeries) lastValue() string {
	for _, p := range slices.Backward(s.line.Points) {
		if isFinite(p.Y) {
			return pointText(s.line, p)
		}
	}
	return ""
}

// lastAlone is that value without its interval.
func (s *trendSeries) lastAlone() string {
	for _, p := range slices.Backward(s.line.Points) {
		if isFinite(p.Y) {
			return values(s.line)(p.Y)
		}
	}
	return ""
}

func pointText(l *nights.Line, p nights.LinePoint) string {
	if !isFinite(p.Y) {
		return "no value"
	}
	write := values(l)
	return write(p.Y) + number.Interval(write, p.Lo, p.Hi)
}

// levels are the levels between the series' steps, in the span that was searched; without a step the median is the level.
func (s *trendSeries) levels() []trend.Level {
	l, write := s.line, values(s.line)
	from, n := 0, 0
	for i, p := range slices.Backward(l.Points) {
		if isFinite(p.Y) {
			from = i
			if n++; n == changepoint.Usual.Span {
				break
			}
		}
	}
	if len(s.changes) == 0 {
		var y []float64
		for _, p := range l.Points[from:] {
			if isFinite(p.Y) {
				y = append(y, p.Y)
			}
		}
		if len(y) == 0 {
			return nil
		}
		slices.Sort(y)
		middle := (y[(len(y)-1)/2] + y[len(y)/2]) / 2
		return []trend.Level{{From: from, To: len(l.Points), Y: middle, Text: write(middle)}}
	}
	var out []trend.Level
	for i, c := range s.changes {
		if i == 0 {
			out = append(out, trend.Level{From: min(from, c.step.At), To: c.step.At, Y: c.step.Before, Text: write(c.step.Before)})
		}
		to := len(l.Points)
		if i+1 < len(s.changes) {
			to = s.changes[i+1].step.At
		}
		out = append(out, trend.Level{From: c.step.At, To: to, Y: c.step.After, Text: write(c.step.After)})
	}
	return out
}

// inWords tells the levels with their dates: the text for who can't see a picture.
func (s *trendSeries) inWords(levels []trend.Level) string {
	if len(levels) == 0 {
		return "No night has a value."
	}
	var parts []string
	for i, l := range levels {
		if l.From >= len(s.line.Points) {
			continue
		}
		text := "level " + l.Text
		if i > 0 || len(levels) > 1 {
			text += " from " + date(s.line.Points[l.From].Started)
		}
		parts = append(parts, text)
	}
	return fmt.Sprintf("%s: %s; newest night %s.", count(s.values, "night", "nights"), strings.Join(parts, ", "), s.lastValue())
}

// points are the series' nights for a picture.
func (s *trendSeries) points() []trend.Point {
	out := make([]trend.Point, len(s.line.Points))
	for i, p := range s.line.Points {
		out[i] = trend.Point{At: p.Started, Y: p.Y, Lo: p.Lo, Hi: p.Hi}
		switch p.Verdict {
		case "better":
			out[i].Mark = trend.Better
		case "worse":
			out[i].Mark = trend.Worse
		}
	}
	return out
}

func (v *trendView) spark(s *trendSeries) template.HTML {
	levels := s.levels()
	return template.HTML(trend.Spark(trend.SparkData{
		Label: s.inWords(levels), From: v.first, To: v.last, Points: s.points(), Levels: levels, Noise: s.line.Noise, Wide: leastOf(s.line),
	}))
}
