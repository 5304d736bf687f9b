//go:build !linux

package raftcommit

import (
	"errors"
	"time"
)

// cpuTime is only known on Linux.
func cpuTime() (time.Duration, error) {
	return 0, errors.New("reading a process's CPU time is only written for Linux")
}

// twoCPUs fails: threads are only pinned on Linux.
func twoCPUs() ([2]int, error) {
	return [2]int{}, errors.New("pinning threads to CPUs is only written for Linux")
}

func onCPU(int, func()) error { return errors.ErrUnsupported }
