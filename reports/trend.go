package reports

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"tunelab/reports/internal/number"
	"tunelab/reports/internal/plain"
	"tunelab/results/changepoint"
	"tunelab/results/nights"
	"tunelab/results/verdict"
)

// A Trend is what the nights say: the series, where they changed, and what could not be read. Everything shown of it is
// computed from these; none of it is changed.
type Trend struct {
	Title    string          // of pages; "" for one made of the module's path
	Nights   []*nights.Night // in any order; the newest one's verdicts are shown, and margins are looked up in them
	Lines    []*nights.Line
	Events   []nights.Event
	Problems []string // what is wrong with files, a line each

	// Link tells where the page of a series is, relative to the index; nil, or "", for none. Index is where the index is,
	// relative to these; "" for none.
	Link  func(*nights.Line) string
	Index string
}

// TrendFile returns a name for the file of a series' page: no two series share one, and a series keeps its own.
func TrendFile(l *nights.Line) string {
	var id strings.Builder
	for _, part := range []string{l.Package, l.Benchmark, l.Metric, l.Place, l.Go, fmt.Sprint(l.Protocol), l.Baseline} {
		fmt.Fprintf(&id, "%d:%s", len(part), part)
	}
	sum := sha256.Sum256([]byte(id.String()))
	return fileName(plain.Elide(plain.Clean(l.Benchmark), 60), plain.Elide(plain.Clean(l.Metric), 20), hex.EncodeToString(sum[:6])) + ".html"
}

// A trendState is what is known of a change, or of the series that has it. The first is the most serious.
type trendState string

const (
	confirmedWorse   trendState = "worse, confirmed"
	candidateWorse   trendState = "candidate, worse"
	candidateChanged trendState = "candidate, changed" // in a metric of unknown direction
	candidateBetter  trendState = "candidate, better"
	confirmedChanged trendState = "changed, confirmed"
	confirmedBetter  trendState = "better, confirmed"
	refuted          trendState = "refuted"
	unchanged        trendState = "no change"
	tooShort         trendState = "too few nights"
)

var trendStates = []trendState{confirmedWorse, candidateWorse, candidateChanged, candidateBetter, confirmedChanged, confirmedBetter, refuted, unchanged, tooShort}

func (s trendState) candidate() bool {
	return s == candidateWorse || s == candidateChanged || s == candidateBetter
}

func (s trendState) confirmed() bool {
	return s == confirmedWorse || s == confirmedChanged || s == confirmedBetter
}

// badge is the class that a page shows the state by.
func (s trendState) badge() string {
	switch s {
	case confirmedWorse:
		return "worse"
	case confirmedBetter:
		return "better"
	case refuted, unchanged:
		return "same"
	}
	return "undecided"
}

// rank is by what series are sorted first: what got worse for certain, then what may have changed, then the rest.
func (s trendState) rank() int {
	switch {
	case s == confirmedWorse:
		return 0
	case s.candidate():
		return 1
	}
	return 2
}

// stateOf is what a change is: nothing is called a regression that was not confirmed by measuring both sides anew.
func stateOf(l *nights.Line, worse bool, c *nights.Confirmation) trendState {
	known := l.Better != ""
	said := verdict.Undecided
	if c != nil {
		said = c.Verdict
	}
	different := said == verdict.Better || said == verdict.Worse
	switch {
	case said == verdict.Same, known && different && (said == verdict.Worse) != worse:
		return refuted
	case !known && different:
		return confirmedChanged
	case !known:
		return candidateChanged
	case different && worse:
		return confirmedWorse
	case different:
		return confirmedBetter
	case worse:
		return candidateWorse
	}
	return candidateBetter
}

// A trendChange is a change of a series' level.
type trendChange struct {
	series    *trendSeries
	step      changepoint.Step
	started   time.Time // of the first night after it
	commits   [2]string // before and after
	state     trendState
	confirmed *nights.Confirmation
}

// normal95 is how many standard errors to each side hold 95 % of a normal distribution.
const normal95 = 1.96

// size is the step's, a ratio or, in a plain series, a difference in the metric's unit, with an interval of about 95 % that
// does not know that the data chose where to split; lo and hi are NaN where the step has no error.
func (c *trendChange) size() (size, lo, hi float64) {
	size, e := c.step.Size(), normal95*c.step.Error
	if !(e > 0) || !isFinite(e) {
		e = math.NaN()
	}
	if c.series.line.Plain {
		return size, size - e, size + e
	}
	return math.Exp(size), math.Exp(size - e), math.Exp(size + e)
}

// says is the step in words: "8 % higher [6 %, 10 %]", "+3 [+2, +4]".
func (c *trendChange) says() string {
	size, lo, hi := c.size()
	if !c.series.line.Plain {
		return number.Effect(size, lo, hi)
	}
	scale := number.Common([]float64{size, lo, hi}, c.series.line.Metric)
	write := func(v float64) string { return number.Signed(v, scale) }
	return write(size) + number.Interval(write, lo, hi)
}

// anew is what measuring both sides anew came to, in words.
func (c *trendChange) anew() string {
	f := c.confirmed
	if f == nil {
		return "not measured anew"
	}
	text := "measured anew, without a verdict"
	if said := verdictText(f.Verdict); said != "" {
		text = "measured anew: " + said
	}
	if f.Ratio != nil && isFinite(*f.Ratio) {
		text += ", " + number.Effect(*f.Ratio, orNaN(f.Lo), orNaN(f.Hi))
	}
	if others := f.Before != c.commits[0] || f.After != c.commits[1]; others && f.Before != "" && f.After != "" {
		text += " between " + commit(f.Before) + " and " + commit(f.After)
		if f.Subject != "" {
			text += " (" + plain.Elide(plain.Clean(f.Subject), maxNameShown) + ")"
		}
	}
	if f.Why != "" {
		text += "; " + plain.Elide(plain.Clean(f.Why), maxQuestion)
	}
	return text
}

// best is the estimate that counts: the confirmation's where there is one, for the step's is of data that chose it.
func (c *trendChange) best() string {
	if f := c.confirmed; f != nil && c.state.confirmed() && f.Ratio != nil && isFinite(*f.Ratio) {
		return number.Effect(*f.Ratio, orNaN(f.Lo), orNaN(f.Hi))
	}
	return c.says()
}

// verdictText is the verdict, or nothing where a file has a word of its own.
func verdictText(v verdict.Verdict) string {
	switch v {
	case verdict.Better, verdict.Worse, verdict.Same, verdict.Undecided:
		return string(v)
	}
	return ""
}

// shortCommit is how much of a commit's hash is shown.
const shortCommit = 10

func commit(hash string) string {
	if hash == "" {
		return "?"
	}
	if runes := []rune(strings.ToValidUTF8(hash, "?")); len(runes) > shortCommit {
		hash = string(runes[:shortCommit])
	}
	return plain.Clean(hash)
}

func date(t time.Time) string {
	if t.IsZero() {
		return "unknown date"
	}
	return t.UTC().Format("2006-01-02")
}

// A trendSeries is a series with its changes, oldest first.
type trendSeries struct {
	line    *nights.Line
	label   string // package and benchmark, cleaned
	metric  string
	changes []*trendChange
	state   trendState
	recent  float64 // size of the last change that nobody refuted, as a share
	values  int     // nights that have one
}

// newSeries gathers what is known of a line. Every step of it is a candidate until an event says otherwise.
func (v *trendView) newSeries(l *nights.Line, known map[int]nights.Change) *trendSeries {
	s := &trendSeries{line: l, label: v.label(l), metric: plain.Clean(l.Metric)}
	for _, p := range l.Points {
		if isFinite(p.Y) {
			s.values++
		}
	}
	for _, step := range l.Steps {
		if step.At < 0 || step.At >= len(l.Points) {
			continue
		}
		c := &trendChange{series: s, step: step, started: l.Points[step.At].Started, commits: [2]string{"", l.Points[step.At].Commit}}
		for _, p := range l.Points[:step.At] {
			if isFinite(p.Y) { // a night without a value says nothing of where the step is
				c.commits[0] = p.Commit
			}
		}
		worse := (step.Size() > 0) == (l.Better != "higher")
		if k, ok := known[step.At]; ok {
			worse, c.confirmed = k.Worse, k.Confirmed
		}
		c.state = stateOf(l, worse, c.confirmed)
		s.changes = append(s.changes, c)
	}
	s.judge()
	return s
}

// judge finds what the series is: the most serious of its changes since the last that was confirmed, that one included.
func (s *trendSeries) judge() {
	s.state = unchanged
	if s.values < 2*changepoint.Usual.Least {
		s.state = tooShort
	}
	for _, c := range slices.Backward(s.changes) {
		if s.recent == 0 && c.state != refuted {
			s.recent = math.Abs(c.share())
		}
		if slices.Index(trendStates, c.state) < slices.Index(trendStates, s.state) {
			s.state = c.state
		}
		if c.state.confirmed() {
			return
		}
	}
}

// share is the size of a change as a share: of the largest value in a plain series, which may come from 0.
func (c *trendChange) share() float64 {
	if !c.series.line.Plain {
		return math.Expm1(c.step.Size())
	}
	return c.step.Size() / largest(c.series.line)
}

// last is the change that made the series what it is; nil for none.
func (s *trendSeries) last() *trendChange {
	for _, c := range slices.Backward(s.changes) {
		if c.state == s.state {
			return c
		}
	}
	return nil
}

// bySeriousness is the order of tables of series.
func bySeriousness(a, b *trendSeries) int {
	return cmp.Or(cmp.Compare(a.state.rank(), b.state.rank()), compareFloats(b.recent, a.recent),
		strings.Compare(a.label, b.label), strings.Compare(a.metric, b.metric), strings.Compare(a.line.Place, b.line.Place),
		strings.Compare(a.line.Go, b.line.Go), cmp.Compare(a.line.Protocol, b.line.Protocol), strings.Compare(a.line.Baseline, b.line.Baseline))
}
