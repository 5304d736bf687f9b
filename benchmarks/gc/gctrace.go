package gc

import (
	"math"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A Cycle is a garbage collection as the runtime's trace tells it. The trace
// rounds to two significant digits or so.
type Cycle struct {
	SweepTermination time.Duration // the first pause
	Mark             time.Duration // concurrent mark, on the wall clock
	MarkTermination  time.Duration // the second pause
}

// The line is documented under GODEBUG's gctrace in package runtime.
var cycleLine = regexp.MustCompile(`^gc \d+ @[\d.]+s \d+%(?: \([^)]*\))?: ([\d.]+)\+([\d.]+)\+([\d.]+) ms clock, `)

// parseGCTrace returns the cycles of a trace in their order, and what else was
// in the text. The runtime writes a line in several pieces, so the first and
// the last may be torn where the capture began and ended; they don't count.
func parseGCTrace(text string) (cycles []Cycle, rest string) {
	var others strings.Builder
	for line := range strings.Lines(text) {
		m := cycleLine.FindStringSubmatch(line)
		if m == nil {
			others.WriteString(line)
			continue
		}
		cycles = append(cycles, Cycle{milliseconds(m[1]), milliseconds(m[2]), milliseconds(m[3])})
	}
	return cycles, others.String()
}

func milliseconds(s string) time.Duration {
	ms, _ := strconv.ParseFloat(s, 64) // the pattern lets hardly anything else through, and 0 says so
	return time.Duration(math.Round(ms * float64(time.Millisecond)))
}

// gcTraceOn says whether this process was started with GODEBUG=gctrace=1 or
// more. The runtime reads that setting once, at the start.
func gcTraceOn(godebug string) bool {
	on := false
	for setting := range strings.SplitSeq(godebug, ",") {
		if value, ok := strings.CutPrefix(setting, "gctrace="); ok {
			n, err := strconv.Atoi(value)
			on = err == nil && n > 0 // the last one counts
		}
	}
	return on
}

// markTimes are the mean and the longest concurrent mark; false without cycles.
func markTimes(cycles []Cycle) (mean, longest time.Duration, ok bool) {
	for _, c := range cycles {
		mean += c.Mark
		longest = max(longest, c.Mark)
	}
	if len(cycles) == 0 {
		return 0, 0, false
	}
	return mean / time.Duration(len(cycles)), longest, true
}
