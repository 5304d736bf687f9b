package display

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"tunelab/harness"
	"tunelab/results"
)

func p(v float64) *float64 { return &v }

// script is what a short run tells.
func script() []harness.Progress {
	at := func(block int, c ...results.Comparison) harness.Progress {
		return harness.Progress{
			Stage: harness.StageMeasure, Case: "Foo/n=1", Block: block, Last: 30, Elapsed: 61 * time.Second, Budget: 3 * time.Minute,
			Left: 119 * time.Second, Decided: 1, Planned: 2, Comparisons: c,
		}
	}
	a := results.Comparison{Case: "Foo/n=1", Metric: "ns/op", Base: "old", Variant: "a", Blocks: 10, Verdict: "better", Decided: true, Ratio: p(0.5), Lo: p(0.45), Hi: p(0.567)}
	b := results.Comparison{Case: "Foo/n=1", Metric: "ns/op", Base: "old", Variant: "b", Verdict: "undecided", Ratio: p(1.01), Lo: p(0.98), Hi: p(1.04)}
	return []harness.Progress{
		{Stage: harness.StageBuild, Text: "building old"},
		at(1), at(2), at(10, a, b), at(11), at(12, a, b),
		{Stage: harness.StageDone},
	}
}

func show(terminal bool, width int) string {
	var out bytes.Buffer
	d := New(&out, terminal, width)
	for _, progress := range script() {
		d.Tell(progress)
	}
	d.Close()
	return out.String()
}

// Without a terminal: a line when something happened, none twice, no control characters.
func TestPlain(t *testing.T) {
	got := show(false, 80)
	want := `build: building old
block 1 of at most 30 · Foo/n=1 · 1:01 of 3:00 · 1 of 2 comparisons decided · at most 1:59 left
  Foo/n=1: ns/op a is better than old -50% [-55%, -43%] after 10 blocks
block 10 of at most 30 · Foo/n=1 · 1:01 of 3:00 · 1 of 2 comparisons decided · at most 1:59 left
  open: ns/op b +1.0% [-2.0%, +4.0%]
block 12 of at most 30 · Foo/n=1 · 1:01 of 3:00 · 1 of 2 comparisons decided · at most 1:59 left
  open: ns/op b +1.0% [-2.0%, +4.0%]
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}

// Between looks, which may be far apart, a line a minute says that the run goes on.
func TestPlainTellsOnceAMinute(t *testing.T) {
	var out bytes.Buffer
	d := New(&out, false, 80)
	for second := 0; second < 200; second += 7 {
		d.Tell(harness.Progress{Stage: harness.StageMeasure, Case: "Foo", Block: 1, Last: 30, Elapsed: time.Duration(second) * time.Second, Budget: 40 * time.Minute})
	}
	got := strings.Count(out.String(), "\n")
	if got != 4 || !strings.Contains(out.String(), "· 1:03 of 40:00") || !strings.Contains(out.String(), "· 3:09 of 40:00") {
		t.Errorf("%d lines in 200 seconds:\n%s", got, out.String())
	}
}

// On a terminal the live part is redrawn in place, fits the width, and is gone at the end; decisions stay.
func TestTerminal(t *testing.T) {
	got := show(true, 40)
	screen := []string{}
	for _, line := range strings.SplitAfter(got, "\n") {
		for {
			before, rest, ok := strings.Cut(line, "\x1b[J")
			if !ok {
				break
			}
			var up int
			for _, c := range before[2 : len(before)-1] {
				up = up*10 + int(c-'0')
			}
			if up > len(screen) {
				t.Fatalf("goes up %d lines of %d", up, len(screen))
			}
			screen, line = screen[:len(screen)-up], rest
		}
		if line != "" {
			screen = append(screen, line)
		}
		if n := len([]rune(strings.TrimSuffix(line, "\n"))); strings.HasPrefix(line, "block") && n > 39 {
			t.Errorf("%d columns: %q", n, line)
		}
	}
	want := "build: building old\n  Foo/n=1: ns/op a is better than old -50% [-55%, -43%] after 10 blocks\n"
	if left := strings.Join(screen, ""); left != want {
		t.Errorf("left on the screen:\n%s\nwant\n%s", left, want)
	}
}
