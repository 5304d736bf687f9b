package machine

import (
	"errors"
	"runtime"
	"time"
)

// errNotLinux is returned by the probes that only know how to ask Linux.
var errNotLinux = errors.New("only known on Linux, not on " + runtime.GOOS)

// filled returns p with the real machine in place of what is nil.
func (p Probes) filled() Probes {
	if p.Sleep == nil {
		p.Sleep = time.Sleep
	}
	if p.Clock == nil {
		p.Clock = measureClock
	}
	if p.Procs == nil {
		p.Procs = func() int { return runtime.GOMAXPROCS(0) }
	}
	if p.FreeBytes == nil {
		p.FreeBytes = freeBytes
	}
	if p.OpenCounter == nil {
		p.OpenCounter = openCounter
	}
	return p
}

// measureClock times time.Now. The cost is the best of a few rounds, for
// whatever interrupts a round only makes it longer.
func measureClock() (cost, step time.Duration) {
	const rounds, calls = 5, 5000
	cost = time.Hour
	for range rounds {
		start := time.Now()
		for range calls {
			time.Now()
		}
		cost = min(cost, time.Since(start)/calls)
	}
	// A coarse clock (jiffies) steps every 4 ms, which some 100,000 readings
	// span; a good one steps at nearly every reading.
	const readings, enough = 500_000, 20
	steps, last := 0, time.Now()
	for i := 0; i < readings && steps < enough; i++ {
		now := time.Now()
		if d := now.Sub(last); d > 0 {
			if steps == 0 || d < step {
				step = d
			}
			steps++
			last = now
		}
	}
	return cost, step
}
