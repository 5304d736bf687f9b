package machine

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tunelab/harness/machine/internal/kernel"
)

func (e exam) virtual() Check {
	c := Check{
		Name:   "virtual machine",
		Effect: "Guests of one host share caches, memory bandwidth and clock speed, and of that only steal can be seen from inside.",
		Advice: "can't be changed from inside: measure more blocks (a larger --budget), or take a dedicated or bare-metal machine",
	}
	switch e.hypervisor {
	case "none":
		return c.is(OK, "no: bare metal")
	case unknown:
		c = c.is(Unknown, "no sign of a hypervisor, but nothing that rules one out")
		c.Advice = "ask systemd-detect-virt, or whoever runs the machine"
		return c
	case "unnamed":
		return c.is(Info, "yes, under a hypervisor that doesn't tell its name")
	}
	return c.is(Info, "yes, under %s", e.hypervisor)
}

// watched returns what all CPUs did between the two looks, and its total in
// CPU-milliseconds; 0 when that is not known.
func (e exam) watched() (d Delta, total int64) {
	if e.before.statErr != nil || e.after.statErr != nil {
		return Delta{}, 0
	}
	a, b := e.after.stat, e.before.stat
	d = Counters{StealMS: a.StealMS, BusyMS: a.BusyMS, IdleMS: a.IdleMS}.
		Since(Counters{StealMS: b.StealMS, BusyMS: b.BusyMS, IdleMS: b.IdleMS})
	if d.Backwards {
		return Delta{}, 0
	}
	return d, d.StealMS + d.BusyMS + d.IdleMS
}

func (e exam) steal() Check {
	c := Check{
		Name:   "steal",
		Effect: "While the host runs somebody else our clock goes on, so times grow for no reason that lies in the program.",
		Advice: "can't be changed from inside: measure at a quieter hour, or take a machine with dedicated CPUs",
	}
	d, total := e.watched()
	if total == 0 {
		return e.hidden(c, "proc/stat")
	}
	boot := e.after.stat
	now := 100 * float64(d.StealMS) / float64(total)
	ever := 100 * float64(boot.StealMS) / float64(boot.StealMS+boot.BusyMS+boot.IdleMS)
	found := fmt.Sprintf("%.1f %% of CPU time now (%d of %d ms), %.1f %% since boot", now, d.StealMS, total, ever)
	switch {
	case e.hypervisor == "none" && boot.StealMS == 0:
		return c.is(OK, "none: bare metal")
	case boot.StealMS == 0:
		return c.is(Info, "none since boot: the host has time enough, or doesn't report what it takes")
	case now > 2:
		return c.is(Bad, "%s", found)
	case d.StealMS > 0 || ever >= 0.5:
		return c.is(Warn, "%s", found)
	}
	return c.is(OK, "%s", found)
}

func (e exam) load() Check {
	c := Check{
		Name:   "load average",
		Effect: "Threads of other programs take turns with the measured ones on the same CPUs.",
		Advice: "find them with top, or wait a minute if it was you: a build just now counts too",
	}
	load := readLoad(e.tree)
	if load == nil {
		return e.hidden(c, "proc/loadavg")
	}
	found := fmt.Sprintf("%.2f, %.2f, %.2f over 1, 5, 15 minutes; usable CPUs: %d", load.One, load.Five, load.Fifteen, e.usable())
	switch per := load.One / float64(e.usable()); {
	case per < 0.25:
		return c.is(OK, "%s", found)
	case per < 1:
		return c.is(Warn, "%s", found)
	}
	return c.is(Bad, "%s", found)
}

// user is a process and what it used between the two looks.
type user struct {
	kernel.Process
	ms int64
}

// background names the programs that used the CPUs between the two looks, not
// counting ourselves and our children.
func (e exam) background() Check {
	c := Check{
		Name:   "other programs",
		Effect: "They take CPU time and cache from the measured program, at moments that nobody chose.",
		Advice: "wait until whatever it is has ended, or look for it with top",
	}
	d, total := e.watched()
	self, ok := e.tree.Self()
	if total == 0 || !ok || e.online == 0 {
		return e.hidden(c, "proc/stat", "proc/self/stat")
	}
	length := float64(total) / float64(e.online) // wall time, ms
	share := func(ms int64) float64 { return 100 * float64(ms) / length }
	own, others := e.users(self)
	foreign := d.BusyMS - own
	var named int64
	var names []string
	for i, u := range others {
		named += u.ms
		if i < 3 && u.ms > 0 {
			names = append(names, fmt.Sprintf("%s (%d) %.0f %%", u.Name, u.PID, share(u.ms)))
		}
	}
	if rest := foreign - named; rest > 2*kernel.TickMS {
		names = append(names, fmt.Sprintf("interrupts and programs that can't be seen %.0f %%", share(rest)))
	}
	foreign = max(foreign, named, 0)
	found := fmt.Sprintf("%.0f %% of one CPU", share(foreign))
	if len(names) > 0 {
		found += ": " + strings.Join(names, ", ")
	}
	if len(others) > 0 && others[0].ms > 0 {
		c.Advice = fmt.Sprintf("stop it while measuring, if you can: see what it is with ps -fp %d", others[0].PID)
	}
	switch {
	case share(foreign) < 5:
		return c.is(OK, "%s", found)
	case share(foreign) < 25:
		return c.is(Warn, "%s", found)
	}
	return c.is(Bad, "%s", found)
}

// users returns the CPU time in ms that we and our descendants used between the
// two looks, and all others, the greediest first.
func (e exam) users(self int) (own int64, others []user) {
	before, parent := map[int]kernel.Process{}, map[int]int{}
	for _, p := range e.before.processes {
		before[p.PID] = p
	}
	for _, p := range e.after.processes {
		parent[p.PID] = p.Parent
	}
	for _, p := range e.after.processes {
		u := user{p, p.CPUMS}
		if b, ok := before[p.PID]; ok && b.Start == p.Start {
			u.ms = max(0, p.CPUMS-b.CPUMS)
		}
		if descends(p.PID, self, parent) {
			own += u.ms
		} else {
			others = append(others, u)
		}
	}
	slices.SortStableFunc(others, func(a, b user) int {
		return cmp.Or(cmp.Compare(b.ms, a.ms), cmp.Compare(a.PID, b.PID))
	})
	return own, others
}

// descends says whether pid is ancestor or one of its descendants. The walk is
// bounded, for a table read while it changes may hold a circle.
func descends(pid, ancestor int, parent map[int]int) bool {
	for range len(parent) + 1 {
		if pid == ancestor {
			return true
		}
		next, ok := parent[pid]
		if !ok || next == 0 {
			return false
		}
		pid = next
	}
	return false
}
