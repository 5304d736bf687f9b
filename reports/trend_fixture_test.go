package reports

import (
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"tunelab/results"
	"tunelab/results/changepoint"
	"tunelab/results/nights"
	"tunelab/results/verdict"
)

// A fakeSeries is a series made up in code: noise about levels.
type fakeSeries struct {
	pkg, name, metric, better string
	noise                     float64
	steps                     map[int]float64 // night → size of the change there, of a logarithm
	confirm                   verdict.Verdict // of every step; "" for nobody
	from                      int             // its first night
	alone                     bool            // without a baseline
	plain                     bool            // of values that may be 0; steps and noise are in the unit
}

// known are the steps as they were put in, with the means of both sides. That package changepoint finds such is not ours to
// test, and what it finds of them to the last digit is not ours to hold.
func (f fakeSeries) known(y []float64) []changepoint.Step {
	bounds := append([]int{0}, slices.Sorted(maps.Keys(f.steps))...)
	for i := range bounds[1:] {
		bounds[i+1] -= f.from
	}
	bounds = append(bounds, len(y))
	mean := func(i int) (level, nights float64) {
		for _, v := range y[bounds[i]:bounds[i+1]] {
			level += v
		}
		nights = float64(bounds[i+1] - bounds[i])
		return level / nights, nights
	}
	var out []changepoint.Step
	for i := 1; i < len(bounds)-1; i++ {
		before, n := mean(i - 1)
		after, m := mean(i)
		out = append(out, changepoint.Step{At: bounds[i], Before: before, After: after, Error: f.noise * math.Sqrt(1/n+1/m)})
	}
	return out
}

// fakeTrend has as many nights as asked for.
func fakeTrend(count int, list ...fakeSeries) *Trend {
	t := &Trend{}
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	baseline := "5eed" + fmt.Sprintf("%036d", 0)
	for i := range count {
		t.Nights = append(t.Nights, &nights.Night{
			Started: start.AddDate(0, 0, i), Commit: fakeHash(i), Subject: fmt.Sprintf("change number %d", i), Module: "example.com/codec", Baseline: baseline, Named: "v1.2.0",
			Protocol: 3, Host: results.Host{CPU: "AMD EPYC", Go: "go1.26.8", Machine: "9f1c2d3e"},
		})
	}
	for k, f := range list {
		l := &nights.Line{Key: nights.Key{Package: f.pkg, Benchmark: f.name, Metric: f.metric, Place: "machine 9f1c2d3e", Go: "go1.26.8", Protocol: 3, Baseline: baseline}, Better: f.better, Noise: f.noise}
		if f.alone {
			l.Baseline = ""
		}
		noise := rand.New(rand.NewPCG(7, uint64(k)))
		level := 0.0
		var y []float64
		for i := f.from; i < count; i++ {
			level += f.steps[i]
			p := nights.LinePoint{Started: t.Nights[i].Started, Commit: t.Nights[i].Commit, Subject: t.Nights[i].Subject, Y: level + f.noise*noise.NormFloat64(), Run: fmt.Sprintf("run-%d", i), File: "night.txt", Verdict: verdict.Same}
			p.Lo, p.Hi = p.Y-2*f.noise, p.Y+2*f.noise
			p.Value = 412 * math.Exp(p.Y)
			if f.plain {
				p.Value, l.Plain = math.Round(p.Y), true
				p.Y, p.Lo, p.Hi = p.Value, math.NaN(), math.NaN()
			} else if f.alone {
				p.Y, p.Lo, p.Hi, p.Verdict = math.Log(p.Value), math.NaN(), math.NaN(), ""
			} else if f.better != "" && (p.Lo > 0.03 || p.Hi < -0.03) {
				p.Verdict = verdict.Better
				if (p.Lo > 0) == (f.better == "lower") {
					p.Verdict = verdict.Worse
				}
			}
			l.Points, y = append(l.Points, p), append(y, p.Y)
			if !f.alone && !f.plain {
				ratio, lo, hi := math.Exp(p.Y), math.Exp(p.Lo), math.Exp(p.Hi)
				t.Nights[i].Points = append(t.Nights[i].Points, nights.Point{Package: f.pkg, Benchmark: f.name, Metric: f.metric, Better: f.better, Margin: 0.03, Ratio: &ratio, Lo: &lo, Hi: &hi, Verdict: p.Verdict, Baseline: []float64{412.1}, Tip: []float64{math.Round(p.Value*10) / 10}})
			}
		}
		l.Steps = f.known(y)
		t.Lines = append(t.Lines, l)
		for _, s := range l.Steps {
			t.addChange(l, s, f.confirm)
		}
	}
	return t
}

func fakeHash(i int) string { return fmt.Sprintf("%08x%032x", uint32(i)*2654435761, i) }

// addChange puts a step into the event of its night.
func (t *Trend) addChange(l *nights.Line, s changepoint.Step, confirmed verdict.Verdict) {
	p, before := l.Points[s.At], l.Points[s.At-1]
	c := nights.Change{Line: l, Step: s, Worse: (s.Size() > 0) == (l.Better == "lower")}
	if confirmed != "" {
		ratio, lo, hi := math.Exp(s.Size()), math.Exp(s.Size()-0.01), math.Exp(s.Size()+0.01)
		c.Confirmed = &nights.Confirmation{
			Made: p.Started.Add(time.Hour), Package: l.Package, Benchmark: l.Benchmark, Metric: l.Metric, Before: before.Commit, After: p.Commit, From: before.Commit, To: p.Commit,
			Ratio: &ratio, Lo: &lo, Hi: &hi, Verdict: confirmed, Steps: 1, Subject: p.Subject,
		}
	}
	i := slices.IndexFunc(t.Events, func(e nights.Event) bool { return e.After == p.Commit })
	if i < 0 {
		i, t.Events = len(t.Events), append(t.Events, nights.Event{Started: p.Started, Before: before.Commit, After: p.Commit, Subject: p.Subject})
	}
	t.Events[i].Changes = append(t.Events[i].Changes, c)
}

// everyTrend has a series in every state.
func everyTrend() *Trend {
	const pkg = "example.com/codec/internal/varint"
	t := fakeTrend(60,
		fakeSeries{pkg: pkg, name: "Decode/size=1KiB", metric: "ns/op", better: "lower", noise: 0.008, steps: map[int]float64{40: 0.08}, confirm: verdict.Worse},
		fakeSeries{pkg: pkg, name: "Encode/size=1KiB", metric: "ns/op", better: "lower", noise: 0.01, steps: map[int]float64{40: 0.05}},
		fakeSeries{pkg: pkg, name: "Encode/size=1MiB", metric: "B/s", better: "higher", noise: 0.006, steps: map[int]float64{25: 0.12}, confirm: verdict.Better},
		fakeSeries{pkg: "example.com/codec", name: "Parse", metric: "ns/op", better: "lower", noise: 0.01, steps: map[int]float64{50: -0.06}},
		fakeSeries{pkg: "example.com/codec", name: "Parse", metric: "widgets", noise: 0.01, steps: map[int]float64{20: 0.2}},
		fakeSeries{pkg: "example.com/codec", name: "Format", metric: "ns/op", better: "lower", noise: 0.012, steps: map[int]float64{30: 0.06}, confirm: verdict.Same},
		fakeSeries{pkg: "example.com/codec", name: "Sort", metric: "ns/op", better: "lower", noise: 0.02},
		fakeSeries{pkg: "example.com/codec", name: "Back", metric: "ns/op", better: "lower", noise: 0.01, steps: map[int]float64{15: 0.1, 35: -0.1}, confirm: verdict.Worse},
		fakeSeries{pkg: "example.com/codec", name: "New", metric: "ns/op", better: "lower", noise: 0.01, from: 56},
		fakeSeries{pkg: "example.com/codec", name: "Pool", metric: "allocs/op", better: "lower", plain: true, steps: map[int]float64{45: 3}},
		fakeSeries{pkg: "other.org/tool", name: "Raw", metric: "ns/op", better: "lower", noise: 0.01, alone: true, steps: map[int]float64{30: 0.3}},
	)
	for _, c := range t.Events { // what took Back back was called better
		for i := range c.Changes {
			if x := &c.Changes[i]; x.Line.Benchmark == "Back" && !x.Worse {
				x.Confirmed.Verdict = verdict.Better
			}
		}
	}
	last := t.Nights[len(t.Nights)-1]
	ratio := 1.098
	last.Exit, last.Says, last.Canary = 1, []string{"Decode/size=1KiB is slower than v1.2.0"}, &nights.Canary{Slowdown: 0.1, Found: true, Ratio: &ratio}
	t.Problems = []string{"history/2026-01-09.txt:12: not a number: 4x2 ns/op"}
	return t
}

// hostileTrend has a text wherever files can have one.
func hostileTrend(text string) *Trend {
	t := fakeTrend(30, fakeSeries{pkg: text, name: text, metric: text, better: "lower", noise: 0.01, steps: map[int]float64{15: 0.2}, confirm: verdict.Worse}, fakeSeries{pkg: text, name: text, metric: "ns/op", better: text, noise: 0.01})
	for _, n := range t.Nights {
		n.Commit, n.Subject, n.Module, n.Named, n.Says, n.File = text, text, text, text, []string{text}, text
	}
	for _, l := range t.Lines {
		l.Place, l.Go = text, text
		for i := range l.Points {
			p := &l.Points[i]
			p.Commit, p.Subject, p.Run, p.File = text, text, text, text
		}
	}
	t.Lines[1].Points[3].Verdict = verdict.Verdict(text)
	t.Nights[29].Points[1].Verdict = verdict.Verdict(text)
	for i := range t.Events {
		e := &t.Events[i]
		e.Before, e.After, e.Subject = text, text, text
		for _, c := range e.Changes {
			c.Confirmed.Before, c.Confirmed.After, c.Confirmed.Subject, c.Confirmed.Why = text, text, text, text
		}
	}
	t.Title, t.Problems = text, []string{text}
	return t
}

// largeTrend has as many series and nights as a page must hold; each series has a step.
func largeTrend(series, count int) *Trend {
	t := fakeTrend(count)
	y := make([]float64, count)
	for k := range series {
		l := &nights.Line{Key: nights.Key{Package: fmt.Sprintf("example.com/codec/internal/part%d", k%20), Benchmark: fmt.Sprintf("Transform/size=%d/workers=%d", k, k%8), Metric: "ns/op", Place: "machine 9f1c2d3e", Go: "go1.26.8", Baseline: t.Nights[0].Baseline}, Better: "lower", Noise: 0.01}
		noise := rand.New(rand.NewPCG(9, uint64(k)))
		step := count/2 + k%(count/3+1)
		for i := range count {
			y[i] = 0.01 * noise.NormFloat64()
			if i >= step {
				y[i] += 0.05
			}
			l.Points = append(l.Points, nights.LinePoint{Started: t.Nights[i].Started, Commit: t.Nights[i].Commit, Y: y[i], Lo: y[i] - 0.02, Hi: y[i] + 0.02, Value: 400, Verdict: verdict.Same})
		}
		l.Steps = []changepoint.Step{{At: step, Before: 0, After: 0.05, Error: 0.002}}
		t.Lines = append(t.Lines, l)
		t.addChange(l, l.Steps[0], verdict.Worse)
	}
	return t
}
