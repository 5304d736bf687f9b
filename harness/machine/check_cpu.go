package machine

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"unicode"

	"tunelab/harness/machine/internal/kernel"
)

const cpuDir = "sys/devices/system/cpu/"

// cpus compares the CPUs that are there with those that we may use. Two are few:
// a load generator, the measured program and the kernel share them.
func (e exam) cpus() Check {
	c := Check{
		Name:   "CPUs",
		Effect: "With few CPUs the measured program shares them with its load generator and the kernel, and nothing can be learned about scaling.",
		Advice: "use a machine with 4 CPUs or more; on this one compare single-threaded cases before parallel ones",
	}
	if e.online == 0 {
		return e.hidden(c, cpuDir+"online")
	}
	if e.allowed == 0 {
		return e.hidden(c, "proc/self/status")
	}
	found := fmt.Sprintf("%d online, %d usable", e.online, e.allowed)
	if list := e.tree.Word(cpuDir + "isolated"); list != "" {
		found += ", isolated from the scheduler: " + list
	}
	if e.allowed < e.online {
		found += ": the affinity of this process leaves some out"
		list := e.tree.Word(cpuDir + "online")
		if list == "" {
			list = fmt.Sprintf("0-%d", e.online-1)
		}
		c.Advice = fmt.Sprintf("give the shell all CPUs and start again: taskset -pc %s $$ (or start the container without --cpuset-cpus)", list)
	}
	switch {
	case e.allowed == 1:
		return c.is(Bad, "%s", found)
	case e.allowed < 4:
		return c.is(Warn, "%s", found)
	case e.allowed < e.online:
		return c.is(Info, "%s", found)
	}
	return c.is(OK, "%s", found)
}

// limit returns our cgroup's tightest CPU limit, its folder fit for a command.
// ok is false when it can't be told.
func (e exam) limit() (l kernel.Limit, g kernel.Cgroup, ok bool) {
	g, err := e.tree.Cgroup()
	if err != nil {
		return kernel.Limit{}, g, false
	}
	l, ok = e.tree.Limit(g)
	l.Dir = "/" + l.Dir
	if strings.ContainsFunc(l.Dir, func(r rune) bool { return r == ' ' || !unicode.IsPrint(r) }) {
		l.Dir = strconv.Quote(l.Dir)
	}
	return l, g, ok
}

func (e exam) quota() Check {
	c := Check{
		Name:   "CPU quota",
		Effect: "When a period's quota is used up all threads stop until the next period (usually 100 ms), so tail latencies are the quota's and not the program's.",
	}
	l, g, ok := e.limit()
	if !ok {
		c = e.hidden(c, "proc/self/cgroup", "proc/self/mountinfo")
		c.Advice = "mount the cgroup file system (mount -t cgroup2 none /sys/fs/cgroup), or ask who runs the container"
		return c
	}
	found := fmt.Sprintf("none (cgroup v%d)", g.Version)
	if l.CPUs > 0 {
		found = fmt.Sprintf("%.4g CPUs of %d, set in %s (cgroup v%d)", l.CPUs, e.usable(), l.Dir, g.Version)
	}
	if ms, ok := e.tree.ThrottledMS(g); ok && ms > 0 {
		found += fmt.Sprintf(", throttled for %d ms so far", ms)
	}
	if l.CPUs == 0 || l.CPUs >= float64(e.usable()) {
		return c.is(OK, "%s", found)
	}
	c.Advice = fmt.Sprintf("echo max > %s/cpu.max (as root, or start the container without --cpus)", l.Dir)
	if g.Version == 1 {
		c.Advice = fmt.Sprintf("echo -1 > %s/cpu.cfs_quota_us (as root, or start the container without --cpus)", l.Dir)
	}
	return c.is(Bad, "%s", found)
}

// procs compares GOMAXPROCS with what may be used. By default Go (since 1.25)
// takes the affinity or the cgroup's limit, whichever is less, but never less
// than 2 for the limit's sake, and it looks at its own cgroup only, not at those
// above (golang/go#81180).
func (e exam) procs() Check {
	c := Check{
		Name:   "GOMAXPROCS",
		Effect: "With more running threads than the quota pays for, the program is throttled; with fewer than CPUs, some stay idle.",
	}
	n := e.Probes.Procs()
	l, _, ok := e.limit()
	if e.allowed == 0 {
		return e.hidden(c, "proc/self/status")
	}
	if !ok {
		return e.hidden(c, "proc/self/cgroup", "proc/self/mountinfo")
	}
	found := fmt.Sprintf("%d; usable CPUs: %d", n, e.allowed)
	if l.CPUs > 0 {
		found += fmt.Sprintf("; quota: %.4g", l.CPUs)
	}
	set := func(n float64) string {
		return fmt.Sprintf("set it for all variants alike: env GOMAXPROCS=%.0f, or in the scenario's env", max(1, n))
	}
	switch {
	case l.CPUs > 0 && float64(n) > l.CPUs:
		c.Advice = set(math.Floor(l.CPUs)) + "; Go itself looks at its own cgroup only, and never goes below 2"
		if n > int(math.Ceil(l.CPUs)) {
			return c.is(Bad, "%s", found)
		}
		return c.is(Warn, "%s", found)
	case n > e.allowed:
		c.Advice = set(float64(e.allowed))
		return c.is(Warn, "%s", found)
	case n < e.allowed && (l.CPUs == 0 || float64(n) < math.Floor(l.CPUs)):
		c.Advice = "unset GOMAXPROCS, unless that was the question"
		return c.is(Info, "%s", found)
	}
	return c.is(OK, "%s", found)
}

func (e exam) numa() Check {
	c := Check{
		Name:   "NUMA nodes",
		Effect: "Memory of another node is farther away, and which node a process gets changes from trial to trial.",
		Advice: "keep everything on one node: numactl --cpunodebind=0 --membind=0 tunelab run …",
	}
	const path = "sys/devices/system/node/online"
	n, ok := e.tree.CPUs(path)
	switch {
	case !ok:
		return e.hidden(c, path)
	case n == 1 && e.guest():
		return c.is(OK, "1, as this guest sees it")
	case n == 1:
		return c.is(OK, "1")
	}
	return c.is(Warn, "%d", n)
}

func (e exam) smt() Check {
	c := Check{
		Name:   "SMT",
		Effect: "Two hardware threads share one core's units and caches, so a trial's speed depends on what its neighbour does.",
		Advice: "echo off > /" + cpuDir + "smt/control",
	}
	switch e.tree.Word(cpuDir + "smt/active") {
	case "1":
		return c.is(Warn, "on")
	case "0":
		if !e.guest() {
			return c.is(OK, "off (smt/control says %s)", or(e.tree.Word(cpuDir+"smt/control")))
		}
		c.Advice = "can't be changed from inside: choose a machine type that promises whole cores"
		return c.is(Info, "off as this guest sees it; whether its CPUs are threads of shared cores, only the host knows")
	}
	return e.hostHidden(c, cpuDir+"smt/active")
}
