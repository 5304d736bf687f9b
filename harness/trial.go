package harness

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"tunelab/harness/internal/process"
	"tunelab/results"
	"tunelab/scenarios"
)

// An attempt is one process that ran one benchmark, before it is known whether it counts.
type attempt struct {
	exit    process.Exit
	line    *line
	outcome results.Outcome
	why     string
	took    time.Duration // the whole attempt, what the harness does around the process included
	steal   float64       // ms
	foreign float64       // ms
	load    float64
}

// warmups is how many results each trial throws away before the one that counts.
func (s *session) warmups(name string) int {
	w, slice := time.Duration(s.scenario.Bench.Warmup), s.scenario.SliceOf(name, s.run.Quick)
	return int(math.Ceil(float64(w) / float64(slice)))
}

// attempt runs the benchmark of a case once, with benchtime as -test.benchtime has it; n is the number of iterations
// that must come out of it, 0 for any.
func (s *session) attempt(ctx context.Context, v scenarios.Variant, name, benchtime string, n int, timeout time.Duration) (attempt, error) {
	began := time.Now()
	benchmark := s.names[name][v.Name]
	count := 1 + s.warmups(name)
	spec := s.spec(v, timeout,
		"-test.run=^$", "-test.bench="+Anchored("Benchmark"+benchmark), "-test.benchtime="+benchtime,
		fmt.Sprintf("-test.count=%d", count), "-test.benchmem", "-test.v=test2json", "-test.timeout=0")
	before, beforeErr := s.system.Read()
	exit, err := s.limited(ctx, v, spec)
	if err != nil {
		return attempt{}, fmt.Errorf("running %s of variant %s: %w", name, v.Name, err)
	}
	a := attempt{exit: exit, outcome: results.OK}
	if after, err := s.system.Read(); err == nil && beforeErr == nil {
		delta := after.Since(before)
		a.steal = float64(delta.StealMS)
		a.foreign = float64(delta.ForeignMS(exit.User + exit.System))
		if after.Load != nil {
			a.load = after.Load.One
		}
	}
	a.judge(spec, benchmark, n, count, s.scenario.Metrics.Primary)
	a.took = time.Since(began)
	return a, nil
}

// judge decides how the attempt ended.
func (a *attempt) judge(spec process.Spec, benchmark string, n, count int, primary []string) {
	l, lines, err := resultOf(a.exit.Stdout, benchmark)
	a.line = l
	switch {
	case !a.judgeExit(spec):
	case err != nil:
		a.fail(results.Failed, "%v", err)
	case l == nil:
		a.fail(results.Failed, "ended with status 0 but printed no result line of Benchmark%s", benchmark)
	case lines != count:
		a.fail(results.Failed, "printed %d result lines, not %d", lines, count)
	default:
		if err := l.validate(n, primary); err != nil {
			a.fail(results.Failed, "%v", err)
		}
	}
}

// judgeExit decides whether the process ended well.
func (a *attempt) judgeExit(spec process.Spec) bool {
	switch {
	case a.exit.TimedOut:
		a.fail(results.Timeout, "%s", a.exit.Why(spec))
	case a.exit.OutOfMemory || !a.exit.Ok() && strings.Contains(string(a.exit.Stderr), "fatal error: runtime: out of memory"):
		a.fail(results.OOM, "%s", a.exit.Why(spec))
	case !a.exit.Ok():
		a.fail(results.Failed, "%s", a.exit.Why(spec))
	case a.exit.Left > 0:
		a.fail(results.Failed, "left %d processes running when it ended; they were ended, and what they did besides is unknown", a.exit.Left)
	}
	return a.outcome == results.OK
}

func (a *attempt) fail(o results.Outcome, format string, args ...any) {
	a.outcome, a.why = o, fmt.Sprintf(format, args...)
}

// record makes the attempt a trial of the file.
func (a *attempt) record(c results.PlannedCase, block, order int, v scenarios.Variant, bin *binary, start time.Duration) results.Trial {
	t := results.Trial{
		Layout: bin.layout, Case: c.Case, Block: block, Order: order, Variant: v.Name, Axes: v.Axes, Outcome: a.outcome, Why: a.why, Binary: bin.trimmed,
		StartMS: start.Milliseconds(), WallMS: ms(a.exit.Wall), UserMS: ms(a.exit.User), SystemMS: ms(a.exit.System),
		StealMS: a.steal, ForeignMS: a.foreign, Load1: a.load,
		Voluntary: a.exit.Voluntary, Involuntary: a.exit.Involuntary, Procs: c.Procs,
	}
	if a.outcome != results.OK {
		t.Output = a.exit.Tail(maxTail)
	}
	if a.line != nil {
		t.Iterations = a.line.n
		for _, v := range a.line.values {
			if !math.IsNaN(v.Value) && !math.IsInf(v.Value, 0) {
				t.Values = append(t.Values, v)
			}
		}
	}
	return t
}

// ms returns d in milliseconds, to the microsecond.
func ms(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }
