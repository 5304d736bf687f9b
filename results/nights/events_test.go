package nights

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"tunelab/results/changepoint"
)

// line is one of a machine with a night a day, and steps of a size at some of them.
func line(machine, benchmark, metric string, nights int, steps map[int]float64) *Line {
	l := &Line{Key: Key{Package: "p", Benchmark: benchmark, Metric: metric, Place: machine}, Better: betterOf(metric)}
	level := 0.0
	for i := range nights {
		if size, ok := steps[i]; ok {
			l.Steps = append(l.Steps, changepoint.Step{At: i, Before: level, After: level + size})
			level += size
		}
		l.Points = append(l.Points, LinePoint{
			Started: firstNight.AddDate(0, 0, i), Commit: hash(i), Subject: fmt.Sprint("commit ", i), Y: level,
		})
	}
	return l
}

func hash(i int) string { return fmt.Sprintf("%040x", 0xfedc000+i) }

// told is what an event says, in short.
func told(e Event) string {
	s := fmt.Sprintf("%s..%s", e.Before[36:], e.After[36:])
	for _, c := range e.Changes {
		s += fmt.Sprintf(" %s%s%+.2f", c.Line.Place, c.Line.Benchmark, c.Step.Size())
		if c.Worse {
			s += "!"
		}
	}
	return s
}

func TestEvents(t *testing.T) {
	for what, row := range map[string]struct {
		lines []*Line
		want  []string
	}{
		"nothing": {[]*Line{line("m", "A", "ns/op", 9, nil)}, nil},
		"one night, the largest first, and the newest event": {[]*Line{
			line("m", "A", "ns/op", 40, map[int]float64{10: 0.1, 30: -0.2}), line("m", "B", "ns/op", 40, map[int]float64{10: 0.3}),
			line("m", "C", "MB/s", 40, map[int]float64{10: -0.2}), line("m", "D", "hits", 40, map[int]float64{10: 0.01}),
		}, []string{"c01d..c01e mA-0.20", "c009..c00a mB+0.30! mC-0.20! mA+0.10! mD+0.01"}},
		"a night late": {[]*Line{
			line("m", "A", "ns/op", 40, map[int]float64{10: 0.1}), line("m", "B", "ns/op", 40, map[int]float64{11: 0.2}),
			line("m", "C", "MB/s", 40, map[int]float64{11: -0.3}),
		}, []string{"c009..c00b mC-0.30! mB+0.20! mA+0.10!"}},
		"a night early": {[]*Line{
			line("m", "A", "ns/op", 40, map[int]float64{9: 0.1}), line("m", "B", "ns/op", 40, map[int]float64{10: 0.2}),
			line("m", "C", "ns/op", 40, map[int]float64{10: 0.3}),
		}, []string{"c008..c00a mC+0.30! mB+0.20! mA+0.10!"}},
		"two nights apart": {[]*Line{
			line("m", "A", "ns/op", 40, map[int]float64{10: 0.1}), line("m", "B", "ns/op", 40, map[int]float64{12: 0.2}),
		}, []string{"c00b..c00c mB+0.20!", "c009..c00a mA+0.10!"}},
		"beside, and the other way": {[]*Line{
			line("m", "A", "ns/op", 40, map[int]float64{10: 0.1}), line("m", "B", "ns/op", 40, map[int]float64{11: -0.2}),
		}, []string{"c00a..c00b mB-0.20", "c009..c00a mA+0.10!"}},
		"one night, both ways": {[]*Line{
			line("m", "A", "ns/op", 40, map[int]float64{10: 0.1}), line("m", "B", "ns/op", 40, map[int]float64{10: -0.2}),
		}, []string{"c009..c00a mB-0.20 mA+0.10!"}},
		"two machines": {[]*Line{
			line("m", "A", "ns/op", 40, map[int]float64{10: 0.1}), line("n", "A", "ns/op", 40, map[int]float64{10: 0.2}),
		}, []string{"c009..c00a nA+0.20! mA+0.10!"}},
		"two machines, a night apart": {[]*Line{
			line("m", "A", "ns/op", 40, map[int]float64{10: 0.1}), line("n", "A", "ns/op", 40, map[int]float64{11: 0.2}),
		}, []string{"c00a..c00b nA+0.20!", "c009..c00a mA+0.10!"}},
	} {
		var got []string
		for _, e := range Events(row.lines, nil) {
			got = append(got, told(e))
		}
		if !slices.Equal(got, row.want) {
			t.Errorf("%s:\n%q\nwant\n%q", what, got, row.want)
		}
	}
}

// A machine that measures the same commits some days later sees the same change.
func TestEventsOfLateMachine(t *testing.T) {
	a, b := line("m", "A", "ns/op", 40, map[int]float64{10: 0.1}), line("n", "A", "ns/op", 40, map[int]float64{10: 0.2})
	for i := range b.Points {
		b.Points[i].Started = b.Points[i].Started.AddDate(0, 0, 5)
	}
	if events := Events([]*Line{a, b}, nil); len(events) != 1 || len(events[0].Changes) != 2 {
		t.Errorf("%d events", len(events))
	}
}

// Where nobody commits, nights of one commit are still nights.
func TestEventsOfOneCommit(t *testing.T) {
	a, b := line("m", "A", "ns/op", 40, map[int]float64{10: 0.1}), line("m", "B", "ns/op", 40, map[int]float64{30: 0.2})
	for _, l := range []*Line{a, b} {
		for i := range l.Points {
			l.Points[i].Commit = hash(1)
		}
	}
	if events := Events([]*Line{a, b}, nil); len(events) != 2 || !events[0].Started.Equal(firstNight.AddDate(0, 0, 30)) {
		t.Errorf("%d events", len(events))
	}
}

// Between the last night with a value and the first of the new level lies the change; a benchmark that was measured every
// night knows it best.
func TestEventsWithGaps(t *testing.T) {
	a := line("m", "A", "ns/op", 40, map[int]float64{10: 0.1})
	a.Points[9].Y, a.Points[8].Y = math.NaN(), math.NaN()
	if e := Events([]*Line{a}, nil)[0]; told(e) != "c007..c00a mA+0.10!" || e.Subject != "commit 10" || !e.Started.Equal(firstNight.AddDate(0, 0, 10)) {
		t.Errorf("%s, %s", told(e), e.Subject)
	}
	if e := Events([]*Line{a, line("m", "B", "ns/op", 40, map[int]float64{10: 0.2})}, nil)[0]; told(e) != "c009..c00a mB+0.20! mA+0.10!" {
		t.Errorf("%s", told(e))
	}
}

func TestEventsOfPlain(t *testing.T) {
	a := line("m", "A", "allocs/op", 40, map[int]float64{10: 2})
	a.Plain = true // from 0 to 2
	e := Events([]*Line{line("m", "B", "ns/op", 40, map[int]float64{10: 1.5}), a, line("m", "C", "ns/op", 40, map[int]float64{10: 0.5})}, nil)[0]
	if told(e) != "c009..c00a mB+1.50! mA+2.00! mC+0.50!" {
		t.Errorf("%s", told(e))
	}
}

func TestConfirmations(t *testing.T) {
	// The event is 8..10: A alone changed at 9..10.
	lines := []*Line{
		line("m", "A", "ns/op", 40, map[int]float64{10: 0.1}), line("m", "B", "ns/op", 40, map[int]float64{10: 0.2}),
		line("m", "C", "ns/op", 40, map[int]float64{9: 0.3}),
	}
	c := Confirmation{Made: firstNight, Package: "p", Benchmark: "A", Metric: "ns/op", From: hash(8), To: hash(10), Steps: 1}
	found := func(c ...Confirmation) string {
		s := ""
		for _, change := range Events(lines, c)[0].Changes {
			if change.Confirmed != nil {
				s += fmt.Sprint(change.Line.Benchmark, change.Confirmed.Steps)
			}
		}
		return s
	}
	with := func(change func(c *Confirmation)) Confirmation {
		c := c
		change(&c)
		return c
	}
	newer := with(func(c *Confirmation) { c.Made, c.Steps = c.Made.AddDate(0, 0, 1), 2 })
	for what, row := range map[string]struct {
		confirmed []Confirmation
		want      string
	}{
		"none":             {nil, ""},
		"of the event":     {[]Confirmation{c}, "A1"},
		"of the change":    {[]Confirmation{with(func(c *Confirmation) { c.From = hash(9) })}, "A1"},
		"abbreviated":      {[]Confirmation{with(func(c *Confirmation) { c.To = c.To[:39] })}, "A1"},
		"the newest":       {[]Confirmation{c, newer, c}, "A2"},
		"of each":          {[]Confirmation{c, with(func(c *Confirmation) { c.Benchmark, c.Steps = "B", 3 })}, "B3A1"},
		"other package":    {[]Confirmation{with(func(c *Confirmation) { c.Package = "q" })}, ""},
		"other benchmark":  {[]Confirmation{with(func(c *Confirmation) { c.Benchmark = "D" })}, ""},
		"other metric":     {[]Confirmation{with(func(c *Confirmation) { c.Metric = "B/op" })}, ""},
		"other commits":    {[]Confirmation{with(func(c *Confirmation) { c.To = hash(11) })}, ""},
		"the other way":    {[]Confirmation{with(func(c *Confirmation) { c.From, c.To = c.To, c.From })}, ""},
		"only one its own": {[]Confirmation{with(func(c *Confirmation) { c.From = hash(7) })}, ""},
	} {
		if got := found(row.confirmed...); got != row.want {
			t.Errorf("%s: %q, want %q", what, got, row.want)
		}
	}
}

func TestSameCommit(t *testing.T) {
	for _, row := range []struct {
		a, b string
		want bool
	}{
		{"0123456789", "0123456789", true}, {"0123456", "0123456789", true}, {"0123456789", "0123456", true},
		{"012345", "0123456789", false}, {"", "0123456789", false}, {"1123456", "0123456789", false},
	} {
		if sameCommit(row.a, row.b) != row.want {
			t.Errorf("%q, %q", row.a, row.b)
		}
	}
}

// From the gate's nights to what it says of them.
func TestEventsEndToEnd(t *testing.T) {
	noise := noisy(3, 0.004)
	ratios := make([]float64, 60)
	for i := range ratios {
		ratios[i] = noise()
		if i >= 40 {
			ratios[i] *= 1.1
		}
	}
	events := Events(Series(gateNights(ratios...)), []Confirmation{{
		Made: firstNight, Package: "p", Benchmark: "B", Metric: "ns/op", From: fmt.Sprintf("%040d", 39), To: fmt.Sprintf("%040d", 40), Verdict: "worse",
	}})
	if len(events) != 1 || events[0].Subject != "commit 40" || len(events[0].Changes) != 1 {
		t.Fatalf("%+v", events)
	}
	if c := events[0].Changes[0]; !c.Worse || c.Confirmed == nil || c.Confirmed.Verdict != "worse" || math.Abs(c.Step.Size()-math.Log(1.1)) > 0.01 {
		t.Errorf("%+v", c)
	}
}
