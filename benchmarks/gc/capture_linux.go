package gc

import (
	"fmt"
	"io"
	"os"
	"runtime/debug"
	"syscall"
)

// captureStderr sends what anybody writes to file descriptor 2, the runtime
// included, to a file, until stop returns it. A file and not a pipe, so that a
// collection never waits for a reader. A crash still reports on the real
// standard error.
func captureStderr() (stop func() (string, error), err error) {
	file, err := os.CreateTemp("", "gctrace")
	if err != nil {
		return nil, fmt.Errorf("making a file for the GC trace: %w", err)
	}
	os.Remove(file.Name()) // it lives until it is closed
	saved, err := syscall.Dup(2)
	if err != nil {
		file.Close()
		return nil, fmt.Errorf("saving standard error: %w", err)
	}
	syscall.CloseOnExec(saved)
	real := os.NewFile(uintptr(saved), "stderr")
	if err := debug.SetCrashOutput(real, debug.CrashOptions{}); err != nil {
		real.Close()
		file.Close()
		return nil, fmt.Errorf("keeping standard error for crashes: %w", err)
	}
	if err := syscall.Dup3(int(file.Fd()), 2, 0); err != nil {
		real.Close()
		file.Close()
		return nil, fmt.Errorf("redirecting standard error: %w", err)
	}
	return func() (string, error) {
		defer file.Close()
		defer real.Close()
		if err := syscall.Dup3(saved, 2, 0); err != nil {
			return "", fmt.Errorf("restoring standard error: %w", err)
		}
		if err := debug.SetCrashOutput(nil, debug.CrashOptions{}); err != nil {
			return "", fmt.Errorf("restoring the output of crashes: %w", err)
		}
		text, err := io.ReadAll(io.NewSectionReader(file, 0, 1<<30))
		if err != nil {
			return "", fmt.Errorf("reading the GC trace: %w", err)
		}
		return string(text), nil
	}, nil
}
