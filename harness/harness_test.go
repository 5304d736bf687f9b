package harness

import (
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"tunelab/harness/internal/process"
	"tunelab/results"
	"tunelab/scenarios"
)

func TestMain(m *testing.M) {
	if WatchIfAsked() {
		return
	}
	os.Exit(m.Run())
}

func TestResultOf(t *testing.T) {
	const name = "Foo/impl=a/n=1"
	for _, row := range []struct {
		why, out string
		count    int
		n        int
		value    float64
	}{
		{"plain", "BenchmarkFoo/impl=a/n=1-2 \t 5\t 12.5 ns/op\n", 1, 5, 12.5},
		{"without -N", "BenchmarkFoo/impl=a/n=1 \t 5\t 12.5 ns/op\n", 1, 5, 12.5},
		{"behind something printed without a newline", "loading… BenchmarkFoo/impl=a/n=1-2 \t 5\t 12.5 ns/op\n", 1, 5, 12.5},
		{"the last counts", "BenchmarkFoo/impl=a/n=1-2 5 1 ns/op\nBenchmarkFoo/impl=a/n=1-2 5 2 ns/op\n", 2, 5, 2},
		{"another benchmark", "BenchmarkFoo/impl=a/n=10-2 5 1 ns/op\nBenchmarkBar-2 5 2 ns/op\n", 0, 0, 0},
		{"configuration, panics, units", "goos: plan9\npanic: x\nUnit ns/op better=higher\n", 0, 0, 0},
		{"announced only", "\x16=== RUN   BenchmarkFoo/impl=a/n=1\nBenchmarkFoo/impl=a/n=1\n", 0, 0, 0},
		{"a name that goes on", "BenchmarkFoo/impl=a/n=1-x 5 1 ns/op\n", 0, 0, 0},
	} {
		l, count, err := resultOf([]byte(row.out), name)
		if err != nil || count != row.count || (l == nil) != (row.count == 0) {
			t.Errorf("%s: %v, %d results, %v", row.why, l, count, err)
		} else if l != nil && (l.n != row.n || l.values[0] != results.Value{Value: row.value, Unit: "ns/op"}) {
			t.Errorf("%s: %+v", row.why, l)
		}
	}
	for _, bad := range []string{"BenchmarkFoo/impl=a/n=1-2 5 abc ns/op", "BenchmarkFoo/impl=a/n=1-2 5 1", "BenchmarkFoo/impl=a/n=1-2 x 1 ns/op"} {
		if l, _, err := resultOf([]byte(bad+"\n"), name); err == nil {
			t.Errorf("%q was taken as %+v", bad, l)
		}
	}
}

func TestUnitsStayAsDeclared(t *testing.T) {
	l, _, err := resultOf([]byte("BenchmarkFoo-2 5 1000 ns/op 3 p99-ns 7 MB/s 2 widgets\n"), "Foo")
	want := []results.Value{{Value: 1000, Unit: "ns/op"}, {Value: 3, Unit: "p99-ns"}, {Value: 7, Unit: "MB/s"}, {Value: 2, Unit: "widgets"}}
	if err != nil || !slices.Equal(l.values, want) {
		t.Errorf("%+v, %v", l, err)
	}
}

func TestListed(t *testing.T) {
	out := "goos: linux\n\x16=== RUN   BenchmarkA\nBenchmarkA\n\x16=== RUN   BenchmarkA/x-8\nBenchmarkA/x-8\nnoiseBenchmarkA/x-8-2 1 2 ns/op\n" +
		"\x16=== NAME  \n\x16=== RUN   BenchmarkB\nBenchmarkB\n    a_test.go:5: skipped\n\x16--- SKIP: BenchmarkB\n\x16=== RUN   BenchmarkC\nBenchmarkC-2 1 2 ns/op\nPASS\n"
	var names []string
	for _, l := range listed([]byte(out)) {
		names = append(names, l.name)
	}
	if want := []string{"A/x-8", "C"}; !slices.Equal(names, want) {
		t.Errorf("%q, want %q", names, want)
	}
}

func TestValidate(t *testing.T) {
	for _, row := range []struct {
		name string
		n    int
		vals []results.Value
		want string
	}{
		{"good", 5, []results.Value{{Value: 1, Unit: "ns/op"}, {Value: -1, Unit: "drift"}}, ""},
		{"other N", 6, []results.Value{{Value: 1, Unit: "ns/op"}}, "ran 5 iterations"},
		{"NaN", 5, []results.Value{{Value: math.NaN(), Unit: "x"}}, "no number"},
		{"infinite", 5, []results.Value{{Value: math.Inf(1), Unit: "x"}}, "no number"},
		{"absurd", 5, []results.Value{{Value: 1e300, Unit: "x"}}, "absurd"},
		{"negative", 5, []results.Value{{Value: -1, Unit: "ns/op"}}, "negative"},
		{"twice", 5, []results.Value{{Value: 1, Unit: "x"}, {Value: 2, Unit: "x"}}, "twice"},
		{"nothing", 5, nil, "no value"},
	} {
		err := (&line{n: 5, values: row.vals}).validate(row.n, []string{"ns/op"})
		if row.want == "" && err != nil || row.want != "" && (err == nil || !strings.Contains(err.Error(), row.want)) {
			t.Errorf("%s: %v, want %q", row.name, err, row.want)
		}
	}
}

// The order of a block is the same whenever it is asked for, a permutation of all variants, and over many blocks
// each variant is first equally often: otherwise the coin of the test would not be fair.
func TestBlockOrder(t *testing.T) {
	variants := []string{"a", "b", "c", "d"}
	first := map[string]int{}
	pairs := map[string]int{}
	const blocks = 4000
	for i := 1; i <= blocks; i++ {
		order := blockOrder(7, "Foo", i, variants)
		if !slices.Equal(order, blockOrder(7, "Foo", i, variants)) {
			t.Fatal("two orders for one block")
		}
		if !slices.Equal(slices.Sorted(slices.Values(order)), variants) {
			t.Fatalf("%q is no permutation", order)
		}
		first[order[0]]++
		if slices.Index(order, "a") < slices.Index(order, "b") {
			pairs["ab"]++
		}
		if slices.Index(order, "a") < slices.Index(blockOrder(7, "Foo", i+1, variants), "a") {
			pairs["next"]++
		}
	}
	// Four standard deviations of a fair coin; the seed is fixed, so this passes or fails for good.
	if d := math.Abs(float64(pairs["ab"]) - blocks/2); d > 4*math.Sqrt(blocks/4) {
		t.Errorf("a before b in %d of %d blocks", pairs["ab"], blocks)
	}
	for v, n := range first {
		if d := math.Abs(float64(n) - blocks/4); d > 4*math.Sqrt(blocks*3/16) {
			t.Errorf("%s first in %d of %d blocks", v, n, blocks)
		}
	}
	same := 0
	for i := 1; i <= 100; i++ {
		if slices.Equal(blockOrder(7, "Foo", i, variants), blockOrder(7, "Bar", i, variants)) {
			same++
		}
		if slices.Equal(blockOrder(7, "Foo", i, variants), blockOrder(8, "Foo", i, variants)) {
			same++
		}
	}
	if same > 30 { // 200/24 are expected
		t.Errorf("cases or seeds share their orders: %d of 200", same)
	}
}

func TestIterations(t *testing.T) {
	at := func(n int, ns float64) *attempt {
		return &attempt{line: &line{n: n, values: []results.Value{{Value: ns, Unit: "ns/op"}}}}
	}
	stands := at(10, 100)
	stands.perOp = 19_900
	for _, row := range []struct {
		slice time.Duration
		l     *attempt
		want  int
	}{
		{200 * time.Millisecond, at(10, 100_050), 2000}, // a schedule of 10k/s that ran a little late
		{200 * time.Millisecond, at(10, 99_000), 2000},  // or a little early
		{200 * time.Millisecond, at(10, 97_000), 2100},
		{200 * time.Millisecond, at(10, 4.03), 50_000_000},
		{200 * time.Millisecond, at(1, 5e9), 1},
		{200 * time.Millisecond, at(1, 60e6), 3},
		{time.Millisecond, at(1, 0.001), 1_000_000_000},
		{200 * time.Millisecond, &attempt{line: &line{n: 500}}, 2000},                               // no ns/op: by what a quarter of the slice gave
		{200 * time.Millisecond, &attempt{line: &line{n: 500}, wall: 100 * time.Millisecond}, 1000}, // or by what it took
		{200 * time.Millisecond, stands, 10_000},                                                    // the timer stands most of the time
	} {
		if got := iterations(row.slice, row.slice/4, row.l); got != row.want {
			t.Errorf("%v of %+v: %d, want %d", row.slice, row.l, got, row.want)
		}
	}
}

func TestIsCount(t *testing.T) {
	for unit, want := range map[string]bool{
		"allocs/op": true, "B/op": true, "items": true, "peak-RSS-bytes": true, "goroutines": true,
		"ns/op": false, "p99-ns": false, "p99.9-ns": false, "req/s": false, "MB/s": false, "sec/op": false, "GC-CPU-share": false, "hit-%": false, "wait-µs": false,
	} {
		if isCount(unit) != want {
			t.Errorf("%s: %v", unit, !want)
		}
	}
}

func TestAnchored(t *testing.T) {
	if got, want := Anchored("BenchmarkFoo/a[1]|b/n=1.5"), `^BenchmarkFoo$/^a\[1\]\|b$/^n=1\.5$`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestReselect(t *testing.T) {
	a, b := scenarios.Variant{Select: "impl=a"}, scenarios.Variant{Select: "impl=b"}
	if got := reselect("Foo/impl=a/n=1", a, b); got != "Foo/impl=b/n=1" {
		t.Error(got)
	}
	old, new := scenarios.Variant{Select: "Old", Rename: "Foo"}, scenarios.Variant{Select: "New", Rename: "Foo"}
	if got := reselect("Old/n=1", old, new); got != "New/n=1" {
		t.Error(got)
	}
	if got := reselect("Foo/n=1", scenarios.Variant{}, scenarios.Variant{}); got != "Foo/n=1" {
		t.Error(got)
	}
}

func TestWithEnv(t *testing.T) {
	got := withEnv([]string{"A=1", "B=2", "AB=3"}, map[string]string{"B": "9", "C": "4"})
	if want := []string{"A=1", "AB=3", "B=9", "C=4"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestRepeatable(t *testing.T) {
	for _, row := range []struct{ in, want string }{
		{"tunelab run x", "tunelab run x --seed 5"},
		{"tunelab run x --seed 3", "tunelab run x --seed 3"},
		{"tunelab run x --seed=3", "tunelab run x --seed=3"},
	} {
		if got := strings.Join(repeatable(strings.Fields(row.in), 5), " "); got != row.want {
			t.Errorf("%s: %s", row.in, got)
		}
	}
}

// fit must keep twelve blocks of what it keeps, say what it drops, and stay in the budget.
func TestFit(t *testing.T) {
	for _, row := range []struct {
		budget    time.Duration
		keep      int
		lastBlock int
		warned    bool
		confirmed bool // a second stage is planned
	}{
		{100 * time.Second, 3, 49, false, true}, // 99.5 s ÷ 3 s × 1.5
		{36500 * time.Millisecond, 3, 18, false, false},
		{72 * time.Second, 3, 35, false, false},
		{73 * time.Second, 3, 36, false, true},
		{30 * time.Second, 2, 22, false, false},
		{14 * time.Second, 1, 13, false, false}, // one comparison: no stretch
		{6500 * time.Millisecond, 1, 6, true, false},
		{700 * time.Millisecond, 1, 1, true, false},
		{time.Hour * 100, 3, mostBlocks, false, true},
	} {
		s := &session{scenario: &scenarios.Scenario{}, run: &results.Run{}, options: Options{Budget: row.budget}, began: time.Now().Add(time.Hour)}
		s.earlier = -time.Since(s.began) // elapsed is zero, to the microsecond
		p := &results.Plan{}
		for _, name := range []string{"A", "B", "C"} {
			p.Cases = append(p.Cases, results.PlannedCase{Case: name, BlockMS: 999.9, Pairs: make([]results.Pair, 1), Metrics: make([]string, 1)})
		}
		s.fit(p)
		if len(p.Cases) != row.keep || p.LastBlock() != row.lastBlock || len(s.run.NotMeasured) != 3-row.keep || (len(s.run.Warnings) > 0) != row.warned {
			t.Errorf("budget %v: %d cases, last block %d, not measured %v, warnings %v; want %+v", row.budget, len(p.Cases), p.LastBlock(), s.run.NotMeasured, s.run.Warnings, row)
		}
		if several := len(p.Cases) > 1; (p.Confirm.Alpha > 0) != row.confirmed || (p.Confirm.Why != "") != (several && !row.confirmed) {
			t.Errorf("budget %v: the second stage is %+v", row.budget, p.Confirm)
		}
	}
}

func TestJudgeAttempt(t *testing.T) {
	ok := []byte("BenchmarkFoo-2 100 5 ns/op\n")
	for _, row := range []struct {
		name    string
		exit    process.Exit
		outcome results.Outcome
		why     string
	}{
		{"ok", process.Exit{Stdout: ok}, results.OK, ""},
		{"hung", process.Exit{TimedOut: true, Stdout: ok}, results.Timeout, "did not end within"},
		{"killed for memory", process.Exit{OutOfMemory: true, Signal: 9, Code: -1}, results.OOM, "out of memory"},
		{"ran out by itself", process.Exit{Code: 2, Stderr: []byte("fatal error: runtime: out of memory\n")}, results.OOM, "exit status 2"},
		{"panicked", process.Exit{Code: 2, Stdout: ok}, results.Failed, "exit status 2"},
		{"killed", process.Exit{Signal: 9, Code: -1}, results.Failed, "signal 9"},
		{"flooded", process.Exit{Flooded: true, Signal: 9, Code: -1}, results.Failed, "printed more than"},
		{"silent", process.Exit{}, results.Failed, "printed no result line"},
		{"panicked, and ended with 0", process.Exit{Stdout: []byte("BenchmarkFoo-2 0 0 ns/op\n")}, results.Failed, "printed no result line"},
		{"two results", process.Exit{Stdout: slices.Concat(ok, ok)}, results.Failed, "printed 2 result lines"},
		{"garbled", process.Exit{Stdout: []byte("BenchmarkFoo-2 100 x ns/op\n")}, results.Failed, "malformed"},
		{"left children", process.Exit{Stdout: ok, Left: 2}, results.Failed, "left 2 processes"},
	} {
		a := attempt{exit: row.exit, outcome: results.OK}
		a.judge(process.Spec{MaxOutput: 1 << 20}, "Foo", 100, 1, []string{"ns/op"})
		if a.outcome != row.outcome || !strings.Contains(a.why, row.why) {
			t.Errorf("%s: %s (%s), want %s (%s)", row.name, a.outcome, a.why, row.outcome, row.why)
		}
	}
}

func TestUnknownSettings(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	b := &binary{path: self, goVer: "go1"}
	if w := b.unknownSettings(scenarios.Variant{Env: map[string]string{"GODEBUG": "madvdontneed=1,gctrace=1"}}); len(w) > 0 {
		t.Errorf("settings that exist: %q", w)
	}
	made := "no" + "such" + strings.Repeat("x", 3) // not a constant of this binary
	if w := b.unknownSettings(scenarios.Variant{Name: "v", Env: map[string]string{"GODEBUG": "gctrace=1," + made + "=1"}}); len(w) != 1 || !strings.Contains(w[0], "changes nothing") {
		t.Errorf("a setting that does not exist: %q", w)
	}
}
