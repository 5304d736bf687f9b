// Package harness measures a scenario: it builds the variants, runs trials, and decides when to stop.
//
//  1. [Run] takes the machine ([tunelab/harness/lock]), ends what a killed run had left, and starts the supervisor
//     that lets no child outlive the run (harness/internal/process).
//  2. Build: every variant that is built differently becomes a test binary (`go test -c`), or with a subject a program
//     (`go build`), through Go's own cache. A variant that names a git revision is built from a checkout of its own. Profiles that variants are built with are taken of the base first; rewritten
//     dependencies are edited copies behind a go.mod of their own. Package testing is built with an agent that runs
//     benchmarks on command (harness/internal/serve). Benchmarks that measure something else than they say are named
//     (misuse.go). Every build is linked again in other layouts (layout.go), from which blocks draw.
//  3. Check: the variant's correctness test. A variant that fails it gets no number; a base that fails ends the run.
//  4. Pilot, not counted: one pass at one iteration finds the cases of every variant; a benchmark that breaks costs itself
//     only (list.go). On the base alone, a process finds how many iterations make a slice, and whether the case's processes
//     can live side by side and alternate short slices, how long those are and how many (levels.go). Cases are piloted for
//     as long as there is room for another and its twelve blocks; the others are listed as not measured.
//  5. Plan: cases, iterations, looks, last block, margins, seed. It is written to the file before the first counted
//     trial, and nothing changes it.
//  6. Measure: blocks go round the cases. A block runs the base and every undecided variant once, each in a fresh
//     process: one after another in an order drawn from (seed, case, block), or side by side, a slice each in every round,
//     in orders drawn anew (alternate.go). Trials are appended to the file and synced when their processes have ended, and
//     while one runs the harness does nothing else.
//  7. Decide: after the blocks that are looks of the plan, package results computes the comparisons. A variant leaves
//     when it is in no undecided one. When all are decided, the last block is done or the time is up, the first stage is
//     over.
//  8. Confirm: where there were several comparisons, those that were called better or worse are measured again, in fresh
//     blocks and layouts, one-sided. Instructions are counted in processes of their own (count.go).
//
// [Resume] rebuilds steps 1 and 2, refuses if anything that matters is not the same, and goes on in step 6 with what
// the file has. What is left to do follows from the plan and the records alone.
package harness
