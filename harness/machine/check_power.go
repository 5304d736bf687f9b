package machine

import (
	"fmt"
	"slices"
	"strings"

	"tunelab/harness/machine/internal/kernel"
)

// governor looks at who chooses the clock speed of each CPU.
func (e exam) governor() Check {
	c := Check{
		Name:   "frequency governor",
		Effect: "It changes the clock speed with the load, so the same work takes another time after an idle moment than in the middle of work.",
		Advice: "cpupower frequency-set -g performance, or echo performance | tee /" + cpuDir + "cpu*/cpufreq/scaling_governor",
	}
	paths := e.tree.Glob(cpuDir + "cpu[0-9]*/cpufreq/scaling_governor")
	var found, drivers []string
	state := OK
	for _, path := range paths {
		if _, err := e.tree.Text(path); err != nil {
			continue // a CPU that was taken offline, perhaps by turning SMT off
		}
		word := e.tree.Word(path)
		driver := e.tree.Word(strings.Replace(path, "scaling_governor", "scaling_driver", 1))
		switch {
		case word == "performance":
		case word == "powersave" && driver != "intel_pstate" && !strings.HasPrefix(driver, "amd-pstate-epp"):
			state = Bad // the lowest speed all the time; under these two it is a balance
		case word == "powersave", word == "ondemand", word == "conservative", word == "schedutil", word == "interactive":
			state = worse(state, Warn)
		case word == "userspace":
			state = worse(state, Info)
		default:
			return e.hostHidden(c, path)
		}
		found = append(found, word)
		drivers = append(drivers, or(driver))
	}
	if len(found) == 0 {
		return e.hostHidden(c, cpuDir+"cpu*/cpufreq/scaling_governor")
	}
	return c.is(state, "%s, driver %s", tally(found), tally(drivers))
}

// worse returns the worse of two states.
func worse(a, b string) string {
	for _, state := range []string{Bad, Warn, Unknown, Info} {
		if a == state || b == state {
			return state
		}
	}
	return OK
}

// turbo looks at the two switches: Intel's says "no turbo", the general one
// "boost".
func (e exam) turbo() Check {
	c := Check{
		Name:   "turbo",
		Effect: "The clock goes above its nominal speed while heat and the other cores allow, so speed falls as the machine warms up or fills.",
	}
	const intel, general = cpuDir + "intel_pstate/no_turbo", cpuDir + "cpufreq/boost"
	value := e.tree.Word(intel)
	c.Advice = "echo 1 > /" + intel
	on := "0"
	if value == "" {
		value = e.tree.Word(general)
		c.Advice = "echo 0 > /" + general
		on = "1"
	}
	switch {
	case value != "0" && value != "1":
		return e.hostHidden(c, intel, general)
	case value == on:
		return c.is(Warn, "on")
	}
	return c.is(OK, "off")
}

// power asks whether the machine runs on its battery.
func (e exam) power() Check {
	c := Check{
		Name:   "power",
		Effect: "On battery the firmware caps and varies the clock speed.",
		Advice: "plug the machine in",
	}
	const dir = "sys/class/power_supply"
	if !e.tree.IsDir(dir) {
		return e.hostHidden(c, dir)
	}
	var battery, draining, plugged bool
	for _, path := range e.tree.Glob(dir + "/*/type") {
		supply := strings.TrimSuffix(path, "type")
		kind, status, online := e.tree.Word(path), e.tree.Word(supply+"status"), e.tree.Word(supply+"online")
		switch {
		case kind == "Battery" && e.tree.Word(supply+"scope") == "Device": // a mouse has one too
		case kind == "Battery" && slices.Contains([]string{"Charging", "Discharging", "Not charging", "Full"}, status):
			battery = true
			draining = draining || status == "Discharging"
		case (kind == "Mains" || strings.HasPrefix(kind, "USB")) && slices.Contains([]string{"0", "1", "2"}, online):
			plugged = plugged || online != "0"
		case kind == "UPS" || kind == "Wireless" || kind == "Unknown":
		default:
			return e.hidden(c, supply+"*")
		}
	}
	switch {
	case draining && plugged:
		return c.is(Warn, "plugged in, and discharging the battery all the same")
	case draining:
		return c.is(Bad, "on battery")
	case battery:
		return c.is(OK, "a battery, not discharging")
	}
	return c.is(OK, "no battery")
}

const throttleFiles = cpuDir + "cpu[0-9]*/thermal_throttle/*_throttle_count"

// throttles adds up how often the CPUs were slowed down for their heat since
// boot; -1 when unknown. A package counts once for each of its CPUs.
func throttles(t kernel.Tree) int64 {
	paths := t.Glob(throttleFiles)
	var sum int64
	for _, path := range paths {
		n, ok := t.Number(path)
		if !ok || n < 0 || n > 1<<40 {
			return -1
		}
		sum += n
	}
	if len(paths) == 0 {
		return -1
	}
	return sum
}

func (e exam) heat() Check {
	c := Check{
		Name:   "heat",
		Effect: "A CPU that gets too hot runs slower until it has cooled down, so later trials differ from earlier ones.",
		Advice: "cool the machine, or set a lower speed that it can hold: cpupower frequency-set -u 2GHz",
	}
	if e.before.throttles < 0 || e.after.throttles < 0 {
		return e.hostHidden(c, throttleFiles)
	}
	found := fmt.Sprintf("slowed down %d times since boot", e.after.throttles)
	switch now := e.after.throttles - e.before.throttles; {
	case now > 0:
		return c.is(Bad, "%s, %d of them just now", found, now)
	case e.after.throttles > 0:
		return c.is(Warn, "%s, not just now", found)
	}
	return c.is(OK, "never slowed down since boot")
}
