//go:build !linux

package process

import (
	"os/exec"
	"syscall"
)

// A Supervisor runs children. Only on Linux do those that leave their process group not outlive it.
type Supervisor struct{ token string }

// NewSupervisor makes this process ready to run children. The token marks them.
func NewSupervisor(token string) (*Supervisor, error) { return &Supervisor{token}, nil }

// Close does nothing here.
func (s *Supervisor) Close() error { return nil }

// WatchIfAsked returns false: there is no watcher here.
func WatchIfAsked() bool { return false }

// EndLeftovers finds nothing here.
func EndLeftovers(string) (int, error) { return 0, nil }

func childAttr() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setpgid: true} }

func (s *Supervisor) start(cmd *exec.Cmd) error { return cmd.Start() }

func (s *Supervisor) sweep(child int) (int, error) {
	killGroup(child)
	return 0, nil
}

func killGroup(pid int) { syscall.Kill(-pid, syscall.SIGKILL) }

func oomKills() int { return 0 }
