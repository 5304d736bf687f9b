// Package results reads and writes what was measured, and offers the only way from records to verdicts.
//
// The data flows through it like this:
//
//  1. The harness fixes everything that a verdict depends on in a [Run]: variants, metrics with their margins,
//     claims, and the [Plan]. [Create] writes it as the header of results/runs/<run>/bench.txt and syncs it.
//  2. After every process that ended, [Writer.Append] adds one [Trial] in one write, and syncs it.
//     A trial is the lines from "# trial {…}" to "# end {…}", so a torn tail is recognised and cut off.
//  3. When measuring is over, [Writer.Finish] adds "# done {…}": only then may a comparison take its last look.
//  4. [Read] returns the same Run and Trials from the file alone. Lines that are not as they should be come back
//     as problems with their line number; reading goes on.
//  5. [File.Compare] pairs the trials of each block, leaves out those blocks that the plan's rule rejects, hands the pairs
//     to package verdict, for the second stage too where there is one, and returns one [Comparison] for each planned pair
//     and primary metric, with what makes its numbers doubtful. The harness calls it after every block and the reports
//     call it years later, so what the terminal said and what the page says can't differ.
//  6. [File.JudgeClaims] holds the comparisons against what somebody published. Package results/figures works out what
//     needs several comparisons: Pareto fronts, curves, factorials.
//
// bench.txt is in the Go benchmark format (https://go.dev/design/14313-benchmark-format): benchstat and every
// tool that reads that format work on it as it is. What they don't need rides in comment lines that begin with "# "
// and a word; no line is longer than 60,000 bytes, because golang.org/x/perf's reader gives up at 65,536.
package results
