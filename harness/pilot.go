package harness

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"tunelab/results"
	"tunelab/scenarios"
)

func firstLine(s string) string {
	first, _, _ := strings.Cut(s, "\n")
	return first
}

// errCase is in the error about a case that the pilot could not run: the case is left out, the run goes on.
var errCase = errors.New("the pilot failed")

// errMetric is in the error about a case that reports nothing that is to be judged.
var errMetric = errors.New("the case reports none of the primary metrics")

// errAllowed ends a pilot whose outcome is one that the scenario allows.
var errAllowed = errors.New("the pilot ended as it may")

// pilot finds, on the base alone, how many iterations make a trial of the wanted length, and what a trial costs. It may take
// until left is used up, or a little longer.
// Where only other variants have the case, the first of them stands in. A pilot that ends in a way which the scenario
// allows takes the number of iterations from a case before, so that how the trials end can be counted.
func (s *session) pilot(ctx context.Context, name string, quick bool, left, levels time.Duration, before []results.PlannedCase) (results.PlannedCase, error) {
	p := &piloting{session: s, v: s.pilotVariant(name), slice: s.scenario.SliceOf(name, quick), before: before}
	p.c.Case = name
	p.timeout = time.Duration(s.scenario.Bench.Timeout)
	if p.limit = p.timeout; p.limit == 0 {
		p.limit = min(20*p.slice*time.Duration(1+s.warmups(name))+30*time.Second, max(left, leastPilot))
	}
	err := p.iterations(ctx)
	if errors.Is(err, errAllowed) {
		return p.c, nil
	}
	if err != nil {
		return p.c, err
	}
	if err := p.metrics(); err != nil {
		return p.c, err
	}
	if err := s.planCount(ctx, &p.c, p.v, nsPerOp(p.last.line)); errors.Is(err, errCounting) {
		p.c.Warnings = append(p.c.Warnings, err.Error())
	} else if err != nil {
		return p.c, err
	}
	p.limits()
	n := p.c.N
	if err := s.levels(ctx, &p.c, p.v, &p.last, levels); err != nil {
		return p.c, err
	}
	p.shorten(n, left)
	if !p.c.Alternates() {
		err = p.cost(ctx, left)
	}
	if errors.Is(err, errAllowed) {
		return p.c, nil
	}
	return p.c, err
}

// leastPilot is how long a process of the pilot may take at least.
const leastPilot = 5 * time.Second

// A piloting is one case's pilot.
type piloting struct {
	*session
	c       results.PlannedCase
	v       scenarios.Variant
	slice   time.Duration
	timeout time.Duration // of a trial, by the scenario; 0: none
	limit   time.Duration // of a process
	before  []results.PlannedCase
	last    attempt
	full    bool // that was a whole trial
}

// attempt runs the case once, and keeps how it went.
func (p *piloting) attempt(ctx context.Context, wanted time.Duration, n int) error {
	name := p.c.Case
	a, err := p.session.attempt(ctx, p.v, name, wanted, n, p.limit)
	if err != nil {
		return err
	}
	p.c.Pilot = append(p.c.Pilot, a.exit.Wall.Milliseconds())
	if like, ok := alike(name, p.before); ok && p.allowed(p.v.Name, a.outcome) {
		p.c.N, p.c.Procs, p.c.Metrics, p.c.TimeoutMS = like.N, like.Procs, like.Metrics, like.TimeoutMS
		p.c.BlockMS = max(ms(a.took), like.BlockMS/float64(len(like.Variants)))
		p.c.Warnings = append(p.c.Warnings, fmt.Sprintf("the pilot of %s ended %s; the number of iterations is that of %s", p.v.Name, a.outcome, like.Case))
		return errAllowed
	}
	if a.outcome != results.OK {
		return fmt.Errorf("%w: %s of variant %s: %s\n%s", errCase, name, p.v.Name, a.why, a.exit.Tail(maxTail))
	}
	p.last, p.full = a, n > 0
	return nil
}

// iterations finds how many make a trial. Where processes may alternate it is not made sure by a whole trial: a slice is
// shorter.
func (p *piloting) iterations(ctx context.Context) error {
	short := max(p.slice/4, time.Millisecond)
	if err := p.attempt(ctx, short, 0); err != nil {
		return err
	}
	n := iterations(p.slice, short, &p.last)
	fresh := p.whyFresh(&results.PlannedCase{Case: p.c.Case, Metrics: p.scenario.Metrics.Primary}) != ""
	for range 2 { // the second time only where the first guess was far off
		if !fresh {
			break
		}
		if err := p.attempt(ctx, p.slice, n); err != nil {
			return err
		}
		better := iterations(p.slice, p.slice, &p.last)
		if nsPerOp(p.last.line) == 0 || n == 1 && better == 1 || within(n, better, 1.5) {
			break
		}
		n = better
	}
	p.c.N = n
	p.c.Procs = p.last.line.procs
	return nil
}

// cost finds what a whole trial costs, unless that is known, or is so much of the time left that it is better spent on
// blocks: then it is reckoned from the shorter one.
func (p *piloting) cost(ctx context.Context, left time.Duration) error {
	if whole := p.last.took + p.last.setUp() + p.slice; !p.full && whole > left/(2*LeastBlocks) {
		p.c.BlockMS = ms(whole)
		p.c.TimeoutMS = max(p.c.TimeoutMS, (10*whole + 10*time.Second).Milliseconds())
		return nil
	}
	if !p.full {
		if err := p.attempt(ctx, p.slice, p.c.N); err != nil {
			return err
		}
	}
	p.c.BlockMS = ms(p.last.took)
	p.limits()
	return nil
}

// shorten makes the blocks of processes that alternate so short that twelve fit the time left: with fewer hardly anything can
// be decided. Where not even the fewest rounds do, each process runs alone, n iterations.
func (p *piloting) shorten(n int, left time.Duration) {
	l := p.c.Processes
	if !p.c.Alternates() {
		return
	}
	each := ms(left) / float64(LeastBlocks*len(p.names[p.c.Case]))
	fitting := int((each - l.StartMS) / l.CostMS)
	switch {
	case fitting >= l.Rounds:
		return
	case fitting >= leastRounds:
		l.Rounds = fitting
		p.c.BlockMS = l.StartMS + float64(l.Rounds)*l.CostMS
	case ms(p.last.took)+ms(p.slice) < p.c.BlockMS: // or it would be no better alone
		p.c.Processes, p.c.N = &results.Levels{Why: "the budget has no room for twelve blocks of processes that are kept alive"}, n
	}
}

// limits sets a trial's limit by the last process.
func (p *piloting) limits() {
	timeout := p.timeout
	if timeout == 0 {
		timeout = 10*p.last.exit.Wall + 10*time.Second
	}
	p.c.TimeoutMS = timeout.Milliseconds()
}

// metrics notes which of the primary metrics the case reports.
func (p *piloting) metrics() error {
	values := p.last.line.values
	for _, unit := range p.scenario.Metrics.Primary {
		if slices.ContainsFunc(values, func(v results.Value) bool { return v.Unit == unit }) {
			p.c.Metrics = append(p.c.Metrics, unit)
		}
	}
	if len(p.c.Metrics) > 0 {
		return nil
	}
	var has []string
	for _, v := range values {
		has = append(has, v.Unit)
	}
	return fmt.Errorf("%w: %w; it reports %s", errCase, errMetric, strings.Join(has, ", "))
}

// alike returns the last case before that is of the same benchmark.
func alike(name string, before []results.PlannedCase) (results.PlannedCase, bool) {
	benchmark, _, _ := strings.Cut(name, "/")
	for _, c := range slices.Backward(before) {
		if first, _, _ := strings.Cut(c.Case, "/"); first == benchmark {
			return c, true
		}
	}
	return results.PlannedCase{}, false
}

func (s *session) pilotVariant(name string) scenarios.Variant {
	for _, v := range s.baseFirst() {
		if s.names[name][v.Name] != "" {
			return v
		}
	}
	return s.scenario.Base()
}

func nsPerOp(l *line) float64 {
	for _, v := range l.values {
		if v.Unit == "ns/op" {
			return v.Value
		}
	}
	return 0
}

// iterations returns how many make a slice, by a trial that was asked for benchtime: two significant digits, rounded
// up from a quarter of the last on, so that a schedule's round number of operations, on which its quantiles depend,
// stays that number. Where an operation takes time while the timer stands, that counts too.
func iterations(slice, benchtime time.Duration, a *attempt) int {
	n := float64(slice) / float64(cmp.Or(a.wall, benchtime)) * float64(a.line.n) // when the benchmark hides its time
	if per := nsPerOp(a.line) + a.hidden(); per > 0 {
		n = float64(slice) / per
	}
	n = min(max(n, 1), 1e12)
	if n < 10 {
		return int(math.Ceil(n - 0.5))
	}
	unit := math.Pow(10, math.Floor(math.Log10(n))-1)
	return int(math.Ceil(n/unit-0.25) * unit)
}

func within(a, b int, factor float64) bool {
	r := float64(a) / float64(b)
	return r <= factor && r >= 1/factor
}
