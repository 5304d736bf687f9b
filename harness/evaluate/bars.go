package main

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"tunelab/results/calibration"
	"tunelab/results/verdict"
)

// bars writes the tables that README takes its rates from: how often equal sides were called different at each level of
// noise, and on a quiet machine what each benchmark takes to be decided.
func bars(w io.Writer, levels []float64, at map[float64]*calibration.Calibration) error {
	var out strings.Builder
	out.WriteString("# How often verdicts are wrong, and what they take\n\n")
	rates(&out, levels, at)
	if quiet := at[0]; quiet != nil {
		out.WriteByte('\n')
		takes(&out, quiet)
	}
	_, err := io.WriteString(w, out.String())
	return err
}

// names of the ways to decide, in the order of the first benchmark that has all of them.
func methodNames(at map[float64]*calibration.Calibration) (names []string) {
	for _, c := range at {
		for _, b := range c.Benchmarks {
			if len(b.Methods) > len(names) {
				names = nil
				for _, m := range b.Methods {
					names = append(names, m.Name)
				}
			}
		}
	}
	return names
}

// The columns of the table of rates, by method, in its order: what is counted, and whether only our own method has it.
var rateColumns = []struct {
	head string
	ours bool
	of   func(calibration.Method) *calibration.Rate
}{
	{"%s", false, func(m calibration.Method) *calibration.Rate { return &m.Same }},
	{"%s, by coins", false, func(m calibration.Method) *calibration.Rate { return m.Coins }},
	{"%s, other layouts", true, func(m calibration.Method) *calibration.Rate { return m.Layouts }},
	{"%s, other layouts, by coins", true, func(m calibration.Method) *calibration.Rate { return m.LayoutCoins }},
}

func rates(out *strings.Builder, levels []float64, at map[float64]*calibration.Calibration) {
	names := methodNames(at)
	out.WriteString("Equal sides called different (95 % interval), where 5 % is the aim; “by coins” are the same recordings labelled again:\n\n| neighbour |")
	type column struct {
		head string
		of   func(calibration.Benchmark) *calibration.Rate
		sum  calibration.Rate
	}
	var columns []*column
	for i, name := range names {
		for _, c := range rateColumns {
			if c.ours && i > 0 {
				continue
			}
			columns = append(columns, &column{head: fmt.Sprintf(c.head, name), of: func(b calibration.Benchmark) *calibration.Rate {
				return c.of(find(b, func(m calibration.Method) bool { return m.Name == name }))
			}})
		}
	}
	// A column that no level has anything in says nothing.
	columns = slices.DeleteFunc(columns, func(c *column) bool {
		for _, level := range at {
			for _, b := range level.Benchmarks {
				count(&c.sum, c.of(b))
			}
		}
		none := c.sum.Tries == 0
		c.sum = calibration.Rate{}
		return none
	})
	for _, c := range columns {
		fmt.Fprintf(out, " %s |", c.head)
	}
	out.WriteString("\n| --- |" + strings.Repeat(" --- |", len(columns)) + "\n")
	for _, level := range levels {
		if at[level] == nil {
			continue
		}
		fmt.Fprintf(out, "| %.0f %% of a CPU |", 100*level)
		for _, c := range columns {
			here := calibration.Rate{}
			for _, b := range at[level].Benchmarks {
				if len(b.Methods) == len(names) { // or how it starts is all that was asked
					count(&here, c.of(b))
				}
			}
			count(&c.sum, &here)
			fmt.Fprintf(out, " %s |", rate(here))
		}
		out.WriteByte('\n')
	}
	out.WriteString("| all |")
	for _, c := range columns {
		fmt.Fprintf(out, " %s |", rate(c.sum))
	}
	out.WriteByte('\n')
}

// count adds a rate to a sum; nil is nothing.
func count(sum, r *calibration.Rate) {
	if r != nil {
		sum.Hits, sum.Tries = sum.Hits+r.Hits, sum.Tries+r.Tries
	}
}

func rate(r calibration.Rate) string {
	if r.Tries == 0 {
		return "–"
	}
	lo, hi := verdict.ClopperPearson(r.Hits, r.Tries, 0.95)
	return fmt.Sprintf("%d of %d = %.1f %% (%.1f to %.1f)", r.Hits, r.Tries, 100*r.Share(), 100*lo, 100*hi)
}

// takes writes what each benchmark takes, ours beside interleaved benchstat, which is the method after ours.
func takes(out *strings.Builder, c *calibration.Calibration) {
	out.WriteString("Machine-seconds to find a slowdown of 5 % in 90 % of tries and of 2 % in 80 %, builds and pilot not counted:\n\n")
	out.WriteString("| benchmark | 5 %: tunelab | interleaved benchstat | ratio | with the pilot | 2 %: tunelab | interleaved benchstat | called the same in a minute | in timed loops | go test -count=10 |\n")
	out.WriteString("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n")
	var ratios, withPilot []float64
	for _, b := range c.Benchmarks {
		ours, theirs, plain := find(b, func(m calibration.Method) bool { return m.Ours }),
			find(b, func(m calibration.Method) bool { return strings.HasPrefix(m.Name, "interleaved") }),
			find(b, func(m calibration.Method) bool { return strings.HasPrefix(m.Name, "old then new") })
		five, fiveTheirs := takesFor(ours, 0.05), takesFor(theirs, 0.05)
		r, piloted := math.NaN(), math.NaN()
		if theirs.Name != "" {
			// Where theirs is a bound from below these are bounds from above.
			r, piloted = five.seconds/fiveTheirs.seconds, (five.seconds+b.PilotMS/1000)/fiveTheirs.seconds
			if five.bound {
				r, piloted = math.Inf(1), math.Inf(1)
			}
			ratios, withPilot = append(ratios, r), append(withPilot, piloted)
		}
		equal := calibration.Rate{}
		if ours.Equal != nil {
			equal = *ours.Equal
		}
		fmt.Fprintf(out, "| %s | %s | %s | %s | %s | %s | %s | %s | %.0f %% | %.0f %% |\n", b.Name, five, fiveTheirs, quotient(r, fiveTheirs.bound),
			quotient(piloted, fiveTheirs.bound), takesFor(ours, 0.02), takesFor(theirs, 0.02),
			fmt.Sprintf("%d of %d", equal.Hits, equal.Tries), 100*ours.Inside, 100*plain.Inside)
	}
	if len(ratios) > 0 {
		median, largest := spread(ratios)
		medianPilot, largestPilot := spread(withPilot)
		fmt.Fprintf(out, "\nMedian ratio %.3f, largest %.3f, of %d benchmarks; with the pilot %.3f and %.3f.\n", median, largest, len(ratios), medianPilot, largestPilot)
	}
}

// spread returns the median and the largest of x.
func spread(x []float64) (median, largest float64) {
	slices.Sort(x)
	n := len(x)
	return (x[(n-1)/2] + x[n/2]) / 2, x[n-1]
}

func find(b calibration.Benchmark, is func(calibration.Method) bool) calibration.Method {
	i := slices.IndexFunc(b.Methods, is)
	if i < 0 {
		return calibration.Method{}
	}
	return b.Methods[i]
}

// A duration is a machine time, or one that was not enough.
type duration struct {
	seconds float64
	bound   bool
}

func (d duration) String() string {
	if d.seconds == 0 {
		return "–"
	}
	if d.bound {
		return fmt.Sprintf("> %.3g s", d.seconds)
	}
	return fmt.Sprintf("%.3g s", d.seconds)
}

// takesFor is what the method takes for that slowdown: when it had not found it, more than the longest that was tried.
func takesFor(m calibration.Method, slower float64) duration {
	for _, p := range m.Powers {
		switch {
		case p.Slower != slower || p.Injected != "" || p.Code:
		case p.Seconds > 0:
			return duration{seconds: p.Seconds}
		default:
			return duration{p.Longest, true}
		}
	}
	return duration{}
}

func quotient(r float64, bound bool) string {
	switch {
	case math.IsInf(r, 0) || math.IsNaN(r):
		return "–"
	case bound:
		return fmt.Sprintf("< %.3f", r)
	}
	return fmt.Sprintf("%.3f", r)
}
