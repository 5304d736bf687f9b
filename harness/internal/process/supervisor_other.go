//go:build !linux

package process

import (
	"errors"
	"os/exec"
	"syscall"
	"time"
)

// A Supervisor runs children. Only on Linux do those that leave their process group not outlive it.
type Supervisor struct {
	token   string
	starter *starter
	group   cgroup
}

// There are no cgroups here.
type cgroup struct{}

func (cgroup) pids() []int { return nil }

// There are no starters here.
type starter struct{}

func (*starter) do(func()) {}

func (s *Supervisor) starts(Spec) bool { return false }

// NewSupervisor makes this process ready to run children. The token marks them.
func NewSupervisor(token string) (*Supervisor, error) { return &Supervisor{token: token}, nil }

// Close does nothing here.
func (s *Supervisor) Close() error { return nil }

// WatchIfAsked returns false: there is no watcher here.
func WatchIfAsked() bool { return false }

// EndLeftovers finds nothing here.
func EndLeftovers(string) (int, error) { return 0, nil }

// Marks returns true: children can't be found by anything but the token in their environment.
func (s *Supervisor) Marks() bool { return true }

func childAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

func (s *Supervisor) start(cmd *exec.Cmd, spec Spec) error {
	if len(spec.CPUs) > 0 {
		return errors.New("binding a process to CPUs is done on Linux only")
	}
	return cmd.Start()
}

// A Fence is a cgroup with limits, which only Linux has.
type Fence struct{}

// NewFence returns an error.
func (s *Supervisor) NewFence(Limits) (*Fence, error) {
	return nil, errors.New("limits need the cgroups of Linux")
}

// Dirs returns nothing.
func (f *Fence) Dirs() []string { return nil }

// OOMKills returns 0.
func (f *Fence) OOMKills() int { return 0 }

// Close does nothing.
func (f *Fence) Close() error { return nil }

// UsableCPUs returns nothing: it is not known here.
func UsableCPUs() []int { return nil }

func (s *Supervisor) sweep(child int) (int, error) {
	killGroup(child)
	return 0, nil
}

func isFirstThread() bool { return false }

func killGroup(pid int) { syscall.Kill(-pid, syscall.SIGKILL) }

func oomKills() int { return 0 }

// OwnCPU is the CPU time that this process itself has used; not known here.
func OwnCPU() time.Duration { return 0 }

func (s *Supervisor) anyLeft() bool { return false }

func (s *Supervisor) leftBy(string, []int) int { return 0 }

func cpuOf(int) time.Duration { return 0 }

func below(int) []int { return nil }
