// Package nights keeps what the gate measured, a Go benchmark file a night, and reads such files back as series.
//
//  1. A [Night] is one comparison of a tip with a pinned baseline: what was said of every benchmark and metric, and the
//     values of all trials that counted. [Encode] writes it as a Go benchmark file that benchstat reads as it is.
//  2. A [Store] holds the files: a folder, or a branch of a git repository that is never checked out. A night is there
//     whole or not at all, whoever else writes or dies. [Open] finds it by what the user wrote.
//  3. [Read] takes in every file of a folder or a branch, those that other tools wrote too, names what is wrong with some,
//     and uses the rest.
//  4. [Series] makes them series, one for each benchmark, metric and place. Nights of another machine, Go version, protocol
//     or baseline are never in one series.
//  5. [Events] finds where they changed, by package changepoint. What changed within one night is one event.
//
// The way from a store to what changed is short:
//
//	store, err := nights.Open("git:tunelab-history", ".")
//	history, err := nights.Read(store)
//	lines := nights.Series(history.Nights)
//	events := nights.Events(lines, history.Confirmations)
//
// # The file of a night
//
//	goos: linux
//	goarch: amd64
//	cpu: AMD EPYC
//	go: go1.26.8
//	machine: 9f1c…
//	protocol: 2
//	commit: 5f0c…
//	date: 2026-11-27T03:41:29Z
//	baseline: 889c…
//	# night {"night":"2026-11-27T03:41:29Z","commit":"5f0c…",…}
//	# says {"text":"1 benchmark got slower"}
//	pkg: example.org/queue
//	side: baseline
//	BenchmarkPush/size=8-2   1000   412 ns/op   12 B/op
//	side: tip
//	BenchmarkPush/size=8-2   1000   431 ns/op   12 B/op
//	# point {"package":"example.org/queue","benchmark":"Push/size=8","metric":"ns/op",…,"values":[1,1]}
//	# point {"package":"example.org/queue","benchmark":"Push/size=8","metric":"B/op",…,"values":[1,1]}
//	# end {"points":2}
//
// A point stands behind the result lines that it is of and counts them, so whatever ends the file early, a point that was
// read is whole. Compare the sides of one night with: benchstat -col side FILE.
//
// # Files of other tools
//
// Any Go benchmark file (*.txt or *.bench, at any depth) is a night when lines "commit:" and "date:" (or "commit-time:", or
// "commit-date:") stand before its results, as in
//
//	{ echo "commit: $(git rev-parse HEAD)"; git show -s --format='date: %cI' HEAD; go test -bench . -count 10 ./...; } > night.txt
//
// The date is in RFC 3339, 2006-01-02, seconds of Unix or one of git's formats. Files of x/perf's benchseries are nights of
// their experiment: experiment-commit with experiment-commit-time, or numerator_hash with numerator_stamp. A file may hold
// several nights, and several files one. Lines goos, goarch, cpu, go and machine tell places apart.
//
// Such a file may be in UTF-16, and its last line needs no end.
package nights

import (
	"time"

	"tunelab/results"
	"tunelab/results/changepoint"
	"tunelab/results/verdict"
)

// A Night is what one night's gate measured, or what another tool wrote down.
type Night struct {
	Started  time.Time    `json:"night"`
	Commit   string       `json:"commit"`             // full hash of the tip
	Subject  string       `json:"subject,omitempty"`  // first line of the commit's message
	Module   string       `json:"module"`             // path of the module
	Baseline string       `json:"baseline,omitempty"` // full hash of what the tip was compared with; "" in files of other tools
	Named    string       `json:"named,omitempty"`    // the baseline as the user calls it, such as v1.2.0
	Protocol int          `json:"protocol,omitempty"` // as in results.Run; 0 in files of other tools
	Host     results.Host `json:"host"`
	Exit     int          `json:"exit"`           // the gate's exit status
	Says     []string     `json:"says,omitempty"` // what the gate said, a line each
	Canary   *Canary      `json:"canary,omitempty"`
	Counts   Counts       `json:"counts"`
	Points   []Point      `json:"-"`
	Findings []Finding    `json:"-"` // only of a night that has just been measured

	File string `json:"-"` // that it was read from
}

// Outcome is what the exit status means, in a word or two.
func (n *Night) Outcome() string {
	switch n.Exit {
	case 0:
		return "pass"
	case 1:
		return "red"
	}
	return "nothing can be said"
}

// A Canary is how the gate proved that it was alive: a benchmark of its own, with a known slowdown.
type Canary struct {
	Slowdown float64  `json:"slowdown"`            // that was put in, as a share
	Found    bool     `json:"found"`               // it was called worse
	Ratio    *float64 `json:"ratio,omitempty"`     // that was measured
	TwinFlag bool     `json:"twin_flag,omitempty"` // equal sides were called different
}

// A Point is what a night says of one benchmark in one metric.
type Point struct {
	Package   string          `json:"package"`
	Benchmark string          `json:"benchmark"` // without "Benchmark" and the -N suffix
	Metric    string          `json:"metric"`    // a unit
	Better    string          `json:"better"`    // "lower" or "higher"; "" when unknown
	Margin    float64         `json:"margin,omitempty"`
	Blocks    int             `json:"blocks,omitempty"`
	Ratio     *float64        `json:"ratio,omitempty"` // tip ÷ baseline
	Lo        *float64        `json:"lo,omitempty"`    // interval of the ratio
	Hi        *float64        `json:"hi,omitempty"`
	Verdict   verdict.Verdict `json:"verdict,omitempty"` // "" in files of other tools
	Exact     bool            `json:"exact,omitempty"`   // a count without noise
	Run       string          `json:"run,omitempty"`     // name of the run that has the trials

	// Baseline and Tip are the values of the trials in Metric, in the order in which they ran; Baseline is empty in files
	// of other tools. Iterations and Procs are those of the result lines.
	Baseline, Tip []float64 `json:"-"`
	Iterations    int       `json:"iterations,omitempty"`
	Procs         int       `json:"procs,omitempty"`
}

// A Key tells series apart. Two points that differ in any part of it are not comparable.
type Key struct {
	Package, Benchmark, Metric string
	Place                      string // machine, or CPU and system where the file names no machine
	Go                         string
	Protocol                   int
	Baseline                   string // full hash
}

// A Line is one series.
type Line struct {
	Key
	Better string // "lower" or "higher"; "" when unknown
	Exact  bool   // a count without noise
	// Plain says that some value of the series is 0 or negative, so that logarithms have no meaning, or that it is one of
	// other tools' allocs/op, of which one more is a change however many there are: Y, the levels of Steps and Noise are then
	// in Metric's unit. Y is the tip's median, minus the baseline's where there is a baseline.
	Plain  bool
	Points []LinePoint        // in the order of their nights
	Steps  []changepoint.Step // where it changed; At is an index into Points
	Noise  float64            // standard deviation of a night about its level, of a log-ratio unless Plain
}

// A LinePoint is one night of a series.
type LinePoint struct {
	Started time.Time
	Commit  string
	Subject string
	// Y is the logarithm of tip ÷ baseline; where there is no baseline, of the value, with the median over all benchmarks
	// of the night's distances from their own medians taken away. NaN where the night has no value. See [Line.Plain] for
	// values that have no logarithm.
	Y       float64
	Lo, Hi  float64 // interval of Y; NaN where there is none
	Value   float64 // median of the tip's values, in Metric's unit
	Verdict verdict.Verdict
	Run     string
	File    string
}

// An Event is a night at which one or more series changed.
type Event struct {
	Started       time.Time // of the first night after the change
	Before, After string    // commits: of the last night before, and of the first after
	Subject       string    // of After
	Changes       []Change  // the largest first
}

// A Change is one series' part in an event.
type Change struct {
	Line  *Line
	Step  changepoint.Step
	Worse bool // by the metric's direction
	// Confirmed is what measuring both sides anew came to; nil when nobody did.
	Confirmed *Confirmation
}

// A Confirmation is a fresh comparison of the commits on both sides of a change, and what bisection came to.
type Confirmation struct {
	Made      time.Time       `json:"confirmed"`
	Package   string          `json:"package"`
	Benchmark string          `json:"benchmark"`
	Metric    string          `json:"metric"`
	Before    string          `json:"before"` // full hashes that were compared last: neighbours, when bisection came to its end
	After     string          `json:"after"`
	From      string          `json:"from"` // full hashes of the event
	To        string          `json:"to"`
	Ratio     *float64        `json:"ratio,omitempty"` // after ÷ before
	Lo        *float64        `json:"lo,omitempty"`
	Hi        *float64        `json:"hi,omitempty"`
	Verdict   verdict.Verdict `json:"verdict"`
	Steps     int             `json:"steps"` // comparisons that were made
	Subject   string          `json:"subject,omitempty"`
	Why       string          `json:"why,omitempty"` // what kept it from going on
}
