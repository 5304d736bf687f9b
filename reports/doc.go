// Package reports shows what was measured: on a terminal, in a pull request, to a program, and as a page.
//
// Everything shown is computed from the records of one file, so a report made years later says what the run said.
// The data flows through it like this:
//
//  1. [Summarize] takes a [results.File], has package results compute the comparisons and judge the claims, and makes
//     of them ready strings: tables (tables.go), verdicts (verdicts.go), claims, outcomes and warnings (records.go),
//     the plan and the machine (plan.go), commands (command.go). Every name passes through plain.Clean there, and
//     every number through package number, so that no renderer computes or cleans anything.
//  2. [Summary.Answer] is composed by rule from the verdicts (answer.go): who is faster than whom, in how many cases,
//     by how much, and what is still undecided.
//  3. [Text] lays the strings out for a terminal of a given width (printer.go), [Markdown] for a comment that GitHub
//     cuts at 65,536 characters, and [JSON] writes the comparisons for programs, in the units as declared.
//  4. [HTML] fills the template page.html with a view of ready strings (page.go) and with pictures: evidence.go
//     prepares their data, package plots draws them. [Index] lists several runs.
//  5. A [Trend] is what many nights say (package results/nights): [TrendIndex] and [TrendPage], [TrendText],
//     [TrendMarkdown] and [TrendJSON] show it; [NightText], [NightMarkdown] and [Annotations] what one night's gate says.
//  6. [Benchstat] is apart from all this: it shows benchmark files that tunelab did not write as benchstat does, and
//     says that they allow no verdict.
//
// A renderer makes its output in memory and writes it in one piece; an error of that write is returned.
package reports
