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
	wall    time.Duration // of the last run that was asked for, 0 where that is not known
	beside  time.Duration // of that outside of the timed loop
	perOp   float64       // ns per operation while the timer was stopped, estimated from two runs of one process
	steal   float64       // ms
	foreign float64       // ms
	load    float64
}

// warmups is how many results each trial throws away before the one that counts.
func (s *session) warmups(name string) int {
	w, slice := time.Duration(s.scenario.Bench.Warmup), s.scenario.SliceOf(name, s.run.Quick)
	return int(math.Ceil(float64(w) / float64(slice)))
}

// attempt runs the benchmark of a case once, n iterations, or as many as take about the time wanted when n is 0.
func (s *session) attempt(ctx context.Context, v scenarios.Variant, name string, wanted time.Duration, n int, timeout time.Duration) (attempt, error) {
	began := time.Now()
	before, beforeErr := s.system.Read()
	run := s.plain
	if s.binary(v).bench.serves {
		run = s.served
	}
	a, err := run(ctx, v, name, wanted, n, timeout)
	if err != nil {
		return attempt{}, fmt.Errorf("running %s of variant %s: %w", name, v.Name, err)
	}
	if after, err := s.system.Read(); err == nil && beforeErr == nil {
		delta := after.Since(before)
		a.steal = float64(delta.StealMS)
		a.foreign = float64(delta.ForeignMS(a.exit.User + a.exit.System))
		if after.Load != nil {
			a.load = after.Load.One
		}
	}
	a.took = time.Since(began)
	return a, nil
}

// plain is an attempt in a process that is told what to do by flags.
func (s *session) plain(ctx context.Context, v scenarios.Variant, name string, wanted time.Duration, n int, timeout time.Duration) (attempt, error) {
	benchmark := s.names[name][v.Name]
	count := 1 + s.warmups(name)
	benchtime := wanted.String()
	if n > 0 {
		benchtime = fmt.Sprintf("%dx", n)
	}
	more := []string{"-test.benchtime=" + benchtime}
	if count > 1 {
		more = append(more, fmt.Sprintf("-test.count=%d", count))
	}
	spec := s.spec(v, timeout, s.plainArgs(Anchored("Benchmark"+benchmark), more...)...)
	exit, err := s.limited(ctx, v, spec)
	if err != nil {
		return attempt{}, err
	}
	a := attempt{exit: exit, outcome: results.OK}
	a.judge(spec, benchmark, n, count, s.scenario.Metrics.Primary)
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

// hidden is the time in ns that an operation takes while the timer stands: what grows with the iterations and is not in
// ns/op. Below what a slice's timed loop takes it is nothing that matters.
func (a *attempt) hidden() float64 {
	if a.perOp < nsPerOp(a.line) {
		return 0
	}
	return a.perOp
}

// setUp is about what one call of the benchmark's function takes beside its operations, 0 where that is not known.
func (a *attempt) setUp() time.Duration {
	return max(0, a.beside-time.Duration(a.hidden()*float64(a.line.n)))
}

// judgeExit decides whether the process ended well.
func (a *attempt) judgeExit(spec process.Spec) bool {
	switch {
	case a.exit.TimedOut:
		a.fail(results.Timeout, "%s", a.exit.Why(spec))
	case a.exit.OutOfMemory || !a.exit.Ok() && strings.Contains(string(a.exit.Stdout)+string(a.exit.Stderr), "fatal error: runtime: out of memory"):
		a.fail(results.OOM, "%s", a.exit.Why(spec))
	case !a.exit.Ok():
		a.fail(results.Failed, "%s%s", a.exit.Why(spec), reason(a.exit.Tail(maxTail)))
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
