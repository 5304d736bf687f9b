// Package display shows on a terminal, or as plain lines, how far a run is.
//
//  1. The harness tells a [harness.Progress] before each stage and block, and after each look.
//  2. On a terminal a [Display] redraws a few lines in place: blocks done, time left, the current intervals of the
//     case that was last looked at. What is decided scrolls up and stays.
//  3. Elsewhere (a CI log, a file) it prints a line when something is decided or a look is taken, and in between one a
//     minute, so that nobody takes a long run for one that hangs.
package display

import (
	"fmt"
	"io"
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"tunelab/harness"
	"tunelab/results"
)

// A Display is where progress goes. It is not safe for concurrent use.
type Display struct {
	out      io.Writer
	terminal bool
	width    int
	drawn    int             // lines of the live part that are on the screen
	looked   []string        // intervals of the last look
	told     map[string]bool // comparisons whose decision was shown
	stage    string
	printed  time.Duration // what had elapsed when a status was last printed as a line
}

// silence is how long nothing may be printed where lines can't be redrawn.
const silence = time.Minute

// New returns a display on out. Width is in columns; terminal says whether lines can be redrawn.
func New(out io.Writer, terminal bool, width int) *Display {
	return &Display{out: out, terminal: terminal, width: width, told: map[string]bool{}}
}

// Tell shows one progress report.
func (d *Display) Tell(p harness.Progress) {
	d.erase()
	switch {
	case p.Stage == harness.StageDone:
		return
	case p.Stage != harness.StageMeasure || p.Text != "":
		d.line(p.Stage + ": " + p.Text)
		return
	}
	if p.Comparisons != nil {
		d.look(p)
	}
	if d.terminal {
		d.draw(append([]string{status(p)}, d.looked...))
	} else if d.stage != p.Stage || p.Comparisons != nil || p.Elapsed-d.printed >= silence {
		d.printed = p.Elapsed
		d.line(status(p))
		if p.Comparisons != nil {
			for _, text := range d.looked {
				d.line(text)
			}
		}
	}
	d.stage = p.Stage
}

// Close leaves the terminal as text can go on from.
func (d *Display) Close() { d.erase() }

func status(p harness.Progress) string {
	what := ""
	if p.Confirming {
		what = "confirming: "
	}
	return what + fmt.Sprintf("block %d of at most %d · %s · %s of %s · %d of %d comparisons decided · at most %s left",
		p.Block, p.Last, p.Case, clock(p.Elapsed), clock(p.Budget), p.Decided, p.Planned, clock(p.Left))
}

func clock(d time.Duration) string {
	d = d.Round(time.Second)
	if d < time.Hour {
		return fmt.Sprintf("%d:%02d", int(d.Minutes()), int(d.Seconds())%60)
	}
	return fmt.Sprintf("%d:%02d:%02d", int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60)
}

// look prints what a look decided and keeps the intervals of what it did not.
func (d *Display) look(p harness.Progress) {
	d.looked = nil
	byMetric := map[string][]string{}
	var metrics []string
	for _, c := range p.Comparisons {
		key := strings.Join([]string{c.Case, c.Metric, c.Base, c.Variant}, "\x00")
		if c.Decided && !d.told[key] {
			d.told[key] = true
			d.line(fmt.Sprintf("  %s: %s %s is %s than %s%s after %d blocks", c.Case, c.Metric, c.Variant, verdictWord(c), c.Base, interval(c), c.Blocks))
		}
		if c.Decided {
			continue
		}
		if _, ok := byMetric[c.Metric]; !ok {
			metrics = append(metrics, c.Metric)
		}
		byMetric[c.Metric] = append(byMetric[c.Metric], c.Variant+interval(c))
	}
	for _, m := range metrics {
		d.looked = append(d.looked, "  open: "+m+" "+strings.Join(byMetric[m], ", "))
	}
}

func verdictWord(c results.Comparison) string {
	switch c.Verdict {
	case "same":
		return "no other"
	case "undecided":
		return "not shown to be other"
	}
	return string(c.Verdict)
}

func interval(c results.Comparison) string {
	switch {
	case c.Ratio != nil && c.Lo != nil && c.Hi != nil:
		return fmt.Sprintf(" %s [%s, %s]", percent(*c.Ratio), percent(*c.Lo), percent(*c.Hi))
	case c.Ratio != nil:
		return " " + percent(*c.Ratio)
	case c.Difference != nil && c.Lo != nil && c.Hi != nil:
		return fmt.Sprintf(" %+.3g [%+.3g, %+.3g]", *c.Difference, *c.Lo, *c.Hi)
	}
	return ""
}

// percent writes a ratio as a change.
func percent(ratio float64) string {
	change := 100 * (ratio - 1)
	if math.Abs(change) < 10 {
		return fmt.Sprintf("%+.1f%%", change)
	}
	return fmt.Sprintf("%+.0f%%", change)
}

func (d *Display) line(text string) {
	d.erase()
	// Progress is for a person; when stderr is gone there is nobody to tell.
	fmt.Fprintln(d.out, text)
}

func (d *Display) draw(lines []string) {
	for _, text := range lines {
		fmt.Fprintln(d.out, clip(text, d.width-1))
	}
	d.drawn = len(lines)
}

func (d *Display) erase() {
	if d.drawn > 0 {
		fmt.Fprintf(d.out, "\x1b[%dA\x1b[J", d.drawn)
		d.drawn = 0
	}
}

func clip(text string, width int) string {
	if width < 1 || utf8.RuneCountInString(text) <= width {
		return text
	}
	return string([]rune(text)[:width-1]) + "…"
}
