// Package machine tells what is known about the machine that a measurement runs
// on. It answers three questions:
//
//  1. Which machine is it? [System.Identity] gives the CPU, the memory, the
//     kernel and a short hash of them. Results with different hashes are not
//     comparable.
//  2. What did the machine do besides our measurement? [System.Read] before and
//     after a trial or a block, and [Counters.Since] between them, give the time
//     that the host stole, the CPU time spent on all programs, and the time that
//     our own cgroup was stopped by its quota.
//  3. What makes measurements noisy here? [System.Checks] looks at two dozen
//     settings and says for each what was found, what it does to a measurement,
//     and what to do about it. [Advice] sums them up in one line, and [Print]
//     writes it all.
//
// All of it is read from files below a root folder, so a test can describe any
// machine in a folder of its own; the few facts that no file holds are functions
// in [Probes]. What can't be read is reported as unknown and never guessed: a
// text says "unknown", a pointer is nil, a check has the state "unknown". On
// systems other than Linux nearly everything is.
package machine

import (
	"io/fs"
	"time"

	"tunelab/harness/machine/internal/kernel"
)

// unknown stands for a text that could not be read.
const unknown = "unknown"

// System is the machine to look at. The zero value is the real one.
type System struct {
	Root   string // the folder that holds proc, sys and etc; "" means "/"
	Dir    string // where results will be written, existing or not; "" means "."
	Probes Probes

	files fs.FS // in the place of Root, for tests: thousands of files are slow to make on a disk
}

// Probes are the facts that no file holds, and the passing of time. A nil
// function is replaced by one that asks the real machine.
type Probes struct {
	// Sleep lets a while pass between two looks at the counters.
	Sleep func(time.Duration)
	// Clock returns what one time.Now costs, and the smallest step between two
	// different readings; 0 when no step was seen.
	Clock func() (cost, step time.Duration)
	// Procs returns GOMAXPROCS.
	Procs func() int
	// FreeBytes returns the space left for files in dir, or in the nearest
	// folder above it that exists.
	FreeBytes func(dir string) (int64, error)
	// OpenCounter opens a hardware counter of our own user-mode instructions
	// and closes it. The error matches fs.ErrPermission when it is forbidden,
	// errors.ErrUnsupported or fs.ErrNotExist when the machine has none.
	OpenCounter func() error
}

func (s System) tree() kernel.Tree {
	switch {
	case s.files != nil:
		return kernel.Of(s.files)
	case s.Root == "":
		return kernel.Open("/")
	}
	return kernel.Open(s.Root)
}

func (s System) dir() string {
	if s.Dir == "" {
		return "."
	}
	return s.Dir
}

// or returns word, or "unknown" in place of an empty one.
func or(word string) string {
	if word == "" {
		return unknown
	}
	return word
}
