package probe

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// A metric is a value with its Go benchmark unit.
type metric struct {
	value float64
	unit  string
}

// A Measurement is the timed part of a benchmark: Start, Stop, Report.
type Measurement struct {
	b             *testing.B
	before, after snapshot
	started       time.Duration
	elapsed       time.Duration
	stopped       bool
}

// Start begins the timed part: it resets and starts the benchmark's timer, so
// what came before is setup, and reads the runtime's metrics.
func Start(b *testing.B) *Measurement {
	m := &Measurement{b: b, before: newSnapshot(), after: newSnapshot()}
	b.ResetTimer()
	b.StartTimer()
	m.before.read()
	m.started = Now()
	return m
}

// Stop ends the timed part: it reads the runtime's metrics and stops the
// benchmark's timer. A second Stop does nothing.
func (m *Measurement) Stop() {
	if m.stopped {
		return
	}
	m.elapsed = Now() - m.started
	m.after.read()
	m.b.StopTimer()
	m.stopped = true
}

// Elapsed is the length of the timed part; 0 before Stop.
func (m *Measurement) Elapsed() time.Duration { return m.elapsed }

// Load is what Report needs to know of the load beside the runtime's metrics.
// What is left at its zero value is not reported.
type Load struct {
	// Latencies gives p50-ns, p99-ns, p99.9-ns, max-ns and clamped-ops.
	Latencies *Recorder
	// Schedule gives schedule-miss-share.
	Schedule Schedule
	// Goroutines is the number of goroutines that take part in what is
	// contended; it gives block-share.
	Goroutines int
}

// Report reports every metric of the package comment through b.ReportMetric.
// Other metrics of the benchmark are its own to report, after Start. Report
// panics before Stop.
func (m *Measurement) Report(load Load) {
	if !m.stopped {
		panic("probe: Report before Stop")
	}
	for _, x := range load.metrics(between(m.before, m.after), m.elapsed) {
		m.b.ReportMetric(x.value, x.unit)
	}
	if rssBytes, ok := peakRSS(); ok {
		m.b.ReportMetric(rssBytes, "peak-RSS-bytes")
	}
}

func (l Load) metrics(a activity, elapsed time.Duration) []metric {
	var ms []metric
	if l.Latencies != nil {
		ms = l.Latencies.Merge().metrics()
	}
	if l.Schedule.Operations > 0 {
		ms = append(ms, metric{l.Schedule.MissShare(), "schedule-miss-share"})
	}
	ms = append(ms, metric{a.mutexWaitNanos, "mutex-wait-ns"})
	if l.Goroutines > 0 {
		available := float64(l.Goroutines) * float64(elapsed.Nanoseconds())
		ms = append(ms, metric{share(a.mutexWaitNanos, available), "block-share"})
	}
	ms = append(ms, a.gcMetrics()...)
	if a.schedP99Reported {
		ms = append(ms, metric{a.schedP99Nanos, "sched-p99-ns"})
	}
	return ms
}

// peakRSS is the largest resident set of this process so far, setup and the
// testing package included; it can't be reset. It is read in the process
// itself: the kernel's ru_maxrss of a child includes its parent's peak
// (golang/go#32054). It reports false where /proc/self/status has no VmHWM.
func peakRSS() (bytes float64, ok bool) {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, false
	}
	return parsePeakRSS(string(status))
}

func parsePeakRSS(status string) (bytes float64, ok bool) {
	for line := range strings.Lines(status) {
		rest, found := strings.CutPrefix(line, "VmHWM:")
		if !found {
			continue
		}
		number, unit, _ := strings.Cut(strings.TrimSpace(rest), " ")
		kib, err := strconv.ParseUint(number, 10, 50)
		if err != nil || unit != "kB" {
			return 0, false
		}
		return float64(kib) * 1024, true
	}
	return 0, false
}
