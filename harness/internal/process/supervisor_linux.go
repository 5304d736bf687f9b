package process

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// watchVar asks this program to be the watcher of the supervisor with that token.
const watchVar = "TUNELAB_WATCH"

// A Supervisor runs children that don't outlive it.
type Supervisor struct {
	token   string
	watcher *exec.Cmd
	pipe    io.WriteCloser
	group   cgroup
	starter *starter // nil: every child is started by a thread of its own
	before  strangers
	outside atomic.Bool // a child could not be put into the cgroup
}

// NewSupervisor makes this process ready to run children. The token marks them; it must be unlike any other's.
func NewSupervisor(token string) (*Supervisor, error) {
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return nil, fmt.Errorf("becoming the reaper of what trials leave behind: %w", err)
	}
	s := &Supervisor{token: token, before: findStrangers(), group: newCgroup(token)}
	s.starter = newStarter(s.group)
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("starting the watcher: %w", err)
	}
	s.watcher = exec.Command(self)
	s.watcher.Env = append(os.Environ(), watchVar+"="+token)
	s.watcher.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if s.pipe, err = s.watcher.StdinPipe(); err == nil {
		err = s.watcher.Start()
	}
	if err != nil {
		s.starter.stop()
		return nil, errors.Join(fmt.Errorf("starting the watcher: %w", err), s.group.remove())
	}
	return s, nil
}

// Close ends the watcher and gives the cgroup back.
func (s *Supervisor) Close() error {
	s.starter.stop()
	s.pipe.Close()
	if err := s.watcher.Wait(); err != nil {
		return errors.Join(fmt.Errorf("ending the watcher: %w", err), s.group.remove())
	}
	return s.group.remove()
}

// WatchIfAsked makes this process a watcher if a supervisor started it as one: it sleeps until the supervisor is
// gone, ends what that left, and returns true. A program that runs children calls it first of all and ends when it
// returns true.
func WatchIfAsked() bool {
	token := os.Getenv(watchVar)
	if token == "" {
		return false
	}
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGPIPE)
	io.Copy(io.Discard, os.Stdin) // ends when the supervisor does
	EndLeftovers(token)
	return true
}

// Marks reports whether children have the supervisor's token in their environment: there is no cgroup to find them by.
func (s *Supervisor) Marks() bool { return s.group.dir == "" }

// EndLeftovers ends every process that the supervisor with that token had started, and returns how many there were.
func EndLeftovers(token string) (int, error) {
	group := openCgroup(token)
	n, err := endAll(func() []int {
		return append(marked(token), group.pids()...)
	})
	fenced, fenceErr := removeFences(token)
	return n + fenced, errors.Join(err, fenceErr, group.remove())
}

func childAttr() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
}

// start starts the child where the spec says: on its CPUs, in its fence, in the supervisor's own group.
func (s *Supervisor) start(cmd *exec.Cmd, spec Spec) error {
	start := func() error { return onCPUs(spec.CPUs, cmd.Start) }
	if s.starts(spec) {
		if spec.Fence == nil {
			return start()
		}
		return enter(spec.Fence.dirs, spec.Fence.v2, cmd.SysProcAttr, start)
	}
	if spec.Fence == nil {
		return s.inGroup(cmd.SysProcAttr, start)
	}
	fenced := func() error { return enter(spec.Fence.dirs, spec.Fence.v2, cmd.SysProcAttr, start) }
	if s.group.v2 && spec.Fence.v2 { // a process is in one group of a hierarchy: the fence finds what is left, too
		return fenced()
	}
	return s.inGroup(cmd.SysProcAttr, fenced)
}

// inGroup calls start so that the child is in the supervisor's group, and remembers where that could not be.
func (s *Supervisor) inGroup(attr *syscall.SysProcAttr, start func() error) error {
	entered, err := s.group.start(attr, start)
	if !entered {
		s.outside.Store(true)
	}
	return err
}

// sweep ends what the child with that pid left behind.
func (s *Supervisor) sweep(child int) (int, error) {
	killGroup(child)
	return endAll(func() []int {
		pids := append(s.orphans(), s.group.pids()...)
		if s.group.dir == "" || len(pids) > 0 { // looking into every process's environment takes milliseconds
			pids = append(pids, marked(s.token)...)
		}
		return pids
	})
}

// endAll kills what find finds until nothing is found, and returns how many processes it killed.
func endAll(find func() []int) (int, error) {
	killed := map[int]bool{}
	for wait := time.Duration(0); ; wait += time.Millisecond {
		alive := false
		for _, pid := range find() {
			if pid == os.Getpid() {
				continue
			}
			if !isZombie(pid) && unix.Kill(pid, unix.SIGKILL) == nil {
				killed[pid], alive = true, true
			}
			// Orphans of ours are ours to reap; others answer ECHILD.
			unix.Wait4(pid, nil, unix.WNOHANG, nil)
		}
		if !alive {
			return len(killed), nil
		}
		if wait > 100*time.Millisecond {
			return len(killed), fmt.Errorf("%w: %d of them after %d tries", errLeft, len(killed), wait/time.Millisecond)
		}
		time.Sleep(wait)
	}
}

func isFirstThread() bool { return unix.Gettid() == unix.Getpid() }

func killGroup(pid int) { unix.Kill(-pid, unix.SIGKILL) }

// anyLeft reports whether processes are there that a child which has ended may have left.
func (s *Supervisor) anyLeft() bool {
	return len(s.orphans()) > 0 || len(s.group.pids()) > 0 || s.group.dir == ""
}

// leftBy returns how many processes are left that have that entry in their environment or are among the children.
func (s *Supervisor) leftBy(entry string, children []int) int {
	found := map[int]bool{}
	for _, pid := range withEntry(entry) {
		found[pid] = true
	}
	for _, pid := range append(s.orphans(), s.group.pids()...) {
		if slices.Contains(children, pid) && !isZombie(pid) {
			found[pid] = true
		}
	}
	return len(found)
}

// below returns the process's children, and theirs.
func below(pid int) []int {
	var pids []int
	for _, child := range childrenOf(fmt.Sprintf("/proc/%d", pid)) {
		pids = append(append(pids, child), below(child)...)
	}
	return pids
}

// childrenOf returns the children of the process with that folder.
func childrenOf(dir string) []int {
	var pids []int
	tasks, err := os.ReadDir(dir + "/task")
	if err != nil {
		return nil
	}
	for _, task := range tasks {
		text, err := os.ReadFile(dir + "/task/" + task.Name() + "/children")
		if err != nil {
			continue
		}
		for _, f := range strings.Fields(string(text)) {
			if pid, err := strconv.Atoi(f); err == nil {
				pids = append(pids, pid)
			}
		}
	}
	return pids
}

// marked returns the processes that carry the token in their environment.
func marked(token string) []int { return withEntry(TokenVar + "=" + token) }

// withEntry returns the processes that have the entry, KEY=VALUE, in their environment.
func withEntry(text string) []int {
	want := []byte(text)
	var pids []int
	for _, pid := range allPids() {
		env, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
		if err != nil {
			continue
		}
		for _, entry := range bytes.Split(env, []byte{0}) {
			if bytes.Equal(entry, want) {
				pids = append(pids, pid)
				break
			}
		}
	}
	return pids
}

// orphans returns those of our own children that somebody left whom we had started: the one child that we ran has been
// waited for, and these were handed to us because whoever started them is gone. Those that have ended it lets go.
//
// Not every child of this process is such a one. A shell starts the readers of "> >(tee log)" as children of the process
// that then becomes this program, and what those start is handed to us, too. Where all of ours are in a cgroup, or in a
// fence, only what is in one is ours. Else it is what was not there before, and is in no process group that was.
func (s *Supervisor) orphans() []int {
	var pids []int
	spare := spared()
	fenced := s.group.dir != "" && !s.outside.Load()
	for _, pid := range childrenOf("/proc/self") {
		switch {
		case pid == s.watcher.Process.Pid || spare[pid]:
		case isZombie(pid): // nobody else will ask how it ended, and which cgroup it was in is not told any more
			unix.Wait4(pid, nil, unix.WNOHANG, nil)
		case inCgroupOf(pid, s.token) || !fenced && !s.before.has(pid):
			pids = append(pids, pid)
		}
	}
	return pids
}

// inCgroupOf reports whether a process is in a cgroup that bears the token, the supervisor's own or a fence.
func inCgroupOf(pid int, token string) bool {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cgroup")
	return err == nil && bytes.Contains(text, []byte(cgroupPrefix+token))
}

func allPids() []int {
	entries, err := os.ReadDir("/proc")
	if err != nil {
		return nil
	}
	var pids []int
	for _, e := range entries {
		if pid, err := strconv.Atoi(e.Name()); err == nil {
			pids = append(pids, pid)
		}
	}
	return pids
}

func isZombie(pid int) bool {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if errors.Is(err, os.ErrNotExist) {
		return true
	}
	i := bytes.LastIndexByte(text, ')')
	return i >= 0 && i+2 < len(text) && text[i+2] == 'Z'
}

// oomKills returns how many processes the kernel has killed for lack of memory since it booted.
func oomKills() int {
	text, err := os.ReadFile("/proc/vmstat")
	if err != nil {
		return 0
	}
	_, after, ok := strings.Cut(string(text), "\noom_kill ")
	if !ok {
		return 0
	}
	first, _, _ := strings.Cut(after, "\n")
	n, err := strconv.Atoi(first)
	if err != nil {
		return 0
	}
	return n
}

// OwnCPU is the CPU time that this process itself has used.
func OwnCPU() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// cpuOf is the CPU time that all threads of a process have used, 0 where that can't be had.
func cpuOf(pid int) time.Duration {
	clock := int32(^pid)<<3 | 2 // the kernel's MAKE_PROCESS_CPUCLOCK with CPUCLOCK_SCHED, see clock_getcpuclockid(3)
	var t unix.Timespec
	if err := unix.ClockGettime(clock, &t); err != nil {
		return 0
	}
	return time.Duration(t.Nano())
}
