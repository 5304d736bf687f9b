package machine

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"

	"tunelab/harness/machine/internal/kernel"
)

// Identity says which machine this is. Texts are single printable lines of at
// most about 200 bytes, "unknown" when they could not be read; numbers are then 0.
type Identity struct {
	CPU         string `json:"cpu"` // model name; on ARM, which has none, implementer and part
	GOOS        string `json:"goos"`
	GOARCH      string `json:"goarch"`
	Kernel      string `json:"kernel"`       // release, as of uname -r
	CPUs        int    `json:"cpus"`         // logical CPUs that this process may run on
	OnlineCPUs  int    `json:"online_cpus"`  // logical CPUs that the kernel runs
	MemoryBytes int64  `json:"memory_bytes"` // what the kernel manages: somewhat less than is built in
	BootID      string `json:"boot_id"`      // a random UUID, new at each boot
	// Hypervisor is "none" on bare metal, else the virtual machine monitor's
	// name, or "unnamed" when there is one that doesn't tell its name.
	Hypervisor string `json:"hypervisor"`
	// Machine is 12 hexadecimal digits, the same at every boot: a hash of CPU,
	// OnlineCPUs, the memory in GiB rounded up, and the machine-id file.
	// The file's contents can't be told from it. It is "unknown" when neither
	// the CPU nor the machine-id is known, for such hashes would all be equal.
	Machine string `json:"machine"`
}

// Identity reads who this machine is.
func (s System) Identity() Identity {
	t := s.tree()
	id := Identity{
		CPU:        or(cpuModel(t)),
		GOOS:       runtime.GOOS,
		GOARCH:     runtime.GOARCH,
		Kernel:     or(t.Word("proc/sys/kernel/osrelease")),
		OnlineCPUs: onlineCPUs(t),
		BootID:     or(bootID.FindString(t.Word("proc/sys/kernel/random/boot_id"))),
		Hypervisor: hypervisor(t),
	}
	id.CPUs, _ = kernel.CountCPUs(t.Value("proc/self/status", "Cpus_allowed_list"))
	if kib, ok := meminfo(t, "MemTotal"); ok {
		id.MemoryBytes = kib * 1024
	}
	id.Machine = id.hash(machineID(t))
	return id
}

var (
	bootID      = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
	machineIDRE = regexp.MustCompile(`^[0-9a-f]{32}$`)
)

// hash makes Machine. GiB are rounded up, not to the nearest: a machine of 16
// GiB shows about 15.5 of them, and a kernel update that moved it across the half
// would make it another machine.
func (id Identity) hash(machineID string) string {
	if id.CPU == unknown && machineID == "" {
		return unknown
	}
	const gib = 1 << 30
	text := fmt.Sprintf("tunelab machine 1\n%s\n%d\n%d\n%s\n",
		id.CPU, id.OnlineCPUs, (id.MemoryBytes+gib-1)/gib, machineID)
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])[:12]
}

// machineID returns the id that systemd or D-Bus made when the system was
// installed, "" when there is none.
func machineID(t kernel.Tree) string {
	for _, path := range []string{"etc/machine-id", "var/lib/dbus/machine-id"} {
		if id := t.Word(path); machineIDRE.MatchString(id) {
			return id
		}
	}
	return ""
}

func cpuModel(t kernel.Tree) string {
	const path = "proc/cpuinfo"
	for _, key := range []string{"model name", "cpu model", "cpu", "uarch"} { // x86, MIPS, POWER, RISC-V
		if name := kernel.Clean(t.Value(path, key)); name != "" {
			return name
		}
	}
	implementer, part := kernel.Clean(t.Value(path, "CPU implementer")), kernel.Clean(t.Value(path, "CPU part"))
	if implementer != "" && part != "" {
		return "ARM implementer " + implementer + " part " + part
	}
	return ""
}

// onlineCPUs returns the number of CPUs that the kernel runs, 0 when unknown.
func onlineCPUs(t kernel.Tree) int {
	if n, ok := t.CPUs("sys/devices/system/cpu/online"); ok {
		return n
	}
	n := 0
	for _, line := range t.Lines("proc/cpuinfo") {
		if key, _, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == "processor" {
			n++
		}
	}
	return n
}

// meminfo returns a line of /proc/meminfo in KiB.
func meminfo(t kernel.Tree, key string) (kib int64, ok bool) {
	text, isKB := strings.CutSuffix(t.Value("proc/meminfo", key), " kB")
	n, err := strconv.ParseUint(text, 10, 52)
	return int64(n), isKB && err == nil
}

// hypervisor names the virtual machine monitor, "none" or "unknown". On x86 a
// CPU flag says for sure whether there is one; elsewhere only a monitor that
// shows itself is known of.
func hypervisor(t kernel.Tree) string {
	flags := strings.Fields(t.Value("proc/cpuinfo", "flags"))
	flagged := slices.Contains(flags, "hypervisor")
	if slices.Contains(flags, "fpu") && !flagged { // every x86 CPU has that one
		return "none"
	}
	if name := hypervisorName(t); name != "" {
		return name
	}
	if flagged {
		return "unnamed"
	}
	return unknown
}

// hypervisorName looks for a monitor's name: a clock that only its guests have,
// Xen's own file, the device tree, or the name of the pretended hardware.
func hypervisorName(t kernel.Tree) string {
	clocks := t.Word("sys/devices/system/clocksource/clocksource0/available_clocksource")
	tree, _ := t.Text("proc/device-tree/hypervisor/compatible") // several strings, each ended by a zero
	hardware := t.Word("sys/class/dmi/id/sys_vendor") + " " + t.Word("sys/class/dmi/id/product_name")
	if strings.Contains(hardware, ".metal") { // EC2 names whole machines so
		hardware = ""
	}
	for _, sign := range []struct{ text, part, name string }{
		{clocks, "kvm-clock", "kvm"},
		{clocks, "hyperv", "hyper-v"},
		{clocks, "xen", "xen"},
		{t.Word("sys/hypervisor/type"), "xen", "xen"},
		{tree, "kvm", "kvm"},
		{tree, "xen", "xen"},
		{hardware, "KVM", "kvm"},
		{hardware, "QEMU", "qemu"},
		{hardware, "VMware", "vmware"},
		{hardware, "VirtualBox", "virtualbox"},
		{hardware, "Parallels", "parallels"},
		{hardware, "Microsoft Corporation Virtual Machine", "hyper-v"},
		{hardware, "Google Compute Engine", "google compute engine"},
		{hardware, "Amazon EC2", "amazon ec2"},
	} {
		if strings.Contains(sign.text, sign.part) {
			return sign.name
		}
	}
	return ""
}
