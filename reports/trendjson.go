package reports

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"time"

	"tunelab/results/nights"
	"tunelab/results/verdict"
)

// A jsonTrend is what TrendJSON writes. Its keys are a promise to programs that read them.
type jsonTrend struct {
	Title    string       `json:"title"`
	Nights   int          `json:"nights"`
	First    *time.Time   `json:"first"`
	Last     *time.Time   `json:"last"`
	Answer   string       `json:"answer"`
	Night    *jsonNight   `json:"last_night"`
	Events   []jsonEvent  `json:"events"`
	Series   []jsonSeries `json:"series"`
	Problems []string     `json:"problems"`
}

type jsonNight struct {
	nights.Night
	Alive *bool `json:"alive"`
}

type jsonEvent struct {
	Night   *time.Time   `json:"night"`
	Before  string       `json:"before"`
	After   string       `json:"after"`
	Subject string       `json:"subject"`
	Changes []jsonChange `json:"changes"`
}

type jsonChange struct {
	Series       int                  `json:"series"`
	Package      string               `json:"package"`
	Benchmark    string               `json:"benchmark"`
	Metric       string               `json:"metric"`
	State        trendState           `json:"state"`
	At           int                  `json:"at"`
	Night        *time.Time           `json:"night"`
	Before       string               `json:"before"`
	After        string               `json:"after"`
	Ratio        *float64             `json:"ratio"`
	Difference   *float64             `json:"difference"`
	Lo           *float64             `json:"lo"`
	Hi           *float64             `json:"hi"`
	Confirmation *nights.Confirmation `json:"confirmation"`
}

type jsonSeries struct {
	Package   string       `json:"package"`
	Benchmark string       `json:"benchmark"`
	Metric    string       `json:"metric"`
	Better    string       `json:"better"`
	Place     string       `json:"place"`
	Go        string       `json:"go"`
	Protocol  int          `json:"protocol"`
	Baseline  string       `json:"baseline"`
	Exact     bool         `json:"exact"`
	Plain     bool         `json:"plain"`
	State     trendState   `json:"state"`
	Noise     *float64     `json:"noise"`
	Changes   []jsonChange `json:"changes"`
	Points    []jsonPoint  `json:"points"`
}

type jsonPoint struct {
	Night   *time.Time      `json:"night"`
	Commit  string          `json:"commit"`
	Ratio   *float64        `json:"ratio"`
	Level   *float64        `json:"level"`
	Lo      *float64        `json:"lo"`
	Hi      *float64        `json:"hi"`
	Value   *float64        `json:"value"`
	Verdict verdict.Verdict `json:"verdict"`
	Run     string          `json:"run"`
	File    string          `json:"file"`
}

// TrendJSON writes one object, on one line. Names and texts are as in the files; a number that does not exist or is not
// finite is null or left out, and a time that is not known is null; no array is. [TrendSchema] says what each key is.
func TrendJSON(w io.Writer, t *Trend) error {
	v := t.view()
	out := jsonTrend{
		Title: v.title, Nights: v.nights, First: known(v.first), Last: known(v.last), Answer: v.answer(), Night: v.jsonNight(),
		Events: []jsonEvent{}, Series: []jsonSeries{}, Problems: notNil(t.Problems),
	}
	places := make(map[*trendSeries]int, len(v.series))
	for i, s := range v.series {
		places[s] = i
	}
	for _, s := range v.series {
		out.Series = append(out.Series, s.json(places[s]))
	}
	for _, e := range v.events {
		event := jsonEvent{Night: known(e.started), Before: e.before, After: e.after, Subject: e.subject, Changes: []jsonChange{}}
		for _, c := range e.changes {
			event.Changes = append(event.Changes, c.json(places[c.series]))
		}
		out.Events = append(out.Events, event)
	}
	encoder := json.NewEncoder(w)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(out); err != nil {
		return fmt.Errorf("writing the trends as JSON: %w", err)
	}
	return nil
}

// known is t, or nil when it is not known.
func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}

// knownVerdict is v, or "" for none.
func knownVerdict(v verdict.Verdict) verdict.Verdict {
	if !v.Known() {
		return ""
	}
	return v
}

func number64(x float64) *float64 { return finite(&x) }

func (v *trendView) jsonNight() *jsonNight {
	if v.newest == nil {
		return nil
	}
	night, told := *v.newest, v.night()
	out := &jsonNight{Night: night}
	counted := &out.Counts // of points: files of other tools, and old ones, don't count
	counted.Better, counted.Worse, counted.Same, counted.Undecided = told.counts.Better, told.counts.Worse, told.counts.Same, told.counts.Undecided
	if c := night.Canary; c != nil {
		copied := *c
		copied.Ratio = finite(c.Ratio)
		if !isFinite(copied.Slowdown) {
			copied.Slowdown = 0
		}
		out.Canary, out.Alive = &copied, &told.alive
	}
	return out
}

func (s *trendSeries) json(place int) jsonSeries {
	l := s.line
	out := jsonSeries{
		Package: l.Package, Benchmark: l.Benchmark, Metric: l.Metric, Better: l.Better, Place: l.Place, Go: l.Go, Protocol: l.Protocol,
		Baseline: l.Baseline, Exact: l.Exact, Plain: l.Plain, State: s.state, Noise: number64(l.Noise), Changes: []jsonChange{}, Points: make([]jsonPoint, len(l.Points)),
	}
	for _, c := range s.changes {
		out.Changes = append(out.Changes, c.json(place))
	}
	scale := math.Exp
	if l.Plain {
		scale = func(y float64) float64 { return y }
	}
	for i, p := range l.Points {
		out.Points[i] = jsonPoint{
			Night: known(p.Started), Commit: p.Commit, Lo: number64(scale(p.Lo)), Hi: number64(scale(p.Hi)),
			Value: number64(p.Value), Verdict: knownVerdict(p.Verdict), Run: p.Run, File: p.File,
		}
		if y := number64(scale(p.Y)); l.Baseline != "" && !l.Plain {
			out.Points[i].Ratio = y
		} else {
			out.Points[i].Level = y
		}
	}
	return out
}

func (c *trendChange) json(place int) jsonChange {
	l := c.series.line
	size, lo, hi := c.size()
	out := jsonChange{
		Series: place, Package: l.Package, Benchmark: l.Benchmark, Metric: l.Metric, State: c.state, At: c.step.At, Night: known(c.started),
		Before: c.commits[0], After: c.commits[1], Lo: number64(lo), Hi: number64(hi),
	}
	if out.Ratio = number64(size); l.Plain {
		out.Ratio, out.Difference = nil, out.Ratio
	}
	if f := c.confirmed; f != nil {
		copied := *f
		copied.Verdict = knownVerdict(f.Verdict)
		copied.Ratio, copied.Lo, copied.Hi = finite(f.Ratio), finite(f.Lo), finite(f.Hi)
		out.Confirmation = &copied
	}
	return out
}
