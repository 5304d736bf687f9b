package reports

import (
	"cmp"
	"fmt"
	"math"
	"path"
	"slices"
	"strings"
	"time"

	"tunelab/reports/internal/number"
	"tunelab/reports/internal/plain"
	"tunelab/results/nights"
	"tunelab/results/verdict"
)

// A trendView is a Trend in the order and the words that all forms of it share.
type trendView struct {
	t           *Trend
	title       string
	nights      int // how many there are
	first, last time.Time
	newest      *nights.Night  // nil for none
	series      []*trendSeries // the most serious first
	byLine      map[*nights.Line]*trendSeries
	events      []*trendEvent     // the newest first
	common      []string          // of places, what all series share; "" where they differ
	shared      []string          // of common, what is not empty
	names       map[string]string // of baselines
	module      string
	problems    []string
}

// A trendEvent is a night at which series changed, with the changes that series have there.
type trendEvent struct {
	started       time.Time
	before, after string
	subject       string
	changes       []*trendChange
}

func (t *Trend) view() *trendView {
	v := t.frame()
	known := map[*nights.Line]map[int]nights.Change{}
	for _, e := range t.Events {
		for _, c := range e.Changes {
			if known[c.Line] == nil {
				known[c.Line] = map[int]nights.Change{}
			}
			known[c.Line][c.Step.At] = c
		}
	}
	for _, l := range t.Lines {
		s := v.newSeries(l, known[l])
		v.byLine[l], v.series = s, append(v.series, s)
	}
	slices.SortStableFunc(v.series, bySeriousness)
	v.setEvents()
	v.setShared()
	for _, p := range t.Problems {
		v.problems = append(v.problems, plain.Elide(plain.Clean(p), 2*maxQuestion))
	}
	return v
}

// frame is what a page of one series needs of them all.
func (t *Trend) frame() *trendView {
	v := &trendView{t: t, byLine: map[*nights.Line]*trendSeries{}, names: map[string]string{}}
	v.setNights()
	v.title = plain.Elide(plain.Clean(t.Title), maxNameShown)
	if v.title == "" {
		v.title = "History of " + plain.Elide(cmp.Or(v.module, "benchmarks"), maxNameShown)
	}
	return v
}

// setNights finds the newest night and what they all span. Without nights the series' points tell.
func (v *trendView) setNights() {
	span := func(at time.Time) {
		if at.IsZero() {
			return
		}
		if v.first.IsZero() || at.Before(v.first) {
			v.first = at
		}
		if at.After(v.last) {
			v.last = at
		}
	}
	v.nights = len(v.t.Nights)
	for _, n := range v.t.Nights {
		span(n.Started)
		if n.Named != "" {
			v.names[n.Baseline] = n.Named
		}
		if v.newest == nil || !n.Started.Before(v.newest.Started) {
			v.newest = n
		}
	}
	for _, l := range v.t.Lines {
		if len(v.t.Nights) == 0 {
			v.nights = max(v.nights, len(l.Points))
		}
		if n := len(l.Points); n > 0 { // they are in order
			span(l.Points[0].Started)
			span(l.Points[n-1].Started)
		}
	}
	if v.newest != nil {
		v.module = plain.Clean(v.newest.Module)
	}
}

// setEvents gathers the series' changes into the events that were found. What no event names makes one of its own night.
func (v *trendView) setEvents() {
	type place struct {
		line *nights.Line
		at   int
	}
	told := map[place]bool{}
	for _, e := range v.t.Events {
		out := &trendEvent{started: e.Started, before: e.Before, after: e.After, subject: plain.Elide(plain.Clean(e.Subject), maxNameShown)}
		for _, c := range e.Changes {
			s := v.byLine[c.Line]
			if s == nil {
				continue
			}
			i := slices.IndexFunc(s.changes, func(x *trendChange) bool { return x.step.At == c.Step.At })
			if p := (place{c.Line, c.Step.At}); i >= 0 && !told[p] {
				told[p], out.changes = true, append(out.changes, s.changes[i])
			}
		}
		if len(out.changes) > 0 {
			v.events = append(v.events, out)
		}
	}
	for _, s := range v.series {
		for _, c := range s.changes {
			if !told[place{s.line, c.step.At}] {
				v.events = append(v.events, &trendEvent{started: c.started, before: c.commits[0], after: c.commits[1], changes: []*trendChange{c}})
			}
		}
	}
	slices.SortStableFunc(v.events, func(a, b *trendEvent) int { return b.started.Compare(a.started) })
}

// setShared finds what need not be said of each series.
func (v *trendView) setShared() {
	if len(v.series) == 0 {
		return
	}
	v.common = v.places(v.series[0].line)
	for _, s := range v.series {
		for i, text := range v.places(s.line) {
			if text != v.common[i] {
				v.common[i] = ""
			}
		}
	}
	v.shared = notEmpty(v.common)
}

// places says on what, by what and against what a series was measured.
func (v *trendView) places(l *nights.Line) []string {
	out := []string{"", plain.Elide(plain.Clean(l.Go), 40), "", "without a baseline"}
	if l.Place != "" {
		out[0] = "on " + plain.Elide(plain.Clean(l.Place), maxNameShown)
	}
	if l.Protocol > 0 {
		out[2] = fmt.Sprintf("protocol %d", l.Protocol)
	}
	if l.Baseline != "" {
		out[3] = "against " + v.named(l.Baseline)
	}
	return out
}

// named is a baseline as its user calls it, with its hash.
func (v *trendView) named(baseline string) string {
	if name := v.names[baseline]; name != "" {
		return fmt.Sprintf("%s (%s)", plain.Elide(plain.Clean(name), 40), commit(baseline))
	}
	return commit(baseline)
}

func notEmpty(list []string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return s == "" })
}

// own says of where a series was measured what is not so of all.
func (v *trendView) own(l *nights.Line) string {
	out := v.places(l)
	for i := range out {
		if i < len(v.common) && out[i] == v.common[i] {
			out[i] = ""
		}
	}
	return strings.Join(notEmpty(out), ", ")
}

// label names a series: its package, without what it shares with the module, and the benchmark.
func (v *trendView) label(l *nights.Line) string {
	name := plain.Clean(l.Benchmark)
	switch pkg := v.pkg(l.Package); pkg {
	case "":
		return name
	case ".":
		return path.Base(v.module) + "." + name
	default:
		return pkg + "." + name
	}
}

// pkg is a package's path without the module's; "." for the module itself.
func (v *trendView) pkg(p string) string {
	p = plain.Clean(p)
	if v.module == "" || p == "" {
		return p
	}
	if p == v.module {
		return "."
	}
	return strings.TrimPrefix(p, v.module+"/")
}

// margin is within which ratio a series counts as the same, of the newest night that says so; 0 where none does.
func (v *trendView) margin(l *nights.Line) float64 {
	list := slices.Clone(v.t.Nights)
	slices.SortStableFunc(list, func(a, b *nights.Night) int { return b.Started.Compare(a.Started) })
	for _, n := range list {
		if n.Baseline != l.Baseline {
			continue
		}
		for i := range n.Points {
			if p := &n.Points[i]; p.Package == l.Package && p.Benchmark == l.Benchmark && p.Metric == l.Metric && p.Margin > 0 && isFinite(p.Margin) {
				return p.Margin
			}
		}
	}
	return 0
}

// values writes a series' values: as changes against the baseline, else in the unit. The result takes a Y of l.
func values(l *nights.Line) func(float64) string {
	switch {
	case l.Plain && l.Baseline != "":
		scale := number.Common([]float64{largest(l)}, l.Metric)
		return func(y float64) string { return number.Signed(y, scale) }
	case l.Plain:
		scale := number.Common([]float64{largest(l)}, l.Metric)
		return scale.Format
	case l.Baseline != "":
		return func(y float64) string { return number.Change(math.Exp(y)) }
	}
	return func(y float64) string { return number.Value(math.Exp(y), l.Metric) }
}

// largest is the largest value of a series, in its unit, not below the smallest positive number.
func largest(l *nights.Line) float64 {
	most := math.SmallestNonzeroFloat64
	for _, p := range l.Points {
		if isFinite(p.Value) {
			most = max(most, math.Abs(p.Value))
		}
		if l.Plain && isFinite(p.Y) {
			most = max(most, math.Abs(p.Y))
		}
	}
	return most
}

// leastRange is what the height of a picture stands for at least, 4 %: less does not matter, and is not to look as if it
// did.
const leastRange = 0.04

func leastOf(l *nights.Line) float64 {
	if l.Plain {
		return leastRange * largest(l)
	}
	return leastRange
}

// A trendNight is the newest night in words.
type trendNight struct {
	head, canary string
	alive        bool
	beware       bool // the gate was shown not to work
	counts       verdict.Counts
	verdicts     string
	says         []string
	rows         []nightRow
	left         int // rows that are not shown
}

// A nightRow is what a night says of a benchmark that is not the same as the baseline.
type nightRow struct{ Label, Metric, Verdict, Change string }

// mostNightRows is how many of these are shown, and mostSays how many lines of what the gate said.
const mostNightRows, mostSays = 60, 30

// night tells the newest night; nil when there is none.
func (v *trendView) night() *trendNight {
	n := v.newest
	if n == nil {
		return nil
	}
	out := &trendNight{head: fmt.Sprintf("%s, commit %s", date(n.Started), commit(n.Commit))}
	if n.Subject != "" {
		out.head += " (" + plain.Elide(plain.Clean(n.Subject), maxNameShown) + ")"
	}
	if n.Baseline != "" {
		out.head += fmt.Sprintf(", against %s; the gate ended with exit status %d", v.named(n.Baseline), n.Exit)
	}
	out.canary, out.alive = canary(n)
	out.beware = n.Canary != nil && !out.alive
	out.setVerdicts(v, n)
	for i, line := range n.Says {
		if i == mostSays {
			out.says = append(out.says, fmt.Sprintf("and %d more lines", len(n.Says)-i))
			break
		}
		out.says = append(out.says, plain.Elide(plain.Clean(line), maxQuestion))
	}
	return out
}

// setVerdicts counts them, and lists those that say something else than the same.
func (out *trendNight) setVerdicts(v *trendView, n *nights.Night) {
	order := []verdict.Verdict{verdict.Worse, verdict.Better, verdict.Undecided}
	list := make([][]nightRow, len(order))
	for i := range n.Points {
		p := &n.Points[i]
		if p.Verdict == "" {
			continue
		}
		out.counts.Add(p.Verdict)
		if at := slices.Index(order, p.Verdict); at >= 0 {
			row := nightRow{Label: v.label(&nights.Line{Key: nights.Key{Package: p.Package, Benchmark: p.Benchmark}}), Metric: plain.Clean(p.Metric), Verdict: string(p.Verdict)}
			if p.Ratio != nil && isFinite(*p.Ratio) {
				row.Change = number.Effect(*p.Ratio, orNaN(p.Lo), orNaN(p.Hi))
			}
			list[at] = append(list[at], row)
		}
	}
	out.verdicts = "It has no verdicts: another tool wrote it."
	if c := out.counts; c.Total() > 0 {
		out.verdicts = fmt.Sprintf("Against the baseline: %d worse, %d better, %d same, %d undecided. These are one night’s verdicts, not changes of a level.", c.Worse, c.Better, c.Same, c.Undecided)
	}
	if k := n.Counts.Alike; k > 0 {
		out.verdicts += " Both sides build " + count(k, "package", "packages") + " into the same bytes."
	}
	if k := n.Counts.Broken; k > 0 {
		out.verdicts += " " + count(k, "package", "packages") + " could not be built or measured."
	}
	out.rows = slices.Concat(list...)
	if more := len(out.rows) - mostNightRows; more > 0 {
		out.rows, out.left = out.rows[:mostNightRows], more
	}
}

// canary says whether the gate could see a slowdown that night.
func canary(n *nights.Night) (says string, alive bool) {
	c := n.Canary
	switch {
	case c == nil && n.Baseline == "":
		return "", false // another tool's
	case c == nil:
		return "Whether the gate was alive is not known: it had no benchmark of its own with a known slowdown.", false
	case c.TwinFlag:
		says = "Beware: the gate called two equal benchmarks different, so its verdicts of this night can't be trusted"
	case !c.Found:
		says = "Beware: the gate did not find its own slowdown, so its “same” of this night says nothing"
	default:
		says, alive = "The gate was alive: it called its own slowdown worse", true
	}
	says += fmt.Sprintf("; %s was put in", number.Margin(c.Slowdown))
	if c.Ratio != nil && isFinite(*c.Ratio) {
		says += ", " + number.Change(*c.Ratio) + " was measured"
	}
	return says + ".", alive
}
