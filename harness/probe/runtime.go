package probe

import (
	"math"
	"runtime/metrics"
)

// Where each runtime metric is in a snapshot.
const (
	gcCPU = iota
	totalCPU
	gcCycles
	pausesGC
	pausesOther
	mutexWait
	schedLatencies
	heapLive
	assistCPU
	dedicatedCPU
	idleCPU
)

var runtimeNames = [...]string{
	gcCPU:          "/cpu/classes/gc/total:cpu-seconds",
	totalCPU:       "/cpu/classes/total:cpu-seconds",
	gcCycles:       "/gc/cycles/total:gc-cycles",
	pausesGC:       "/sched/pauses/total/gc:seconds",
	pausesOther:    "/sched/pauses/total/other:seconds",
	mutexWait:      "/sync/mutex/wait/total:seconds",
	schedLatencies: "/sched/latencies:seconds",
	heapLive:       "/gc/heap/live:bytes",
	assistCPU:      "/cpu/classes/gc/mark/assist:cpu-seconds",
	dedicatedCPU:   "/cpu/classes/gc/mark/dedicated:cpu-seconds",
	idleCPU:        "/cpu/classes/gc/mark/idle:cpu-seconds",
}

// A snapshot is one reading of the runtime's metrics. A second reading into
// the same snapshot allocates nothing.
type snapshot []metrics.Sample

func newSnapshot() snapshot {
	s := make(snapshot, len(runtimeNames))
	for i, name := range runtimeNames {
		s[i].Name = name
	}
	s.read()
	return s
}

func (s snapshot) read() { metrics.Read(s) }

func (s snapshot) float(i int) float64 {
	switch v := s[i].Value; v.Kind() {
	case metrics.KindFloat64:
		return v.Float64()
	case metrics.KindUint64:
		return float64(v.Uint64())
	}
	return 0 // a runtime that does not have it
}

func (s snapshot) histogram(i int) *metrics.Float64Histogram {
	if v := s[i].Value; v.Kind() == metrics.KindFloat64Histogram {
		return v.Float64Histogram()
	}
	return nil
}

// activity is what the runtime did between two snapshots.
type activity struct {
	gcCPUShare       float64
	gcCycles         float64
	stwNanos         float64
	gcPauses         []bar // seconds, ascending
	assistNanos      float64
	markNanos        float64 // idleMarkNanos included, assistNanos not
	idleMarkNanos    float64
	mutexWaitNanos   float64
	schedP99Nanos    float64
	schedP99Reported bool // enough wake-ups were sampled
	heapBytes        float64
}

func between(before, after snapshot) activity {
	grown := func(i int) float64 { return clean(after.float(i) - before.float(i)) }
	pauses := func(i int) float64 { return sum(delta(before.histogram(i), after.histogram(i))) }
	a := activity{
		gcCPUShare:     share(grown(gcCPU), grown(totalCPU)),
		gcCycles:       grown(gcCycles),
		stwNanos:       clean((pauses(pausesGC) + pauses(pausesOther)) * 1e9),
		mutexWaitNanos: clean(grown(mutexWait) * 1e9),
		heapBytes:      clean(after.float(heapLive)),
		gcPauses:       delta(before.histogram(pausesGC), after.histogram(pausesGC)),
		assistNanos:    clean(grown(assistCPU) * 1e9),
		markNanos:      clean((grown(dedicatedCPU) + grown(idleCPU)) * 1e9),
		idleMarkNanos:  clean(grown(idleCPU) * 1e9),
	}
	waits := delta(before.histogram(schedLatencies), after.histogram(schedLatencies))
	if p99, ok := quantile(waits, 0.99); ok {
		a.schedP99Nanos, a.schedP99Reported = clean(p99*1e9), true
	}
	return a
}

// gcMetrics are what the collector did, each thing under a name of its own: a
// pause is no mark time, and mark time is no assist.
func (a activity) gcMetrics() []metric {
	ms := []metric{
		{a.gcCycles, "GC-cycles"},
		{a.gcCPUShare, "GC-CPU-share"},
		{a.stwNanos, "STW-ns"},
		{a.markNanos, "mark-cpu-ns"},
		{a.idleMarkNanos, "mark-idle-cpu-ns"},
		{a.assistNanos, "assist-cpu-ns"},
		{a.heapBytes, "heap-bytes"},
	}
	if n := len(a.gcPauses); n > 0 {
		ms = append(ms, metric{clean(a.gcPauses[n-1].middle * 1e9), "STW-max-ns"})
	}
	if p99, ok := quantile(a.gcPauses, 0.99); ok {
		ms = append(ms, metric{clean(p99 * 1e9), "STW-p99-ns"})
	}
	return ms
}

// clean keeps a metric finite and not negative. The runtime's estimates may go
// back a little.
func clean(v float64) float64 {
	if !(v > 0) { // also NaN
		return 0
	}
	return min(v, math.MaxFloat64)
}

// share is part ÷ whole, from 0 to 1; 0 when there is no whole.
func share(part, whole float64) float64 {
	if !(whole > 0) {
		return 0
	}
	return min(clean(part/whole), 1)
}

// A bar is a histogram bucket: so many values at about this one.
type bar struct {
	middle float64
	count  uint64
}

// delta returns the values that came to a histogram between two readings, in
// ascending order.
func delta(before, after *metrics.Float64Histogram) []bar {
	if before == nil || after == nil || len(before.Counts) != len(after.Counts) {
		return nil
	}
	var bars []bar
	for i, n := range after.Counts {
		if n > before.Counts[i] {
			bars = append(bars, bar{middle(after.Buckets[i], after.Buckets[i+1]), n - before.Counts[i]})
		}
	}
	return bars
}

// middle is the middle of a bucket, its finite end if the other is infinite.
func middle(low, high float64) float64 {
	switch {
	case math.IsInf(low, -1):
		return clean(high)
	case math.IsInf(high, 1):
		return clean(low)
	}
	return clean((low + high) / 2)
}

func sum(bars []bar) (total float64) {
	for _, b := range bars {
		total += b.middle * float64(b.count)
	}
	return total
}

// quantile reports false when fewer than 20 values lie beyond q.
func quantile(bars []bar, q float64) (float64, bool) {
	var n int64
	for _, b := range bars {
		n += int64(b.count)
	}
	if !enoughBeyond(n, q) {
		return 0, false
	}
	rank := int64(math.Ceil(q * float64(n)))
	for _, b := range bars {
		if rank -= int64(b.count); rank <= 0 {
			return b.middle, true
		}
	}
	return bars[len(bars)-1].middle, true
}
