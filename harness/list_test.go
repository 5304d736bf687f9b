package harness

import (
	"slices"
	"testing"
	"time"

	"tunelab/harness/internal/serve"
)

// What broke is told by what had begun and not ended: the innermost.
func TestListingReads(t *testing.T) {
	for _, c := range []struct {
		name, answer         string
		names, done, skipped []string
		broken, open         []string
	}{
		{"all well", "has\tBenchmarkA\nbegin\tBenchmarkA\nran\tBenchmarkA\tok\t5\nbegin\tBenchmarkB\nran\tBenchmarkB\tok\t6\n",
			[]string{"A", "B"}, []string{"BenchmarkA", "BenchmarkB"}, nil, nil, nil},
		{"it dies in the second", "begin\tBenchmarkA\nran\tBenchmarkA\tok\t5\nbegin\tBenchmarkB\n",
			[]string{"A"}, []string{"BenchmarkA"}, nil, nil, []string{"BenchmarkB"}},
		{"it dies in a sub-benchmark", "begin\tBenchmarkA\nbegin\tBenchmarkA/x\nran\tBenchmarkA/x\tok\t5\nbegin\tBenchmarkA/y\n",
			[]string{"A/x"}, []string{"BenchmarkA/x"}, nil, nil, []string{"BenchmarkA", "BenchmarkA/y"}},
		{"it dies between two", "begin\tBenchmarkA\nbegin\tBenchmarkA/x\nran\tBenchmarkA/x\tok\t5\n",
			[]string{"A/x"}, []string{"BenchmarkA/x"}, nil, nil, []string{"BenchmarkA"}},
		{"one fails and takes its parent with it", "begin\tBenchmarkA\nbegin\tBenchmarkA/x\nran\tBenchmarkA/x\tfail\t5\nran\tBenchmarkA\tfail\t6\nbegin\tBenchmarkB\nran\tBenchmarkB\tok\t1\n",
			[]string{"B"}, []string{"BenchmarkA/x", "BenchmarkA", "BenchmarkB"}, nil, []string{"A/x"}, nil},
		{"one skips itself", "begin\tBenchmarkA\nran\tBenchmarkA\tskip\t5\n", nil, []string{"BenchmarkA"}, []string{"A"}, nil, nil},
		{"one has only sub-benchmarks", "begin\tBenchmarkA\nbegin\tBenchmarkA/x\nran\tBenchmarkA/x\tok\t5\nran\tBenchmarkA\tparent\t9\n",
			[]string{"A/x"}, []string{"BenchmarkA/x", "BenchmarkA"}, nil, nil, nil},
		{"half a line", "begin\tBenchmarkA\nran\tBenchmarkA\to", nil, nil, nil, nil, []string{"BenchmarkA"}},
	} {
		l := listing{took: map[string]time.Duration{}}
		var done []string
		open := l.read(serve.Read([]byte(c.answer)), "", &done)
		var names []string
		for _, b := range l.broken {
			names = append(names, b.name)
		}
		if !slices.Equal(l.names, c.names) || !slices.Equal(done, c.done) || !slices.Equal(l.skipped, c.skipped) || !slices.Equal(names, c.broken) || !slices.Equal(open, c.open) {
			t.Errorf("%s: names %q, done %q, skipped %q, broken %q, open %q", c.name, l.names, done, l.skipped, names, open)
		}
	}
}

// A sub-benchmark is missing because what it is in broke; its neighbours are not.
func TestListingOf(t *testing.T) {
	l := listing{broken: []broken{{name: "A/x", why: "a"}, {name: "B", why: "b"}}}
	for name, want := range map[string]string{"A/x": "a", "A/x/y": "a", "A": "", "A/xy": "", "B": "b", "B/z": "b", "BB": "", "C": ""} {
		if got := l.of(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if all := (&listing{broken: []broken{{why: "init"}}}); all.of("C") != "init" {
		t.Error("a process that ended before all has lost none")
	}
}

func TestReason(t *testing.T) {
	for tail, want := range map[string]string{
		"goos: linux\nBenchmarkX\npanic: boo\n\ngoroutine 9 [running]:\nm.BenchmarkX(0x1)\n\t/tmp/m/x_test.go:13 +0x25\n":  ": panic: boo (x_test.go:13)",
		"fatal error: all goroutines are asleep - deadlock!\n\ngoroutine 1:\n\t/usr/local/go/src/testing/benchmark.go:2\n": ": fatal error: all goroutines are asleep - deadlock!",
		"BenchmarkX-2   \t       0\tpanic: late\n": ": panic: late",
		"PASS\n": "",
		"goos: linux\nBenchmarkX-2\nit said panic: and meant none\nmore\n": ": it said panic: and meant none",
		"flag provided but not defined: -x\nUsage of m.test:\n":            ": flag provided but not defined: -x",
		"": "",
	} {
		if got := reason(tail); got != want {
			t.Errorf("%q: %q, want %q", tail, got, want)
		}
	}
}

// What nobody came to is named, and told from what broke.
func TestListingBreaksRest(t *testing.T) {
	l := listing{has: []string{"BenchmarkA", "BenchmarkB", "BenchmarkC"}, broken: []broken{{name: "B", why: "panic"}}}
	l.breakRest([]string{"BenchmarkA", "BenchmarkB"}, "no time")
	if want := []broken{{name: "B", why: "panic"}, {name: "C", why: "no time", lost: true}}; !slices.Equal(l.broken, want) {
		t.Errorf("%+v, want %+v", l.broken, want)
	}
}
