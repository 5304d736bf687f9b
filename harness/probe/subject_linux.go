package probe

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// launch starts the process and returns when it runs.
//
// It starts from a thread of its own. A child inherits its CPUs and its v1
// cgroups from the thread that forks it, so that thread goes there first, and
// nothing of the generator does. And the parent-death signal is sent when that
// *thread* ends, not when the process does; so the thread waits for the
// child's end, and the goroutine never unlocks it: a thread that has been
// moved about is not given back.
func (s *Subject) launch(where placement) error {
	started := make(chan error, 1)
	go onThread(func() {
		err := s.fork(where)
		started <- err
		if err == nil {
			s.exit = s.cmd.Wait()
			close(s.ended)
		}
	})
	return <-started
}

// onThread runs do in a thread that is not the process's first: moving that one
// into a cgroup would move the whole process's memory.
func onThread(do func()) {
	runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
	if unix.Gettid() != unix.Getpid() {
		do()
		return
	}
	done := make(chan struct{})
	go func() { // this goroutine holds the first thread meanwhile
		defer close(done)
		onThread(do)
	}()
	<-done
	runtime.UnlockOSThread() // unharmed
}

// fork moves the thread to where the subject shall run and starts it.
func (s *Subject) fork(where placement) error {
	attr := &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	s.cmd.SysProcAttr = attr
	if len(where.cpus) > 0 {
		var set unix.CPUSet
		for _, cpu := range where.cpus {
			set.Set(cpu)
		}
		if err := unix.SchedSetaffinity(0, &set); err != nil {
			return fmt.Errorf("pinning it to CPUs %v: %w", where.cpus, err)
		}
	}
	for _, dir := range where.cgroups {
		err := joinV1(dir)
		if errors.Is(err, fs.ErrNotExist) {
			var folder *os.File
			if folder, err = os.Open(dir); err == nil {
				defer folder.Close()
				attr.UseCgroupFD, attr.CgroupFD = true, int(folder.Fd())
			}
		}
		if err != nil {
			return fmt.Errorf("entering a cgroup: %w", err)
		}
	}
	return s.cmd.Start()
}

// joinV1 moves the calling thread into a cgroup of version 1. The error is
// fs.ErrNotExist when it is none.
func joinV1(dir string) error {
	tasks, err := os.OpenFile(filepath.Join(dir, "tasks"), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = tasks.WriteString("0") // the thread that writes
	return errors.Join(err, tasks.Close())
}

// cpuTime is the CPU time of all threads that the subject has had, user and
// system, to the nanosecond: not the 10 ms ticks of /proc. Its children are not
// in it.
func (s *Subject) cpuTime() (time.Duration, error) {
	// The kernel's MAKE_PROCESS_CPUCLOCK with CPUCLOCK_SCHED; what
	// clock_getcpuclockid(3) returns.
	clock := int32(^s.Pid())<<3 | 2
	var t unix.Timespec
	if err := unix.ClockGettime(clock, &t); err != nil {
		return 0, fmt.Errorf("the CPU clock of process %d: %w", s.Pid(), err)
	}
	return time.Duration(t.Nano()), nil
}
