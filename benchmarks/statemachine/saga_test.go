package statemachine

import (
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"tunelab/harness/probe"
)

const (
	// warmups is how many transactions a benchmark runs and forgets first.
	warmups = 2000
	// patience bounds every wait that is not the measured one.
	patience = 10 * time.Second
)

// rareFaults keep all paths of the saga in use and leave the 99th percentile
// to the ordinary ones: about one transaction in a hundred is refused
// something, one in a thousand waits for a time-out.
var rareFaults = Faults{Refuse: 0.0025, Lose: 0.0001, Mute: 0.0001, Late: 0.0001}

// serviceOf is the participants' behaviour in the benchmarks. The time-out is
// well above the runtime's own hiccups.
func serviceOf(cost time.Duration) Service {
	return Service{Cost: cost, Timeout: 2*time.Millisecond + 2*cost, Late: time.Millisecond, Faults: rareFaults}
}

var costs = []time.Duration{0, time.Microsecond, 10 * time.Microsecond, 100 * time.Microsecond}

func costPart(cost time.Duration) string {
	switch {
	case cost == 0:
		return "cost=0"
	case cost < time.Millisecond:
		return fmt.Sprintf("cost=%dus", cost.Microseconds())
	}
	return fmt.Sprintf("cost=%dms", cost.Milliseconds())
}

// BenchmarkSaga starts transactions in an open loop; latency is from the
// intended start to the final state.
func BenchmarkSaga(b *testing.B) {
	for _, v := range Variants() {
		for _, cost := range costs {
			for _, rate := range []int{10, 20, 50, 100} { // thousand a second
				b.Run(fmt.Sprintf("impl=%s/%s/rate=%dk", v.Name, costPart(cost), rate), func(b *testing.B) {
					openSagas(b, v, cost, rate*1000)
				})
			}
		}
		for _, rate := range []int{10, 20} {
			b.Run(fmt.Sprintf("impl=%s/%s/rate=%dk", v.Name, costPart(slowCost), rate), func(b *testing.B) {
				openSagas(b, v, slowCost, rate*1000)
			})
		}
	}
}

// slowCost is that of a participant which is slow enough for Little's law to
// show: at 10,000 a second some 400 transactions are under way at a time.
const slowCost = 10 * time.Millisecond

// BenchmarkSagaSaturated keeps a number of transactions under way and starts
// the next when one ends: throughput only, see the package comment.
func BenchmarkSagaSaturated(b *testing.B) {
	for _, v := range Variants() {
		for _, cost := range costs {
			for _, inflight := range []int{64, 1024} {
				b.Run(fmt.Sprintf("impl=%s/%s/inflight=%d", v.Name, costPart(cost), inflight), func(b *testing.B) {
					saturate(b, v, cost, inflight)
				})
			}
		}
	}
}

// A load runs transactions and notes when each began and ended.
type load struct {
	*Participants
	coordinator  Coordinator
	began, ended []time.Duration // by transaction
	left         atomic.Int64
	twice        atomic.Int64
	done         chan struct{}
	peak         int // goroutines
}

// startLoad prepares for n transactions. Those of the warm-up come before.
func startLoad(v Variant, s Service, n int) *load {
	l := &load{began: make([]time.Duration, warmups+n), ended: make([]time.Duration, warmups+n)}
	l.coordinator = v.New(l)
	l.Participants = s.Start(l.coordinator.Deliver)
	return l
}

// close waits for late answers and ends all goroutines.
func (l *load) close() {
	l.Participants.Close()
	l.coordinator.Close()
}

// Ended notes the end of a transaction.
func (l *load) Ended(id uint64, _ Final) {
	if l.ended[id] != 0 {
		l.twice.Add(1)
	}
	l.ended[id] = probe.Now()
	if l.left.Add(-1) == 0 {
		close(l.done)
	}
}

func (l *load) expect(n int) {
	l.left.Store(int64(n))
	l.done = make(chan struct{})
}

func (l *load) begin(id int) {
	l.began[id] = probe.Now()
	l.coordinator.Begin(uint64(id))
	l.peak = max(l.peak, runtime.NumGoroutine())
}

func (l *load) wait() error {
	select {
	case <-l.done:
		return nil
	case <-time.After(patience):
		return fmt.Errorf("%d transactions have not ended %v after the last one began", l.left.Load(), patience)
	}
}

// closed runs n transactions from the first on, so many at a time.
func (l *load) closed(first, n, inflight int) error {
	l.expect(n)
	limit := time.Now().Add(patience)
	for i := range n {
		for tries := 1; int64(i)-(int64(n)-l.left.Load()) >= int64(inflight); tries++ {
			runtime.Gosched()
			if tries%1000 == 0 && time.Now().After(limit) {
				return fmt.Errorf("no transaction has ended for %v", patience)
			}
		}
		if i%1000 == 0 {
			limit = time.Now().Add(patience)
		}
		l.begin(first + i)
	}
	return l.wait()
}

// warm runs the warm-up and forgets what it saw.
func (l *load) warm(cost time.Duration) error {
	inflight := 64
	if cost >= time.Millisecond {
		inflight = warmups / 2 // or it takes a second
	}
	err := l.closed(0, warmups, inflight)
	l.peak = 0
	return err
}

func openSagas(b *testing.B, v Variant, cost time.Duration, rate int) {
	before := runtime.NumGoroutine()
	l := startLoad(v, serviceOf(cost), b.N)
	if err := l.warm(cost); err != nil {
		b.Fatal(err)
	}
	intended := make([]time.Duration, b.N)
	l.expect(b.N)
	b.ReportAllocs()
	m := probe.Start(b)
	ran, err := probe.NewOpenLoop(float64(rate)).Launch(b.N, func(i int, at time.Duration) error {
		intended[i] = at
		l.begin(warmups + i)
		return nil
	})
	err = errors.Join(err, l.wait())
	m.Stop()
	if err != nil {
		b.Fatal(err)
	}
	l.close()

	rec := probe.NewRecorder(1)
	for i, at := range intended {
		rec.Shard(0).Record(l.ended[warmups+i] - at)
	}
	m.Report(probe.Load{Latencies: rec, Schedule: ran})
	l.report(b, before)
}

func saturate(b *testing.B, v Variant, cost time.Duration, inflight int) {
	before := runtime.NumGoroutine()
	l := startLoad(v, serviceOf(cost), b.N)
	if err := l.warm(cost); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	m := probe.Start(b)
	err := l.closed(warmups, b.N, inflight)
	m.Stop()
	if err != nil {
		b.Fatal(err)
	}
	l.close()
	m.Report(probe.Load{})
	l.report(b, before)
}

// report reports what the load itself saw; before is the number of goroutines
// before it was started.
func (l *load) report(b *testing.B, before int) {
	if n := l.twice.Load(); n > 0 {
		b.Fatalf("%d transactions ended twice", n)
	}
	began, ended := l.began[warmups:], l.ended[warmups:]
	b.ReportMetric(littles(began, ended), "littles-goroutines")
	b.ReportMetric(float64(peakUnderWay(began, ended)), "peak-tx")
	b.ReportMetric(perSecond(ended), "tx/s")
	b.ReportMetric(float64(l.peak), "peak-goroutines")
	b.ReportMetric(float64(left(before)), "left-goroutines")
}

// perSecond is the rate of these sorted events from the first to the last, so
// that neither the time before the first transaction has ended nor that in
// which nothing is started any more counts; 0 for fewer than two.
func perSecond(at []time.Duration) float64 {
	took := at[len(at)-1] - at[0]
	if took <= 0 {
		return 0
	}
	return float64(len(at)-1) / took.Seconds()
}

// littles is Little's law: the rate of arrival × the mean time of residence is
// how many transactions are under way on average, each with a goroutine of its
// own if that is how they are held. began is in order.
func littles(began, ended []time.Duration) float64 {
	var residence time.Duration
	for i := range began {
		residence += ended[i] - began[i]
	}
	return perSecond(began) * residence.Seconds() / float64(len(began))
}

// peakUnderWay is the largest number of transactions under way at a time. It
// sorts both slices.
func peakUnderWay(began, ended []time.Duration) (peak int) {
	slices.Sort(began)
	slices.Sort(ended)
	over := 0
	for i, at := range began {
		for ended[over] < at {
			over++
		}
		peak = max(peak, i+1-over)
	}
	return peak
}

// left is how many more goroutines there are than before. One that is ending
// gets the time to do so.
func left(before int) int {
	for range 100 {
		if runtime.NumGoroutine() <= before {
			return 0
		}
		time.Sleep(time.Millisecond)
	}
	return runtime.NumGoroutine() - before
}

func TestUnderWay(t *testing.T) {
	second := time.Second
	began := []time.Duration{0, 2 * second, 4 * second, 6 * second}
	ended := []time.Duration{5 * second, 3 * second, 10 * second, 9 * second}
	// Half a transaction a second, and each takes 15 s ÷ 4.
	if got := littles(began, ended); math.Abs(got-1.875) > 1e-9 {
		t.Errorf("%v under way on average, want 1.875", got)
	}
	// At 4 s: the first and the third; at 6 s: the third and the fourth.
	if got := peakUnderWay(began, ended); got != 2 {
		t.Errorf("at most %d under way at a time, want 2", got)
	}
	if got := perSecond(ended); math.Abs(got-3.0/7) > 1e-9 { // sorted by now
		t.Errorf("%v a second ended, want 3 in 7 s", got)
	}
	if got := perSecond(began[:1]); got != 0 {
		t.Errorf("one event has a rate of %v, want 0", got)
	}
}
