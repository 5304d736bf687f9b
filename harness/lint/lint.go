// Package lint finds benchmarks that measure nothing, or something else than they say, before anything is measured.
//
//  1. [Packages] loads the named packages with their tests, from source, as the go command would build them.
//  2. An analyzer ([Analyzer]) reads the test files: what each benchmark, each function given to b.Run, and the helpers of
//     the package that they hand b to do with b.N, with b.Loop and with the timer. It also notes where the loops over b.N
//     are.
//  3. For those loops the test binary is read: a loop of which nothing is left in the machine code but counting is
//     reported. What the compiler threw away is not guessed from the source.
//  4. What was found is a list of [Finding] in the order of files and lines. [Finding.String] makes a sentence of one.
//
// Where it cannot be told whether something is wrong the answer is silence: b in the hands of another package, a helper in a
// variable, a processor other than amd64 and arm64, a binary without symbols.
package lint

import (
	"cmp"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
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
	File      string // absolute, except what Relative made of it
	Line      int    // from 1
	Benchmark string // the function, "/" and a name behind it where it is a function literal given to b.Run
	Code      Code
}

// String is the finding as a line of text: where, which benchmark, what is wrong and what to do next.
func (f Finding) String() string {
	return fmt.Sprintf("%s:%d: %s %s", f.File, f.Line, f.Benchmark, f.Code.sentence())
}

// Relative returns the finding with its file as seen from dir, where it is below dir.
func (f Finding) Relative(dir string) Finding {
	if name, err := filepath.Rel(dir, f.File); err == nil && filepath.IsLocal(name) {
		f.File = name
	}
	return f
}

// sorted returns the findings in the order of files and lines, each once.
func sorted(list []Finding) []Finding {
	slices.SortFunc(list, func(a, b Finding) int {
		return cmp.Or(strings.Compare(a.File, b.File), a.Line-b.Line, strings.Compare(string(a.Code), string(b.Code)),
			strings.Compare(a.Benchmark, b.Benchmark))
	})
	return slices.Compact(list)
}
