package main

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	"tunelab/harness/calibrate"
	"tunelab/harness/gate"
	"tunelab/results"
	"tunelab/results/verdict"
)

// The nights that a gate is played through.
const (
	nightBenchmarks = 20
	nightSlower     = 0.05
	nightError      = 0.01
)

// nightBudgets are how long a night may take.
var nightBudgets = []time.Duration{10 * time.Minute, 30 * time.Minute}

// playNights plays a gate through nights made of the traces, with a slow benchmark and without, and prints what it found.
func playNights(out io.Writer, data string, nights int) error {
	all, err := calibrate.Load(data)
	if err != nil {
		return err
	}
	var list []calibrate.Recording
	for _, s := range all {
		if s.Kind == calibrate.KindSame && s.Protocol == results.Protocol {
			r := s.Recording()
			r.Case = fmt.Sprintf("%s, neighbour %.0f %%", s.Benchmark, 100*s.Level)
			list = append(list, r)
		}
	}
	fmt.Fprintf(out, "%d nights of a gate over %d benchmarks, drawn from %d recordings of equal sides; one is %.0f %% slower, or none\n\n",
		nights, nightBenchmarks, len(list), 100*nightSlower)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "budget\tslow one reported\tnights with a false alarm beside it\tnights without one: any alarm\tmachine time used")
	byName := map[time.Duration]calibrate.NightsPlayed{}
	for _, budget := range nightBudgets {
		o := calibrate.NightOptions{
			Nights: nights, Benchmarks: nightBenchmarks, Slower: nightSlower, Seed: 1,
			Budget: (budget - gate.CanaryBudget(budget)).Seconds(), FamilyError: gate.RoundError(nightError, 1),
		}
		slow, err := calibrate.PlayNights(list, o)
		if err != nil {
			return err
		}
		o.Slower, o.Seed = 0, 2
		quiet, err := calibrate.PlayNights(list, o)
		if err != nil {
			return err
		}
		byName[budget] = slow
		reported := 0
		for _, n := range slow.Reported {
			reported += n
		}
		fmt.Fprintf(table, "%v\t%s\t%s\t%s\t%.0f s\n", budget, share(reported, nights), share(slow.Alarms, nights), share(quiet.Alarms, nights), slow.Seconds)
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(out, "\nThe slow one, by what was recorded:\n\n")
	fmt.Fprint(table, "recording")
	for _, budget := range nightBudgets {
		fmt.Fprintf(table, "\t%v", budget)
	}
	fmt.Fprintln(table)
	for _, name := range slices.Sorted(maps.Keys(byName[nightBudgets[0]].Slow)) {
		fmt.Fprint(table, name)
		for _, budget := range nightBudgets {
			fmt.Fprintf(table, "\t%d of %d", byName[budget].Reported[name], byName[budget].Slow[name])
		}
		fmt.Fprintln(table)
	}
	return table.Flush()
}

// share is k of n with the interval of Clopper and Pearson.
func share(k, n int) string {
	if n == 0 {
		return "0 of 0"
	}
	lo, hi := verdict.ClopperPearson(k, n, 0.95)
	return fmt.Sprintf("%d of %d, %.1f %% [%.1f, %.1f]", k, n, 100*float64(k)/float64(n), 100*lo, 100*hi)
}
