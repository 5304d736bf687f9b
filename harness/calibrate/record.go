package calibrate

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"time"

	"tunelab/harness"
	"tunelab/results"
	"tunelab/results/verdict"
	"tunelab/scenarios"
)

// twinName is the variant that is compared with the base.
const twinName = "twin"

// twins returns a scenario that measures the benchmarks of sc's base against themselves: the twin has the base's
// settings, and besides what change does to it.
func twins(sc *scenarios.Scenario, change func(twin *scenarios.Variant)) *scenarios.Scenario {
	out := *sc
	base := sc.Base()
	twin := base
	twin.Name, twin.Base = twinName, false
	twin.Env, twin.BuildEnv = clone(base.Env), clone(base.BuildEnv)
	base.Env = clone(base.Env) // so that it can be changed as well
	change(&twin)
	out.Variants = []scenarios.Variant{base, twin}
	out.Claims, out.Figures, out.Parts = nil, nil, nil
	out.Quick.Variants = nil
	out.Metrics.Primary = []string{"ns/op"}
	out.Metrics.Better = map[string]string{"ns/op": "lower"}
	return &out
}

func clone(m map[string]string) map[string]string {
	out := map[string]string{}
	for k, v := range m {
		out[k] = v
	}
	return out
}

// sameBinary changes nothing: in each block both sides are one binary.
func sameBinary(*scenarios.Variant) {}

// otherLayouts makes the twin a build of its own, of the same code: in each block its layout is drawn by itself.
func otherLayouts(twin *scenarios.Variant) { twin.BuildEnv["TUNELAB_TWIN"] = "1" }

// withLayouts asks for so many layouts of every build. Of one binary against itself they say nothing: with 0 every block is
// a unit of its own, wherever a try begins.
func withLayouts(sc *scenarios.Scenario, n int) *scenarios.Scenario {
	out := *sc
	out.Bench.Layouts = &n
	return &out
}

// sets takes a recording apart into recordings of so many layouts each, as a run has them: all of a set's layouts come
// once, in an order of their own, before one comes again. Tries that share layouts would be flagged together or not at
// all, so a set is good for one.
func (r Recording) sets(size int) []Recording {
	out := make([]Recording, r.Draws/size)
	place := map[int]int{} // of a layout, in the order in which they came
	for i, p := range r.Trace.Pairs {
		if p.Draw == 0 {
			continue
		}
		if _, ok := place[p.Draw]; !ok {
			place[p.Draw] = len(place)
		}
		set := place[p.Draw] / size
		if set >= len(out) {
			continue
		}
		p.Draw = 1 + place[p.Draw]%size
		s := &out[set]
		s.Case, s.Plan, s.Draws, s.Inside, s.Pilot = r.Case, r.Plan, size, r.Inside, r.Pilot
		s.Trace.Pairs = append(s.Trace.Pairs, p)
		s.Trace.Seconds = append(s.Trace.Seconds, r.Trace.Seconds[i])
	}
	return slices.DeleteFunc(out, func(s Recording) bool { return len(s.Trace.Pairs) < size })
}

// An extra is what can be added to each operation of our own workloads.
type extra struct{ name, says string }

// extras are those that benchmarks/calibrate knows.
var extras = []extra{
	{spinExtra, "more work"}, {"alloc", "allocation"}, {"line", "cache line"}, {"hop", "goroutine"},
}

// spinExtra is the one whose size can be chosen.
const spinExtra = "spin"

// slowedBy adds work to each operation of the twin: "SHA256=12*spin,Mutex=1*spin".
func slowedBy(work string) func(*scenarios.Variant) {
	return func(twin *scenarios.Variant) { twin.Env["TUNELAB_EXTRA"] = work }
}

// A Recording is a trace of one case, and what it was made of.
type Recording struct {
	Case   string
	Plan   results.PlannedCase
	Draws  int    // layouts
	Extra  string // the name of what the variant does besides
	Trace  Trace
	Inside float64   // share of the wall time spent inside timed loops
	Busy   []float64 // share of the machine's CPU time that others took during each block
	Pilot  float64   // s, before the first block: finding out how to measure
	Series []Series  // of processes that ran -count=10, in their order; then there are no blocks
}

// record measures a scenario of two variants until the budget is used up, and returns a recording of each case, and the
// machine.
func record(ctx context.Context, sc *scenarios.Scenario, o harness.Options) ([]Recording, results.Host, error) {
	o.Trace = true
	o.OwnLayouts = true // a twin with a build of its own is there for its layouts
	out, err := harness.Run(ctx, sc, o)
	if err != nil {
		return nil, results.Host{}, err
	}
	file, err := results.Read(out.Dir)
	if err != nil {
		return nil, results.Host{}, err
	}
	list, err := recordings(file)
	return list, file.Run.Host, err
}

// recordings takes the traces out of a run.
func recordings(file *results.File) ([]Recording, error) {
	plan := file.Run.Plan
	seconds := blockSeconds(file)
	first := math.Inf(1)
	for i := range file.Trials {
		first = min(first, float64(file.Trials[i].StartMS)/1000)
	}
	var out []Recording
	for _, c := range plan.Cases {
		r := Recording{Case: c.Case, Plan: c, Draws: plan.Layouts.Count, Pilot: first / float64(len(plan.Cases))}
		inside, wall := 0.0, 0.0
		blocks := file.Blocks(c, "ns/op")
		for _, b := range blocks {
			took := seconds[blockKey{c.Case, b.Block}]
			r.Trace.Pairs = append(r.Trace.Pairs, b.Pair)
			r.Trace.Seconds = append(r.Trace.Seconds, took)
			r.Busy = append(r.Busy, b.Busy)
			wall += took
			inside += b.InsideMS / 1000
		}
		if len(r.Trace.Pairs) == 0 {
			return nil, fmt.Errorf("calibrating with %s: not one block was measured to its end", c.Case)
		}
		r.Inside = inside / wall
		out = append(out, r)
	}
	return out, nil
}

type blockKey struct {
	name  string
	block int
}

// blockSeconds returns how long each block took, everything: from its beginning to that of the block after it.
func blockSeconds(file *results.File) map[blockKey]float64 {
	type span struct {
		key        blockKey
		start, end float64 // ms
	}
	at := map[blockKey]*span{}
	for i := range file.Trials {
		t := &file.Trials[i]
		key := blockKey{t.Case, t.Block}
		s := at[key]
		if s == nil {
			s = &span{key: key, start: float64(t.StartMS)}
			at[key] = s
		}
		s.start = min(s.start, float64(t.StartMS))
		s.end = max(s.end, float64(t.StartMS)+t.WallMS)
	}
	var list []*span
	for _, s := range at {
		list = append(list, s)
	}
	slices.SortFunc(list, func(a, b *span) int { return cmp.Compare(a.start, b.start) })
	out := map[blockKey]float64{}
	for i, s := range list {
		end := s.end
		if i+1 < len(list) {
			end = max(end, list[i+1].start)
		}
		out[s.key] = (end - s.start) / 1000
	}
	return out
}

// rule is how a run that may take last blocks decides on a recording. With a margin of 0 nothing is called the same: a
// slowdown below the margin is one all the same.
func (r Recording) rule(last int, margin float64, seed uint64) verdict.Rule {
	rule := verdict.Rule{Alpha: 0.05, Margin: margin, Looks: verdict.Looks(last), Seed: seed}
	if slices.ContainsFunc(r.Trace.Pairs, func(p verdict.Pair) bool { return p.Draw > 0 }) {
		rule.Draws = r.Draws
	}
	return rule
}

// last is after how many blocks a comparison of the recording ends at the latest: what fits into [comparisonSeconds], but
// no fewer than a run's plan has.
func (r Recording) last() int {
	if len(r.Trace.Seconds) == 0 {
		return harness.LeastBlocks
	}
	return min(max(int(comparisonSeconds*float64(len(r.Trace.Seconds))/sum(r.Trace.Seconds)), harness.LeastBlocks), mostLast)
}

const mostLast = 60

// joined is the recordings' blocks one after another.
func joined(list []Recording) Recording {
	out := list[0]
	out.Trace = Trace{}
	for _, r := range list {
		out.Trace.Pairs = append(out.Trace.Pairs, r.Trace.Pairs...)
		out.Trace.Seconds = append(out.Trace.Seconds, r.Trace.Seconds...)
	}
	return out
}

// fresh has every trial run alone in a process of its own, for as long as benchstat's users usually have it run, in the
// layout that the linker chose.
func fresh(sc *scenarios.Scenario, slice time.Duration) *scenarios.Scenario {
	out := *sc
	none := 0
	out.Bench.Processes, out.Bench.Layouts = scenarios.Fresh, &none
	out.Bench.Slice = scenarios.Duration(slice)
	out.Bench.Slices, out.Bench.Warmup = nil, 0 // nobody tells go test to warm up
	return &out
}
