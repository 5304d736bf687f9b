package process

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// A cgroup holds the children of one supervisor, so that even those that left their session and cleared their
// environment can be found. The zero value, where no hierarchy is writable, holds nothing.
type cgroup struct {
	dir string
	v2  bool
}

const cgroupPrefix = "tunelab-"

// newCgroup makes the group in the first hierarchy that lets us: v1 pids or freezer, then v2.
func newCgroup(token string) cgroup {
	for _, parent := range cgroupParents() {
		dir := filepath.Join(parent, cgroupPrefix+token)
		if err := os.Mkdir(dir, 0o755); err != nil {
			continue
		}
		if f, err := os.OpenFile(filepath.Join(dir, "cgroup.procs"), os.O_WRONLY, 0); err == nil {
			f.Close()
			return cgroup{dir, isV2(dir)}
		}
		unix.Rmdir(dir)
	}
	return cgroup{}
}

// openCgroup finds the group that a supervisor with that token made.
func openCgroup(token string) cgroup {
	for _, parent := range cgroupParents() {
		dir := filepath.Join(parent, cgroupPrefix+token)
		if _, err := os.Stat(dir); err == nil {
			return cgroup{dir, isV2(dir)}
		}
	}
	return cgroup{}
}

// isV2 reports whether the group is one of the unified hierarchy, which has no tasks file.
func isV2(dir string) bool {
	_, err := os.Stat(filepath.Join(dir, "tasks"))
	return err != nil
}

// cgroupParents returns the folders of our own groups, in the order in which they serve.
func cgroupParents() []string {
	groups, err := ownGroups()
	if err != nil {
		return nil
	}
	var dirs []string
	for _, name := range []string{"pids", "freezer", "v2"} {
		if dir, ok := groups[name]; ok {
			dirs = append(dirs, dir)
		}
	}
	return dirs
}

// start calls start, which starts a child from the calling thread, so that the child is in the group from its first
// instruction: put there later, what it had started by then would be missing. The thread must be locked. Entered is false
// where the child was started outside, because there is no group or it could not be entered: the token and our being the
// reaper still find what it leaves.
func (g cgroup) start(attr *syscall.SysProcAttr, start func() error) (entered bool, err error) {
	if g.dir == "" {
		return false, start()
	}
	err = enter([]string{g.dir}, g.v2, attr, func() error {
		entered = true
		return start()
	})
	if !entered {
		return false, start()
	}
	return true, err
}

func (g cgroup) pids() []int {
	if g.dir == "" {
		return nil
	}
	text, err := os.ReadFile(filepath.Join(g.dir, "cgroup.procs"))
	if err != nil {
		return nil
	}
	var pids []int
	for _, f := range strings.Fields(string(text)) {
		if pid, err := strconv.Atoi(f); err == nil && pid != os.Getpid() { // the starter is there
			pids = append(pids, pid)
		}
	}
	return pids
}

// remove takes the group away. A process that was killed a moment ago still counts as being in it.
func (g cgroup) remove() error {
	if g.dir == "" {
		return nil
	}
	var err error
	for range 100 {
		if err = unix.Rmdir(g.dir); err != unix.EBUSY {
			break
		}
		time.Sleep(5 * time.Millisecond)
	}
	if err != nil && err != unix.ENOENT {
		return fmt.Errorf("removing the cgroup %s: %w", g.dir, err)
	}
	return nil
}
