package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"time"

	"tunelab/harness/internal/process"
	"tunelab/harness/internal/serve"
	"tunelab/results"
	"tunelab/scenarios"
)

// Instructions per operation are a second signal: of a metric of their own, with its own noise, and no stand-in for
// time. They are counted in processes of their own, with one processor and without garbage collections (GOMAXPROCS=1,
// GOGC=off): the count of a run of N₂ iterations less that of N₁, divided by N₂ - N₁, so that starting the process, and
// what testing does, cancels.
const (
	// countedTime is about how long the longer of the two runs would take without being counted. Callgrind makes it fifty
	// times as long.
	countedTime = 10 * time.Millisecond
	// countShare is how much of the budget counting may take.
	countShare   = 0.3
	countTimeout = 5 * time.Minute
)

// errCounting is in errors about a case in which instructions can't be counted.
var errCounting = errors.New("its instructions are not counted")

// wantsCount reports whether the scenario asks for instructions.
func (s *session) wantsCount() bool {
	return slices.Contains(s.scenario.Metrics.Primary, results.Instructions)
}

// countTool returns what counts here: the processor where it can, or else callgrind.
func countTool() (string, error) {
	if process.Instructions.Available() == nil {
		return "perf", nil
	}
	if _, err := exec.LookPath("valgrind"); err != nil {
		return "", fmt.Errorf("%w: this machine has no counter for them, and no valgrind: apt-get install valgrind", errCounting)
	}
	return "callgrind", nil
}

// planCount finds out, on the base, whether the case's instructions can be counted and in what time.
func (s *session) planCount(ctx context.Context, c *results.PlannedCase, v scenarios.Variant, perOp float64) error {
	switch {
	case !s.wantsCount():
		return nil
	case s.scenario.HasSubject():
		return fmt.Errorf("%w: they would be those of the load generator, not of the subject", errCounting)
	case !(perOp > 0):
		return fmt.Errorf("%w: the benchmark hides its time", errCounting)
	}
	tool, err := countTool()
	if err != nil {
		return err
	}
	n := max(2, int(float64(countedTime)/perOp))
	count := results.Counting{Tool: tool, From: (n + 1) / 2, To: n}
	began := time.Now()
	_, err = s.count(ctx, c.Case, v, count)
	if errors.Is(err, errCounting) && tool == "perf" { // some virtual machines have a counter that stands still
		count.Tool, began = "callgrind", time.Now()
		_, err = s.count(ctx, c.Case, v, count)
	}
	if err != nil {
		return err
	}
	count.CostMS = ms(time.Since(began))
	if all := count.CostMS * results.CountBlocks * float64(len(s.names[c.Case])); all > countShare*ms(s.options.Budget) {
		return fmt.Errorf("%w: by %s that would take %.0f s, more than %.0f %% of the budget", errCounting, count.Tool, all/1000, 100*countShare)
	}
	c.Counting = &count
	c.Metrics = append(c.Metrics, results.Instructions)
	return nil
}

// countCost is what counting the cases takes.
func (s *session) countCost(cases []results.PlannedCase) time.Duration {
	sum := 0.0
	for _, c := range cases {
		if c.Counting != nil {
			sum += results.CountBlocks * float64(len(c.Variants)) * c.Counting.CostMS
		}
	}
	return time.Duration(sum * float64(time.Millisecond))
}

// countAll counts what the plan says and the file lacks.
func (s *session) countAll(ctx context.Context, courses []*course) error {
	for block := 1; block <= results.CountBlocks; block++ {
		for _, c := range courses {
			if c.plan.Counting == nil {
				continue
			}
			for place, name := range blockOrder(s.run.Plan.Seed^countSeed, c.plan.Case, block, c.plan.Variants) {
				if s.counted(c.plan.Case, block, name) {
					continue
				}
				t, err := s.countTrial(ctx, c.plan, block, place+1, name)
				if err := s.keep(c, []results.Trial{t}, err); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// countSeed tells the orders of blocks that count from those that measure.
const countSeed = 0x636f756e74

// counted reports whether an interrupted run has counted that already.
func (s *session) counted(name string, block int, variant string) bool {
	return slices.ContainsFunc(s.trials, func(t results.Trial) bool {
		return t.Counted != "" && t.Case == name && t.Block == block && t.Variant == variant
	})
}

func (s *session) countTrial(ctx context.Context, c results.PlannedCase, block, order int, name string) (results.Trial, error) {
	v, _ := s.scenario.Variant(name)
	start, began := s.elapsed(), time.Now()
	t := results.Trial{
		Case: c.Case, Block: block, Order: order, Variant: name, Axes: v.Axes, Outcome: results.OK, Counted: c.Counting.Tool,
		Binary: s.binary(v).varied().trimmed, StartMS: start.Milliseconds(), Procs: c.Procs, Iterations: c.Counting.To - c.Counting.From,
	}
	perOp, err := s.count(ctx, c.Case, v, *c.Counting)
	t.WallMS = ms(time.Since(began))
	switch {
	case errors.Is(err, errCounting):
		t.Outcome, t.Why = results.Failed, err.Error()
	case err != nil:
		return t, err
	default:
		t.Values = []results.Value{{Value: perOp, Unit: results.Instructions}}
	}
	return t, nil
}

// count returns the instructions of one operation.
func (s *session) count(ctx context.Context, name string, v scenarios.Variant, c results.Counting) (float64, error) {
	var counts [2]float64
	for i, n := range []int{c.From, c.To} {
		var err error
		if counts[i], err = s.countRun(ctx, name, v, c.Tool, n); err != nil {
			return 0, err
		}
	}
	perOp := (counts[1] - counts[0]) / float64(c.To-c.From)
	if !(perOp > 0) {
		return 0, fmt.Errorf("%w: %d iterations took %.0f instructions and %d took %.0f", errCounting, c.From, counts[0], c.To, counts[1])
	}
	return perOp, nil
}

// countRun returns the instructions of a process that runs n iterations.
func (s *session) countRun(ctx context.Context, name string, v scenarios.Variant, tool string, n int) (float64, error) {
	limit := min(countTimeout, time.Duration(countShare*float64(s.options.Budget))) // its cost is not known the first time
	bin, benchmark := s.binary(v).bench, s.names[name][v.Name]
	out := filepath.Join(s.scratch, "callgrind.out")
	wrap := func(spec process.Spec) process.Spec {
		if tool == "perf" {
			spec.Count = &process.Instructions
			return spec
		}
		spec.Args = slices.Concat([]string{"--tool=callgrind", "--callgrind-out-file=" + out, "--", spec.Path}, spec.Args)
		spec.Path = "valgrind"
		return spec
	}
	args := s.benchArgs(Anchored("Benchmark" + benchmark))
	if !bin.serves {
		args = s.plainArgs(Anchored("Benchmark"+benchmark), fmt.Sprintf("-test.benchtime=%dx", n))
	}
	spec := s.spec(v, limit, args...)
	spec.Env = withEnv(spec.Env, map[string]string{"GOMAXPROCS": "1", "GOGC": "off"})
	exit, why, err := s.countedExit(ctx, v, bin, spec, wrap, n, benchmark)
	if err != nil {
		return 0, fmt.Errorf("counting the instructions of %s of variant %s: %w", name, v.Name, err)
	}
	if !exit.Ok() {
		return 0, fmt.Errorf("%w: %s: %s", errCounting, exit.Why(spec), exit.Tail(maxTail))
	}
	if why != nil {
		return 0, fmt.Errorf("%w: %w: %s", errCounting, why, exit.Tail(maxTail))
	}
	if tool == "perf" {
		if !exit.Counted {
			return 0, fmt.Errorf("%w: the counter could not be read", errCounting)
		}
		return float64(exit.Count), nil
	}
	text, err := os.ReadFile(out)
	if err != nil {
		return 0, fmt.Errorf("%w: %w", errCounting, err)
	}
	return callgrindTotal(text)
}

// countedExit runs n iterations in a process that is counted, and returns how it ended. Why is why there was no result.
func (s *session) countedExit(ctx context.Context, v scenarios.Variant, bin *binary, spec process.Spec, wrap func(process.Spec) process.Spec, n int, benchmark string) (exit process.Exit, why, err error) {
	if !bin.serves {
		exit, err = s.children.Run(ctx, wrap(spec))
		return exit, nil, err
	}
	t, err := s.talk(v, bin, spec, wrap)
	if err != nil {
		return exit, nil, err
	}
	_, _, why = t.run(ctx, n, serve.AnyCPU, "", benchmark, spec.Timeout)
	exit, err = t.end(ctx)
	return exit, why, err
}

var totals = regexp.MustCompile(`(?m)^(?:totals|summary): (\d+)$`)

// callgrindTotal returns the instructions in a file that callgrind wrote.
func callgrindTotal(text []byte) (float64, error) {
	found := totals.FindSubmatch(text)
	if found == nil {
		return 0, fmt.Errorf("%w: callgrind wrote no total", errCounting)
	}
	return strconv.ParseFloat(string(found[1]), 64)
}
