package probe

import (
	"math"
	"runtime"
	"runtime/metrics"
	"sync"
	"testing"
	"time"
)

var inf = math.Inf(1)

func histogram(buckets []float64, counts ...uint64) *metrics.Float64Histogram {
	return &metrics.Float64Histogram{Buckets: buckets, Counts: counts}
}

func TestHistogramDelta(t *testing.T) {
	edges := []float64{math.Inf(-1), 0, 1, 2, 4, inf}
	before := histogram(edges, 0, 1, 2, 3, 0)
	after := histogram(edges, 1, 1, 12, 4, 2)
	got := delta(before, after)
	// -Inf…0 counts as 0, 1…2 as 1.5, 2…4 as 3, 4…+Inf as 4.
	want := []bar{{0, 1}, {1.5, 10}, {3, 1}, {4, 2}}
	if len(got) != len(want) {
		t.Fatalf("delta %v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("bar %d is %v, want %v", i, got[i], want[i])
		}
	}
	if s := sum(got); s != 15+3+8 {
		t.Errorf("sum %v, want 26", s)
	}
	for _, nothing := range [][]bar{
		delta(nil, after), delta(before, nil), delta(after, after),
		delta(after, before)[:0], delta(histogram(edges[:2], 1), after),
	} {
		if len(nothing) != 0 || sum(nothing) != 0 {
			t.Errorf("delta %v, want nothing", nothing)
		}
	}
}

func TestHistogramQuantile(t *testing.T) {
	for _, c := range []struct {
		bars []bar
		want float64
		ok   bool
	}{
		{nil, 0, false},
		{[]bar{{1, 1999}}, 0, false},
		{[]bar{{1, 2000}}, 1, true},
		{[]bar{{1, 1980}, {7, 20}}, 1, true},
		{[]bar{{1, 1979}, {7, 21}}, 7, true},
		{[]bar{{1, 10}, {7, 5000}}, 7, true},
	} {
		if got, ok := quantile(c.bars, 0.99); got != c.want || ok != c.ok {
			t.Errorf("p99 of %v = %v, %v; want %v, %v", c.bars, got, ok, c.want, c.ok)
		}
	}
}

func TestSharesAreSane(t *testing.T) {
	for _, c := range []struct{ part, whole, want float64 }{
		{1, 4, 0.25}, {0, 4, 0}, {5, 4, 1}, {1, 0, 0}, {0, 0, 0}, {-1, 4, 0}, {1, -4, 0},
		{math.NaN(), 1, 0}, {1, math.NaN(), 0}, {inf, 1, 1}, {inf, inf, 0}, {1, inf, 0},
	} {
		if got := share(c.part, c.whole); got != c.want {
			t.Errorf("share(%v, %v) = %v, want %v", c.part, c.whole, got, c.want)
		}
	}
}

func TestParsePeakRSS(t *testing.T) {
	for _, c := range []struct {
		status string
		want   float64
		ok     bool
	}{
		{"Name:\tx\nVmPeak:\t  999 kB\nVmHWM:\t    1700 kB\nVmRSS:\t 12 kB\n", 1700 * 1024, true},
		{"VmHWM:\t0 kB", 0, true},
		{"VmRSS:\t12 kB\n", 0, false}, // a kernel thread, or no Linux
		{"VmHWM:\t12 MB\n", 0, false},
		{"VmHWM:\t-12 kB\n", 0, false},
		{"VmHWM:\n", 0, false},
		{"", 0, false},
	} {
		if got, ok := parsePeakRSS(c.status); got != c.want || ok != c.ok {
			t.Errorf("peak RSS of %q = %v, %v; want %v, %v", c.status, got, ok, c.want, c.ok)
		}
	}
	if got, ok := peakRSS(); runtime.GOOS == "linux" && (!ok || got < 1<<20) {
		t.Errorf("this process's peak RSS is %v, %v", got, ok)
	}
}

// Every runtime metric that is read must exist, or its figure would be 0
// without a word on the next Go release.
func TestRuntimeMetricsExist(t *testing.T) {
	known := map[string]bool{}
	for _, d := range metrics.All() {
		known[d.Name] = true
	}
	for _, name := range runtimeNames {
		if !known[name] {
			t.Errorf("%s has no metric %s", runtime.Version(), name)
		}
	}
}

func TestActivityOfTheRuntime(t *testing.T) {
	before, after := newSnapshot(), newSnapshot()
	before.read()
	runtime.GC()
	runtime.GC()
	after.read()
	a := between(before, after)
	if a.gcCycles < 2 { // one more may have begun by itself
		t.Errorf("%v GC cycles, want 2", a.gcCycles)
	}
	if a.stwNanos <= 0 || a.gcCPUShare <= 0 || a.gcCPUShare > 1 || a.heapBytes <= 0 {
		t.Errorf("after two collections: %+v", a)
	}
	// Without load the workers do all of the marking; what runs on idle CPUs is part of it.
	if a.markNanos <= 0 || a.idleMarkNanos > a.markNanos || len(a.gcPauses) == 0 {
		t.Errorf("after two collections: %+v", a)
	}
	for name, v := range map[string]float64{"backwards": between(after, before).gcCycles, "none": between(after, after).stwNanos} {
		if v != 0 {
			t.Errorf("%s: %v, want 0", name, v)
		}
	}
}

func TestReadingASnapshotAgainAllocatesNothing(t *testing.T) {
	s := newSnapshot()
	if n := testing.AllocsPerRun(100, s.read); n != 0 {
		t.Errorf("%v allocations, want 0", n)
	}
}

// The runtime samples one wait in eight, so this tries until one is seen: once
// is nearly always enough, a thousand times is.
func TestMutexWaitIsSeen(t *testing.T) {
	before, after := newSnapshot(), newSnapshot()
	before.read()
	for range 1000 {
		var mu sync.Mutex
		var wg sync.WaitGroup
		mu.Lock()
		for range 64 {
			wg.Go(func() { mu.Lock(); defer mu.Unlock() })
		}
		time.Sleep(time.Millisecond) // lets them park
		mu.Unlock()
		wg.Wait()
		if after.read(); between(before, after).mutexWaitNanos > 0 {
			return
		}
	}
	t.Error("no mutex wait although 64 goroutines waited, a thousand times")
}

func TestLoadMetrics(t *testing.T) {
	rec := NewRecorder(1)
	for range 40 {
		rec.Shard(0).Record(time.Microsecond)
	}
	a := activity{mutexWaitNanos: 5e5, gcCycles: 3, gcCPUShare: 0.1, stwNanos: 7, heapBytes: 9,
		gcPauses: []bar{{1e-6, 1970}, {2e-6, 30}}, assistNanos: 11, markNanos: 13, idleMarkNanos: 5}
	value := func(l Load, unit string) (float64, bool) {
		for _, m := range l.metrics(a, time.Millisecond) {
			if m.unit == unit {
				return m.value, true
			}
		}
		return 0, false
	}
	full := Load{Latencies: rec, Schedule: Schedule{Operations: 2, Planned: 100, Took: 103}, Goroutines: 5}
	for unit, want := range map[string]float64{
		"p50-ns": 1000, "max-ns": 1000, "schedule-miss-share": 0.03, "mutex-wait-ns": 5e5,
		"block-share": 0.1, "GC-cycles": 3, "GC-CPU-share": 0.1, "STW-ns": 7, "heap-bytes": 9,
		"STW-max-ns": 2000, "STW-p99-ns": 2000, "assist-cpu-ns": 11, "mark-cpu-ns": 13, "mark-idle-cpu-ns": 5,
	} {
		if got, ok := value(full, unit); !ok || math.Abs(got-want) > 1e-9 {
			t.Errorf("%s = %v, %v; want %v", unit, got, ok, want)
		}
	}
	a.gcPauses = []bar{{1e-6, 40}}
	if got, ok := value(Load{}, "STW-p99-ns"); ok {
		t.Errorf("STW-p99-ns = %v reported for 40 pauses", got)
	}
	a.gcPauses = nil
	for _, unit := range []string{"p50-ns", "max-ns", "schedule-miss-share", "block-share", "sched-p99-ns", "STW-max-ns", "STW-p99-ns"} {
		if got, ok := value(Load{}, unit); ok {
			t.Errorf("%s = %v reported for an empty load", unit, got)
		}
	}
}

// The three calls as a benchmark makes them. It runs once, and nothing in it
// depends on how long that takes.
func TestMeasurementReports(t *testing.T) {
	rec := NewRecorder(1)
	testing.Benchmark(func(b *testing.B) {
		m := Start(b)
		ran := NewOpenLoop(1e9).Call(100, rec.Shard(0), func(int) {})
		m.Stop()
		m.Stop() // does nothing
		m.Report(Load{Latencies: rec, Schedule: ran, Goroutines: 1})
		if m.Elapsed() <= 0 {
			b.Error("no time elapsed")
		}
		b.SkipNow() // one call is enough
	})
	if n := rec.Merge().Count(); n != 100 {
		t.Errorf("%d latencies, want 100", n)
	}
}

func TestReportBeforeStopPanics(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	(&Measurement{}).Report(Load{})
}
