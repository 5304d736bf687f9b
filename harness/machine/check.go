package machine

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tunelab/harness/machine/internal/kernel"
)

// The states of a check.
const (
	OK      = "ok"      // does not disturb measurements
	Info    = "info"    // worth knowing; not better or worse than elsewhere
	Unknown = "unknown" // could not be read
	Warn    = "warn"    // makes measurements noisier, or some of them impossible
	Bad     = "bad"     // can turn a verdict round, or drown it
)

// window is how long the counters are watched for steal and other programs. A
// tick of 10 ms is 2 % of it, on one CPU.
const window = 500 * time.Millisecond

// Check is one thing about the machine that can disturb a measurement. All texts
// are single lines.
type Check struct {
	Name   string `json:"name"`
	State  string `json:"state"`  // one of the constants OK to Bad
	Found  string `json:"found"`  // what was seen, with units
	Effect string `json:"effect"` // what it does to measurements: one sentence
	Advice string `json:"advice"` // one command or action; never empty
}

// Checks looks at everything that is known to disturb measurements, in a fixed
// order. It takes about half a second, in which it should be the only work of
// this process: whatever else this process does then is not counted as noise.
func (s System) Checks() []Check {
	s.Probes = s.Probes.filled()
	e := exam{System: s, tree: s.tree()}
	e.hypervisor = hypervisor(e.tree)
	e.online = onlineCPUs(e.tree)
	e.allowed, _ = kernel.CountCPUs(e.tree.Value("proc/self/status", "Cpus_allowed_list"))
	e.cost, e.step = s.Probes.Clock()
	e.before = look(e.tree)
	s.Probes.Sleep(window)
	e.after = look(e.tree)
	var checks []Check
	for _, check := range []func() Check{
		e.clockSource, e.clockCost, e.clockStep,
		e.virtual, e.steal, e.load, e.background,
		e.cpus, e.quota, e.procs, e.numa, e.smt,
		e.governor, e.turbo, e.power, e.heat,
		e.aslr, e.hugePages, e.swap,
		e.counter, e.openFiles, e.disk,
	} {
		checks = append(checks, check())
	}
	return checks
}

// exam is one examination: the machine, what several checks need to know about
// it (0 when unknown), and two looks at what moves.
type exam struct {
	System
	tree            kernel.Tree
	hypervisor      string
	online, allowed int           // CPUs
	cost, step      time.Duration // of the clock
	before, after   moment
}

// moment is one look at what moves.
type moment struct {
	stat      kernel.Stat
	statErr   error
	processes []kernel.Process
	throttles int64 // times that a CPU was too hot; -1 when unknown
}

func look(t kernel.Tree) moment {
	m := moment{processes: t.Processes(), throttles: throttles(t)}
	m.stat, m.statErr = t.Stat()
	return m
}

// guest says whether this is a virtual machine for all that is known.
func (e exam) guest() bool {
	return e.hypervisor != "none" && e.hypervisor != unknown
}

// usable returns the CPUs that can be used, at least 1.
func (e exam) usable() int {
	if e.allowed > 0 {
		return e.allowed
	}
	return max(1, e.online)
}

// is fills in what was found. A check that is ok needs no advice.
func (c Check) is(state, found string, args ...any) Check {
	c.State, c.Found = state, fmt.Sprintf(found, args...)
	if state == OK {
		c.Advice = "nothing to do"
	}
	return c
}

// hidden is the result of a check whose files are missing or make no sense.
func (e exam) hidden(c Check, paths ...string) Check {
	files := "/" + strings.Join(paths, " /")
	c = c.is(Unknown, "can't be read, or makes no sense: %s", files)
	c.Advice = "see why: cat " + files + " (only Linux has it)"
	return c
}

// hostHidden is hidden for what a guest can neither see nor change.
func (e exam) hostHidden(c Check, paths ...string) Check {
	c = e.hidden(c, paths...)
	if e.guest() {
		c.Advice = "can't be seen or changed from inside a virtual machine: measure more blocks (a larger --budget), or take a machine of your own"
	}
	return c
}

// Advice sums checks up in one line that begins with the worst state found: the
// names of those that are bad or warn, and how many are unknown. It begins with
// "unknown" when half the checks or more are, and the rest are not bad or warn.
func Advice(checks []Check) string {
	names := map[string][]string{}
	for _, c := range checks {
		names[c.State] = append(names[c.State], c.Name)
	}
	var parts []string
	for _, state := range []string{Bad, Warn} {
		if len(names[state]) > 0 {
			parts = append(parts, state+": "+strings.Join(names[state], ", "))
		}
	}
	const few = 4
	hidden := ""
	switch n := len(names[Unknown]); {
	case n == len(checks):
		return "unknown: nothing could be checked on this machine"
	case n > few:
		hidden = fmt.Sprintf("unknown: %d of %d checks", n, len(checks))
	case n > 0:
		hidden = "unknown: " + strings.Join(names[Unknown], ", ")
	}
	if len(parts) == 0 && 2*len(names[Unknown]) >= len(checks) {
		return hidden + "; the others found nothing that disturbs measurements"
	}
	if len(parts) == 0 {
		parts = []string{"ok: nothing found that disturbs measurements"}
	}
	if hidden != "" {
		parts = append(parts, hidden)
	}
	return strings.Join(parts, "; ")
}

// tally writes how often each word occurs: "performance", or "performance (3),
// powersave (1)".
func tally(words []string) string {
	n := map[string]int{}
	for _, w := range words {
		n[w]++
	}
	if len(n) == 1 {
		return words[0]
	}
	var parts []string
	for w, k := range n {
		parts = append(parts, fmt.Sprintf("%s (%d)", w, k))
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}
