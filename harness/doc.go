// Package harness measures a scenario: it builds the variants, runs trials, and decides when to stop.
//
//  1. [Run] takes the machine ([tunelab/harness/lock]), ends what a killed run had left, and starts the supervisor
//     that lets no child outlive the run (harness/internal/process).
//  2. Build: every variant that is built differently becomes a test binary (`go test -c`), or with a subject a program
//     (`go build`), through Go's own cache. Profiles that variants are built with are taken of the base first; rewritten
//     dependencies are edited copies behind a go.mod of their own.
//  3. Check: the variant's correctness test. A variant that fails it gets no number; a base that fails ends the run.
//  4. Pilot, on the base alone, not counted: one pass at one iteration finds the cases, a short trial how many
//     iterations make a slice, one full trial what it costs. If twelve blocks of every case don't fit the budget, the
//     quick cases are measured and the others listed as not measured.
//  5. Plan: cases, iterations, looks, last block, margins, seed. It is written to the file before the first counted
//     trial, and nothing changes it.
//  6. Measure: blocks go round the cases. A block runs the base and every undecided variant once, each in a fresh
//     process, in an order drawn from (seed, case, block). A trial is appended to the file and synced when its process
//     has ended, and while one runs the harness does nothing else.
//  7. Decide: after the blocks that are looks of the plan, package results computes the comparisons. A variant leaves
//     when it is in no undecided one. When all are decided, the last block is done or the time is up, the run is over.
//
// [Resume] rebuilds steps 1 and 2, refuses if anything that matters is not the same, and goes on in step 6 with what
// the file has. What is left to do follows from the plan and the records alone.
package harness
