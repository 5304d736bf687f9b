package calibrate

import (
	"context"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"tunelab/harness"
	"tunelab/results"
	"tunelab/results/calibration"
	"tunelab/scenarios"
)

// Own is the scenario that is measured when no other is named, in a checkout of tunelab.
const Own = "benchmarks/calibrate/calibrate.toml"

// Options are what a calibration is made with.
type Options struct {
	Results string        // the folder of runs that it is kept in
	Budget  time.Duration // wall time of measuring, builds not counted
	Seed    uint64
	Command []string
	Tell    func(harness.Progress) // may be nil
	Say     func(text string)      // what is being done; may be nil
}

// Shares of the budget.
const (
	sameShare     = 0.3
	layoutsShare  = 0.25
	freshShare    = 0.15
	countShare    = 0.1
	injectedShare = 0.15
)

// slowdowns are what is looked for.
var slowdowns = []float64{0.005, 0.01, 0.02, 0.03, 0.05, 0.10}

// delivered is the slowdown that is injected for real, by more work in each operation.
const delivered = 0.05

// layoutsTried is in how many layouts each of two equal builds is linked here: for three tries.
const layoutsTried = 3 * harness.UsualLayouts

// usualSlice and usualSamples are how benchstat's users measure: `-benchtime=100ms -count=10`.
const (
	usualSlice   = 100 * time.Millisecond
	usualSamples = 10
)

// comparisonSeconds is about how long a comparison of the calibration may take.
const comparisonSeconds = 3

// A phase is one run.
type phase struct {
	say      string
	scenario *scenarios.Scenario
	share    float64
	into     *map[string]Recording // by case
}

// Run calibrates: it records the scenario's base against itself in several ways and works out what verdicts on such
// recordings are worth. The runs' folders are removed afterwards; the calibration is kept by the caller.
func Run(ctx context.Context, sc *scenarios.Scenario, o Options) (*calibration.Calibration, error) {
	if o.Say == nil {
		o.Say = func(string) {}
	}
	dir, err := os.MkdirTemp("", "tunelab-calibration-")
	if err != nil {
		return nil, fmt.Errorf("making a folder for the calibration's runs: %w", err)
	}
	defer os.RemoveAll(dir)
	var same, layouts, usual, injected map[string]Recording
	var host results.Host
	phases := []phase{
		{"one binary against itself", withLayouts(twins(sc, sameBinary), 0), sameShare, &same},
		{"the same code in two layouts", withLayouts(twins(sc, otherLayouts), layoutsTried), layoutsShare, &layouts},
		{"the same in fresh processes of 100 ms, for benchstat", fresh(twins(sc, sameBinary), usualSlice), freshShare, &usual},
	}
	for _, p := range phases {
		o.Say(p.say)
		if host, err = p.run(ctx, dir, o); err != nil {
			return nil, fmt.Errorf("measuring %s: %w", p.say, err)
		}
	}
	o.Say("the same as go test -count=10 has it, for benchstat")
	count, err := recordSeries(ctx, sc, time.Duration(countShare*float64(o.Budget)))
	if err != nil {
		return nil, fmt.Errorf("%w: measuring as go test has it: %w", harness.ErrFailed, err)
	}
	if isOwn(sc) {
		o.Say("five percent more work")
		spins, err := o.spins(ctx, sc, dir, same)
		if err != nil {
			return nil, err
		}
		p := phase{scenario: withLayouts(twins(sc, slowedBy(spins)), 0), share: injectedShare, into: &injected}
		if _, err := p.run(ctx, dir, o); err != nil {
			return nil, fmt.Errorf("measuring five percent more work: %w", err)
		}
		for name, r := range injected {
			r.Extra = spinExtra
			injected[name] = r
		}
	}
	c := &calibration.Calibration{Protocol: results.Protocol, Made: time.Now().UTC().Truncate(time.Second), Command: o.Command, Scenario: sc.Name, Host: host}
	counted := byCase(count)
	c.Busy = Busy(slices.Concat(slices.Collect(maps.Values(same)), slices.Collect(maps.Values(usual))))
	for _, name := range sortedKeys(same) {
		one := func(m map[string]Recording) []Recording {
			if r, ok := m[name]; ok {
				return []Recording{r}
			}
			return nil
		}
		b, err := Recordings{Same: one(same), Layouts: one(layouts), Injected: one(injected), Usual: one(usual), Count: one(counted)}.Judge(name, o.Seed)
		if err != nil {
			return nil, err
		}
		c.Benchmarks = append(c.Benchmarks, b)
	}
	return c, nil
}

func isOwn(sc *scenarios.Scenario) bool {
	return filepath.Base(filepath.Dir(sc.Path))+"/"+filepath.Base(sc.Path) == "calibrate/calibrate.toml"
}

func (p phase) run(ctx context.Context, dir string, o Options) (results.Host, error) {
	into, err := os.MkdirTemp(dir, "phase-")
	if err != nil {
		return results.Host{}, err
	}
	list, host, err := record(ctx, p.scenario, harness.Options{
		Results: into, Budget: time.Duration(p.share * float64(o.Budget)), Seed: &o.Seed, Command: o.Command, Tell: o.Tell,
	})
	if err != nil {
		return results.Host{}, err
	}
	*p.into = byCase(list)
	return host, nil
}

func byCase(list []Recording) map[string]Recording {
	out := map[string]Recording{}
	for _, r := range list {
		out[r.Case] = r
	}
	return out
}

// spins returns how many multiplications make each benchmark's operation slower by the delivered share, by what one
// costs here.
func (o Options) spins(ctx context.Context, sc *scenarios.Scenario, dir string, same map[string]Recording) (string, error) {
	clock := *sc
	clock.Bench.Run = "^BenchmarkSpin$"
	var spin map[string]Recording
	p := phase{scenario: withLayouts(twins(&clock, sameBinary), 0), share: 0.03, into: &spin}
	if _, err := p.run(ctx, dir, o); err != nil {
		return "", fmt.Errorf("measuring a multiplication: %w", err)
	}
	one := baseMedian(spin["Spin"]) / 1000 // it makes a thousand
	if !(one > 0) {
		return "", fmt.Errorf("measuring a multiplication: it took %v ns", one)
	}
	var parts []string
	for _, name := range sortedKeys(same) {
		n := int(math.Round(delivered * baseMedian(same[name]) / one))
		parts = append(parts, fmt.Sprintf("%s=%d*%s", name, max(1, n), spinExtra))
	}
	return strings.Join(parts, ","), nil
}

func baseMedian(r Recording) float64 {
	var x []float64
	for _, p := range r.Trace.Pairs {
		x = append(x, p.Base)
	}
	if len(x) == 0 {
		return 0
	}
	slices.Sort(x)
	return x[len(x)/2]
}

func sortedKeys(m map[string]Recording) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
