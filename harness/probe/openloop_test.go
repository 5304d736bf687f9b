package probe

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"testing"
	"time"
)

// fakeTime is a clock on which only sleeping, yielding and doing takes time,
// and reading it takes tick.
type fakeTime struct {
	at     time.Duration
	tick   time.Duration
	late   time.Duration // of every sleep
	slept  int
	yields int
}

func (f *fakeTime) loop(perSecond float64) *OpenLoop {
	l := NewOpenLoop(perSecond)
	l.clock = clock{
		now:   func() time.Duration { f.at += f.tick; return f.at },
		sleep: func(d time.Duration) { f.at += d + f.late; f.slept++ },
		yield: func() { f.yields++ },
	}
	return l
}

// record runs n operations and returns their latencies in order.
func (f *fakeTime) record(perSecond float64, n int, takes func(i int) time.Duration) ([]time.Duration, Schedule) {
	var latencies []time.Duration
	s, err := f.loop(perSecond).Launch(n, func(i int, intended time.Duration) error {
		f.at += takes(i)
		latencies = append(latencies, f.at-intended)
		return nil
	})
	if err != nil {
		panic(err)
	}
	return latencies, s
}

// The coordinated-omission test: at 1,000 operations a second one operation
// stalls for 10 ms. The ten that should have started meanwhile are late, each
// by what was left of the stall. A generator that measures from the actual
// start sees one slow operation and no late ones.
func TestStallMakesTheFollowingOperationsLate(t *testing.T) {
	f := &fakeTime{tick: 100 * time.Nanosecond}
	const stalled = 5
	got, s := f.record(1000, 20, func(i int) time.Duration {
		if i == stalled {
			return 10 * time.Millisecond
		}
		return 0
	})
	for i, latency := range got {
		want := time.Duration(0)
		if i >= stalled && i < stalled+10 {
			want = 10*time.Millisecond - time.Duration(i-stalled)*time.Millisecond
		}
		// Readings of the clock take time too: 100 ns each, here.
		if latency < want || latency > want+10*time.Microsecond {
			t.Errorf("operation %d: latency %v, want %v", i, latency, want)
		}
	}
	if share := s.MissShare(); share > 1e-4 {
		t.Errorf("schedule missed by %v although the generator caught up", share)
	}
}

func TestCallRecordsFromTheIntendedStart(t *testing.T) {
	f := &fakeTime{tick: time.Microsecond}
	rec := NewRecorder(1)
	f.loop(1000).Call(2000, rec.Shard(0), func(i int) {
		if i == 0 {
			f.at += 100 * time.Millisecond
		}
	})
	got := rec.Merge()
	if got.Count() != 2000 {
		t.Errorf("%d latencies, want 2000", got.Count())
	}
	// 101 operations were late by 100, 99, … 0 ms: 5 % of 2,000, so the 99th
	// percentile is 80 ms. Measured from the actual start it would be 0.
	p99, ok := got.Quantile(0.99)
	if !ok || p99 < 79*time.Millisecond || p99 > 82*time.Millisecond {
		t.Errorf("p99 = %v, %v; want about 80ms", p99, ok)
	}
	if max := got.Max(); max < 100*time.Millisecond || max > 101*time.Millisecond {
		t.Errorf("max = %v, want about 100ms", max)
	}
}

func TestMissShare(t *testing.T) {
	for _, c := range []struct {
		name  string
		rate  float64
		n     int
		takes time.Duration // each operation
		want  float64
	}{
		{"keeps up", 1000, 101, 0, 0},
		{"each takes the whole interval", 1000, 101, time.Millisecond, 0},
		{"each takes half as long again", 1000, 101, 1500 * time.Microsecond, 0.5},
		{"each takes thrice the interval", 1e6, 1001, 3 * time.Microsecond, 2},
		{"one operation has no schedule", 1000, 1, time.Second, 0},
		{"none at all", 1000, 0, 0, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := &fakeTime{tick: max(1, time.Duration(1e9/c.rate/2000))}
			s, err := f.loop(c.rate).Launch(c.n, func(int, time.Duration) error { f.at += c.takes; return nil })
			if err != nil {
				t.Fatal(err)
			}
			if got := s.MissShare(); math.Abs(got-c.want) > 0.01 || math.IsNaN(got) {
				t.Errorf("miss share %v, want %v (%+v)", got, c.want, s)
			}
			if s.Operations != c.n {
				t.Errorf("%d operations, want %d", s.Operations, c.n)
			}
		})
	}
}

func TestWaitSleepsThenYieldsThenSpins(t *testing.T) {
	for _, c := range []struct {
		name   string
		rate   float64
		late   time.Duration
		sleeps int
		yields [2]int // at least, at most, per interval
	}{
		{"a slow rate sleeps once an interval", 10, time.Millisecond, 10, [2]int{100, 200}},
		{"a sleep that is far too late is not repeated", 10, 50 * time.Millisecond, 10, [2]int{0, 1}},
		{"a rate above 250/s never sleeps", 1000, 0, 0, [2]int{40, 50}},
		{"an interval of 10 µs is spun through", 100_000, 0, 0, [2]int{0, 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := &fakeTime{tick: 50 * time.Nanosecond, late: c.late}
			_, err := f.loop(c.rate).Launch(11, func(int, time.Duration) error { return nil })
			if err != nil {
				t.Fatal(err)
			}
			if f.slept != c.sleeps {
				t.Errorf("slept %d times, want %d", f.slept, c.sleeps)
			}
			if f.yields < 10*c.yields[0] || f.yields > 10*c.yields[1] {
				t.Errorf("yielded %d times in 10 intervals, want %d to %d in each", f.yields, c.yields[0], c.yields[1])
			}
		})
	}
}

func TestStartsAreNeverEarly(t *testing.T) {
	for _, perSecond := range []float64{0.5, 3, 1000, 12_345, 1e6, 7e8} {
		f := &fakeTime{tick: 4337 * time.Nanosecond}
		f.at = time.Hour // t0 is not 0
		got, _ := f.record(perSecond, 500, func(int) time.Duration { return 0 })
		for i, latency := range got {
			if latency < 0 {
				t.Fatalf("%v/s: operation %d started %v before its time", perSecond, i, -latency)
			}
		}
	}
}

func TestLaunchStopsAtTheFirstError(t *testing.T) {
	f := &fakeTime{tick: time.Microsecond}
	full := errors.New("queue is full")
	s, err := f.loop(1000).Launch(100, func(i int, _ time.Duration) error {
		if i == 7 {
			return full
		}
		return nil
	})
	if !errors.Is(err, full) || !strings.Contains(fmt.Sprint(err), "operation 7 of 100") {
		t.Errorf("error %v, want one that names operation 7 of 100", err)
	}
	if s.Operations != 8 || s.Planned != 7*time.Millisecond {
		t.Errorf("schedule %+v, want 8 operations over 7ms", s)
	}
}

func TestImpossibleRatesPanic(t *testing.T) {
	for _, perSecond := range []float64{0, -1, math.NaN(), math.Inf(1), math.Inf(-1)} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("a rate of %v did not panic", perSecond)
				}
			}()
			NewOpenLoop(perSecond)
		}()
	}
}
