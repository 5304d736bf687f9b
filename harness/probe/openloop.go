package probe

import (
	"fmt"
	"math"
	"time"
)

// epoch is the zero of Now. Only differences of Now mean anything.
var epoch = time.Now()

// Now is the monotonic time since an arbitrary moment before the first call,
// the same for the whole process. Reading it costs some 20 to 50 ns.
func Now() time.Duration { return time.Since(epoch) }

// How an OpenLoop waits. Measured on a 2-core virtual machine, go1.26.8:
// time.Sleep woke up 1.1 ms late in the median and 4 ms late at the 99th
// percentile (the runtime sleeps in epoll_wait, which counts milliseconds).
const (
	// wakeBefore is how long before an operation's start a sleep ends.
	wakeBefore = 4 * time.Millisecond
	// yieldEvery is the least time between two yields. A loop that only yields
	// holds the scheduler's lock so much that other goroutines' timers
	// fire 3 ms late.
	yieldEvery = 20 * time.Microsecond
	// spinBelow is the time before a start that is spun through without yielding.
	spinBelow = 10 * time.Microsecond
)

// clock is time as an OpenLoop sees it; tests bring their own.
type clock struct {
	now   func() time.Duration
	sleep func(time.Duration)
	yield func()
}

// An OpenLoop starts operations on a fixed schedule: operation i at t0 + i/rate,
// where t0 is the moment Call or Launch was entered. A slow operation does not
// slow the schedule down: those that it delayed start at once after it, and
// are measured from when they should have started.
//
// Waiting for a start has three phases. More than 4 ms ahead it sleeps, so a
// slow rate leaves the CPU alone. Nearer, it watches the clock and lets other
// threads and goroutines run every 20 µs, because one that holds a CPU starves
// whatever the kernel (for 4 ms) and the runtime (for 10 ms) had queued on it.
// In the last 10 µs it only watches the clock. So at 250 operations a second
// and more the generator takes a CPU of its own, and the lateness of a start
// is that of reading the clock, some tens of nanoseconds. A timer's lateness,
// about a millisecond, would swamp an operation of nanoseconds.
//
// An OpenLoop holds no state between runs, and may be used again.
type OpenLoop struct {
	rate  float64
	clock clock
}

// NewOpenLoop returns a generator of perSecond operations a second. It panics
// unless perSecond is positive and finite.
func NewOpenLoop(perSecond float64) *OpenLoop {
	if !(perSecond > 0) || math.IsInf(perSecond, 1) {
		panic(fmt.Sprintf("probe: a rate of %v operations per second", perSecond))
	}
	return &OpenLoop{rate: perSecond, clock: clock{now: Now, sleep: time.Sleep, yield: yield}}
}

// Call runs op(0) to op(n-1), each from its own intended start, and records in
// into how long after that it returned. Operations run one after another in
// the calling goroutine, which must own the shard.
//
// A latency includes one reading of the clock and up to one more of lateness:
// that is the floor below which nothing can be seen, the same for all variants.
func (l *OpenLoop) Call(n int, into *Shard, op func(i int)) Schedule {
	t0 := l.clock.now()
	now, started := t0, t0
	for i := range n {
		intended := t0 + l.offset(i)
		started = l.wait(intended, now)
		op(i)
		now = l.clock.now()
		into.Record(now - intended)
	}
	return l.schedule(n, started-t0)
}

// Launch calls start(0, …) to start(n-1, …), each at its intended start, which
// it passes on in terms of Now. The operation may complete later and
// elsewhere; whoever sees that records Now() minus the intended start in a
// shard of its own. Launch returns when the last one was started.
//
// The first error ends the run and is returned with the operation's number;
// the schedule then covers what was started.
func (l *OpenLoop) Launch(n int, start func(i int, intended time.Duration) error) (Schedule, error) {
	t0 := l.clock.now()
	now, started := t0, t0
	for i := range n {
		intended := t0 + l.offset(i)
		started = l.wait(intended, now)
		if err := start(i, intended); err != nil {
			return l.schedule(i+1, started-t0), fmt.Errorf("starting operation %d of %d: %w", i, n, err)
		}
		now = l.clock.now()
	}
	return l.schedule(n, started-t0), nil
}

// offset is operation i's intended start after t0. A float64 holds whole
// nanoseconds exactly for 104 days.
func (l *OpenLoop) offset(i int) time.Duration {
	return time.Duration(float64(i) * float64(time.Second) / l.rate)
}

// wait returns the time at which it saw that intended had come.
func (l *OpenLoop) wait(intended, now time.Duration) time.Duration {
	yieldedAt := now - yieldEvery // so that an operation is followed by a yield
	for now < intended {
		switch left := intended - now; {
		case left > wakeBefore:
			l.clock.sleep(left - wakeBefore)
		case left > spinBelow && now-yieldedAt >= yieldEvery:
			l.clock.yield()
			yieldedAt = now
		}
		now = l.clock.now()
	}
	return now
}

func (l *OpenLoop) schedule(n int, took time.Duration) Schedule {
	if n <= 0 {
		return Schedule{}
	}
	return Schedule{Operations: n, Planned: l.offset(n - 1), Took: took}
}

// A Schedule says how well a generator kept to its plan.
type Schedule struct {
	Operations int           // operations started
	Planned    time.Duration // from the first intended start to the last
	Took       time.Duration // from the first start to the last
}

// MissShare is how much longer the starts took than planned, as a share of the
// plan: 0.02 is 2 %. It is 0 when the generator kept up, and when there was
// nothing to plan (fewer than two operations). A generator that fell behind
// and caught up again has kept up: its lateness is in the latencies.
func (s Schedule) MissShare() float64 {
	if s.Planned <= 0 || s.Took <= s.Planned {
		return 0
	}
	return float64(s.Took-s.Planned) / float64(s.Planned)
}
