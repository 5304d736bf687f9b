package machine

import (
	"strings"
	"time"
)

const clockDir = "sys/devices/system/clocksource/clocksource0/"

// clockSource tells whether the kernel reads the time from the CPU, in user
// mode, or asks a slow device.
func (e exam) clockSource() Check {
	c := Check{
		Name:   "clock source",
		Effect: "Every timestamp is read from it, and a slow one adds its own time, and its own noise, to every operation that is timed.",
	}
	now := e.tree.Word(clockDir + "current_clocksource")
	others := strings.Fields(e.tree.Word(clockDir + "available_clocksource"))
	if now == "" || strings.Contains(now, " ") {
		return e.hidden(c, clockDir+"current_clocksource")
	}
	switch now {
	case "tsc", "kvm-clock", "hyperv_clocksource_tsc_page", "arch_sys_counter", "timebase", "tod", "riscv_clocksource":
		return c.is(OK, "%s", now)
	case "hpet", "acpi_pm", "jiffies", "refined-jiffies", "pit":
		c = c.is(Bad, "%s: each reading is a system call to a slow device", now)
	case "xen", "hyperv_clocksource_msr":
		c = c.is(Warn, "%s: reading it may take a system call", now)
	default:
		c = c.is(Info, "%s, which is not known to be fast or slow: see the clock cost", now)
	}
	c.Advice = "boot with the kernel parameter tsc=reliable, if dmesg | grep -i tsc doesn't show that the TSC is really broken"
	if e.guest() {
		c.Advice = "the host decides which clocks it offers: choose another machine type"
	}
	for _, o := range others {
		if o == "tsc" {
			c.Advice = "echo tsc > /" + clockDir + "current_clocksource"
		}
	}
	return c
}

// clockCost tells what one time.Now costs. A vDSO reading takes 20 to 60 ns, a
// system call several times that.
func (e exam) clockCost() Check {
	c := Check{
		Name:   "clock cost",
		Effect: "A benchmark that times each operation on its own pays this twice per operation.",
		Advice: "time operations in batches of at least 100 times this cost, or choose a faster clock source",
	}
	const good, slow = 100 * time.Nanosecond, 400 * time.Nanosecond
	switch cost := e.cost; {
	case cost <= 0:
		return c.is(Unknown, "the loop took no measurable time")
	case cost < good:
		return c.is(OK, "time.Now takes %v", cost)
	case cost < slow:
		return c.is(Warn, "time.Now takes %v; %v is usual", cost, good/2)
	}
	return c.is(Bad, "time.Now takes %v, a system call or worse; %v is usual", e.cost, good/2)
}

// clockStep tells the clock's resolution.
func (e exam) clockStep() Check {
	c := Check{
		Name:   "clock resolution",
		Effect: "A duration is known to this step at best, so quantiles of shorter operations are steps and not times.",
		Advice: "time operations in batches that last at least 100 steps, or choose another clock source",
	}
	switch step := e.step; {
	case step <= 0:
		return c.is(Unknown, "the clock did not move while it was watched")
	case step < time.Microsecond:
		return c.is(OK, "smallest step seen: %v", step)
	case step < time.Millisecond:
		return c.is(Warn, "smallest step seen: %v", step)
	}
	return c.is(Bad, "smallest step seen: %v", e.step)
}
