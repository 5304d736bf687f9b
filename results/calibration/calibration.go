// Package calibration is what `tunelab calibrate` found out about a machine: how often verdicts are wrong on it, and how
// small a change they find. It is written by the harness and read by the reports, and by runs, which show it.
package calibration

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"tunelab/results"
	"tunelab/results/verdict"
)

// FileName is the calibration's name in a folder of runs.
const FileName = "calibration.json"

// A Calibration is one machine's, of one day.
type Calibration struct {
	Protocol   int          `json:"protocol"` // of the trials, see results.Protocol
	Made       time.Time    `json:"made"`
	Command    []string     `json:"command"`
	Scenario   string       `json:"scenario,omitempty"` // whose base was measured; "" for several
	Host       results.Host `json:"host"`
	Busy       float64      `json:"busy,omitempty"` // share of the CPU time above which a block is one that something else disturbed; 0: not known
	Benchmarks []Benchmark  `json:"benchmarks"`
}

// A Benchmark is what was found out with one benchmark.
type Benchmark struct {
	Name       string   `json:"name"`
	Processes  string   `json:"processes"`   // how a block's processes shared the time
	BlockMS    float64  `json:"block_ms"`    // machine time of a block, the mean
	PilotMS    float64  `json:"pilot_ms"`    // wall time of finding out how to measure, before the first block
	NoiseSD    float64  `json:"noise_sd"`    // standard deviation of a block's log-ratio
	Methods    []Method `json:"methods"`     // ours first
	Smallest80 float64  `json:"smallest_80"` // the smallest slowdown, as a share, that ours found in 80 % of tries; 0: none of those tried
}

// A Method is a way to decide, and what it made of the benchmark's traces.
type Method struct {
	Name    string  `json:"name"`
	Ours    bool    `json:"ours,omitempty"`
	Inside  float64 `json:"inside,omitempty"`  // share of the wall time spent inside timed loops, builds and pilot not counted
	Same    Rate    `json:"same"`              // of the same binary against itself called different
	Layouts *Rate   `json:"layouts,omitempty"` // of the same code in different layouts
	// Coins and LayoutCoins are the same of the same recordings labelled again: which side is the base was tossed anew,
	// for each block or for each draw of layouts. Such tries share their times, so that their intervals would say too much.
	Coins       *Rate   `json:"coins,omitempty"`
	LayoutCoins *Rate   `json:"layout_coins,omitempty"`
	Equal       *Rate   `json:"equal,omitempty"` // of the same binary against itself called the same, within a minute
	Powers      []Power `json:"powers"`
	ROC         []Point `json:"roc,omitempty"`   // false alarms over all, found over all; of 5 % at about the same machine time
	PerTime     []Point `json:"times,omitempty"` // machine-seconds, share in which 5 % were found by then
	Seconds     float64 `json:"seconds"`         // machine time of a comparison of equal sides, the mean
}

// A Power is how often a slowdown was found.
type Power struct {
	Slower    float64 `json:"slower"`              // as a share: 0.05
	Injected  string  `json:"injected,omitempty"`  // what was added to each operation; "": nothing, the trace's times were made longer
	Delivered float64 `json:"delivered,omitempty"` // what the injected work came to, the median over all blocks
	Code      bool    `json:"code,omitempty"`      // as a verdict about the code: each side in layouts of its own
	Found     Rate    `json:"found"`
	Seconds   float64 `json:"seconds,omitempty"` // machine time within which 90 % of the tries had found it (80 % below 5 %); 0: they had not
	Longest   float64 `json:"longest,omitempty"` // machine time of the longest way that was tried for that
}

// A Rate is how many of some tries did something, with its 95 % Clopper–Pearson interval.
type Rate struct {
	Hits  int     `json:"hits"`
	Tries int     `json:"tries"`
	Lo    float64 `json:"lo"`
	Hi    float64 `json:"hi"`
}

// Share is hits over tries, NaN without tries.
func (r Rate) Share() float64 { return float64(r.Hits) / float64(r.Tries) }

// A Point is of a curve.
type Point struct{ X, Y float64 }

// Write writes the calibration to the folder of runs, in the place of an older one.
func (c *Calibration) Write(dir string) error {
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return fmt.Errorf("encoding the calibration: %w", err)
	}
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return fmt.Errorf("writing the calibration: %w", err)
	}
	path := filepath.Join(dir, FileName)
	if err := os.WriteFile(path+".new", append(text, '\n'), 0o666); err != nil {
		return fmt.Errorf("writing the calibration: %w", err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("writing the calibration: %w", err)
	}
	return nil
}

// Read reads the calibration in a folder of runs. It returns nil, nil where there is none, and where dir is no folder.
func Read(dir string) (*Calibration, error) {
	path := filepath.Join(dir, FileName)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("reading the machine's calibration: %w", err)
	}
	c := &Calibration{}
	if err := json.Unmarshal(text, c); err != nil {
		return nil, fmt.Errorf("reading the machine's calibration, %s: %w; tunelab calibrate makes it anew", path, err)
	}
	return c, nil
}

// Stale says in what the machine is no longer the one that was calibrated, "" when it still is.
func (c *Calibration) Stale(now results.Host) string {
	var differ []string
	for _, x := range []struct{ what, was, is string }{
		{"CPU", c.Host.CPU, now.CPU},
		{"machine", c.Host.Machine, now.Machine},
		{"kernel", c.Host.Kernel, now.Kernel},
		{"Go", c.Host.Go, now.Go},
		{"protocol", fmt.Sprint(c.Protocol), fmt.Sprint(results.Protocol)},
	} {
		if x.was != x.is {
			differ = append(differ, fmt.Sprintf("%s %s, now %s", x.what, x.was, x.is))
		}
	}
	return strings.Join(differ, "; ")
}

// Trust is what a run on the machine tells of the calibration.
func (c *Calibration) Trust(now results.Host) *results.Trust {
	t := &results.Trust{Made: c.Made, Stale: c.Stale(now)}
	t.Flagged, t.Tries = c.FalseAlarms()
	if smallest, ok := c.Smallest(); ok {
		t.Smallest = smallest
	}
	return t
}

// Reject is the rule by which runs on the machine leave out blocks: none where the calibration does not know, or is stale.
func (c *Calibration) Reject(now results.Host) results.Reject {
	if c.Busy == 0 || c.Stale(now) != "" {
		return results.Reject{}
	}
	return results.Reject{Busy: c.Busy, Why: "by the calibration of " + c.Made.Format(time.DateOnly)}
}

// FalseAlarms adds up how often our own method called equal sides different.
func (c *Calibration) FalseAlarms() (hits, tries int) {
	for _, b := range c.Benchmarks {
		for _, m := range b.Methods {
			if m.Ours {
				hits, tries = hits+m.Same.Hits, tries+m.Same.Tries
			}
		}
	}
	return hits, tries
}

// FalseAlarmInterval is the 95 % Clopper–Pearson interval of FalseAlarms.
func (c *Calibration) FalseAlarmInterval() (lo, hi float64) {
	hits, tries := c.FalseAlarms()
	return verdict.ClopperPearson(hits, tries, 0.95)
}

// Smallest returns the largest of the benchmarks' smallest slowdowns that were found in 80 % of tries, and false where
// one found none.
func (c *Calibration) Smallest() (share float64, ok bool) {
	ok = len(c.Benchmarks) > 0 && !slices.ContainsFunc(c.Benchmarks, func(b Benchmark) bool { return b.Smallest80 == 0 })
	for _, b := range c.Benchmarks {
		share = max(share, b.Smallest80)
	}
	return share, ok
}
