package kernel

import (
	"fmt"
	"strconv"
	"strings"
)

// TickMS is the resolution of CPU times in /proc: USER_HZ is 100 in the ABI of
// every architecture that Go runs Linux on.
const TickMS = 10

// Stat is what /proc/stat counts since boot, over all CPUs, in milliseconds of
// CPU time that move in steps of [TickMS].
type Stat struct {
	BusyMS   int64 // user, nice, system, irq and softirq; guests are part of user
	IdleMS   int64 // idle and iowait
	StealMS  int64 // wanted to run, while the host ran somebody else
	Switches int64 // context switches
}

// Stat reads /proc/stat.
func (t Tree) Stat() (Stat, error) {
	const path = "proc/stat"
	text, err := t.Text(path)
	if err != nil {
		return Stat{}, err
	}
	var s Stat
	var times, switches bool
	for i, line := range strings.Split(text, "\n") {
		f := strings.Fields(line)
		if len(f) == 0 {
			continue
		}
		switch f[0] {
		case "cpu":
			if times = s.readTimes(f[1:]); !times {
				return Stat{}, fmt.Errorf("%s:%d: not the CPU times of a Linux kernel: %q", path, i+1, Clean(line))
			}
		case "ctxt":
			if len(f) == 2 {
				s.Switches, switches = count(f[1])
			}
		}
	}
	if !times || !switches {
		return Stat{}, fmt.Errorf("%s: no line of CPU times or none of context switches", path)
	}
	return s, nil
}

// readTimes reads the numbers of the "cpu" line: user nice system idle iowait
// irq softirq steal, and two that are already part of the first two.
func (s *Stat) readTimes(fields []string) bool {
	if len(fields) < 8 {
		return false
	}
	var ms [8]int64
	for i := range ms {
		var ok bool
		if ms[i], ok = ticksMS(fields[i]); !ok {
			return false
		}
	}
	s.BusyMS = ms[0] + ms[1] + ms[2] + ms[5] + ms[6]
	s.IdleMS = ms[3] + ms[4]
	s.StealMS = ms[7]
	return true
}

// ticksMS reads a CPU time in ticks and returns it in ms, small enough to add
// some tens of them.
func ticksMS(field string) (ms int64, ok bool) {
	n, ok := count(field)
	return n * TickMS, ok && n <= maxCount/TickMS/32
}

// Process is one process and the CPU time it has used.
type Process struct {
	PID, Parent int
	Name        string // as the kernel cuts it, at most 15 bytes; "?" when it isn't printable
	Start       int64  // ticks after boot; tells a reused PID from its first owner
	CPUMS       int64  // user and system time of all its threads, ms
}

// Processes returns every process that can be seen. Those that end while being
// read, and lines that make no sense, are left out.
func (t Tree) Processes() []Process {
	var all []Process
	for _, path := range t.Glob("proc/[0-9]*/stat") {
		text, err := t.Text(path)
		if err != nil {
			continue
		}
		if p, ok := parseProcess(text); ok {
			all = append(all, p)
		}
	}
	return all
}

// Self returns the PID of the calling process as this tree's /proc numbers it.
func (t Tree) Self() (pid int, ok bool) {
	text, err := t.Text("proc/self/stat")
	if err != nil {
		return 0, false
	}
	p, ok := parseProcess(text)
	return p.PID, ok
}

// parseProcess reads a line of /proc/PID/stat: "PID (name) state parent …". The
// name may hold spaces and parentheses, so it ends at the last one.
func parseProcess(text string) (Process, bool) {
	open, end := strings.IndexByte(text, '('), strings.LastIndexByte(text, ')')
	if open < 0 || end < open {
		return Process{}, false
	}
	// Field numbers as in proc(5), which counts the PID as 1 and the state,
	// here the first, as 3.
	const state, parent, user, system, start = 3, 4, 14, 15, 22
	f := strings.Fields(text[end+1:])
	if len(f) <= start-state {
		return Process{}, false
	}
	pid, err := strconv.Atoi(strings.TrimSpace(text[:open]))
	ppid, errParent := strconv.Atoi(f[parent-state])
	u, okU := ticksMS(f[user-state])
	s, okS := ticksMS(f[system-state])
	began, okB := count(f[start-state])
	if err != nil || errParent != nil || pid <= 0 || ppid < 0 || !okU || !okS || !okB {
		return Process{}, false
	}
	name := Clean(text[open+1 : end])
	if name == "" {
		name = "?"
	}
	return Process{PID: pid, Parent: ppid, Name: name, Start: began, CPUMS: u + s}, true
}
