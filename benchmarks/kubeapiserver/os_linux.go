package kubeapiserver

import (
	"os/exec"
	"syscall"
	"time"
)

// bindToParent has the kernel kill the command when the thread that starts it
// ends, and so with this process at the latest.
func bindToParent(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}

// sleep sleeps for d, to within a tenth of a millisecond. time.Sleep wakes up
// a millisecond late, because the runtime sleeps in epoll_wait, which counts
// milliseconds.
func sleep(d time.Duration) {
	left := syscall.NsecToTimespec(int64(d))
	_ = syscall.Nanosleep(&left, nil) // woken up early by a signal: pace looks at the clock
}
