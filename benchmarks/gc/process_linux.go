package gc

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// Resident is what the kernel holds for this process, in bytes.
type Resident struct {
	RSS      float64 // resident now, what is lazily freed included
	LazyFree float64 // given back by MADV_FREE, and not taken by the kernel yet
}

func resident() (Resident, error) {
	text, err := os.ReadFile("/proc/self/smaps_rollup")
	if err != nil {
		return Resident{}, fmt.Errorf("reading the resident set: %w", err)
	}
	var r Resident
	if r.RSS, err = kibibytes(string(text), "Rss:"); err != nil {
		return r, err
	}
	r.LazyFree, err = kibibytes(string(text), "LazyFree:")
	return r, err
}

// peakRSS is the process's largest resident set so far, in bytes.
func peakRSS() (float64, error) {
	text, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0, fmt.Errorf("reading the peak of the resident set: %w", err)
	}
	return kibibytes(string(text), "VmHWM:")
}

// kibibytes returns the bytes in a line such as "Rss:   1234 kB".
func kibibytes(text, key string) (float64, error) {
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, key); ok {
			number, unit, _ := strings.Cut(strings.TrimSpace(rest), " ")
			n, err := strconv.ParseUint(number, 10, 50)
			if err != nil || unit != "kB" {
				return 0, fmt.Errorf("%q is no number of kB", strings.TrimSpace(line))
			}
			return float64(n) * 1024, nil
		}
	}
	return 0, fmt.Errorf("the kernel tells no %s", strings.TrimSuffix(key, ":"))
}

// minorFaults is how many page faults this process has had that needed no disk.
func minorFaults() (int64, error) {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		return 0, fmt.Errorf("counting page faults: %w", err)
	}
	return int64(usage.Minflt), nil
}
