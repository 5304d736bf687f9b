package process

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A Fence is a cgroup with limits: one directory in the unified hierarchy (v2), or one in each of the hierarchies of
// the memory and cpu controllers (v1). It bears the supervisor's token, so that it can be found and removed when the
// supervisor was killed.
type Fence struct {
	dirs   []string
	memory string // the one of dirs that counts kills for lack of memory
	v2     bool
}

// cpuPeriod is the kernel's default, in microseconds.
const cpuPeriod = 100_000

// NewFence makes a cgroup with the limits. The caller closes it when what runs in it has ended.
func (s *Supervisor) NewFence(l Limits) (*Fence, error) {
	f := &Fence{}
	err := f.make(s.token, l)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("making a cgroup with limits: %w; limits need root, or a cgroup delegated to you", err), f.Close())
	}
	return f, nil
}

func (f *Fence) make(token string, l Limits) error {
	groups, err := ownGroups()
	if err != nil {
		return err
	}
	name := fmt.Sprintf("%s%s-%d", cgroupPrefix, token, time.Now().UnixNano())
	if l.MemoryBytes > 0 && groups["memory"] == "" || l.CPUs > 0 && groups["cpu"] == "" {
		return f.makeUnified(groups["v2"], name, l)
	}
	bytes := strconv.FormatInt(l.MemoryBytes, 10)
	if l.MemoryBytes > 0 {
		dir, err := f.mkdir(groups["memory"], name)
		if err == nil {
			err = put(dir, "memory.limit_in_bytes", bytes)
		}
		if err != nil {
			return err
		}
		put(dir, "memory.memsw.limit_in_bytes", bytes) // absent where swap is not accounted for
		f.memory = dir
	}
	if l.CPUs > 0 {
		dir, err := f.mkdir(groups["cpu"], name)
		if err == nil {
			err = put(dir, "cpu.cfs_quota_us", strconv.Itoa(int(l.CPUs*cpuPeriod)))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// makeUnified makes the group beside our own in v2: a group that has processes may not hand controllers down, so that
// it can't be below.
func (f *Fence) makeUnified(own, name string, l Limits) error {
	if own == "" {
		return errors.New("no hierarchy of the memory or cpu controller is mounted")
	}
	f.v2 = true
	parent := own
	if _, err := os.Stat(filepath.Join(own, "cgroup.type")); err == nil { // the root has none, and may hold both
		parent = filepath.Dir(own)
	}
	put(parent, "cgroup.subtree_control", "+memory +cpu") // they may be handed down already
	dir, err := f.mkdir(parent, name)
	if err != nil {
		return err
	}
	if l.MemoryBytes > 0 {
		if err := put(dir, "memory.max", strconv.FormatInt(l.MemoryBytes, 10)); err != nil {
			return err
		}
		put(dir, "memory.swap.max", "0")
		f.memory = dir
	}
	if l.CPUs > 0 {
		return put(dir, "cpu.max", fmt.Sprintf("%d %d", int(l.CPUs*cpuPeriod), cpuPeriod))
	}
	return nil
}

func (f *Fence) mkdir(parent, name string) (string, error) {
	dir := filepath.Join(parent, name)
	if err := os.Mkdir(dir, 0o755); err != nil {
		return "", err
	}
	f.dirs = append(f.dirs, dir)
	return dir, nil
}

func put(dir, file, value string) error {
	return os.WriteFile(filepath.Join(dir, file), []byte(value), 0)
}

// Dirs returns the directories of the cgroup, one in each hierarchy.
func (f *Fence) Dirs() []string { return f.dirs }

// OOMKills returns how many of the processes in the fence the kernel has killed for lack of memory.
func (f *Fence) OOMKills() int {
	if f.memory == "" {
		return 0
	}
	file := "memory.oom_control"
	if f.v2 {
		file = "memory.events"
	}
	text, err := os.ReadFile(filepath.Join(f.memory, file))
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(text)) {
		if number, ok := strings.CutPrefix(line, "oom_kill "); ok {
			n, _ := strconv.Atoi(strings.TrimSpace(number))
			return n
		}
	}
	return 0
}

// Close ends what still runs in the fence and removes it.
func (f *Fence) Close() error {
	var errs []error
	for _, dir := range f.dirs {
		g := cgroup{dir: dir}
		_, err := endAll(g.pids)
		errs = append(errs, err, g.remove())
	}
	return errors.Join(errs...)
}

// removeFences removes what a killed supervisor with that token left.
func removeFences(token string) (ended int, err error) {
	groups, err := ownGroups()
	if err != nil {
		return 0, nil // no cgroups, no fences
	}
	for _, own := range groups {
		for _, parent := range []string{own, filepath.Dir(own)} {
			dirs, _ := filepath.Glob(filepath.Join(parent, cgroupPrefix+token+"-*"))
			for _, dir := range dirs {
				g := cgroup{dir: dir}
				n, e := endAll(g.pids)
				ended += n
				err = errors.Join(err, e, g.remove())
			}
		}
	}
	return ended, err
}

// ownGroups returns the folders of our own groups by controller, "v2" for that of the unified hierarchy.
func ownGroups() (map[string]string, error) {
	text, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return nil, err
	}
	found := map[string]string{}
	for _, line := range strings.Split(string(text), "\n") {
		f := strings.SplitN(line, ":", 3)
		if len(f) < 3 {
			continue
		}
		if f[0] == "0" && f[1] == "" {
			root := "/sys/fs/cgroup"
			if _, err := os.Stat(filepath.Join(root, "unified")); err == nil {
				root = filepath.Join(root, "unified")
			}
			found["v2"] = filepath.Join(root, f[2])
			continue
		}
		for _, controller := range strings.Split(f[1], ",") {
			dir := filepath.Join("/sys/fs/cgroup", f[1], f[2])
			if _, err := os.Stat(dir); err == nil {
				found[controller] = dir
			}
		}
	}
	return found, nil
}

// enter calls start, which starts a child from the calling thread, so that the child is in the groups from its first
// instruction: put there later, what it had started by then would be missing. In v1 a child begins in the groups of the
// thread that starts it, which goes there and back; it must be locked. In v2, where there is one group, the kernel puts
// the child there. An error without a call of start says that a group could not be entered.
func enter(dirs []string, v2 bool, attr *syscall.SysProcAttr, start func() error) error {
	if v2 {
		dir, err := os.Open(dirs[0])
		if err != nil {
			return fmt.Errorf("entering the cgroup: %w", err)
		}
		defer dir.Close()
		attr.UseCgroupFD, attr.CgroupFD = true, int(dir.Fd())
		return start()
	}
	tid := []byte(strconv.Itoa(unix.Gettid()))
	for _, dir := range dirs {
		if err := os.WriteFile(filepath.Join(dir, "tasks"), tid, 0); err != nil {
			return fmt.Errorf("entering the cgroup %s: %w", dir, err)
		}
		defer os.WriteFile(filepath.Join(filepath.Dir(dir), "tasks"), tid, 0)
	}
	return start()
}

// onCPUs calls start from a thread that may run on these CPUs only, so that the child begins with that affinity. The
// thread must be locked; it goes back afterwards.
func onCPUs(cpus []int, start func() error) error {
	if len(cpus) == 0 {
		return start()
	}
	var before, set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return fmt.Errorf("reading the CPU affinity: %w", err)
	}
	for _, cpu := range cpus {
		set.Set(cpu)
	}
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		return fmt.Errorf("setting the CPU affinity to %v: %w", cpus, err)
	}
	defer unix.SchedSetaffinity(0, &before)
	return start()
}

// UsableCPUs returns the CPUs that this process may run on.
func UsableCPUs() []int {
	var set unix.CPUSet
	if unix.SchedGetaffinity(0, &set) != nil {
		return nil
	}
	var cpus []int
	for cpu := range len(set) * 64 {
		if set.IsSet(cpu) {
			cpus = append(cpus, cpu)
		}
	}
	return cpus
}
