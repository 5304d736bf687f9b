package raftcommit

import (
	"fmt"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// cpuTime is the CPU time, user and system, that this process has used.
func cpuTime() (time.Duration, error) {
	var used unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &used); err != nil {
		return 0, fmt.Errorf("reading the process's CPU time: %w", err)
	}
	return time.Duration(used.Utime.Nano() + used.Stime.Nano()), nil
}

// twoCPUs returns the first two CPUs on which this process may run at once. It
// returns an error that says what is missing if there are none.
func twoCPUs() ([2]int, error) {
	if n := runtime.GOMAXPROCS(0); n < 2 {
		return [2]int{}, fmt.Errorf("needs 2 CPUs at once, GOMAXPROCS is %d", n)
	}
	var allowed unix.CPUSet
	if err := unix.SchedGetaffinity(0, &allowed); err != nil {
		return [2]int{}, fmt.Errorf("asking which CPUs are allowed: %w", err)
	}
	var found []int
	for cpu := 0; cpu < 1024 && len(found) < 2; cpu++ {
		if allowed.IsSet(cpu) {
			found = append(found, cpu)
		}
	}
	if len(found) < 2 {
		return [2]int{}, fmt.Errorf("needs 2 CPUs, %d allowed", len(found))
	}
	return [2]int(found), nil
}

// onCPU runs do on that CPU: it locks the goroutine to its thread, pins the
// thread, and undoes both afterwards.
func onCPU(cpu int, do func()) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before, one unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return fmt.Errorf("reading the thread's CPUs: %w", err)
	}
	one.Set(cpu)
	if err := unix.SchedSetaffinity(0, &one); err != nil {
		return fmt.Errorf("pinning a thread to CPU %d: %w", cpu, err)
	}
	do()
	if err := unix.SchedSetaffinity(0, &before); err != nil {
		return fmt.Errorf("giving a thread its CPUs back: %w", err)
	}
	return nil
}
