// Bars measures what reports promise of large files: the table of a million plain result lines in the time that benchstat
// takes, a thousand comparisons of 500 blocks with verdicts in ten seconds of one core, their page in five megabytes and
// of use in a browser after two seconds, and the page of an ordinary run in one and a half megabytes.
//
//	go run ./reports/bars                # makes the files, measures, and prints a table
//	go run ./reports/bars -dir DIR       # keeps the files in DIR, or uses those that are there
//
// Run it in the root of a checkout, with nothing else on the machine.
package main

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"tunelab/results"
	"tunelab/results/verdict"
)

// The sizes of the bars.
const (
	benchmarks = 1000
	lines      = 500 // of each benchmark in each file
	blocks     = 500 // of each comparison
	repeats    = 5
)

func main() {
	if err := run(os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bars:", err)
		os.Exit(1)
	}
}

func run(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("bars", flag.ContinueOnError)
	dir := flags.String("dir", "", "keep the files in this folder")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *dir == "" {
		scratch, err := os.MkdirTemp("", "tunelab-bars-")
		if err != nil {
			return err
		}
		defer os.RemoveAll(scratch)
		*dir = scratch
	}
	f, err := prepare(*dir)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "what\ttunelab\tbenchstat\tbar\t")
	if err := errors.Join(f.plain(table), f.judged(table), f.opened(table), f.kept(table)); err != nil {
		return err
	}
	return table.Flush()
}

// files are what is measured, and with what.
type files struct {
	old, new, run      string
	tunelab, benchstat string
	scratch            string
}

func prepare(dir string) (files, error) {
	f := files{
		old: filepath.Join(dir, "old.txt"), new: filepath.Join(dir, "new.txt"), run: filepath.Join(dir, "run"),
		tunelab: filepath.Join(dir, "tunelab"), benchstat: filepath.Join(dir, "benchstat"), scratch: dir,
	}
	for _, build := range [][]string{{f.tunelab, "."}, {f.benchstat, "golang.org/x/perf/cmd/benchstat"}} {
		if text, err := exec.Command("go", "build", "-o", build[0], build[1]).CombinedOutput(); err != nil {
			return f, fmt.Errorf("building %s: %w\n%s", build[1], err, text)
		}
	}
	random := rand.New(rand.NewPCG(1, 2))
	for i, path := range []string{f.old, f.new} {
		if _, err := os.Stat(path); err == nil {
			continue
		}
		if err := writePlain(path, random, 1+0.01*float64(i)); err != nil {
			return f, err
		}
	}
	if _, err := os.Stat(filepath.Join(f.run, results.BenchFile)); err == nil {
		return f, nil
	}
	return f, writeRun(f.run, random)
}

// writePlain writes what `go test -bench -count=500` of a thousand benchmarks prints.
func writePlain(path string, random *rand.Rand, ratio float64) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(file)
	fmt.Fprint(w, "goos: linux\ngoarch: amd64\npkg: example.org/bars\ncpu: AMD EPYC\n")
	for i := range benchmarks {
		for range lines {
			fmt.Fprintf(w, "BenchmarkWork/case=%d-2\t%d\t%.1f ns/op\t%d B/op\t%d allocs/op\n", i, 100000,
				ratio*float64(100+i)*math.Exp(0.05*random.NormFloat64()), 64+i%7, 1+i%3)
		}
	}
	return errors.Join(w.Flush(), file.Close())
}

// writeRun writes a run of as many comparisons.
func writeRun(dir string, random *rand.Rand) error {
	if err := os.MkdirAll(dir, 0o777); err != nil {
		return err
	}
	run := &results.Run{
		ID: "bars", Scenario: "bars", Protocol: results.Protocol, Question: "Can a thousand comparisons be shown?", Started: time.Unix(1_700_000_000, 0).UTC(),
		Package: "example.org/bars", Host: results.Host{GOOS: "linux", GOARCH: "amd64", CPU: "AMD EPYC", Cores: 2, Go: "go1.26.8"},
		Plan:     results.Plan{Seed: 7, Alpha: 0.05, Looks: verdict.Looks(blocks), BudgetMS: 1},
		Metrics:  []results.Metric{{Unit: "ns/op", Better: "lower", Margin: 0.03}},
		Variants: []results.Variant{{Name: "old", Base: true}, {Name: "new"}},
	}
	for i := range benchmarks {
		run.Plan.Cases = append(run.Plan.Cases, results.PlannedCase{
			Case: fmt.Sprintf("Work/case=%d", i), N: 1000, Variants: []string{"old", "new"},
			Pairs: []results.Pair{{Base: "old", Variant: "new"}}, Metrics: []string{"ns/op"},
		})
	}
	w, err := results.Create(dir, run)
	if err != nil {
		return err
	}
	for block := 1; block <= blocks; block++ {
		var trials []*results.Trial
		for i := range benchmarks {
			for order, variant := range []string{"old", "new"} {
				ratio := 1.0
				if order == 1 {
					ratio += 0.0001 * float64(i%300) // some are the same, some slower
				}
				trials = append(trials, &results.Trial{
					Case: fmt.Sprintf("Work/case=%d", i), Block: block, Order: order + 1, Variant: variant, Outcome: results.OK, Binary: "0123456789ab",
					StartMS: int64(block), WallMS: 20, UserMS: 19, Iterations: 1000,
					Values: []results.Value{{Value: math.Round(1000*ratio*float64(100+i)*math.Exp(0.05*random.NormFloat64())) / 1000, Unit: "ns/op"}},
				})
			}
		}
		if err := w.Append(trials...); err != nil {
			return err
		}
	}
	return errors.Join(w.Finish(results.Done{Why: "last block"}), w.Close())
}

// A cost is what a command took.
type cost struct {
	wall, cpu time.Duration
	bytes     int64 // resident at most
}

// measured runs a command. On Linux a child's peak begins at its parent's when it was started, so what is less than this
// process's own says nothing; it keeps its own small.
func measured(cores string, command ...string) (cost, error) {
	cmd := exec.Command(command[0], command[1:]...)
	if cores != "" {
		cmd = exec.Command("taskset", append([]string{"-c", cores}, command...)...)
	}
	var printed strings.Builder
	cmd.Stderr = &printed
	began := time.Now()
	err := cmd.Run()
	took := time.Since(began)
	if err != nil {
		return cost{}, fmt.Errorf("%s: %w\n%s", strings.Join(command, " "), err, printed.String())
	}
	usage := cmd.ProcessState.SysUsage().(*syscall.Rusage)
	return cost{took, cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime(), usage.Maxrss << 10}, nil
}

// plain compares the table of plain files with benchstat's, in turn.
func (f files) plain(table io.Writer) error {
	var ours, theirs []cost
	for range repeats {
		for _, side := range []struct {
			list    *[]cost
			command []string
		}{{&ours, []string{f.tunelab, "show", f.old, f.new}}, {&theirs, []string{f.benchstat, f.old, f.new}}} {
			c, err := measured("", side.command...)
			if err != nil {
				return err
			}
			*side.list = append(*side.list, c)
		}
	}
	wall := func(c cost) float64 { return c.wall.Seconds() }
	size := func(c cost) float64 { return float64(c.bytes) / (1 << 20) }
	fmt.Fprintf(table, "%d plain result lines: s\t%.2f\t%.2f\tat most as long\t\n", 2*benchmarks*lines, middle(ours, wall), middle(theirs, wall))
	fmt.Fprintf(table, "the same: MiB\t%.0f\t%.0f\tat most twice\t\n", middle(ours, size), middle(theirs, size))
	return nil
}

// judged measures the verdicts of the run, and its page.
func (f files) judged(table io.Writer) error {
	var costs []cost
	for range 3 {
		c, err := measured("0", f.tunelab, "show", f.run)
		if err != nil {
			return err
		}
		costs = append(costs, c)
	}
	fmt.Fprintf(table, "%d comparisons of %d blocks, verdicts on one core: s\t%.2f\t\tat most 10\t\n", benchmarks, blocks, middle(costs, func(c cost) float64 { return c.wall.Seconds() }))
	fmt.Fprintf(table, "the same: MiB\t%.0f\t\t\t\n", middle(costs, func(c cost) float64 { return float64(c.bytes) / (1 << 20) }))
	c, err := measured("", f.tunelab, "report", f.run)
	if err != nil {
		return err
	}
	info, err := os.Stat(filepath.Join(f.run, "page.html"))
	if err != nil {
		return err
	}
	fmt.Fprintf(table, "its page: s\t%.2f\t\t\t\n", c.wall.Seconds())
	fmt.Fprintf(table, "the same: MB\t%.2f\t\tunder 5\t\n", float64(info.Size())/1e6)
	return nil
}

func middle[T any](list []T, of func(T) float64) float64 {
	var values []float64
	for _, c := range list {
		values = append(values, of(c))
	}
	slices.Sort(values)
	return values[len(values)/2]
}
