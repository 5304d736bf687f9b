// Package misuse says what benchmarks do wrong: what package lint finds, and reports show.
package misuse

import (
	"fmt"
	"path/filepath"
)

// A Code says what is wrong with a benchmark.
type Code string

// The codes.
const (
	NoLoop       Code = "no-loop"       // neither b.N nor b.Loop nor b.RunParallel counts what is measured
	ConstantLoop Code = "constant-loop" // the same, and there is a loop that counts to a constant
	NoNext       Code = "no-next"       // the function given to b.RunParallel does not call pb.Next
	AssignsN     Code = "assigns-n"     // b.N is assigned to
	SizeByN      Code = "size-by-n"     // b.N says how large the work of an iteration is, not how often it is done
	TimerInLoop  Code = "timer-in-loop" // the timer is stopped in every iteration
	ResetInLoop  Code = "reset-in-loop" // the timer is reset in every iteration
	EmptyLoop    Code = "empty-loop"    // the compiler left nothing of the loop but counting
)

// sentence says what is wrong and what to do next.
func (c Code) sentence() string {
	switch c {
	case NoLoop:
		return "does not use b.N, so its result is not the time of one operation: loop with for b.Loop() { … }"
	case ConstantLoop:
		return "loops a constant number of times and not b.N times, so its result is not the time of one operation: loop with for b.Loop() { … }"
	case NoNext:
		return "does not call pb.Next in b.RunParallel, so its result is not the time of one operation: loop with for pb.Next() { … }"
	case AssignsN:
		return "assigns to b.N, which the time is divided by: leave it as it is, and choose the number of iterations with -benchtime=100x"
	case SizeByN:
		return "takes b.N as a size, so the work of one operation grows with the number of operations: take a constant size, and b.N only as the number of iterations"
	case TimerInLoop:
		return "stops the timer in every iteration, which costs more than a short operation does and makes runs long: prepare before the loop, or measure the preparation too"
	case ResetInLoop:
		return "resets the timer in every iteration, so that only the last one is measured: call b.ResetTimer before the loop"
	case EmptyLoop:
		return "compiles to a loop that does nothing, for its results are not used, or known before: loop with for b.Loop() { … }, or assign the result to a package variable"
	}
	return string(c)
}

// A Finding is one thing that is wrong with one benchmark.
type Finding struct {
	File      string `json:"file"`      // absolute, except what Relative made of it
	Line      int    `json:"line"`      // from 1
	Benchmark string `json:"benchmark"` // the function, "/" and a name behind it where it is a function literal given to b.Run
	Code      Code   `json:"code"`
}

// String is the finding as a line of text: where, which benchmark, what is wrong and what to do next.
func (f Finding) String() string {
	return fmt.Sprintf("%s:%d: %s %s", f.File, f.Line, f.Benchmark, f.Sentence())
}

// Sentence says what is wrong and what to do next, without its subject, which is the benchmark.
func (f Finding) Sentence() string { return f.Code.sentence() }

// Relative returns the finding with its file as seen from dir, where it is below dir.
func (f Finding) Relative(dir string) Finding {
	if name, err := filepath.Rel(dir, f.File); err == nil && filepath.IsLocal(name) {
		f.File = name
	}
	return f
}
