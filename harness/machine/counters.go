package machine

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"tunelab/harness/machine/internal/kernel"
)

// Counters is what the machine had done at one moment, counted since boot. CPU
// times are sums over all CPUs in ms and move in steps of 10 ms, so they say
// little about one short trial and more about a block.
type Counters struct {
	StealMS         int64   // time that a virtual CPU wanted to run and the host did not let it
	BusyMS          int64   // time spent on programs, the kernel and interrupts
	IdleMS          int64   // time without work, waiting for disks included
	ContextSwitches int64   // on all CPUs
	Load            *Load   // nil when unknown
	Stalls          *Stalls // nil when the kernel doesn't keep them
	ThrottledMS     *int64  // time that quotas stopped our cgroup or one above it, summed over CPUs; nil when unknown
}

// Load is the number of threads that ran, wanted to run or waited for a disk,
// averaged over the last 1, 5 and 15 minutes.
type Load struct {
	One, Five, Fifteen float64
}

// Stalls is the time in which at least one task of the machine waited for a
// resource ("some" in /proc/pressure), in steps of 1 µs.
type Stalls struct {
	CPU    time.Duration `json:"cpu_ns"`
	Memory time.Duration `json:"memory_ns"`
	IO     time.Duration `json:"io_ns"`
}

// Delta is what the machine did between two [Counters], in their units.
type Delta struct {
	StealMS         int64   `json:"steal_ms"`
	BusyMS          int64   `json:"busy_ms"`
	IdleMS          int64   `json:"idle_ms"`
	ContextSwitches int64   `json:"context_switches"`
	ThrottledMS     *int64  `json:"throttled_ms,omitempty"` // nil when unknown at either end
	Stalls          *Stalls `json:"stalls,omitempty"`       // nil when unknown at either end
	// Backwards is true when a counter had run backwards, as happens when a CPU
	// is taken away. Such a counter gives 0, which is then not a measurement.
	Backwards bool `json:"backwards,omitempty"`
}

// Read reads the counters: about ten small files, well under a millisecond. It
// fails only when /proc/stat can't be read or understood.
func (s System) Read() (Counters, error) {
	t := s.tree()
	stat, err := t.Stat()
	if err != nil {
		return Counters{}, fmt.Errorf("reading the CPU times of the machine: %w (they need Linux's /proc)", err)
	}
	c := Counters{
		StealMS:         stat.StealMS,
		BusyMS:          stat.BusyMS,
		IdleMS:          stat.IdleMS,
		ContextSwitches: stat.Switches,
		Load:            readLoad(t),
		Stalls:          readStalls(t),
	}
	if group, err := t.Cgroup(); err == nil {
		if ms, ok := t.ThrottledMS(group); ok {
			c.ThrottledMS = &ms
		}
	}
	return c, nil
}

func readLoad(t kernel.Tree) *Load {
	f := strings.Fields(t.Word("proc/loadavg"))
	if len(f) < 3 {
		return nil
	}
	var v [3]float64
	for i := range v {
		x, err := strconv.ParseFloat(f[i], 64)
		if err != nil || !(x >= 0 && x < 1e9) {
			return nil
		}
		v[i] = x
	}
	return &Load{v[0], v[1], v[2]}
}

func readStalls(t kernel.Tree) *Stalls {
	var s Stalls
	for _, part := range []struct {
		name string
		to   *time.Duration
	}{{"cpu", &s.CPU}, {"memory", &s.Memory}, {"io", &s.IO}} {
		// some avg10=3.57 avg60=5.09 avg300=2.73 total=19367117
		line, _, _ := strings.Cut(strings.Join(t.Lines("proc/pressure/"+part.name), "\n"), "\n")
		_, total, ok := strings.Cut(line, "total=")
		us, err := strconv.ParseUint(total, 10, 53)
		if !ok || err != nil || !strings.HasPrefix(line, "some ") {
			return nil
		}
		*part.to = time.Duration(us) * time.Microsecond
	}
	return &s
}

// Since returns what happened from before to c. Both must come from the same
// boot of the same machine.
func (c Counters) Since(before Counters) Delta {
	var d Delta
	diff := func(after, before int64) int64 {
		if after < before {
			d.Backwards = true
			return 0
		}
		return after - before
	}
	d.StealMS = diff(c.StealMS, before.StealMS)
	d.BusyMS = diff(c.BusyMS, before.BusyMS)
	d.IdleMS = diff(c.IdleMS, before.IdleMS)
	d.ContextSwitches = diff(c.ContextSwitches, before.ContextSwitches)
	if c.ThrottledMS != nil && before.ThrottledMS != nil {
		ms := diff(*c.ThrottledMS, *before.ThrottledMS)
		d.ThrottledMS = &ms
	}
	if a, b := c.Stalls, before.Stalls; a != nil && b != nil {
		d.Stalls = &Stalls{
			CPU:    time.Duration(diff(int64(a.CPU), int64(b.CPU))),
			Memory: time.Duration(diff(int64(a.Memory), int64(b.Memory))),
			IO:     time.Duration(diff(int64(a.IO), int64(b.IO))),
		}
	}
	return d
}

// ForeignMS returns the CPU time in ms that others used: BusyMS less own, the
// user and system time of our process and its children. It is never negative.
// BusyMS is counted in ticks of 10 ms a CPU and own is exact, so anything below
// some 10 ms for each CPU can't be told from 0.
func (d Delta) ForeignMS(own time.Duration) int64 {
	return max(0, d.BusyMS-own.Milliseconds())
}
