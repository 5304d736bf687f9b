package machine

import (
	"errors"
	"io/fs"
	"strconv"
	"strings"
)

// aslr wants address randomisation on: each trial is a fresh process, so a
// layout that happens to be lucky is averaged out. Without it one layout's luck
// would look like an effect in every trial.
func (e exam) aslr() Check {
	c := Check{
		Name:   "ASLR",
		Effect: "Without it stack and heap lie at the same addresses in every trial, and the luck of that one layout looks like an effect of the change.",
		Advice: "sysctl -w kernel.randomize_va_space=2",
	}
	const path = "proc/sys/kernel/randomize_va_space"
	switch e.tree.Word(path) {
	case "2":
		return c.is(OK, "full (2): every trial has a layout of its own")
	case "1":
		return c.is(Info, "without the heap (1)")
	case "0":
		return c.is(Warn, "off (0)")
	}
	return e.hidden(c, path)
}

func (e exam) hugePages() Check {
	const path = "sys/kernel/mm/transparent_hugepage/enabled"
	c := Check{
		Name:   "huge pages",
		Effect: "The kernel joins pages to 2 MiB ones at moments of its own, so memory use and address translation differ from trial to trial.",
		Advice: "echo madvise > /" + path,
	}
	_, rest, _ := strings.Cut(e.tree.Word(path), "[")
	mode, _, _ := strings.Cut(rest, "]")
	switch mode {
	case "always":
		return c.is(Warn, "transparent huge pages: always")
	case "madvise", "never":
		return c.is(OK, "transparent huge pages: %s", mode)
	}
	return e.hidden(c, path)
}

func (e exam) swap() Check {
	c := Check{
		Name:   "swap",
		Effect: "A page that has to come back from the disk costs as much as millions of instructions, and which page that is, is chance.",
		Advice: "swapoff -a (needs enough free memory), or end what uses the memory",
	}
	total, okT := meminfo(e.tree, "SwapTotal")
	free, okF := meminfo(e.tree, "SwapFree")
	switch {
	case !okT || !okF || free > total:
		return e.hidden(c, "proc/meminfo")
	case total == 0:
		return c.is(OK, "none")
	case total == free:
		return c.is(OK, "%d MiB, none in use", total>>10)
	}
	return c.is(Warn, "%d of %d MiB in use", (total-free)>>10, total>>10)
}

// counter tries to open a hardware counter: whether that works can't be known
// in another way.
func (e exam) counter() Check {
	c := Check{
		Name:   "hardware counters",
		Effect: "Without them instructions and cycles can't be counted, so there are only times to compare.",
	}
	paranoid := e.tree.Word("proc/sys/kernel/perf_event_paranoid")
	err := e.Probes.OpenCounter()
	switch {
	case err == nil:
		return c.is(OK, "available (perf_event_paranoid %s)", or(paranoid))
	case errors.Is(err, errNotLinux):
		return e.hidden(c, "proc/sys/kernel/perf_event_paranoid")
	case errors.Is(err, fs.ErrPermission):
		c.Advice = "sysctl -w kernel.perf_event_paranoid=2, and in a container allow perf_event_open (--cap-add PERFMON)"
		return c.is(Info, "forbidden (perf_event_paranoid %s)", or(paranoid))
	case errors.Is(err, errors.ErrUnsupported) || errors.Is(err, fs.ErrNotExist):
		c.Advice = "not to be had here: use a machine that has them, or go by the times"
		if e.guest() {
			c.Advice = "can't be changed from inside: the host doesn't pass them on; go by the times"
		}
		return c.is(Info, "none (perf_event_open: %v)", err)
	}
	c.Advice = "see what perf stat true says"
	return c.is(Unknown, "perf_event_open: %v", err)
}

// openFiles reads the limit as a Go program sees it: Go raises the soft limit to
// the hard one when it starts.
func (e exam) openFiles() Check {
	c := Check{
		Name:   "open files",
		Effect: "Each connection is a file, so a case that opens more than this fails.",
		Advice: "ulimit -Hn 65536 in a root shell, and start from there",
	}
	const path = "proc/self/limits"
	soft, hard := "", ""
	for _, line := range e.tree.Lines(path) {
		if rest, ok := strings.CutPrefix(line, "Max open files "); ok {
			if f := strings.Fields(rest); len(f) >= 2 {
				soft, hard = f[0], f[1]
			}
		}
	}
	n, err := strconv.ParseUint(hard, 10, 63)
	if _, errSoft := strconv.ParseUint(soft, 10, 63); soft != "unlimited" && errSoft != nil || hard != "unlimited" && err != nil {
		return e.hidden(c, path)
	}
	if caps, err := strconv.ParseUint(e.tree.Value("proc/self/status", "CapEff"), 16, 64); err == nil && caps>>24&1 == 0 {
		c.Advice = "this process lacks CAP_SYS_RESOURCE and can't raise it: ask who started it, or spread connections over several processes"
	}
	switch {
	case hard == "unlimited" || n >= 65536:
		return c.is(OK, "%s, at most %s", soft, hard)
	case n >= 4096:
		return c.is(Info, "%s, at most %s", soft, hard)
	}
	return c.is(Warn, "%s, at most %s", soft, hard)
}

func (e exam) disk() Check {
	c := Check{
		Name:   "disk space",
		Effect: "A full disk ends a run in its middle, and a nearly full one makes the writes that are measured slower.",
		Advice: "remove old runs, or write elsewhere with --results DIR",
	}
	n, err := e.Probes.FreeBytes(e.dir())
	const mib, least, good = 1 << 20, 200 << 20, 2 << 30
	switch {
	case err != nil:
		return c.is(Unknown, "%v", err)
	case n >= good:
		return c.is(OK, "%.1f GiB free for %s", float64(n)/(1<<30), e.dir())
	case n >= least:
		return c.is(Warn, "%d MiB free for %s", n/mib, e.dir())
	}
	return c.is(Bad, "%d MiB free for %s", n/mib, e.dir())
}
