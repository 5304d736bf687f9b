package harness

import (
	"time"

	"tunelab/results"
)

// The stages of a run, in their order.
const (
	StageBuild   = "build"
	StageCheck   = "check"
	StagePilot   = "pilot"
	StageMeasure = "measure"
	StageDone    = "done"
)

// Progress is what a run says while it runs.
type Progress struct {
	Stage string
	Text  string // a line for people; "" when only the numbers below moved

	// While measuring:
	Case        string
	Block       int           // the block of Case that is running, from 1
	Last        int           // the last block of the plan
	Elapsed     time.Duration // since the builds ended
	Budget      time.Duration
	Confirming  bool          // the second stage: what the first flagged is measured again
	Left        time.Duration // about how long it will still take, at most
	Decided     int           // comparisons that need no more blocks
	Planned     int
	Comparisons []results.Comparison // of Case, when a look has just been taken
}
