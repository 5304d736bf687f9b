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
	"slices"
	"strings"

	"tunelab/results/misuse"
)

// A Finding is one thing that is wrong with one benchmark.
type Finding = misuse.Finding

// A Code says what is wrong with a benchmark.
type Code = misuse.Code

// sorted returns the findings in the order of files and lines, each once.
func sorted(list []Finding) []Finding {
	slices.SortFunc(list, func(a, b Finding) int {
		return cmp.Or(strings.Compare(a.File, b.File), a.Line-b.Line, strings.Compare(string(a.Code), string(b.Code)),
			strings.Compare(a.Benchmark, b.Benchmark))
	})
	return slices.Compact(list)
}
