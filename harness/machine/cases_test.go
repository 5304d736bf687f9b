package machine

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"
)

// bare makes a machine of pairs of a path and its contents.
func bare(t *testing.T, probes string, pairs ...string) System {
	t.Helper()
	files := fstest.MapFS{}
	for i := 0; i < len(pairs); i += 2 {
		files[pairs[i]] = &fstest.MapFile{Data: []byte(pairs[i+1])}
	}
	s := System{files: files, Probes: fakeProbes(t, probes)}
	s.Probes.Sleep = func(time.Duration) {}
	return s
}

// is compares a check's state and what it found, and its advice where want has
// a third part.
func is(t *testing.T, checks []Check, name, want string) {
	t.Helper()
	for _, c := range checks {
		if c.Name != name {
			continue
		}
		got := c.State + " | " + c.Found
		if strings.Count(want, " | ") >= 2 {
			got += " | " + c.Advice
		}
		if got != want {
			t.Errorf("%s\n got %s\nwant %s", name, got, want)
		}
		return
	}
	t.Errorf("no check is called %s", name)
}

func TestClockSources(t *testing.T) {
	const set = "echo tsc > /sys/devices/system/clocksource/clocksource0/current_clocksource"
	for _, test := range []struct{ now, available, want string }{
		{"tsc", "tsc hpet", "ok | tsc"},
		{"kvm-clock", "kvm-clock tsc", "ok | kvm-clock"},
		{"acpi_pm", "tsc acpi_pm", "bad | acpi_pm: each reading is a system call to a slow device | " + set},
		{"hpet", "hpet acpi_pm", "bad | hpet: each reading is a system call to a slow device | boot with the kernel parameter " +
			"tsc=reliable, if dmesg | grep -i tsc doesn't show that the TSC is really broken"},
		{"xen", "xen tsc", "warn | xen: reading it may take a system call | " + set},
		{"sundial", "sundial", "info | sundial, which is not known to be fast or slow: see the clock cost"},
	} {
		s := bare(t, "", clockDir+"current_clocksource", test.now+"\n", clockDir+"available_clocksource", test.available+" \n")
		is(t, s.Checks(), "clock source", test.want)
	}
}

func TestProcs(t *testing.T) {
	const unset = "unset GOMAXPROCS, unless that was the question"
	for _, test := range []struct {
		procs int
		max   string // of the cgroup; "" for no cgroup
		want  string
	}{
		{4, "max 100000", "ok | 4; usable CPUs: 4"},
		{2, "max 100000", "info | 2; usable CPUs: 4 | " + unset},
		{8, "max 100000", "warn | 8; usable CPUs: 4 | set it for all variants alike: env GOMAXPROCS=4, or in the scenario's env"},
		{3, "250000 100000", "warn | 3; usable CPUs: 4; quota: 2.5"}, // what Go chooses itself
		{2, "250000 100000", "ok | 2; usable CPUs: 4; quota: 2.5"},
		{1, "250000 100000", "info | 1; usable CPUs: 4; quota: 2.5 | " + unset},
		{2, "50000 100000", "bad | 2; usable CPUs: 4; quota: 0.5"},
		{4, "", "unknown | can't be read, or makes no sense: /proc/self/cgroup /proc/self/mountinfo"},
	} {
		files := []string{"proc/self/status", "Cpus_allowed_list:\t0-3\n"}
		if test.max != "" {
			files = append(files, "proc/self/cgroup", "0::/\n", "proc/self/mountinfo",
				"30 23 0:26 / /cg rw - cgroup2 cgroup2 rw\n", "cg/cpu.max", test.max+"\n")
		}
		is(t, bare(t, fmt.Sprintf("procs %d", test.procs), files...).Checks(), "GOMAXPROCS", test.want)
	}
}

func TestHypervisors(t *testing.T) {
	const info, dmi = "proc/cpuinfo", "sys/class/dmi/id/"
	const guest, host = "flags\t: fpu tsc hypervisor\n", "flags\t: fpu tsc\n"
	for _, test := range []struct {
		want  string
		files []string
	}{
		{"none", []string{info, host}},
		{"none", []string{info, host, dmi + "sys_vendor", "Amazon EC2\n", dmi + "product_name", "c5.metal\n"}},
		{"unnamed", []string{info, guest}},
		{"vmware", []string{info, guest, dmi + "sys_vendor", "VMware, Inc.\n"}},
		{"hyper-v", []string{info, guest, dmi + "sys_vendor", "Microsoft Corporation\n", dmi + "product_name", "Virtual Machine\n"}},
		{"unnamed", []string{info, guest, dmi + "sys_vendor", "Microsoft Corporation\n", dmi + "product_name", "Surface\n"}},
		{"kvm", []string{info, guest, clockDir + "available_clocksource", "kvm-clock tsc\n"}},
		{"xen", []string{"proc/device-tree/hypervisor/compatible", "xen,xen-4.11\x00xen,xen\x00"}},
		{"unknown", []string{info, "Features\t: fp asimd\n", dmi + "sys_vendor", "Amazon EC2\n", dmi + "product_name", "m6g.metal\n"}},
		{"unknown", nil},
	} {
		if got := bare(t, "", test.files...).Identity().Hypervisor; got != test.want {
			t.Errorf("%q: %s, want %s", test.files, got, test.want)
		}
	}
}

func TestPower(t *testing.T) {
	supply := func(name, kind, file, value string) []string {
		dir := "sys/class/power_supply/" + name + "/"
		return []string{dir + "type", kind + "\n", dir + file, value + "\n"}
	}
	battery := func(status string) []string { return supply("BAT0", "Battery", "status", status) }
	mains := func(online string) []string { return supply("AC", "Mains", "online", online) }
	for _, test := range []struct {
		want  string
		files [][]string
	}{
		{"bad | on battery", [][]string{battery("Discharging"), mains("0")}},
		{"bad | on battery", [][]string{battery("Discharging")}},
		{"ok | a battery, not discharging", [][]string{battery("Not charging"), mains("1")}},
		{"ok | no battery", [][]string{mains("1")}},
		{"warn | plugged in, and discharging the battery all the same",
			[][]string{battery("Discharging"), mains("0"), supply("usb", "USB_PD", "online", "1")}},
		{"unknown | can't be read, or makes no sense: /sys/class/power_supply/BAT0/*", [][]string{battery("Unknown"), mains("1")}},
	} {
		var files []string
		for _, f := range test.files {
			files = append(files, f...)
		}
		is(t, bare(t, "", files...).Checks(), "power", test.want)
	}
}
