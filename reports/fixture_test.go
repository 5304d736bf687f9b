package reports

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"tunelab/results"
)

// A fake is a run made up in code: every case lists what the variants' values are multiplied by.
type fake struct {
	variants []string // the base first
	metrics  []results.Metric
	cases    []fakeCase
	blocks   int
	looks    []int
}

// A fakeCase is one row of a fake.
type fakeCase struct {
	name  string
	ratio []float64 // for each variant but the base, its true ratio in the first metric
	noise float64   // standard deviation of the logarithm
	level float64   // the base's value in the first metric
}

var usualLooks = []int{10, 12, 16, 20, 25, 30}

var p99 = results.Metric{Unit: "p99-ns", Better: "lower", Margin: 0.03}

// file makes the run: the same noise whenever it is called.
func (f fake) file() *results.File {
	if f.looks == nil {
		f.looks = usualLooks
	}
	run := f.run()
	file := &results.File{Path: "results/runs/" + run.ID + "/bench.txt", Run: run}
	noise := rand.New(rand.NewPCG(1, 2))
	for block := 1; block <= f.blocks; block++ {
		for _, c := range f.cases {
			for order, v := range noise.Perm(len(f.variants)) {
				t := results.Trial{
					Trial: len(file.Trials) + 1, Case: c.name, Block: block, Order: order + 1, Variant: f.variants[v],
					Outcome: results.OK, Binary: "0123456789ab", StartMS: int64(210 * len(file.Trials)), WallMS: 204, Iterations: 20000,
				}
				for i, m := range f.metrics {
					ratio := 1.0
					if v > 0 {
						ratio = c.ratio[v-1]
					}
					if m.Better == "higher" {
						ratio = 1 / ratio
					}
					value := c.level / math.Pow(100, float64(i)) * ratio * math.Exp(c.noise*noise.NormFloat64())
					t.Values = append(t.Values, results.Value{Value: math.Round(value*1000) / 1000, Unit: m.Unit})
				}
				t.Values = append(t.Values, results.Value{Value: 3, Unit: "allocs/op"})
				file.Trials = append(file.Trials, t)
			}
		}
	}
	file.Done = &results.Done{Why: "last block", ElapsedMS: int64(210 * len(file.Trials))}
	return file
}

func (f fake) run() *results.Run {
	run := &results.Run{
		ID: "raftcommit-20260102-030405", Scenario: "raftcommit", Protocol: results.Protocol,
		Question: "Does replacing the commit index's mutex by atomics lower commit latency?",
		Started:  time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		Command:  []string{"tunelab", "run", "raftcommit", "--seed", "7"},
		Commit:   "8744ab8", Package: "tunelab/benchmarks/raftcommit", Dir: "../benchmarks/raftcommit",
		ScenarioSHA256: strings.Repeat("5c", 32),
		Host: results.Host{
			GOOS: "linux", GOARCH: "amd64", CPU: "AMD EPYC", Cores: 2, MemoryGiB: 23.4, Kernel: "6.18.44",
			Go: "go1.26.8", Machine: "9f1c2d3e", Virtual: "kvm",
		},
		Plan:    results.Plan{Seed: 7, Alpha: 0.05, Looks: f.looks, BudgetMS: 60000},
		Metrics: f.metrics,
	}
	for i, name := range f.variants {
		run.Variants = append(run.Variants, results.Variant{Name: name, Base: i == 0, Sets: "impl=" + name, Binary: strings.Repeat("0123456789abcdef", 4), BuildMS: 900})
		run.Checks = append(run.Checks, results.Check{Variant: name, Passed: true, Tests: 2})
	}
	for _, c := range f.cases {
		planned := results.PlannedCase{Case: c.name, N: 20000, Variants: f.variants, BlockMS: 420, TimeoutMS: 20000}
		for _, m := range f.metrics {
			planned.Metrics = append(planned.Metrics, m.Unit)
		}
		for _, name := range f.variants[1:] {
			planned.Pairs = append(planned.Pairs, results.Pair{Base: f.variants[0], Variant: name})
		}
		run.Plan.Cases = append(run.Plan.Cases, planned)
	}
	return run
}

// A fixture is a run that golden files are made of.
type fixture struct {
	name    string
	file    func() *results.File // a new one each time
	summary *Summary             // of it, shared between tests: not to be changed
}

// fixtures are the kinds of runs that reports must cope with.
var fixtures = sync.OnceValue(func() []fixture {
	var out []fixture
	for _, f := range []struct {
		name string
		file func() *results.File
	}{
		{"every verdict", everyVerdict},
		{"one pair", func() *results.File {
			return fake{
				variants: []string{"mutex", "atomic"}, metrics: []results.Metric{p99}, blocks: 10,
				cases: []fakeCase{{"CommitIndex", []float64{0.69}, 0.03, 9216}},
			}.file()
		}},
		{"unfinished", unfinished},
		{"bad outcomes", badOutcomesFile},
		{"exact", exact},
		{"claims", claimsFile},
		{"hostile", hostile},
		{"nothing", nothing},
		{"base alone", func() *results.File {
			return fake{variants: []string{"mutex"}, metrics: []results.Metric{p99}, blocks: 7, cases: []fakeCase{{"CommitIndex", nil, 0.03, 9216}}}.file()
		}},
		{"figures", figuresFile},
		{"many", many},
	} {
		out = append(out, fixture{f.name, f.file, Summarize(f.file())})
	}
	return out
})

func everyVerdict() *results.File {
	return fake{
		variants: []string{"mutex", "atomic"}, metrics: []results.Metric{p99}, blocks: 20,
		cases: []fakeCase{
			{"CommitIndex/readers=1", []float64{1.0}, 0.008, 1200},
			{"CommitIndex/readers=8", []float64{0.69}, 0.06, 9216},
			{"CommitIndex/readers=64", []float64{1.2}, 0.05, 88000},
			{"CommitIndex/saturated", []float64{0.98}, 0.2, 5.5e6},
		},
	}.file()
}

func unfinished() *results.File {
	f := everyVerdict()
	f.Trials = f.Trials[:8*7+3]
	f.Done = nil
	f.Torn = true
	f.Problems = []results.Problem{{Path: f.Path, Line: 260, Msg: "trial 60 has no # end: it was being written when the run was killed"}}
	return f
}

func badOutcomesFile() *results.File {
	f := fake{
		variants: []string{"mutex", "spin", "channel"}, metrics: []results.Metric{p99}, blocks: 12,
		cases: []fakeCase{
			{"CommitIndex/readers=8", []float64{0.69, 1.3}, 0.06, 9216},
			{"CommitIndex/readers=64", []float64{0.5, 1.4}, 0.05, 88000},
		},
	}.file()
	for i := range f.Trials {
		t := &f.Trials[i]
		switch {
		case t.Variant == "spin" && t.Case == "CommitIndex/readers=64" && t.Block > 9:
			t.Outcome, t.Why = results.Timeout, "killed after 20 s"
			t.Output = "goroutine 7 [running]:\nspin.(*Lock).Lock(0xc000010000)\n\t/src/spin.go:12 +0x1d"
		case t.Variant == "channel" && t.Case == "CommitIndex/readers=64" && t.Block == 4:
			t.Outcome, t.Why = results.OOM, "killed by the kernel at 512 MiB"
		case t.Variant == "mutex" && t.Block == 6 && t.Case == "CommitIndex/readers=8":
			t.Outcome, t.Why = results.Failed, "exit status 2"
		default:
			continue
		}
		t.Values = nil
	}
	f.Run.Plan.Cases[1].Warnings = []string{"the pilot's values differ by 40 %"}
	f.Run.Warnings = []string{"no correctness test: the scenario names none"}
	f.Run.Host.Noise = []string{"the machine is virtual: steal time is out of our hands", "no CPU is isolated"}
	for i := range f.Trials {
		f.Trials[i].StealMS = float64(i % 7 / 6 * 30)
	}
	return f
}

func exact() *results.File {
	f := fake{
		variants: []string{"append", "prealloc"}, metrics: []results.Metric{
			{Unit: "ns/op", Better: "lower", Margin: 0.02},
			{Unit: "allocs/op", Better: "lower", Margin: 0.01, Exact: true},
			{Unit: "lock-wait-ns", Better: "lower", Margin: 0.05, MarginAbs: 200, Exact: true},
		}, blocks: 12,
		cases: []fakeCase{{"Build/n=10", []float64{0.8}, 0.02, 412}, {"Build/n=1000", []float64{0.9}, 0.02, 41200}},
	}.file()
	for i := range f.Trials {
		t := &f.Trials[i]
		t.Values = t.Values[:3]
		t.Values[1].Value = 5
		if t.Variant == "prealloc" {
			t.Values[1].Value = 1
		}
		t.Values[2].Value = float64(i * 37 % 5 * 60)
	}
	f.Run.Question = "Does preallocating the slice save allocations and time?"
	return f
}

func claimsFile() *results.File {
	f := everyVerdict()
	f.Run.Claims = []results.Claim{
		{ID: "2.3.5", Says: "p99 commit latency falls from 124 to 41 µs (16 cores, 10k writes/s)", Kind: "ratio", Case: "CommitIndex/readers=8", Metric: "p99-ns", Variant: "atomic", Ratio: 0.331, Requires: map[string]int{"cores": 16}},
		{ID: "2.3.6", Says: "p99 falls by 25 %", Kind: "ratio", Case: "CommitIndex/readers=8", Metric: "p99-ns", Variant: "atomic", Ratio: 0.75},
		{ID: "2.3.7", Says: "p99 halves", Kind: "ratio", Case: "CommitIndex/readers=8", Metric: "p99-ns", Variant: "atomic", Ratio: 0.5},
		{ID: "2.3.8", Says: "one reader alone gains too", Kind: "ratio", Case: "CommitIndex/readers=1", Metric: "p99-ns", Variant: "atomic", Ratio: 0.9},
		{ID: "2.3.9", Says: "under saturation it doubles the speed", Kind: "ratio", Case: "CommitIndex/saturated", Metric: "p99-ns", Variant: "atomic", Ratio: 0.5},
		{ID: "2.4.1", Says: "the mutex takes 9.2 µs at p99", Kind: "value", Case: "CommitIndex/readers=8", Metric: "p99-ns", Value: 9200, Tolerance: 0.1},
		{ID: "2.4.2", Says: "raft.Config has a ReadOnlyOption", Kind: "exists", Test: "TestReadOnlyOption"},
		{ID: "2.4.3", Says: "raft.Config has no LockFreeReads", Kind: "missing", Test: "TestLockFreeReads"},
	}
	f.Run.Facts = []results.Fact{
		{Claim: "2.4.2", Test: "TestReadOnlyOption", Passed: true, Saw: "raft.Config.ReadOnlyOption is there"},
		{Claim: "2.4.3", Test: "TestLockFreeReads", Passed: true, Saw: "raft.Config has no field LockFreeReads"},
	}
	f.Run.NotMeasured = []results.Unmeasured{
		{Case: "CommitIndex/readers=256", Why: "does not fit the budget of 60 s; measured with --budget 5m"},
		{Case: "CommitIndex/readers=64", Variant: "rcu", Why: "failed its correctness test"},
	}
	f.Run.Checks = append(f.Run.Checks, results.Check{Variant: "rcu", Tests: 2, Output: "--- FAIL: TestCorrect (0.00s)\n    commit_test.go:12: index went back from 7 to 6"})
	return f
}

func nothing() *results.File {
	f := fake{variants: []string{"mutex", "atomic"}, metrics: []results.Metric{p99}}.file()
	f.Run.Checks[1] = results.Check{Variant: "atomic", Tests: 1, Output: "--- FAIL: TestCorrect"}
	f.Run.NotMeasured = []results.Unmeasured{{Variant: "atomic", Why: "failed its correctness test"}}
	f.Done.Why = "decided"
	return f
}

// many is as much as a page must still show readably: 8 variants, 16 cases, 3 metrics.
func many() *results.File {
	f := fake{
		variants: []string{"mutex", "atomic", "rwmutex", "channel", "sync.Map", "sharded=16", "rcu", "seqlock"},
		metrics:  []results.Metric{p99, {Unit: "req/s", Better: "higher", Margin: 0.02}, {Unit: "peak-RSS-bytes", Better: "lower", Margin: 0.05}},
		blocks:   30,
	}
	for i, readers := range []int{1, 2, 4, 8} {
		for j, writers := range []int{1, 2, 4, 8} {
			f.cases = append(f.cases, fakeCase{
				fmt.Sprintf("CommitIndex/readers=%d/writers=%d", readers, writers),
				[]float64{0.69 + 0.1*float64(j), 1, 1.3 + 0.1*float64(i), 1.01, 0.9, 0.95, 0.998}, 0.02 + 0.02*float64(i*j), 9216 * float64(readers*writers),
			})
		}
	}
	return f.file()
}

// figuresFile has a figure of every kind, and one of each kind that has nothing to show.
func figuresFile() *results.File {
	threshold := 9000.0
	f := fake{
		variants: []string{"base", "fast", "small", "both"}, metrics: []results.Metric{p99, {Unit: "heap-bytes", Better: "lower", Margin: 0.03}}, blocks: 12,
		cases: []fakeCase{
			{"Push/cost=0", []float64{0.5, 1.01, 0.5}, 0.02, 5000},
			{"Push/cost=1us", []float64{0.8, 0.99, 0.79}, 0.02, 7000},
			{"Push/cost=10us", []float64{1.3, 1, 1.31}, 0.02, 12000},
			{"Push/cost=100us", []float64{1.6, 1.02, 1.59}, 0.02, 30000},
		},
	}.file()
	f.Run.Subject, f.Run.Cores = "example.com/server", "split: load generator on CPU 0, subject on CPU 1"
	f.Run.Variants[1].Profile, f.Run.Variants[1].TrainMS, f.Run.Variants[1].Bytes = "profiles/train-0123456789ab.pprof", 21_000, 12_345_678
	for i := range f.Trials {
		t := &f.Trials[i]
		if t.Variant == "small" {
			t.Values[1].Value *= 0.6
		}
		if t.Variant == "both" && t.Block == 3 && t.Case == "Push/cost=0" {
			t.Outcome, t.Why, t.Values = results.OOM, "killed: out of memory", nil
		}
	}
	f.Run.Variants[3].Allow = []string{"oom"}
	f.Run.Figures = []results.Figure{
		{Kind: "pareto", Title: "Latency against memory", Case: "Push/cost=1us", Metrics: []string{"p99-ns", "heap-bytes"}, Limit: &results.FigureLimit{Metric: "heap-bytes", Most: 80}},
		{Kind: "pareto", Title: "With a variant that was killed", Case: "Push/cost=0", Metrics: []string{"p99-ns", "heap-bytes", "allocs/op"}},
		{Kind: "curve", Title: "Where one overtakes the other", Case: "Push", Axis: "cost", Metric: "p99-ns", Threshold: &threshold},
		{Kind: "table", Title: "Every case", Metric: "p99-ns"},
		{Kind: "factorial", Title: "What is whose", Case: "Push/cost=100us", Metric: "p99-ns", Factors: []string{"speed", "size"}, Variants: []string{"base", "fast", "small", "both"}},
		{Kind: "bound", Title: "How much it can be", Case: "Push/cost=0", Metric: "p99-ns", Variant: "fast", Count: "allocs/op", Cost: &results.FigureCost{Case: "Push/cost=1us", Metric: "heap-bytes", Variant: "small"}},
		{Kind: "curve", Title: "Over an axis that is not there", Case: "Push", Axis: "size", Metric: "p99-ns"},
		{Kind: "pareto", Title: "Of a case that is not there", Case: "Pull", Metrics: []string{"p99-ns", "heap-bytes"}},
	}
	return f
}
