package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// A bar is what is wanted, and what was measured on the half that nothing was tuned on.
type bar struct {
	What     string  `json:"what"`
	Wanted   string  `json:"wanted"`
	Measured float64 `json:"measured"`
	Unit     string  `json:"unit,omitempty"`
	Holds    bool    `json:"holds"`
}

// wanted are the bars of a kind of noise.
type wanted struct{ alarms, five, ten float64 }

var wantedOf = map[string]wanted{
	draws[0].name: {alarms: 0.7, five: 0.77, ten: 0.98},
	draws[1].name: {alarms: 1, five: 0.7, ten: 0.92},
}

const secondsWanted = 2

func bars(r report) []bar {
	var out []bar
	for _, s := range r.Scores {
		if s.Half != judging.String() || s.Method != methods[0].name {
			continue
		}
		w := wantedOf[s.Noise]
		out = append(out,
			atMost(s.Noise+": false alarms per 1,000 nights", s.False, w.alarms, ""),
			atLeast(s.Noise+": steps of 5 %", s.Found.Five, w.five),
			atLeast(s.Noise+": steps of 10 %", s.Found.Ten, w.ten))
	}
	c := r.Counts
	return append(out,
		bar{"lasting steps of allocs/op", fmt.Sprintf("%d", c.Lasting), float64(c.Found), "", c.Found == c.Lasting},
		atMost("steps of allocs/op that there are not", float64(c.Invented), 0, ""),
		atMost(fmt.Sprintf("%d series of %d nights", r.Speed.Series, r.Speed.Nights), r.Speed.Seconds, secondsWanted, "s"))
}

func atMost(what string, measured, most float64, unit string) bar {
	return bar{what, strings.TrimSpace(fmt.Sprintf("at most %g %s", most, unit)), measured, unit, measured <= most}
}

func atLeast(what string, measured, least float64) bar {
	return bar{what, fmt.Sprintf("at least %g %%", 100*least), 100 * measured, "%", measured >= least}
}

// print writes the report as tables.
func (r report) print(to io.Writer) error {
	w := tabwriter.NewWriter(to, 0, 0, 2, ' ', 0)
	before := ""
	for _, s := range r.Scores {
		if title := s.Half + s.Noise; title != before {
			before = title
			fmt.Fprintf(w, "\nresiduals %s, the half for %s: %d benchmarks, %d nights\n", s.Noise, s.Half, s.Series, s.Points)
			fmt.Fprintln(w, "method\tfalse alarms per 1,000\t5 % steps found\t10 % steps found\tF1")
		}
		fmt.Fprintf(w, "%s\t%.2f\t%.1f %%\t%.1f %%\t%.3f\n", s.Method, s.False, 100*s.Found.Five, 100*s.Found.Ten, s.F1)
	}
	fmt.Fprintf(w, "\nallocs/op: %d series, %d nights\n", r.Counts.Series, r.Counts.Nights)
	for _, line := range r.Counts.Wrong {
		fmt.Fprintln(w, line)
	}
	fmt.Fprintf(w, "\nbar, on the half for %s\twanted\tmeasured\t\n", judging)
	for _, b := range r.Bars {
		holds := "holds"
		if !b.Holds {
			holds = "does not hold"
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", b.What, b.Wanted, strings.TrimSpace(fmt.Sprintf("%.4g %s", b.Measured, b.Unit)), holds)
	}
	fmt.Fprintf(w, "\nlevels by %s, %d repeats, seed %d\n", r.Level, r.Repeats, r.Seed)
	return w.Flush()
}

// wrong says what was not as it should be at a night of counts.
func wrong(what, name string, at int, counts []float64) string {
	return fmt.Sprintf("%s: %s, night %d of %d: %v", what, name, at+1, len(counts), counts[max(0, at-lastingNights):min(len(counts), at+lastingNights)])
}
